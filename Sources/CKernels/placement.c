// Which processor a thread runs on, and how it moves to another.
#define _GNU_SOURCE
#include "CKernels.h"

#if defined(__linux__)
#include <sched.h>

int ck_processor(void) { return sched_getcpu(); }

void ck_leave_processor(int processor) {
  // What the whole process may use, as it was when a thread first moved.
  static _Thread_local cpu_set_t allowed;
  static _Thread_local int known = 0;
  if (!known) known = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? 1 : -1;
  if (known < 0 || processor < 0 || processor >= CPU_SETSIZE) return;
  cpu_set_t others = allowed;
  CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) > 0) sched_setaffinity(0, sizeof others, &others);
}
#else
int ck_processor(void) { return -1; }
void ck_leave_processor(int processor) { (void)processor; }
#endif
