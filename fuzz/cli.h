/* cli.h - what parts of the command that are fuzzed take of examples/cli/cli.c. */
#ifndef PPML_FUZZ_CLI_H
#define PPML_FUZZ_CLI_H

#include <stdarg.h>
#include <stdio.h>

#include "../examples/cli/cli.h"
#include "feed.h"

/* A message is made, and goes nowhere. */
int cli_fail(int status, const char *file, const char *format, ...) {
  char line[1024];
  va_list values;
  feed_require(file != NULL);
  va_start(values, format);
  feed_require(vsnprintf(line, sizeof line, format, values) >= 0);
  va_end(values);
  return status;
}

#endif
