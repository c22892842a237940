// Loops over one row of pairs: a row's distances and what losses make of them.

static double product_of_rows(const void *a, const void *b, ptrdiff_t count) {
  return inner_product(a, b, count);
}

static double maximum(const void *px, ptrdiff_t count) {
  vector most = -(REAL)__builtin_inf();
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector x = load((const REAL *)px + i, LANES);
    most = x > most ? x : most;
  }
  REAL result = largest_lane(most);
  for (; i < count; i++) {
    REAL x = ((const REAL *)px)[i];
    result = x > result ? x : result;
  }
  return result;
}

static double exp_sum(void *py, const void *px, double peak, ptrdiff_t count) {
  REAL top = (REAL)peak;
  vector sum = 0;
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector y = exponential(load((const REAL *)px + i, LANES) - top);
    store((REAL *)py + i, y, LANES);
    sum += y;
  }
  REAL result = total(sum);
  if (i < count) {
    vector y = exponential(load((const REAL *)px + i, count - i) - top);
    store((REAL *)py + i, y, count - i);
    for (ptrdiff_t j = 0; j < count - i; j++) result += y[j];
  }
  return result;
}

typedef int32_t kind_vector __attribute__((ext_vector_type(LANES), aligned(4)));

/// The kinds of the first `count` pairs, and of no pairs, as numbers.
static inline __attribute__((always_inline)) vector load_kinds(const int32_t *kinds,
                                                               ptrdiff_t count) {
  if (count == LANES) return __builtin_convertvector(*(const kind_vector *)kinds, vector);
  vector v = 0;
  for (ptrdiff_t j = 0; j < count; j++) v[j] = kinds[j];
  return v;
}

/// Adds exponentials to what their columns have of each side, and to `sums`.
static inline __attribute__((always_inline)) void add_to_sides(vector sums[2], REAL *y,
                                                               REAL *const columns[2],
                                                               const REAL *x, lane_mask is_equal,
                                                               REAL slope, REAL peak,
                                                               ptrdiff_t filled) {
  vector e = exponential(slope * load(x, filled) - peak);
  store(y, e, filled);
  vector equal = is_equal ? e : (vector)0, other = is_equal ? (vector)0 : e;
  store(columns[0], load(columns[0], filled) + equal, filled);
  store(columns[1], load(columns[1], filled) + other, filled);
  sums[0] += equal;
  sums[1] += other;
}

static void exp_by_label(double *sums, void *py, void *pequal, void *pother, const void *px,
                         const int32_t *labels, int32_t label, double slope, double peak,
                         ptrdiff_t count) {
  vector found[2] = {0, 0};
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    REAL *columns[2] = {(REAL *)pequal + i, (REAL *)pother + i};
    kind_vector is_equal = *(const kind_vector *)(labels + i) == label;
    add_to_sides(found, (REAL *)py + i, columns, (const REAL *)px + i,
                 __builtin_convertvector(is_equal, lane_mask), (REAL)slope, (REAL)peak, LANES);
  }
  double rest[2] = {0, 0};
  if (i < count) {
    REAL *columns[2] = {(REAL *)pequal + i, (REAL *)pother + i};
    lane_mask is_equal = 0;
    for (ptrdiff_t j = 0; j < count - i; j++) is_equal[j] = labels[i + j] == label ? -1 : 0;
    vector ignored[2] = {0, 0};
    add_to_sides(ignored, (REAL *)py + i, columns, (const REAL *)px + i, is_equal, (REAL)slope,
                 (REAL)peak, count - i);
    for (ptrdiff_t j = 0; j < count - i; j++) rest[is_equal[j] ? 0 : 1] += ((REAL *)py)[i + j];
  }
  for (int side = 0; side < 2; side++) sums[side] = (double)total(found[side]) + rest[side];
}

#define EACH_PAIR                                                              \
  for (ptrdiff_t i = 0, filled; i < count && (filled = lanes(count - i), 1); i += LANES)

static void scale_sides(void *py, const void *px, const int32_t *kinds, const double *factors,
                        const double *offsets, ptrdiff_t count) {
  vector factor[2] = {(vector)(REAL)factors[0], (vector)(REAL)factors[1]};
  vector offset[2] = {(vector)(REAL)offsets[0], (vector)(REAL)offsets[1]};
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector y = x * (kind > 0 ? factor[0] : factor[1]) + (kind > 0 ? offset[0] : offset[1]);
    store((REAL *)py + i, kind == 0 ? (vector)0 : y, filled);
  }
}

static void side_maxima(double *largest, const void *px, const int32_t *kinds, double slope,
                        ptrdiff_t count) {
  vector lowest = -(REAL)__builtin_inf(), positive = lowest, negative = lowest;
  REAL factor = (REAL)slope;
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = factor * load((const REAL *)px + i, filled);
    positive = ((kind > 0) & (x > positive)) ? x : positive;
    negative = ((kind < 0) & (x > negative)) ? x : negative;
  }
  largest[0] = largest_lane(positive);
  largest[1] = largest_lane(negative);
}

/// Adds the exponentials of some pairs to the sums of their sides.
static inline __attribute__((always_inline)) void add_exponentials(
    vector sums[2], REAL *y, const REAL *x, const int32_t *kinds, REAL slope, const vector peak[2],
    int counting, ptrdiff_t filled) {
  vector kind = load_kinds(kinds, filled);
  lane_mask is_positive = kind > 0, is_negative = kind < 0;
  vector e = exponential(slope * load(x, filled) - (is_positive ? peak[0] : peak[1]));
  if (counting) e *= __builtin_elementwise_abs(kind);
  vector positive = is_positive ? e : (vector)0, negative = is_negative ? e : (vector)0;
  store(y, positive + negative, filled);
  sums[0] += positive;
  sums[1] += negative;
}

static inline __attribute__((always_inline)) void side_exp_of(double *sums, REAL *y, const REAL *x,
                                                              const int32_t *kinds, REAL slope,
                                                              const double *peaks, int counting,
                                                              ptrdiff_t count) {
  vector peak[2] = {(vector)(REAL)peaks[0], (vector)(REAL)peaks[1]}, found[2] = {0, 0};
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES)
    add_exponentials(found, y + i, x + i, kinds + i, slope, peak, counting, LANES);
  if (i < count)
    add_exponentials(found, y + i, x + i, kinds + i, slope, peak, counting, count - i);
  sums[0] = total(found[0]);
  sums[1] = total(found[1]);
}

static void side_exp(double *sums, void *y, const void *x, const int32_t *kinds, double slope,
                     const double *peaks, int counting, ptrdiff_t count) {
  if (counting)
    side_exp_of(sums, y, x, kinds, (REAL)slope, peaks, 1, count);
  else
    side_exp_of(sums, y, x, kinds, (REAL)slope, peaks, 0, count);
}

/// Adds terms, how often their pairs occur and which are above 0 to the sums of their sides.
static inline __attribute__((always_inline)) void add_sides(vector sums[6], vector kind,
                                                            vector term, vector times,
                                                            vector active) {
  sums[0] += kind > 0 ? term : (vector)0;
  sums[1] += kind > 0 ? (vector)0 : term;
  sums[2] += kind > 0 ? times : (vector)0;
  sums[3] += kind > 0 ? (vector)0 : times;
  sums[4] += kind > 0 ? active : (vector)0;
  sums[5] += kind > 0 ? (vector)0 : active;
}

static inline void set_sides(ck_hinges *result, const vector sums[6]) {
  for (int side = 0; side < 2; side++) {
    result->total[side] = total(sums[side]);
    result->count[side] = total(sums[2 + side]);
    result->active[side] = total(sums[4 + side]);
  }
}

static void hinges(ck_hinges *result, void *py, const void *px, const int32_t *kinds,
                   const double *bounds, double sign, ptrdiff_t count) {
  vector bound[2] = {(vector)(REAL)bounds[0], (vector)(REAL)bounds[1]};
  vector way[2] = {(vector)(REAL)sign, (vector)(REAL)-sign};
  vector sums[6] = {0, 0, 0, 0, 0, 0};
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector cost = (kind > 0 ? way[0] : way[1]) * (x - (kind > 0 ? bound[0] : bound[1]));
    vector times = __builtin_elementwise_abs(kind);
    vector active = cost > 0 ? times : (vector)0;
    store((REAL *)py + i, cost > 0 ? way[0] * kind : (vector)0, filled);
    vector term = active > 0 ? cost * active : (vector)0;
    add_sides(sums, kind, term, times, active);
  }
  set_sides(result, sums);
}

static void side_sums(ck_hinges *result, const void *px, const int32_t *kinds, ptrdiff_t count) {
  vector sums[4] = {0, 0, 0, 0};
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector times = __builtin_elementwise_abs(kind), term = x * times;
    sums[0] += kind > 0 ? term : (vector)0;
    sums[1] += kind < 0 ? term : (vector)0;
    sums[2] += kind > 0 ? times : (vector)0;
    sums[3] += kind > 0 ? (vector)0 : times;
  }
  for (int side = 0; side < 2; side++) {
    result->total[side] = total(sums[side]);
    result->count[side] = result->active[side] = total(sums[2 + side]);
  }
}

static void squared_hinges(ck_hinges *result, void *py, const void *px, const int32_t *kinds,
                           const double *bounds, const double *bases, double sign,
                           ptrdiff_t count) {
  vector bound[2] = {(vector)(REAL)bounds[0], (vector)(REAL)bounds[1]};
  vector base[2] = {(vector)(REAL)bases[0], (vector)(REAL)bases[1]};
  vector way[2] = {(vector)(REAL)sign, (vector)(REAL)-sign};
  vector sums[6] = {0, 0, 0, 0, 0, 0};
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector cost = (kind > 0 ? way[0] : way[1]) * (x - (kind > 0 ? bound[0] : bound[1]));
    cost = cost > 0 ? cost : (vector)0;
    vector times = __builtin_elementwise_abs(kind);
    store((REAL *)py + i, 2 * way[0] * kind * (cost - (kind > 0 ? base[0] : base[1])), filled);
    vector term = cost * cost * times, active = cost > 0 ? times : (vector)0;
    add_sides(sums, kind, term, times, active);
  }
  set_sides(result, sums);
}

static void fill_kinds(int32_t *restrict kinds, const int32_t *restrict labels, int32_t label,
                       ptrdiff_t count) {
  for (ptrdiff_t j = 0; j < count; j++) kinds[j] = labels[j] == label ? 1 : -1;
}

static ptrdiff_t next_positive(const int32_t *kinds, ptrdiff_t first, ptrdiff_t count) {
  enum { STEP = 16 };
  for (; first + STEP <= count; first += STEP) {
    int any = 0;
    for (int j = 0; j < STEP; j++) any |= kinds[first + j] > 0;
    if (!any) continue;
    while (kinds[first] <= 0) first++;
    return first;
  }
  while (first < count && kinds[first] <= 0) first++;
  return first;
}

static ptrdiff_t next_equal(const int32_t *labels, int32_t label, ptrdiff_t first,
                            ptrdiff_t count) {
  enum { STEP = 16 };
  for (; first + STEP <= count; first += STEP) {
    int any = 0;
    for (int j = 0; j < STEP; j++) any |= labels[first + j] == label;
    if (!any) continue;
    while (labels[first] != label) first++;
    return first;
  }
  while (first < count && labels[first] != label) first++;
  return first;
}

/// Keeps the first of the largest of one group.
static inline void largest_of_group(REAL *y, const REAL *x, ptrdiff_t group, REAL factor) {
  ptrdiff_t largest = 0;
  for (ptrdiff_t j = 0; j < group; j++) {
    y[j] = -(REAL)__builtin_inf();
    if (x[j] > x[largest]) largest = j;
  }
  y[largest] = factor * x[largest];
}

static void largest_of_groups(void *py, const void *px, ptrdiff_t group, double factor,
                              ptrdiff_t count) {
  const REAL *x = px;
  REAL *y = py;
  kind_vector place;
  for (int j = 0; j < LANES; j++) place[j] = j % (int)group;
  largest_of_group(y, x, group, (REAL)factor);
  // An element looks at all that may be of its group, so not those at the ends.
  ptrdiff_t i = group;
  for (; i + LANES + group <= count; i += LANES) {
    vector own = *(const vector *)(x + i);
    kind_vector is_beaten = 0;
    for (int d = 1; d < group; d++) {
      vector before = *(const vector *)(x + i - d), after = *(const vector *)(x + i + d);
      is_beaten |= __builtin_convertvector(before >= own, kind_vector) & (place >= d);
      is_beaten |= __builtin_convertvector(after > own, kind_vector) & (place + d < (int)group);
    }
    vector lowest = -(REAL)__builtin_inf();
    *(vector *)(y + i) =
        __builtin_convertvector(is_beaten, lane_mask) ? lowest : own * (REAL)factor;
    place += LANES % (int)group;
    place -= place >= (int)group ? (kind_vector)(int)group : (kind_vector)0;
  }
  for (i = i / group * group; i < count; i += group)
    largest_of_group(y + i, x + i, group, (REAL)factor);
}

static void triplet_hinges(ck_hinges *result, void *py, const void *px, const int32_t *kinds,
                           double limit, double sign, double times, ptrdiff_t count) {
  REAL bound = (REAL)limit, way = (REAL)sign, step = (REAL)(sign * times);
  vector sums[3] = {0, 0, 0};
  EACH_PAIR {
    REAL *y = (REAL *)py + i;
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector number = kind < 0 ? -kind : (vector)0, cost = bound - way * x;
    vector active = cost > 0 ? number : (vector)0;
    store(y, load(y, filled) - step * active, filled);
    sums[0] += active > 0 ? cost * active : (vector)0;
    sums[1] += number;
    sums[2] += active;
  }
  result->total[1] = total(sums[0]);
  result->count[1] = total(sums[1]);
  result->active[1] = total(sums[2]);
}

static double soft_rank(void *py, const void *px, const int32_t *kinds, double centre,
                        double scale, ptrdiff_t count) {
  REAL middle = (REAL)centre, factor = (REAL)scale;
  vector sum = 0;
  EACH_PAIR {
    vector kind = load_kinds(kinds + i, filled), x = load((const REAL *)px + i, filled);
    vector y = kind < 0 ? logistic((x - middle) * factor) : (vector)0;
    store((REAL *)py + i, y, filled);
    sum += y;
  }
  return total(sum);
}

static double soft_rank_gradient(void *py, const void *prank, double slope, ptrdiff_t count) {
  REAL factor = (REAL)slope;
  vector sum = 0;
  EACH_PAIR {
    REAL *y = (REAL *)py + i;
    vector rank = load((const REAL *)prank + i, filled), step = factor * rank * (1 - rank);
    store(y, load(y, filled) + step, filled);
    sum += step;
  }
  return total(sum);
}

/// Whether a lane is chosen.
static inline int has_any(lane_mask chosen) {
  int any = 0;
  for (int j = 0; j < LANES; j++) any |= chosen[j] != 0;
  return any;
}

static int distances(void *py, const void *psquares, double own, double nearness, int root,
                     ptrdiff_t count) {
  REAL square = (REAL)own, limit = (REAL)nearness;
  lane_mask near = 0;
  EACH_PAIR {
    REAL *y = (REAL *)py + i;
    vector both = square + load((const REAL *)psquares + i, filled);
    vector v = both - 2 * load(y, filled);
    lane_mask is_near = v < limit * both;
    near |= is_near;
    if (root) v = __builtin_elementwise_sqrt(v);
    store(y, is_near ? (vector)-1 : v, filled);
  }
  return has_any(near);
}

static int distance_weights(void *pweights, const void *pg, const void *py,
                            const void *psquares, double own, double nearness, int root,
                            ptrdiff_t count) {
  REAL first = (REAL)own, limit = (REAL)nearness;
  lane_mask kept = 0;
  EACH_PAIR {
    vector y = load((const REAL *)py + i, filled), g = load((const REAL *)pg + i, filled);
    vector square = root ? y * y : y;
    vector slope = root ? (y > 0 ? 1 / y : (vector)0) : (vector)2;
    vector weight = g * slope;
    lane_mask is_near = square < limit * (first + load((const REAL *)psquares + i, filled));
    kept |= is_near & (square > 0) & (weight != 0);
    store((REAL *)pweights + i, is_near ? (vector)0 : weight, filled);
  }
  return has_any(kept);
}
