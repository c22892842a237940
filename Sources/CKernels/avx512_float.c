#include "kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), apply_to = function)
#define REAL float
#define VECTOR_BYTES 64
#define TILE_ROWS 12
#define TILE_VECTORS 2
#define KERNELS ck_avx512_float
#define ROOTS_FROM_FLOATS
#define COMPRESS __builtin_ia32_compresssi512_mask
/// y · 2^n, also where 2^n is out of range.
#define SCALE(y, n) __builtin_ia32_scalefps512_mask(y, n, (vector)0, -1, 4)
#include "kernels.inc.h"
#pragma clang attribute pop
#endif
