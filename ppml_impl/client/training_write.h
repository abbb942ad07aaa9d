/* Making an encrypted training set of images, on their owner's machine.
 *
 * How many rows a set has follows from the number of images alone, never from their labels.
 * Where an image has one class, each class gets the same number of rows: its images as they are,
 * and when there are no more of them warped copies (augment.h), in turn.  So neither the size of
 * the file nor the order of rows, which is random, nor the seeds, which are fresh, tell anything
 * of the labels; and classes weigh the same in training.
 *
 * In: images with labels, a feature map, the secret key; out: the file of the set. Next:
 * rows_encrypt.h. */
#ifndef PPMLI_CLIENT_TRAINING_WRITE_H
#define PPMLI_CLIENT_TRAINING_WRITE_H

#include <math.h>

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/parallel.h"
#include "../base/rng.h"
#include "../base/seeds.h"
#include "../cipher/rows.h"
#include "../network/augment.h"
#include "../network/features.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/training_set.h"
#include "rows_encrypt.h"

#define PPMLI_TRAINING_COPIES 1.5 /* rows an image where classes are balanced, if not told */

/* What is to be made of a set of images. */
typedef struct ppmli_training_plan {
  ppmli_training set;
  uint32_t *row; /* [set.count]  twice the number of the image, plus 1 where it is warped */
  uint8_t warp_seed[PPML_SEED_BYTES];
} ppmli_training_plan;

/* Rows for so many images: whole batches.
 *   copies  rows an image; 0: what suits the task */
PPMLI_STATIC uint64_t ppmli_training_count(const ppml_features *map, size_t images, double copies) {
  if (!(copies > 0)) copies = map->spec.task == PPML_TASK_LABELS ? 1 : PPMLI_TRAINING_COPIES;
  uint64_t batches = (uint64_t)ceil((double)images * copies / map->batch);
  return (batches ? batches : 1) * map->batch;
}

PPMLI_INLINE size_t ppmli_training_plan_bytes(uint64_t count) {
  return ppmli_arena_rounded((size_t)count * sizeof(uint32_t));
}

/* Fills rows [count] with the images of a class in turn (of all classes, for none): those that
 * come first are taken as they are.
 *   class_or_all  PPML_CLASSES_MAX: all
 * Returns 0 where there is no such image. */
PPMLI_STATIC int ppmli_training_fill(uint32_t *row, size_t count, const ppml_image_source *source,
                                     uint32_t class_or_all, ppml_rng *rng) {
  size_t have = 0, seen = 0;
  for (size_t n = 0; n < source->count; n++) { /* a random choice of `count` of them */
    if (class_or_all < PPML_CLASSES_MAX && source->labels[n] != class_or_all) continue;
    size_t at = have < count ? have++ : (size_t)(ppmli_rng_u64(rng) % (seen + 1));
    if (at < count) row[at] = (uint32_t)(2 * n);
    seen++;
  }
  ppmli_rng_shuffle(row, have, rng);
  for (size_t i = have; i < count && have; i++) row[i] = row[i - have] | 1;
  return have != 0;
}

/* Rows class by class, all the same number up to one, but for classes that have no image.
 * Errors: ARG (there are not two classes). */
PPMLI_STATIC int ppmli_training_balance(ppmli_training_plan *plan, const ppml_features *map,
                                        const ppml_image_source *source, ppml_rng *rng) {
  uint32_t present[PPML_CLASSES_MAX], classes = 0;
  for (uint32_t c = 0; c < map->spec.classes; c++)
    for (size_t n = 0; n < source->count; n++)
      if (source->labels[n] == c) {
        present[classes++] = c;
        break;
      }
  if (classes < 2) return PPML_ERR_ARG;
  for (uint32_t k = 0; k < classes; k++) {
    size_t first = ppmli_parallel_share((size_t)plan->set.count, classes, k);
    size_t end = ppmli_parallel_share((size_t)plan->set.count, classes, k + 1);
    (void)ppmli_training_fill(plan->row + first, end - first, source, present[k], rng);
  }
  return PPML_OK;
}

PPMLI_STATIC int ppmli_training_labels_are_valid(const ppml_features *map,
                                                 const ppml_image_source *source) {
  size_t bytes = ppmli_spec_answer_bytes(&map->spec);
  uint32_t most = map->spec.task == PPML_TASK_LABELS ? 1 : map->spec.classes - 1;
  for (size_t i = 0; i < source->count * bytes; i++)
    if (source->labels[i] > most) return 0;
  return 1;
}

/* Plans a set: which image each row is.
 *   plan    out; row is in arena
 *   source  its labels may be NULL: then rows are the images in their order, to be classified
 *   purpose PPMLI_ROWS_DESCENT or _GRAM
 *   rng     ppmli_rng_begin was called for this use
 * Memory: ppmli_training_plan_bytes(ppmli_training_count()).
 * Errors: ARG (no images, a label beyond the classes, one class alone), PARAMS, NOMEM. */
PPMLI_STATIC int ppmli_training_plan_make(ppmli_training_plan *plan, const ppml_features *map,
                                          const ppml_image_source *source, uint32_t purpose,
                                          double copies, const ppml_params *p, ppml_rng *rng,
                                          ppml_arena *arena) {
  uint32_t outputs = source->labels ? map->spec.outputs : 0;
  if (source->count == 0 || source->count >= PPMLI_TRAINING_ROWS_MAX) return PPML_ERR_ARG;
  plan->set.rows = ppmli_rows_make(purpose, map->count + 1, outputs, map->batch);
  plan->set.count = outputs ? ppmli_training_count(map, source->count, copies) : source->count;
  if (!ppmli_training_is_valid(&plan->set, p)) return PPML_ERR_PARAMS;
  if (outputs && !ppmli_training_labels_are_valid(map, source)) return PPML_ERR_ARG;
  PPMLI_ALLOC(uint32_t, row, arena, (size_t)plan->set.count);
  plan->row = row;
  ppmli_rng_bytes(rng, plan->set.id, sizeof plan->set.id);
  ppmli_rng_bytes(rng, plan->warp_seed, sizeof plan->warp_seed);
  if (!outputs) {
    for (size_t i = 0; i < source->count; i++) row[i] = (uint32_t)(2 * i);
    return PPML_OK;
  }
  if (map->spec.task == PPML_TASK_LABELS)
    (void)ppmli_training_fill(row, (size_t)plan->set.count, source, PPML_CLASSES_MAX, rng);
  else PPMLI_TRY(ppmli_training_balance(plan, map, source, rng));
  ppmli_rng_shuffle(row, (size_t)plan->set.count, rng);
  return PPML_OK;
}

/* ------------------------------------------------------------------- rows */

/* Features and labels of row number `index` of the set.
 *   feature  [features]  out;  label  [outputs]  out
 *   pixels   [2][inputs]  scratch
 * Scratch: ppmli_features_run_scratch(map) bytes.  Errors: IO, NOMEM. */
PPMLI_STATIC int ppmli_training_row(int8_t *feature, int8_t *label, const ppmli_training_plan *plan,
                                    const ppml_features *map, const ppml_image_source *source,
                                    uint64_t index, uint8_t *pixels, ppml_arena *arena) {
  size_t inputs = ppmli_spec_inputs(&map->spec), image = plan->row[index] / 2;
  size_t bytes = ppmli_spec_answer_bytes(&map->spec);
  if (source->read(source->context, image, pixels)) return PPML_ERR_IO;
  if (plan->row[index] & 1) {
    uint8_t seed[PPML_SEED_BYTES];
    ppmli_augmentation how = {1, 0};
    ppmli_picture size = ppmli_picture_of(&map->spec);
    ppml_rng rng;
    memcpy(seed, plan->warp_seed, sizeof seed);
    ppmli_store64(seed, ppmli_load64(seed) ^ index);
    ppmli_rng_seed(&rng, seed);
    ppmli_augment(pixels + inputs, pixels, &size, &how, &rng);
    pixels += inputs;
  }
  for (uint32_t c = 0; c < plan->set.rows.outputs; c++)
    label[c] = ppmli_features_label(&map->spec, source->labels + image * bytes, c);
  return ppmli_features_run(feature, map, pixels, arena);
}

/* A block at work: made of images, then encrypted body by body. */
typedef struct ppmli_training_writer {
  const ppmli_training_plan *plan;
  const ppml_features *map;
  const ppml_image_source *source;
  const ppml_params *params;
  const ppml_secret_key *key;
  int8_t *feature, *label; /* [N][features], [N][outputs] */
  uint8_t *pixels;         /* [2][inputs] */
  uint8_t *wire;           /* [ppmli_rows_block_bytes()] */
  ppmli_seeds seeds;
  size_t tasks;
  ppmli_slices scratch; /* [tasks] */
} ppmli_training_writer;

PPMLI_STATIC size_t ppmli_training_write_bytes(const ppmli_training *set, const ppml_features *map,
                                               const ppml_params *p, size_t threads) {
  size_t N = p->poly_size;
  return ppmli_arena_rounded(N * set->rows.features) + ppmli_arena_rounded(N * set->rows.outputs) +
         ppmli_arena_rounded(2 * ppmli_spec_inputs(&map->spec)) +
         ppmli_arena_rounded(ppmli_rows_block_bytes(&set->rows, p)) +
         ppmli_arena_rounded(threads * ppmli_rows_encrypt_scratch(p)) +
         ppmli_features_run_scratch(map);
}

PPMLI_STATIC int ppmli_training_writer_init(ppmli_training_writer *w, ppml_arena *arena) {
  const ppmli_rows *rows = &w->plan->set.rows;
  size_t N = w->params->poly_size;
  PPMLI_ALLOC(int8_t, feature, arena, N * rows->features);
  PPMLI_ALLOC(int8_t, label, arena, N * rows->outputs);
  PPMLI_ALLOC(uint8_t, pixels, arena, 2 * ppmli_spec_inputs(&w->map->spec));
  PPMLI_ALLOC(uint8_t, wire, arena, ppmli_rows_block_bytes(rows, w->params));
  w->feature = feature;
  w->label = label;
  w->pixels = pixels;
  w->wire = wire;
  return ppmli_slices_init(&w->scratch, w->tasks, ppmli_rows_encrypt_scratch(w->params), arena);
}

/* Rows of a block, zeros behind the last one. */
PPMLI_STATIC int ppmli_training_fill_block(ppmli_training_writer *w, uint64_t block,
                                           ppml_arena *arena) {
  const ppmli_training *set = &w->plan->set;
  size_t N = w->params->poly_size;
  memset(w->feature, 0, N * set->rows.features);
  memset(w->label, 0, N * set->rows.outputs);
  for (size_t s = 0; s < N && block * N + s < set->count; s++)
    PPMLI_TRY(ppmli_training_row(w->feature + s * set->rows.features,
                                 w->label + s * set->rows.outputs, w->plan, w->map, w->source,
                                 block * N + s, w->pixels, arena));
  return PPML_OK;
}

PPMLI_STATIC void ppmli_training_encrypt_task(void *argument, size_t index) {
  const ppmli_training_writer *w = (const ppmli_training_writer *)argument;
  const ppmli_rows *rows = &w->plan->set.rows;
  ppmli_rows_clear clear = {w->feature, w->label};
  ppml_arena arena = ppmli_slices_arena(&w->scratch, index);
  size_t bodies = ppmli_rows_bodies(rows);
  size_t end = ppmli_parallel_share(bodies, w->tasks, index + 1);
  for (size_t b = ppmli_parallel_share(bodies, w->tasks, index); b < end; b++) {
    uint8_t *wire = w->wire + PPML_SEED_BYTES + ppmli_rows_offset(rows, w->params, b);
    int error =
        ppmli_rows_encrypt(wire, rows, w->params, &clear, b, w->key->glwe_bits, &w->seeds, &arena);
    PPMLI_ASSERT(error == PPML_OK);
    (void)error; /* the slice was sized for it */
  }
}

/* Writes the payload of a set, a block at a time.
 *   key       the owner's, of the set that the plan was made for
 *   rng       ppmli_rng_begin was called for this use
 *   progress  may be NULL: told blocks
 * Scratch: ppmli_training_write_bytes.  Errors: IO (an image cannot be read), NOMEM; those of
 * writing stick to out.  CT: encryption's time depends on sizes alone. */
PPMLI_STATIC int ppmli_training_put(ppmli_out *out, const ppmli_training_plan *plan,
                                    const ppml_features *map, const ppml_image_source *source,
                                    const ppml_secret_key *key, ppml_rng *rng,
                                    const ppml_parallel *parallel, const ppml_progress *progress,
                                    ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  size_t mark = arena->used_bytes, N = p->poly_size;
  ppmli_training_writer w;
  uint64_t blocks = ppmli_rows_blocks(p, plan->set.count);
  int error = PPML_OK;
  memset(&w, 0, sizeof w);
  w.plan = plan, w.map = map, w.source = source, w.params = p, w.key = key;
  w.tasks = ppmli_parallel_threads(parallel);
  PPMLI_TRY(ppmli_training_writer_init(&w, arena));
  ppmli_training_put_begin(out, &plan->set);
  for (uint64_t b = 0; b < blocks && error == PPML_OK && out->error == PPML_OK; b++) {
    error = ppmli_training_fill_block(&w, b, arena);
    if (error) break;
    ppmli_rows_clear clear = {w.feature, w.label};
    ppmli_rows_seeds_draw(&w.seeds, &plan->set.rows, &clear, key, rng);
    memcpy(w.wire, w.seeds.mask, sizeof w.seeds.mask);
    ppmli_parallel_run(parallel, w.tasks, ppmli_training_encrypt_task, &w);
    ppmli_out_bytes(out, w.wire, ppmli_rows_block_bytes(&plan->set.rows, p));
    if (progress) progress->step(progress->context, (size_t)b + 1, (size_t)blocks);
  }
  ppmli_seeds_wipe(&w.seeds);
  ppmli_wipe(w.feature, N * plan->set.rows.features);
  ppmli_wipe(w.label, N * plan->set.rows.outputs);
  ppmli_wipe(w.pixels, 2 * ppmli_spec_inputs(&map->spec));
  arena->used_bytes = mark;
  return error;
}

#endif
