/* ppml decrypt: the answers in an output, in words. */
#include <stdio.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "load.h"
#include "score.h"

/* The labels that apply, by number and by name. */
static void print_labels(const ppml_spec *spec, const uint8_t *answer) {
  json_begin("labels", '[');
  for (uint32_t c = 0; c < spec->classes; c++)
    if (answer[c]) json_integer(NULL, c);
  json_end(']');
  json_begin("names", '[');
  for (uint32_t c = 0; c < spec->classes; c++)
    if (answer[c]) json_text(NULL, spec->class_name[c]);
  json_end(']');
}

static void print_json(const ppml_spec *spec, const int32_t *scores) {
  double probability[PPML_CLASSES_MAX];
  uint8_t answer[PPML_CLASSES_MAX];
  ppml_spec_answer(answer, spec, scores);
  score_probabilities(probability, spec, scores);
  if (spec->task == PPML_TASK_LABELS) {
    print_labels(spec, answer);
  } else {
    json_integer("class", answer[0]);
    json_text("name", spec->class_name[answer[0]]);
  }
  json_begin("scores", '[');
  for (uint32_t s = 0; s < spec->outputs; s++) json_integer(NULL, scores[s]);
  json_end(']');
  json_begin("probabilities", '[');
  for (uint32_t c = 0; c < spec->classes; c++) json_real(NULL, probability[c]);
  json_end(']');
}

static void print_line(const ppml_spec *spec, const int32_t *scores) {
  double probability[PPML_CLASSES_MAX];
  uint8_t answer[PPML_CLASSES_MAX];
  const char *separator = "";
  ppml_spec_answer(answer, spec, scores);
  score_probabilities(probability, spec, scores);
  if (spec->task != PPML_TASK_LABELS) {
    printf("%u  %-*s  probability %.3f\n", answer[0], PPML_CLASS_NAME_BYTES - 1,
           spec->class_name[answer[0]], probability[answer[0]]);
    return;
  }
  for (uint32_t c = 0; c < spec->classes; c++) {
    if (!answer[c]) continue;
    printf("%s%s %.3f", separator, spec->class_name[c], probability[c]);
    separator = ", ";
  }
  printf("%s\n", *separator ? "" : "none of the labels");
}

/* One image: its members; several: an array of such objects, "results". */
static int print_answers(const ppml_output *output, const ppml_secret_key *key, const char *path,
                         int json) {
  int32_t scores[PPML_CLASSES_MAX];
  if (ppml_decrypt(scores, output, 0, key) != PPML_OK)
    return cli_fail(CLI_REFUSED, path, "%s (expected scores for this secret key)",
                    ppml_strerror(PPML_ERR_MISMATCH));
  if (json) json_begin(NULL, '{');
  if (json && output->images > 1) json_begin("results", '[');
  for (size_t i = 0; i < output->images; i++) {
    if (ppml_decrypt(scores, output, i, key) != PPML_OK) return CLI_INTERNAL;
    if (json && output->images > 1) json_begin(NULL, '{');
    if (json) print_json(&key->client.spec, scores);
    if (json && output->images > 1) json_end('}');
    if (!json) print_line(&key->client.spec, scores);
  }
  if (json && output->images > 1) json_end(']');
  if (json) json_end('}');
  return CLI_OK;
}

int cmd_decrypt(int argc, char **argv) {
  args a = args_make(argc, argv);
  ppml_secret_key key;
  ppml_output output;
  ppml_arena arena;
  const char *key_path = args_required(&a, "--secret-key");
  int json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status == CLI_OK) status = load_secret_key(&key, key_path);
  if (status) return status;
  status = load_output(&output, a.value[0], &arena);
  if (status == CLI_OK) {
    status = print_answers(&output, &key, a.value[0], json);
    cli_arena_destroy(&arena);
  }
  ppml_secret_key_wipe(&key);
  return status;
}
