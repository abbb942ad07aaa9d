/* What every public call shares: an error puts the arena back and wipes the output, whatever the
 * function; and the argument checks of the writers and readers of files.  In: what a call may spoil;
 * out: the error, handed through.  Next: core.h. */
#ifndef PPMLI_API_CALL_H
#define PPMLI_API_CALL_H

#include "../base/ct.h"
#include "whole.h"

/* What a call that fails puts back: the arena as it was, the output wiped.  Every public function
 * that takes an arena or fills an output goes through these two, once its arguments are checked. */
typedef struct ppmli_call {
  ppml_arena *arena;
  size_t mark;
  void *output;
  size_t output_bytes;
} ppmli_call;

/*   arena, output  NULL: the function has none */
static ppmli_call ppmli_call_begin(ppml_arena *arena, void *output, size_t output_bytes) {
  ppmli_call call = {arena, arena ? arena->used_bytes : 0, output, output ? output_bytes : 0};
  return call;
}

static int ppmli_call_end(const ppmli_call *call, int error) {
  if (error == PPML_OK) return PPML_OK;
  if (call->arena) call->arena->used_bytes = call->mark;
  if (call->output) ppmli_wipe(call->output, call->output_bytes);
  return error;
}

/* Writes a whole object with fn. */
#define PPMLI_WRITE(fn, object, is_whole)                                                          \
  do {                                                                                             \
    if (!is_whole(object) || !ppmli_writer_is_whole(writer)) return PPML_ERR_ARG;                  \
    return fn((object), writer);                                                                   \
  } while (0)

/* Reads with fn into arena. */
#define PPMLI_READ(fn, object)                                                                     \
  do {                                                                                             \
    if (!(object) || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;               \
    PPMLI_TRY(ppmli_arena_check(arena));                                                           \
    ppmli_call call = ppmli_call_begin(arena, (object), sizeof *(object));                         \
    return ppmli_call_end(&call, fn((object), reader, limits, arena));                             \
  } while (0)

/* The same where there are no arrays to allocate. */
#define PPMLI_READ_FLAT(fn, object)                                                                \
  do {                                                                                             \
    if (!(object) || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;               \
    ppmli_call call = ppmli_call_begin(NULL, (object), sizeof *(object));                          \
    return ppmli_call_end(&call, fn((object), reader, limits));                                    \
  } while (0)

#endif
