/* Encrypting training rows, on the client.  See rows.h.  In: features and labels of a block, seeds; out:
 * bodies as they travel.  Next: training_write.h. */
#ifndef PPMLI_CLIENT_ROWS_ENCRYPT_H
#define PPMLI_CLIENT_ROWS_ENCRYPT_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/digest.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../cipher/rows.h"
#include "../math/poly.h"
#include "../math/torus.h"

/* A block in the clear: rows that are missing at its end are zeros. */
typedef struct ppmli_rows_clear {
  const int8_t *feature; /* [N][features] */
  const int8_t *label;   /* [N][outputs] */
} ppmli_rows_clear;

/* Draws the seeds of a block of rows; its message, see seeds.h, are the features and labels.
 *   rng  ppmli_rng_begin was called for this use
 * CT: time depends on the shape only. */
PPMLI_STATIC void ppmli_rows_seeds_draw(ppmli_seeds *seeds, const ppmli_rows *rows,
                                        const ppmli_rows_clear *clear, const ppml_secret_key *key,
                                        ppml_rng *rng) {
  uint8_t message[PPML_SEED_BYTES];
  size_t N = key->client->params->poly_size;
  ppmli_digest d;
  ppmli_digest_init_seed(&d);
  ppmli_digest_update(&d, clear->feature, N * rows->features);
  ppmli_digest_update(&d, clear->label, N * rows->outputs);
  ppmli_digest_final_seed(&d, message);
  ppmli_digest_wipe(&d);
  ppmli_seeds_draw(seeds, PPMLI_SEEDS_ROWS, key, message, sizeof message, rng);
  ppmli_wipe(message, sizeof message);
}

/* poly = sum_s value_s unit Y^position(s), or of Y^-position(s).
 *   poly    [N]  out
 *   value   that of row s at value[s * stride]
 * CT: addresses depend on the shape only. */
PPMLI_STATIC void ppmli_rows_poly(uint64_t *poly, const ppmli_rows *rows, const ppml_params *p,
                                  const int8_t *value, size_t stride, uint64_t unit,
                                  int is_reversed) {
  size_t N = p->poly_size;
  for (size_t s = 0; s < N; s++) {
    size_t at = ppmli_rows_position(rows, p, s);
    uint64_t term = (uint64_t)(int64_t)value[s * stride] * unit;
    if (is_reversed && at) poly[N - at] = 0 - term; /* Y^-at = -Y^(N - at) */
    else poly[at] = term;
  }
}

/* The message of a body, and what its mask is less by: an encryption of -s X g is one of 0 whose
 * mask is X g less than the body was made for.
 *   message, less  [N]  out */
PPMLI_STATIC void ppmli_rows_message(uint64_t *message, uint64_t *less, const ppmli_rows *rows,
                                     const ppml_params *p, const ppmli_rows_clear *clear,
                                     size_t body) {
  size_t features = rows->features, N = p->poly_size;
  memset(message, 0, N * sizeof *message);
  memset(less, 0, N * sizeof *less);
  if (body >= ppmli_rows_first_label(rows)) {
    size_t c = body - ppmli_rows_first_label(rows);
    ppmli_rows_poly(message, rows, p, clear->label + c, rows->outputs, rows->label_unit, 1);
  } else if (body >= ppmli_rows_first_copy(rows)) {
    uint64_t unit = (uint64_t)1 << (64 - PPMLI_ROWS_GRAM_LOG2);
    ppmli_rows_poly(message, rows, p, clear->feature + (body - ppmli_rows_first_copy(rows)),
                    features, unit, 1);
  } else {
    size_t row = body / features;
    uint32_t level = (uint32_t)(row % rows->levels);
    uint64_t g = (uint64_t)1 << (64 - rows->base_log2 * (level + 1));
    ppmli_rows_poly(row < rows->levels ? less : message, rows, p, clear->feature + body % features,
                    features, g, 0);
  }
}

PPMLI_INLINE size_t ppmli_rows_encrypt_scratch(const ppml_params *p) {
  return 3 * ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         ppmli_poly_binary_muladd_scratch(p->poly_size);
}

/* Encrypts one body of a block to the wire.
 *   wire  [N words of ppmli_rows_bits()]  out
 *   key   [N bits]  s
 * Scratch: ppmli_rows_encrypt_scratch(p) bytes.  Errors: NOMEM.
 * Noise: fresh, plus rounding to the wire's bits.  CT: time depends on the shape only. */
PPMLI_STATIC int ppmli_rows_encrypt(uint8_t *wire, const ppmli_rows *rows, const ppml_params *p,
                                    const ppmli_rows_clear *clear, size_t body, const uint8_t *key,
                                    const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t mark = arena->used_bytes, N = p->poly_size;
  uint32_t bits = ppmli_rows_bits(rows, body);
  ppmli_stream mask, noise;
  PPMLI_ALLOC(uint64_t, message, arena, N);
  PPMLI_ALLOC(uint64_t, less, arena, N);
  PPMLI_ALLOC(uint64_t, words, arena, N);
  PPMLI_ALLOC(uint64_t, shifted, arena, ppmli_poly_lead_words((uint32_t)N));
  ppmli_rows_message(message, less, rows, p, clear, body);
  ppmli_stream_init(&mask, seeds->mask, PPMLI_STREAM_ROW_MASK, body);
  ppmli_stream_init(&noise, seeds->noise, PPMLI_STREAM_ROW_NOISE, body);
  ppmli_stream_u64(&mask, words, N);
  for (size_t i = 0; i < N; i++) words[i] -= less[i];
  ppmli_poly_binary_muladd(message, words, key, 0, p->poly_size, shifted);
  ppmli_stream_u64(&noise, words, N);
  for (size_t i = 0; i < N; i++) {
    message[i] += (uint64_t)ppmli_noise(words[i], p->glwe_noise_bound);
    message[i] = ppmli_torus_top(message[i], bits);
  }
  ppmli_pack(wire, message, N, bits);
  ppmli_stream_wipe(&noise);
  ppmli_wipe(message, 3 * ppmli_arena_rounded(N * sizeof *message)); /* and less, and words */
  ppmli_wipe(shifted, ppmli_poly_lead_words((uint32_t)N) * sizeof *shifted);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
