/* pool.h - POSIX threads behind a ppml_parallel. */
#ifndef POOL_H
#define POOL_H

#include <pthread.h>

#include "../../ppml.h"

#define POOL_THREADS_MAX 256
#define POOL_STACK_BYTES (256 * 1024) /* of a thread: ten times what the library takes */

typedef struct pool {
  ppml_parallel parallel; /* hand this to the library */
  pthread_t thread[POOL_THREADS_MAX];
  size_t started; /* threads besides the caller's */
  pthread_mutex_t lock;
  pthread_cond_t work, done;
  void (*task)(void *argument, size_t index);
  void *argument;
  size_t tasks, next, running;
  int stopping;
} pool;

/* Starts threads - 1 threads; the caller's is the other one.  Where the machine gives no more of them, fewer:
 * p->parallel.threads tells how many there are.  0, or the exit status. */
int pool_start(pool *p, size_t threads);
void pool_stop(pool *p);

/* Processors that are online. */
size_t pool_processors(void);

#endif
