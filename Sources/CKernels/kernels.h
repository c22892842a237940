// What every file of kernels includes before it chooses its instruction set.
#ifndef KERNELS_H
#define KERNELS_H

#include "CKernels.h"

extern const ck_kernels ck_portable_float, ck_portable_double;
#if defined(__x86_64__)
extern const ck_kernels ck_avx2_float, ck_avx2_double, ck_avx512_float, ck_avx512_double;
#endif

#endif
