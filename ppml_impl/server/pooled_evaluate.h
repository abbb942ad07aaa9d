/* The way of one encrypted image through a pooled network; pooled_layout.h has the idea.
 *
 *   ciphertext -> unpacking:  leaf (i, r), S times the latents of channel i in region r,
 *                             and on the way H_i, all regions of channel i, at X^(slots r)
 *   V_ci  = sum over j, r of weights (X^S) times leaf (j, r) times X^(slots r), and linear weights
 *   score = constant coefficient of  sum over i of H_i(X^-1) V_ci
 *
 * Regions stand at different residues modulo S, so H_i(X^-1) V_ci has at X^0 the dot products of
 * region with region, and no others.  Weights are polynomials in X^S: of their transforms only
 * N / S numbers differ, and only those are kept.
 *
 * In: a ciphertext and a prepared network; out: encrypted scores.  Next: pooled_run.h. */
#ifndef PPMLI_SERVER_POOLED_EVALUATE_H
#define PPMLI_SERVER_POOLED_EVALUATE_H

#include <math.h>

#include "../base/arena.h"
#include "../cipher/glwe.h"
#include "../cipher/glweswitch.h"
#include "../cipher/glweswitch_apply.h"
#include "../cipher/tensor.h"
#include "../cipher/unpack.h"
#include "../math/fft/backend.h"
#include "../math/long.h"
#include "../math/params.h"
#include "../math/poly.h"
#include "../math/wide.h"
#include "../network/autocorr.h"
#include "../network/pooled.h"
#include "../network/pooled_layout.h"

#define PPMLI_POOLED_COLUMNS 4 /* of a leaf: mask, high and low part, and body likewise */
#define PPMLI_POOLED_GROUPS 8  /* whose weights are spread out at a time */
#define PPMLI_POOLED_SUMS 16   /* of V that are made in one pass over the leaves, or C */

/* Transforms of the weights, for all images. */
typedef struct ppmli_pooled_weights {
  const double *value; /* [outputs][first channel][leaf][re, im][P / 2] */
  const uint16_t
      *place;         /* [N / 2], behind the values: which of those P / 2 numbers a frequency has */
  uint32_t positions; /* P */
} ppmli_pooled_weights;

typedef struct ppmli_pooled_server {
  const ppmli_pooled *net;
  const ppmli_pooled_layout *layout;
  const ppml_params *params;
  const ppmli_fft *fft;
  const double *keys; /* [ppmli_params_steps][ppmli_switch_doubles] */
  const ppmli_pooled_weights *weights;
} ppmli_pooled_server;

/* ------------------------------------------------------------------ sizes */

/* Leaves, in order of regions and then channels. */
PPMLI_INLINE size_t ppmli_pooled_leaves(const ppmli_pooled *net) {
  return (size_t)ppmli_latent_region_count(&net->shape) * net->shape.channels;
}

PPMLI_INLINE size_t ppmli_pooled_weight_doubles(const ppmli_pooled *net,
                                                const ppmli_pooled_layout *l,
                                                const ppml_params *p) {
  return net->outputs * net->shape.channels * ppmli_pooled_leaves(net) * (p->poly_size >> l->depth);
}

/* What stays of the weights. */
PPMLI_INLINE size_t ppmli_pooled_weights_bytes(const ppmli_pooled *net,
                                               const ppmli_pooled_layout *l, const ppml_params *p) {
  return ppmli_arena_rounded(ppmli_pooled_weight_doubles(net, l, p) * sizeof(double)) +
         ppmli_arena_rounded(p->poly_size / 2 * sizeof(uint16_t));
}

PPMLI_INLINE size_t ppmli_pooled_weights_scratch(const ppml_params *p) {
  return ppmli_arena_rounded(p->poly_size * sizeof(uint64_t)) +
         2 * ppmli_arena_rounded(p->poly_size * sizeof(double));
}

/* Scores whose V are made together. */
PPMLI_INLINE uint32_t ppmli_pooled_batch(const ppmli_pooled *net) {
  uint32_t most = PPMLI_POOLED_SUMS / net->shape.channels;
  return most < 1 ? 1 : most < net->outputs ? most : net->outputs;
}

/* ---------------------------------------------------------------- weights */

/* Which of the P / 2 numbers each frequency has.  Of a polynomial in X^S, the value at
 * exp(i pi e / N) depends on e modulo 2 P; exponents are 1 modulo 4. */
PPMLI_STATIC void ppmli_pooled_places(uint16_t *place, uint32_t positions, const ppmli_fft *fft) {
  for (uint32_t i = 0; i < fft->points; i++)
    place[i] = (uint16_t)((fft->exponent[i] & (2 * positions - 1)) >> 2);
}

/* The weights that leaf (second, region) has in V of score c and channel first: of a lag d the
 * weight stands at Y^-d, Y = X^S.
 *   poly [N]  out */
PPMLI_STATIC void ppmli_pooled_weight_poly(uint64_t *poly, const ppmli_pooled_server *x, uint32_t c,
                                           uint32_t first, uint32_t second, uint32_t region) {
  const ppmli_latent_shape *s = &x->net->shape;
  uint32_t terms = ppmli_autocorr_terms(s), N = x->params->poly_size;
  const int8_t *square = ppmli_pooled_square(x->net, c) + (size_t)region * terms;
  ppmli_autocorr_term t = ppmli_autocorr_first();
  memset(poly, 0, N * sizeof *poly);
  for (uint32_t n = 0; n < terms; n++, ppmli_autocorr_advance(&t, s)) {
    if (t.first != first || t.second != second) continue;
    int32_t at = -ppmli_pooled_offset(x->layout, t.dy, t.dx) * (1 << x->layout->depth);
    uint64_t weight = (uint64_t)(int64_t)square[n];
    if (at >= 0) poly[at] += weight;
    else poly[(int32_t)N + at] -= weight;
  }
}

/* Weights that were transformed before, from where their values are: the places stand behind. */
PPMLI_STATIC void ppmli_pooled_weights_at(ppmli_pooled_weights *weights, const double *value,
                                          const ppmli_pooled *net, const ppmli_pooled_layout *l,
                                          const ppml_params *p) {
  size_t bytes = ppmli_arena_rounded(ppmli_pooled_weight_doubles(net, l, p) * sizeof(double));
  weights->value = value;
  weights->place = (const uint16_t *)(value + bytes / sizeof *value);
  weights->positions = p->poly_size >> l->depth;
}

/* Transforms all weights.
 *   weights  out: lives in arena
 *   x        but for its keys and weights
 * Memory: ppmli_pooled_weights_bytes, then ppmli_pooled_weights_scratch.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_pooled_weights_init(ppmli_pooled_weights *weights,
                                           const ppmli_pooled_server *x, ppml_arena *arena) {
  const ppmli_latent_shape *s = &x->net->shape;
  uint32_t N = x->params->poly_size, P = N >> x->layout->depth, channels = s->channels;
  size_t leaves = ppmli_pooled_leaves(x->net);
  PPMLI_ALLOC(double, value, arena, ppmli_pooled_weight_doubles(x->net, x->layout, x->params));
  PPMLI_ALLOC(uint16_t, place, arena, N / 2);
  size_t mark = arena->used_bytes;
  PPMLI_ALLOC(uint64_t, poly, arena, N);
  PPMLI_ALLOC(double, whole, arena, N);
  PPMLI_ALLOC(double, work, arena, N);
  ppmli_pooled_places(place, P, x->fft);
  for (size_t n = 0; n < x->net->outputs * channels * leaves; n++) {
    uint32_t leaf = (uint32_t)(n % leaves), sum = (uint32_t)(n / leaves);
    double *out = value + n * P;
    ppmli_pooled_weight_poly(poly, x, sum / channels, sum % channels, leaf % channels,
                             leaf / channels);
    x->fft->backend->forward_signed(x->fft, whole, PPMLI_GROUP, poly, 1, work);
    for (uint32_t i = 0; i < N / 2; i++) {
      const double *number = whole + i / PPMLI_LANES * PPMLI_GROUP + i % PPMLI_LANES;
      out[place[i]] = number[0];
      out[P / 2 + place[i]] = number[PPMLI_LANES];
    }
  }
  weights->value = value;
  weights->place = place;
  weights->positions = P;
  arena->used_bytes = mark;
  return PPML_OK;
}

/* Transforms of some sums' weights in some groups, all of them spelled out.
 *   out    [sums][groups][leaves][GROUP]
 *   value  of the first sum */
PPMLI_STATIC void ppmli_pooled_spread(double *out, const ppmli_pooled_weights *w,
                                      const double *value, size_t sums, size_t leaves,
                                      size_t first_group, size_t groups) {
  size_t P = w->positions;
  for (size_t s = 0; s < sums; s++, value += leaves * P)
    for (size_t g = 0; g < groups; g++) {
      const uint16_t *place = w->place + (first_group + g) * PPMLI_LANES;
      for (size_t l = 0; l < leaves; l++, out += PPMLI_GROUP) {
        const double *re = value + l * P, *im = re + P / 2;
        for (size_t i = 0; i < PPMLI_LANES; i++) {
          out[i] = re[place[i]];
          out[PPMLI_LANES + i] = im[place[i]];
        }
      }
    }
}

/* ------------------------------------------------------------------ image */

/* The buffers of one image. */
typedef struct ppmli_pooled_image {
  uint64_t *node;    /* [mask, body][N]  of unpacking */
  double *leaves;    /* [group][leaf][COLUMNS][GROUP] */
  uint64_t *h, *v;   /* [channels][mask, body][N] */
  double *spread;    /* [sums][GROUPS][leaves][GROUP] */
  double *chunk;     /* [sums][GROUPS][COLUMNS][GROUP] */
  double *sums;      /* [sums][group][COLUMNS][GROUP]  the Vs of a batch of scores */
  uint64_t *turned;  /* [mask, body][N] */
  uint64_t *product; /* [square, mask, body][N] */
  uint8_t *used;     /* [S] */
  ppmli_wide wide;
} ppmli_pooled_image;

PPMLI_STATIC size_t ppmli_pooled_image_bytes(const ppmli_pooled *net, const ppmli_pooled_layout *l,
                                             const ppml_params *p) {
  size_t N = p->poly_size, leaves = ppmli_pooled_leaves(net), channels = net->shape.channels;
  size_t sums = ppmli_pooled_batch(net) * channels;
  size_t chunk = sums * PPMLI_POOLED_GROUPS * PPMLI_GROUP;
  size_t unpacking = ppmli_unpacking_bytes(p, l->depth) + ppmli_switch_map_scratch(p);
  size_t scores =
      ppmli_tensor_left_bytes(p, channels) +
      ppmli_max_size(ppmli_max_size(ppmli_tensor_scratch(p, channels), ppmli_switch_scratch(p)),
                     ppmli_wide_scratch(p->poly_size));
  return 2 * ppmli_arena_rounded(2 * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(leaves * PPMLI_POOLED_COLUMNS * N * sizeof(double)) +
         2 * ppmli_arena_rounded(channels * 2 * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(chunk * leaves * sizeof(double)) +
         ppmli_arena_rounded(chunk * PPMLI_POOLED_COLUMNS * sizeof(double)) +
         ppmli_arena_rounded(sums * PPMLI_POOLED_COLUMNS * N * sizeof(double)) +
         ppmli_arena_rounded(3 * N * sizeof(uint64_t)) +
         ppmli_arena_rounded(ppmli_pooled_sub_images(l)) + ppmli_wide_scratch(p->poly_size) +
         ppmli_max_size(unpacking, scores);
}

PPMLI_STATIC int ppmli_pooled_image_alloc(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                          ppml_arena *arena) {
  size_t N = x->params->poly_size, leaf_count = ppmli_pooled_leaves(x->net);
  size_t channels = x->net->shape.channels, sum_count = ppmli_pooled_batch(x->net) * channels;
  size_t chunk_doubles = sum_count * PPMLI_POOLED_GROUPS * PPMLI_GROUP;
  PPMLI_ALLOC(uint64_t, node, arena, 2 * N);
  PPMLI_ALLOC(double, leaves, arena, leaf_count *PPMLI_POOLED_COLUMNS *N);
  PPMLI_ALLOC(uint64_t, h, arena, channels * 2 * N);
  PPMLI_ALLOC(uint64_t, v, arena, channels * 2 * N);
  PPMLI_ALLOC(double, spread, arena, chunk_doubles *leaf_count);
  PPMLI_ALLOC(double, chunk, arena, chunk_doubles *PPMLI_POOLED_COLUMNS);
  PPMLI_ALLOC(double, sums, arena, sum_count *PPMLI_POOLED_COLUMNS *N);
  PPMLI_ALLOC(uint64_t, turned, arena, 2 * N);
  PPMLI_ALLOC(uint64_t, product, arena, 3 * N);
  PPMLI_ALLOC(uint8_t, used, arena, ppmli_pooled_sub_images(x->layout));
  m->node = node, m->leaves = leaves, m->h = h, m->v = v, m->spread = spread, m->chunk = chunk;
  m->sums = sums, m->turned = turned, m->product = product, m->used = used;
  return ppmli_wide_init(&m->wide, x->params->poly_size, arena);
}

/* The ciphertext of an image as unpacking takes it: words rounded to 64 bits.
 *   glwe    [mask, body][N]  out
 *   words   [ppmli_long_mask_words]  the mask's stream
 *   body    [N], tail [N] the bits behind it, as ppml_input has them
 *   tail_bits  how many */
PPMLI_STATIC void ppmli_pooled_round(uint64_t *glwe, const uint64_t *words, const uint64_t *body,
                                     const uint8_t *tail, uint32_t tail_bits, uint32_t poly_size) {
  for (uint32_t i = 0; i < poly_size; i++) {
    uint64_t rest = ppmli_long_mask_tail(words, i, poly_size);
    glwe[i] = words[i] + (rest >> (PPMLI_LONG_TAIL_BITS - 1));
    glwe[poly_size + i] = body[i] + ((uint64_t)tail[i] >> (tail_bits - 1));
  }
}

/* ---------------------------------------------------------------- unpack */

/* H of the channel at hand, scaled as the leaves are and reversed. */
PPMLI_STATIC int ppmli_pooled_take_channel(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                           const ppmli_unpacking *u, ppml_arena *arena) {
  const ppml_params *p = x->params;
  size_t words = 2 * (size_t)p->poly_size, step = ppmli_switch_reversal(p);
  uint32_t scale = x->layout->depth - x->layout->channel_depth;
  for (size_t i = 0; i < words; i++) m->turned[i] = u->node[i] << scale;
  return ppmli_switch_map(m->h + u->number * words, m->turned, step,
                          x->keys + step * ppmli_switch_doubles(p), p, x->fft, arena);
}

/* The leaf at hand, moved to where H has its region, and transformed. */
PPMLI_STATIC void ppmli_pooled_take_leaf(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                         const ppmli_unpacking *u) {
  const size_t G = PPMLI_GROUP, stride = ppmli_pooled_leaves(x->net) * PPMLI_POOLED_COLUMNS * G;
  uint32_t N = x->params->poly_size, slots = (uint32_t)1 << x->layout->channel_depth;
  uint32_t channel = u->number % slots, region = u->number / slots;
  double *out = m->leaves + (region * x->net->shape.channels + channel) * PPMLI_POOLED_COLUMNS * G;
  double scale = ldexp(1.0 / x->fft->points, -64);
  for (size_t part = 0; part < 2; part++) {
    uint64_t *moved = m->turned;
    ppmli_poly_rotate_down(moved, u->node + part * N, 2 * N - region * slots, N);
    if (region == 0) moved = u->node + part * N;
    ppmli_wide_forward(x->fft, out + 2 * part * G, stride, moved, PPMLI_WIDE_BITS, scale, &m->wide);
  }
}

/* All H and all leaves, of the ciphertext in m->node. */
PPMLI_STATIC int ppmli_pooled_unpack(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                     ppml_arena *arena) {
  const ppmli_latent_shape *s = &x->net->shape;
  const ppmli_pooled_layout *l = x->layout;
  size_t mark = arena->used_bytes;
  ppmli_unpacking u;
  int is_done = 0;
  memset(m->used, 0, ppmli_pooled_sub_images(l));
  for (uint32_t r = 0; r < ppmli_latent_region_count(s); r++)
    for (uint32_t i = 0; i < s->channels; i++) m->used[ppmli_pooled_sub_image(l, i, r)] = 1;
  ppmli_tree tree = {x->params, x->fft, x->keys, m->used, l->depth};
  PPMLI_TRY(ppmli_unpacking_begin(&u, m->node, &tree, arena));
  while (!is_done) {
    if (u.depth == l->channel_depth) PPMLI_TRY(ppmli_pooled_take_channel(m, x, &u, arena));
    if (u.depth == l->depth) ppmli_pooled_take_leaf(m, x, &u);
    PPMLI_TRY(ppmli_unpacking_next(&u, &is_done, arena));
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

/* ----------------------------------------------------------------- scores */

/* Transforms of the Vs of `scores` scores from c on, but for their linear weights. */
PPMLI_STATIC void ppmli_pooled_multiply(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                        uint32_t c, uint32_t scores) {
  const size_t G = PPMLI_GROUP, columns = PPMLI_POOLED_COLUMNS;
  size_t channels = x->net->shape.channels, leaves = ppmli_pooled_leaves(x->net);
  size_t sums = scores * channels, groups = x->fft->points / PPMLI_LANES;
  const double *value = x->weights->value + c * channels * leaves * x->weights->positions;
  ppmli_product shape = {sums, 1, leaves, columns, NULL};
  ppmli_fft some = *x->fft; /* of some groups only: a product looks at no more than their number */
  some.points = PPMLI_POOLED_GROUPS * PPMLI_LANES;
  some.poly_size = 2 * some.points;
  for (size_t g = 0; g < groups; g += PPMLI_POOLED_GROUPS) {
    ppmli_pooled_spread(m->spread, x->weights, value, sums, leaves, g, PPMLI_POOLED_GROUPS);
    x->fft->backend->product(&some, m->chunk, m->spread, m->leaves + g * leaves * columns * G,
                             &shape);
    size_t doubles = PPMLI_POOLED_GROUPS * columns * G;
    for (size_t s = 0; s < sums; s++)
      memcpy(m->sums + (s * groups + g) * columns * G, m->chunk + s * doubles,
             doubles * sizeof *m->sums);
  }
}

/* Adds the linear weights of score c for a channel to the body of its V.
 *   body [N] */
PPMLI_STATIC void ppmli_pooled_add_linear(uint64_t *body, const ppmli_pooled_server *x, uint32_t c,
                                          uint32_t channel) {
  const ppmli_latent_shape *s = &x->net->shape;
  const int32_t *linear = ppmli_pooled_linear(x->net, c) + (size_t)channel * s->width * s->height;
  uint64_t unit = ppmli_pooled_unit(x->layout);
  for (uint32_t y = 0; y < s->height; y++)
    for (uint32_t i = 0; i < s->width; i++)
      body[ppmli_pooled_coefficient(x->layout, s, 0, y, i)] += (uint64_t)(int64_t)*linear++ * unit;
}

/* All V of score c, from the sums of its batch. */
PPMLI_STATIC void ppmli_pooled_make_v(ppmli_pooled_image *m, const ppmli_pooled_server *x,
                                      uint32_t c, uint32_t in_batch) {
  const size_t G = PPMLI_GROUP, stride = PPMLI_POOLED_COLUMNS * G, N = x->params->poly_size;
  size_t channels = x->net->shape.channels;
  memset(m->v, 0, channels * 2 * N * sizeof *m->v);
  for (uint32_t i = 0; i < channels; i++) {
    const double *sum = m->sums + (in_batch * channels + i) * PPMLI_POOLED_COLUMNS * N;
    uint64_t *mask = m->v + i * 2 * N, *body = mask + N;
    ppmli_wide_backward_add(x->fft, mask, sum, sum + G, stride, PPMLI_WIDE_BITS, &m->wide);
    ppmli_wide_backward_add(x->fft, body, sum + 2 * G, sum + 3 * G, stride, PPMLI_WIDE_BITS,
                            &m->wide);
    ppmli_pooled_add_linear(body, x, c, i);
  }
}

/* Score c from all H and its Vs.
 *   lwe [N + 1]  out */
PPMLI_STATIC int ppmli_pooled_finish_score(uint64_t *lwe, ppmli_pooled_image *m,
                                           const ppmli_pooled_server *x,
                                           const ppmli_tensor_factor *left, uint32_t c,
                                           ppml_arena *arena) {
  const ppml_params *p = x->params;
  size_t N = p->poly_size;
  uint64_t *square = m->product, *mask = square + N, *body = mask + N;
  const double *key = x->keys + ppmli_params_trace_steps(p) * ppmli_switch_doubles(p);
  ppmli_tensor product = {square, mask, body};
  PPMLI_TRY(ppmli_tensor_product(product, left, m->v, x->layout->modulus_log2, x->fft, arena));
  PPMLI_TRY(ppmli_switch_add(mask, body, square, key, p, x->fft, arena));
  body[0] += (uint64_t)x->net->bias[c] * ppmli_pooled_unit(x->layout);
  ppmli_glwe_extract(lwe, mask, p);
  return PPML_OK;
}

/* The scores of the image whose ciphertext stands in m->node, see ppmli_pooled_round.
 *   lwe  [outputs][N + 1]  out
 *   m    of ppmli_pooled_image_alloc; what it takes and what this takes of arena are together
 *        ppmli_pooled_image_bytes
 * Errors: NOMEM.  Noise: docs/NOISE.md "Pooled networks". */
PPMLI_STATIC int ppmli_pooled_scores(uint64_t *lwe, ppmli_pooled_image *m,
                                     const ppmli_pooled_server *x, ppml_arena *arena) {
  size_t mark = arena->used_bytes, words = x->params->poly_size + (size_t)1;
  uint32_t batch = ppmli_pooled_batch(x->net), outputs = x->net->outputs;
  ppmli_tensor_factor left;
  PPMLI_TRY(ppmli_pooled_unpack(m, x, arena));
  PPMLI_TRY(ppmli_tensor_left_init(&left, m->h, x->net->shape.channels, x->params, x->fft, arena));
  for (uint32_t first = 0; first < outputs; first += batch) {
    uint32_t count = outputs - first < batch ? outputs - first : batch;
    ppmli_pooled_multiply(m, x, first, count);
    for (uint32_t c = first; c < first + count; c++) {
      ppmli_pooled_make_v(m, x, c, c - first);
      PPMLI_TRY(ppmli_pooled_finish_score(lwe + c * words, m, x, &left, c, arena));
    }
  }
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
