/* The arena: the caller's block of memory, handed out from the bottom, which all arrays of the
 * library come from.  In: a ppml_arena and a size; out: an aligned block, or NULL when it is full.
 * Size queries add up what ppmli_arena_rounded says of each allocation.  Next: parallel.h, which cuts an
 * arena into slices. */
#ifndef PPMLI_BASE_ARENA_H
#define PPMLI_BASE_ARENA_H

#include "base.h"

/* What an allocation of that many bytes takes: sizes are rounded up so that every
 * block is aligned.  Size queries add these up; ~0 marks a size that overflowed. */
PPMLI_INLINE size_t ppmli_arena_rounded(size_t bytes) {
  if (bytes > SIZE_MAX - (PPML_ALIGNMENT - 1)) return SIZE_MAX;
  return (bytes + (PPML_ALIGNMENT - 1)) & ~(size_t)(PPML_ALIGNMENT - 1);
}

/* A block of the arena, or NULL when it is full. */
PPMLI_STATIC void *ppmli_arena_alloc(ppml_arena *arena, size_t bytes) {
  size_t rounded = ppmli_arena_rounded(bytes);
  if (arena->used_bytes > arena->capacity_bytes) return NULL; /* by another hand than this one */
  if (rounded < bytes || rounded > arena->capacity_bytes - arena->used_bytes) return NULL;
  void *block = arena->memory + arena->used_bytes;
  arena->used_bytes += rounded;
  if (arena->used_bytes > arena->high_bytes) arena->high_bytes = arena->used_bytes;
  return block;
}

/* The same for count elements, safe against count * size overflowing. */
PPMLI_STATIC void *ppmli_arena_array(ppml_arena *arena, size_t count, size_t element_bytes) {
  if (element_bytes && count > SIZE_MAX / element_bytes) return NULL;
  return ppmli_arena_alloc(arena, count * element_bytes);
}

/* type *name = an array of count elements, or return NOMEM. */
#define PPMLI_ALLOC(type, name, arena, count)                                                      \
  type *name = (type *)ppmli_arena_array((arena), (count), sizeof(type));                          \
  if (name == NULL) return PPML_ERR_NOMEM

#endif
