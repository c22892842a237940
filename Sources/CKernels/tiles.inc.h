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

/// Adds the roots of finite numbers of 0 or more to `sums`.
static inline void add_roots(wide_vector *sums, vector *rest, vector square) {
#ifdef ROOTS_FROM_FLOATS
  // A root in float and what it lacks, of which a float is enough: far quicker than one in double,
  // and as good but for numbers below 1e-30.
  vector root = __builtin_elementwise_sqrt(square);
  vector lacking = __builtin_elementwise_fma(-root, root, square);
  *sums += __builtin_convertvector(root, wide_vector);
  *rest += lacking / (root > 0 ? 2 * root : 1);
#else
  *sums += __builtin_elementwise_sqrt(__builtin_convertvector(square, wide_vector));
#endif
}

static ptrdiff_t count_cells(uint32_t *cells, int32_t *places, int32_t *near, ptrdiff_t *near_count,
                             double *roots, const void *px, const uint8_t *marks,
                             ptrdiff_t marked, ptrdiff_t near_cells, int all, ptrdiff_t count) {
  enum { CHUNK = 512 };
  const REAL *x = px;
  REAL infinity = (REAL)__builtin_inf();
  uint32_t numbers[CHUNK];
  wide_vector sums = 0;
  vector lacking = 0;
  double sum = 0;
  ptrdiff_t candidates = 0, within = 0;
  for (ptrdiff_t start = 0; start < count; start += CHUNK) {
    ptrdiff_t end = least(count, start + CHUNK), i = start;
    for (; i + LANES <= end; i += LANES) {
      vector square = *(const vector *)(x + i);
      narrow_bits bits = (narrow_bits)__builtin_convertvector(square, narrow_vector);
      bits >>= CK_CELL_SHIFT;
      __builtin_memcpy(numbers + (i - start), &bits, sizeof(bits));
      candidates = append_places(
          places, candidates, __builtin_convertvector(bits < (uint32_t)marked, lane_bits), i);
      within = append_places(
          near, within, __builtin_convertvector(bits < (uint32_t)near_cells, lane_bits), i);
      add_roots(&sums, &lacking, square < infinity ? square : 0);
    }
    for (; i < end; i++) {
      uint32_t number = numbers[i - start] = float_bits(x[i]) >> CK_CELL_SHIFT;
      if (number < (uint32_t)marked) places[candidates++] = (int32_t)i;
      if (number < (uint32_t)near_cells) near[within++] = (int32_t)i;
      if (x[i] < infinity) sum += __builtin_sqrt((double)x[i]);
    }
    for (i = 0; all && i < end - start; i++) cells[numbers[i]]++;
  }
  for (int j = 0; j < LANES; j++) sum += sums[j] + (double)lacking[j];
  *roots += sum;
  *near_count = within;

  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < candidates; k++) {
    // Written whether it is wanted or not: a branch would be guessed wrong.
    int32_t place = places[found] = places[k];
    uint32_t number = float_bits(x[place]) >> CK_CELL_SHIFT;
    cells[number] += !all;
    found += marks[number];
  }
  return found;
}

static void count_gaps(uint32_t *gaps, uint32_t *exact, const void *px, const int32_t *places,
                       ptrdiff_t count, const ck_gaps *table) {
  enum { AHEAD = 8 };
  const REAL *x = px, *values = table->values;
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + AHEAD < count) {
      int32_t cell = table->cells[float_bits(x[places[i + AHEAD]]) >> CK_CELL_SHIFT];
      ptrdiff_t first = table->firsts[cell < 0 ? 0 : cell];
      __builtin_prefetch(values + first);
      __builtin_prefetch(gaps + 2 * first + cell + 8, 1);
      __builtin_prefetch(gaps + 2 * first + cell + 24, 1);
    }
    REAL v = x[places[i]];
    uint32_t bits = float_bits(v);
    int32_t bin = table->bins[bits >> CK_BIN_SHIFT];
    if (bin >= 0)
      exact[((ptrdiff_t)bin << CK_BIN_SHIFT) | (bits & ((1 << CK_BIN_SHIFT) - 1))]++;
    int32_t cell = table->cells[bits >> CK_CELL_SHIFT];
    if (cell < 0) continue;
    // All values before `below` are less, all from `end` on are not.
    ptrdiff_t below = table->firsts[cell], end = table->firsts[cell + 1], upto;
    while (end - below > 2 * LANES) {
      ptrdiff_t middle = (below + end) / 2;
      if (values[middle] < v)
        below = middle + 1;
      else
        end = middle;
    }
    // Most cells hold few values, so there is hardly a branch that cannot be foreseen.
    for (int less = LANES; less == LANES;) {
      vector some = *(const vector *)(values + below);
      less = __builtin_popcount(bits_of(__builtin_convertvector(some < v, lane_bits)));
      upto = below + __builtin_popcount(bits_of(__builtin_convertvector(some <= v, lane_bits)));
      below += less;
    }
    if (values[upto] == v) upto = end_of_ties(values, upto, table->firsts[cell + 1], v);
    gaps[below + upto + cell]++;
  }
}

static ptrdiff_t count_limits(uint16_t *own, uint16_t *columns, int32_t *places, ptrdiff_t count,
                              const void *px, ck_ladder limits) {
  enum { CHUNK = 512 };
  const REAL *x = px, *values = limits.values;
  REAL last = values[limits.count - 1], low = (REAL)limits.low, scale = (REAL)limits.scale;
  ptrdiff_t unsure = 0, pairs = limits.count / 2;
  int32_t numbers[CHUNK];
  for (ptrdiff_t start = 0; start < count; start += CHUNK) {
    ptrdiff_t end = least(count, start + CHUNK), taken = start;
    // All limits are looked up before anything is counted: a count whose address is not known yet
    // would hold up the next.
    for (ptrdiff_t i = start; i < end; i++) {
      int32_t place = places[taken] = places[i];
      REAL v = x[place] < last ? x[place] : last;
      v = v > low ? v : low;
      ptrdiff_t k = limits.starts[least(limits.parts - 1, (ptrdiff_t)((v - low) * scale))];
      for (k += values[k] < v; values[k] < v;) k++;
      numbers[taken - start] = (int32_t)k;
      taken += x[place] <= last;
    }
    for (ptrdiff_t i = start; i < taken; i++) {
      int32_t place = places[i], number = numbers[i - start], pair = number >> 1;
      uint16_t sure = 1 - (number & 1);
      own[pair] += sure;
      columns[place * pairs + pair] += sure;
      places[unsure] = place | pair << 16;
      unsure += number & 1;
    }
  }
  return unsure;
}

static void take_counts(int32_t *counts, uint16_t *more, ptrdiff_t count) {
  for (ptrdiff_t i = 0; i < count; i++) {
    counts[i] += more[i];
    more[i] = 0;
  }
}
