/* train_report.h - what the two kinds of training share: their images, and how good a network is. */
#ifndef TRAIN_REPORT_H
#define TRAIN_REPORT_H

#include "npz.h"

#include "../../ppml.h"

ppml_images train_images_of(const npz_split *split);

/* "none", "h", "v" or "hv" as ppml_train_options has it; 0 for another text. */
int train_parse_flip(uint32_t *flip, const char *text);

/* Accuracy and AUC of each split that there is, as lines or as members of the JSON object at hand.
 * Returns CLI_OK, or the exit status after one line. */
int train_report_splits(const ppml_model *model, const npz_dataset *data, int json);

#endif
