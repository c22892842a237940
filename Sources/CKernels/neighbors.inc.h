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
