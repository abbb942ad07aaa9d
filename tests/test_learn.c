/* test_learn.c - learning from encrypted rows: descent, second moments, sums, checkpoints. */
#include "learn_support.h"

/* ----------------------------------------------------------------- descent */

typedef struct run {
  ppmli_training_file file[2];
  ppml_reader reader[2];
  ppmli_training_files files;
  ppmli_schedule schedule;
  ppmli_descent d;
  ppml_arena arena;
} run;

static void run_begin(run *r, test_learner *t, const test_file *file, size_t files, uint32_t passes,
                      const ppml_parallel *parallel) {
  size_t threads = ppmli_parallel_threads(parallel);
  memset(r, 0, sizeof *r);
  r->files.file = r->file;
  r->files.count = files;
  for (size_t i = 0; i < files; i++) {
    r->reader[i] = ppml_reader_from_memory(file[i].bytes, file[i].count);
    ck_assert_int_eq(test_set_open(&r->file[i], &r->reader[i], t), PPML_OK);
  }
  ck_assert_int_eq(ppmli_descent_schedule(&r->schedule, &r->files, passes), PPML_OK);
  r->arena = test_arena(ppmli_descent_bytes(&r->schedule.rows, t->p, threads) + (1 << 16));
  ck_assert_int_eq(
      ppmli_descent_init(&r->d, &r->schedule, &t->keys.eval, &t->packing, parallel, &r->arena),
      PPML_OK);
}

/* The model, as its payload. */
static test_file run_finish(run *r, ppml_learnt *learnt) {
  *learnt = ppmli_descent_shape(&r->schedule, r->d.params, ppmli_training_files_rows(&r->files));
  ck_assert_int_eq(ppmli_learnt_alloc(learnt, &r->arena), PPML_OK);
  ck_assert_int_eq(ppmli_descent_finish(learnt, &r->d, &r->arena), PPML_OK);
  test_file file = test_file_new((size_t)ppmli_learnt_payload_bytes(learnt));
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ppml_header h;
  ppmli_out out;
  memset(&h, 0, sizeof h);
  h.kind = PPML_KIND_OUTPUT;
  h.params = learnt->params;
  h.payload_bytes = ppmli_learnt_payload_bytes(learnt);
  ppmli_out_begin(&out, &writer, &h);
  ppmli_learnt_put(&out, learnt);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(writer.position, file.count);
  return file;
}

static void reveal(double *w, const ppml_learnt *learnt, test_learner *t, double ridge) {
  ppml_arena arena = test_arena(ppmli_reveal_bytes(learnt));
  ck_assert_int_eq(ppmli_reveal(w, learnt, t->keys.secret.glwe_bits, ridge, &arena), PPML_OK);
  test_arena_free(&arena);
}

/* What a watch looks at: the noise that each step adds to w, against a clear step from there. */
typedef struct witness {
  test_learner *t;
  const ppmli_clear_rows *rows;
  double *w; /* [outputs][features] of the step before */
  test_moments error, expected;
} witness;

static double weight_now(const ppmli_descent *d, const test_learner *t, size_t at) {
  uint64_t phase[512];
  test_glwe_phase(phase, d->w + at * 2 * t->p->poly_size, t->p, t->keys.secret.glwe_bits);
  return ldexp(test_turns(phase[0]), PPMLI_SCHEDULE_UNIT_LOG2);
}

static int watch_step(void *context, const ppmli_descent *d) {
  witness *x = (witness *)context;
  const ppmli_rows *rows = &d->schedule.rows;
  size_t weights = (size_t)rows->outputs * rows->features;
  double before[64], gradient[64];
  ppmli_descent_trial trial;
  memset(&trial, 0, sizeof trial);
  trial.schedule = &d->schedule, trial.rows = x->rows, trial.w = x->w, trial.gradient = gradient;
  ppmli_descent_predict(&trial.noise, rows, x->t->p);
  memcpy(before, x->w, weights * sizeof *before);
  for (uint32_t c = 0; c < rows->outputs; c++) ppmli_trial_step(&trial, d->step - 1, c);
  double rate = ppmli_schedule_rate(&d->schedule, d->step - 1);
  uint64_t first = (d->step - 1) % (x->rows->count / rows->batch) * rows->batch;
  for (size_t at = 0; at < weights; at++) {
    double now = weight_now(d, x->t, at), squares = 0, scale = ldexp(1, PPMLI_SCHEDULE_UNIT_LOG2);
    for (size_t s = 0; s < rows->batch && d->step > 1; s++)
      squares += ppmli_square(x->rows->feature[(first + s) * rows->features + at % rows->features]);
    /* a score's noise is a residual's, by u_r / u_z */
    double slope = ppmli_schedule_residual_scale(&d->schedule, d->step - 1);
    double residual = ppmli_square(trial.noise.residual) + ppmli_square(slope * trial.noise.score);
    double variance =
        ppmli_square(rate) * (squares * residual + ppmli_square(trial.noise.gradient)) +
        ppmli_square(scale * trial.noise.weight);
    test_moments_add(&x->error, (now - x->w[at]) / sqrt(variance));
    x->w[at] = now;
  }
  return PPML_OK;
}

/* The answers of an encrypted run are as often those of the clear run as simulated runs' are. */
static void check_outlook(test_learner *t, const ppmli_schedule *schedule,
                          const ppmli_clear_rows *rows, const double *clear, const double *w) {
  ppmli_learn_outlook outlook;
  ppml_rng rng = test_rng(77);
  ppml_arena arena = test_arena(ppmli_learn_outlook_bytes(&schedule->rows));
  memset(&outlook, 0, sizeof outlook);
  ck_assert_int_eq(ppmli_learn_outlook_add(&outlook, schedule, &t->map.spec, rows, rows, clear,
                                           t->p, 50, &rng, &arena),
                   PPML_OK);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  ppml_interval i = ppmli_learn_outlook_agreement(&outlook, 0.999);
  double differ = (double)ppmli_learn_differ(&t->map.spec, w, clear, rows, schedule->rows.features);
  double agreement = 1 - differ / (double)rows->count;
  ck_assert_msg(agreement >= i.low && agreement <= i.high && i.high > i.low && i.low > 0.5,
                "%.4f, expected %.4f, from %.4f to %.4f", agreement, i.expected, i.low, i.high);
  test_arena_free(&arena);
}

/* Each step moves w as the clear step does, within the noise of the formulas; two outputs, two
 * passes. */
START_TEST(a_step_moves_the_weights_with_the_noise_of_the_formulas) {
  test_images images = test_images_make(220, 3, 1);
  test_learner t;
  ppmli_training_plan plan;
  run r;
  ppml_learnt learnt;
  test_learner_make(&t, &images, 3, PPML_TASK_CLASS, 6);
  test_file file = test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 1, &plan, &t.rng);
  ppmli_clear_rows rows = test_clear_rows(&t, &images, &plan);
  double w[64] = {0}, mean[64], last[64], revealed[64];
  witness seen = {&t, &rows, w, {0, 0, 0, 0}, {0, 0, 0, 0}};
  ppmli_descent_watch watch = {watch_step, &seen};
  run_begin(&r, &t, &file, 1, 1, NULL);
  ck_assert_int_eq(ppmli_descent_run(&r.d, &r.files, &watch, &r.arena), PPML_OK);
  test_assert_near(sqrt(seen.error.squares / (double)seen.error.count), 1, 0.2);
  ck_assert_msg(seen.error.most < 5, "%g deviations", seen.error.most);
  test_file model = run_finish(&r, &learnt);
  reveal(revealed, &learnt, &t, 0);
  ck_assert_int_eq(ppmli_descent_simulate(mean, last, &r.schedule, &rows, t.p, NULL, &t.memory),
                   PPML_OK);
  double error = 0, norm = 0;
  for (size_t i = 0; i < 21; i++)
    error += ppmli_square(revealed[i] - mean[i]), norm += ppmli_square(mean[i]);
  ck_assert_msg(sqrt(error / norm) < 0.2, "off by %g of its length", sqrt(error / norm));
  check_outlook(&t, &r.schedule, &rows, mean, revealed);
  free(file.bytes), free(model.bytes);
  test_clear_rows_free(&rows), test_arena_free(&r.arena);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

/* ------------------------------------------------------------- checkpoints */

enum { STOPPED = -99 };

typedef struct saver {
  test_learner *t;
  uint64_t at; /* the step to stop after */
  uint8_t id[PPML_ID_BYTES];
  test_file file;
} saver;

static int save_and_stop(void *context, const ppmli_descent *d) {
  saver *s = (saver *)context;
  if (d->step != s->at) return PPML_OK;
  uint64_t payload = ppmli_checkpoint_payload_bytes(d);
  s->file = test_file_new((size_t)payload);
  ppml_writer writer = ppml_writer_to_memory(s->file.bytes, s->file.count);
  ppmli_out out;
  test_begin(&out, &writer, s->t, payload);
  ppmli_checkpoint_put(&out, d, s->id);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(writer.position, s->file.count);
  return STOPPED;
}

static int resume(run *r, const test_file *file, const uint8_t *id) {
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin(&in, &h, &reader, &limits));
  PPMLI_TRY(ppmli_checkpoint_get(&r->d, &in, id));
  return ppmli_in_end(&in);
}

/* Two files, of one block and of two, two passes: stopped in the second pass, and gone on from there
 * with other threads. */
START_TEST(a_run_that_was_interrupted_ends_with_the_same_model) {
  test_images images = test_images_make(60, 2, 2), more = test_images_make(350, 2, 3);
  test_learner t;
  ppmli_training_plan plan;
  run r;
  ppml_learnt learnt;
  ppml_parallel parallel = test_parallel(3);
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 2);
  test_file file[2] = {test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 1, &plan, &t.rng),
                       test_set_make(&t, &more, PPMLI_ROWS_DESCENT, 1, &plan, &t.rng)};
  run_begin(&r, &t, file, 2, 2, NULL);
  ck_assert_int_eq(ppmli_descent_run(&r.d, &r.files, NULL, &r.arena), PPML_OK);
  test_file whole = run_finish(&r, &learnt);
  test_arena_free(&r.arena);
  saver s = {&t, r.schedule.steps / 2 + 5, {0}, {NULL, 0}};
  ppmli_descent_watch watch = {save_and_stop, &s};
  run_begin(&r, &t, file, 2, 2, NULL);
  ppmli_checkpoint_run_id(s.id, &r.schedule, &r.files);
  ck_assert_int_eq(ppmli_descent_run(&r.d, &r.files, &watch, &r.arena), STOPPED);
  test_arena_free(&r.arena);
  run_begin(&r, &t, file, 2, 2, &parallel);
  ck_assert_int_eq(resume(&r, &s.file, s.id), PPML_OK);
  ck_assert_uint_eq(r.d.step, s.at);
  ck_assert_int_eq(ppmli_descent_run(&r.d, &r.files, NULL, &r.arena), PPML_OK);
  test_file again = run_finish(&r, &learnt);
  ck_assert_int_eq(memcmp(whole.bytes, again.bytes, whole.count), 0);
  s.id[3] ^= 1; /* another run's */
  ck_assert_int_eq(resume(&r, &s.file, s.id), PPML_ERR_MISMATCH);
  s.id[3] ^= 1;
  s.file.count -= 999;
  ck_assert_int_eq(resume(&r, &s.file, s.id), PPML_ERR_TRUNCATED);
  s.file.count += 999;
  s.file.bytes[PPMLI_HEADER_BYTES + 100] ^= 1;
  ck_assert_int_eq(resume(&r, &s.file, s.id), PPML_ERR_CHECKSUM);
  free(s.file.bytes), free(again.bytes);
  test_arena_free(&r.arena);
  free(file[0].bytes), free(file[1].bytes), free(whole.bytes);
  test_learner_free(&t), test_images_free(&images), test_images_free(&more);
}
END_TEST

/* Arena bytes do not depend on how many rows there are, and a run takes what was told. */
START_TEST(memory_does_not_grow_with_the_rows) {
  test_images few = test_images_make(100, 2, 4), many = test_images_make(500, 2, 4);
  test_learner t;
  ppmli_training_plan plan;
  size_t high[2], write[2];
  test_learner_make(&t, &few, 2, PPML_TASK_CLASS, 2);
  for (int i = 0; i < 2; i++) {
    run r;
    ppmli_training_plan shape;
    ppml_learnt learnt;
    test_images *images = i ? &many : &few;
    test_file file = test_set_make(&t, images, PPMLI_ROWS_GRAM, 1, &plan, &t.rng);
    shape = plan;
    write[i] = ppmli_training_write_bytes(&shape.set, &t.map, t.p, 2);
    memset(&r, 0, sizeof r);
    r.files.file = r.file, r.files.count = 1;
    r.reader[0] = ppml_reader_from_memory(file.bytes, file.count);
    ck_assert_int_eq(test_set_open(&r.file[0], &r.reader[0], &t), PPML_OK);
    r.arena = test_arena((size_t)1 << 25);
    ck_assert_int_eq(ppmli_gram_run(&learnt, &r.files, &t.packing, NULL, NULL, &r.arena), PPML_OK);
    high[i] = r.arena.high_bytes;
    ck_assert_uint_eq(high[i],
                      ppmli_learnt_bytes(&learnt) + ppmli_gram_bytes(&plan.set.rows, t.p, 1));
    free(file.bytes);
    test_arena_free(&r.arena);
  }
  ck_assert_uint_eq(high[0], high[1]);
  ck_assert_uint_eq(write[0], write[1]);
  test_learner_free(&t), test_images_free(&few), test_images_free(&many);
}
END_TEST

/* The sum of 14 weights of 0.9 has gone round a torus of 8 once, of -1.4 twice the other way. */
START_TEST(a_mean_comes_back_whose_sum_went_round) {
  ppml_learnt l;
  double value[4] = {0.95, -1.3, 14 * 0.9 - 8, 14 * -1.4 + 16}, w[2];
  memset(&l, 0, sizeof l);
  l.features = 2, l.outputs = 1, l.batch = 16, l.steps = 28;
  l.unit_log2 = PPMLI_SCHEDULE_UNIT_LOG2;
  ppmli_reveal_mean(w, value, &l);
  ck_assert(fabs(w[0] - 0.9) < 1e-9 && fabs(w[1] + 1.4) < 1e-9);
}
END_TEST

/* ---------------------------------------------------------- second moments */

/* Values of gram and sums against the clear ones. */
static void clear_values(double *value, const ppmli_clear_rows *rows, size_t F, size_t C) {
  size_t pairs = ppmli_learnt_pairs(F);
  memset(value, 0, (pairs + C * F) * sizeof *value);
  for (size_t s = 0; s < rows->count; s++)
    for (size_t j = 0; j < F; j++) {
      const int8_t *x = rows->feature + s * F;
      for (size_t i = 0; i <= j; i++) value[ppmli_learnt_pair(i, j)] += x[i] * x[j];
      for (size_t c = 0; c < C; c++)
        value[pairs + c * F + j] += PPMLI_ROWS_GRAM_LABEL * x[j] * rows->label[s * C + c];
    }
}

START_TEST(second_moments_have_the_noise_of_the_formula_and_give_least_squares) {
  test_images images = test_images_make(650, 4, 5);
  test_learner t;
  ppmli_training_plan plan;
  ppmli_training_file file;
  ppmli_training_files files = {&file, 1, 0};
  ppml_learnt learnt;
  test_learner_make(&t, &images, 4, PPML_TASK_GRADE, 30);
  test_file set = test_set_make(&t, &images, PPMLI_ROWS_GRAM, 1, &plan, &t.rng);
  ppmli_clear_rows rows = test_clear_rows(&t, &images, &plan);
  ppml_reader reader = ppml_reader_from_memory(set.bytes, set.count);
  ck_assert_int_eq(test_set_open(&file, &reader, &t), PPML_OK);
  ck_assert_int_eq(ppmli_gram_run(&learnt, &files, &t.packing, NULL, NULL, &t.memory), PPML_OK);
  size_t F = 31, C = 3, values = ppmli_learnt_values(&learnt);
  double *clear = test_memory(values * 8), *value = test_memory(values * 8);
  double w[93], expected[93], *a = test_memory(F * F * 8);
  test_moments error = {0, 0, 0, 0};
  clear_values(clear, &rows, F, C);
  ck_assert_int_eq(ppmli_reveal_values(value, &learnt, t.keys.secret.glwe_bits, &t.memory),
                   PPML_OK);
  for (size_t v = 0; v < values; v++) test_moments_add(&error, value[v] - clear[v]);
  double blocks = (double)file.blocks, up = PPMLI_ROWS_GRAM_LOG2 - (double)learnt.unit_log2;
  double std = ldexp(sqrt(ppmli_noise_gram(&plan.set.rows, t.p, blocks, (uint32_t)up)),
                     (int)learnt.unit_log2);
  test_assert_near(sqrt(error.squares / (double)error.count), std, 0.2);
  reveal(w, &learnt, &t, 0.001);
  ck_assert_int_eq(ppmli_reveal_solve(expected, clear, &learnt, 0.001, a), PPML_OK);
  double off = 0, norm = 0;
  for (size_t i = 0; i < 93; i++)
    off += ppmli_square(w[i] - expected[i]), norm += ppmli_square(expected[i]);
  ck_assert_msg(sqrt(off / norm) < 0.02, "off by %g", sqrt(off / norm));
  free(clear), free(value), free(a), free(set.bytes);
  test_clear_rows_free(&rows);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

static test_file sums_make(test_learner *t, test_images *images, ppmli_training_plan *plan) {
  ppml_image_source source = test_source(images);
  ck_assert_int_eq(ppmli_training_plan_make(plan, &t->map, &source, PPMLI_ROWS_GRAM, 0, t->p,
                                            &t->rng, &t->memory),
                   PPML_OK);
  ppml_learnt shape = ppmli_sums_shape(&plan->set.rows, plan->set.count, t->p);
  test_file file = test_file_new((size_t)ppmli_sums_payload_bytes(&shape));
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ppmli_out out;
  ppml_arena scratch = test_arena(ppmli_sums_put_scratch(plan, &t->map, t->p));
  test_begin(&out, &writer, t, ppmli_sums_payload_bytes(&shape));
  ck_assert_int_eq(ppmli_sums_put(&out, plan, &t->map, &source, &t->keys.secret, &t->rng, &scratch),
                   PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  ck_assert_uint_eq(writer.position, file.count);
  test_arena_free(&scratch);
  return file;
}

static int sums_add(ppml_learnt *l, const test_file *file, test_learner *t) {
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  ppmli_in in;
  PPMLI_TRY(ppmli_in_begin(&in, &h, &reader, &limits));
  PPMLI_TRY(ppmli_sums_get(l, &in, h.params, &t->memory));
  return ppmli_in_end(&in);
}

START_TEST(sums_of_two_owners_are_exact) {
  test_images one = test_images_make(200, 2, 6), two = test_images_make(90, 2, 7);
  test_learner t;
  ppmli_training_plan plan[2];
  ppml_learnt l;
  test_learner_make(&t, &one, 2, PPML_TASK_CLASS, 35); /* two ciphertexts */
  test_file file[2] = {sums_make(&t, &one, &plan[0]), sums_make(&t, &two, &plan[1])};
  memset(&l, 0, sizeof l);
  ck_assert_int_eq(sums_add(&l, &file[0], &t), PPML_OK);
  ck_assert_int_eq(sums_add(&l, &file[1], &t), PPML_OK);
  ck_assert_uint_eq(l.rows, plan[0].set.count + plan[1].set.count);
  size_t F = 36, values = ppmli_learnt_values(&l);
  ck_assert_uint_eq(ppmli_learnt_ciphertexts(&l), 2);
  double *a = test_memory(values * 8), *b = test_memory(values * 8), *sum = test_memory(values * 8);
  ppmli_clear_rows rows = test_clear_rows(&t, &one, &plan[0]),
                   more = test_clear_rows(&t, &two, &plan[1]);
  clear_values(a, &rows, F, 1);
  clear_values(b, &more, F, 1);
  ck_assert_int_eq(ppmli_reveal_values(sum, &l, t.keys.secret.glwe_bits, &t.memory), PPML_OK);
  for (size_t v = 0; v < values; v++)
    ck_assert_msg(floor(sum[v] + 0.5) == a[v] + b[v] && fabs(sum[v] - a[v] - b[v]) < 0.2,
                  "%zu: %g, not %g", v, sum[v], a[v] + b[v]);
  test_learner other;
  test_learner_make(&other, &one, 2, PPML_TASK_CLASS, 4);
  test_file fewer = sums_make(&other, &one, &plan[1]);
  ck_assert_int_eq(sums_add(&l, &fewer, &t), PPML_ERR_MISMATCH);
  fewer.count--;
  memset(&l, 0, sizeof l);
  ck_assert_int_eq(sums_add(&l, &fewer, &t), PPML_ERR_TRUNCATED);
  free(a), free(b), free(sum), free(file[0].bytes), free(file[1].bytes), free(fewer.bytes);
  test_clear_rows_free(&rows), test_clear_rows_free(&more);
  test_learner_free(&t), test_learner_free(&other);
  test_images_free(&one), test_images_free(&two);
}
END_TEST

/* -------------------------------------------------------------- classify */

/* A model by hand, then classified encrypted. */
static void make_model(ppml_learnt *l, const double *w, test_learner *t) {
  const ppml_params *p = t->p;
  size_t N = p->poly_size, half = ppmli_learnt_values(l) / 2;
  ck_assert_int_eq(ppmli_learnt_alloc(l, &t->memory), PPML_OK);
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(l); i++)
    test_random_words(&t->rng, l->glwe + 2 * N * i, N);
  for (size_t v = 0; v < half; v++) {
    size_t place = ppmli_learnt_place(p, v);
    uint64_t term = (uint64_t)(int64_t)ldexp(w[v], 64 - PPMLI_SCHEDULE_UNIT_LOG2);
    uint64_t *body = l->glwe + v / N * 2 * N + N;
    if (place) body[N - place] = 0 - term;
    else body[0] = term;
  }
  for (size_t i = 0; i < ppmli_learnt_ciphertexts(l); i++)
    test_key_muladd(l->glwe + 2 * N * i + N, l->glwe + 2 * N * i, p, t->keys.secret.glwe_bits, 0);
}

START_TEST(an_encrypted_model_classifies_encrypted_images) {
  test_images images = test_images_make(600, 3, 8);
  test_learner t;
  ppmli_training_plan plan;
  ppmli_training_file file;
  ppmli_classifier classifier;
  ppmli_scores scores;
  test_learner_make(&t, &images, 3, PPML_TASK_CLASS, 5);
  ppml_learnt l = {t.p, PPML_LEARN_DESCENT,       6,    3,   TEST_BATCH, 600,
                   8,   PPMLI_SCHEDULE_UNIT_LOG2, NULL, {0}, {0}};
  double w[18];
  for (size_t i = 0; i < 18; i++) w[i] = test_within(&t.rng, 100) / 400.0;
  make_model(&l, w, &t);
  test_file set = test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 0, &plan, &t.rng);
  ppml_reader reader = ppml_reader_from_memory(set.bytes, set.count);
  ck_assert_int_eq(test_set_open(&file, &reader, &t), PPML_OK);
  ppml_arena arena = test_arena(ppmli_classifier_bytes(&l));
  ck_assert_int_eq(ppmli_classifier_init(&classifier, &l, &t.packing, &arena), PPML_OK);
  uint64_t payload = ppmli_classify_payload_bytes(file.blocks, 3, t.p);
  test_file answer = test_file_new((size_t)payload);
  ppml_writer writer = ppml_writer_to_memory(answer.bytes, answer.count);
  ppml_header h;
  ppmli_out out;
  ppmli_in in;
  ppml_limits limits = ppml_limits_default();
  test_begin(&out, &writer, &t, payload);
  ck_assert_int_eq(ppmli_classify(&out, &classifier, &file), PPML_OK);
  ck_assert_int_eq(ppmli_out_end(&out), PPML_OK);
  reader = ppml_reader_from_memory(answer.bytes, answer.count);
  ck_assert_int_eq(ppmli_in_begin(&in, &h, &reader, &limits), PPML_OK);
  ck_assert_int_eq(ppmli_scores_begin(&scores, &in, t.p), PPML_OK);
  ck_assert_uint_eq(scores.count, 600);
  int32_t *score = test_memory(512 * 3 * 4);
  test_moments error = {0, 0, 0, 0};
  for (size_t first = 0; first < 600; first += 512) {
    ck_assert_int_eq(ppmli_scores_next(score, &scores, &in, &t.keys.secret, &t.memory), PPML_OK);
    for (size_t s = 0; s < 512 && first + s < 600; s++) {
      int8_t x[6];
      ck_assert_int_eq(
          ppmli_features_run(x, &t.map, images.pixels + (first + s) * TEST_INPUTS, &t.memory),
          PPML_OK);
      for (size_t c = 0; c < 3; c++)
        test_moments_add(&error, ldexp(ldexp(score[s * 3 + c], -PPMLI_LEARN_SCORE_BITS) -
                                           ppmli_trial_score(w + c * 6, x, 6),
                                       -PPMLI_SCHEDULE_UNIT_LOG2));
    }
  }
  ck_assert_int_eq(ppmli_in_end(&in), PPML_OK);
  double product = ppmli_noise_features(&plan.set.rows, t.p, 6);
  double rounding = ppmli_noise_rounding(PPMLI_CLASSIFY_BITS) * (1 + t.p->poly_size / 2.0);
  test_assert_near(sqrt(error.squares / (double)error.count), sqrt(product + rounding), 0.25);
  l.method = PPML_LEARN_GRAM;
  ck_assert_int_eq(ppmli_classifier_init(&classifier, &l, &t.packing, &arena), PPML_ERR_MISMATCH);
  free(score), free(answer.bytes), free(set.bytes);
  test_arena_free(&arena), test_learner_free(&t), test_images_free(&images);
}
END_TEST

/* ------------------------------------------------------------------ errors */

START_TEST(sets_that_do_not_belong_together_are_refused) {
  test_images images = test_images_make(120, 2, 9);
  test_learner t;
  ppmli_training_plan plan;
  ppmli_training_file file[2];
  ppml_reader reader[2];
  ppmli_schedule schedule;
  ppmli_training_files files = {file, 2, 0};
  test_learner_make(&t, &images, 2, PPML_TASK_CLASS, 3);
  test_file one = test_set_make(&t, &images, PPMLI_ROWS_DESCENT, 1, &plan, &t.rng);
  test_file two = test_set_make(&t, &images, PPMLI_ROWS_GRAM, 1, &plan, &t.rng);
  reader[0] = ppml_reader_from_memory(one.bytes, one.count);
  reader[1] = ppml_reader_from_memory(two.bytes, two.count);
  ck_assert_int_eq(test_set_open(&file[0], &reader[0], &t), PPML_OK);
  ck_assert_int_eq(test_set_open(&file[1], &reader[1], &t), PPML_OK);
  ck_assert_int_eq(ppmli_descent_schedule(&schedule, &files, 1), PPML_ERR_MISMATCH);
  file[1] = file[0];
  ck_assert_int_eq(ppmli_descent_schedule(&schedule, &files, 1), PPML_OK);
  ck_assert_int_eq(ppmli_descent_schedule(&schedule, &files, 0), PPML_ERR_ARG);
  file[1].key_id[0] ^= 1;
  ck_assert_int_eq(ppmli_descent_schedule(&schedule, &files, 1), PPML_ERR_MISMATCH);
  files.count = 0;
  ck_assert_int_eq(ppmli_descent_schedule(&schedule, &files, 1), PPML_ERR_ARG);
  free(one.bytes), free(two.bytes);
  test_learner_free(&t), test_images_free(&images);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("learn");
  TCase *law = test_case(suite, "law"), *noise = test_case(suite, "noise");
  TCase *error = test_case(suite, "error");
  tcase_add_test(noise, a_step_moves_the_weights_with_the_noise_of_the_formulas);
  tcase_add_test(law, a_run_that_was_interrupted_ends_with_the_same_model);
  tcase_add_test(law, a_mean_comes_back_whose_sum_went_round);
  tcase_add_test(law, memory_does_not_grow_with_the_rows);
  tcase_add_test(noise, second_moments_have_the_noise_of_the_formula_and_give_least_squares);
  tcase_add_test(law, sums_of_two_owners_are_exact);
  tcase_add_test(law, an_encrypted_model_classifies_encrypted_images);
  tcase_add_test(error, sets_that_do_not_belong_together_are_refused);
  return test_run(suite);
}
