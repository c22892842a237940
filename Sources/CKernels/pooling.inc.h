// Normalisation, ReLU and 2x2 max pooling of one image [height, width, channels] in one go. The
// place of a result is the pixel of its block, 0 to 3, or 4 where ReLU gave 0.

typedef uint8_t places __attribute__((ext_vector_type(LANES), aligned(1)));

static inline __attribute__((always_inline)) lane_mask load_places(const uint8_t *p,
                                                                   ptrdiff_t count) {
  places v = 0;
  if (count == LANES)
    v = *(const places *)p;
  else
    for (ptrdiff_t j = 0; j < count; j++) v[j] = p[j];
  return __builtin_convertvector(v, lane_mask);
}

static inline __attribute__((always_inline)) void store_places(uint8_t *p, lane_mask v,
                                                               ptrdiff_t count) {
  places bytes = __builtin_convertvector(v, places);
  if (count == LANES)
    *(places *)p = bytes;
  else
    for (ptrdiff_t j = 0; j < count; j++) p[j] = bytes[j];
}

static void pool(void *py, uint8_t *place, const void *px, const void *factor, const void *offset,
                 ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels) {
  REAL *y = py;
  for (ptrdiff_t row = 0; row + 1 < height; row += 2)
    for (ptrdiff_t column = 0; column + 1 < width; column += 2) {
      const REAL *corner = (const REAL *)px + (row * width + column) * channels;
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t count = lanes(channels - c);
        vector f = load((const REAL *)factor + c, count), o = load((const REAL *)offset + c, count);
        vector best = load(corner + c, count) * f + o;
        lane_mask at = 0;
#pragma clang loop unroll(full)
        for (int k = 1; k < 4; k++) {
          vector v = load(corner + (k / 2 * width + k % 2) * channels + c, count) * f + o;
          lane_mask is_better = (v > best) | ((v != v) & (best == best));
          best = is_better ? v : best;
          at = is_better ? (lane_mask)k : at;
        }
        lane_mask is_cut = best <= 0;
        store(y + c, is_cut ? (vector)0 : best, count);
        store_places(place + c, is_cut ? (lane_mask)4 : at, count);
      }
      y += channels;
      place += channels;
    }
}

static void pool_sums(double *sum, double *product, const void *pg, const uint8_t *place,
                      const void *px, const void *mean, ptrdiff_t height, ptrdiff_t width,
                      ptrdiff_t channels) {
  const REAL *g = pg;
  for (ptrdiff_t row = 0; row + 1 < height; row += 2) {
    const REAL *x = (const REAL *)px + row * width * channels;
    for (ptrdiff_t c = 0; c < channels; c += LANES) {
      ptrdiff_t count = lanes(channels - c);
      vector middle = load((const REAL *)mean + c, count), total = 0, products = 0;
      for (ptrdiff_t column = 0; column < width / 2; column++) {
        const REAL *corner = x + 2 * column * channels + c;
        lane_mask at = load_places(place + column * channels + c, count);
        vector v = load(corner, count);
#pragma clang loop unroll(full)
        for (int k = 1; k < 4; k++)
          v = at == k ? load(corner + (k / 2 * width + k % 2) * channels, count) : v;
        vector cotangent = at == 4 ? (vector)0 : load(g + column * channels + c, count);
        total += cotangent;
        products += cotangent * (v - middle);
      }
      add_to(sum + c, total, count);
      add_to(product + c, products, count);
    }
    g += width / 2 * channels;
    place += width / 2 * channels;
  }
}

static void pool_gradient(void *py, const void *pg, const uint8_t *place, const void *a,
                          const void *px, const void *b, const void *offset, ptrdiff_t height,
                          ptrdiff_t width, ptrdiff_t channels) {
  const REAL *g = pg;
  for (ptrdiff_t row = 0; row + 1 < height; row += 2) {
    REAL *y = (REAL *)py + row * width * channels;
    const REAL *x = (const REAL *)px + row * width * channels;
    for (ptrdiff_t column = 0; column + 1 < width; column += 2) {
      for (ptrdiff_t c = 0; c < channels; c += LANES) {
        ptrdiff_t count = lanes(channels - c);
        lane_mask at = load_places(place + c, count);
        vector cotangent = load(g + c, count) * load((const REAL *)a + c, count);
        vector slope = load((const REAL *)b + c, count);
        vector rest = load((const REAL *)offset + c, count);
#pragma clang loop unroll(full)
        for (int k = 0; k < 4; k++) {
          ptrdiff_t e = (column + k / 2 * width + k % 2) * channels + c;
          vector v = load(x + e, count) * slope + rest;
          store(y + e, at == k ? v + cotangent : v, count);
        }
      }
      g += channels;
      place += channels;
    }
    // The pixels of an odd last column are in no block.
    if (width % 2)
      for (int k = 1; k <= 2; k++) {
        ptrdiff_t e = (k * width - 1) * channels;
        combine_columns(y + e, NULL, NULL, x + e, b, offset, 1, channels);
      }
  }
  if (height % 2) {
    ptrdiff_t e = (height - 1) * width * channels;
    combine_columns((REAL *)py + e, NULL, NULL, (const REAL *)px + e, b, offset, width, channels);
  }
}
