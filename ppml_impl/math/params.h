/* The named parameter sets, and what follows from their numbers alone: dimensions, counts of rows and
 * steps, gadgets.  This is the one place where the kind of a set is told from its numbers; client,
 * server and planner each ask for it once, in their path.h.
 *
 * Dimensions and noise come from docs/NOISE.md "Security": each noise bound B is
 * ceil(sqrt 3 * 2^(width + log2 sigma)) for the log2 sigma beside it, and tools/check_constants.py
 * recomputes all of them.  Next: poly.h; plan/security.h for the bits of security.
 *
 * In: a name or number; out: a set and what follows from it. */
#ifndef PPMLI_MATH_PARAMS_H
#define PPMLI_MATH_PARAMS_H

#include "torus.h"

#define PPMLI_LONG_TORUS_BITS 80  /* of the keys of leveled sets */
#define PPMLI_SHORT_TORUS_BITS 32 /* of sums alone */
#define PPMLI_LEVELED_SLOTS_MAX 128
#define PPMLI_TENSOR_MODULUS_LOG2_MAX 30 /* of T, whose multiples a product of ciphertexts has */

#ifdef PPML_SMALL /* nobody reads them on a board or in a page */
#define PPMLI_UNIFORM_BINARY ""
#define PPMLI_UNIFORM_TERNARY ""
#define PPMLI_BRIDGED ""
#define PPMLI_COMPACT ""
#define PPMLI_BLOCK_BINARY ""
#else
#define PPMLI_UNIFORM_BINARY "LWE and GLWE with uniform binary keys"
#define PPMLI_UNIFORM_TERNARY "GLWE with uniform ternary keys"
#define PPMLI_BRIDGED "LWE and GLWE with uniform binary keys, and GLWE with uniform ternary keys"
#define PPMLI_COMPACT "GLWE with uniform ternary keys, and GLWE with uniform binary keys"
#define PPMLI_BLOCK_BINARY                                                                         \
  "LWE with block-binary keys (at most one 1 in each pair of bits), a stronger assumption than "   \
  "uniform binary keys; GLWE with uniform binary keys"
#endif

/* base_log2 and levels of the bootstrapping or GLWE switching key, then of the key-switching key.
 * A set whose digits do not fit in their torus does not compile. */
#define PPMLI_IF_FITS(x, base_log2, levels, width)                                                 \
  ((x) + 0 * (uint32_t)sizeof(char[PPMLI_GADGET_FITS(base_log2, levels, width) ? 1 : -1]))
#define PPMLI_DIGITS(pbs_base, pbs_levels, ks_base, ks_levels)                                     \
  PPMLI_IF_FITS(pbs_base, pbs_base, pbs_levels, 64), pbs_levels,                                   \
      PPMLI_IF_FITS(ks_base, ks_base, ks_levels, 32), ks_levels

#if !defined(PPML_NO_LEVELED) || defined(PPML_LINEAR_ONLY)
#define PPMLI_HAS_LINEAR
#endif

/* Is a set built?  Of those that are not left out, the one that is asked for alone, by its id. */
#ifdef PPML_PARAMS_ONLY
#define PPMLI_SET_BUILT(id) (PPML_PARAMS_ONLY == (id))
#else
#define PPMLI_SET_BUILT(id) 1
#endif

/* clang-format off */
static const ppml_params ppmli_params_table[] = {
#ifndef PPML_LINEAR_ONLY
#if PPMLI_SET_BUILT(1)
      {"fast",        1, 736, 3,  512, 2, 0, 1, PPMLI_DIGITS(17, 1, 3, 4), 177591u, 572413022u, 32, 38, 14, PPML_SET_ROUNDED, 0,
       PPMLI_UNIFORM_BINARY}, /* -15.354, -35.70 */
#endif
#if PPMLI_SET_BUILT(4)
      {"balanced",    4, 768, 4,  512, 1, 0, 1, PPMLI_DIGITS(23, 1, 3, 4),  86026u,     69875u, 32, 50, 14, PPML_SET_ROUNDED, 0,
       PPMLI_UNIFORM_BINARY}, /* -16.40, -48.70 */
#endif
#if PPMLI_SET_BUILT(2)
      {"precise",     2, 848, 2, 1024, 1, 0, 1, PPMLI_DIGITS(23, 1, 3, 5),  21731u,     69875u, 32, 52, 14, PPML_SET_ROUNDED, 0,
       PPMLI_UNIFORM_BINARY}, /* -18.385, -48.70 */
#endif
#if PPMLI_SET_BUILT(5)
      {"finest",      5, 848, 1, 2048, 1, 0, 1, PPMLI_DIGITS(23, 1, 2, 8),  21731u,     69875u, 32, 52, 14, PPML_SET_ROUNDED, 0,
       PPMLI_UNIFORM_BINARY}, /* -18.385, -48.70 */
#endif
#if PPMLI_SET_BUILT(6)
      {"exact",       6, 848, 1, 2048, 1, 0, 1, PPMLI_DIGITS(12, 3, 2, 8),  21731u,     69875u, 48, 50, 26, PPML_SET_EXACT, 0,
       PPMLI_UNIFORM_BINARY}, /* -18.385, -48.70 */
#endif
#if PPMLI_SET_BUILT(3)
      {"fast-block2", 3, 784, 3,  512, 2, 1, 0, PPMLI_DIGITS(17, 1, 3, 4), 155493u, 572413022u, 32, 38, 14, PPML_SET_ROUNDED, 0,
       PPMLI_BLOCK_BINARY}, /* -15.546, -35.70 */
#endif
#endif
#ifdef PPMLI_HAS_LINEAR
#if PPMLI_SET_BUILT(14)
      {"linear",     14,   0, 1, 1024, 1, 0, 1, PPMLI_DIGITS(0, 0, 0, 0),        0u,       984u, 24,  0, 16, PPML_SET_LINEAR, 0,
       PPMLI_UNIFORM_BINARY}, /* -22.85 of 32 bits */
#endif
#endif
#ifndef PPML_NO_LEVELED
#if PPMLI_SET_BUILT(7)
      {"leveled-16",  7,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_LEVELED, 16,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(8)
      {"leveled-32",  8,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_LEVELED, 32,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(9)
      {"leveled-64",  9,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_LEVELED, 64,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(10)
      {"leveled-128", 10,  0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_LEVELED, 128,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(11)
      {"pooled-16",  11,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_POOLED, 256,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(12)
      {"pooled-32",  12,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_POOLED, 128,
       PPMLI_UNIFORM_TERNARY},
#endif
#if PPMLI_SET_BUILT(13)
      {"pooled-64",  13,   0, 1, 4096, 0, 0, 0, PPMLI_DIGITS(15, 4, 0, 0),       0u,         7u, 72, 80, 24, PPML_SET_POOLED, 64,
       PPMLI_UNIFORM_TERNARY},
#endif
#ifndef PPML_PARAMS_ONLY /* each takes two sets */
      {"bridged-precise", 15, 848, 2, 1024, 1, 0, 1, PPMLI_DIGITS(23, 1, 3, 5), 21731u,  69875u, 72, 52, 14, PPML_SET_BRIDGED, 0,
       PPMLI_BRIDGED}, /* -18.385, -48.70 */
      {"bridged-finest", 16, 848, 1, 2048, 1, 0, 1, PPMLI_DIGITS(23, 1, 2, 8), 21731u,   69875u, 72, 52, 14, PPML_SET_BRIDGED, 0,
       PPMLI_BRIDGED}, /* -18.385, -48.70 */
      {"pooled-compact", 17,   0, 1, 2048, 0, 0, 0, PPMLI_DIGITS(0, 0, 0, 0),        0u,   69875u, 72,  0, 15, PPML_SET_COMPACT, 0,
       PPMLI_COMPACT}, /* -48.70 */
#endif
#endif
};
/* clang-format on */

PPMLI_STATIC const ppml_params *ppmli_params_by_index(size_t index) {
  const size_t count = sizeof ppmli_params_table / sizeof ppmli_params_table[0];
  return index < count ? &ppmli_params_table[index] : NULL;
}

/* Spelled out, so that a client needs no more of libc than memcmp, memcpy and memset. */
PPMLI_STATIC int ppmli_is_name(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

PPMLI_STATIC const ppml_params *ppmli_params_by_name(const char *name) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppmli_params_by_index(i)) != NULL; i++)
    if (ppmli_is_name(p->name, name)) return p;
  return NULL;
}

PPMLI_STATIC const ppml_params *ppmli_params_by_id(uint32_t id) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppmli_params_by_index(i)) != NULL; i++)
    if (p->id == id) return p;
  return NULL;
}

/* ------------------------------------------------------------- shapes */

/* How circuits of the set compute; a build with one set knows the answer, and has no code for others. */
PPMLI_INLINE uint32_t ppmli_params_kind(const ppml_params *p) {
#ifdef PPML_PARAMS_ONLY
  const int only = PPML_PARAMS_ONLY;
  (void)p;
  if (only == 14) return PPML_SET_LINEAR;
  if (only >= 11) return PPML_SET_POOLED;
  if (only >= 7) return PPML_SET_LEVELED;
  return only == 6 ? PPML_SET_EXACT : PPML_SET_ROUNDED;
#else
  return p->kind;
#endif
}

/* k N: coefficients of the GLWE key, and dimension of what sample extraction gives. */
PPMLI_INLINE size_t ppmli_params_long_dim(const ppml_params *p) {
  return (size_t)p->glwe_dim * p->poly_size;
}

/* Does a set carry pooled networks with layers behind them? */
PPMLI_INLINE int ppmli_params_is_bridged(const ppml_params *p) {
#if defined(PPML_NO_LEVELED) || defined(PPML_PARAMS_ONLY)
  (void)p;
  return 0;
#else
  return p->kind == PPML_SET_BRIDGED;
#endif
}

/* Do a pooled network's scores cross the bridge, to be smaller? */
PPMLI_INLINE int ppmli_params_is_compact(const ppml_params *p) {
#if defined(PPML_NO_LEVELED) || defined(PPML_PARAMS_ONLY)
  (void)p;
  return 0;
#else
  return p->kind == PPML_SET_COMPACT;
#endif
}

/* Are there two sets in one, with a bridge between them and a key each? */
PPMLI_INLINE int ppmli_params_has_bridge(const ppml_params *p) {
  return ppmli_params_is_bridged(p) || ppmli_params_is_compact(p);
}

/* The set that images are encrypted under: where there is a bridge that of the latents. */
#define PPMLI_LATENT_SET_ID 13

PPMLI_INLINE const ppml_params *ppmli_params_input_set(const ppml_params *p) {
  return ppmli_params_has_bridge(p) ? ppmli_params_by_id(PPMLI_LATENT_SET_ID) : p;
}

/* Is it a leveled set for latents?  An image then is one ciphertext of them. */
PPMLI_INLINE int ppmli_params_has_latents(const ppml_params *p) {
#ifdef PPML_NO_LEVELED
  (void)p;
  return 0;
#else
  return ppmli_params_kind(p) == PPML_SET_POOLED;
#endif
}

/* Is an image latents? */
PPMLI_INLINE int ppmli_params_takes_latents(const ppml_params *p) {
  return ppmli_params_has_latents(p) || ppmli_params_has_bridge(p);
}

/* Does a set carry pooled networks, and no others?  Its scores are whole multiples of 1 / T of a turn. */
PPMLI_INLINE int ppmli_params_carries_pooled(const ppml_params *p) {
  return ppmli_params_has_latents(p) || ppmli_params_is_compact(p);
}

/* Does a set compute by products of ciphertexts, without bootstraps?  A build without such sets
 * knows the answer. */
PPMLI_INLINE int ppmli_params_is_leveled(const ppml_params *p) {
#ifdef PPML_NO_LEVELED
  (void)p;
  return 0;
#else
  return ppmli_params_kind(p) == PPML_SET_LEVELED || ppmli_params_kind(p) == PPML_SET_POOLED;
#endif
}

/* Does a set compute sums alone, so that there is no evaluation key? */
PPMLI_INLINE int ppmli_params_is_keyless(const ppml_params *p) {
#ifdef PPMLI_HAS_LINEAR
  return ppmli_params_kind(p) == PPML_SET_LINEAR;
#else
  (void)p;
  return 0;
#endif
}

/* Planes of bits that the GLWE key has: one where its coefficients are 0 and 1; two where they are
 * -1, 0 and 1, the second for -1. */
PPMLI_INLINE size_t ppmli_params_key_planes(const ppml_params *p) {
  return ppmli_params_is_leveled(p) ? 2 : 1;
}

PPMLI_INLINE size_t ppmli_params_key_bytes(const ppml_params *p) {
  return ppmli_params_long_dim(p) / 8 * ppmli_params_key_planes(p);
}

/* Bytes of a secret key's other array: its short key, or the key of its latents. */
PPMLI_INLINE size_t ppmli_params_lwe_key_bytes(const ppml_params *p) {
  if (ppmli_params_has_bridge(p)) return ppmli_params_key_bytes(ppmli_params_input_set(p));
  return p->lwe_dim / 8;
}

/* Of both, which follow one another. */
PPMLI_INLINE size_t ppmli_params_secret_bytes(const ppml_params *p) {
  return ppmli_params_key_bytes(p) + ppmli_params_lwe_key_bytes(p);
}

/* Bits of the torus that keys, and images as they travel, are made on. */
PPMLI_INLINE uint32_t ppmli_params_torus_bits(const ppml_params *p) {
  if (ppmli_params_is_keyless(p)) return PPMLI_SHORT_TORUS_BITS;
  return ppmli_params_is_leveled(p) ? PPMLI_LONG_TORUS_BITS : 64;
}

/* Bits of an image's word on the wire that are below the upper 64: in ppml_input.tail. */
PPMLI_INLINE uint32_t ppmli_params_tail_bits(const ppml_params *p) {
  return ppmli_params_is_leveled(p) ? p->input_wire_bits - 64 : 0;
}

/* Coordinates that the key switch replaces; none where there is no short key. */
PPMLI_INLINE size_t ppmli_params_switched_dim(const ppml_params *p) {
  if (p->lwe_dim == 0) return 0;
  return ppmli_params_long_dim(p) - (p->shared_prefix ? p->lwe_dim : 0);
}

/* Values of an image that one GLWE ciphertext holds: N, or N / slots where neurons stand in slots;
 * of latents as many sub-images as it may have. */
PPMLI_INLINE uint32_t ppmli_params_block(const ppml_params *p) {
  return ppmli_params_is_leveled(p) ? p->poly_size / p->slots : p->poly_size;
}

/* Automorphisms of a trace that clears all but every N / slots-th coefficient, which are those that
 * unpack a ciphertext of latents into its N / slots sub-images. */
PPMLI_INLINE uint32_t ppmli_params_trace_steps(const ppml_params *p) {
  uint32_t steps = 0;
  while (ppmli_params_block(p) >> (steps + 1)) steps++;
  return steps;
}

/* Steps in which the larger part of the evaluation key is used: of a blind rotation, or the
 * trace's and then the relinearization, and of latents the reversal. */
PPMLI_INLINE size_t ppmli_params_steps(const ppml_params *p) {
  if (ppmli_params_is_compact(p)) return 0; /* all of it comes before */
  if (p->key_block) return p->lwe_dim / p->key_block;
  return (size_t)ppmli_params_trace_steps(p) + 1 + (size_t)ppmli_params_has_latents(p);
}

/* GGSW ciphertexts of one blind-rotation step: one for each nonzero value that a
 * block of key bits can take. */
PPMLI_INLINE size_t ppmli_params_ggsw_per_step(const ppml_params *p) {
  return p->key_block_ones ? p->key_block : ((size_t)1 << p->key_block) - 1;
}

PPMLI_INLINE size_t ppmli_params_ggsw_rows(const ppml_params *p) {
  return (size_t)(p->glwe_dim + 1) * p->pbs_levels;
}

PPMLI_INLINE ppmli_gadget ppmli_params_pbs_gadget(const ppml_params *p) {
  return ppmli_gadget_make(p->pbs_base_log2, p->pbs_levels, 64);
}

PPMLI_INLINE ppmli_gadget ppmli_params_ks_gadget(const ppml_params *p) {
  return ppmli_gadget_make(p->ks_base_log2, p->ks_levels, 32);
}

/* ------------------------------------------------- what circuits of a set are like */

/* Has the evaluation key GLWE key switches, of words of 80 bits, in place of a bootstrapping key? */
PPMLI_INLINE int ppmli_params_has_switches(const ppml_params *p) {
  return ppmli_params_is_leveled(p);
}

/* Does a set carry networks of polynomials, and no others? */
PPMLI_INLINE int ppmli_params_has_products(const ppml_params *p) {
  return ppmli_params_is_leveled(p) && !ppmli_params_has_latents(p);
}

/* Can encrypted rows be learnt from under the set?  They need bootstraps and one mask polynomial. */
PPMLI_INLINE int ppmli_params_learns(const ppml_params *p) {
  return ppmli_params_kind(p) == PPML_SET_ROUNDED && p->glwe_dim == 1 && p->lwe_dim != 0;
}

/* Are scores without noise, but for a failure? */
PPMLI_INLINE int ppmli_params_is_noiseless(const ppml_params *p) {
  return ppmli_params_kind(p) == PPML_SET_EXACT;
}

/* May the weights of a layer with one output go into the tables of the layer before it? */
PPMLI_INLINE int ppmli_params_folds_weights(const ppml_params *p) {
  return ppmli_params_kind(p) == PPML_SET_ROUNDED || ppmli_params_is_bridged(p);
}

/* ------------------------------------------------------- output noise */

/* floor(sqrt(x)), a bit at a time: clients have no floating point. */
PPMLI_STATIC uint64_t ppmli_square_root(uint64_t x) {
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 31; bit; bit >>= 1)
    if ((root + bit) * (root + bit) <= x) root += bit;
  return root;
}

/* The least noise that a score of the set can have, as a standard deviation in 2^-64 of a turn,
 * rounded down: that of the switch to output_bits, whose variance in squares of its grid is
 * (1 + k N v) / 12, v = 1/4 the variance of a binary key's coefficient, 2/3 of a ternary one's.
 * The root is taken of 2^20 times that. */
PPMLI_STATIC uint64_t ppmli_params_output_noise(const ppml_params *p) {
  uint64_t dim = ppmli_params_long_dim(p);
  uint64_t variance =
      ppmli_params_key_planes(p) > 1 ? ((3 + 2 * dim) << 20) / 36 : ((4 + dim) << 20) / 48;
  return ppmli_square_root(variance) << (64 - p->output_bits - 10);
}

#endif
