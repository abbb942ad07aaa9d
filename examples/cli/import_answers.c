#include "import_answers.h"

#include <stdio.h>

#include "cli.h"
#include "dataset.h"
#include "describe.h"
#include "json.h"

int import_answers_create(import_answers *a, const ppml_spec *spec, size_t count) {
  a->own_spec = *spec;
  a->own_spec.score_unit = LOGIT_UNIT;
  int status = score_card_create(&a->integer, spec, count);
  return status ? status : score_card_create(&a->own, &a->own_spec, count);
}

void import_answers_destroy(import_answers *a) {
  score_card_destroy(&a->integer);
  score_card_destroy(&a->own);
}

int import_check_agreement(const import_answers *a, const char *path, double wanted) {
  double agreement = score_agreement(&a->integer, &a->own);
  if (agreement >= wanted) return CLI_OK;
  return cli_fail(CLI_REFUSED, path,
                  "%.4f of the answers are those of the file's own arithmetic (expected at least "
                  "%g, by --agreement)",
                  agreement, wanted);
}

static void report_split(const import_answers *a, const char *name, int json) {
  double accuracy = score_accuracy(&a->integer), auc = score_auc(&a->integer);
  double agreement = score_agreement(&a->integer, &a->own);
  if (!json) {
    printf("%-6s %8zu %9.4f %7.4f %15.4f %10.4f\n", name, a->integer.count, accuracy, auc,
           score_accuracy(&a->own), agreement);
    return;
  }
  json_begin(name, '{');
  json_integer("images", (int64_t)a->integer.count);
  json_real("accuracy", accuracy);
  json_real("auc", auc);
  json_real("accuracy_float", score_accuracy(&a->own));
  json_real("auc_float", score_auc(&a->own));
  json_real("agreement", agreement);
  json_end('}');
}

void import_report(const import_answers *a, const ppml_model *model, const npz_dataset *data,
                   const char *last_op, int json) {
  if (json) {
    json_begin(NULL, '{');
    describe_network_json(model);
    dataset_report(data, json);
    if (last_op[0]) json_text("left_away", last_op);
  } else {
    if (last_op[0]) printf("the last %s is left away: it does not change the class\n", last_op);
    dataset_report(data, json);
    printf("%-6s %8s %9s %7s %15s %10s\n", "split", "images", "accuracy", "AUC", "float accuracy",
           "agreement");
  }
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (data->split[s].count) report_split(&a[s], npz_split_name(s), json);
  if (json) json_end('}');
}
