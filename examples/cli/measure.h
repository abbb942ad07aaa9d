/* measure.h - what steps cost on this machine. */
#ifndef MEASURE_H
#define MEASURE_H

#include "../../ppml.h"

#define MEASURE_REPEATS 15    /* timings at most, whose median is reported */
#define MEASURE_TIMING_MS 2.0 /* least time of one, so that the clock's grain does not show */
#define MEASURE_BATCH_MAX 32

/* Milliseconds of one call: after a warm-up, the median over repeats of runs that each
 * last least_ms at least. */
double measure_ms(void (*run)(void *), void *context, double least_ms, size_t repeats);

/* Milliseconds of a PPML_STEP_* on that many samples, all of them together.  Aborts where steps has no
 * such step or fewer samples. */
double measure_step_ms(ppml_steps *steps, uint32_t step, size_t samples, size_t repeats);

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

/* What inference of one image would take here on one thread: by its bootstraps alone, or all of
 * it where there are none; below 0 if it could not be measured.  Takes a second or less, and
 * the memory of a key. */
double measure_circuit_ms(const ppml_circuit *c);

#endif
