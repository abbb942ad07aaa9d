/* kernels.h - inner functions of the unit that holds the library (ppml.c), for the units that time
 * inner functions.  Calling these by their inner names, such a unit would compile all vector
 * backends once more, half of the library's code, and time that copy rather than the library. */
#ifndef KERNELS_H
#define KERNELS_H

#include "../../ppml_impl/server/evalkey.h"

/* ppmli_backend_by_name: NULL for the best; NULL if this CPU has no such backend. */
const ppmli_backend *kernels_by_name(const char *name);

/* ppmli_fft_bytes, and ppmli_fft_init for the backend of that name. */
size_t kernels_fft_bytes(uint32_t poly_size);
int kernels_fft_init(ppmli_fft **out, uint32_t poly_size, const char *name, ppml_arena *arena);

/* ppmli_eval_key_alloc for the best backend. */
int kernels_key_alloc(ppml_eval_key *key, const ppml_params *p, ppml_arena *arena);

#endif
