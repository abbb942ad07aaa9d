/* Work split into tasks that the caller's threads may run, and scratch memory cut into one slice for
 * each task.  Where the caller has no threads, tasks run one after the other.  In: a task and a number
 * of them; out: all have run.  Next: server/bootstrap.h, which runs stages so. */
#ifndef PPMLI_BASE_PARALLEL_H
#define PPMLI_BASE_PARALLEL_H

#include "arena.h"

PPMLI_INLINE size_t ppmli_parallel_threads(const ppml_parallel *parallel) {
  return parallel && parallel->threads ? parallel->threads : 1;
}

/* Runs task(argument, 0 .. tasks - 1) and waits for all of them. */
PPMLI_STATIC void ppmli_parallel_run(const ppml_parallel *parallel, size_t tasks,
                                     void (*task)(void *argument, size_t index), void *argument) {
  if (parallel && tasks > 1) {
    parallel->run(parallel->context, tasks, task, argument);
    return;
  }
  for (size_t i = 0; i < tasks; i++) task(argument, i);
}

/* Where share `index` of `shares` nearly equal shares of `count` things begins. */
PPMLI_INLINE size_t ppmli_parallel_share(size_t count, size_t shares, size_t index) {
  return count / shares * index + ppmli_min_size(index, count % shares);
}

/* One arena cut into equal slices, one for each task. */
typedef struct ppmli_slices {
  unsigned char *memory;
  size_t slice_bytes;
} ppmli_slices;

PPMLI_STATIC int ppmli_slices_init(ppmli_slices *slices, size_t count, size_t slice_bytes,
                                   ppml_arena *arena) {
  slices->memory = (unsigned char *)ppmli_arena_array(arena, count, slice_bytes);
  slices->slice_bytes = slice_bytes;
  return slices->memory ? PPML_OK : PPML_ERR_NOMEM;
}

PPMLI_INLINE ppml_arena ppmli_slices_arena(const ppmli_slices *slices, size_t index) {
  ppml_arena arena = {slices->memory + index * slices->slice_bytes, slices->slice_bytes, 0, 0};
  return arena;
}

#endif
