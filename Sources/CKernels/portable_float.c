#include "kernels.h"

#define REAL float
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define KERNELS ck_portable_float
#include "kernels.inc.h"
