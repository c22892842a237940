// Loops over rows, each by itself.

static inline REAL inner_product(const REAL *a, const REAL *b, ptrdiff_t count) {
  vector sums[4] = {0, 0, 0, 0};
  ptrdiff_t i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES)
    for (int j = 0; j < 4; j++)
      sums[j] += *(const vector *)(a + i + j * LANES) * *(const vector *)(b + i + j * LANES);
  for (; i < count; i += LANES)
    sums[0] += load(a + i, lanes(count - i)) * load(b + i, lanes(count - i));
  return total((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static void normalize_rows(void *py, void *length, const void *px, double shortest,
                           ptrdiff_t rows, ptrdiff_t columns) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    const REAL *x = (const REAL *)px + i * columns;
    REAL *y = (REAL *)py + i * columns, *norm = (REAL *)length + i;
    vector root = inner_product(x, x, columns);
    *norm = __builtin_elementwise_sqrt(root)[0];
    REAL factor = 1 / (*norm > (REAL)shortest || *norm != *norm ? *norm : (REAL)shortest);
    for (ptrdiff_t c = 0; c < columns; c += LANES)
      store(y + c, load(x + c, lanes(columns - c)) * factor, lanes(columns - c));
  }
}

static void normalize_rows_gradient(void *presult, const void *pg, const void *py,
                                    const void *length, double shortest, double times,
                                    ptrdiff_t rows, ptrdiff_t columns) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    const REAL *g = (const REAL *)pg + i * columns, *y = (const REAL *)py + i * columns;
    REAL norm = ((const REAL *)length)[i];
    REAL factor = norm < (REAL)shortest ? 0 : (REAL)times / norm, inner = inner_product(y, g, columns);
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
      ptrdiff_t filled = lanes(columns - c);
      store((REAL *)presult + i * columns + c,
            (load(g + c, filled) - load(y + c, filled) * inner) * factor, filled);
    }
  }
}

/// Elements of a cache line: lines are turned in squares of as many, each read while it is in the
/// cache, even where a stride is a power of two and few lines of a column have a place there.
enum { LINE = 64 / sizeof(REAL) };

/// y = own + xᵀ, or xᵀ without own, for at most a line each way of square matrices.
static inline __attribute__((always_inline)) void turn(REAL *y, const REAL *own, const REAL *x,
                                                       ptrdiff_t n, ptrdiff_t rows,
                                                       ptrdiff_t columns) {
  for (ptrdiff_t i = 0; i < rows; i += 4)
    for (ptrdiff_t j = 0; j < columns; j += 4) {
      const REAL *other = x + j * n + i, *mine = own ? own + i * n + j : NULL;
      REAL *target = y + i * n + j;
      if (rows - i >= 4 && columns - j >= 4) {
        const REAL *lines[4] = {other, other + n, other + 2 * n, other + 3 * n};
        REAL turned[16];
        interleave_four(turned, lines, 4, 4);
        for (ptrdiff_t k = 0; k < 4; k++) {
          quad line = *(quad *)(turned + 4 * k);
          *(quad *)(target + k * n) = own ? *(const quad *)(mine + k * n) + line : line;
        }
      } else {
        for (ptrdiff_t k = 0; k < least(4, rows - i); k++)
          for (ptrdiff_t l = 0; l < least(4, columns - j); l++)
            target[k * n + l] = (own ? mine[k * n + l] : 0) + other[l * n + k];
      }
    }
}

static void add_transposed(void *y, const void *x, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last) {
  for (ptrdiff_t j = 0; j < n; j += LINE)
    for (ptrdiff_t i = first; i < last; i += LINE)
      turn((REAL *)y + i * n + j, (const REAL *)x + i * n + j, (const REAL *)x + j * n + i, n,
           least(LINE, last - i), least(LINE, n - j));
}

static void mirror(void *c, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last, ptrdiff_t left,
                   ptrdiff_t right) {
  for (ptrdiff_t j = left; j < right; j += LINE)
    for (ptrdiff_t i = first; i < last; i += LINE)
      turn((REAL *)c + i * n + j, NULL, (const REAL *)c + j * n + i, n, least(LINE, last - i),
           least(LINE, right - j));
}
