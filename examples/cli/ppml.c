/* The one translation unit that holds the library, and what kernels.h lends of it. */
#define PPML_IMPLEMENTATION
#include "../../ppml.h"

#include "kernels.h"

const ppmli_backend *kernels_by_name(const char *name) {
  return ppmli_backend_by_name(name);
}

size_t kernels_fft_bytes(uint32_t poly_size) {
  return ppmli_fft_bytes(poly_size);
}

int kernels_fft_init(ppmli_fft **out, uint32_t poly_size, const char *name, ppml_arena *arena) {
  return ppmli_fft_init(out, poly_size, ppmli_backend_by_name(name), arena);
}

int kernels_key_alloc(ppml_eval_key *key, const ppml_params *p, ppml_arena *arena) {
  return ppmli_eval_key_alloc(key, p, ppmli_backend_by_name(NULL), arena);
}
