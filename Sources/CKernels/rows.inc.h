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
                                    const void *length, double shortest, ptrdiff_t rows,
                                    ptrdiff_t columns) {
  for (ptrdiff_t i = 0; i < rows; i++) {
    const REAL *g = (const REAL *)pg + i * columns, *y = (const REAL *)py + i * columns;
    REAL norm = ((const REAL *)length)[i];
    REAL factor = norm < (REAL)shortest ? 0 : 1 / norm, inner = inner_product(y, g, columns);
    for (ptrdiff_t c = 0; c < columns; c += LANES) {
      ptrdiff_t filled = lanes(columns - c);
      store((REAL *)presult + i * columns + c,
            (load(g + c, filled) - load(y + c, filled) * inner) * factor, filled);
    }
  }
}

static void add_transposed(void *py, const void *px, ptrdiff_t n, ptrdiff_t first,
                           ptrdiff_t last) {
  // Tiles whose rows and columns both stay in the cache, in blocks of four by four.
  enum { TILE = 32 };
  REAL *y = py;
  const REAL *x = px;
  for (ptrdiff_t left = 0; left < n; left += TILE) {
    ptrdiff_t right = least(n, left + TILE);
    for (ptrdiff_t i = first; i < last; i += 4)
      for (ptrdiff_t j = left; j < right; j += 4) {
        const REAL *own = x + i * n + j, *other = x + j * n + i;
        REAL *target = y + i * n + j;
        if (last - i >= 4 && right - j >= 4) {
          const REAL *rows[4] = {other, other + n, other + 2 * n, other + 3 * n};
          REAL turned[16];
          interleave_four(turned, rows, 4, 4);
          for (ptrdiff_t k = 0; k < 4; k++)
            *(quad *)(target + k * n) = *(const quad *)(own + k * n) + *(quad *)(turned + 4 * k);
        } else {
          for (ptrdiff_t k = 0; k < least(4, last - i); k++)
            for (ptrdiff_t l = 0; l < least(4, right - j); l++)
              target[k * n + l] = own[k * n + l] + other[l * n + k];
        }
      }
  }
}

static void mirror(void *pc, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last, ptrdiff_t columns) {
  REAL *c = pc;
  for (ptrdiff_t j = 0; j < columns; j += 4)
    for (ptrdiff_t i = first; i < last; i += 4) {
      const REAL *other = c + j * n + i;
      REAL *target = c + i * n + j;
      if (last - i >= 4 && columns - j >= 4) {
        const REAL *rows[4] = {other, other + n, other + 2 * n, other + 3 * n};
        interleave_four(target, rows, 4, n);
      } else {
        for (ptrdiff_t k = 0; k < least(4, last - i); k++)
          for (ptrdiff_t l = 0; l < least(4, columns - j); l++) target[k * n + l] = other[l * n + k];
      }
    }
}
