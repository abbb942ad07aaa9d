/* measure.h - what steps cost on this machine.  Units that define these functions include inner
 * headers of the library, as a second copy that is static to each; see kernels.h. */
#ifndef MEASURE_H
#define MEASURE_H

#include "../../ppml.h"

#define MEASURE_REPEATS 15    /* timings at most, whose median is reported */
#define MEASURE_TIMING_MS 2.0 /* least time of one, so that the clock's grain does not show */
#define MEASURE_BATCH_MAX 32

/* Milliseconds of one call: after a warm-up, the median over repeats of runs that each
 * last least_ms at least. */
double measure_ms(void (*run)(void *), void *context, double least_ms, size_t repeats);

/* One thread's batch of samples. */
typedef struct measure_pbs {
  const ppml_eval_key *key;
  size_t samples;
  uint64_t *lwe;       /* [samples][k N + 1] */
  uint32_t *short_lwe; /* [samples][short words] */
  int32_t *digits;     /* [rows][samples] */
  uint16_t *exponents; /* [samples][n + 1] */
  uint64_t *acc;       /* [samples][k + 1][N] */
  uint64_t *table;     /* [N] */
  ppml_arena scratch;
} measure_pbs;

size_t measure_pbs_bytes(const ppml_params *p);
int measure_pbs_init(measure_pbs *b, const ppml_eval_key *key, ppml_arena *arena);

/* To be timed; context is a measure_pbs.  A key switch of every sample; a key switch, a
 * modulus switch and a bootstrap; and a step of the blind rotation: an external product with
 * its transforms, both ways, of each sample, for each of the step's GGSW ciphertexts. */
void measure_key_switch(void *context);
void measure_bootstrap(void *context);
void measure_step(void *context);

/* A key of noise: how long a step takes does not depend on it.  In memory of
 * ppml_eval_key_read_bytes for one thread.  Errors: NOMEM. */
int measure_fake_key(ppml_eval_key *key, const ppml_params *p, ppml_arena *arena);

/* What inference of one image would take here on one thread: by its bootstraps alone, or all of
 * it where there are none; below 0 if it could not be measured.  Takes a second or less, and
 * the memory of a key. */
double measure_circuit_ms(const ppml_circuit *c);

#endif
