// The only C of the project: loops over plain memory, once for each instruction set.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Instruction sets, from the least to the most able.
enum { CK_PORTABLE = 0, CK_AVX2 = 1, CK_AVX512 = 2 };

/// Whether this processor has the instruction set.
int ck_has_isa(int isa);
/// The instruction set in use; at first the best that the processor has, or, if that is less, the
/// one that KINDRED_ISA names (portable, avx2 or avx512).
int ck_get_isa(void);
/// Changes the instruction set in use; one that the processor lacks is ignored.
void ck_set_isa(int isa);

/// Tells the processor that a thread only waits for another one.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// The number of the processor that the calling thread runs on, or -1.
int ck_processor(void);
/// Moves the calling thread to any other of the processors that it may use, if there is one.
void ck_leave_processor(int processor);

/// Memory of the calling thread alone, on a cache line, kept for its next use until the thread ends;
/// NULL while it is in use, or if there is none.
void *_Nullable ck_take_own_memory(size_t byte_count);
/// Ends the use of it.
void ck_give_own_memory(void);

/// Functions of an element, in the order of Swift's `UnaryOperation` (which does tanh itself).
enum {
  CK_SCALE,
  CK_SHIFT,
  CK_EXP,
  CK_LOG,
  CK_RELU,
  CK_SQUARE_ROOT,
  CK_ABSOLUTE,
  CK_SOFTPLUS,
  CK_TANH,
  CK_SIGMOID
};

/// Functions of two elements, in the order of Swift's `BinaryOperation`.
enum {
  CK_ADD,
  CK_SUBTRACT,
  CK_MULTIPLY,
  CK_DIVIDE,
  CK_RELU_GRADIENT,
  CK_SQUARE_ROOT_GRADIENT,
  CK_ABSOLUTE_GRADIENT,
  CK_SOFTPLUS_GRADIENT,
  CK_TANH_GRADIENT,
  CK_SIGMOID_GRADIENT
};

/// The numbers of a step of AdamW; see Swift's `AdamWNumbers`.
typedef struct ck_adamw {
  double decay, beta1, beta2, share1, share2, rate, correction, epsilon;
} ck_adamw;

/// Images [height, width, channels], one after another, and the odd kernel that reads a patch of
/// them around each pixel: [kernel_height, kernel_width, channels], zeros outside the image.
typedef struct ck_patches {
  ptrdiff_t height, width, channels, kernel_height, kernel_width;
} ck_patches;

/// What the pairs of a row cost beyond two bounds: of the positive pairs, then of the negative ones.
typedef struct ck_hinges {
  double total[2], count[2], active[2];
} ck_hinges;

/// Ascending values, at least one, with a table over their range: the values whose part
/// (value - low) scale, at most parts - 1, is less than i are those before starts[i].
typedef struct ck_ladder {
  const void *_Nonnull values;
  const int32_t *_Nonnull starts;
  ptrdiff_t count, parts;
  double low, scale;
} ck_ladder;

enum {
  /// Rows and columns of a tile of distances: whole tiles of every instruction set's products.
  CK_TILE = 288,
  /// Squared distances are counted by the bits of their floats without so many of the last: in bins
  /// of about 0.2 % relative width, and in cells of 0.01 %.
  CK_BIN_SHIFT = 14,
  CK_CELL_SHIFT = 10,
  /// The most elements of a vector.
  CK_GAP_PADDING = 16,
};

/// Ascending values, by the cells that they lie in.
typedef struct ck_gaps {
  /// Followed by CK_GAP_PADDING infinite ones.
  const void *_Nonnull values;
  /// Which of the cells that hold values a cell is, or -1; and the first value of each of those,
  /// with the number of all values at the end.
  const int32_t *_Nonnull cells, *_Nonnull firsts;
  /// Which of the bins that are counted float by float a bin is, or -1.
  const int32_t *_Nonnull bins;
} ck_gaps;

/// The kernels of one element type on one instruction set; `void` stands for that type.
///
/// They run on the calling thread. Sizes count elements.
typedef struct ck_kernels {
  /// The rows and columns of the tile that a product holds in registers.
  ptrdiff_t tile_rows, tile_columns;

  /// Copies the element (i, p), at x[i * stride + p], to panels of `width` elements:
  /// y[i / width][p][i % width], with zeros to fill the last panel. `width` is one of the tile's.
  void (*_Nonnull pack_rows)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t stride,
                             ptrdiff_t count, ptrdiff_t depth, ptrdiff_t width);
  /// The same where the element (i, p) is at x[p * stride + i].
  void (*_Nonnull pack_columns)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t stride,
                                ptrdiff_t count, ptrdiff_t depth, ptrdiff_t width);
  /// The same for rows of `tile_rows` of x + xᵀ, x square with n rows: `count` rows from `row` on, and
  /// their `depth` elements from `first` on; adds the sum of each row to `sums`, if given.
  void (*_Nonnull pack_plus_transposed)(void *_Nonnull y, void *_Nullable sums,
                                        const void *_Nonnull x, ptrdiff_t n, ptrdiff_t row,
                                        ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth);
  /// The same for rows of the symmetric matrix x[i, p] (sums[i] + sums[p]).
  void (*_Nonnull pack_times_sums)(void *_Nonnull y, const void *_Nonnull sums,
                                   const void *_Nonnull x, ptrdiff_t n, ptrdiff_t row,
                                   ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth);
  /// c[rows, columns] = a b (+ c if `adding`) from panels of a and b, then + `bias` (a number for
  /// each column) if there is one, and then max(c, 0) if `relu`.
  void (*_Nonnull multiply)(void *_Nonnull c, ptrdiff_t stride, const void *_Nonnull a,
                            const void *_Nonnull b, ptrdiff_t rows, ptrdiff_t columns,
                            ptrdiff_t depth, int adding, const void *_Nullable bias, int relu);
  /// The same with b as it lies, p rows of `b_stride` numbers; `columns` is a multiple of the tile's.
  void (*_Nonnull multiply_rows)(void *_Nonnull c, ptrdiff_t stride, const void *_Nonnull a,
                                 const void *_Nonnull b, ptrdiff_t b_stride, ptrdiff_t rows,
                                 ptrdiff_t columns, ptrdiff_t depth, int adding,
                                 const void *_Nullable bias, int relu);
  /// Packs the elements `first` to `first + depth` of the patches of `count` pixels from
  /// `position` on as rows of panels of `tile_rows`. `zeros` has as many zeros as there are
  /// channels.
  void (*_Nonnull pack_patches)(void *_Nonnull y, const void *_Nonnull x,
                                const void *_Nonnull zeros, ck_patches shape, ptrdiff_t position,
                                ptrdiff_t count, ptrdiff_t first, ptrdiff_t depth);
  /// Packs the transpose: panels of `tile_rows` elements of the patch, over `depth` pixels.
  void (*_Nonnull pack_patch_columns)(void *_Nonnull y, const void *_Nonnull x, ck_patches shape,
                                      ptrdiff_t position, ptrdiff_t depth);

  /// For each column, sum += Σ x.
  void (*_Nonnull column_sums)(double *_Nonnull sum, const void *_Nonnull x, ptrdiff_t rows,
                               ptrdiff_t columns);
  /// For each column, sum += Σ (x - centre) and square += Σ (x - centre)².
  void (*_Nonnull column_moments)(double *_Nonnull sum, double *_Nonnull square,
                                  const void *_Nonnull x, const void *_Nonnull centre,
                                  ptrdiff_t rows, ptrdiff_t columns);
  /// For each column, sum += Σ g and product += Σ g (x - centre).
  void (*_Nonnull column_products)(double *_Nonnull sum, double *_Nonnull product,
                                   const void *_Nonnull g, const void *_Nonnull x,
                                   const void *_Nonnull centre, ptrdiff_t rows,
                                   ptrdiff_t columns);
  /// y = g a + x b + c with numbers a, b and c for each column; without g, y = x b + c.
  void (*_Nonnull combine_columns)(void *_Nonnull y, const void *_Nullable g,
                                   const void *_Nullable a, const void *_Nonnull x,
                                   const void *_Nonnull b, const void *_Nonnull c,
                                   ptrdiff_t rows, ptrdiff_t columns);

  /// The largest max(x factor + offset, 0) of each 2x2 block of one image, and its place: 0 to 3,
  /// or 4 if it is 0.
  void (*_Nonnull pool)(void *_Nonnull y, uint8_t *_Nonnull place, const void *_Nonnull x,
                        const void *_Nonnull factor, const void *_Nonnull offset,
                        ptrdiff_t height, ptrdiff_t width, ptrdiff_t channels);
  /// For each channel, sum += Σ g and product += Σ g (x - mean) over the places of one image.
  void (*_Nonnull pool_sums)(double *_Nonnull sum, double *_Nonnull product,
                             const void *_Nonnull g, const uint8_t *_Nonnull place,
                             const void *_Nonnull x, const void *_Nonnull mean, ptrdiff_t height,
                             ptrdiff_t width, ptrdiff_t channels);
  /// y = x b + c (+ g a at the places) for one image.
  void (*_Nonnull pool_gradient)(void *_Nonnull y, const void *_Nonnull g,
                                 const uint8_t *_Nonnull place, const void *_Nonnull a,
                                 const void *_Nonnull x, const void *_Nonnull b,
                                 const void *_Nonnull c, ptrdiff_t height, ptrdiff_t width,
                                 ptrdiff_t channels);

  /// y[i] = operation(x[i], number). exp and log are right to about 1 unit in the last place, with
  /// the limits at 0 and infinity, gradual underflow, and NaN for NaN.
  void (*_Nonnull map)(int operation, void *_Nonnull y, const void *_Nonnull x, double number,
                       ptrdiff_t count);
  /// y[i] = operation(a[i], b[i]).
  void (*_Nonnull combine)(int operation, void *_Nonnull y, const void *_Nonnull a,
                           const void *_Nonnull b, ptrdiff_t count);
  double (*_Nonnull sum)(const void *_Nonnull x, ptrdiff_t count);
  /// x[i] = what x[i] - y[i] is beyond [-1, 1], and their absolute sum; returns Σ of Huber's function
  /// of x[i] - y[i].
  double (*_Nonnull huber)(double *_Nonnull beyond, void *_Nonnull x, const void *_Nonnull y,
                           ptrdiff_t count);
  /// A step of AdamW: parameters p, gradient g, moments m and v.
  void (*_Nonnull adamw)(void *_Nonnull p, const void *_Nonnull g, void *_Nonnull m,
                         void *_Nonnull v, ck_adamw numbers, ptrdiff_t count);
  /// A step of gradient descent: parameters p, gradient g, velocity v.
  void (*_Nonnull sgd)(void *_Nonnull p, const void *_Nonnull g, void *_Nonnull v, double rate,
                       double momentum, double decay, int nesterov, ptrdiff_t count);

  /// length = ‖x‖ and y = x / max(‖x‖, shortest) for each row.
  void (*_Nonnull normalize_rows)(void *_Nonnull y, void *_Nonnull length,
                                  const void *_Nonnull x, double shortest, ptrdiff_t rows,
                                  ptrdiff_t columns);
  /// result = times (g - y ⟨y, g⟩) / length for each row, or 0 where length < shortest.
  void (*_Nonnull normalize_rows_gradient)(void *_Nonnull result, const void *_Nonnull g,
                                           const void *_Nonnull y, const void *_Nonnull length,
                                           double shortest, double times, ptrdiff_t rows,
                                           ptrdiff_t columns);

  /// The rows `first` to `last` of y = x + xᵀ for square x of n rows.
  void (*_Nonnull add_transposed)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t n,
                                  ptrdiff_t first, ptrdiff_t last);
  /// The elements `left` to `right` of the rows `first` to `last` of square c, n rows, become those
  /// on the other side of the diagonal.
  void (*_Nonnull mirror)(void *_Nonnull c, ptrdiff_t n, ptrdiff_t first, ptrdiff_t last,
                          ptrdiff_t left, ptrdiff_t right);

  double (*_Nonnull inner_product)(const void *_Nonnull a, const void *_Nonnull b,
                                   ptrdiff_t count);
  /// The largest element; minus infinity if there are none.
  double (*_Nonnull maximum)(const void *_Nonnull x, ptrdiff_t count);
  /// y = e^(x - peak); returns the sum.
  double (*_Nonnull exp_sum)(void *_Nonnull y, const void *_Nonnull x, double peak,
                             ptrdiff_t count);
  /// y = e^(slope x - peak); adds each y to its column's sum, and `sums` gets those of the row: of
  /// columns with this label in `equal` and `sums[0]`, of the rest in `other` and `sums[1]`.
  void (*_Nonnull exp_by_label)(double *_Nonnull sums, void *_Nonnull y, void *_Nonnull equal,
                                void *_Nonnull other, const void *_Nonnull x,
                                const int32_t *_Nonnull labels, int32_t label, double slope,
                                double peak, ptrdiff_t count);

  // The pairs of a row: kind > 0 is a positive pair, < 0 a negative one and 0 none; its size says
  // how often the pair occurs. Numbers for two sides are those of positive pairs, then negative.

  /// y = x factor + offset with the numbers of the pair's side; 0 for no pair.
  void (*_Nonnull scale_sides)(void *_Nonnull y, const void *_Nonnull x,
                               const int32_t *_Nonnull kinds, const double *_Nonnull factors,
                               const double *_Nonnull offsets, ptrdiff_t count);
  /// The largest slope · x of each side; minus infinity if there are none.
  void (*_Nonnull side_maxima)(double *_Nonnull largest, const void *_Nonnull x,
                               const int32_t *_Nonnull kinds, double slope, ptrdiff_t count);
  /// y = e^(slope · x - peak) with the peak of the pair's side, times the pair's number if `counting`; 0
  /// for no pair. `sums` gets the sum of each side.
  void (*_Nonnull side_exp)(double *_Nonnull sums, void *_Nonnull y, const void *_Nonnull x,
                            const int32_t *_Nonnull kinds, double slope,
                            const double *_Nonnull peaks, int counting, ptrdiff_t count);
  /// The terms max(0, sign (x - bound)) of positive pairs and max(0, sign (bound - x)) of negative
  /// ones, each as often as its pair occurs; y is the derivative.
  void (*_Nonnull hinges)(ck_hinges *_Nonnull result, void *_Nonnull y, const void *_Nonnull x,
                          const int32_t *_Nonnull kinds, const double *_Nonnull bounds,
                          double sign, ptrdiff_t count);

  /// The numbers themselves as terms, each as often as its pair occurs.
  void (*_Nonnull side_sums)(ck_hinges *_Nonnull result, const void *_Nonnull x,
                             const int32_t *_Nonnull kinds, ptrdiff_t count);
  /// The squares of the terms h of `hinges`; y is twice the derivative of h times (h - base), the
  /// base being its side's.
  void (*_Nonnull squared_hinges)(ck_hinges *_Nonnull result, void *_Nonnull y,
                                  const void *_Nonnull x, const int32_t *_Nonnull kinds,
                                  const double *_Nonnull bounds, const double *_Nonnull bases,
                                  double sign, ptrdiff_t count);

  /// kinds = 1 where a label is `label`, else -1.
  void (*_Nonnull fill_kinds)(int32_t *_Nonnull kinds, const int32_t *_Nonnull labels,
                              int32_t label, ptrdiff_t count);
  /// The first place from `first` on with a positive pair; `count` if there is none.
  ptrdiff_t (*_Nonnull next_positive)(const int32_t *_Nonnull kinds, ptrdiff_t first,
                                      ptrdiff_t count);
  /// The first place from `first` on with this label; `count` if there is none.
  ptrdiff_t (*_Nonnull next_equal)(const int32_t *_Nonnull labels, int32_t label,
                                   ptrdiff_t first, ptrdiff_t count);
  /// y = factor x for the first of the largest of each `group` elements, which divides `count`; minus
  /// infinity for the others.
  void (*_Nonnull largest_of_groups)(void *_Nonnull y, const void *_Nonnull x, ptrdiff_t group,
                                     double factor, ptrdiff_t count);
  /// The terms max(0, limit - sign x) over negative pairs, each as often as its pair occurs, as the
  /// second side of `result`; y -= sign times the numbers of the active ones.
  void (*_Nonnull triplet_hinges)(ck_hinges *_Nonnull result, void *_Nonnull y,
                                  const void *_Nonnull x, const int32_t *_Nonnull kinds,
                                  double limit, double sign, double times, ptrdiff_t count);
  /// y = 1 / (1 + e^-((x - centre) scale)) for negative pairs, else 0; returns the sum.
  double (*_Nonnull soft_rank)(void *_Nonnull y, const void *_Nonnull x,
                               const int32_t *_Nonnull kinds, double centre, double scale,
                               ptrdiff_t count);
  /// y += slope rank (1 - rank); returns the sum of what was added.
  double (*_Nonnull soft_rank_gradient)(void *_Nonnull y, const void *_Nonnull rank,
                                        double slope, ptrdiff_t count);

  /// y = own + squares - 2 y, or its root. Where that is less than `nearness` of own + squares, y
  /// is -1; returns whether there is such an element.
  int (*_Nonnull distances)(void *_Nonnull y, const void *_Nonnull squares, double own,
                            double nearness, int root, ptrdiff_t count);
  /// weights = g / y for roots, else 2 g, where y is what `distances` gave; 0 for the near ones.
  /// Returns whether one of the near has a derivative and is not 0.
  int (*_Nonnull distance_weights)(void *_Nonnull weights, const void *_Nonnull g,
                                   const void *_Nonnull y, const void *_Nonnull squares,
                                   double own, double nearness, int root, ptrdiff_t count);

  /// Writes the places, in order, where offsets[i] - x[i] < limit, with zeros for no offsets;
  /// returns how many there are. `places` has room for `count`.
  ptrdiff_t (*_Nonnull places_below)(int32_t *_Nonnull places, const void *_Nonnull x,
                                     const void *_Nullable offsets, double limit,
                                     ptrdiff_t count);

  /// Turns products into squared distances, x[i] = norm + norms[i] - 2 x[i]; returns how many are
  /// below share (norm + norms[i]).
  ptrdiff_t (*_Nonnull squares_from_products)(void *_Nonnull x, const void *_Nonnull norms,
                                              double norm, double share, ptrdiff_t count);
  /// How many of the first `ties` numbers are at most `limit`, and of the others below it.
  ptrdiff_t (*_Nonnull count_before)(const void *_Nonnull x, double limit, ptrdiff_t ties,
                                     ptrdiff_t count);
  /// Counts numbers of 0 or more: bins[bits of the float >> 14] += 1.
  void (*_Nonnull count_bins)(int64_t *_Nonnull bins, const void *_Nonnull x, ptrdiff_t count);
  /// Σ √x over the finite numbers.
  double (*_Nonnull sum_of_roots)(const void *_Nonnull x, ptrdiff_t count);
  /// Writes the places, in order, where x[i] <= limit; returns how many there are. `places` has room
  /// for `count`.
  ptrdiff_t (*_Nonnull places_within)(int32_t *_Nonnull places, const void *_Nonnull x,
                                      double limit, ptrdiff_t count);
  /// The same where the mark of the number's bin (see `count_bins`) is 1 and not 0.
  ptrdiff_t (*_Nonnull places_marked)(int32_t *_Nonnull places, const void *_Nonnull x,
                                      const uint8_t *_Nonnull marks, ptrdiff_t count);
  /// Σ over the finite numbers of 2 (values below) + (values equal).
  int64_t (*_Nonnull twice_below)(const void *_Nonnull x, ptrdiff_t count, ck_ladder ladder);

  /// minima[i] = min(minima[i], x[i]); least = the least x[i].
  void (*_Nonnull line_minima)(void *_Nonnull minima, void *_Nonnull least,
                               const void *_Nonnull x, ptrdiff_t count);
  /// counts[k] += how many x[i] of 0 or more come before a match at place matches[k] and distance
  /// values[k] >= 0: less, or equal with first + i < matches[k].
  void (*_Nonnull count_nearer)(int32_t *_Nonnull counts, const void *_Nonnull values,
                                const int32_t *_Nonnull matches, ptrdiff_t many,
                                const void *_Nonnull x, ptrdiff_t first, ptrdiff_t count);
  /// Counts numbers of 0 or more by their cells, adds Σ √x of the finite ones to `roots` and writes
  /// the places, in order, of those whose cell has the mark 1 and not 0; returns how many there are.
  /// The first `marked` cells have marks. `near` gets the places in the first `near_cells`. Both have
  /// room for `count`. Unless `all` are counted, only those in the first `marked` cells are.
  ptrdiff_t (*_Nonnull count_cells)(uint32_t *_Nonnull cells, int32_t *_Nonnull places,
                                    int32_t *_Nonnull near, ptrdiff_t *_Nonnull near_count,
                                    double *_Nonnull roots, const void *_Nonnull x,
                                    const uint8_t *_Nonnull marks, ptrdiff_t marked,
                                    ptrdiff_t near_cells, int all, ptrdiff_t count);
  /// For each place, in a cell with values: gaps[(values below) + (values not above) + number of
  /// the cell] += 1; in a bin that is counted so: exact[number of the bin, float] += 1.
  void (*_Nonnull count_gaps)(uint32_t *_Nonnull gaps, uint32_t *_Nonnull exact,
                              const void *_Nonnull x, const int32_t *_Nonnull places,
                              ptrdiff_t count, const ck_gaps *_Nonnull table);
  /// Limits come in pairs. For each of `count` places i, if x[i] is at most the last of them, with k
  /// pairs below it: if it is at most the first limit of the next pair, own[k] += 1 and
  /// columns[i * pairs + k] += 1; if it lies between the two, its place + 2^16 k is written, in order.
  /// Returns how many are; places are below 2^16.
  ptrdiff_t (*_Nonnull count_limits)(uint16_t *_Nonnull own, uint16_t *_Nonnull columns,
                                     int32_t *_Nonnull places, ptrdiff_t count,
                                     const void *_Nonnull x, ck_ladder limits);
  /// counts += more; more = 0.
  void (*_Nonnull take_counts)(int32_t *_Nonnull counts, uint16_t *_Nonnull more, ptrdiff_t count);

  /// y[i] = ‖query - base[rows[i]]‖² if `squared`, else -⟨query, base[rows[i]]⟩, for rows of
  /// `columns` elements; reads ahead.
  void (*_Nonnull distances_to_rows)(void *_Nonnull y, const void *_Nonnull query,
                                     const void *_Nonnull base, const uint32_t *_Nonnull rows,
                                     ptrdiff_t count, ptrdiff_t columns, int squared);
  /// The same in float64, whatever the elements of the rows are, and +⟨query, row⟩ for products; rows
  /// 0, 1, 2 and so on if `rows` is null. The same bits on every instruction set.
  void (*_Nonnull scores_of_rows)(double *_Nonnull y, const double *_Nonnull query,
                                  const void *_Nonnull base, const uint32_t *_Nullable rows,
                                  ptrdiff_t count, ptrdiff_t columns, int squared);
} ck_kernels;

/// The kernels for float (`size` 4) or double (`size` 8) on the instruction set in use.
const ck_kernels *_Nonnull ck_get_kernels(size_t size);
/// The same for an instruction set that the processor has.
const ck_kernels *_Nonnull ck_get_kernels_of(int isa, size_t size);

#endif
