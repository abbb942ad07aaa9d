/* import_answers.h - how an imported network answers a data set, beside the file's own arithmetic. */
#ifndef IMPORT_ANSWERS_H
#define IMPORT_ANSWERS_H

#include "npz.h"
#include "score.h"

#define LOGIT_UNIT 65536 /* of float logits as scores */

/* Answers to a split: the integer network's and the file's own. */
typedef struct import_answers {
  ppml_spec own_spec; /* of scores that are logits in LOGIT_UNIT */
  score_card integer, own;
} import_answers;

/* Room for the answers to so many images; to be destroyed, whatever is returned.  Zeros may be
 * destroyed too. */
int import_answers_create(import_answers *a, const ppml_spec *spec, size_t count);
void import_answers_destroy(import_answers *a);

/* Is the network what the file is?  CLI_REFUSED and one line where fewer answers agree. */
int import_check_agreement(const import_answers *a, const char *path, double wanted);

/* Accuracy and AUC of each split that there is, beside the file's own.
 *   a        [NPZ_SPLITS]
 *   last_op  of the file, that was left away, or "" */
void import_report(const import_answers *a, const ppml_model *model, const npz_dataset *data,
                   const char *last_op, int json);

#endif
