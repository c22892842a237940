#include <stdlib.h>
#include <string.h>

#include "CPictures.h"

extern const cp_kernels cp_portable;
#if defined(__x86_64__)
extern const cp_kernels cp_avx2;
#endif

int cp_has_isa(int isa) {
#if defined(__x86_64__)
  if (isa == CP_AVX2) return __builtin_cpu_supports("avx2") != 0;
#endif
  return isa == CP_PORTABLE;
}

const cp_kernels *cp_kernels_of(int isa) {
#if defined(__x86_64__)
  if (isa == CP_AVX2) return &cp_avx2;
#endif
  (void)isa;
  return &cp_portable;
}

const cp_kernels *cp_best_kernels(void) {
  const char *name = getenv("KINDRED_ISA");
  if (name && strcmp(name, "portable") == 0) return &cp_portable;
  return cp_kernels_of(cp_has_isa(CP_AVX2) ? CP_AVX2 : CP_PORTABLE);
}
