/* split.h - the images of a data set that a command works on. */
#ifndef SPLIT_H
#define SPLIT_H

#include "args.h"
#include "load.h"

typedef struct split_request {
  const char *path;    /* of the data set */
  const char *name;    /* train, val or test */
  size_t count;        /* the first images alone, SIZE_MAX for all */
  npz_options options; /* how the data set is read, as far as the network does not say */
} split_request;

/* Takes --split, --count and dataset_options out of a command's arguments: the test split, all of it, if
 * they were not there.  The path is an operand, for the command to fill in. */
void split_options(split_request *r, args *a);

/* Loads the images for a network of this spec.
 *   split  out: count cut to what was asked for
 *   arena  out: of the data set
 * Returns CLI_OK, or the exit status after one line. */
int split_load(npz_split *split, const split_request *r, const ppml_spec *spec, ppml_arena *arena);

#endif
