// The kernels of one element type on one instruction set. The file that includes this defines
// REAL, VECTOR_BYTES, TILE_ROWS, TILE_VECTORS and KERNELS, the name of the table.

enum { LANES = VECTOR_BYTES / sizeof(REAL), TILE_COLUMNS = TILE_VECTORS * LANES };

/// A vector that may lie at any element.
typedef REAL vector __attribute__((ext_vector_type(LANES), aligned(sizeof(REAL))));

static inline ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/// How many of `count` elements one vector takes.
static inline ptrdiff_t lanes(ptrdiff_t count) { return least(count, LANES); }

/// The first `count` elements, and zeros.
static inline __attribute__((always_inline)) vector load(const REAL *x, ptrdiff_t count) {
  if (count == LANES) return *(const vector *)x;
  vector v = 0;
  for (ptrdiff_t j = 0; j < count; j++) v[j] = x[j];
  return v;
}

/// Writes the first `count` elements.
static inline __attribute__((always_inline)) void store(REAL *x, vector v, ptrdiff_t count) {
  if (count == LANES)
    *(vector *)x = v;
  else
    for (ptrdiff_t j = 0; j < count; j++) x[j] = v[j];
}

/// The sum of all lanes, by halves: a chain of additions would wait for each of them.
static inline __attribute__((always_inline)) REAL total(vector v) {
#pragma clang loop unroll(full)
  for (int half = LANES / 2; half > 0; half /= 2) {
#pragma clang loop unroll(full)
    for (int j = 0; j < half; j++) v[j] += v[j + half];
  }
  return v[0];
}

/// The largest of all lanes.
static inline __attribute__((always_inline)) REAL largest_lane(vector v) {
#pragma clang loop unroll(full)
  for (int half = LANES / 2; half > 0; half /= 2) {
#pragma clang loop unroll(full)
    for (int j = 0; j < half; j++) v[j] = v[j] > v[j + half] ? v[j] : v[j + half];
  }
  return v[0];
}

#include "product.inc.h"

#include "functions.inc.h"

#include "elements.inc.h"

#include "rows.inc.h"

#include "pairs.inc.h"

#include "neighbors.inc.h"

#include "convolution.inc.h"

#include "columns.inc.h"

#include "pooling.inc.h"

#include "selection.inc.h"

#include "ranking.inc.h"

#include "tiles.inc.h"

const ck_kernels KERNELS = {
    .tile_rows = TILE_ROWS,
    .tile_columns = TILE_COLUMNS,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .pack_plus_transposed = pack_plus_transposed,
    .pack_times_sums = pack_times_sums,
    .multiply = multiply,
    .multiply_rows = multiply_rows,
    .pack_patches = pack_patches,
    .pack_patch_columns = pack_patch_columns,
    .column_sums = column_sums,
    .column_moments = column_moments,
    .column_products = column_products,
    .combine_columns = combine_columns,
    .pool = pool,
    .pool_sums = pool_sums,
    .pool_gradient = pool_gradient,
    .map = map,
    .combine = combine,
    .sum = sum,
    .huber = huber,
    .adamw = adamw,
    .sgd = sgd,
    .normalize_rows = normalize_rows,
    .normalize_rows_gradient = normalize_rows_gradient,
    .add_transposed = add_transposed,
    .mirror = mirror,
    .inner_product = product_of_rows,
    .maximum = maximum,
    .exp_sum = exp_sum,
    .exp_by_label = exp_by_label,
    .scale_sides = scale_sides,
    .side_maxima = side_maxima,
    .side_exp = side_exp,
    .hinges = hinges,
    .side_sums = side_sums,
    .squared_hinges = squared_hinges,
    .fill_kinds = fill_kinds,
    .next_positive = next_positive,
    .next_equal = next_equal,
    .largest_of_groups = largest_of_groups,
    .triplet_hinges = triplet_hinges,
    .soft_rank = soft_rank,
    .soft_rank_gradient = soft_rank_gradient,
    .distances = distances,
    .distance_weights = distance_weights,
    .places_below = places_below,
    .squares_from_products = squares_from_products,
    .count_before = count_before,
    .count_bins = count_bins,
    .sum_of_roots = sum_of_roots,
    .places_within = places_within,
    .places_marked = places_marked,
    .twice_below = twice_below,
    .line_minima = line_minima,
    .count_nearer = count_nearer,
    .count_cells = count_cells,
    .count_gaps = count_gaps,
    .count_limits = count_limits,
    .take_counts = take_counts,
    .distances_to_rows = distances_to_rows,
    .scores_of_rows = scores_of_rows,
};
