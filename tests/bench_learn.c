/* bench_learn.c - learning from encrypted images, on real data: accuracy, agreement, time.  Not a
 * suite: `make build/bench_learn`, then
 *
 *   build/bench_learn DATA.npz features orders threads clear|descent|gram|linear [passes]
 *
 * For each of `orders` orders of the images: the run in the clear and a simulated one; the last
 * argument says which encrypted run there is, of the first order; linear: a model without hidden
 * layers by ppml_train, on all test images, encrypted. */
#define PPML_IMPLEMENTATION
#define ck_assert(x)                                                                               \
  do {                                                                                             \
    if (!(x)) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x), exit(70);                    \
  } while (0)
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PPML_API static inline
#include "../examples/cli/npz.h"
#include "../ppml.h"
#include "../ppml_impl/server/descent.h"
#include "../ppml_impl/train/features_fit.h"
#include "../ppml_impl/server/gram.h"
#include "../ppml_impl/plan/learn_simulate.h"
#include "../ppml_impl/client/linear_encrypt.h"
#include "../ppml_impl/train/linear_fold.h"
#include "../ppml_impl/plan/linear_noise.h"
#include "../ppml_impl/train/linear_peaks.h"
#include "../ppml_impl/server/linear_score.h"
#include "../ppml_impl/client/reveal.h"
#include "../ppml_impl/client/training_write.h"

typedef struct image_reader {
  const uint8_t *images;
  size_t bytes; /* of one */
} image_reader;

typedef struct bench {
  npz_dataset data;
  ppml_features map;
  ppml_image_source source[NPZ_SPLITS];
  const ppml_params *params;
  image_reader reader[NPZ_SPLITS];
  ppml_arena arena;
} bench;

static double seconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *memory(size_t bytes) {
  void *block = NULL;
  ck_assert(posix_memalign(&block, PPML_ALIGNMENT, bytes ? bytes : 1) == 0);
  return block;
}

static ppml_arena new_arena(size_t bytes) {
  ppml_arena arena;
  ck_assert(ppml_arena_init(&arena, memory(bytes), bytes) == PPML_OK);
  return arena;
}

/* ---------------------------------------------------------------- threads */

typedef struct pool_job {
  void (*task)(void *, size_t);
  void *argument;
  size_t next, tasks;
  pthread_mutex_t lock;
} pool_job;

static void *pool_work(void *argument) {
  pool_job *job = (pool_job *)argument;
  for (;;) {
    pthread_mutex_lock(&job->lock);
    size_t at = job->next++;
    pthread_mutex_unlock(&job->lock);
    if (at >= job->tasks) return NULL;
    job->task(job->argument, at);
  }
}

static void pool_run(void *context, size_t tasks, void (*task)(void *, size_t), void *argument) {
  pthread_t thread[16];
  size_t threads = *(size_t *)context;
  pool_job job = {task, argument, 0, tasks, PTHREAD_MUTEX_INITIALIZER};
  for (size_t i = 1; i < threads; i++) pthread_create(&thread[i], NULL, pool_work, &job);
  pool_work(&job);
  for (size_t i = 1; i < threads; i++) pthread_join(thread[i], NULL);
}

/* ------------------------------------------------------------------- data */

static size_t image_bytes(const bench *b) {
  return ppmli_spec_inputs(&b->map.spec);
}

static int read_image(void *context, size_t index, uint8_t *pixels) {
  const image_reader *reader = (const image_reader *)context;
  memcpy(pixels, reader->images + index * reader->bytes, reader->bytes);
  return 0;
}

static void read_data(bench *b, const char *path) {
  FILE *f = fopen(path, "rb");
  ck_assert(f != NULL);
  fseek(f, 0, SEEK_END);
  size_t count = (size_t)ftell(f);
  rewind(f);
  uint8_t *bytes = (uint8_t *)memory(count);
  ck_assert(fread(bytes, 1, count, f) == count);
  fclose(f);
  npz_archive archive;
  ck_assert(npz_open(&archive, bytes, count) == NULL);
  ck_assert(npz_dataset_measure(&b->data, &archive, NPZ_MEMORY_DEFAULT) == NULL);
  void *block = memory(b->data.memory_bytes);
  ck_assert(npz_dataset_read(&b->data, &archive, block, b->data.memory_bytes) == NULL);
  free(bytes);
}

/* What the data are; five classes are grades here, as RetinaMNIST's are. */
static void make_spec(ppml_spec *s, const npz_dataset *data) {
  memset(s, 0, sizeof *s);
  s->width = (uint32_t)data->width, s->height = (uint32_t)data->height;
  s->channels = data->channels, s->classes = data->classes;
  s->task = data->labels_per_image > 1 ? PPML_TASK_LABELS
            : data->classes == 5       ? PPML_TASK_GRADE
                                       : PPML_TASK_CLASS;
  s->input_bits = 8, s->score_unit = 1;
  s->outputs = ppmli_task_outputs(s->task, s->classes);
  ppmli_spec_name_classes(s);
}

static void load(bench *b, const char *path, uint32_t features) {
  ppml_rng rng;
  read_data(b, path);
  make_spec(&b->map.spec, &b->data);
  b->map.count = features;
  b->map.batch = PPMLI_FEATURE_BATCH;
  for (int k = 0; k < NPZ_SPLITS; k++) {
    const npz_split *split = &b->data.split[k];
    image_reader reader = {split->images, image_bytes(b)};
    b->reader[k] = reader;
    ppml_image_source source = {read_image, &b->reader[k], split->labels, split->count};
    b->source[k] = source;
  }
  ppml_rng_init_for_tests(&rng, 9);
  double began = seconds(CLOCK_PROCESS_CPUTIME_ID);
  ck_assert(ppmli_features_fit(&b->map, &b->source[NPZ_TRAIN], PPMLI_FIT_IMAGES, &rng, &b->arena) ==
            PPML_OK);
  printf("map fitted on %d images in %.2f s; file %zu bytes\n", PPMLI_FIT_IMAGES,
         seconds(CLOCK_PROCESS_CPUTIME_ID) - began, ppmli_features_payload_bytes(&b->map));
}

/* -------------------------------------------------------------- evaluation */

/* Scores of a split. */
static double *score(bench *b, int split, const double *w) {
  size_t F = b->map.count + 1, C = b->map.spec.outputs, count = b->source[split].count;
  double *scores = (double *)memory(count * C * sizeof *scores);
  int8_t x[PPML_FEATURES_MAX + 1];
  for (size_t n = 0; n < count; n++) {
    ck_assert(ppmli_features_run(x, &b->map, b->reader[split].images + n * image_bytes(b),
                                 &b->arena) == PPML_OK);
    for (size_t c = 0; c < C; c++) scores[n * C + c] = ppmli_trial_score(w + c * F, x, F);
  }
  return scores;
}

static uint32_t answer(const ppml_spec *s, const double *scores, size_t label) {
  uint32_t best = 0;
  if (s->task == PPML_TASK_LABELS) return scores[label] > 0;
  if (s->outputs == 1) return scores[0] > 0;
  for (uint32_t c = 0; c < s->outputs; c++) {
    if (s->task == PPML_TASK_GRADE) best += scores[c] > 0;
    else if (scores[c] > scores[best]) best = c;
  }
  return best;
}

/* Area under the curve of output c. */
static double curve(bench *b, int split, const double *scores, uint32_t c) {
  const ppml_image_source *s = &b->source[split];
  size_t C = b->map.spec.outputs, bytes = ppmli_spec_answer_bytes(&b->map.spec);
  double above = 0, pairs = 0;
  for (size_t i = 0; i < s->count; i++)
    for (size_t j = 0; j < s->count; j++) {
      if (ppmli_features_label(&b->map.spec, s->labels + i * bytes, c) < 0) continue;
      if (ppmli_features_label(&b->map.spec, s->labels + j * bytes, c) > 0) continue;
      pairs++;
      above += scores[i * C + c] > scores[j * C + c]    ? 1
               : scores[i * C + c] == scores[j * C + c] ? 0.5
                                                        : 0;
    }
  return pairs > 0 ? above / pairs : -1;
}

static double accuracy(bench *b, int split, const double *scores, const double *others) {
  const ppml_spec *s = &b->map.spec;
  size_t bytes = ppmli_spec_answer_bytes(s), right = 0, count = b->source[split].count;
  for (size_t n = 0; n < count; n++)
    for (size_t l = 0; l < bytes; l++) {
      uint32_t label = b->source[split].labels[n * bytes + l];
      if (others) label = answer(s, others + n * s->outputs, l);
      right += answer(s, scores + n * s->outputs, l) == label;
    }
  return (double)right / (double)(count * bytes);
}

/* Says how good w is; next to `clear`, how many answers are the same.  Returns the accuracy. */
static double report(bench *b, const char *name, const double *w, const double *clear,
                     double *agreement) {
  double *scores = score(b, NPZ_TEST, w), *validation = score(b, NPZ_VAL, w), area = 0, of = 0;
  for (uint32_t c = 0; c < b->map.spec.outputs; c++) {
    double one = curve(b, NPZ_TEST, scores, c);
    if (one >= 0) area += one, of++;
  }
  double right = accuracy(b, NPZ_TEST, scores, NULL);
  printf("  %-22s test %.4f AUC %.4f validation %.4f", name, right, area / of,
         accuracy(b, NPZ_VAL, validation, NULL));
  if (clear) {
    double *others = score(b, NPZ_TEST, clear);
    *agreement = accuracy(b, NPZ_TEST, scores, others);
    printf(" same answers %.4f", *agreement);
    free(others);
  }
  printf("\n");
  fflush(stdout);
  free(scores), free(validation);
  return right;
}

/* ------------------------------------------------------------------ orders */

static void clear_rows(bench *b, const ppmli_training_plan *plan, ppmli_clear_rows *rows) {
  size_t F = b->map.count + 1, C = b->map.spec.outputs, count = (size_t)plan->set.count;
  int8_t *x = (int8_t *)memory(count * F), *y = (int8_t *)memory(count * C);
  uint8_t *pixels = (uint8_t *)memory(2 * image_bytes(b));
  for (size_t s = 0; s < count; s++)
    ck_assert(ppmli_training_row(x + s * F, y + s * C, plan, &b->map, &b->source[NPZ_TRAIN], s,
                                 pixels, &b->arena) == PPML_OK);
  ppmli_clear_rows made = {x, y, count};
  *rows = made;
  free(pixels);
}

/* Least squares of the rows, in the clear. */
static void solve(bench *b, double *w, const ppmli_clear_rows *rows) {
  ppml_learnt l;
  memset(&l, 0, sizeof l);
  l.method = PPML_LEARN_GRAM;
  l.features = b->map.count + 1, l.outputs = b->map.spec.outputs, l.rows = rows->count;
  size_t F = l.features, C = l.outputs, pairs = ppmli_learnt_pairs(F);
  double *value = (double *)memory(ppmli_learnt_values(&l) * sizeof *value);
  double *a = (double *)memory(F * F * sizeof *a);
  memset(value, 0, ppmli_learnt_values(&l) * sizeof *value);
  for (size_t s = 0; s < rows->count; s++)
    for (size_t j = 0; j < F; j++) {
      const int8_t *x = rows->feature + s * F;
      for (size_t i = 0; i <= j; i++) value[ppmli_learnt_pair(i, j)] += x[i] * x[j];
      for (size_t c = 0; c < C; c++)
        value[pairs + c * F + j] += PPMLI_ROWS_GRAM_LABEL * x[j] * rows->label[s * C + c];
    }
  ck_assert(ppmli_reveal_solve(w, value, &l, 0.001, a) == PPML_OK);
  free(value), free(a);
}

/* The same weights as an ordinary model of 8-bit weights on pixels. */
static void fold(bench *b, const double *w) {
  ppml_model m;
  size_t right = 0, same = 0, images = b->source[NPZ_TEST].count, mark = b->arena.used_bytes;
  size_t C = b->map.spec.outputs, bytes = ppmli_spec_answer_bytes(&b->map.spec);
  ck_assert(ppmli_linear_fold_run(&m, &b->map, w, &b->arena) == PPML_OK);
  double *exact = score(b, NPZ_TEST, w);
  int32_t scores[PPML_CLASSES_MAX], largest = 0;
  for (size_t n = 0; n < images; n++) {
    uint8_t found[PPML_CLASSES_MAX];
    const uint8_t *pixels = b->data.split[NPZ_TEST].images + n * image_bytes(b);
    ck_assert(ppml_model_predict(scores, &m, pixels, &b->arena) == PPML_OK);
    ppml_spec_answer(found, &m.spec, scores);
    if (abs(scores[0]) > largest) largest = abs(scores[0]);
    for (size_t l = 0; l < bytes; l++) {
      right += found[l] == b->data.split[NPZ_TEST].labels[n * bytes + l];
      same += found[l] == answer(&m.spec, exact + n * C, l);
    }
  }
  printf("  %-22s test %.4f same answers %.4f; largest score %d, peak %d\n", "folded, 8 bits",
         (double)right / (double)(images * bytes), (double)same / (double)(images * bytes),
         (int)largest, (int)m.layer[0].peak[0]);
  free(exact);
  b->arena.used_bytes = mark;
}

typedef struct totals {
  double clear, simulated, agreement, worst;
} totals;

/* One order: plan, rows, the run in the clear and simulated ones. */
static void run_order(bench *b, uint64_t seed, uint32_t passes, ppmli_training_plan *plan,
                      double *clear, double *least, totals *sum) {
  size_t weights = (size_t)(b->map.count + 1) * b->map.spec.outputs;
  double *w = (double *)memory(weights * sizeof *w), *last = (double *)memory(weights * sizeof *w);
  double agreement = 1, right;
  ppmli_clear_rows rows;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 100 + seed);
  ck_assert(ppmli_training_plan_make(plan, &b->map, &b->source[NPZ_TRAIN], PPMLI_ROWS_DESCENT, 0,
                                     b->params, &rng, &b->arena) == PPML_OK);
  clear_rows(b, plan, &rows);
  ppmli_schedule schedule = {plan->set.rows, plan->set.count / plan->set.rows.batch * passes};
  printf("order %u: %u rows, %u steps\n", (unsigned)seed, (unsigned)rows.count,
         (unsigned)schedule.steps);
  solve(b, least, &rows);
  report(b, "least squares, clear", least, NULL, NULL);
  fold(b, least);
  ck_assert(ppmli_descent_simulate(clear, last, &schedule, &rows, b->params, NULL, &b->arena) ==
            PPML_OK);
  right = report(b, "descent, clear", clear, NULL, NULL);
  report(b, "the same, last w", last, clear, &agreement);
  sum->clear += right;
  ck_assert(ppmli_descent_simulate(w, last, &schedule, &rows, b->params, &rng, &b->arena) ==
            PPML_OK);
  sum->simulated += report(b, "descent, simulated", w, clear, &agreement);
  sum->agreement += agreement;
  if (agreement < sum->worst) sum->worst = agreement;
  free(w), free(last), free((void *)(uintptr_t)rows.feature), free((void *)(uintptr_t)rows.label);
}

/* -------------------------------------------------------------- encrypted */

typedef struct keys {
  ppml_secret_key secret;
  ppml_eval_key eval;
  ppmli_packing_key packing;
  ppml_arena arena;
} keys;

static size_t write_container(uint8_t **bytes, size_t payload, uint32_t kind, ppml_header *h,
                              ppml_writer *writer, ppmli_out *out) {
  *bytes = (uint8_t *)memory(payload + PPMLI_CONTAINER_BYTES);
  *writer = ppml_writer_to_memory(*bytes, payload + PPMLI_CONTAINER_BYTES);
  h->kind = kind;
  h->payload_bytes = payload;
  ppmli_out_begin(out, writer, h);
  return payload + PPMLI_CONTAINER_BYTES;
}

static void make_keys(bench *b, keys *k, const ppml_parallel *parallel, size_t threads) {
  const ppml_params *p = b->params;
  ppml_client client;
  ppml_rng rng;
  ppml_limits limits = ppml_limits_default();
  memset(&client, 0, sizeof client);
  client.spec = b->map.spec, client.params = p, client.score_unit = 1;
  memcpy(client.circuit_id, b->map.id, PPML_ID_BYTES);
  ppml_rng_init_for_tests(&rng, 7);
  ck_assert(ppml_secret_key_generate(&k->secret, &client, &rng) == PPML_OK);
  size_t wire_bytes = ppml_eval_key_wire_bytes(p);
  uint8_t *wire = (uint8_t *)memory(wire_bytes), *packed;
  ppml_writer writer = ppml_writer_to_memory(wire, wire_bytes);
  ppml_arena scratch = new_arena(ppml_eval_key_generate_bytes(p, threads));
  ck_assert(ppml_eval_key_generate(&writer, &k->secret, &rng, parallel, NULL, &scratch) == PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(wire, wire_bytes);
  k->arena = new_arena(ppml_eval_key_read_bytes(p, threads) + ppmli_packing_key_bytes(p));
  ck_assert(ppml_eval_key_read(&k->eval, &reader, &limits, NULL, NULL, parallel, &k->arena) ==
            PPML_OK);
  ppml_header h;
  ppmli_out out;
  ppmli_in in;
  memset(&h, 0, sizeof h);
  size_t count =
      write_container(&packed, ppmli_packing_payload_bytes(p), PPML_KIND_MODEL, &h, &writer, &out);
  ppml_arena making = new_arena(ppmli_packing_put_scratch(p));
  ck_assert(ppmli_packing_put(&out, &k->secret, &rng, &making) == PPML_OK);
  ck_assert(ppmli_out_end(&out) == PPML_OK);
  reader = ppml_reader_from_memory(packed, count);
  ck_assert(ppmli_in_begin(&in, &h, &reader, &limits) == PPML_OK);
  ck_assert(ppmli_packing_get(&k->packing, &in, p, k->eval.fft, &k->arena) == PPML_OK);
  printf("keys: bootstrapping %zu bytes, packing %zu\n", wire_bytes, count);
  free(wire), free(packed);
  free(scratch.memory), free(making.memory);
}

/* The encrypted set, in memory. */
static size_t encrypt(bench *b, const ppmli_training_plan *plan, const keys *k, uint8_t **bytes,
                      const ppml_parallel *parallel, size_t threads) {
  ppml_header h;
  ppmli_out out;
  ppml_writer writer;
  ppml_rng rng;
  memset(&h, 0, sizeof h);
  h.params = b->params;
  memcpy(h.circuit_id, b->map.id, PPML_ID_BYTES);
  memcpy(h.key_id, k->secret.id, PPML_ID_BYTES);
  ppml_rng_init_for_tests(&rng, 11);
  size_t payload = (size_t)ppmli_training_payload_bytes(&plan->set, b->params);
  size_t count = write_container(bytes, payload, PPML_KIND_INPUT, &h, &writer, &out);
  ppml_arena scratch =
      new_arena(ppmli_training_write_bytes(&plan->set, &b->map, b->params, threads));
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  ck_assert(ppmli_training_put(&out, plan, &b->map, &b->source[NPZ_TRAIN], &k->secret, &rng,
                               parallel, NULL, &scratch) == PPML_OK);
  ck_assert(ppmli_out_end(&out) == PPML_OK);
  cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  double images = (double)b->source[NPZ_TRAIN].count, rows = (double)plan->set.count;
  printf("client: %.3f ms CPU a row, %.3f an image; %.0f bytes a row, %.0f an image (%zu in all)\n",
         1e3 * cpu / rows, 1e3 * cpu / images, (double)count / rows, (double)count / images, count);
  free(scratch.memory);
  return count;
}

static int tell_step(void *context, const ppmli_descent *d) {
  (void)context;
  if (d->step % 8 == 0) printf("  step %u\n", (unsigned)d->step), fflush(stdout);
  return PPML_OK;
}

static void open_set(bench *b, const keys *k, ppmli_training_file *file, ppml_reader *reader) {
  ppml_limits limits = ppml_limits_default();
  limits.payload_bytes = (uint64_t)1 << 32;
  ck_assert(ppmli_training_open(file, reader, &limits, b->map.id, k->secret.id) == PPML_OK);
}

static void descend(bench *b, const ppmli_training_plan *plan, uint32_t passes, const double *clear,
                    const ppml_parallel *parallel, size_t threads) {
  keys k;
  uint8_t *bytes;
  make_keys(b, &k, parallel, threads);
  size_t count = encrypt(b, plan, &k, &bytes, parallel, threads);
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  ppmli_training_file file;
  ppmli_training_files files = {&file, 1, 0};
  ppmli_schedule schedule;
  ppmli_descent d;
  ppml_learnt learnt;
  ppmli_descent_watch watch = {tell_step, NULL};
  open_set(b, &k, &file, &reader);
  ck_assert(ppmli_descent_schedule(&schedule, &files, passes) == PPML_OK);
  ppml_arena arena = new_arena(ppmli_descent_bytes(&schedule.rows, b->params, threads) + (1 << 20));
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
  ck_assert(ppmli_descent_init(&d, &schedule, &k.eval, &k.packing, parallel, &arena) == PPML_OK);
  ck_assert(ppmli_descent_run(&d, &files, &watch, &arena) == PPML_OK);
  ck_assert(ppmli_descent_finish(&learnt, &d, plan->set.count, &arena) == PPML_OK);
  printf("server: %.1f s CPU, %.1f s on the clock, %zu threads, backend %s, arena %.1f MB; model "
         "%u bytes\n",
         seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall, threads,
         k.eval.fft->backend->name, (double)arena.high_bytes / 1e6,
         (unsigned)ppmli_learnt_payload_bytes(&learnt));
  double *w = (double *)memory((size_t)learnt.features * learnt.outputs * sizeof *w), agreement;
  ppml_arena revealing = new_arena(ppmli_reveal_bytes(&learnt));
  ck_assert(ppmli_reveal(w, &learnt, k.secret.glwe_bits, 0, &revealing) == PPML_OK);
  report(b, "descent, encrypted", w, clear, &agreement);
  double error = 0, norm = 0;
  for (size_t i = 0; i < (size_t)learnt.features * learnt.outputs; i++)
    error += ppmli_square(w[i] - clear[i]), norm += ppmli_square(clear[i]);
  printf("  distance of w from the clear one: %.4f of its length\n", sqrt(error / norm));
}

static void second_moments(bench *b, const double *least_squares, const ppml_parallel *parallel,
                           size_t threads) {
  keys k;
  uint8_t *bytes;
  ppmli_training_plan plan;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 100);
  make_keys(b, &k, parallel, threads);
  ck_assert(ppmli_training_plan_make(&plan, &b->map, &b->source[NPZ_TRAIN], PPMLI_ROWS_GRAM, 0,
                                     b->params, &rng, &b->arena) == PPML_OK);
  size_t count = encrypt(b, &plan, &k, &bytes, parallel, threads);
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  ppmli_training_file file;
  ppmli_training_files files = {&file, 1, 0};
  ppml_learnt learnt;
  open_set(b, &k, &file, &reader);
  ppml_arena arena =
      new_arena(ppmli_gram_bytes(&plan.set.rows, b->params, threads) + ((size_t)1 << 25));
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
  ck_assert(ppmli_gram_run(&learnt, &files, &k.packing, parallel, NULL, &arena) == PPML_OK);
  printf("server: %.2f s CPU, %.2f s on the clock, %zu threads, arena %.1f MB; answer %u bytes\n",
         seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, seconds(CLOCK_MONOTONIC) - wall, threads,
         (double)arena.high_bytes / 1e6, (unsigned)ppmli_learnt_payload_bytes(&learnt));
  double *w = (double *)memory((size_t)learnt.features * learnt.outputs * sizeof *w), agreement;
  ppml_arena revealing = new_arena(ppmli_reveal_bytes(&learnt));
  ck_assert(ppmli_reveal(w, &learnt, k.secret.glwe_bits, 0.001, &revealing) == PPML_OK);
  report(b, "gram, encrypted", w, least_squares, &agreement);
}

/* ------------------------------------------------------------------ linear */

/* A model by ppml_train, with the peaks of its scores. */
static void train_linear(bench *b, ppml_model *model, int32_t *peak, size_t threads,
                         const ppml_parallel *parallel) {
  ppml_train_options o = ppml_train_options_default();
  const ppml_spec *s = &b->map.spec;
  o.width = s->width, o.height = s->height, o.channels = s->channels, o.classes = s->classes;
  o.task = s->task;
  o.hidden_count = 0;
  o.input_bits = o.weight_bits = 8;
  o.epochs = 20;
  o.params = NULL;
  ppml_images images[2];
  for (int k = 0; k < 2; k++) {
    ppml_images made = {b->data.split[k].images, b->data.split[k].labels, b->data.split[k].count};
    images[k] = made;
  }
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, 5);
  double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  ppml_arena arena = new_arena(ppml_train_bytes(&o, images[0].count, images[1].count, threads));
  ck_assert(ppml_train(model, &o, &images[0], &images[1], parallel, NULL, &arena) == PPML_OK);
  ck_assert(ppmli_linear_peaks(peak, model, &b->source[NPZ_TRAIN], &rng, &b->arena) == PPML_OK);
  model->layer[0].peak = peak;
  printf("trained in %.1f s\n", seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

/* All test images, encrypted; times of each part. */
static void run_linear(bench *b, const ppml_model *m) {
  ppml_secret_key key;
  ppml_client client;
  ppml_rng rng;
  ppmli_linear_model server;
  const ppml_params *p = ppmli_linear_params();
  size_t images = b->source[NPZ_TEST].count, bytes = ppmli_spec_answer_bytes(&m->spec);
  size_t C = m->spec.outputs, right = 0, same = 0, clear_right = 0;
  double *clear_scores = (double *)memory(images * C * sizeof(double));
  double *scores_found = (double *)memory(images * C * sizeof(double)), squares = 0;
  double *took = (double *)memory(images * sizeof *took), encrypted = 0, decrypted = 0;
  ppml_rng_init_for_tests(&rng, 3);
  ppmli_linear_client(&client, m);
  ppmli_secret_key_generate(&key, &client, &rng);
  ppml_arena arena = new_arena(ppmli_linear_model_bytes(m)), work = new_arena((size_t)1 << 24);
  ck_assert(ppmli_linear_model_init(&server, m, ppmli_backend_by_name(NULL), &arena) == PPML_OK);
  for (size_t n = 0; n < images; n++) {
    const uint8_t *pixels = b->data.split[NPZ_TEST].images + n * image_bytes(b);
    const uint8_t *labels = b->data.split[NPZ_TEST].labels + n * bytes;
    int32_t clear[PPML_CLASSES_MAX], scores[PPML_CLASSES_MAX];
    uint8_t one[PPML_CLASSES_MAX], other[PPML_CLASSES_MAX];
    ppml_input input;
    ppml_output output;
    size_t mark = work.used_bytes;
    double t = seconds(CLOCK_PROCESS_CPUTIME_ID);
    ck_assert(ppmli_linear_encrypt_image(&input, &key, pixels, &rng, &work) == PPML_OK);
    encrypted += seconds(CLOCK_PROCESS_CPUTIME_ID) - t;
    t = seconds(CLOCK_PROCESS_CPUTIME_ID);
    ck_assert(ppmli_linear_infer(&output, &server, &input, 1, client.circuit_id, NULL, &work) ==
              PPML_OK);
    took[n] = seconds(CLOCK_PROCESS_CPUTIME_ID) - t;
    t = seconds(CLOCK_PROCESS_CPUTIME_ID);
    ck_assert(ppmli_decrypt_scores(scores, &output, 0, &key) == PPML_OK);
    decrypted += seconds(CLOCK_PROCESS_CPUTIME_ID) - t;
    ck_assert(ppml_model_predict(clear, m, pixels, &work) == PPML_OK);
    ppml_spec_answer(one, &m->spec, clear);
    ppml_spec_answer(other, &m->spec, scores);
    for (size_t l = 0; l < bytes; l++)
      right += other[l] == labels[l], clear_right += one[l] == labels[l],
          same += one[l] == other[l];
    for (size_t c = 0; c < C; c++) {
      squares += ppmli_square(scores[c] - clear[c]);
      clear_scores[n * C + c] = clear[c], scores_found[n * C + c] = scores[c];
    }
    work.used_bytes = mark;
  }
  for (size_t i = 1; i < images; i++) /* for the median */
    for (size_t j = i; j > 0 && took[j] < took[j - 1]; j--) {
      double swapped = took[j];
      took[j] = took[j - 1], took[j - 1] = swapped;
    }
  double area = 0, found = 0, of = 0;
  for (uint32_t c = 0; c < C; c++) {
    if (curve(b, NPZ_TEST, clear_scores, c) < 0) continue;
    area += curve(b, NPZ_TEST, clear_scores, c), found += curve(b, NPZ_TEST, scores_found, c), of++;
  }
  printf("linear, %zu images: accuracy clear %.4f encrypted %.4f, AUC %.4f and %.4f; answers that "
         "differ %zu of %zu\n",
         images, (double)clear_right / (double)(images * bytes),
         (double)right / (double)(images * bytes), area / of, found / of, images * bytes - same,
         images * bytes);
  printf("  noise of a score %.1f, formula %.1f; unit 2^%.0f, peak %d\n",
         sqrt(squares / (double)(images * C)), ppmli_linear_noise_std(m, 0),
         log2((double)server.unit) - 64, (int)m->layer[0].peak[0]);
  printf("  us an image: encrypt %.1f, server median %.1f, decrypt %.1f; bytes up %zu down %zu\n",
         1e6 * encrypted / (double)images, 1e6 * took[images / 2], 1e6 * decrypted / (double)images,
         ppmli_linear_payload_bytes(p, image_bytes(b)), ppmli_output_payload_bytes(p, 1, C));
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "see the head of bench_learn.c\n"), 64;
  bench b;
  uint32_t passes = argc > 6 ? (uint32_t)atoi(argv[6]) : 1, orders = (uint32_t)atoi(argv[3]);
  size_t threads = (size_t)atoi(argv[4]);
  ppml_parallel parallel = {pool_run, &threads, threads};
  totals sum = {0, 0, 0, 1};
  memset(&b, 0, sizeof b);
  b.params = ppml_params_by_name("finest");
  b.arena = new_arena((size_t)1 << 28);
  load(&b, argv[1], (uint32_t)atoi(argv[2]));
  size_t weights = (size_t)(b.map.count + 1) * b.map.spec.outputs;
  double *clear = (double *)memory(weights * sizeof *clear);
  double *least = (double *)memory(weights * sizeof *least);
  if (strcmp(argv[5], "linear") == 0) {
    ppml_model model;
    int32_t peak[PPML_CLASSES_MAX];
    train_linear(&b, &model, peak, threads, &parallel);
    run_linear(&b, &model);
    return 0;
  }
  for (uint32_t o = orders; o--;) { /* the first one last, for the encrypted run */
    ppmli_training_plan plan;
    run_order(&b, o, passes, &plan, clear, least, &sum);
    if (o) continue;
    printf("mean of %u orders: clear %.4f, simulated %.4f, same answers %.4f, least %.4f\n",
           (unsigned)orders, sum.clear / orders, sum.simulated / orders, sum.agreement / orders,
           sum.worst);
    if (strcmp(argv[5], "gram") == 0) second_moments(&b, least, &parallel, threads);
    if (strcmp(argv[5], "descent") == 0) descend(&b, &plan, passes, clear, &parallel, threads);
  }
  return 0;
}
