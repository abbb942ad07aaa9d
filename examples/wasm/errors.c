/* errors.c - what the library's errors are called, as a module for ppml.mjs: run when the package is made, so
 * that the texts have one home, ppml_strerror, and are in no program that a page loads. */
#define PPML_CLIENT_ONLY
#define PPML_API static inline
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include <stdio.h>

int main(void) {
  const char *unknown = ppml_strerror(1);
  puts("// What ppml_strerror says of each error; made from ppml.h.");
  puts("export const errors = {");
  for (int error = -1; error > -100; error--)
    if (ppml_strerror(error) != unknown) printf("  \"%d\": \"%s\",\n", error, ppml_strerror(error));
  puts("};");
  return printf("export const unknown = \"%s\";\n", unknown) < 0;
}
