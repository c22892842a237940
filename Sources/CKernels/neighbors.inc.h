// Distances from one row to rows that lie anywhere.

static inline void fetch_row(const REAL *row, ptrdiff_t columns) {
  for (ptrdiff_t j = 0; j < columns; j += (ptrdiff_t)(64 / sizeof(REAL)))
    __builtin_prefetch(row + j);
}

static inline REAL squared_distance(const REAL *a, const REAL *b, ptrdiff_t count) {
  vector sums[4] = {0, 0, 0, 0};
  ptrdiff_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES)
    for (int j = 0; j < 4; j++) {
      vector x = *(const vector *)(a + i + j * LANES) - *(const vector *)(b + i + j * LANES);
      sums[j] += x * x;
    }
  for (; i < count; i += LANES) {
    vector x = load(a + i, lanes(count - i)) - load(b + i, lanes(count - i));
    sums[0] += x * x;
  }
  return total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static void distances_to_rows(void *py, const void *pquery, const void *pbase,
                              const uint32_t *rows, ptrdiff_t count, ptrdiff_t columns,
                              int squared) {
  enum { AHEAD = 3 };
  REAL *y = (REAL *)py;
  const REAL *query = (const REAL *)pquery, *base = (const REAL *)pbase;
  for (ptrdiff_t i = 0; i < least(AHEAD, count); i++) fetch_row(base + rows[i] * columns, columns);
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + AHEAD < count) fetch_row(base + rows[i + AHEAD] * columns, columns);
    const REAL *row = base + rows[i] * columns;
    y[i] = squared ? squared_distance(query, row, columns) : -inner_product(query, row, columns);
  }
}

/// Eight numbers in float64. All instruction sets add them up in one order and without fused
/// products, so that what they give is the same bits everywhere.
typedef double eight __attribute__((ext_vector_type(8)));
typedef REAL eight_reals __attribute__((ext_vector_type(8)));

/// sums += (query - row)² or query · row, of eight elements.
static inline __attribute__((always_inline)) void add_eight(eight *sums, const double *query,
                                                            const REAL *row, int squared) {
#pragma clang fp contract(off)
  eight x;
  eight_reals reals;
  __builtin_memcpy(&x, query, sizeof(x));
  __builtin_memcpy(&reals, row, sizeof(reals));
  eight y = __builtin_convertvector(reals, eight);
  eight gap = x - y;
  *sums += squared ? gap * gap : x * y;
}

static inline __attribute__((always_inline)) double wide_score(const double *query, const REAL *row,
                                                              ptrdiff_t columns, int squared) {
#pragma clang fp contract(off)
  eight sums = 0, others = 0;
  ptrdiff_t i = 0;
  for (; i + 16 <= columns; i += 16) {
    add_eight(&sums, query + i, row + i, squared);
    add_eight(&others, query + i + 8, row + i + 8, squared);
  }
  for (; i + 8 <= columns; i += 8) add_eight(&sums, query + i, row + i, squared);
  if (i < columns) {
    double x[8] = {0};
    REAL y[8] = {0};
    for (ptrdiff_t j = i; j < columns; j++) {
      x[j - i] = query[j];
      y[j - i] = row[j];
    }
    add_eight(&others, x, y, squared);
  }
  sums += others;
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

static void scores_of_rows(double *y, const double *query, const void *pbase, const uint32_t *rows,
                           ptrdiff_t count, ptrdiff_t columns, int squared) {
  enum { AHEAD = 3 };
  const REAL *base = (const REAL *)pbase;
  for (ptrdiff_t i = 0; i < least(AHEAD, count); i++)
    fetch_row(base + (rows ? (ptrdiff_t)rows[i] : i) * columns, columns);
  for (ptrdiff_t i = 0; i < count; i++) {
    ptrdiff_t ahead = i + AHEAD;
    if (ahead < count) fetch_row(base + (rows ? (ptrdiff_t)rows[ahead] : ahead) * columns, columns);
    const REAL *row = base + (rows ? (ptrdiff_t)rows[i] : i) * columns;
    y[i] = squared ? wide_score(query, row, columns, 1) : wide_score(query, row, columns, 0);
  }
}
