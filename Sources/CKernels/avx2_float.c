#include "kernels.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define REAL float
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define KERNELS ck_avx2_float
#define ROOTS_FROM_FLOATS
#include "kernels.inc.h"
#pragma clang attribute pop
#endif
