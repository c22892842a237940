// The choice of the nearest among many.

typedef _Bool lane_bits __attribute__((ext_vector_type(LANES)));

static ptrdiff_t places_below(int32_t *places, const void *px, const void *poffsets, double limit,
                              ptrdiff_t count) {
  const REAL *x = px, *offsets = poffsets;
  REAL bound = (REAL)limit;
  ptrdiff_t found = 0, i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector rank = offsets ? *(const vector *)(offsets + i) : (vector)0;
    rank -= *(const vector *)(x + i);
    lane_bits below = __builtin_convertvector(rank < bound, lane_bits);
    uint64_t bits = 0;
    __builtin_memcpy(&bits, &below, sizeof(below));
    bits &= ((uint64_t)1 << LANES) - 1;
    for (; bits; bits &= bits - 1) places[found++] = (int32_t)(i + __builtin_ctzll(bits));
  }
  for (; i < count; i++)
    if ((offsets ? offsets[i] : 0) - x[i] < bound) places[found++] = (int32_t)i;
  return found;
}
