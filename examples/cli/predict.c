#include "predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"

/* Rare events decide how wide the intervals are; fewer images need more draws of each. */
static size_t choose_draws(size_t images) {
  size_t draws = 1000000 / images;
  return draws < 100 ? 100 : draws > 1000 ? 1000 : draws;
}

static int is_unseen(const ppml_circuit *c, const int32_t *scores) {
  int32_t peak[PPML_CLASSES_MAX];
  for (uint32_t o = 0; o < c->model.spec.outputs; o++) peak[o] = ppml_circuit_score_peak(c, o);
  return ppml_scores_are_unseen(scores, peak, c->model.spec.outputs);
}

/* One image in the clear, and under all draws.
 *   scores [draws][outputs]  scratch */
static int predict_image(prediction *p, const ppml_circuit *c, const uint8_t *pixels,
                         const uint8_t *labels, int32_t *scores, ppml_rng *rng, ppml_arena *arena) {
  int32_t clear[PPML_CLASSES_MAX];
  const ppml_spec *spec = &c->model.spec;
  int error = ppml_model_predict(clear, &c->model, pixels, arena);
  if (error == PPML_OK) error = ppml_simulate(scores, c, pixels, p->draws, rng, arena);
  if (error) return cli_fail_ppml(error, "simulation", "a valid network");
  p->unseen += (size_t)is_unseen(c, clear);
  score_card_add(&p->clear, clear, labels);
  score_card_add(&p->simulated, scores, labels);
  ppml_outlook_add(&p->outlook, spec, clear, scores, p->draws);
  for (size_t d = 0; d < p->draws; d++)
    ppml_expectation_draw(&p->right, score_right(spec, scores + d * spec->outputs, labels));
  ppml_expectation_next(&p->right);
  return CLI_OK;
}

static int predict_images(prediction *p, const ppml_circuit *c, const npz_split *split,
                          uint64_t seed) {
  ppml_arena arena;
  ppml_rng rng;
  ppml_progress progress = cli_progress("simulation");
  size_t image_bytes = ppml_spec_image_bytes(&c->model.spec);
  size_t labels = ppml_spec_answer_bytes(&c->model.spec);
  int32_t *scores = (int32_t *)calloc(p->draws * c->model.spec.outputs, sizeof *scores);
  ppml_rng_init_for_tests(&rng, seed); /* simulated noise protects nothing */
  if (scores == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for %zu draws", p->draws);
  int status =
      cli_arena_create(&arena, ppml_simulate_bytes(&c->model)); /* what predict takes is less */
  for (size_t i = 0; i < p->images && status == CLI_OK; i++) {
    status = predict_image(p, c, split->images + i * image_bytes, split->labels + i * labels,
                           scores, &rng, &arena);
    progress.step(progress.context, i + 1, p->images);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  free(scores);
  return status;
}

/* The sum of right answers as a share; it is off by at most what agreement is off. */
static void conclude(prediction *p, const ppml_circuit *c) {
  double images = (double)p->images;
  const ppml_interval always = {1, 1, 1}, none = {0, 0, 0};
  p->agreement = ppml_outlook_agreement(&p->outlook, PREDICT_CONFIDENCE);
  p->score_error = ppml_outlook_score_error(&p->outlook, PREDICT_CONFIDENCE);
  double slack = (1 - p->agreement.expected) * images * PPML_FORMULA_SHARE;
  ppml_interval right = ppml_expectation_interval(&p->right, 1, slack, PREDICT_CONFIDENCE);
  p->accuracy.expected = right.expected / images;
  p->accuracy.low = right.low > 0 ? right.low / images : 0;
  p->accuracy.high = right.high < images ? right.high / images : 1;
  if (c->params->kind != PPML_SET_EXACT) return;
  p->agreement = always; /* it fails once in 2^64 images: nothing is left to chance */
  p->score_error = none;
  p->accuracy.low = p->accuracy.high = p->accuracy.expected;
}

int prediction_make(prediction *p, const ppml_circuit *circuit, const npz_split *split,
                    size_t draws, uint64_t seed) {
  size_t images = split->count;
  memset(p, 0, sizeof *p);
  p->images = images;
  p->draws = draws ? draws : choose_draws(images);
  int status = score_card_create(&p->clear, &circuit->model.spec, images);
  if (status == CLI_OK) status = score_card_create(&p->simulated, &circuit->model.spec, images);
  if (status == CLI_OK) status = predict_images(p, circuit, split, seed);
  if (status == CLI_OK) conclude(p, circuit);
  return status;
}

void prediction_destroy(prediction *p) {
  score_card_destroy(&p->clear);
  score_card_destroy(&p->simulated);
}

int prediction_holds(const ppml_interval *interval, double measured) {
  double grain = 1e-6 * (1 + fabs(measured));
  return measured >= interval->low - grain && measured <= interval->high + grain;
}

/* Answers that change by chance: a Poisson number at most, and where none may, none. */
double prediction_least_agreement(double agreement, size_t images) {
  double changed = (1 - agreement) * (double)images;
  ppml_expectation sum;
  if (changed <= 0) return 1;
  memset(&sum, 0, sizeof sum);
  sum.mean = sum.variance = sum.third = changed;
  ppml_interval most = ppml_expectation_interval(&sum, 1, 0, PREDICT_CONFIDENCE);
  return most.high < (double)images ? 1 - floor(most.high) / (double)images : 0;
}

static void put_real(const char *of, const char *what, double number) {
  char name[64];
  snprintf(name, sizeof name, "%s_%s", of, what);
  json_real(name, number);
}

static void put_interval(const char *of, const ppml_interval *interval) {
  put_real(of, "expected", interval->expected);
  put_real(of, "low", interval->low);
  put_real(of, "high", interval->high);
}

void prediction_json(const prediction *p) {
  json_begin("predicted", '{');
  json_integer("draws", (int64_t)p->draws);
  json_real("confidence", PREDICT_CONFIDENCE);
  put_interval("accuracy", &p->accuracy);
  put_interval("agreement", &p->agreement);
  put_interval("score_error_std", &p->score_error);
  json_integer("unseen", (int64_t)p->unseen);
  json_end('}');
}

static void put_line(const char *name, const ppml_interval *interval) {
  printf("%-12s %9.4f   from %.4f to %.4f\n", name, interval->expected, interval->low,
         interval->high);
}

void prediction_lines(const prediction *p) {
  printf("expected of one encrypted run, and where it stays with %.2f %%:\n",
         100 * PREDICT_CONFIDENCE);
  put_line("accuracy", &p->accuracy);
  put_line("agreement", &p->agreement);
  put_line("score noise", &p->score_error);
  if (p->unseen) printf("%zu images have a score beyond what training saw\n", p->unseen);
}
