// The choice of the nearest among many.

typedef _Bool lane_bits __attribute__((ext_vector_type(LANES)));

typedef int32_t lane_places __attribute__((ext_vector_type(LANES)));

/// The flags of the lanes, as bits.
static inline uint32_t bits_of(lane_bits flags) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &flags, sizeof(flags));
  return (uint32_t)(bits & (((uint64_t)1 << LANES) - 1));
}

/// Appends the places of the lanes with a flag, the first lane's being `first`; returns how many there
/// are then. There must be room for all lanes.
static inline ptrdiff_t append_places(int32_t *places, ptrdiff_t found, lane_bits flags,
                                      ptrdiff_t first) {
  uint32_t bits = bits_of(flags);
#ifdef COMPRESS
  lane_places all;
#pragma clang loop unroll(full)
  for (int j = 0; j < LANES; j++) all[j] = j;
  all = COMPRESS(all + (int32_t)first, (lane_places)0, bits);
  __builtin_memcpy(places + found, &all, sizeof(all));
  return found + __builtin_popcount(bits);
#else
  for (; bits; bits &= bits - 1) places[found++] = (int32_t)(first + __builtin_ctz(bits));
  return found;
#endif
}

static ptrdiff_t places_below(int32_t *places, const void *px, const void *poffsets, double limit,
                              ptrdiff_t count) {
  const REAL *x = px, *offsets = poffsets;
  REAL bound = (REAL)limit;
  ptrdiff_t found = 0, i = 0;
  for (; i + LANES <= count; i += LANES) {
    vector rank = offsets ? *(const vector *)(offsets + i) : (vector)0;
    rank -= *(const vector *)(x + i);
    found = append_places(places, found, __builtin_convertvector(rank < bound, lane_bits), i);
  }
  for (; i < count; i++)
    if ((offsets ? offsets[i] : 0) - x[i] < bound) places[found++] = (int32_t)i;
  return found;
}
