// Products of matrices from packed panels.

typedef REAL quad __attribute__((ext_vector_type(4), aligned(sizeof(REAL))));

/// y[p * width + j] = rows[j][p] for four rows.
static inline __attribute__((always_inline)) void interleave_four(REAL *y, const REAL *const *rows,
                                                                  ptrdiff_t depth,
                                                                  ptrdiff_t width) {
  ptrdiff_t p = 0;
  for (; p + 4 <= depth; p += 4, y += 4 * width) {
    quad a = *(const quad *)(rows[0] + p), b = *(const quad *)(rows[1] + p);
    quad c = *(const quad *)(rows[2] + p), d = *(const quad *)(rows[3] + p);
    quad e = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad f = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad g = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    quad h = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(quad *)y = __builtin_shufflevector(e, g, 0, 1, 4, 5);
    *(quad *)(y + width) = __builtin_shufflevector(e, g, 2, 3, 6, 7);
    *(quad *)(y + 2 * width) = __builtin_shufflevector(f, h, 0, 1, 4, 5);
    *(quad *)(y + 3 * width) = __builtin_shufflevector(f, h, 2, 3, 6, 7);
  }
  for (; p < depth; p++, y += width)
    for (ptrdiff_t j = 0; j < 4; j++) y[j] = rows[j][p];
}

static void pack_rows(void *y, const void *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t depth,
                      ptrdiff_t width) {
  for (ptrdiff_t i = 0; i < count; i += width) {
    REAL *panel = (REAL *)y + i * depth;
    const REAL *row = (const REAL *)x + i * stride;
    ptrdiff_t filled = count - i < width ? count - i : width, j = 0;
    for (; j + 4 <= filled; j += 4, row += 4 * stride) {
      const REAL *rows[4] = {row, row + stride, row + 2 * stride, row + 3 * stride};
      interleave_four(panel + j, rows, depth, width);
    }
    for (; j < width; j++, row += stride)
      for (ptrdiff_t p = 0; p < depth; p++) panel[p * width + j] = j < filled ? row[p] : 0;
  }
}

/// y[p][j] = rows[j][p] for the rows of a tile.
static void pack_sources(REAL *y, const REAL *const *rows, ptrdiff_t depth) {
  ptrdiff_t j = 0;
  if (depth >= 4)
    for (; j + 4 <= TILE_ROWS; j += 4) interleave_four(y + j, rows + j, depth, TILE_ROWS);
  for (ptrdiff_t p = 0; p < depth; p++)
    for (ptrdiff_t i = j; i < TILE_ROWS; i++) y[p * TILE_ROWS + i] = rows[i][p];
}

/// Copies `filled` elements to y and zeros up to `width`.
static inline __attribute__((always_inline)) void copy_filled(REAL *y, const REAL *x,
                                                              ptrdiff_t filled, ptrdiff_t width) {
  for (ptrdiff_t j = 0; j < filled; j++) y[j] = x[j];
  for (ptrdiff_t j = filled; j < width; j++) y[j] = 0;
}

/// Packs panels whose width is known when this is built.
static inline __attribute__((always_inline)) void pack_columns_of(REAL *y, const REAL *x,
                                                                  ptrdiff_t stride,
                                                                  ptrdiff_t count, ptrdiff_t depth,
                                                                  ptrdiff_t width) {
  for (ptrdiff_t i = 0; i < count; i += width, y += depth * width) {
    if (count - i >= width) {
      for (ptrdiff_t p = 0; p < depth; p++)
        __builtin_memcpy(y + p * width, x + p * stride + i, width * sizeof(REAL));
    } else {
      for (ptrdiff_t p = 0; p < depth; p++)
        copy_filled(y + p * width, x + p * stride + i, count - i, width);
    }
  }
}

static void pack_columns(void *y, const void *x, ptrdiff_t stride, ptrdiff_t count,
                         ptrdiff_t depth, ptrdiff_t width) {
  if (width == TILE_ROWS)
    pack_columns_of(y, x, stride, count, depth, TILE_ROWS);
  else
    pack_columns_of(y, x, stride, count, depth, TILE_COLUMNS);
}

/// One panel of the sum of a square matrix and its transpose: `own` are its rows, `columns` what they
/// are columns of, `filled` of each.
static inline __attribute__((always_inline)) void pack_sum(REAL *y, const REAL *own,
                                                          const REAL *columns, ptrdiff_t n,
                                                          ptrdiff_t depth, ptrdiff_t filled) {
  enum { AHEAD = 16 };
  ptrdiff_t p = 0;
  for (; filled == TILE_ROWS && p + 4 <= depth; p += 4) {
    if (p + AHEAD + 4 <= depth)
      for (ptrdiff_t k = 0; k < 4; k++) __builtin_prefetch(columns + (p + AHEAD + k) * n);
    const REAL *other = columns + p * n;
#pragma clang loop unroll(full)
    for (ptrdiff_t j = 0; j + 4 <= TILE_ROWS; j += 4) {
      const REAL *row = own + j * n + p, *rows[4] = {row, row + n, row + 2 * n, row + 3 * n};
      REAL turned[16];
      interleave_four(turned, rows, 4, 4);
#pragma clang loop unroll(full)
      for (ptrdiff_t k = 0; k < 4; k++)
        *(quad *)(y + (p + k) * TILE_ROWS + j) =
            *(quad *)(turned + 4 * k) + *(const quad *)(other + k * n + j);
    }
#pragma clang loop unroll(full)
    for (ptrdiff_t j = TILE_ROWS / 4 * 4; j < TILE_ROWS; j++)
      for (ptrdiff_t k = 0; k < 4; k++)
        y[(p + k) * TILE_ROWS + j] = own[j * n + p + k] + other[k * n + j];
  }
  for (; p < depth; p++)
    for (ptrdiff_t j = 0; j < TILE_ROWS; j++)
      y[p * TILE_ROWS + j] = j < filled ? own[j * n + p] + columns[p * n + j] : 0;
}

static void pack_plus_transposed(void *py, void *psums, const void *px, ptrdiff_t n, ptrdiff_t row,
                                 ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth) {
  const REAL *x = px;
  REAL *sums = psums;
  for (ptrdiff_t i = 0; i < count; i += TILE_ROWS) {
    REAL *panel = (REAL *)py + i * depth;
    ptrdiff_t filled = least(TILE_ROWS, count - i);
    pack_sum(panel, x + (row + i) * n + first, x + first * n + row + i, n, depth, filled);
    if (!sums) continue;
    REAL total[TILE_ROWS] = {0};
    for (ptrdiff_t p = 0; p < depth; p++)
      for (ptrdiff_t j = 0; j < TILE_ROWS; j++) total[j] += panel[p * TILE_ROWS + j];
    for (ptrdiff_t j = 0; j < filled; j++) sums[i + j] += total[j];
  }
}

/// A row of a panel: x (own + sum).
static inline __attribute__((always_inline)) void weigh_row(REAL *restrict y, const REAL *restrict x,
                                                           const REAL *restrict own, REAL sum) {
  ptrdiff_t j = 0;
  for (; j + 4 <= TILE_ROWS; j += 4)
    *(quad *)(y + j) = *(const quad *)(x + j) * (*(const quad *)(own + j) + sum);
  for (; j < TILE_ROWS; j++) y[j] = x[j] * (own[j] + sum);
}

static void pack_times_sums(void *py, const void *psums, const void *px, ptrdiff_t n, ptrdiff_t row,
                            ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth) {
  enum { AHEAD = 12 };
  const REAL *sums = psums, *own = sums + row, *x = (const REAL *)px + first * n + row;
  // All panels at once, so that each line of x is fetched once, and some rows ahead of its use.
  for (ptrdiff_t p = 0; p < depth; p++, x += n) {
    if (p + AHEAD < depth)
      for (ptrdiff_t i = 0; i < count; i += 64 / (ptrdiff_t)sizeof(REAL))
        __builtin_prefetch(x + AHEAD * n + i);
    REAL sum = sums[first + p], *y = (REAL *)py + p * TILE_ROWS;
    ptrdiff_t i = 0;
    for (; i + TILE_ROWS <= count; i += TILE_ROWS) weigh_row(y + i * depth, x + i, own + i, sum);
    if (i == count) continue;
    for (ptrdiff_t j = 0; j < TILE_ROWS; j++)
      y[i * depth + j] = i + j < count ? x[i + j] * (own[i + j] + sum) : 0;
  }
}

/// What becomes of a tile's sums.
typedef struct epilogue {
  int adding, relu;
  const REAL *bias;
} epilogue;

static inline __attribute__((always_inline)) vector finished(vector sum, const REAL *c,
                                                             epilogue end, ptrdiff_t column) {
  if (end.adding) sum += *(const vector *)c;
  if (end.bias) sum += *(const vector *)(end.bias + column);
  if (end.relu) sum = sum <= 0 ? (vector)0 : sum;
  return sum;
}

/// The sums of one tile; every element adds up its products in the order of p.
static inline __attribute__((always_inline)) void multiply_tile(REAL *c, ptrdiff_t stride,
                                                                const REAL *a, const REAL *b,
                                                                ptrdiff_t step, ptrdiff_t depth,
                                                                epilogue end) {
  vector sum[TILE_ROWS][TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE_ROWS; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < TILE_VECTORS; v++) sum[i][v] = 0;
  for (ptrdiff_t p = 0; p < depth; p++, a += TILE_ROWS, b += step) {
    vector right[TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < TILE_VECTORS; v++) right[v] = *(const vector *)(b + v * LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < TILE_ROWS; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < TILE_VECTORS; v++) sum[i][v] += a[i] * right[v];
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < TILE_ROWS; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < TILE_VECTORS; v++) {
      REAL *q = c + i * stride + v * LANES;
      *(vector *)q = finished(sum[i][v], q, end, v * LANES);
    }
}

/// A tile that hangs over the edge: worked out whole, and then cut.
static void multiply_edge(REAL *c, ptrdiff_t stride, const REAL *a, const REAL *b, ptrdiff_t rows,
                          ptrdiff_t columns, ptrdiff_t depth, epilogue end) {
  REAL tile[TILE_ROWS * TILE_COLUMNS], bias[TILE_COLUMNS];
  if (end.bias) {
    copy_filled(bias, end.bias, columns, TILE_COLUMNS);
    end.bias = bias;
  }
  if (end.adding)
    for (ptrdiff_t i = 0; i < TILE_ROWS; i++)
      copy_filled(tile + i * TILE_COLUMNS, c + i * stride, i < rows ? columns : 0, TILE_COLUMNS);
  multiply_tile(tile, TILE_COLUMNS, a, b, TILE_COLUMNS, depth, end);
  for (ptrdiff_t i = 0; i < rows; i++)
    for (ptrdiff_t j = 0; j < columns; j++) c[i * stride + j] = tile[i * TILE_COLUMNS + j];
}

static void multiply(void *c, ptrdiff_t stride, const void *a, const void *b, ptrdiff_t rows,
                     ptrdiff_t columns, ptrdiff_t depth, int adding, const void *bias, int relu) {
  for (ptrdiff_t j = 0; j < columns; j += TILE_COLUMNS) {
    const REAL *right = (const REAL *)b + j * depth;
    epilogue end = {adding, relu, bias ? (const REAL *)bias + j : NULL};
    for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
      const REAL *left = (const REAL *)a + i * depth;
      REAL *corner = (REAL *)c + i * stride + j;
      if (rows - i >= TILE_ROWS && columns - j >= TILE_COLUMNS)
        multiply_tile(corner, stride, left, right, TILE_COLUMNS, depth, end);
      else
        multiply_edge(corner, stride, left, right, rows - i < TILE_ROWS ? rows - i : TILE_ROWS,
                      columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS, depth, end);
    }
  }
}

static void multiply_rows(void *c, ptrdiff_t stride, const void *a, const void *b,
                          ptrdiff_t b_stride, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth,
                          int adding, const void *bias, int relu) {
  for (ptrdiff_t j = 0; j < columns; j += TILE_COLUMNS) {
    const REAL *right = (const REAL *)b + j;
    epilogue end = {adding, relu, bias ? (const REAL *)bias + j : NULL};
    for (ptrdiff_t i = 0; i < rows; i += TILE_ROWS) {
      REAL *corner = (REAL *)c + i * stride + j;
      const REAL *left = (const REAL *)a + i * depth;
      if (rows - i >= TILE_ROWS) {
        multiply_tile(corner, stride, left, right, b_stride, depth, end);
      } else {
        REAL tile[TILE_ROWS * TILE_COLUMNS];
        for (ptrdiff_t k = 0; end.adding && k < rows - i; k++)
          copy_filled(tile + k * TILE_COLUMNS, corner + k * stride, TILE_COLUMNS, TILE_COLUMNS);
        multiply_tile(tile, TILE_COLUMNS, left, right, b_stride, depth, end);
        for (ptrdiff_t k = 0; k < rows - i; k++)
          copy_filled(corner + k * stride, tile + k * TILE_COLUMNS, TILE_COLUMNS, TILE_COLUMNS);
      }
    }
  }
}
