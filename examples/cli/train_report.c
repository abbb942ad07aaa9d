#include "train_report.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "score.h"

/* Answers of the network in the clear to all images of a split. */
static int answer_split(score_card *card, const ppml_model *model, const npz_split *split) {
  ppml_arena arena;
  int32_t scores[PPML_CLASSES_MAX];
  size_t each = ppml_spec_image_bytes(&model->spec);
  int status = score_card_create(card, &model->spec, split->count);
  if (status) return status;
  status = cli_arena_create(&arena, ppml_model_predict_bytes(model));
  for (size_t i = 0; i < split->count && status == CLI_OK; i++) {
    int error = ppml_model_predict(scores, model, split->images + i * each, &arena);
    if (error) {
      status = cli_fail_ppml(error, "train", "a valid network");
      break;
    }
    score_card_add(card, scores, split->labels + i * card->answer_bytes);
  }
  if (arena.memory) cli_arena_destroy(&arena);
  if (status) score_card_destroy(card);
  return status;
}

int train_report_splits(const ppml_model *model, const npz_dataset *data, int json) {
  for (int s = 0; s < NPZ_SPLITS; s++) {
    score_card card;
    if (data->split[s].count == 0) continue;
    int status = answer_split(&card, model, &data->split[s]);
    if (status) return status;
    if (json) {
      json_begin(npz_split_name(s), '{');
      json_integer("images", (int64_t)card.count);
      json_real("accuracy", score_accuracy(&card));
      json_real("auc", score_auc(&card));
      json_end('}');
    } else {
      printf("%-6s %8zu %9.4f %7.4f\n", npz_split_name(s), card.count, score_accuracy(&card),
             score_auc(&card));
    }
    score_card_destroy(&card);
  }
  return CLI_OK;
}

ppml_images train_images_of(const npz_split *split) {
  ppml_images images = {split->images, split->labels, split->count};
  return images;
}

int train_parse_flip(uint32_t *flip, const char *text) {
  static const char *const names[] = {"none", "h", "v", "hv"};
  for (*flip = 0; *flip < 4; ++*flip)
    if (strcmp(text, names[*flip]) == 0) return 1;
  return 0;
}
