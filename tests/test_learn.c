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
  ppmli_descent_noise_of(&trial.noise, rows, x->t->p);
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

/* ------------------------------------------------------- the public functions */

/* An owner and a server by ppml.h alone: files in memory. */
typedef struct party {
  test_learner t;
  test_images images;
  ppml_image_source source;
  test_file key_file;
  ppml_learning_key key;
  ppml_arena key_arena;
  ppml_learn_options options;
  ppml_limits limits;
} party;

static void party_make(party *p, uint32_t classes, uint32_t features, uint32_t method) {
  memset(p, 0, sizeof *p);
  p->images = test_images_make(300, classes, 12);
  p->source = test_source(&p->images);
  p->source.count = method == PPML_LEARN_DESCENT ? 80 : p->images.count;
  test_learner_make(&p->t, &p->images, classes, PPML_TASK_CLASS, features);
  p->options = ppml_learn_options_default();
  p->options.method = method;
  p->limits = ppml_limits_default();
  p->key_file.count = ppml_learning_key_wire_bytes();
  p->key_file.bytes = test_memory(p->key_file.count);
  ppml_writer writer = ppml_writer_to_memory(p->key_file.bytes, p->key_file.count);
  ppml_arena scratch = test_arena(ppml_learning_key_generate_bytes(1));
  ck_assert_int_eq(
      ppml_learning_key_generate(&writer, &p->t.keys.secret, &p->t.rng, NULL, NULL, &scratch),
      PPML_OK);
  ck_assert_uint_eq(writer.position, p->key_file.count);
  test_arena_free(&scratch);
  ppml_reader reader = ppml_reader_from_memory(p->key_file.bytes, p->key_file.count);
  p->key_arena = test_arena(ppml_learning_key_read_bytes(1, 1));
  ck_assert_int_eq(
      ppml_learning_key_read(&p->key, &reader, &p->limits, 1, NULL, NULL, &p->key_arena), PPML_OK);
}

static void party_free(party *p) {
  free(p->key_file.bytes);
  test_arena_free(&p->key_arena);
  test_learner_free(&p->t);
  test_images_free(&p->images);
}

/* An encrypted set; the plan is in t.memory. */
static test_file party_encrypt(party *p, ppml_training_plan *plan, ppml_request *request) {
  test_file file;
  ck_assert_int_eq(
      ppml_training_plan_make(plan, &p->t.map, &p->source, &p->options, &p->t.rng, &p->t.memory),
      PPML_OK);
  file.count = ppml_training_wire_bytes(plan);
  file.bytes = test_memory(file.count);
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ppml_arena scratch = test_arena(ppml_training_encrypt_bytes(plan, &p->t.map, 1));
  ck_assert_int_eq(ppml_training_encrypt(&writer, request, plan, &p->t.map, &p->source,
                                         &p->t.keys.secret, &p->t.rng, NULL, NULL, &scratch),
                   PPML_OK);
  ck_assert_uint_eq(writer.position, file.count);
  test_arena_free(&scratch);
  return file;
}

/* Learns from one file, in exactly the memory that was told.  Returns ppml_learn's error. */
static int party_learn(ppml_learnt *learnt, party *p, const test_file *file,
                       ppml_reader *checkpoint, const ppml_learn_watch *watch, ppml_arena *arena) {
  ppml_training first;
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  int error = ppml_training_read(&first, &reader, &p->limits);
  if (error) return error;
  *arena = test_arena(ppml_learn_bytes(&first, 1, 1));
  reader = ppml_reader_from_memory(file->bytes, file->count);
  error = ppml_learn(learnt, &reader, 1, &p->key, &p->options, &p->limits, checkpoint, watch, NULL,
                     arena);
  ck_assert(error == PPML_OK || arena->used_bytes == 0);
  return error;
}

/* The bytes of a model. */
static test_file learnt_file(const ppml_learnt *learnt) {
  test_file file = test_file_new((size_t)ppmli_learnt_payload_bytes(learnt));
  ppml_writer writer = ppml_writer_to_memory(file.bytes, file.count);
  ck_assert_int_eq(ppml_learnt_write(learnt, &writer), PPML_OK);
  return file;
}

/* Every method ends with the weights of the run in the clear, in exactly the memory that was told. */
START_TEST(each_method_gives_the_weights_of_the_run_in_the_clear) {
  for (uint32_t method = PPML_LEARN_DESCENT; method <= PPML_LEARN_SUMS; method++) {
    static party p;
    ppml_training_plan plan;
    ppml_learnt learnt, again;
    ppml_arena arena;
    double clear[12], weights[12], off = 0, norm = 0;
    party_make(&p, 3, 3, method);
    test_file file = party_encrypt(&p, &plan, NULL);
    ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, NULL, &arena), PPML_OK);
    ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
    test_file model = learnt_file(&learnt);
    ppml_reader reader = ppml_reader_from_memory(model.bytes, model.count);
    ck_assert_int_eq(ppml_learnt_read(&again, &reader, &p.limits, &p.t.memory), PPML_OK);
    ppml_arena scratch = test_arena(ppml_learnt_weights_bytes(&again));
    ck_assert_int_eq(ppml_learnt_weights(weights, &again, &p.t.keys.secret, 0.001, &scratch),
                     PPML_OK);
    test_arena_free(&scratch);
    scratch = test_arena(ppml_learn_simulate_bytes(&plan, &p.t.map));
    ck_assert_int_eq(
        ppml_learn_simulate(clear, &plan, &p.t.map, &p.source, &p.options, 1, NULL, &scratch),
        PPML_OK);
    ck_assert_uint_eq(scratch.high_bytes, scratch.capacity_bytes);
    for (size_t i = 0; i < 12; i++)
      off += ppmli_square(weights[i] - clear[i]), norm += ppmli_square(clear[i]);
    ck_assert_msg(sqrt(off / norm) < 0.25, "method %u: off by %g", method, sqrt(off / norm));
    test_arena_free(&scratch), test_arena_free(&arena);
    free(file.bytes), free(model.bytes);
    party_free(&p);
  }
}
END_TEST

/* A run that is stopped after a step, with its checkpoint. */
typedef struct stopper {
  uint64_t at;
  test_file file;
} stopper;

static int stop_at(void *context, const ppml_learn_run *at) {
  stopper *s = (stopper *)context;
  if (at->done != s->at) return PPML_OK;
  s->file = test_file_new((size_t)ppmli_checkpoint_payload_bytes(at->descent));
  ppml_writer writer = ppml_writer_to_memory(s->file.bytes, s->file.count);
  ck_assert_int_eq(ppml_checkpoint_write(at, &writer), PPML_OK);
  return PPML_ERR_IO;
}

START_TEST(a_public_run_goes_on_from_its_checkpoint_alone) {
  static party p;
  ppml_training_plan plan;
  ppml_learnt learnt;
  ppml_arena arena;
  stopper s = {5, {NULL, 0}};
  ppml_learn_watch watch = {stop_at, &s};
  party_make(&p, 2, 3, PPML_LEARN_DESCENT);
  test_file file = party_encrypt(&p, &plan, NULL), other = party_encrypt(&p, &plan, NULL);
  ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, NULL, &arena), PPML_OK);
  test_file whole = learnt_file(&learnt);
  test_arena_free(&arena);
  ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, &watch, &arena), PPML_ERR_IO);
  test_arena_free(&arena);
  ppml_reader from = ppml_reader_from_memory(s.file.bytes, s.file.count);
  ck_assert_int_eq(party_learn(&learnt, &p, &other, &from, NULL, &arena), PPML_ERR_MISMATCH);
  test_arena_free(&arena);
  p.options.passes = 2; /* another run of the same set */
  from = ppml_reader_from_memory(s.file.bytes, s.file.count);
  ck_assert_int_eq(party_learn(&learnt, &p, &file, &from, NULL, &arena), PPML_ERR_MISMATCH);
  test_arena_free(&arena);
  p.options.passes = 1;
  from = ppml_reader_from_memory(s.file.bytes, s.file.count - 1);
  ck_assert_int_eq(party_learn(&learnt, &p, &file, &from, NULL, &arena), PPML_ERR_TRUNCATED);
  test_arena_free(&arena);
  from = ppml_reader_from_memory(s.file.bytes, s.file.count);
  ck_assert_int_eq(party_learn(&learnt, &p, &file, &from, NULL, &arena), PPML_OK);
  test_file again = learnt_file(&learnt);
  ck_assert_int_eq(memcmp(whole.bytes, again.bytes, whole.count), 0);
  test_arena_free(&arena);
  free(file.bytes), free(other.bytes), free(whole.bytes), free(again.bytes), free(s.file.bytes);
  party_free(&p);
}
END_TEST

/* What a server is given that does not belong together, or is not what it says. */
START_TEST(foreign_and_damaged_sets_are_refused) {
  static party p, q;
  ppml_training_plan plan;
  ppml_learnt learnt;
  ppml_arena arena;
  party_make(&p, 2, 3, PPML_LEARN_GRAM);
  test_file file = party_encrypt(&p, &plan, NULL);
  size_t N = p.t.p->poly_size;
  ck_assert_uint_gt(plan.rows, N / 2);
  party_make(&q, 2, 3, PPML_LEARN_GRAM); /* the same map: the images are the same; another key */
  ck_assert_int_eq(memcmp(p.t.map.id, q.t.map.id, PPML_ID_BYTES), 0);
  q.key.key_id[0] ^= 1;
  ck_assert_int_eq(party_learn(&learnt, &q, &file, NULL, NULL, &arena), PPML_ERR_MISMATCH);
  test_arena_free(&arena);
  q.key.key_id[0] ^= 1;
  q.key.map_id[0] ^= 1;
  ck_assert_int_eq(party_learn(&learnt, &q, &file, NULL, NULL, &arena), PPML_ERR_MISMATCH);
  test_arena_free(&arena);
  test_file cut = {file.bytes, PPMLI_HEADER_BYTES + PPMLI_TRAINING_BEGIN_BYTES};
  ck_assert_int_eq(party_learn(&learnt, &p, &cut, NULL, NULL, &arena), PPML_ERR_TRUNCATED);
  test_arena_free(&arena);                /* cut where its first block begins */
  cut.count = file.count - PPML_ID_BYTES; /* and behind its last one */
  ck_assert_int_eq(party_learn(&learnt, &p, &cut, NULL, NULL, &arena), PPML_ERR_TRUNCATED);
  test_arena_free(&arena);
  file.bytes[file.count / 2] ^= 1;
  ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, NULL, &arena), PPML_ERR_CHECKSUM);
  test_arena_free(&arena);
  p.options.method = PPML_LEARN_DESCENT; /* not what the rows are for */
  ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, NULL, &arena), PPML_ERR_MISMATCH);
  test_arena_free(&arena);
  file.bytes[8] ^= 1;
  ppml_reader reader = ppml_reader_from_memory(file.bytes, file.count);
  ppml_training set;
  ck_assert_int_eq(ppml_training_read(&set, &reader, &p.limits), PPML_ERR_VERSION);
  free(file.bytes);
  party_free(&p), party_free(&q);
}
END_TEST

/* More features than a map has, and as many rows as no file has: refused before any memory. */
START_TEST(sizes_beyond_the_limits_are_refused) {
  static party p;
  uint8_t bytes[PPMLI_HEADER_BYTES + PPMLI_TRAINING_BEGIN_BYTES];
  ppml_training_plan plan;
  ppml_training set;
  ppml_header h;
  party_make(&p, 2, 3, PPML_LEARN_DESCENT);
  test_file file = party_encrypt(&p, &plan, NULL);
  ppml_reader reader = ppml_reader_from_memory(file.bytes, file.count);
  ck_assert_int_eq(ppml_header_read(&h, &reader, &p.limits), PPML_OK);
  for (int i = 0; i < 2; i++) {
    ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
    ppmli_training large;
    ppmli_out out;
    memset(&large, 0, sizeof large);
    large.rows = ppmli_rows_make(PPMLI_ROWS_DESCENT, i ? 4 : PPML_FEATURES_MAX + 2, 1, TEST_BATCH);
    large.count = i ? PPMLI_TRAINING_ROWS_MAX + TEST_BATCH : TEST_BATCH;
    h.payload_bytes = ppmli_training_payload_bytes(&large, p.t.p);
    ppmli_out_begin(&out, &writer, &h);
    ppmli_training_put_begin(&out, &large);
    reader = ppml_reader_from_memory(bytes, sizeof bytes);
    ck_assert_int_eq(ppml_training_read(&set, &reader, &p.limits), PPML_ERR_RANGE);
  }
  p.limits.payload_bytes = 1000; /* less than a block */
  reader = ppml_reader_from_memory(file.bytes, file.count);
  ppml_arena arena;
  ppml_learnt learnt;
  ck_assert_int_eq(party_learn(&learnt, &p, &file, NULL, NULL, &arena), PPML_ERR_RANGE);
  test_arena_free(&arena);
  free(file.bytes);
  party_free(&p);
}
END_TEST

static void count_answer(void *context, uint64_t image, const ppml_answer *answer) {
  uint64_t *count = (uint64_t *)context;
  ck_assert_uint_eq(image, *count);
  ck_assert_uint_lt(answer->label[0], 3);
  ++*count;
}

/* Answers are given for the request alone, once, and to the owner alone. */
START_TEST(answers_by_an_encrypted_model_are_given_once) {
  static party p;
  ppml_training_plan plan;
  ppml_learnt learnt;
  ppml_request request;
  ppml_arena arena;
  uint64_t count = 0;
  uint8_t digest[PPML_ID_BYTES];
  party_make(&p, 3, 3, PPML_LEARN_DESCENT);
  test_file rows = party_encrypt(&p, &plan, NULL);
  ck_assert_int_eq(party_learn(&learnt, &p, &rows, NULL, NULL, &arena), PPML_OK);
  p.source.labels = NULL;
  test_file images = party_encrypt(&p, &plan, &request);
  ck_assert_uint_eq(request.open, 1);
  ck_assert_uint_eq(plan.rows, p.source.count);
  test_file answers =
      test_file_new((size_t)ppmli_classify_payload_bytes(ppmli_rows_blocks(p.t.p, 80), 3, p.t.p));
  ppml_writer writer = ppml_writer_to_memory(answers.bytes, answers.count);
  ppml_reader reader = ppml_reader_from_memory(images.bytes, images.count);
  ppml_arena server = test_arena(ppml_classify_bytes(&learnt));
  ck_assert_int_eq(ppml_classify(&writer, &learnt, &reader, &p.key, &p.limits, &server), PPML_OK);
  ck_assert_uint_eq(server.high_bytes, server.capacity_bytes);
  ck_assert_uint_eq(writer.position, answers.count);
  reader = ppml_reader_from_memory(answers.bytes, answers.count);
  ck_assert_int_eq(ppml_classified_digest(digest, &reader, &p.limits), PPML_OK);
  ck_assert_int_eq(memcmp(digest, request.digest, PPML_ID_BYTES), 0);
  ppml_arena owner = test_arena(ppml_classified_decrypt_bytes());
  request.digest[0] ^= 1; /* another request */
  reader = ppml_reader_from_memory(answers.bytes, answers.count);
  ck_assert_int_eq(ppml_classified_decrypt(&reader, &p.limits, &request, &p.t.keys.secret,
                                           count_answer, &count, &owner),
                   PPML_ERR_REQUEST);
  request.digest[0] ^= 1;
  answers.bytes[answers.count - 1] ^= 1; /* damaged: no answer, and the request stays open */
  reader = ppml_reader_from_memory(answers.bytes, answers.count);
  ck_assert_int_eq(ppml_classified_decrypt(&reader, &p.limits, &request, &p.t.keys.secret,
                                           count_answer, &count, &owner),
                   PPML_ERR_CHECKSUM);
  ck_assert_uint_eq(request.open, 1);
  answers.bytes[answers.count - 1] ^= 1;
  ck_assert_uint_eq(count, 0);
  for (int i = 0; i < 2; i++) {
    reader = ppml_reader_from_memory(answers.bytes, answers.count);
    ck_assert_int_eq(ppml_classified_decrypt(&reader, &p.limits, &request, &p.t.keys.secret,
                                             count_answer, &count, &owner),
                     i ? PPML_ERR_REQUEST : PPML_OK);
  }
  ck_assert_uint_eq(count, 80);
  ck_assert_uint_eq(request.open, 0);
  p.t.keys.secret.id[0] ^= 1;
  reader = ppml_reader_from_memory(answers.bytes, answers.count);
  request.open = 1;
  ck_assert_int_eq(ppml_classified_decrypt(&reader, &p.limits, &request, &p.t.keys.secret,
                                           count_answer, &count, &owner),
                   PPML_ERR_MISMATCH);
  free(rows.bytes), free(images.bytes), free(answers.bytes);
  test_arena_free(&owner), test_arena_free(&server), test_arena_free(&arena);
  party_free(&p);
}
END_TEST

/* An object that is zeros is refused by each function that takes one, and outputs are wiped. */
START_TEST(objects_that_are_not_whole_are_refused) {
  static party p;
  static ppml_secret_key no_secret;
  static const ppml_features no_map;
  static const ppml_learning_key no_key;
  static const ppml_learnt no_learnt;
  static const ppml_learn_options no_options;
  static const ppml_training_plan no_plan;
  static const ppml_image_source no_source;
  static const ppml_learn_run no_run;
  ppml_training_plan plan;
  ppml_learnt learnt;
  ppml_client client;
  uint64_t count = 0;
  double weights[8];
  ppml_request request = {{0}, 0};
  party_make(&p, 2, 3, PPML_LEARN_DESCENT);
  ppml_arena *arena = &p.t.memory;
  ppml_reader reader = ppml_reader_from_memory("", 0);
  ppml_writer writer = ppml_writer_to_memory(NULL, 0);
  ppml_rng *rng = &p.t.rng;
#define refused(call) ck_assert_int_eq((call), PPML_ERR_ARG)
  refused(ppml_features_write(&no_map, &writer));
  refused(ppml_features_read(NULL, &reader, &p.limits, arena));
  refused(ppml_learning_key_generate(&writer, &no_secret, rng, NULL, NULL, arena));
  refused(ppml_learning_key_read(&p.key, NULL, &p.limits, 0, NULL, NULL, arena));
  refused(ppml_training_plan_make(&plan, &no_map, &p.source, &p.options, rng, arena));
  refused(ppml_training_plan_make(&plan, &p.t.map, &no_source, &p.options, rng, arena));
  refused(ppml_training_plan_make(&plan, &p.t.map, &p.source, &no_options, rng, arena));
  refused(ppml_training_encrypt(&writer, NULL, &no_plan, &p.t.map, &p.source, &p.t.keys.secret, rng,
                                NULL, NULL, arena));
  refused(ppml_training_read(NULL, &reader, &p.limits));
  refused(ppml_learn(&learnt, &reader, 0, &p.key, &p.options, &p.limits, NULL, NULL, NULL, arena));
  refused(ppml_learn(&learnt, &reader, 1, &no_key, &p.options, &p.limits, NULL, NULL, NULL, arena));
  refused(ppml_checkpoint_write(&no_run, &writer));
  refused(ppml_learnt_write(&no_learnt, &writer));
  refused(ppml_classify(&writer, &no_learnt, &reader, &p.key, &p.limits, arena));
  refused(ppml_learnt_weights(weights, &no_learnt, &p.t.keys.secret, 0, arena));
  refused(ppml_classified_decrypt(&reader, &p.limits, &request, &no_secret, count_answer, &count,
                                  arena));
  refused(ppml_classified_digest(NULL, &reader, &p.limits));
  refused(ppml_learn_simulate(weights, &no_plan, &p.t.map, &p.source, &p.options, 1, NULL, arena));
#undef refused
  ck_assert_int_eq(ppml_learning_key_read(&p.key, &reader, &p.limits, 0, "no such", NULL, arena),
                   PPML_ERR_NAME);
  ck_assert_uint_eq(ppml_training_plan_make_bytes(&no_map, &p.source, &p.options), 0);
  ck_assert_uint_eq(ppml_training_wire_bytes(&no_plan), 0);
  ck_assert_uint_eq(ppml_training_encrypt_bytes(&no_plan, &p.t.map, 1), 0);
  ck_assert_uint_eq(ppml_classify_bytes(&no_learnt), 0);
  ck_assert_uint_eq(ppml_learnt_weights_bytes(&no_learnt), 0);
  ck_assert_uint_eq(ppml_learn_simulate_bytes(&no_plan, &p.t.map), 0);
  ppml_client_from_features(&client, &no_map);
  ck_assert_ptr_null(client.params);
  party_free(&p);
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
  tcase_add_test(law, each_method_gives_the_weights_of_the_run_in_the_clear);
  tcase_add_test(law, a_public_run_goes_on_from_its_checkpoint_alone);
  tcase_add_test(law, answers_by_an_encrypted_model_are_given_once);
  tcase_add_test(error, foreign_and_damaged_sets_are_refused);
  tcase_add_test(error, sizes_beyond_the_limits_are_refused);
  tcase_add_test(error, objects_that_are_not_whole_are_refused);
  return test_run(suite);
}
