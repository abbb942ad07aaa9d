/* outputs.h - what a command writes: named before it reads or writes anything, begun, and put in
 * place all together.
 *
 * Commands take their outputs' paths with args_output (args.h), which names them here.  No two may
 * be one file, none may be read by the same command, and no secret key is written over: keygen's
 * --force alone lets one secret key take the place of another.
 *
 * Functions return CLI_OK, or the exit status after printing one line. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include "cli.h"
#include "file.h"

/*   replaces_key  may what is at the path be a secret key? */
int outputs_name(const char *path, int replaces_key);

/* Begins an output at a path that was named.  On an error nothing is open, and file_abort is harmless.
 *   mode  0600 for secrets, else 0666: see file_create */
int outputs_begin(file_output *output, const char *path, unsigned mode);

/* Ends them all: every one appears, or none does. */
int outputs_commit(file_output *outputs, const char *const *paths, size_t count);

#endif
