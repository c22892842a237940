// The inner loops of reading and resizing pictures, once for each instruction set. Whole numbers
// only, so that every one of them gives the same bytes.
#ifndef CPICTURES_H
#define CPICTURES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// Instruction sets, from the least to the most able.
enum { CP_PORTABLE = 0, CP_AVX2 = 1 };

typedef struct {
  /// Turns the 64 coefficients of a block, in rows, into 8 × 8 samples: libjpeg's accurate integer
  /// transform, with its 16-bit sums where lawful files never need more.
  void (*inverse_transform)(const int16_t *coefficients, const uint16_t *quantizers, uint8_t *samples,
                            size_t stride);
  /// One row of `count` samples to 2 · count: a triangle across.
  void (*widen)(const uint8_t *row, size_t count, uint8_t *target);
  /// A row and its neighbour to one row of 2 · count: a triangle across and down.
  void (*widen_both)(const uint8_t *near, const uint8_t *far, size_t count, uint8_t *target);
  /// A row and its neighbour to one row: a triangle down; `bias` is 1 above a row and 2 below it.
  void (*blend_rows)(const uint8_t *near, const uint8_t *far, size_t count, int bias, uint8_t *target);
  /// Luma and two differences of colour to red, green and blue, three bytes a pixel.
  void (*to_rgb)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t count, uint8_t *target);
  /// Rows of pixels resampled across: pixel i is the sum over taps of weights[i * most + t] times
  /// pixel firsts[i] + t, plus a half, by 2^22, cut to a byte.
  void (*resample_across)(const uint8_t *row, size_t channels, size_t count, const int32_t *firsts,
                          const int32_t *taps, const int32_t *weights, size_t most, size_t row_bytes,
                          uint8_t *target);
  /// One row of `count` bytes out of `taps` rows that lie `stride` apart.
  void (*resample_down)(const uint8_t *rows, size_t stride, size_t count, const int32_t *weights,
                        size_t taps, uint8_t *target);
} cp_kernels;

/// Whether this processor has the instruction set.
int cp_has_isa(int isa);
/// The kernels of an instruction set.
const cp_kernels *cp_kernels_of(int isa);
/// The best kernels that the processor has, or, if that is less, those that KINDRED_ISA names.
const cp_kernels *cp_best_kernels(void);

#pragma clang assume_nonnull end

#endif
