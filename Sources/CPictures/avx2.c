#include "CPictures.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define KERNELS cp_avx2
#include "kernels.inc.h"
#pragma clang attribute pop
#endif
