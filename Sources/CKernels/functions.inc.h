// The exponential and the logarithm of vectors.

typedef __typeof__((vector)0 < (vector)0) lane_mask;

/// The bits of REAL: those of the fraction, the exponent of 1, and the number that is 1.5 times
/// the first whose neighbours are whole numbers.
#define FRACTION_BITS (sizeof(REAL) == 4 ? 23 : 52)
#define EXPONENT_BIAS (sizeof(REAL) == 4 ? 127 : 1023)
#define ROUNDING (sizeof(REAL) == 4 ? (REAL)0x1.8p23 : (REAL)0x1.8p52)
/// The first part of log 2 has so few bits that a whole exponent times it is exact.
#define LOG2_HIGH (sizeof(REAL) == 4 ? (REAL)0x1.62e4p-1 : (REAL)0x1.62e42feep-1)
#define LOG2_LOW (sizeof(REAL) == 4 ? (REAL)0x1.7f7d1cp-20 : (REAL)0x1.a39ef35793c76p-33)

/// 2^n for whole n from the smallest to the largest exponent of a normal number.
static inline __attribute__((always_inline)) vector power_of_two(lane_mask n) {
  lane_mask bits = (n + EXPONENT_BIAS) << FRACTION_BITS;
  return (vector)bits;
}

/// e^x: 0 and infinity beyond the range, gradual underflow, NaN for NaN. The series of e^r, where
/// x = n log 2 + r and |r| <= log 2 / 2.
static inline __attribute__((always_inline)) vector exponential(vector x) {
  REAL low = sizeof(REAL) == 4 ? -104 : -746, high = sizeof(REAL) == 4 ? 89 : 710;
  vector bounded = x < low ? (vector)low : x;
  bounded = bounded > high ? (vector)high : bounded;
  vector shifted = bounded * (REAL)0x1.71547652b82fep0 + ROUNDING;
  vector whole = shifted - ROUNDING;
  vector r = bounded - whole * LOG2_HIGH;
  r = r - whole * LOG2_LOW;
  static const double inverse_factorials[] = {
      1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
      1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
      1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
  enum { TERMS = sizeof(REAL) == 4 ? 6 : 12 };
  vector series = (REAL)inverse_factorials[TERMS - 1];
#pragma clang loop unroll(full)
  for (int i = TERMS - 2; i >= 0; i--) series = series * r + (REAL)inverse_factorials[i];
  vector y = 1 + (r + r * r * series);
#ifdef SCALE
  return SCALE(y, whole);
#else
  lane_mask n = (lane_mask)shifted - (lane_mask)(vector)ROUNDING;
  n = bounded == bounded ? n : (lane_mask)0;
  // In two steps, because 2^n itself may be out of range.
  lane_mask half = n >> 1;
  return y * power_of_two(half) * power_of_two(n - half);
#endif
}

/// log x: minus infinity for 0, NaN below 0, infinity for infinity, right for subnormal numbers.
/// The series of the inverse hyperbolic tangent of s = f / (2 + f), where x = 2^n (1 + f).
static inline __attribute__((always_inline)) vector logarithm(vector x) {
  REAL smallest = sizeof(REAL) == 4 ? (REAL)0x1p-126 : (REAL)0x1p-1022;
  REAL lift = sizeof(REAL) == 4 ? (REAL)0x1p25 : (REAL)0x1p54;
  lane_mask is_small = x < smallest;
  vector lifted = is_small ? x * lift : x;
  lane_mask bits = (lane_mask)lifted;
  vector root_half = (vector)(REAL)0x1.6a09e667f3bcdp-1;
  lane_mask n = (bits - (lane_mask)root_half) >> FRACTION_BITS;
  vector f = (vector)(bits - (n << FRACTION_BITS)) - 1;
  n = is_small ? n - (sizeof(REAL) == 4 ? 25 : 54) : n;
  vector s = f / (2 + f), z = s * s;
  enum { ODD_TERMS = sizeof(REAL) == 4 ? 5 : 11 };
  vector series = (REAL)2 / (2 * ODD_TERMS + 1);
#pragma clang loop unroll(full)
  for (int i = ODD_TERMS - 1; i > 0; i--) series = series * z + (REAL)2 / (2 * i + 1);
  series *= z;
  vector half_square = f * f * (REAL)0.5;
  vector whole = __builtin_convertvector(n, vector);
  vector y = whole * LOG2_HIGH -
             ((half_square - (s * (half_square + series) + whole * LOG2_LOW)) - f);
  y = x == 0 ? (vector)-(REAL)__builtin_inf() : y;
  y = x < 0 ? (vector)(REAL)__builtin_nan("") : y;
  // Infinity and NaN.
  return x < (REAL)__builtin_inf() ? y : x;
}

/// 1 / (1 + e^-x), without overflow.
static inline __attribute__((always_inline)) vector logistic(vector x) {
  vector e = exponential(-__builtin_elementwise_abs(x));
  return (x >= 0 ? (vector)1 : e) / (1 + e);
}

/// log(1 + e^x), without overflow and right where e^x is small.
static inline __attribute__((always_inline)) vector soft_plus(vector x) {
  vector e = exponential(-__builtin_elementwise_abs(x)), sum = 1 + e;
  return (x <= 0 ? (vector)0 : x) + (logarithm(sum) + (e - (sum - 1)) / sum);
}
