/* The generator of secrets: ChaCha20 with fast key erasure, seeded from entropy.h.  A state that
 * leaks does not give away what was drawn before; a state that was never seeded gives nothing.  In: a
 * ppml_rng; out: bytes and numbers that nobody can guess, or an error.  Next: seeds.h. */
#ifndef PPMLI_BASE_RNG_H
#define PPMLI_BASE_RNG_H

#include "bytes.h"
#include "ct.h"
#include "digest.h"
#include "entropy.h"
#include "stream.h"

/* ------------------------------------------------------------- generator */

/* Refills the buffer, its first bytes becoming the next key: what a leaked state
 * holds cannot be run backwards.  Source: [FKE]. */
PPMLI_STATIC void ppmli_rng_refill(ppml_rng *rng) {
  ppmli_stream s;
  ppmli_stream_init(&s, rng->key, PPMLI_STREAM_RNG, rng->counter++);
  ppmli_stream_bytes(&s, rng->key, sizeof rng->key); /* the stream has a copy of the old one */
  ppmli_stream_bytes(&s, rng->buffer, sizeof rng->buffer);
  rng->buffered = sizeof rng->buffer;
  ppmli_stream_wipe(&s);
}

/* What rng->ready says, by words that memory which nobody set up hardly holds. */
#define PPMLI_RNG_READY 0x9c41e6d3u     /* has an entropy source */
#define PPMLI_RNG_FOR_TESTS 0x5ab2071eu /* a known seed: the same numbers every time */

PPMLI_STATIC void ppmli_rng_seed(ppml_rng *rng, const uint8_t seed[PPML_SEED_BYTES]) {
  memset(rng, 0, sizeof *rng);
  memcpy(rng->key, seed, PPML_SEED_BYTES);
  rng->ready = PPMLI_RNG_FOR_TESTS;
}

/* Makes what follows depend on these bytes too; a generator gets no worse by it, whatever they
 * are.  CT. */
PPMLI_STATIC void ppmli_rng_fold(ppml_rng *rng, const void *bytes, size_t count) {
  ppmli_digest d;
  ppmli_digest_init_seed(&d);
  ppmli_digest_update(&d, rng->key, sizeof rng->key);
  ppmli_digest_update(&d, bytes, count);
  ppmli_digest_final_seed(&d, rng->key);
  ppmli_digest_wipe(&d);
  ppmli_wipe(rng->buffer, sizeof rng->buffer);
  rng->buffered = 0;
}

PPMLI_STATIC int ppmli_rng_is_ready(const ppml_rng *rng) {
  return (rng->ready == PPMLI_RNG_READY && rng->entropy) || rng->ready == PPMLI_RNG_FOR_TESTS;
}

/* Begins a use of a generator: every public function that draws calls this first.  Folds fresh
 * entropy in, so that no two uses of copies of a state, be it a copied struct, a fork or a virtual
 * machine's snapshot, draw the same; of a fork the process too, should the entropy source be such
 * that it gives both the same.
 * Errors: RNG: nothing set the generator up, its entropy source failed when it was, or fails now. */
PPMLI_STATIC int ppmli_rng_begin(ppml_rng *rng) {
  uint8_t fresh[PPML_SEED_BYTES];
  if (!ppmli_rng_is_ready(rng)) return PPML_ERR_RNG;
  if (rng->ready == PPMLI_RNG_FOR_TESTS) return PPML_OK;
  int failed = rng->entropy(rng->context, fresh, sizeof fresh);
  if (!failed) ppmli_rng_fold(rng, fresh, sizeof fresh);
  ppmli_wipe(fresh, sizeof fresh);
  if (failed) return PPML_ERR_RNG;
#if PPMLI_HAS_PROCESSES
  uint8_t process[8];
  if (rng->process == ppmli_process()) return PPML_OK;
  rng->process = ppmli_process();
  ppmli_store64(process, rng->process);
  ppmli_rng_fold(rng, process, sizeof process);
#endif
  return PPML_OK;
}

/* Sets a generator up from an entropy source, which every use asks again.  Errors: RNG. */
PPMLI_STATIC int ppmli_rng_init(ppml_rng *rng,
                                int (*entropy)(void *context, void *bytes, size_t count),
                                void *context) {
  memset(rng, 0, sizeof *rng);
  if (entropy(context, rng->key, sizeof rng->key) != 0) {
    ppmli_wipe(rng, sizeof *rng);
    return PPML_ERR_RNG;
  }
  rng->entropy = entropy;
  rng->context = context;
  rng->process = ppmli_process();
  rng->ready = PPMLI_RNG_READY;
  return PPML_OK;
}

/* Draws, from a generator that is ready. */
PPMLI_STATIC void ppmli_rng_bytes(ppml_rng *rng, void *bytes, size_t count) {
  uint8_t *out = (uint8_t *)bytes;
  while (count) {
    if (rng->buffered == 0) ppmli_rng_refill(rng);
    size_t take = ppmli_min_size(count, rng->buffered);
    uint8_t *from = rng->buffer + sizeof rng->buffer - rng->buffered;
    memcpy(out, from, take);
    ppmli_wipe(from, take);
    rng->buffered -= (uint32_t)take;
    out += take;
    count -= take;
  }
}

PPMLI_STATIC uint64_t ppmli_rng_u64(ppml_rng *rng) {
  uint8_t b[8];
  ppmli_rng_bytes(rng, b, sizeof b);
  uint64_t x = ppmli_load64(b);
  ppmli_wipe(b, sizeof b);
  return x;
}

/* Puts x [count] into a random order, each as likely as the others.  Not CT. */
PPMLI_STATIC void ppmli_rng_shuffle(uint32_t *x, size_t count, ppml_rng *rng) {
  for (size_t n = count; n > 1; n--) {
    size_t other = (size_t)(ppmli_rng_u64(rng) % n);
    uint32_t swapped = x[n - 1];
    x[n - 1] = x[other];
    x[other] = swapped;
  }
}

#endif
