/* The client's one look at what kind a set is: a switch for each of its verbs.  Draw a key, open it
 * for use, make messages of an image, encrypt one, make a step of the evaluation key.  In: a secret key;
 * out: what its kind makes of the verb.  Next: encrypt.h, keygen.h. */
#ifndef PPMLI_CLIENT_PATH_H
#define PPMLI_CLIENT_PATH_H

#include "../base/arena.h"
#include "../base/rng.h"
#include "../base/seeds.h"
#include "../base/stream.h"
#include "../cipher/bridge.h"
#include "../cipher/bridge_make.h"
#include "../cipher/ggsw_make.h"
#include "../cipher/glwe_make.h"
#include "../cipher/glwe_product.h"
#include "../cipher/glweswitch_make.h"
#include "../math/long.h"
#include "../math/long_make.h"
#include "../math/masks.h"
#include "../math/params.h"
#include "../network/model.h"
#include "../network/room.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/key_layout.h"
#include "block.h"
#include "linear_encrypt.h"
#include "pooled_encode.h"
#include "secret.h"

/* -------------------------------------------------------------------- key */

/* Draws the coefficients of a secret key.
 *   lwe_bits   [ppmli_params_lwe_key_bytes]  out
 *   glwe_bits  [ppmli_params_key_bytes]  out
 * CT: up to what rejection sampling throws away. */
PPMLI_STATIC void ppmli_client_draw_key(uint8_t *lwe_bits, uint8_t *glwe_bits, const ppml_params *p,
                                        ppml_rng *rng) {
  memset(lwe_bits, 0, ppmli_params_lwe_key_bytes(p));
  memset(glwe_bits, 0, ppmli_params_key_bytes(p));
  switch (ppmli_params_kind(p)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
    ppmli_secret_trits(glwe_bits, p->poly_size, rng);
    return;
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    ppmli_secret_trits(lwe_bits, ppmli_params_input_set(p)->poly_size, rng);
    ppmli_rng_bytes(rng, glwe_bits, ppmli_params_long_dim(p) / 8);
    return;
#endif
  default:
    ppmli_secret_bits(lwe_bits, glwe_bits, p, rng);
  }
}

/* The bits of the short key: a prefix of the long one where the other array is the latents'. */
PPMLI_INLINE const uint8_t *ppmli_secret_short_key(const ppml_secret_key *key) {
  return ppmli_params_has_bridge(key->client->params) ? key->glwe_bits : key->lwe_bits;
}

/* A secret key that is open for use: with what its products need, where they need anything. */
typedef struct ppmli_open_key {
  const ppml_params *params;
  const ppml_secret_key *secret;
  ppmli_glwe_key glwe; /* of sets with a bootstrap, for their evaluation key, and of a build with
                          PPMLI_NARROW for images; else zeros */
#ifndef PPML_NO_LEVELED
  ppmli_long_key product; /* LEVELED; else zeros */
#endif
} ppmli_open_key;

/* Are images of sets with a bootstrap made by the transform too?  It takes a third of the time, and twice
 * the memory. */
PPMLI_INLINE int ppmli_open_key_transforms(const ppml_params *p) {
#if defined(PPMLI_NARROW) && !defined(PPML_NO_TRANSFORM)
  return !ppmli_params_is_keyless(p);
#else
  (void)p;
  return 0;
#endif
}

/* Memory that a key takes that is open for images. */
PPMLI_STATIC size_t ppmli_open_key_bytes(const ppml_params *p) {
  switch (ppmli_params_kind(p)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_long_key_bytes(ppmli_params_input_set(p));
#endif
  default:
    return ppmli_open_key_transforms(p) ? ppmli_glwe_key_bytes(p) : 0;
  }
}

/* Opens a key; ppmli_open_key_close must follow, after an error too.
 * Memory: ppmli_open_key_bytes.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_open_key_init(ppmli_open_key *key, const ppml_secret_key *secret,
                                     ppml_arena *arena) {
  memset(key, 0, sizeof *key);
  key->params = secret->client->params;
  key->secret = secret;
  key->glwe.bits = secret->glwe_bits;
  switch (ppmli_params_kind(key->params)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
    return ppmli_long_key_init(&key->product, key->params, secret->glwe_bits, arena);
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_long_key_init(&key->product, ppmli_params_input_set(key->params), secret->lwe_bits,
                               arena);
#endif
  default:
    if (!ppmli_open_key_transforms(key->params)) return PPML_OK;
    return ppmli_glwe_key_init(&key->glwe, key->params, secret->glwe_bits, arena);
  }
}

/* Is there a key for bootstraps that opening it for images leaves closed? */
PPMLI_INLINE int ppmli_open_key_lacks_glwe(const ppml_params *p) {
  return p->lwe_dim != 0 && (ppmli_params_is_bridged(p) || !ppmli_open_key_transforms(p));
}

/* The same, open for the evaluation key too. */
PPMLI_STATIC size_t ppmli_open_maker_bytes(const ppml_params *p) {
  return ppmli_open_key_bytes(p) + (ppmli_open_key_lacks_glwe(p) ? ppmli_glwe_key_bytes(p) : 0);
}

PPMLI_STATIC int ppmli_open_maker_init(ppmli_open_key *key, const ppml_secret_key *secret,
                                       ppml_arena *arena) {
  PPMLI_TRY(ppmli_open_key_init(key, secret, arena));
  if (!ppmli_open_key_lacks_glwe(key->params)) return PPML_OK;
  return ppmli_glwe_key_init(&key->glwe, key->params, secret->glwe_bits, arena);
}

/* Wipes what opening has made. */
PPMLI_STATIC void ppmli_open_key_close(ppmli_open_key *key) {
  if (key->glwe.values) ppmli_glwe_key_wipe(&key->glwe, key->params);
#ifndef PPML_NO_LEVELED
  if (key->product.values) ppmli_long_key_wipe(&key->product);
#endif
  key->secret = NULL;
}

/* ------------------------------------------------------------------ image */

/* What a pixel of 1 is on the torus: the same for all circuits of a set, or of products what
 * their scores leave. */
PPMLI_STATIC uint64_t ppmli_client_input_unit(const ppml_client *client) {
  const ppml_params *p = client->params;
  switch (ppmli_params_kind(p)) {
#ifdef PPMLI_HAS_LINEAR
  case PPML_SET_LINEAR:
    return client->score_unit;
#endif
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
    return client->score_unit / ppmli_params_block(p);
#endif
  default:
    return ppmli_circuit_input_unit(p, &client->spec);
  }
}

/* Pixels as values on the torus.
 *   poly  [count]  out */
PPMLI_STATIC void ppmli_client_values(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *pixels, size_t count) {
  uint64_t unit = ppmli_client_input_unit(client);
  for (size_t i = 0; i < count; i++)
    poly[i] = unit * (uint64_t)ppmli_quant_pixel(pixels[i], client->spec.input_bits);
}

/* Values of a block of pixels as a message, one a coefficient, then zeros. */
PPMLI_STATIC void ppmli_client_pixels(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *pixels, size_t block) {
  size_t values = ppmli_params_block(client->params), first = block * values;
  size_t count = ppmli_min_size(values, ppmli_spec_inputs(&client->spec) - first);
  memset(poly, 0, client->params->poly_size * sizeof *poly);
  ppmli_client_values(poly, client, pixels + first, count);
}

/* Scratch of ppmli_client_message. */
PPMLI_STATIC size_t ppmli_client_message_scratch(const ppml_params *p, const ppml_spec *spec) {
  switch (ppmli_params_kind(p)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_POOLED:
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return spec->encoder.kind == PPML_ENCODER_NONE ? 0 : ppmli_pooled_message_scratch(spec);
#endif
  default:
    (void)spec;
    return 0;
  }
}

/* The message of ciphertext number `block` of an image.
 *   poly  [N]  out
 * Errors: NOMEM; RANGE for a latent that is not finite.  CT, but for that error. */
PPMLI_STATIC int ppmli_client_message(uint64_t *poly, const ppml_client *client,
                                      const uint8_t *image, size_t block, ppml_arena *arena) {
  switch (ppmli_params_kind(client->params)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_POOLED:
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return ppmli_pooled_message(poly, client, image, arena);
#endif
  default:
    (void)arena;
    ppmli_client_pixels(poly, client, image, block);
    return PPML_OK;
  }
}

PPMLI_STATIC size_t ppmli_client_block_scratch(const ppml_params *p) {
  switch (ppmli_params_kind(p)) {
#ifdef PPMLI_HAS_LINEAR
  case PPML_SET_LINEAR:
    return ppmli_encrypt_short_scratch(p);
#endif
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    return 0;
#endif
  default:
    return ppmli_open_key_transforms(p) ? ppmli_glwe_product_scratch(p)
                                        : ppmli_glwe_encrypt_scratch(p);
  }
}

/* Words of block number `block` of an image that travel. */
PPMLI_STATIC uint32_t ppmli_client_words(const ppmli_open_key *key, uint64_t block) {
  const ppml_params *p = key->params;
  size_t left = ppmli_spec_inputs(&key->secret->client->spec) - (size_t)block * p->poly_size;
  return (uint32_t)ppmli_min_size(left, p->poly_size);
}

/* Encrypts a message.
 *   body  [N]  in: the message; out: what travels of the body
 *   tail  [N]  out: the rest of what travels, of a set whose words have tails
 * Scratch: ppmli_client_block_scratch.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_client_encrypt_block(uint64_t *body, uint64_t *tail,
                                            const ppmli_open_key *key, const ppmli_mask *mask,
                                            ppmli_stream *noise, ppml_arena *arena) {
  const ppml_params *p = key->params;
  switch (ppmli_params_kind(p)) {
#ifdef PPMLI_HAS_LINEAR
  case PPML_SET_LINEAR:
    (void)tail;
    return ppmli_encrypt_short_block(body, p, key->secret->glwe_bits, mask, noise,
                                     ppmli_client_words(key, mask->index), arena);
#endif
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
  case PPML_SET_BRIDGED:
  case PPML_SET_COMPACT:
    ppmli_encrypt_long_block(body, tail, ppmli_params_input_set(p), &key->product, mask, noise);
    return PPML_OK;
#endif
#ifndef PPML_LINEAR_ONLY
  case PPML_SET_ROUNDED:
  case PPML_SET_EXACT:
    return ppmli_encrypt_block(body, p, &key->glwe, mask, noise, arena);
#endif
  default:
    (void)tail;
    return PPML_ERR_PARAMS;
  }
}

/* --------------------------------------------------------- evaluation key */

/* Scratch of an item of the part of a bridged set's key that comes before the bootstraps'. */
PPMLI_STATIC size_t ppmli_client_lead_scratch(const ppml_params *p) {
#ifndef PPML_NO_LEVELED
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (ppmli_params_has_bridge(p))
    return ppmli_max_size(ppmli_switch_make_scratch(bridge.from),
                          ppmli_bridge_make_scratch(&bridge));
#endif
  (void)p;
  return 0;
}

/* Makes item `item` of that part: a GLWE key switch of the latents, then rows of the bridge.
 *   wire  [ppmli_key_lead_wire_bytes]  out
 * Scratch: ppmli_client_lead_scratch.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_client_make_lead(uint8_t *wire, const ppmli_open_key *key, size_t item,
                                        const ppmli_seeds *seeds, ppml_arena *arena) {
#ifdef PPML_NO_LEVELED
  (void)wire, (void)key, (void)item, (void)seeds, (void)arena;
  return PPML_ERR_PARAMS;
#else
  ppmli_bridge bridge = ppmli_bridge_of(key->params);
  size_t switches = ppmli_params_steps(bridge.from);
  if (item < switches)
    return ppmli_switch_make(wire, bridge.from, item, key->secret->lwe_bits, &key->product, seeds,
                             arena);
  return ppmli_bridge_make_row(wire, &bridge, item - switches, key->secret->lwe_bits,
                               key->secret->glwe_bits, seeds, arena);
#endif
}

PPMLI_STATIC size_t ppmli_client_step_scratch(const ppml_params *p) {
  switch (ppmli_params_kind(p)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
    return ppmli_switch_make_scratch(p);
#endif
  default:
    return ppmli_ggsw_encrypt_scratch(p);
  }
}

/* Makes one step of the evaluation key.
 *   wire  [ppmli_key_step_wire_bytes]  out
 * Scratch: ppmli_client_step_scratch.  Errors: NOMEM.  CT. */
PPMLI_STATIC int ppmli_client_make_step(uint8_t *wire, const ppmli_open_key *key, size_t step,
                                        const ppmli_seeds *seeds, ppml_arena *arena) {
  const ppml_params *p = key->params;
  switch (ppmli_params_kind(p)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
    return ppmli_switch_make(wire, p, step, key->secret->glwe_bits, &key->product, seeds, arena);
#endif
  default:
    return ppmli_ggsw_make_step(wire, p, step, ppmli_secret_short_key(key->secret), &key->glwe,
                                seeds, arena);
  }
}

/* Memory of one row of what a bridged set has before its key switch. */
PPMLI_STATIC size_t ppmli_client_lead_row_scratch(const ppml_params *p) {
#ifndef PPML_NO_LEVELED
  ppmli_bridge bridge = ppmli_bridge_of(p);
  size_t body = ppmli_arena_rounded(bridge.from->poly_size * sizeof(uint64_t));
  if (ppmli_params_has_bridge(p))
    return ppmli_max_size(2 * body, ppmli_arena_rounded(ppmli_bridge_row_wire_bytes(&bridge)) +
                                        ppmli_bridge_make_scratch(&bridge));
#endif
  (void)p;
  return 0;
}

/* Memory of one row of a step. */
PPMLI_STATIC size_t ppmli_client_row_scratch(const ppml_params *p) {
  size_t body = ppmli_arena_rounded(p->poly_size * sizeof(uint64_t));
  size_t lead = ppmli_client_lead_row_scratch(p);
  if (ppmli_params_has_switches(p)) return 2 * body;
  return ppmli_max_size(lead, body + ppmli_glwe_product_scratch(p));
}

#ifndef PPML_NO_LEVELED
/* Row r of all switches, as it travels.
 *   p       the leveled set, or that of a bridged set's latents
 *   planes  its key */
PPMLI_STATIC int ppmli_client_put_switch_row(ppmli_out *out, const ppmli_open_key *key,
                                             const ppml_params *p, const uint8_t *planes, size_t r,
                                             const ppmli_seeds *seeds, ppml_arena *arena) {
  size_t levels = ppmli_key_step_rows(p);
  PPMLI_ALLOC(uint64_t, top, arena, p->poly_size);
  PPMLI_ALLOC(uint64_t, tail, arena, p->poly_size);
  ppmli_switch_encrypt_row(top, tail, p, r / levels, r % levels, planes, &key->product, seeds);
  for (size_t i = 0; i < p->poly_size; i++) tail[i] <<= 64 - PPMLI_LONG_TAIL_BITS;
  ppmli_out_torus(out, top, p->poly_size, 64);
  ppmli_out_torus(out, tail, p->poly_size, PPMLI_LONG_TAIL_BITS);
  return PPML_OK;
}
#endif

/* Row r of what a bridged set has before its key switch, as it travels: rows of its latents' switches,
 * then of the bridge. */
PPMLI_STATIC int ppmli_client_put_lead_row(ppmli_out *out, const ppmli_open_key *key, size_t r,
                                           const ppmli_seeds *seeds, ppml_arena *arena) {
#ifdef PPML_NO_LEVELED
  (void)out, (void)key, (void)r, (void)seeds, (void)arena;
  return PPML_ERR_PARAMS;
#else
  ppmli_bridge bridge = ppmli_bridge_of(key->params);
  size_t switches = ppmli_params_steps(bridge.from) * ppmli_key_step_rows(bridge.from);
  size_t bytes = ppmli_bridge_row_wire_bytes(&bridge);
  if (r < switches)
    return ppmli_client_put_switch_row(out, key, bridge.from, key->secret->lwe_bits, r, seeds,
                                       arena);
  PPMLI_ALLOC(uint8_t, wire, arena, bytes);
  PPMLI_TRY(ppmli_bridge_make_row(wire, &bridge, r - switches, key->secret->lwe_bits,
                                  key->secret->glwe_bits, seeds, arena));
  ppmli_out_bytes(out, wire, bytes);
  return PPML_OK;
#endif
}

/* Row r of all GGSW ciphertexts, as it travels. */
PPMLI_STATIC int ppmli_client_put_ggsw_row(ppmli_out *out, const ppmli_open_key *key, size_t r,
                                           const ppmli_seeds *seeds, ppml_arena *arena) {
  const ppml_params *p = key->params;
  size_t rows = ppmli_params_ggsw_rows(p), terms = ppmli_params_ggsw_per_step(p), index = r / rows;
  uint64_t bit = ppmli_pbs_block_bit(p, ppmli_secret_short_key(key->secret), index / terms,
                                     (uint32_t)(index % terms));
  PPMLI_ALLOC(uint64_t, body, arena, p->poly_size);
  PPMLI_TRY(
      ppmli_ggsw_encrypt_row(body, p, bit, &key->glwe, seeds, index, (uint32_t)(r % rows), arena));
  ppmli_out_torus(out, body, p->poly_size, p->bsk_wire_bits);
  return PPML_OK;
}

/* Makes and writes row r of the larger part of the evaluation key: ppmli_key_step_rows(p) a step.
 * Memory: ppmli_client_row_scratch, for the caller to give back.  Errors: NOMEM; those of writing stick
 * to out.  CT. */
PPMLI_STATIC int ppmli_client_put_row(ppmli_out *out, const ppmli_open_key *key, size_t r,
                                      const ppmli_seeds *seeds, ppml_arena *arena) {
  switch (ppmli_params_kind(key->params)) {
#ifndef PPML_NO_LEVELED
  case PPML_SET_LEVELED:
  case PPML_SET_POOLED:
    return ppmli_client_put_switch_row(out, key, key->params, key->secret->glwe_bits, r, seeds,
                                       arena);
#endif
  default:
    return ppmli_client_put_ggsw_row(out, key, r, seeds, arena);
  }
}

#endif
