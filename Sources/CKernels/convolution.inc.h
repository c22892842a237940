// Packing of the patches that a convolution reads: the matrix [positions, patch] is never made.

/// Where the position and the pixels around it are.
typedef struct pixel {
  ptrdiff_t row, column;
  const REAL *channels;
} pixel;

static inline pixel pixel_at(const REAL *x, ck_patches s, ptrdiff_t position) {
  ptrdiff_t in_image = position % (s.height * s.width);
  return (pixel){in_image / s.width, in_image % s.width, x + position * s.channels};
}

static inline pixel next_pixel(pixel at, ck_patches s) {
  at.channels += s.channels;
  if (++at.column == s.width) {
    at.column = 0;
    if (++at.row == s.height) at.row = 0;
  }
  return at;
}

/// An offset of the kernel.
typedef struct tap {
  ptrdiff_t rows, columns, elements;
} tap;

static inline tap tap_at(ck_patches s, ptrdiff_t index) {
  ptrdiff_t rows = index / s.kernel_width - s.kernel_height / 2;
  ptrdiff_t columns = index % s.kernel_width - s.kernel_width / 2;
  return (tap){rows, columns, (rows * s.width + columns) * s.channels};
}

/// The channels that the tap reads for this pixel; `zeros` outside the image.
static inline const REAL *tapped(pixel at, tap t, ck_patches s, const REAL *zeros) {
  int inside = (size_t)(at.row + t.rows) < (size_t)s.height &&
               (size_t)(at.column + t.columns) < (size_t)s.width;
  return inside ? at.channels + t.elements : zeros;
}

static void pack_patches(void *y, const void *x, const void *zeros, ck_patches s,
                         ptrdiff_t position, ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth) {
  pixel next = pixel_at(x, s, position);
  for (ptrdiff_t i = 0; i < count; i += TILE_ROWS) {
    REAL *panel = (REAL *)y + i * depth;
    ptrdiff_t filled = count - i < TILE_ROWS ? count - i : TILE_ROWS;
    pixel pixels[TILE_ROWS];
    for (ptrdiff_t j = 0; j < filled; j++, next = next_pixel(next, s)) pixels[j] = next;
    for (ptrdiff_t p = first; p < first + depth;) {
      ptrdiff_t channel = p % s.channels, length = s.channels - channel;
      if (length > first + depth - p) length = first + depth - p;
      tap t = tap_at(s, p / s.channels);
      const REAL *source[TILE_ROWS];
      for (ptrdiff_t j = 0; j < TILE_ROWS; j++)
        source[j] = (j < filled ? tapped(pixels[j], t, s, zeros) : (const REAL *)zeros) + channel;
      pack_sources(panel, source, length);
      panel += length * TILE_ROWS;
      p += length;
    }
  }
}

/// Copies `length` elements of `count` pixels in a row to y, a panel's width apart.
static inline __attribute__((always_inline)) void copy_pixels(REAL *y, const REAL *x,
                                                              ptrdiff_t stride, ptrdiff_t count,
                                                              ptrdiff_t length) {
  for (ptrdiff_t p = 0; p < count; p++)
    __builtin_memcpy(y + p * TILE_ROWS, x + p * stride, length * sizeof(REAL));
}

/// The same, with lengths that are frequent known when this is built; zeros if there is no x.
static void pack_pixels(REAL *y, const REAL *x, ptrdiff_t stride, ptrdiff_t count,
                        ptrdiff_t length) {
  if (!x)
    for (ptrdiff_t p = 0; p < count; p++) copy_filled(y + p * TILE_ROWS, y, 0, length);
  else if (length == TILE_ROWS)
    copy_pixels(y, x, stride, count, TILE_ROWS);
  else if (length == 8)
    copy_pixels(y, x, stride, count, 8);
  else if (length == 4)
    copy_pixels(y, x, stride, count, 4);
  else if (length == 1)
    copy_pixels(y, x, stride, count, 1);
  else
    copy_pixels(y, x, stride, count, length);
}

/// Packs what a tap reads of one row of pixels from `at` on: zeros, pixels, zeros.
static void pack_pixel_row(REAL *y, pixel at, tap t, ck_patches s, ptrdiff_t channel,
                           ptrdiff_t count, ptrdiff_t length) {
  ptrdiff_t before = least(count, at.column + t.columns < 0 ? -t.columns - at.column : 0);
  ptrdiff_t inside = least(count, s.width - t.columns - at.column) - before;
  if ((size_t)(at.row + t.rows) >= (size_t)s.height || inside < 0) inside = 0;
  const REAL *x = inside ? at.channels + t.elements + before * s.channels + channel : NULL;
  pack_pixels(y, NULL, 0, before, length);
  pack_pixels(y + before * TILE_ROWS, x, s.channels, inside, length);
  pack_pixels(y + (before + inside) * TILE_ROWS, NULL, 0, count - before - inside, length);
}

static void pack_patch_columns(void *y, const void *x, ck_patches s, ptrdiff_t position,
                               ptrdiff_t depth) {
  ptrdiff_t patch = s.kernel_height * s.kernel_width * s.channels;
  for (ptrdiff_t i = 0; i < patch; i += TILE_ROWS) {
    REAL *panel = (REAL *)y + i * depth;
    ptrdiff_t filled = least(TILE_ROWS, patch - i);
    for (ptrdiff_t j = 0, length; j < filled; j += length) {
      ptrdiff_t channel = (i + j) % s.channels;
      length = least(s.channels - channel, filled - j);
      tap t = tap_at(s, (i + j) / s.channels);
      pixel at = pixel_at(x, s, position);
      for (ptrdiff_t p = 0, count; p < depth; p += count) {
        count = least(s.width - at.column, depth - p);
        pack_pixel_row(panel + p * TILE_ROWS + j, at, t, s, channel, count, length);
        at.channels += count * s.channels;
        at.row = at.row + 1 == s.height ? 0 : at.row + 1;
        at.column = 0;
      }
    }
    if (filled < TILE_ROWS) pack_pixels(panel + filled, NULL, 0, depth, TILE_ROWS - filled);
  }
}
