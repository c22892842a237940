// The only C of the project: loops over plain memory, once for each instruction set.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Instruction sets, from the least to the most able.
enum { CK_PORTABLE = 0, CK_AVX2 = 1, CK_AVX512 = 2 };

/// Whether this processor has the instruction set.
int ck_has_isa(int isa);
/// The instruction set in use; at first the best that the processor has.
int ck_get_isa(void);
/// Changes the instruction set in use; one that the processor lacks is ignored.
void ck_set_isa(int isa);

/// The kernels of one element type on one instruction set; `void` stands for that type.
///
/// They run on the calling thread. Sizes count elements.
typedef struct ck_kernels {
  /// The rows and columns of the tile that a product holds in registers.
  ptrdiff_t tile_rows, tile_columns;

  /// Copies the element (i, p), at x[i * stride + p], to panels of `width` elements:
  /// y[i / width][p][i % width], with zeros to fill the last panel. `width` is one of the tile's.
  void (*_Nonnull pack_rows)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t stride,
                             ptrdiff_t count, ptrdiff_t depth, ptrdiff_t width);
  /// The same where the element (i, p) is at x[p * stride + i].
  void (*_Nonnull pack_columns)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t stride,
                                ptrdiff_t count, ptrdiff_t depth, ptrdiff_t width);
  /// c[rows, columns] = a b (+ c if `adding`) from panels of a and b, then + `bias` (a number for
  /// each column) if there is one, and then max(c, 0) if `relu`.
  void (*_Nonnull multiply)(void *_Nonnull c, ptrdiff_t stride, const void *_Nonnull a,
                            const void *_Nonnull b, ptrdiff_t rows, ptrdiff_t columns,
                            ptrdiff_t depth, int adding, const void *_Nullable bias, int relu);
} ck_kernels;

/// The kernels for float (`size` 4) or double (`size` 8) on the instruction set in use.
const ck_kernels *_Nonnull ck_get_kernels(size_t size);

#endif
