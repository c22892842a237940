#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

int ck_has_isa(int isa) {
  switch (isa) {
    case CK_PORTABLE:
      return 1;
#if defined(__x86_64__)
    case CK_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CK_AVX512:
      return ck_has_isa(CK_AVX2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw");
#endif
    default:
      return 0;
  }
}

// What the environment asks for, so that a whole program or all tests can run on each of them.
static int wanted_isa(void) {
  static const char *const names[] = {"portable", "avx2", "avx512"};
  const char *name = getenv("KINDRED_ISA");
  for (int isa = CK_PORTABLE; name && isa <= CK_AVX512; isa++)
    if (strcmp(name, names[isa]) == 0) return isa;
  return CK_AVX512;
}

// -1 until it is first asked for.
static _Atomic int current = -1;

int ck_get_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa >= 0) return isa;
  isa = wanted_isa();
  while (!ck_has_isa(isa)) isa--;
  atomic_store_explicit(&current, isa, memory_order_relaxed);
  return isa;
}

void ck_set_isa(int isa) {
  if (ck_has_isa(isa)) atomic_store_explicit(&current, isa, memory_order_relaxed);
}

const ck_kernels *ck_get_kernels(size_t size) { return ck_get_kernels_of(ck_get_isa(), size); }

const ck_kernels *ck_get_kernels_of(int isa, size_t size) {
#if defined(__x86_64__)
  if (isa == CK_AVX512) return size == 4 ? &ck_avx512_float : &ck_avx512_double;
  if (isa == CK_AVX2) return size == 4 ? &ck_avx2_float : &ck_avx2_double;
#endif
  (void)isa;
  return size == 4 ? &ck_portable_float : &ck_portable_double;
}
