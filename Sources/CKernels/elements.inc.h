// Loops over elements.

#define FOR_EACH(EXPRESSION)                        \
  for (ptrdiff_t i = 0; i < count; i += LANES) {    \
    ptrdiff_t filled = lanes(count - i);            \
    vector a = load((const REAL *)px + i, filled);  \
    store((REAL *)py + i, EXPRESSION, filled);      \
  }                                                 \
  break

static void map(int operation, void *py, const void *px, double value, ptrdiff_t count) {
  REAL number = (REAL)value;
  switch (operation) {
    case CK_SCALE: FOR_EACH(a * number);
    case CK_SHIFT: FOR_EACH(a + number);
    case CK_EXP: FOR_EACH(exponential(a));
    case CK_LOG: FOR_EACH(logarithm(a));
    case CK_RELU: FOR_EACH(a <= 0 ? (vector)0 : a);
    case CK_SQUARE_ROOT: FOR_EACH(__builtin_elementwise_sqrt(a));
    case CK_ABSOLUTE: FOR_EACH(__builtin_elementwise_abs(a));
    case CK_SOFTPLUS: FOR_EACH(soft_plus(a));
    case CK_SIGMOID: FOR_EACH(logistic(a));
  }
}

#define FOR_BOTH(EXPRESSION)                        \
  for (ptrdiff_t i = 0; i < count; i += LANES) {    \
    ptrdiff_t filled = lanes(count - i);            \
    vector a = load((const REAL *)pa + i, filled);  \
    vector b = load((const REAL *)pb + i, filled);  \
    store((REAL *)py + i, EXPRESSION, filled);      \
  }                                                 \
  break

static void combine(int operation, void *py, const void *pa, const void *pb, ptrdiff_t count) {
  switch (operation) {
    case CK_ADD: FOR_BOTH(a + b);
    case CK_SUBTRACT: FOR_BOTH(a - b);
    case CK_MULTIPLY: FOR_BOTH(a * b);
    case CK_DIVIDE: FOR_BOTH(a / b);
    case CK_RELU_GRADIENT: FOR_BOTH(b > 0 ? a : (vector)0);
    case CK_SQUARE_ROOT_GRADIENT: FOR_BOTH(b == 0 ? (vector)0 : a / (2 * b));
    case CK_ABSOLUTE_GRADIENT: FOR_BOTH(b > 0 ? a : b < 0 ? -a : (vector)0);
    case CK_SOFTPLUS_GRADIENT: FOR_BOTH(a * logistic(b));
    case CK_TANH_GRADIENT: FOR_BOTH(a * (1 - b * b));
    case CK_SIGMOID_GRADIENT: FOR_BOTH(a * (b * (1 - b)));
  }
}

typedef double wide __attribute__((ext_vector_type(LANES)));

static double sum(const void *px, ptrdiff_t count) {
  wide totals[2] = {0, 0};
  for (ptrdiff_t i = 0; i < count; i += 2 * LANES)
    for (ptrdiff_t j = 0; j < 2; j++) {
      ptrdiff_t left = count - i - j * LANES;
      vector v = load((const REAL *)px + i + j * LANES, left < 0 ? 0 : lanes(left));
      totals[j] += __builtin_convertvector(v, wide);
    }
  wide both = totals[0] + totals[1];
  double total = 0;
  for (int j = 0; j < LANES; j++) total += both[j];
  return total;
}

// Clamped to [-1, 1] a difference u is the derivative s of Huber's function, which is s (u - s / 2).
static double huber(double *beyond, void *px, const void *py, ptrdiff_t count) {
  vector sum = 0, rest = 0;
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    ptrdiff_t filled = lanes(count - i);
    REAL *x = (REAL *)px + i;
    vector difference = load(x, filled) - load((const REAL *)py + i, filled);
    vector slope = difference > 1 ? (vector)1 : difference < -1 ? (vector)-1 : difference;
    store(x, difference - slope, filled);
    sum += slope * (difference - slope / 2);
    rest += __builtin_elementwise_abs(difference - slope);
  }
  *beyond = total(rest);
  return total(sum);
}

static void adamw(void *pp, const void *pg, void *pm, void *pv, ck_adamw numbers,
                  ptrdiff_t count) {
  REAL decay = (REAL)numbers.decay, rate = (REAL)numbers.rate, epsilon = (REAL)numbers.epsilon;
  REAL beta1 = (REAL)numbers.beta1, beta2 = (REAL)numbers.beta2;
  REAL share1 = (REAL)numbers.share1, share2 = (REAL)numbers.share2;
  REAL correction = (REAL)numbers.correction;
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    ptrdiff_t filled = lanes(count - i);
    REAL *p = (REAL *)pp + i, *m = (REAL *)pm + i, *v = (REAL *)pv + i;
    vector g = load((const REAL *)pg + i, filled);
    vector first = beta1 * load(m, filled) + share1 * g;
    vector second = beta2 * load(v, filled) + share2 * (g * g);
    store(m, first, filled);
    store(v, second, filled);
    vector length = __builtin_elementwise_sqrt(second) / correction + epsilon;
    store(p, load(p, filled) * decay - rate * first / length, filled);
  }
}

static void sgd(void *pp, const void *pg, void *pv, double rate, double momentum, double decay,
                int nesterov, ptrdiff_t count) {
  REAL step = (REAL)rate, kept = (REAL)momentum, shrink = (REAL)decay;
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    ptrdiff_t filled = lanes(count - i);
    REAL *p = (REAL *)pp + i, *v = (REAL *)pv + i;
    vector at = load(p, filled), g = load((const REAL *)pg + i, filled) + shrink * at;
    vector velocity = kept * load(v, filled) + g;
    store(v, velocity, filled);
    store(p, at - step * (nesterov ? g + kept * velocity : velocity), filled);
  }
}
