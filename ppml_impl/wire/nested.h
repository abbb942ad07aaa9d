/* A whole container as a part of another one's payload: a writer that appends to the outer one, and a
 * reader that takes what is left of the outer payload.  In: a writer or reader of the outer file; out:
 * one of the inner.  Next: container.h. */
#ifndef PPMLI_WIRE_NESTED_H
#define PPMLI_WIRE_NESTED_H

#include "container.h"

PPMLI_STATIC int ppmli_nested_write(ppml_writer *self, const void *bytes, size_t count) {
  ppmli_out *out = (ppmli_out *)self->context;
  ppmli_out_bytes(out, bytes, count);
  return out->error != PPML_OK;
}

/*   out  outlives the writer; its first error is the writer's too */
PPMLI_STATIC ppml_writer ppmli_nested_writer(ppmli_out *out) {
  ppml_writer writer = {ppmli_nested_write, out, 0, 0};
  return writer;
}

/* Gives what is left where it is less than was asked for: then the inner container ends early, or
 * has nothing behind it, as it should. */
PPMLI_STATIC size_t ppmli_nested_read(ppml_reader *self, void *bytes, size_t count) {
  ppmli_in *in = (ppmli_in *)self->context;
  size_t take = in->remaining_bytes < count ? (size_t)in->remaining_bytes : count;
  ppmli_in_bytes(in, bytes, take);
  self->failed = in->error == PPML_ERR_IO;
  return in->error ? 0 : take;
}

/*   in  outlives the reader; look at in->error where the inner container ends early */
PPMLI_STATIC ppml_reader ppmli_nested_reader(ppmli_in *in) {
  ppml_reader reader = {ppmli_nested_read, NULL, in, 0, 0, 0};
  return reader;
}

#endif
