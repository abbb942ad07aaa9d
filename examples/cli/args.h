/* args.h - a command's options and operands. */
#ifndef ARGS_H
#define ARGS_H

#include <stddef.h>
#include <stdint.h>

/* Options are taken out one by one; what is left at the end are operands, and a
 * mistake is remembered so that it need be looked at once only. */
typedef struct args {
  const char *command;
  char **value;
  int count;
  int failed; /* a line was printed: the exit status, else 0 */
} args;

args args_make(int argc, char **argv);

/* Is --name there?  Leaves it. */
int args_has(const args *a, const char *name);

/* Takes --name out; 1 if it was there. */
int args_flag(args *a, const char *name);

/* Takes --name VALUE out; NULL if it was not there. */
const char *args_text(args *a, const char *name);

/* The same, which must be there. */
const char *args_required(args *a, const char *name);

/* The same, the path of an output: outputs.h. */
const char *args_output(args *a, const char *name);

/* The same, of keygen's secret key.
 *   force  it may take another secret key's place */
const char *args_key_output(args *a, const char *name, int force);

/* The same as a number in [least, most]; fallback if it was not there. */
uint64_t args_number(args *a, const char *name, uint64_t least, uint64_t most, uint64_t fallback);

/* The same of a size_t, which may be smaller. */
size_t args_size(args *a, const char *name, size_t least, size_t most, size_t fallback);

/* The same as a decimal fraction, 0.25 say, in [least, most]. */
double args_real(args *a, const char *name, double least, double most, double fallback);

/* Parses a whole decimal number in [least, most]; 0 if text is not one. */
int args_parse_number(uint64_t *out, const char *text, uint64_t least, uint64_t most);

/* The same of a decimal fraction: digits, with a point among them perhaps. */
int args_parse_real(double *out, const char *text, double least, double most);

/* After all options: is the rest least..most operands?  0, or the exit status 64. */
int args_end(args *a, int least, int most);

#endif
