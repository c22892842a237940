// What is counted in tiles of squared distances, where the items of rows and those of columns are
// both searched for. Distances that are infinite belong to pairs that do not count.

static void line_minima(void *pminima, void *pleast, const void *px, ptrdiff_t count) {
  REAL *minima = pminima;
  const REAL *x = px;
  vector smallest = (REAL)__builtin_inf();
  REAL least_of_rest = (REAL)__builtin_inf();
  ptrdiff_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector v = *(const vector *)(x + i), before = *(const vector *)(minima + i);
    smallest = v < smallest ? v : smallest;
    *(vector *)(minima + i) = v < before ? v : before;
  }
  for (; i < count; i++) {
    if (x[i] < least_of_rest) least_of_rest = x[i];
    if (x[i] < minima[i]) minima[i] = x[i];
  }
  REAL whole = -largest_lane(-smallest);
  *(REAL *)pleast = whole < least_of_rest ? whole : least_of_rest;
}

/// The largest number below x, which is 0 or more; -1 for 0.
static inline REAL just_below(REAL x) {
  if (!(x > 0)) return -1;
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &x, sizeof(x));
  bits--;
  __builtin_memcpy(&x, &bits, sizeof(x));
  return x;
}

static void count_nearer(int32_t *counts, const void *pvalues, const int32_t *matches,
                         ptrdiff_t many, const void *px, ptrdiff_t first, ptrdiff_t count) {
  enum { TOGETHER = 4 };
  const REAL *values = pvalues, *x = px;
  for (ptrdiff_t k = 0; k < many; k += TOGETHER) {
    // A match beyond the line is after all of it, so equal distances count; one before it is not.
    REAL bounds[TOGETHER] = {-1, -1, -1, -1};
    ptrdiff_t taken = least(TOGETHER, many - k);
    for (ptrdiff_t j = 0; j < taken; j++) {
      ptrdiff_t place = matches[k + j] - first;
      if (place > 0 && place < count)
        counts[k + j] += (int32_t)count_before(x, (double)values[k + j], place, count);
      else
        bounds[j] = place > 0 ? values[k + j] : just_below(values[k + j]);
    }
    lane_flags flags[TOGETHER] = {0, 0, 0, 0};
    ptrdiff_t i = 0;
    for (; i + LANES <= count; i += LANES) {
      vector v = *(const vector *)(x + i);
#pragma clang loop unroll(full)
      for (int j = 0; j < TOGETHER; j++) flags[j] += v <= bounds[j];
    }
    for (ptrdiff_t j = 0; j < taken; j++) {
      ptrdiff_t found = counted(flags[j]);
      for (ptrdiff_t rest = i; rest < count; rest++) found += x[rest] <= bounds[j];
      counts[k + j] += (int32_t)found;
    }
  }
}

typedef float narrow_vector __attribute__((ext_vector_type(LANES)));
typedef uint32_t narrow_bits __attribute__((ext_vector_type(LANES)));

static inline uint32_t float_bits(REAL x) {
  float narrow = (float)x;
  uint32_t bits;
  __builtin_memcpy(&bits, &narrow, sizeof(bits));
  return bits;
}

static ptrdiff_t count_cells(uint32_t *cells, int32_t *places, int32_t *near, ptrdiff_t *near_count,
                             double *roots, const void *px, const uint8_t *marks,
                             ptrdiff_t count) {
  const REAL *x = px;
  REAL infinity = (REAL)__builtin_inf();
  wide_vector sums = 0;
  ptrdiff_t found = 0, within = 0, i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector square = *(const vector *)(x + i);
    narrow_bits bits = (narrow_bits)__builtin_convertvector(square, narrow_vector);
    uint32_t numbers[LANES];
    bits >>= CK_CELL_SHIFT;
    __builtin_memcpy(numbers, &bits, sizeof(numbers));
    square = square < infinity ? square : 0;
    sums += __builtin_elementwise_sqrt(__builtin_convertvector(square, wide_vector));
#pragma clang loop unroll(full)
    for (int j = 0; j < LANES; j++) {
      cells[numbers[j]]++;
      // Written whether it is wanted or not: branches would be guessed wrong.
      uint8_t mark = marks[numbers[j]];
      places[found] = near[within] = (int32_t)(i + j);
      found += mark & 1;
      within += mark >> 1;
    }
  }
  double sum = 0;
  for (int j = 0; j < LANES; j++) sum += sums[j];
  for (; i < count; i++) {
    uint32_t number = float_bits(x[i]) >> CK_CELL_SHIFT;
    cells[number]++;
    places[found] = near[within] = (int32_t)i;
    found += marks[number] & 1;
    within += marks[number] >> 1;
    if (x[i] < infinity) sum += __builtin_sqrt((double)x[i]);
  }
  *roots += sum;
  *near_count = within;
  return found;
}

static void count_gaps(uint32_t *gaps, uint32_t *exact, const void *px, const int32_t *places,
                       ptrdiff_t count, const ck_gaps *table) {
  enum { AHEAD = 8 };
  const REAL *x = px, *values = table->values;
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + AHEAD < count)
      __builtin_prefetch(table->cells + (float_bits(x[places[i + AHEAD]]) >> CK_CELL_SHIFT));
    REAL v = x[places[i]];
    uint32_t bits = float_bits(v);
    int32_t bin = table->bins[bits >> CK_BIN_SHIFT];
    if (bin >= 0)
      exact[((ptrdiff_t)bin << CK_BIN_SHIFT) | (bits & ((1 << CK_BIN_SHIFT) - 1))]++;
    int32_t cell = table->cells[bits >> CK_CELL_SHIFT];
    if (cell < 0) continue;
    // Most cells hold one value, so nothing but a rare tie is a branch that cannot be foreseen.
    ptrdiff_t below = table->firsts[cell], end = table->firsts[cell + 1], above = end;
    while (above - below > 1) {
      ptrdiff_t middle = (below + above) / 2;
      if (values[middle - 1] < v)
        below = middle;
      else
        above = middle;
    }
    below += values[below] < v;
    ptrdiff_t twice = 2 * below;
    if (values[below < end ? below : end - 1] == v)
      for (; below < end && values[below] == v; below++) twice++;
    gaps[twice + cell]++;
  }
}

static ptrdiff_t count_limits(int32_t *own, uint16_t *columns, int32_t *places, ptrdiff_t count,
                              const void *px, ck_ladder limits) {
  const REAL *x = px, *values = limits.values;
  REAL last = values[limits.count - 1], low = (REAL)limits.low, scale = (REAL)limits.scale;
  ptrdiff_t unsure = 0, pairs = limits.count / 2;
  for (ptrdiff_t i = 0; i < count; i++) {
    int32_t place = places[i];
    REAL v = x[place];
    if (v > last) continue;
    ptrdiff_t part = v > low ? least(limits.parts - 1, (ptrdiff_t)((v - low) * scale)) : 0;
    ptrdiff_t k = limits.starts[part];
    k += values[k] < v;
    while (values[k] < v) k++;
    int32_t sure = 1 - (k & 1);
    own[k >> 1] += sure;
    columns[place * pairs + (k >> 1)] += sure;
    places[unsure] = place | (int32_t)(k >> 1) << 16;
    unsure += k & 1;
  }
  return unsure;
}

static void take_counts(int32_t *counts, uint16_t *more, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    counts[i] += more[i];
    more[i] = 0;
  }
}
