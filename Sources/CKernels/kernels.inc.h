// The kernels of one element type on one instruction set. The file that includes this defines
// REAL, VECTOR_BYTES, TILE_ROWS, TILE_VECTORS and KERNELS, the name of the table.

enum { LANES = VECTOR_BYTES / sizeof(REAL), TILE_COLUMNS = TILE_VECTORS * LANES };

/// A vector that may lie at any element.
typedef REAL vector __attribute__((ext_vector_type(LANES), aligned(sizeof(REAL))));

#include "product.inc.h"

const ck_kernels KERNELS = {
    .tile_rows = TILE_ROWS,
    .tile_columns = TILE_COLUMNS,
    .pack_rows = pack_rows,
    .pack_columns = pack_columns,
    .multiply = multiply,
};
