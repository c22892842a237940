#include "CPictures.h"

#define KERNELS cp_portable
#include "kernels.inc.h"
