// Loops over the rows of a matrix [rows, columns] with numbers for each column.

/// Sums are kept in REAL over this many rows and then added up in double.
enum { ROWS_OF_SUM = 64 };

static inline __attribute__((always_inline)) void add_to(double *sum, vector v, ptrdiff_t count) {
  for (ptrdiff_t j = 0; j < count; j++) sum[j] += (double)v[j];
}

static void column_sums(double *sum, const void *px, ptrdiff_t rows, ptrdiff_t columns) {
  const REAL *x = px;
  for (ptrdiff_t first = 0; first < rows; first += ROWS_OF_SUM)
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
      ptrdiff_t count = lanes(columns - c), end = least(first + ROWS_OF_SUM, rows);
      vector total = 0;
      for (ptrdiff_t i = first; i < end; i++) total += load(x + i * columns + c, count);
      add_to(sum + c, total, count);
    }
}

static void column_moments(double *sum, double *square, const void *px, const void *centre,
                           ptrdiff_t rows, ptrdiff_t columns) {
  const REAL *x = px;
  for (ptrdiff_t first = 0; first < rows; first += ROWS_OF_SUM)
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
      ptrdiff_t count = lanes(columns - c), end = least(first + ROWS_OF_SUM, rows);
      vector middle = load((const REAL *)centre + c, count), total = 0, squares = 0;
      for (ptrdiff_t i = first; i < end; i++) {
        vector d = load(x + i * columns + c, count) - middle;
        total += d;
        squares += d * d;
      }
      add_to(sum + c, total, count);
      add_to(square + c, squares, count);
    }
}

static void column_products(double *sum, double *product, const void *pg, const void *px,
                            const void *centre, ptrdiff_t rows, ptrdiff_t columns) {
  const REAL *x = px, *g = pg;
  for (ptrdiff_t first = 0; first < rows; first += ROWS_OF_SUM)
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
      ptrdiff_t count = lanes(columns - c), end = least(first + ROWS_OF_SUM, rows);
      vector middle = load((const REAL *)centre + c, count), total = 0, products = 0;
      for (ptrdiff_t i = first; i < end; i++) {
        vector cotangent = load(g + i * columns + c, count);
        total += cotangent;
        products += cotangent * (load(x + i * columns + c, count) - middle);
      }
      add_to(sum + c, total, count);
      add_to(product + c, products, count);
    }
}

static void combine_columns(void *y, const void *g, const void *a, const void *x, const void *b,
                            const void *c, ptrdiff_t rows, ptrdiff_t columns) {
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j += LANES) {
      ptrdiff_t count = lanes(columns - j), e = i * columns + j;
      vector v = load((const REAL *)x + e, count) * load((const REAL *)b + j, count) +
                 load((const REAL *)c + j, count);
      if (g) v += load((const REAL *)g + e, count) * load((const REAL *)a + j, count);
      store((REAL *)y + e, v, count);
    }
}
