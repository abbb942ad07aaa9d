/* The public functions of learning from encrypted images.  As in api.h, they check arguments, then call
 * inner code.  In: feature maps, encrypted training sets and keys; out: sets, models and answers, all of
 * them files.  Next: client/training_write.h, server/learn.h. */
#ifndef PPMLI_API_LEARN_H
#define PPMLI_API_LEARN_H

#include <math.h>

#include "../base/rng.h"
#include "../cipher/rows.h"
#include "../client/classify_reveal.h"
#include "../client/learning_key_make.h"
#include "../client/reveal.h"
#include "../client/sums.h"
#include "../client/training_write.h"
#include "../network/features.h"
#include "../plan/learn_client.h"
#include "../plan/learn_simulate.h"
#include "../plan/moments_simulate.h"
#include "../server/classify.h"
#include "../server/learn.h"
#include "../server/learning_key.h"
#include "../wire/feature_map_file.h"
#include "../wire/learnt.h"
#include "call.h"
#include "client.h"
#include "server.h"
#include "whole.h"
#ifndef PPML_NO_TRAIN
#include "../train/features_fit.h"
#include "../train/linear_fold.h"
#endif

/* The set that learning is done under. */
#ifndef PPMLI_LEARNING_SET
#define PPMLI_LEARNING_SET "finest"
#endif

PPML_API const ppml_params *ppml_learning_params(void) {
  return ppmli_params_by_name(PPMLI_LEARNING_SET);
}

/* ------------------------------------------------------------------ wholeness */

static int ppmli_features_are_whole(const ppml_features *map) {
  return map && ppmli_spec_is_whole(&map->spec) && map->frequency && map->mean && map->shift &&
         map->weight && map->dct && map->count >= 1 && map->count <= PPML_FEATURES_MAX;
}

static int ppmli_source_is_whole(const ppml_image_source *source) {
  return source && source->read;
}

static int ppmli_learn_options_are_whole(const ppml_learn_options *o) {
  return o && o->method >= PPML_LEARN_DESCENT && o->method <= PPML_LEARN_SUMS && o->passes >= 1 &&
         o->copies >= 0 && o->copies <= 1000 && o->ridge >= 0 && o->ridge <= 1e6;
}

static int ppmli_training_plan_is_whole(const ppml_training_plan *plan) {
  return plan && plan->plan && plan->plan->row;
}

static int ppmli_learning_key_is_whole(const ppml_learning_key *key) {
  return key && key->packing && key->packing->params == ppml_learning_params() &&
         key->packing->steps;
}

static int ppmli_learnt_is_whole(const ppml_learnt *l) {
  return l && l->params && l->params == ppml_learning_params() && l->glwe &&
         ppmli_learnt_is_valid(l);
}

/* Is the key one for learning with this map? */
static int ppmli_key_is_of_map(const ppml_secret_key *key, const uint8_t *map_id) {
  return key->client->params == ppml_learning_params() &&
         memcmp(key->client->circuit_id, map_id, PPML_ID_BYTES) == 0;
}

/* ------------------------------------------------------------------ feature map */

#ifndef PPML_NO_TRAIN
PPML_API size_t ppml_features_fit_bytes(const ppml_spec *spec, uint32_t count) {
  if (!spec || count < 1 || count > PPML_FEATURES_MAX || ppmli_spec_inputs(spec) > 1 << 16)
    return 0;
  return ppmli_features_bytes(spec, count) + ppmli_features_fit_scratch(spec, count);
}

PPML_API int ppml_features_fit(ppml_features *map, const ppml_spec *spec, uint32_t count,
                               const ppml_image_source *images, size_t fit_images, ppml_rng *rng,
                               ppml_arena *arena) {
  if (!map || !spec || !ppmli_source_is_whole(images) || !rng) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, map, sizeof *map);
  memset(map, 0, sizeof *map);
  map->spec = *spec;
  map->spec.input_bits = 8; /* a byte enters as it is */
  map->spec.score_unit = 1;
  map->spec.outputs = ppmli_task_outputs(spec->task, spec->classes);
  if (spec->class_name[0][0] == 0) ppmli_spec_name_classes(&map->spec);
  map->count = count;
  map->batch = PPMLI_FEATURE_BATCH;
  int error =
      ppmli_features_shape_is_valid(map, &ppmli_limits) ? ppmli_rng_begin(rng) : PPML_ERR_ARG;
  if (error == PPML_OK) error = ppmli_features_fit(map, images, fit_images, rng, arena);
  return ppmli_call_end(&call, error);
}
#endif

PPML_API int ppml_features_write(const ppml_features *map, ppml_writer *writer) {
  ppml_header h = {PPML_KIND_FEATURES, PPML_FORMAT_VERSION, NULL, 0, {0}, {0}};
  ppmli_out out;
  if (!ppmli_features_are_whole(map) || !ppmli_writer_is_whole(writer)) return PPML_ERR_ARG;
  if (!ppmli_features_shape_is_valid(map, &ppmli_limits)) return PPML_ERR_RANGE;
  h.payload_bytes = ppmli_features_payload_bytes(map);
  memcpy(h.circuit_id, map->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  ppmli_features_put(&out, map);
  return ppmli_out_end(&out);
}

static int ppmli_features_read(ppml_features *map, ppml_reader *reader, const ppml_limits *limits,
                               ppml_arena *arena) {
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin_kind(&in, &h, PPML_KIND_FEATURES, reader, limits));
  PPMLI_TRY(ppmli_features_get(map, &in, limits, arena));
  PPMLI_TRY(ppmli_in_end(&in));
  return memcmp(map->id, h.circuit_id, PPML_ID_BYTES) == 0 ? PPML_OK : PPML_ERR_FORMAT;
}

PPML_API int ppml_features_read(ppml_features *map, ppml_reader *reader, const ppml_limits *limits,
                                ppml_arena *arena) {
  PPMLI_READ(ppmli_features_read, map);
}

PPML_API void ppml_client_from_features(ppml_client *client, const ppml_features *map) {
  if (client == NULL) return;
  if (ppmli_features_are_whole(map)) ppmli_learn_client(client, map, ppml_learning_params());
  else memset(client, 0, sizeof *client);
}

/* ------------------------------------------------------------------ keys */

PPML_API size_t ppml_learning_key_wire_bytes(void) {
  return PPMLI_CONTAINER_BYTES + (size_t)ppmli_learning_key_payload_bytes(ppml_learning_params());
}

PPML_API size_t ppml_learning_key_generate_bytes(size_t threads) {
  if (!ppmli_threads_are_sane(threads)) return 0;
  return ppmli_learning_key_generate_bytes(ppml_learning_params(), threads);
}

PPML_API int ppml_learning_key_generate(ppml_writer *writer, const ppml_secret_key *key,
                                        ppml_rng *rng, const ppml_parallel *parallel,
                                        const ppml_progress *progress, ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_secret_key_is_whole(key) || !rng)
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_progress_is_whole(progress)) return PPML_ERR_ARG;
  if (key->client->params != ppml_learning_params()) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, NULL, 0);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK)
    error = ppmli_learning_key_generate(writer, key, rng, parallel, progress, arena);
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_learning_key_read_bytes(int with_bootstraps, size_t threads) {
  if (!ppmli_threads_are_sane(threads)) return 0;
  return ppmli_learning_key_bytes(ppml_learning_params(), with_bootstraps, threads);
}

PPML_API int ppml_learning_key_read(ppml_learning_key *key, ppml_reader *reader,
                                    const ppml_limits *limits, int with_bootstraps,
                                    const char *backend, const ppml_parallel *parallel,
                                    ppml_arena *arena) {
  const ppmli_backend *found = ppmli_backend_by_name(backend);
  if (!key || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  if (!found) return PPML_ERR_NAME;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, key, sizeof *key);
  return ppmli_call_end(&call, ppmli_learning_key_read(key, reader, limits, ppml_learning_params(),
                                                       with_bootstraps, found, parallel, arena));
}

/* ------------------------------------------------------------------ training sets */

PPML_API ppml_learn_options ppml_learn_options_default(void) {
  const ppml_learn_options options = {PPML_LEARN_DESCENT, 1, 0, 0.001};
  return options;
}

/* Rows of sums are those of second moments. */
static uint32_t ppmli_learn_purpose(uint32_t method) {
  return method == PPML_LEARN_DESCENT ? PPMLI_ROWS_DESCENT : PPMLI_ROWS_GRAM;
}

PPML_API size_t ppml_training_plan_make_bytes(const ppml_features *map,
                                              const ppml_image_source *source,
                                              const ppml_learn_options *options) {
  if (!ppmli_features_are_whole(map) || !source || !ppmli_learn_options_are_whole(options))
    return 0;
  if (source->count >= PPMLI_TRAINING_ROWS_MAX) return 0;
  uint64_t rows =
      source->labels ? ppmli_training_count(map, source->count, options->copies) : source->count;
  return ppmli_arena_rounded(sizeof(ppmli_training_plan)) + ppmli_training_plan_bytes(rows);
}

static int ppmli_learn_plan(ppml_training_plan *plan, const ppml_features *map,
                            const ppml_image_source *source, const ppml_learn_options *options,
                            ppml_rng *rng, ppml_arena *arena) {
  PPMLI_ALLOC(ppmli_training_plan, inner, arena, 1);
  PPMLI_TRY(ppmli_training_plan_make(inner, map, source, ppmli_learn_purpose(options->method),
                                     options->copies, ppml_learning_params(), rng, arena));
  const ppmli_rows *rows = &inner->set.rows;
  ppml_training_plan made = {options->method, rows->features,   rows->outputs,
                             rows->batch,     inner->set.count, inner};
  *plan = made;
  return PPML_OK;
}

PPML_API int ppml_training_plan_make(ppml_training_plan *plan, const ppml_features *map,
                                     const ppml_image_source *source,
                                     const ppml_learn_options *options, ppml_rng *rng,
                                     ppml_arena *arena) {
  if (!plan || !ppmli_features_are_whole(map) || !ppmli_source_is_whole(source) || !rng)
    return PPML_ERR_ARG;
  if (!ppmli_learn_options_are_whole(options)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (!source->labels && options->method != PPML_LEARN_DESCENT) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, plan, sizeof *plan);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK) error = ppmli_learn_plan(plan, map, source, options, rng, arena);
  return ppmli_call_end(&call, error);
}

static uint64_t ppmli_training_plan_payload(const ppml_training_plan *plan) {
  const ppmli_training *set = &plan->plan->set;
  const ppml_params *p = ppml_learning_params();
  if (plan->method != PPML_LEARN_SUMS) return ppmli_training_payload_bytes(set, p);
  ppml_learnt shape = ppmli_sums_shape(&set->rows, set->count, p);
  return ppmli_sums_payload_bytes(&shape);
}

PPML_API size_t ppml_training_wire_bytes(const ppml_training_plan *plan) {
  if (!ppmli_training_plan_is_whole(plan)) return 0;
  return PPMLI_CONTAINER_BYTES + (size_t)ppmli_training_plan_payload(plan);
}

PPML_API size_t ppml_training_encrypt_bytes(const ppml_training_plan *plan,
                                            const ppml_features *map, size_t threads) {
  const ppml_params *p = ppml_learning_params();
  if (!ppmli_training_plan_is_whole(plan) || !ppmli_features_are_whole(map)) return 0;
  if (!ppmli_threads_are_sane(threads)) return 0;
  if (plan->method == PPML_LEARN_SUMS) return ppmli_sums_put_scratch(plan->plan, map, p);
  return ppmli_training_write_bytes(&plan->plan->set, map, p, threads);
}

static int ppmli_training_write(ppml_writer *writer, const ppml_training_plan *plan,
                                const ppml_features *map, const ppml_image_source *source,
                                const ppml_secret_key *key, ppml_rng *rng,
                                const ppml_parallel *parallel, const ppml_progress *progress,
                                ppml_arena *arena) {
  int has_sums = plan->method == PPML_LEARN_SUMS;
  ppml_header h = {has_sums ? PPML_KIND_SUMS : PPML_KIND_TRAINING,
                   PPML_FORMAT_VERSION,
                   key->client->params,
                   ppmli_training_plan_payload(plan),
                   {0},
                   {0}};
  ppmli_out out;
  memcpy(h.circuit_id, map->id, PPML_ID_BYTES);
  memcpy(h.key_id, key->id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  if (has_sums) PPMLI_TRY(ppmli_sums_put(&out, plan->plan, map, source, key, rng, arena));
  else
    PPMLI_TRY(
        ppmli_training_put(&out, plan->plan, map, source, key, rng, parallel, progress, arena));
  return ppmli_out_end(&out);
}

PPML_API int ppml_training_encrypt(ppml_writer *writer, ppml_request *request,
                                   const ppml_training_plan *plan, const ppml_features *map,
                                   const ppml_image_source *source, const ppml_secret_key *key,
                                   ppml_rng *rng, const ppml_parallel *parallel,
                                   const ppml_progress *progress, ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_training_plan_is_whole(plan)) return PPML_ERR_ARG;
  if (!ppmli_features_are_whole(map) || !ppmli_source_is_whole(source)) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key) || !rng) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (!ppmli_parallel_is_whole(parallel) || !ppmli_progress_is_whole(progress)) return PPML_ERR_ARG;
  if (plan->outputs && !source->labels) return PPML_ERR_ARG;
  if (!ppmli_key_is_of_map(key, map->id)) return PPML_ERR_MISMATCH;
  ppmli_call call = ppmli_call_begin(arena, request, sizeof *request);
  int error = ppmli_rng_begin(rng);
  if (error == PPML_OK)
    error = ppmli_training_write(writer, plan, map, source, key, rng, parallel, progress, arena);
  if (request) memset(request, 0, sizeof *request);
  if (request && error == PPML_OK && plan->outputs == 0) {
    memcpy(request->digest, plan->plan->set.id, PPML_ID_BYTES);
    request->open = 1;
  }
  return ppmli_call_end(&call, error);
}

PPML_API int ppml_training_read(ppml_training *training, ppml_reader *reader,
                                const ppml_limits *limits) {
  PPMLI_READ_FLAT(ppmli_training_describe, training);
}

/* ------------------------------------------------------------------ learning */

static int ppmli_training_is_whole(const ppml_training *t) {
  return t && t->method >= PPML_LEARN_DESCENT && t->method <= PPML_LEARN_SUMS && t->features >= 2 &&
         t->features <= PPML_FEATURES_MAX + 1 && t->outputs <= PPML_CLASSES_MAX && t->batch >= 1 &&
         t->batch <= PPMLI_FEATURE_BATCH;
}

PPML_API size_t ppml_learn_bytes(const ppml_training *first, size_t count, size_t threads) {
  if (!ppmli_training_is_whole(first) || !ppmli_threads_are_sane(threads)) return 0;
  return ppmli_learn_bytes(first, ppml_learning_params(), count, threads);
}

/* Has the key what the method takes? */
static int ppmli_learning_key_suits(const ppml_learning_key *key, uint32_t method) {
  if (method == PPML_LEARN_SUMS) return 1;
  if (!ppmli_learning_key_is_whole(key)) return 0;
  return method == PPML_LEARN_GRAM || ppmli_eval_key_is_whole(&key->eval);
}

PPML_API int ppml_learn(ppml_learnt *learnt, ppml_reader *sets, size_t count,
                        const ppml_learning_key *key, const ppml_learn_options *options,
                        const ppml_limits *limits, ppml_reader *checkpoint,
                        const ppml_learn_watch *watch, const ppml_parallel *parallel,
                        ppml_arena *arena) {
  ppmli_learn l;
  if (!learnt || !sets || !count || !limits || (watch && !watch->step)) return PPML_ERR_ARG;
  if (!ppmli_learn_options_are_whole(options)) return PPML_ERR_ARG;
  if (!ppmli_learning_key_suits(key, options->method)) return PPML_ERR_ARG;
  if (checkpoint && (!ppmli_reader_is_whole(checkpoint) || options->method != PPML_LEARN_DESCENT))
    return PPML_ERR_ARG;
  if (!ppmli_parallel_is_whole(parallel)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  for (size_t i = 0; i < count; i++)
    if (!ppmli_reader_is_whole(&sets[i])) return PPML_ERR_ARG;
  memset(&l, 0, sizeof l);
  l.key = key, l.options = options, l.limits = limits, l.sets = sets, l.count = count;
  l.checkpoint = checkpoint, l.watch = watch, l.parallel = parallel;
  ppmli_call call = ppmli_call_begin(arena, learnt, sizeof *learnt);
  return ppmli_call_end(&call, ppmli_learn_run(learnt, &l, ppml_learning_params(), arena));
}

PPML_API int ppml_checkpoint_write(const ppml_learn_run *run, ppml_writer *writer) {
  if (!run || !run->descent || !run->descent->w || !ppmli_writer_is_whole(writer))
    return PPML_ERR_ARG;
  return ppmli_checkpoint_write(run->descent, run->run_id, writer);
}

PPML_API int ppml_learnt_write(const ppml_learnt *learnt, ppml_writer *writer) {
  PPMLI_WRITE(ppmli_learnt_write, learnt, ppmli_learnt_is_whole);
}

PPML_API int ppml_learnt_read(ppml_learnt *learnt, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) {
  PPMLI_READ(ppmli_learnt_read, learnt);
}

/* ------------------------------------------------------------------ classifying */

PPML_API size_t ppml_classify_bytes(const ppml_learnt *learnt) {
  return ppmli_learnt_is_whole(learnt) ? ppmli_classifier_bytes(learnt) : 0;
}

static int ppmli_classify_write(ppml_writer *writer, const ppml_learnt *l, ppml_reader *images,
                                const ppml_learning_key *key, const ppml_limits *limits,
                                ppml_arena *arena) {
  const ppml_params *p = l->params;
  ppml_header h = {PPML_KIND_CLASSIFIED, PPML_FORMAT_VERSION, p, 0, {0}, {0}};
  ppmli_classifier classifier;
  ppmli_training_file file;
  ppmli_out out;
  if (memcmp(l->map_id, key->map_id, PPML_ID_BYTES) != 0 ||
      memcmp(l->key_id, key->key_id, PPML_ID_BYTES) != 0)
    return PPML_ERR_MISMATCH;
  PPMLI_TRY(ppmli_training_open(&file, images, limits, key->map_id, key->key_id));
  PPMLI_TRY(ppmli_classifier_init(&classifier, l, key->packing, arena));
  h.payload_bytes = ppmli_classify_payload_bytes(file.blocks, l->outputs, p);
  memcpy(h.circuit_id, key->map_id, PPML_ID_BYTES);
  memcpy(h.key_id, key->key_id, PPML_ID_BYTES);
  ppmli_out_begin(&out, writer, &h);
  PPMLI_TRY(ppmli_classify(&out, &classifier, &file));
  return ppmli_out_end(&out);
}

PPML_API int ppml_classify(ppml_writer *writer, const ppml_learnt *learnt, ppml_reader *images,
                           const ppml_learning_key *key, const ppml_limits *limits,
                           ppml_arena *arena) {
  if (!ppmli_writer_is_whole(writer) || !ppmli_reader_is_whole(images) || !limits)
    return PPML_ERR_ARG;
  if (!ppmli_learnt_is_whole(learnt) || !ppmli_learning_key_is_whole(key)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, NULL, 0);
  int error = ppmli_classify_write(writer, learnt, images, key, limits, arena);
  arena->used_bytes = call.mark;
  return ppmli_call_end(&call, error);
}

PPML_API size_t ppml_classified_decrypt_bytes(void) {
  return ppmli_classified_bytes(ppml_learning_params());
}

/* Once to see that the file is in order, once to give its answers. */
static int ppmli_classified_decrypt(const ppmli_classified *c, ppml_reader *reader,
                                    const ppml_limits *limits, ppml_request *request,
                                    ppml_arena *arena) {
  ppml_header h;
  PPMLI_TRY(ppmli_container_check(&h, reader, limits));
  if (h.kind != PPML_KIND_CLASSIFIED) return PPML_ERR_KIND;
  if (reader->rewind == NULL || reader->rewind(reader) != 0) return PPML_ERR_IO;
  return ppmli_classified_give(c, reader, limits, request, arena);
}

PPML_API int ppml_classified_decrypt(ppml_reader *reader, const ppml_limits *limits,
                                     ppml_request *request, const ppml_secret_key *key,
                                     void (*take)(void *context, uint64_t image,
                                                  const ppml_answer *answer),
                                     void *context, ppml_arena *arena) {
  if (!ppmli_reader_is_whole(reader) || !limits || !request || !take) return PPML_ERR_ARG;
  if (!ppmli_secret_key_is_whole(key)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_classified c = {key, take, context};
  ppmli_call call = ppmli_call_begin(arena, NULL, 0);
  return ppmli_call_end(&call, ppmli_classified_decrypt(&c, reader, limits, request, arena));
}

PPML_API int ppml_classified_digest(uint8_t *digest, ppml_reader *reader,
                                    const ppml_limits *limits) {
  ppmli_scores s;
  ppmli_in in;
  if (!digest || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_classified_begin(&s, &in, reader, limits, NULL));
  memcpy(digest, s.id, PPML_ID_BYTES);
  return PPML_OK;
}

/* ------------------------------------------------------------------ opening a model */

PPML_API size_t ppml_learnt_weights_bytes(const ppml_learnt *learnt) {
  return ppmli_learnt_is_whole(learnt) ? ppmli_reveal_bytes(learnt) : 0;
}

PPML_API int ppml_learnt_weights(double *weights, const ppml_learnt *learnt,
                                 const ppml_secret_key *key, double ridge, ppml_arena *arena) {
  if (!weights || !ppmli_learnt_is_whole(learnt) || !ppmli_secret_key_is_whole(key))
    return PPML_ERR_ARG;
  if (!(ridge >= 0 && ridge <= 1e6)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  if (!ppmli_key_is_of_map(key, learnt->map_id) ||
      memcmp(key->id, learnt->key_id, PPML_ID_BYTES) != 0 ||
      key->client->spec.outputs != learnt->outputs)
    return PPML_ERR_MISMATCH;
  ppmli_call call = ppmli_call_begin(arena, weights,
                                     (size_t)learnt->outputs * learnt->features * sizeof *weights);
  return ppmli_call_end(&call, ppmli_reveal(weights, learnt, key->glwe_bits, ridge, arena));
}

#ifndef PPML_NO_TRAIN
PPML_API size_t ppml_features_model_bytes(const ppml_features *map) {
  return ppmli_features_are_whole(map) ? ppmli_linear_fold_bytes(map) : 0;
}

PPML_API int ppml_features_model(ppml_model *model, const ppml_features *map, const double *weights,
                                 ppml_arena *arena) {
  if (!model || !ppmli_features_are_whole(map) || !weights) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_call call = ppmli_call_begin(arena, model, sizeof *model);
  int error = ppmli_linear_fold_run(model, map, weights, arena);
  if (error == PPML_OK && !ppmli_model_is_valid(model)) error = PPML_ERR_ARG;
  if (error == PPML_OK) ppmli_model_id(model->id, model);
  return ppmli_call_end(&call, error);
}
#endif

/* ------------------------------------------------------------------ simulation */

PPML_API size_t ppml_learn_simulate_bytes(const ppml_training_plan *plan,
                                          const ppml_features *map) {
  if (!ppmli_training_plan_is_whole(plan) || !ppmli_features_are_whole(map)) return 0;
  const ppmli_training *set = &plan->plan->set;
  size_t F = set->rows.features, C = set->rows.outputs, rows = (size_t)set->count;
  return ppmli_arena_rounded(rows * F) + ppmli_arena_rounded(rows * C) +
         ppmli_arena_rounded(2 * ppmli_spec_inputs(&map->spec)) +
         ppmli_max_size(ppmli_features_run_scratch(map),
                        plan->method == PPML_LEARN_DESCENT
                            ? ppmli_arena_rounded(C * F * sizeof(double)) +
                                  ppmli_descent_simulate_bytes(&set->rows)
                            : ppmli_moments_simulate_bytes(F, C));
}

/* The rows of a plan in the clear; in arena. */
static int ppmli_learn_clear_rows(ppmli_clear_rows *rows, const ppmli_training_plan *plan,
                                  const ppml_features *map, const ppml_image_source *source,
                                  ppml_arena *arena) {
  size_t F = plan->set.rows.features, C = plan->set.rows.outputs, count = (size_t)plan->set.count;
  PPMLI_ALLOC(int8_t, feature, arena, count * F);
  PPMLI_ALLOC(int8_t, label, arena, count * C);
  PPMLI_ALLOC(uint8_t, pixels, arena, 2 * ppmli_spec_inputs(&map->spec));
  for (size_t s = 0; s < count; s++)
    PPMLI_TRY(
        ppmli_training_row(feature + s * F, label + s * C, plan, map, source, s, pixels, arena));
  ppmli_clear_rows made = {feature, label, count};
  *rows = made;
  return PPML_OK;
}

/* One run over the rows. */
static int ppmli_learn_simulate_draw(double *weights, const ppml_training_plan *plan,
                                     const ppmli_clear_rows *rows,
                                     const ppml_learn_options *options, ppml_rng *rng,
                                     ppml_arena *arena) {
  const ppml_params *p = ppml_learning_params();
  const ppmli_rows *shape = &plan->plan->set.rows;
  ppmli_schedule schedule = {*shape, rows->count / shape->batch * options->passes};
  size_t mark = arena->used_bytes;
  if (plan->method != PPML_LEARN_DESCENT) {
    ppml_rng *noise = plan->method == PPML_LEARN_GRAM ? rng : NULL;
    return ppmli_moments_simulate(weights, shape, rows, p, options->ridge, noise, arena);
  }
  PPMLI_ALLOC(double, last, arena, (size_t)shape->outputs * shape->features);
  int error = ppmli_descent_simulate(weights, last, &schedule, rows, p, rng, arena);
  arena->used_bytes = mark;
  return error;
}

static int ppmli_learn_simulate(double *weights, const ppml_training_plan *plan,
                                const ppml_features *map, const ppml_image_source *source,
                                const ppml_learn_options *options, size_t draws, ppml_rng *rng,
                                ppml_arena *arena) {
  size_t count = (size_t)plan->outputs * plan->features;
  ppmli_clear_rows rows;
  if (rng) PPMLI_TRY(ppmli_rng_begin(rng));
  PPMLI_TRY(ppmli_learn_clear_rows(&rows, plan->plan, map, source, arena));
  for (size_t d = 0; d < draws; d++)
    PPMLI_TRY(ppmli_learn_simulate_draw(weights + d * count, plan, &rows, options, rng, arena));
  return PPML_OK;
}

PPML_API int ppml_learn_simulate(double *weights, const ppml_training_plan *plan,
                                 const ppml_features *map, const ppml_image_source *source,
                                 const ppml_learn_options *options, size_t draws, ppml_rng *rng,
                                 ppml_arena *arena) {
  if (!weights || !ppmli_training_plan_is_whole(plan) || !plan->outputs) return PPML_ERR_ARG;
  if (!ppmli_features_are_whole(map) || !ppmli_source_is_whole(source) || !source->labels)
    return PPML_ERR_ARG;
  if (!ppmli_learn_options_are_whole(options)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  size_t count = (size_t)plan->outputs * plan->features;
  if (draws < 1 || draws > SIZE_MAX / sizeof *weights / count) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(arena, weights, draws * count * sizeof *weights);
  int error = ppmli_learn_simulate(weights, plan, map, source, options, draws, rng, arena);
  arena->used_bytes = call.mark; /* all of it was scratch */
  return ppmli_call_end(&call, error);
}

#endif
