/* two_units_a.c - the unit with the implementation, and main.
 *
 *     cc -std=c99 -D_DEFAULT_SOURCE -I. tests/two_units_a.c tests/two_units_b.c -lm && ./a.out
 *
 * Prints nothing and returns 0 if both units see the same library. */
#define PPML_NO_TRAIN
#define PPML_IMPLEMENTATION
#include "ppml.h"
/* Included once more, with the macro still there: nothing is defined twice. */
#include "ppml.h"

const ppml_params *two_units_params(void);
int two_units_round_trip(ppml_arena *arena);

int main(void) {
  static unsigned char memory[1 << 16] PPML_ALIGNED;
  ppml_arena arena;
  if (ppml_arena_init(&arena, memory, sizeof memory) != PPML_OK) return 1;
  if (two_units_params() != ppml_params_by_name("fast")) return 2;
  return two_units_round_trip(&arena);
}
