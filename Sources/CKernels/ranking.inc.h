// What is counted along a row of squared distances. Distances that are infinite belong to pairs that
// do not count.

typedef __typeof__((vector)0 < (vector)0) lane_flags;

/// The sum of the lanes of flags, which are 0 or -1, negated.
static inline ptrdiff_t counted(lane_flags flags) {
  ptrdiff_t sum = 0;
  for (int j = 0; j < LANES; j++) sum -= (ptrdiff_t)flags[j];
  return sum;
}

static ptrdiff_t squares_from_products(void *px, const void *pnorms, double row_norm, double share,
                                       ptrdiff_t count) {
  REAL *x = px;
  const REAL *norms = pnorms;
  REAL norm = (REAL)row_norm, limit = (REAL)share;
  lane_flags flags = 0;
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector sum = norm + *(const vector *)(norms + i);
    vector square = sum - 2 * *(const vector *)(x + i);
    *(vector *)(x + i) = square;
    flags += square < sum * limit;
  }
  ptrdiff_t found = counted(flags);
  for (; i < count; i++) {
    REAL sum = norm + norms[i], square = sum - 2 * x[i];
    x[i] = square;
    found += square < sum * limit;
  }
  return found;
}

static ptrdiff_t count_before(const void *px, double limit, ptrdiff_t ties, ptrdiff_t count) {
  const REAL *x = px;
  REAL bound = (REAL)limit;
  ptrdiff_t found = 0, i = 0;
  // Sums of flags stay small enough for the least type: a line is far shorter than 2^31 lanes.
  lane_flags upto = 0, below = 0;
  for (; i + LANES <= ties; i += LANES) upto += *(const vector *)(x + i) <= bound;
  for (; i < ties; i++) found += x[i] <= bound;
  for (; i + LANES <= count; i += LANES) below += *(const vector *)(x + i) < bound;
  for (; i < count; i++) found += x[i] < bound;
  return found + counted(upto) + counted(below);
}

/// Numbers of 0 or more, cut into bins of about 0.2 % relative width in ascending order.
static inline uint32_t bin_of(REAL x) {
  float narrow = (float)x;
  uint32_t bits;
  __builtin_memcpy(&bits, &narrow, sizeof(bits));
  return bits >> 14;
}

static void count_bins(int64_t *bins, const void *px, ptrdiff_t count) {
  const REAL *x = px;
  for (ptrdiff_t i = 0; i < count; i++) bins[bin_of(x[i])]++;
}

typedef double wide_vector __attribute__((ext_vector_type(LANES)));

static double sum_of_roots(const void *px, ptrdiff_t count) {
  const REAL *x = px;
  REAL infinity = (REAL)__builtin_inf();
  wide_vector sums = 0;
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    vector square = load(x + i, lanes(count - i));
    square = square < infinity ? square : 0;
    sums += __builtin_elementwise_sqrt(__builtin_convertvector(square, wide_vector));
  }
  double sum = 0;
  for (int j = 0; j < LANES; j++) sum += sums[j];
  return sum;
}

static ptrdiff_t places_marked(int32_t *places, const void *px, const uint8_t *marks,
                               ptrdiff_t count) {
  const REAL *x = px;
  ptrdiff_t found = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    places[found] = (int32_t)i;
    found += marks[bin_of(x[i])];
  }
  return found;
}

static ptrdiff_t places_within(int32_t *places, const void *px, double limit, ptrdiff_t count) {
  const REAL *x = px;
  REAL bound = (REAL)limit;
  ptrdiff_t found = 0, i = 0;
  for (; i + LANES <= count; i += LANES) {
    lane_bits within = __builtin_convertvector(*(const vector *)(x + i) <= bound, lane_bits);
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &within, sizeof(within));
    bits &= ((uint64_t)1 << LANES) - 1;
    for (; bits; bits &= bits - 1) places[found++] = (int32_t)(i + __builtin_ctzll(bits));
  }
  for (; i < count; i++)
    if (x[i] <= bound) places[found++] = (int32_t)i;
  return found;
}

/// The first place from `equal`, whose value is v, up to `end` whose ascending value is not v. Ties may
/// be most of the values, so the steps grow.
static inline ptrdiff_t end_of_ties(const REAL *values, ptrdiff_t equal, ptrdiff_t end, REAL v) {
  ptrdiff_t step = 1;
  while (equal + step < end && values[equal + step] == v) {
    equal += step;
    step *= 2;
  }
  ptrdiff_t above = least(end, equal + step);
  while (above - equal > 1) {
    ptrdiff_t middle = (equal + above) / 2;
    if (values[middle] == v)
      equal = middle;
    else
      above = middle;
  }
  return above;
}

static int64_t twice_below(const void *px, ptrdiff_t count, ck_ladder ladder) {
  const REAL *x = px, *values = ladder.values;
  REAL first = values[0], last = values[ladder.count - 1];
  REAL low = (REAL)ladder.low, scale = (REAL)ladder.scale;
  int64_t sum = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    REAL v = x[i];
    if (v < first || !(v < (REAL)__builtin_inf())) continue;
    if (v > last) {
      sum += 2 * ladder.count;
      continue;
    }
    ptrdiff_t part = least(ladder.parts - 1, (ptrdiff_t)((v - low) * scale));
    ptrdiff_t below = ladder.starts[part], above = ladder.starts[part + 1];
    while (above - below > 8) {
      ptrdiff_t middle = (below + above) / 2;
      if (values[middle] < v)
        below = middle + 1;
      else
        above = middle;
    }
    while (below < above && values[below] < v) below++;
    sum += 2 * below;
    if (below < ladder.count && values[below] == v)
      sum += end_of_ties(values, below, ladder.count, v) - below;
  }
  return sum;
}
