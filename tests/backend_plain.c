/* backend_plain.c - the checks of test_backend.c with a main of their own, for CPUs where there
 * is no libcheck: `make check-emulated` cross-compiles it and runs it under qemu. */
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#include "../ppml.h"

#include "backend_checks.h"

int main(void) {
  int wrong = 0;
  const ppmli_backend *backend;
  for (size_t i = 0; (backend = ppmli_backend_by_index(i)) != NULL; i++) {
    int before = wrong;
    for (int s = 0; s < BACKEND_POLY_SIZES; s++) {
      wrong += check_exponents(backend, backend_poly_sizes[s]);
      wrong += check_forward(backend, backend_poly_sizes[s]);
      wrong += check_round_trip(backend, backend_poly_sizes[s]);
      wrong += check_whole_turns(backend, backend_poly_sizes[s]);
      wrong += check_product(backend, backend_poly_sizes[s]);
    }
    for (size_t samples = 1; samples <= 40; samples++) wrong += check_key_switch(backend, samples);
    for (size_t blocks = 0; blocks <= BACKEND_BLOCKS_MAX; blocks++)
      wrong += check_chacha(backend, blocks);
    printf("backend %s: %s\n", backend->name, wrong == before ? "passed" : "FAILED");
  }
  return wrong != 0;
}
