// Written with vector types, which the compiler turns into what the instruction set has.
#include <string.h>

typedef int16_t short8 __attribute__((vector_size(16)));
typedef uint16_t ushort8 __attribute__((vector_size(16)));
typedef int32_t int8x __attribute__((vector_size(32)));
typedef uint32_t uint8x __attribute__((vector_size(32)));
typedef uint8_t byte8 __attribute__((vector_size(8)));
typedef uint8_t byte16 __attribute__((vector_size(16)));
typedef uint8_t byte32 __attribute__((vector_size(32)));
typedef int32_t int4 __attribute__((vector_size(16)));

#define WIDE(x) __builtin_convertvector(x, int8x)
#define NARROW(x) __builtin_convertvector(x, short8)
#define TIMES(x, c) ((int8x)((uint8x)(x) * (uint32_t)(c)))
#define PLUS(x, y) ((int8x)((uint8x)(x) + (uint8x)(y)))
#define MINUS(x, y) ((int8x)((uint8x)(x) - (uint8x)(y)))
/// Sums of 16 bits, as the field's fast decoders have them.
#define PLUS16(x, y) WIDE((short8)((ushort8)(x) + (ushort8)(y)))
#define MINUS16(x, y) WIDE((short8)((ushort8)(x) - (ushort8)(y)))

/// Cut to 16 bits; a macro because vectors that the instruction set lacks cannot be passed.
#define SATURATED(x) \
  NARROW(__builtin_elementwise_min(__builtin_elementwise_max(x, (int8x){0} - 32768), (int8x){0} + 32767))

/// One pass over eight lanes: the even and the odd half of an eight-point inverse cosine transform
/// in 13-bit fixed point (Loeffler, Ligtenberg and Moschytz, 1989).
static inline __attribute__((always_inline)) void pass(short8 *v, int shift) {
  int8x z1 = TIMES(PLUS(WIDE(v[2]), WIDE(v[6])), 4433);
  int8x t2 = MINUS(z1, TIMES(WIDE(v[6]), 15137)), t3 = PLUS(z1, TIMES(WIDE(v[2]), 6270));
  int8x t0 = (int8x)((uint8x)PLUS16(v[0], v[4]) << 13), t1 = (int8x)((uint8x)MINUS16(v[0], v[4]) << 13);
  int8x even[4] = {PLUS(t0, t3), PLUS(t1, t2), MINUS(t1, t2), MINUS(t0, t3)};
  int8x z3 = PLUS16(v[7], v[3]), z4 = PLUS16(v[5], v[1]);
  int8x z5 = TIMES(PLUS(z3, z4), 9633);
  int8x i7 = WIDE(v[7]), i5 = WIDE(v[5]), i3 = WIDE(v[3]), i1 = WIDE(v[1]);
  z1 = TIMES(PLUS(i7, i1), -7373);
  int8x z2 = TIMES(PLUS(i5, i3), -20995);
  z3 = PLUS(z5, TIMES(z3, -16069));
  z4 = PLUS(z5, TIMES(z4, -3196));
  int8x odd[4] = {PLUS(TIMES(i1, 12299), PLUS(z1, z4)), PLUS(TIMES(i3, 25172), PLUS(z2, z3)),
                  PLUS(TIMES(i5, 16819), PLUS(z2, z4)), PLUS(TIMES(i7, 2446), PLUS(z1, z3))};
  int32_t half = 1 << (shift - 1);
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    v[k] = SATURATED((int8x)((uint8x)PLUS(even[k], odd[k]) + (uint32_t)half) >> shift);
    v[7 - k] = SATURATED((int8x)((uint8x)MINUS(even[k], odd[k]) + (uint32_t)half) >> shift);
  }
}

static inline __attribute__((always_inline)) void transpose(short8 *v) {
  short8 a[8], b[8];
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    a[2 * k] = __builtin_shufflevector(v[2 * k], v[2 * k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    a[2 * k + 1] = __builtin_shufflevector(v[2 * k], v[2 * k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k += 4) {
    for (int j = 0; j < 2; j++) {
      b[k + j] = __builtin_shufflevector(a[k + j], a[k + 2 + j], 0, 1, 8, 9, 4, 5, 12, 13);
      b[k + 2 + j] = __builtin_shufflevector(a[k + j], a[k + 2 + j], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 4; k++) {
    v[k] = __builtin_shufflevector(b[k], b[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[k + 4] = __builtin_shufflevector(b[k], b[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

static void inverse_transform(const int16_t *coefficients, const uint16_t *quantizers, uint8_t *samples,
                              size_t stride) {
  short8 v[8];
  ushort8 c[8], rest = {0};
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    memcpy(&c[k], coefficients + 8 * k, 16);
    if (k > 0) rest |= c[k];
    ushort8 q;
    memcpy(&q, quantizers + 8 * k, 16);
    v[k] = (short8)(c[k] * q);
  }
  uint64_t halves[2];
  memcpy(halves, &rest, 16);
  if ((halves[0] | halves[1]) == 0) {
    // Only the first row: every column is constant.
    short8 row = (short8)((ushort8)v[0] << 2);
    for (int k = 0; k < 8; k++) v[k] = row;
  } else {
    pass(v, 11);
  }
  transpose(v);
  pass(v, 18);
  transpose(v);
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    short8 low = (short8){0} - (int16_t)128;
    short8 x = __builtin_elementwise_min(__builtin_elementwise_max(v[k], low), ~low);
    byte8 bytes = __builtin_convertvector(x - low, byte8);
    memcpy(samples + k * stride, &bytes, 8);
  }
}

static void widen(const uint8_t *row, size_t count, uint8_t *target) {
  target[0] = row[0];
  target[1] = (uint8_t)((3 * row[0] + row[1] + 2) >> 2);
  for (size_t i = 1; i + 1 < count; i++) {
    uint16_t even = (uint16_t)((3 * row[i] + row[i - 1] + 1) >> 2);
    uint16_t odd = (uint16_t)((3 * row[i] + row[i + 1] + 2) >> 2);
    uint16_t both = (uint16_t)(even | odd << 8);
    memcpy(target + 2 * i, &both, 2);
  }
  target[2 * count - 2] = (uint8_t)((3 * row[count - 1] + row[count - 2] + 1) >> 2);
  target[2 * count - 1] = row[count - 1];
}

static void widen_both(const uint8_t *near, const uint8_t *far, size_t count, uint8_t *target) {
#define SUM(i) (uint16_t)(3 * near[i] + far[i])
  target[0] = (uint8_t)((4 * SUM(0) + 8) >> 4);
  target[1] = (uint8_t)((3 * SUM(0) + SUM(1) + 7) >> 4);
  for (size_t i = 1; i + 1 < count; i++) {
    uint16_t here = (uint16_t)(3 * SUM(i));
    uint16_t even = (uint16_t)((uint16_t)(here + SUM(i - 1) + 8) >> 4);
    uint16_t odd = (uint16_t)((uint16_t)(here + SUM(i + 1) + 7) >> 4);
    uint16_t both = (uint16_t)(even | odd << 8);
    memcpy(target + 2 * i, &both, 2);
  }
  target[2 * count - 2] = (uint8_t)((3 * SUM(count - 1) + SUM(count - 2) + 8) >> 4);
  target[2 * count - 1] = (uint8_t)((4 * SUM(count - 1) + 7) >> 4);
#undef SUM
}

static void blend_rows(const uint8_t *near, const uint8_t *far, size_t count, int bias, uint8_t *target) {
  for (size_t i = 0; i < count; i++)
    target[i] = (uint8_t)((uint16_t)(3 * near[i] + far[i] + bias) >> 2);
}

static inline uint8_t to_byte(int32_t x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

static void to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t count, uint8_t *target) {
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    uint8_t planes[3][16];
    for (size_t j = 0; j < 16; j++) {
      int32_t luma = y[i + j], blue = cb[i + j] - 128, red = cr[i + j] - 128;
      planes[0][j] = to_byte(luma + ((91881 * red + 32768) >> 16));
      planes[1][j] = to_byte(luma + ((-22554 * blue - 46802 * red + 32768) >> 16));
      planes[2][j] = to_byte(luma + ((116130 * blue + 32768) >> 16));
    }
    byte16 r, g, b;
    memcpy(&r, planes[0], 16);
    memcpy(&g, planes[1], 16);
    memcpy(&b, planes[2], 16);
    // Red and green of 16 pixels side by side, then with blue in threes.
    byte32 rg = __builtin_shufflevector(r, g, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
                                        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
    byte32 bb = __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3,
                                        4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    byte16 first = __builtin_shufflevector(rg, bb, 0, 16, 32, 1, 17, 33, 2, 18, 34, 3, 19, 35, 4, 20, 36, 5);
    byte16 second = __builtin_shufflevector(rg, bb, 21, 37, 6, 22, 38, 7, 23, 39, 8, 24, 40, 9, 25, 41, 10, 26);
    byte16 third = __builtin_shufflevector(rg, bb, 42, 11, 27, 43, 12, 28, 44, 13, 29, 45, 14, 30, 46, 15, 31, 47);
    memcpy(target + 3 * i, &first, 16);
    memcpy(target + 3 * i + 16, &second, 16);
    memcpy(target + 3 * i + 32, &third, 16);
  }
  for (; i < count; i++) {
    int32_t luma = y[i], blue = cb[i] - 128, red = cr[i] - 128;
    target[3 * i] = to_byte(luma + ((91881 * red + 32768) >> 16));
    target[3 * i + 1] = to_byte(luma + ((-22554 * blue - 46802 * red + 32768) >> 16));
    target[3 * i + 2] = to_byte(luma + ((116130 * blue + 32768) >> 16));
  }
}

#define HALF (1 << 21)

/// Three or four channels: a tap of a pixel is a vector of four lanes; two taps at a time.
static inline __attribute__((always_inline)) void across_colour(
    const uint8_t *row, size_t channels, size_t count, const int32_t *firsts, const int32_t *taps,
    const int32_t *weights, size_t most, size_t row_bytes, uint8_t *target) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *from = row + (size_t)firsts[i] * channels, *end = row + row_bytes;
    const int32_t *w = weights + i * most;
    int32_t n = taps[i], t = 0;
    int8x sums = {0};
    for (; t + 2 <= n && from + 8 <= end; t += 2, from += 2 * channels) {
      byte8 bytes;
      memcpy(&bytes, from, 8);
      byte8 pair = channels == 3 ? __builtin_shufflevector(bytes, bytes, 0, 1, 2, 0, 3, 4, 5, 3) : bytes;
      int8x weight = {w[t], w[t], w[t], w[t], w[t + 1], w[t + 1], w[t + 1], w[t + 1]};
      sums += __builtin_convertvector(pair, int8x) * weight;
    }
    int4 sum = __builtin_shufflevector(sums, sums, 0, 1, 2, 3) + __builtin_shufflevector(sums, sums, 4, 5, 6, 7);
    for (; t < n; t++, from += channels)
      for (size_t c = 0; c < channels; c++) sum[c] += from[c] * w[t];
    for (size_t c = 0; c < channels; c++) target[i * channels + c] = to_byte((sum[c] + HALF) >> 22);
  }
}

static void resample_across(const uint8_t *row, size_t channels, size_t count, const int32_t *firsts,
                            const int32_t *taps, const int32_t *weights, size_t most, size_t row_bytes,
                            uint8_t *target) {
  if (channels == 3) {
    across_colour(row, 3, count, firsts, taps, weights, most, row_bytes, target);
  } else if (channels == 4) {
    across_colour(row, 4, count, firsts, taps, weights, most, row_bytes, target);
  } else {
    for (size_t i = 0; i < count; i++) {
      for (size_t c = 0; c < channels; c++) {
        const uint8_t *from = row + (size_t)firsts[i] * channels + c;
        const int32_t *w = weights + i * most;
        int32_t sum = HALF;
        for (int32_t t = 0; t < taps[i]; t++) sum += from[(size_t)t * channels] * w[t];
        target[i * channels + c] = to_byte(sum >> 22);
      }
    }
  }
}

static void resample_down(const uint8_t *rows, size_t stride, size_t count, const int32_t *weights,
                          size_t taps, uint8_t *target) {
  size_t i = 0;
  for (; i + 32 <= count; i += 32) {
    int32_t sums[32];
    for (size_t j = 0; j < 32; j++) sums[j] = HALF;
    for (size_t t = 0; t < taps; t++) {
      const uint8_t *from = rows + t * stride + i;
      int32_t weight = weights[t];
      for (size_t j = 0; j < 32; j++) sums[j] += from[j] * weight;
    }
    for (size_t j = 0; j < 32; j++) target[i + j] = to_byte(sums[j] >> 22);
  }
  for (; i < count; i++) {
    int32_t sum = HALF;
    for (size_t t = 0; t < taps; t++) sum += rows[t * stride + i] * weights[t];
    target[i] = to_byte(sum >> 22);
  }
}

const cp_kernels KERNELS = {
    .inverse_transform = inverse_transform,
    .widen = widen,
    .widen_both = widen_both,
    .blend_rows = blend_rows,
    .to_rgb = to_rgb,
    .resample_across = resample_across,
    .resample_down = resample_down,
};
