// Memory that belongs to a thread.
#include <pthread.h>
#include <stdlib.h>

#include "CKernels.h"

static _Thread_local struct {
  void *base;
  size_t byte_count;
  int is_taken;
} own;

// Frees the memory of a thread when it ends.
static pthread_key_t key;
static int has_key;
static void make_key(void) { has_key = pthread_key_create(&key, free) == 0; }

void *ck_take_own_memory(size_t byte_count) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  enum { LINE = 64 };
  if (own.is_taken) return NULL;
  if (own.byte_count < byte_count) {
    pthread_once(&once, make_key);
    if (!has_key) return NULL;
    free(own.base);
    own.byte_count = (byte_count + LINE - 1) / LINE * LINE;
    own.base = aligned_alloc(LINE, own.byte_count);
    if (!own.base) own.byte_count = 0;
    pthread_setspecific(key, own.base);
    if (!own.base) return NULL;
  }
  own.is_taken = 1;
  return own.base;
}

void ck_give_own_memory(void) { own.is_taken = 0; }
