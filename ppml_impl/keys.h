/* Layer 6: the evaluation key, on the wire and in memory.
 *
 * On the wire it is a public seed, from which all masks are drawn, and the bodies: those
 * of the key-switching key, row by row, then those of the bootstrapping key, step by
 * step.  It is made and read in items that depend on nothing but the seeds and their
 * index, so that threads may share them and memory does not grow with the key. */
#ifndef PPMLI_KEYS_H
#define PPMLI_KEYS_H

#include "keyswitch.h"
#include "parallel.h"
#include "pbs.h"
#include "serial.h"

#define PPMLI_KSK_ITEM_ROWS 64       /* of the key-switching key make one item */
#define PPMLI_KEY_ITEMS_PER_THREAD 4 /* read or made at a time */

/* ---------------------------------------------------------- secret key */

/* Draws a key: uniform bits, or one of key_block + 1 equally likely values a block.
 * Rejection sampling: what is rejected says nothing of what is kept. */
PPMLI_STATIC uint8_t ppmli_secret_block(ppml_rng *rng, uint32_t key_block) {
  uint8_t byte;
  uint32_t values = key_block + 1, whole = 256 / values * values;
  do ppmli_rng_bytes(rng, &byte, 1);
  while (byte >= whole);
  uint32_t value = byte % values;
  ppmli_wipe(&byte, sizeof byte);
  return (uint8_t)(((uint32_t)1 << value) >> 1); /* 0, or a single 1 */
}

PPMLI_STATIC void ppmli_secret_bits(uint8_t *lwe_bits, uint8_t *glwe_bits, const ppml_params *p,
                                    ppml_rng *rng) {
  memset(lwe_bits, 0, PPML_KEY_BITS_MAX / 8);
  memset(glwe_bits, 0, PPML_KEY_BITS_MAX / 8);
  ppmli_rng_bytes(rng, glwe_bits, ppmli_params_long_dim(p) / 8);
  if (p->shared_prefix) {
    memcpy(lwe_bits, glwe_bits, p->lwe_dim / 8);
    return;
  }
  for (uint32_t i = 0; i < p->lwe_dim; i += p->key_block) {
    uint8_t block = ppmli_secret_block(rng, p->key_block);
    for (uint32_t b = 0; b < p->key_block; b++)
      lwe_bits[(i + b) / 8] |= (uint8_t)((block >> b & 1) << ((i + b) % 8));
  }
}

/* ---------------------------------------------------------------- items */

PPMLI_INLINE size_t ppmli_key_ksk_items(const ppml_params *p) {
  return (ppmli_ksk_rows(p) + PPMLI_KSK_ITEM_ROWS - 1) / PPMLI_KSK_ITEM_ROWS;
}

PPMLI_INLINE size_t ppmli_key_items(const ppml_params *p) {
  return ppmli_key_ksk_items(p) + ppmli_params_steps(p);
}

/* Rows of the key-switching key in an item. */
PPMLI_INLINE size_t ppmli_key_item_rows(const ppml_params *p, size_t item) {
  return ppmli_min_size(PPMLI_KSK_ITEM_ROWS, ppmli_ksk_rows(p) - item * PPMLI_KSK_ITEM_ROWS);
}

PPMLI_INLINE size_t ppmli_key_step_wire_bytes(const ppml_params *p) {
  return ppmli_params_ggsw_per_step(p) * ppmli_ggsw_wire_bytes(p);
}

PPMLI_INLINE size_t ppmli_key_item_wire_bytes(const ppml_params *p, size_t item) {
  return item < ppmli_key_ksk_items(p) ? 4 * ppmli_key_item_rows(p, item)
                                       : ppmli_key_step_wire_bytes(p);
}

PPMLI_STATIC size_t ppmli_key_payload_bytes(const ppml_params *p) {
  return PPML_SEED_BYTES + 4 * ppmli_ksk_rows(p) +
         ppmli_params_steps(p) * ppmli_key_step_wire_bytes(p);
}

/* Scratch of one task: making an item takes more than expanding one. */
PPMLI_STATIC size_t ppmli_key_item_scratch(const ppml_params *p) {
  size_t ggsw = ppmli_max_size(ppmli_ggsw_encrypt_scratch(p), ppmli_ggsw_expand_scratch(p));
  return ppmli_max_size(ggsw, ppmli_arena_rounded(p->lwe_dim * sizeof(uint32_t)));
}

/* Items that one pass over the threads handles: first .. first + count - 1, the wire
 * bytes of each at its own multiple of the largest item. */
typedef struct ppmli_key_pass {
  const ppml_params *params;
  size_t first, count;
  uint8_t *wire; /* [capacity][item_bytes] */
  size_t capacity, item_bytes;
  ppmli_slices scratch; /* [capacity] */
  uint8_t mask_seed[PPML_SEED_BYTES];
} ppmli_key_pass;

PPMLI_STATIC size_t ppmli_key_pass_bytes(const ppml_params *p, size_t threads) {
  size_t capacity = PPMLI_KEY_ITEMS_PER_THREAD * threads;
  return ppmli_arena_rounded(capacity * ppmli_key_step_wire_bytes(p)) +
         ppmli_arena_rounded(capacity * ppmli_key_item_scratch(p));
}

PPMLI_STATIC int ppmli_key_pass_init(ppmli_key_pass *pass, const ppml_params *p, size_t threads,
                                     ppml_arena *arena) {
  memset(pass, 0, sizeof *pass);
  pass->params = p;
  pass->capacity = PPMLI_KEY_ITEMS_PER_THREAD * threads;
  pass->item_bytes = ppmli_key_step_wire_bytes(p);
  pass->wire = (uint8_t *)ppmli_arena_array(arena, pass->capacity, pass->item_bytes);
  if (pass->wire == NULL) return PPML_ERR_NOMEM;
  return ppmli_slices_init(&pass->scratch, pass->capacity, ppmli_key_item_scratch(p), arena);
}

/* Moves on to the next items, of one of the two keys; 0 when there are none left. */
PPMLI_STATIC int ppmli_key_pass_next(ppmli_key_pass *pass) {
  size_t ksk_items = ppmli_key_ksk_items(pass->params);
  pass->first += pass->count;
  size_t end = pass->first < ksk_items ? ksk_items : ppmli_key_items(pass->params);
  pass->count = ppmli_min_size(pass->capacity, end - pass->first);
  return pass->count != 0;
}

/* ----------------------------------------------------------- generation */

typedef struct ppmli_key_generation {
  ppmli_key_pass pass;
  const ppml_secret_key *key;
  uint8_t noise_seed[PPML_SEED_BYTES];
} ppmli_key_generation;

PPMLI_STATIC void ppmli_key_make_rows(uint8_t *wire, const ppmli_key_generation *g, size_t item,
                                      ppml_arena *arena) {
  const ppml_params *p = g->pass.params;
  uint32_t *mask = (uint32_t *)ppmli_arena_array(arena, p->lwe_dim, sizeof *mask);
  PPMLI_ASSERT(mask != NULL);
  for (size_t r = 0; r < ppmli_key_item_rows(p, item); r++)
    ppmli_ksk_encrypt_row(wire + 4 * r, p, item * PPMLI_KSK_ITEM_ROWS + r, g->key->glwe_bits,
                          g->key->lwe_bits, g->pass.mask_seed, g->noise_seed, mask);
}

PPMLI_STATIC void ppmli_key_make_step(uint8_t *wire, const ppmli_key_generation *g, size_t step,
                                      ppml_arena *arena) {
  const ppml_params *p = g->pass.params;
  size_t terms = ppmli_params_ggsw_per_step(p);
  for (size_t term = 0; term < terms; term++) {
    uint64_t bit = ppmli_pbs_block_bit(p, g->key->lwe_bits, step, term);
    int error =
        ppmli_ggsw_encrypt(wire + term * ppmli_ggsw_wire_bytes(p), p, bit, g->key->glwe_bits,
                           g->pass.mask_seed, g->noise_seed, step * terms + term, arena);
    PPMLI_ASSERT(error == PPML_OK);
    (void)error; /* the slice was sized for it */
  }
}

PPMLI_STATIC void ppmli_key_make_item(void *argument, size_t index) {
  const ppmli_key_generation *g = (const ppmli_key_generation *)argument;
  ppml_arena arena = ppmli_slices_arena(&g->pass.scratch, index);
  uint8_t *wire = g->pass.wire + index * g->pass.item_bytes;
  size_t item = g->pass.first + index, ksk_items = ppmli_key_ksk_items(g->pass.params);
  if (item < ksk_items) ppmli_key_make_rows(wire, g, item, &arena);
  else ppmli_key_make_step(wire, g, item - ksk_items, &arena);
}

PPMLI_STATIC void ppmli_key_generate_items(ppmli_out *out, ppmli_key_generation *g,
                                           const ppml_parallel *parallel,
                                           const ppml_progress *progress) {
  const ppml_params *p = g->pass.params;
  while (ppmli_key_pass_next(&g->pass) && out->error == PPML_OK) {
    ppmli_parallel_run(parallel, g->pass.count, ppmli_key_make_item, g);
    for (size_t i = 0; i < g->pass.count; i++)
      ppmli_out_bytes(out, g->pass.wire + i * g->pass.item_bytes,
                      ppmli_key_item_wire_bytes(p, g->pass.first + i));
    if (progress)
      progress->step(progress->context, g->pass.first + g->pass.count, ppmli_key_items(p));
  }
}

/* Makes an evaluation key and writes it as it goes.
 * Memory: ppmli_key_pass_bytes(p, threads).  Errors: NOMEM, IO.
 * CT: time depends on p only. */
PPMLI_STATIC int ppmli_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key,
                                         ppml_rng *rng, const ppml_parallel *parallel,
                                         const ppml_progress *progress, ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  size_t mark = arena->used_bytes;
  ppmli_key_generation g;
  ppmli_out out;
  ppml_header h = {
      PPML_KIND_EVAL_KEY, PPMLI_FORMAT_VERSION, p, ppmli_key_payload_bytes(p), {0}, {0}};
  memcpy(h.circuit_id, key->client.circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, key->id, PPML_ID_BYTES);
  PPMLI_TRY(ppmli_key_pass_init(&g.pass, p, ppmli_parallel_threads(parallel), arena));
  g.key = key;
  ppmli_rng_bytes(rng, g.pass.mask_seed, sizeof g.pass.mask_seed);
  ppmli_rng_bytes(rng, g.noise_seed, sizeof g.noise_seed);
  ppmli_out_begin(&out, writer, &h);
  ppmli_out_bytes(&out, g.pass.mask_seed, sizeof g.pass.mask_seed);
  ppmli_key_generate_items(&out, &g, parallel, progress);
  ppmli_wipe(g.noise_seed, sizeof g.noise_seed);
  ppmli_wipe(g.pass.scratch.memory, g.pass.capacity * g.pass.scratch.slice_bytes);
  arena->used_bytes = mark;
  return ppmli_out_end(&out);
}

/* ------------------------------------------------------------ expansion */

/* Where a pass's items go: rows and steps from `first` on of a slab of `rows` rows. */
typedef struct ppmli_key_expansion {
  ppmli_key_pass pass;
  const ppmli_fft *fft;
  uint32_t *ksk; /* [blocks][slab_rows][16] */
  double *bsk;   /* [steps][ppmli_bsk_step_doubles] */
  size_t slab_rows, first_row, first_step;
} ppmli_key_expansion;

PPMLI_STATIC void ppmli_key_expand_rows(const ppmli_key_expansion *x, const uint8_t *wire,
                                        size_t item, ppml_arena *arena) {
  const ppml_params *p = x->pass.params;
  uint32_t *mask = (uint32_t *)ppmli_arena_array(arena, p->lwe_dim, sizeof *mask);
  PPMLI_ASSERT(mask != NULL);
  for (size_t r = 0; r < ppmli_key_item_rows(p, item); r++)
    ppmli_ksk_expand_row(x->ksk, x->slab_rows, item * PPMLI_KSK_ITEM_ROWS + r - x->first_row,
                         x->first_row, wire + 4 * r, p, x->pass.mask_seed, mask);
}

PPMLI_STATIC void ppmli_key_expand_step(const ppmli_key_expansion *x, const uint8_t *wire,
                                        size_t step, ppml_arena *arena) {
  const ppml_params *p = x->pass.params;
  double *out = x->bsk + (step - x->first_step) * ppmli_bsk_step_doubles(p);
  size_t terms = ppmli_params_ggsw_per_step(p);
  size_t ggsw_groups = ppmli_params_ggsw_rows(p) * (p->glwe_dim + 1) * PPMLI_GROUP;
  for (size_t term = 0; term < terms; term++) {
    int error = ppmli_ggsw_expand(out + term * ggsw_groups, terms * ggsw_groups,
                                  wire + term * ppmli_ggsw_wire_bytes(p), p, x->pass.mask_seed,
                                  step * terms + term, x->fft, arena);
    PPMLI_ASSERT(error == PPML_OK);
    (void)error; /* the slice was sized for it */
  }
}

PPMLI_STATIC void ppmli_key_expand_item(void *argument, size_t index) {
  const ppmli_key_expansion *x = (const ppmli_key_expansion *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->pass.scratch, index);
  const uint8_t *wire = x->pass.wire + index * x->pass.item_bytes;
  size_t item = x->pass.first + index, ksk_items = ppmli_key_ksk_items(x->pass.params);
  if (item < ksk_items) ppmli_key_expand_rows(x, wire, item, &arena);
  else ppmli_key_expand_step(x, wire, item - ksk_items, &arena);
}

/* Reads and expands the items of the pass. */
PPMLI_STATIC void ppmli_key_expand_pass(ppmli_in *in, ppmli_key_expansion *x,
                                        const ppml_parallel *parallel) {
  for (size_t i = 0; i < x->pass.count; i++)
    ppmli_in_bytes(in, x->pass.wire + i * x->pass.item_bytes,
                   ppmli_key_item_wire_bytes(x->pass.params, x->pass.first + i));
  if (in->error == PPML_OK) ppmli_parallel_run(parallel, x->pass.count, ppmli_key_expand_item, x);
}

/* ------------------------------------------------------- a key in memory */

/* Bytes of the expanded key alone. */
PPMLI_STATIC size_t ppmli_eval_key_expanded_bytes(const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_ksk_words(p, ppmli_ksk_rows(p)) * sizeof(uint32_t)) +
         ppmli_arena_rounded(ppmli_params_steps(p) * ppmli_bsk_step_doubles(p) * sizeof(double));
}

PPMLI_STATIC int ppmli_eval_key_alloc(ppml_eval_key *key, const ppml_params *p,
                                      const ppmli_backend *backend, ppml_arena *arena) {
  PPMLI_TRY(ppmli_fft_init(&key->fft, p->poly_size, backend, arena));
  PPMLI_ALLOC(uint32_t, ksk, arena, ppmli_ksk_words(p, ppmli_ksk_rows(p)));
  PPMLI_ALLOC(double, bsk, arena, ppmli_params_steps(p) * ppmli_bsk_step_doubles(p));
  key->key_switch_key = ksk;
  key->bootstrap_key = bsk;
  return PPML_OK;
}

/* Checks the header of an evaluation key and takes what belongs to whom from it. */
PPMLI_STATIC int ppmli_eval_key_begin(ppml_eval_key *key, ppmli_in *in, ppml_reader *reader,
                                      const ppml_limits *limits, const ppml_circuit *circuit) {
  ppml_header h;
  memset(key, 0, sizeof *key);
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_EVAL_KEY, reader, limits));
  if (h.payload_bytes != ppmli_key_payload_bytes(h.params)) return PPML_ERR_FORMAT;
  if (circuit && memcmp(circuit->id, h.circuit_id, PPML_ID_BYTES) != 0) return PPML_ERR_MISMATCH;
  key->params = h.params;
  memcpy(key->circuit_id, h.circuit_id, PPML_ID_BYTES);
  memcpy(key->key_id, h.key_id, PPML_ID_BYTES);
  return PPML_OK;
}

/* Reads an evaluation key and expands all of it.
 * Errors: the input bytes', PARAMS, MISMATCH, NOMEM, IO. */
PPMLI_STATIC int ppmli_eval_key_read(ppml_eval_key *key, ppml_reader *reader,
                                     const ppml_limits *limits, const ppml_circuit *circuit,
                                     const ppmli_backend *backend, const ppml_parallel *parallel,
                                     ppml_arena *arena) {
  ppmli_in in;
  ppmli_key_expansion x;
  PPMLI_TRY(ppmli_eval_key_begin(key, &in, reader, limits, circuit));
  PPMLI_TRY(ppmli_eval_key_alloc(key, key->params, backend, arena));
  size_t mark = arena->used_bytes;
  memset(&x, 0, sizeof x);
  PPMLI_TRY(ppmli_key_pass_init(&x.pass, key->params, ppmli_parallel_threads(parallel), arena));
  x.fft = key->fft;
  x.ksk = key->key_switch_key;
  x.bsk = key->bootstrap_key;
  x.slab_rows = ppmli_ksk_rows(key->params);
  ppmli_in_bytes(&in, x.pass.mask_seed, sizeof x.pass.mask_seed);
  while (in.error == PPML_OK && ppmli_key_pass_next(&x.pass))
    ppmli_key_expand_pass(&in, &x, parallel);
  arena->used_bytes = mark;
  return ppmli_in_end(&in);
}

/* ---------------------------------------------------------- a key stream */

/* Buffers for an evaluation key that is read anew, item by item, whenever it is used. */
typedef struct ppmli_key_stream {
  ppml_reader *reader;
  ppml_limits limits;
  ppmli_key_expansion x;
  ppmli_in in;
  int passes; /* begun so far */
} ppmli_key_stream;

/* Rows and steps of the largest pass. */
PPMLI_INLINE size_t ppmli_key_stream_rows(size_t threads) {
  return PPMLI_KEY_ITEMS_PER_THREAD * threads * PPMLI_KSK_ITEM_ROWS;
}

PPMLI_INLINE size_t ppmli_key_stream_steps(size_t threads) {
  return PPMLI_KEY_ITEMS_PER_THREAD * threads;
}

PPMLI_STATIC size_t ppmli_key_stream_bytes(const ppml_params *p, size_t threads) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_arena_rounded(sizeof(ppmli_key_stream)) +
         ppmli_arena_rounded(ppmli_ksk_words(p, ppmli_key_stream_rows(threads)) *
                             sizeof(uint32_t)) +
         ppmli_arena_rounded(ppmli_key_stream_steps(threads) * ppmli_bsk_step_doubles(p) *
                             sizeof(double)) +
         ppmli_key_pass_bytes(p, threads);
}

/* Opens an evaluation key for streaming: reads its header alone.
 * Memory: ppmli_key_stream_bytes(p, threads).
 * Errors: the input bytes', PARAMS, MISMATCH, NOMEM, IO. */
PPMLI_STATIC int ppmli_eval_key_stream(ppml_eval_key *key, ppml_reader *reader,
                                       const ppml_limits *limits, const ppml_circuit *circuit,
                                       const ppmli_backend *backend, size_t threads,
                                       ppml_arena *arena) {
  ppmli_in in;
  PPMLI_TRY(ppmli_eval_key_begin(key, &in, reader, limits, circuit));
  const ppml_params *p = key->params;
  PPMLI_TRY(ppmli_fft_init(&key->fft, p->poly_size, backend, arena));
  PPMLI_ALLOC(ppmli_key_stream, stream, arena, 1);
  memset(stream, 0, sizeof *stream);
  PPMLI_ALLOC(uint32_t, ksk, arena, ppmli_ksk_words(p, ppmli_key_stream_rows(threads)));
  PPMLI_ALLOC(double, bsk, arena, ppmli_key_stream_steps(threads) * ppmli_bsk_step_doubles(p));
  PPMLI_TRY(ppmli_key_pass_init(&stream->x.pass, p, threads, arena));
  stream->reader = reader;
  stream->limits = *limits;
  stream->in = in; /* right behind the header */
  stream->x.fft = key->fft;
  stream->x.ksk = ksk;
  stream->x.bsk = bsk;
  key->stream = stream;
  return PPML_OK;
}

/* ------------------------------------------------------------ key slabs */

/* A run of consecutive rows of the key-switching key, or steps of the bootstrapping key,
 * expanded: all there are for a key in memory, a pass for a key stream. */
typedef struct ppmli_key_slab {
  size_t first, count;
  const uint32_t *ksk; /* [blocks][count][16], for rows */
  const double *bsk;   /* [count][ppmli_bsk_step_doubles], for steps */
} ppmli_key_slab;

/* Begins a walk over the key: all its rows, then all its steps.  A stream is rewound but
 * for its first walk.  Errors: the input bytes', MISMATCH (no longer the same key), IO. */
PPMLI_STATIC int ppmli_key_walk_begin(const ppml_eval_key *key) {
  ppmli_key_stream *s = key->stream;
  if (s == NULL) return PPML_OK;
  if (s->passes++ > 0) {
    ppml_eval_key again;
    if (s->reader->rewind == NULL || s->reader->rewind(s->reader) != 0) return PPML_ERR_IO;
    PPMLI_TRY(ppmli_eval_key_begin(&again, &s->in, s->reader, &s->limits, NULL));
    if (again.params != key->params ||
        memcmp(again.circuit_id, key->circuit_id, PPML_ID_BYTES) != 0 ||
        memcmp(again.key_id, key->key_id, PPML_ID_BYTES) != 0)
      return PPML_ERR_MISMATCH;
  }
  s->x.pass.first = s->x.pass.count = 0;
  ppmli_in_bytes(&s->in, s->x.pass.mask_seed, sizeof s->x.pass.mask_seed);
  return s->in.error;
}

/* The next rows; 0 when there are none left.  *slab is zeros before the first call. */
PPMLI_STATIC int ppmli_key_walk_rows(ppmli_key_slab *slab, const ppml_eval_key *key,
                                     const ppml_parallel *parallel) {
  ppmli_key_stream *s = key->stream;
  size_t rows = ppmli_ksk_rows(key->params);
  slab->first += slab->count;
  slab->count = rows - slab->first;
  slab->ksk = key->key_switch_key;
  if (s == NULL || slab->count == 0) return slab->count != 0;
  ppmli_key_pass_next(&s->x.pass);
  slab->count = ppmli_min_size(slab->count, s->x.pass.count * PPMLI_KSK_ITEM_ROWS);
  slab->ksk = s->x.ksk;
  s->x.first_row = slab->first;
  s->x.slab_rows = slab->count;
  ppmli_key_expand_pass(&s->in, &s->x, parallel);
  return s->in.error == PPML_OK;
}

/* The next steps; likewise. */
PPMLI_STATIC int ppmli_key_walk_steps(ppmli_key_slab *slab, const ppml_eval_key *key,
                                      const ppml_parallel *parallel) {
  ppmli_key_stream *s = key->stream;
  slab->first += slab->count;
  slab->count = ppmli_params_steps(key->params) - slab->first;
  slab->bsk = key->bootstrap_key;
  if (s == NULL || slab->count == 0) return slab->count != 0;
  ppmli_key_pass_next(&s->x.pass);
  slab->count = s->x.pass.count;
  slab->bsk = s->x.bsk;
  s->x.first_step = slab->first;
  ppmli_key_expand_pass(&s->in, &s->x, parallel);
  return s->in.error == PPML_OK;
}

/* Ends a walk: was all of it read, and undamaged? */
PPMLI_STATIC int ppmli_key_walk_end(const ppml_eval_key *key) {
  return key->stream ? ppmli_in_end(&key->stream->in) : PPML_OK;
}

#endif
