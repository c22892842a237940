// The only C of the project: loops over plain memory, once for each instruction set.
#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/// Instruction sets, from the least to the most able.
enum { CK_PORTABLE = 0, CK_AVX2 = 1, CK_AVX512 = 2 };

/// Whether this processor has the instruction set.
int ck_has_isa(int isa);
/// The instruction set in use; at first the best that the processor has.
int ck_get_isa(void);
/// Changes the instruction set in use; one that the processor lacks is ignored.
void ck_set_isa(int isa);

#endif
