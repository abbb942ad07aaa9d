/* bench.h - what ppml bench does for every parameter set, and what for one kind of them. */
#ifndef BENCH_H
#define BENCH_H

#include "keyring.h"
#include "measure.h"
#include "pool.h"

#define BENCH_BATCHES 4 /* sizes of batches */
#define BENCH_FFTS 4    /* sizes of transforms */

typedef struct bench_request {
  const ppml_params *params;
  const char *backend;
  size_t threads;
  int json;
} bench_request;

extern const size_t bench_batches[BENCH_BATCHES];

/* ------------------------------------------------------------ measurements */

typedef struct bench_ffts {
  double forward_ns[BENCH_FFTS], inverse_ns[BENCH_FFTS];
} bench_ffts;

/* Takes bench_fft_bytes() of the arena, and gives them back.  Errors: NOMEM. */
size_t bench_fft_bytes(void);
int bench_fft(bench_ffts *ffts, const bench_request *r, ppml_arena *arena);

typedef struct bench_keys {
  double keygen_ms, expand_ms;
} bench_keys;

/* Makes the keys of own->client and times it; own is to be wiped.
 * Errors: NOMEM and a random generator's. */
size_t bench_key_bytes(const bench_request *r);
int bench_key(bench_keys *times, ppml_eval_key *key, keyring *own, const bench_request *r,
              const ppml_parallel *parallel, ppml_arena *arena);

/* ------------------------------------------------------------------ report */

/* Members of the JSON object at hand. */
void bench_json_ffts(const bench_ffts *ffts, const bench_request *r);
void bench_json_batches(const char *name, const double ms[BENCH_BATCHES]);
void bench_json_keys(const bench_keys *keys, const bench_request *r);

/* Lines for people. */
void bench_print_ffts(const bench_ffts *ffts, const bench_request *r);
void bench_print_keys(const bench_keys *keys, const bench_request *r);

/* ------------------------------------------------------------ kinds of sets */

/* Measures and reports; returns the exit status. */
int bench_bootstraps(const bench_request *r, pool *threads);
int bench_leveled(const bench_request *r, pool *threads);
int bench_linear(const bench_request *r);

#endif
