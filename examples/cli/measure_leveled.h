/* measure_leveled.h - what a leveled circuit and its steps cost on this machine; as measure.h. */
#ifndef MEASURE_LEVELED_H
#define MEASURE_LEVELED_H

#include "../../ppml_impl/cipher/tensor.h"
#include "measure.h"

/* Random ciphertexts for the steps between an image and its scores. */
typedef struct measure_steps {
  const ppml_eval_key *key;
  uint64_t *glwe;    /* [2][mask, body][N]  a product's factors */
  uint64_t *product; /* [square, mask, body][N] */
  ppml_arena scratch;
} measure_steps;

size_t measure_steps_bytes(const ppml_params *p);
int measure_steps_init(measure_steps *s, const ppml_eval_key *key, ppml_arena *arena);

/* To be timed; context is a measure_steps.  A GLWE key switch; a step of a trace, which is an
 * automorphism and such a switch; a product of two ciphertexts with its relinearization. */
void measure_glwe_switch(void *context);
void measure_trace_step(void *context);
void measure_product(void *context);

/* Images that are inferred together. */
typedef struct measure_images {
  const ppml_circuit *circuit;
  const ppml_eval_key *key;
  const ppml_parallel *parallel; /* NULL: one thread */
  const ppml_input *inputs;
  size_t images;
  ppml_output output;
  ppml_arena arena; /* of ppml_infer_bytes; begun anew by each call */
} measure_images;

/* To be timed; context is a measure_images.  Aborts where they do not fit one another. */
void measure_infer(void *context);

/* measure_circuit_ms of a leveled circuit: an image of noise under a key of noise. */
double measure_leveled_circuit_ms(const ppml_circuit *c);

#endif
