/* The evaluation key on the server: expanded in memory, or streamed, and walked through a slab at a time
 * either way.  In: the file of the key; out: rows and steps, transformed for one vector backend. Next:
 * bootstrap.h, products.h. */
#ifndef PPMLI_SERVER_EVALKEY_H
#define PPMLI_SERVER_EVALKEY_H

#include "../base/arena.h"
#include "../base/busy.h"
#include "../base/digest.h"
#include "../base/parallel.h"
#include "../cipher/bridge.h"
#include "../cipher/bridge_apply.h"
#include "../cipher/ggsw.h"
#include "../cipher/ggsw_apply.h"
#include "../cipher/glweswitch.h"
#include "../cipher/glweswitch_apply.h"
#include "../cipher/keyswitch.h"
#include "../cipher/keyswitch_apply.h"
#include "../math/fft.h"
#include "../math/fft/backend.h"
#include "../math/fftcheck.h"
#include "../math/params.h"
#include "../wire/container.h"
#include "../wire/key_layout.h"

/* ------------------------------------------------------------ expansion */

/* What a bridged set's key has before its rows. */
typedef struct ppmli_key_lead {
  const ppmli_fft *fft; /* of the latents' set */
  double *switches;     /* [ppmli_params_steps][ppmli_switch_doubles] of that set */
  double *bridge;       /* [ppmli_bridge_doubles] */
} ppmli_key_lead;

/* Where a pass's items go: rows and steps from `first` on of a slab of `rows` rows. */
typedef struct ppmli_key_expansion {
  ppmli_key_pass pass;
  const ppmli_fft *fft;
  uint32_t *ksk; /* [blocks][slab_rows][16] */
  double *steps; /* [steps][ppmli_key_step_doubles]: of a blind rotation, or GLWE key switches */
  ppmli_key_lead lead;
  size_t slab_rows, first_row, first_step;
} ppmli_key_expansion;

PPMLI_STATIC void ppmli_key_expand_rows(const ppmli_key_expansion *x, const uint8_t *wire,
                                        size_t item, ppml_arena *arena) {
  const ppml_params *p = x->pass.params;
  uint32_t *mask = (uint32_t *)ppmli_arena_array(arena, p->lwe_dim, sizeof *mask);
  ppmli_ksk_rows_slab slab = {x->ksk, x->slab_rows, x->first_row};
  PPMLI_ASSERT(mask != NULL);
  for (size_t r = 0; r < ppmli_key_item_rows(p, item); r++)
    ppmli_ksk_expand_row(&slab, item * PPMLI_KSK_ITEM_ROWS + r - x->first_row, wire + 4 * r, p,
                         x->pass.mask_seed, mask, x->fft);
}

/* Doubles of a step in memory. */
PPMLI_INLINE size_t ppmli_key_step_doubles(const ppml_params *p) {
#ifndef PPML_NO_LEVELED
  if (ppmli_params_has_switches(p)) return ppmli_switch_doubles(p);
#endif
  return ppmli_bsk_step_doubles(p);
}

PPMLI_STATIC void ppmli_key_expand_step(const ppmli_key_expansion *x, const uint8_t *wire,
                                        size_t step, ppml_arena *arena) {
  const ppml_params *p = x->pass.params;
  double *out = x->steps + (step - x->first_step) * ppmli_key_step_doubles(p);
  int error;
#ifndef PPML_NO_LEVELED
  if (ppmli_params_has_switches(p))
    error = ppmli_switch_expand(out, wire, p, step, x->pass.mask_seed, x->fft, arena);
  else
#endif
    error = ppmli_ggsw_expand_step(out, wire, p, step, x->pass.mask_seed, x->fft, arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}

#ifndef PPML_NO_LEVELED
/* Scratch of an item of what a bridged set has before its rows. */
PPMLI_STATIC size_t ppmli_key_lead_scratch(const ppml_params *p) {
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (!ppmli_params_has_bridge(p)) return 0;
  return ppmli_max_size(ppmli_switch_expand_scratch(bridge.from),
                        ppmli_bridge_expand_scratch(&bridge));
}
#endif

/* Scratch of one item: a row's mask, or what a step takes, or one of what comes before. */
PPMLI_STATIC size_t ppmli_key_expand_scratch(const ppml_params *p) {
  size_t most = ppmli_arena_rounded(p->lwe_dim * sizeof(uint32_t));
#ifndef PPML_NO_LEVELED
  if (ppmli_params_has_switches(p)) return ppmli_switch_expand_scratch(p);
  most = ppmli_max_size(most, ppmli_key_lead_scratch(p));
#endif
  return ppmli_max_size(most, ppmli_ggsw_expand_scratch(p));
}

#ifndef PPML_NO_LEVELED
/* An item of what a bridged set has before its rows. */
PPMLI_STATIC void ppmli_key_expand_lead(const ppmli_key_expansion *x, const uint8_t *wire,
                                        size_t item, ppml_arena *arena) {
  ppmli_bridge bridge = ppmli_bridge_of(x->pass.params);
  size_t switches = ppmli_params_steps(bridge.from);
  int error;
  if (item < switches)
    error = ppmli_switch_expand(x->lead.switches + item * ppmli_switch_doubles(bridge.from), wire,
                                bridge.from, item, x->pass.mask_seed, x->lead.fft, arena);
  else
    error = ppmli_bridge_expand_row(x->lead.bridge, wire, &bridge, item - switches,
                                    x->pass.mask_seed, x->fft, arena);
  PPMLI_ASSERT(error == PPML_OK);
  (void)error; /* the slice was sized for it */
}
#endif

PPMLI_STATIC void ppmli_key_expand_item(void *argument, size_t index) {
  const ppmli_key_expansion *x = (const ppmli_key_expansion *)argument;
  ppml_arena arena = ppmli_slices_arena(&x->pass.scratch, index);
  const uint8_t *wire = x->pass.wire + index * x->pass.item_bytes;
  ppmli_key_place at = ppmli_key_place_of(x->pass.params, x->pass.first + index);
  if (at.part == PPMLI_KEY_ROWS) ppmli_key_expand_rows(x, wire, at.index, &arena);
  if (at.part == PPMLI_KEY_STEPS) ppmli_key_expand_step(x, wire, at.index, &arena);
#ifndef PPML_NO_LEVELED
  if (at.part == PPMLI_KEY_LEAD) ppmli_key_expand_lead(x, wire, at.index, &arena);
#endif
}

/* Reads and expands the items of the pass. */
PPMLI_STATIC void ppmli_key_expand_pass(ppmli_in *in, ppmli_key_expansion *x,
                                        const ppml_parallel *parallel) {
  for (size_t i = 0; i < x->pass.count; i++)
    ppmli_in_bytes(in, x->pass.wire + i * x->pass.item_bytes,
                   ppmli_key_item_wire_bytes(x->pass.params, x->pass.first + i));
  if (in->error == PPML_OK) ppmli_parallel_run(parallel, x->pass.count, ppmli_key_expand_item, x);
}

/* Reads and expands all items before the rows.  x->pass is before its first item. */
PPMLI_STATIC void ppmli_key_expand_all_lead(ppmli_in *in, ppmli_key_expansion *x,
                                            const ppml_parallel *parallel) {
  while (in->error == PPML_OK &&
         x->pass.first + x->pass.count < ppmli_key_lead_items(x->pass.params) &&
         ppmli_key_pass_next(&x->pass))
    ppmli_key_expand_pass(in, x, parallel);
}

/* Bytes that the items before the rows take, expanded, with the tables of their transforms. */
PPMLI_STATIC size_t ppmli_key_lead_bytes(const ppml_params *p) {
#ifndef PPML_NO_LEVELED
  ppmli_bridge bridge = ppmli_bridge_of(p);
  size_t switches = ppmli_params_steps(bridge.from);
  if (ppmli_params_has_bridge(p))
    return ppmli_fft_bytes(bridge.from->poly_size) +
           ppmli_arena_rounded(switches * ppmli_switch_doubles(bridge.from) * sizeof(double)) +
           ppmli_arena_rounded(ppmli_bridge_doubles(&bridge) * sizeof(double));
#endif
  (void)p;
  return 0;
}

/* Memory for them, in the key and in lead; none where there are none.  The arithmetic of the latents'
 * transforms is checked.
 * Memory: ppmli_key_lead_bytes.  Errors: NOMEM, ARITHMETIC. */
PPMLI_STATIC int ppmli_key_lead_alloc(ppml_eval_key *key, ppmli_key_lead *lead,
                                      const ppml_params *p, const ppmli_backend *backend,
                                      ppml_arena *arena) {
#ifndef PPML_NO_LEVELED
  ppmli_bridge bridge = ppmli_bridge_of(p);
  if (!ppmli_params_has_bridge(p)) return PPML_OK;
  PPMLI_TRY(ppmli_fft_init(&key->latent_fft, bridge.from->poly_size, backend, arena));
  PPMLI_TRY(ppmli_fft_check(key->latent_fft, arena));
  PPMLI_ALLOC(double, switches, arena,
              ppmli_params_steps(bridge.from) * ppmli_switch_doubles(bridge.from));
  PPMLI_ALLOC(double, rows, arena, ppmli_bridge_doubles(&bridge));
  key->latent_key = switches;
  key->bridge_key = rows;
  lead->fft = key->latent_fft;
  lead->switches = switches;
  lead->bridge = rows;
#else
  (void)key, (void)lead, (void)p, (void)backend, (void)arena;
#endif
  return PPML_OK;
}

/* ------------------------------------------------------- a key in memory */

/* Bytes of the expanded key alone. */
PPMLI_STATIC size_t ppmli_eval_key_expanded_bytes(const ppml_params *p) {
  return ppmli_key_lead_bytes(p) +
         ppmli_arena_rounded(ppmli_ksk_words(p, ppmli_ksk_rows(p)) * sizeof(uint32_t)) +
         ppmli_arena_rounded(ppmli_params_steps(p) * ppmli_key_step_doubles(p) * sizeof(double));
}

/* Arena bytes of reading a key. */
PPMLI_STATIC size_t ppmli_eval_key_bytes(const ppml_params *p, size_t threads) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_eval_key_expanded_bytes(p) +
         ppmli_key_pass_bytes(p, threads, ppmli_key_expand_scratch(p));
}

/* Tables for the key's transforms, whose arithmetic is checked once here.
 * Memory: ppmli_fft_bytes(p->poly_size); the check's scratch is room for what is allocated next,
 * which has more than the five polynomials it takes.  Errors: NOMEM, ARITHMETIC. */
PPMLI_STATIC int ppmli_eval_key_fft(ppml_eval_key *key, const ppml_params *p,
                                    const ppmli_backend *backend, ppml_arena *arena) {
  PPMLI_TRY(ppmli_fft_init(&key->fft, p->poly_size, backend, arena));
  return ppmli_fft_check(key->fft, arena);
}

PPMLI_STATIC int ppmli_eval_key_alloc(ppml_eval_key *key, const ppml_params *p,
                                      const ppmli_backend *backend, ppml_arena *arena) {
  PPMLI_TRY(ppmli_eval_key_fft(key, p, backend, arena));
  PPMLI_ALLOC(uint32_t, ksk, arena, ppmli_ksk_words(p, ppmli_ksk_rows(p)));
  PPMLI_ALLOC(double, steps, arena, ppmli_params_steps(p) * ppmli_key_step_doubles(p));
  key->key_switch_key = ksk;
  key->bootstrap_key = steps;
  return PPML_OK;
}

/* What takes a key's place where none is needed: the tables alone, for any owner's images.
 * Memory: ppmli_eval_key_none_bytes(p), all but the tables given back.
 * Errors: PARAMS (of a set that needs a key), NOMEM, ARITHMETIC. */
PPMLI_STATIC size_t ppmli_eval_key_none_bytes(const ppml_params *p) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_fftcheck_scratch(p->poly_size);
}

PPMLI_STATIC int ppmli_eval_key_none(ppml_eval_key *key, const ppml_circuit *circuit,
                                     const ppmli_backend *backend, ppml_arena *arena) {
  memset(key, 0, sizeof *key);
  if (!ppmli_params_is_keyless(circuit->params)) return PPML_ERR_PARAMS;
  key->params = circuit->params;
  memcpy(key->circuit_id, circuit->id, PPML_ID_BYTES);
  return ppmli_eval_key_fft(key, circuit->params, backend, arena);
}

/* Checks the header of an evaluation key and takes what belongs to whom from it. */
PPMLI_STATIC int ppmli_eval_key_begin(ppml_eval_key *key, ppmli_in *in, ppml_reader *reader,
                                      const ppml_limits *limits, const ppml_circuit *circuit) {
  ppml_header h;
  memset(key, 0, sizeof *key);
  PPMLI_TRY(ppmli_in_begin_kind(in, &h, PPML_KIND_EVAL_KEY, reader, limits));
  if (ppmli_params_is_keyless(h.params)) return PPML_ERR_PARAMS; /* nobody makes such keys */
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
  memset(&x, 0, sizeof x);
  PPMLI_TRY(ppmli_eval_key_begin(key, &in, reader, limits, circuit));
  PPMLI_TRY(ppmli_eval_key_alloc(key, key->params, backend, arena));
  PPMLI_TRY(ppmli_key_lead_alloc(key, &x.lead, key->params, backend, arena));
  size_t mark = arena->used_bytes;
  PPMLI_TRY(ppmli_key_pass_init(&x.pass, key->params, ppmli_parallel_threads(parallel),
                                ppmli_key_expand_scratch(key->params), arena));
  x.fft = key->fft;
  x.ksk = key->key_switch_key;
  x.steps = key->bootstrap_key;
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
  int passes;                         /* begun so far */
  int is_ahead;                       /* what comes before the rows was read, by opening */
  uint8_t lead_digest[PPML_ID_BYTES]; /* of the file up to the rows, which are in memory */
  int busy;                           /* a call is reading */
} ppmli_key_stream;

/* Rows and steps of the largest pass. */
PPMLI_INLINE size_t ppmli_key_stream_rows(size_t threads) {
  return PPMLI_KEY_ITEMS_PER_THREAD * threads * PPMLI_KSK_ITEM_ROWS;
}

PPMLI_INLINE size_t ppmli_key_stream_steps(size_t threads) {
  return PPMLI_KEY_ITEMS_PER_THREAD * threads;
}

PPMLI_STATIC size_t ppmli_key_stream_bytes(const ppml_params *p, size_t threads) {
  return ppmli_fft_bytes(p->poly_size) + ppmli_key_lead_bytes(p) +
         ppmli_arena_rounded(sizeof(ppmli_key_stream)) +
         ppmli_arena_rounded(ppmli_ksk_words(p, ppmli_key_stream_rows(threads)) *
                             sizeof(uint32_t)) +
         ppmli_arena_rounded(ppmli_key_stream_steps(threads) * ppmli_key_step_doubles(p) *
                             sizeof(double)) +
         ppmli_key_pass_bytes(p, threads, ppmli_key_expand_scratch(p));
}

/* The digest of what was read so far. */
PPMLI_STATIC void ppmli_key_digest_so_far(uint8_t *digest, const ppmli_in *in) {
  ppmli_digest so_far = in->digest;
  ppmli_digest_final(&so_far, digest);
}

/* Reads what comes before the rows, which stays in memory, if there is any.
 * Errors: the input bytes', IO. */
PPMLI_STATIC int ppmli_key_stream_lead(ppmli_key_stream *s) {
  if (ppmli_key_lead_items(s->x.pass.params) == 0) return PPML_OK;
  ppmli_in_bytes(&s->in, s->x.pass.mask_seed, sizeof s->x.pass.mask_seed);
  ppmli_key_expand_all_lead(&s->in, &s->x, NULL);
  ppmli_key_digest_so_far(s->lead_digest, &s->in);
  s->is_ahead = 1;
  return s->in.error;
}

/* Opens an evaluation key for streaming: reads its header, and of a bridged set what comes before the
 * rows.
 * Memory: ppmli_key_stream_bytes(p, threads).
 * Errors: the input bytes', PARAMS, MISMATCH, NOMEM, IO. */
PPMLI_STATIC int ppmli_eval_key_stream(ppml_eval_key *key, ppml_reader *reader,
                                       const ppml_limits *limits, const ppml_circuit *circuit,
                                       const ppmli_backend *backend, size_t threads,
                                       ppml_arena *arena) {
  ppmli_in in;
  PPMLI_TRY(ppmli_eval_key_begin(key, &in, reader, limits, circuit));
  const ppml_params *p = key->params;
  PPMLI_TRY(ppmli_eval_key_fft(key, p, backend, arena));
  PPMLI_ALLOC(ppmli_key_stream, stream, arena, 1);
  memset(stream, 0, sizeof *stream);
  PPMLI_TRY(ppmli_key_lead_alloc(key, &stream->x.lead, p, backend, arena));
  PPMLI_ALLOC(uint32_t, ksk, arena, ppmli_ksk_words(p, ppmli_key_stream_rows(threads)));
  PPMLI_ALLOC(double, steps, arena, ppmli_key_stream_steps(threads) * ppmli_key_step_doubles(p));
  PPMLI_TRY(ppmli_key_pass_init(&stream->x.pass, p, threads, ppmli_key_expand_scratch(p), arena));
  stream->reader = reader;
  stream->limits = *limits;
  stream->in = in; /* right behind the header */
  stream->x.fft = key->fft;
  stream->x.ksk = ksk;
  stream->x.steps = steps;
  key->stream = stream;
  return ppmli_key_stream_lead(stream);
}

/* A key in memory is for any number of calls at a time; a stream, which has one reader and one
 * set of buffers, for one.  Errors: BUSY. */
PPMLI_STATIC int ppmli_eval_key_take(const ppml_eval_key *key) {
  if (key->stream == NULL || ppmli_busy_take(&key->stream->busy)) return PPML_OK;
  return PPML_ERR_BUSY;
}

PPMLI_STATIC void ppmli_eval_key_release(const ppml_eval_key *key) {
  if (key->stream) ppmli_busy_release(&key->stream->busy);
}

/* ------------------------------------------------------------ key slabs */

/* A run of consecutive rows of the key-switching key, or steps of the bootstrapping key (of a set without
 * bootstraps: GLWE key switches), expanded: all there are for a key in memory, a pass for a key stream. */
typedef struct ppmli_key_slab {
  size_t first, count;
  const uint32_t *ksk; /* [blocks][count][16], for rows */
  const double *steps; /* [count][ppmli_key_step_doubles], for steps */
} ppmli_key_slab;

/* Reads over the items before the rows, which must be those that are in memory.
 * Errors: the input bytes', MISMATCH, IO. */
PPMLI_STATIC int ppmli_key_skip_lead(ppmli_key_stream *s) {
  ppmli_key_pass *pass = &s->x.pass;
  uint8_t digest[PPML_ID_BYTES];
  pass->first = ppmli_key_lead_items(pass->params);
  if (pass->first == 0) return s->in.error;
  for (size_t i = 0; i < pass->first; i++)
    ppmli_in_bytes(&s->in, pass->wire, ppmli_key_item_wire_bytes(pass->params, i));
  if (s->in.error) return s->in.error;
  ppmli_key_digest_so_far(digest, &s->in);
  return memcmp(digest, s->lead_digest, sizeof digest) == 0 ? PPML_OK : PPML_ERR_MISMATCH;
}

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
  if (!s->is_ahead) {
    s->x.pass.first = s->x.pass.count = 0;
    ppmli_in_bytes(&s->in, s->x.pass.mask_seed, sizeof s->x.pass.mask_seed);
    PPMLI_TRY(ppmli_key_skip_lead(s));
  }
  s->is_ahead = 0;
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
  slab->steps = key->bootstrap_key;
  if (s == NULL || slab->count == 0) return slab->count != 0;
  ppmli_key_pass_next(&s->x.pass);
  slab->count = s->x.pass.count;
  slab->steps = s->x.steps;
  s->x.first_step = slab->first;
  ppmli_key_expand_pass(&s->in, &s->x, parallel);
  return s->in.error == PPML_OK;
}

/* Ends a walk: was all of it read, and undamaged? */
PPMLI_STATIC int ppmli_key_walk_end(const ppml_eval_key *key) {
  return key->stream ? ppmli_in_end(&key->stream->in) : PPML_OK;
}

#endif
