#include "kernels.h"

#define REAL double
#define VECTOR_BYTES 16
#define TILE_ROWS 4
#define TILE_VECTORS 2
#define KERNELS ck_portable_double
#include "kernels.inc.h"
