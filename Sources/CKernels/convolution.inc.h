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

static void pack_patch_columns(void *y, const void *x, ck_patches s, ptrdiff_t position,
                               ptrdiff_t depth) {
  ptrdiff_t patch = s.kernel_height * s.kernel_width * s.channels;
  for (ptrdiff_t i = 0; i < patch; i += TILE_ROWS) {
    REAL *panel = (REAL *)y + i * depth;
    for (ptrdiff_t j = 0; j < TILE_ROWS;) {
      ptrdiff_t channel = (i + j) % s.channels, length = s.channels - channel;
      if (length > TILE_ROWS - j) length = TILE_ROWS - j;
      int is_past_end = i + j >= patch;
      tap t = tap_at(s, (i + j) / s.channels);
      pixel at = pixel_at(x, s, position);
      for (ptrdiff_t p = 0; p < depth; p++, at = next_pixel(at, s)) {
        const REAL *source = is_past_end ? NULL : tapped(at, t, s, NULL);
        REAL *q = panel + p * TILE_ROWS + j;
        if (!source)
          copy_filled(q, q, 0, length);
        else if (length == TILE_ROWS)
          __builtin_memcpy(q, source + channel, TILE_ROWS * sizeof(REAL));
        else
          copy_filled(q, source + channel, length, length);
      }
      j += length;
    }
  }
}
