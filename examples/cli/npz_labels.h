/* npz_labels.h - from an array's numbers to classes, or to several labels an image.
 *
 * All label arrays of a data set are looked at together: whether columns are one-hot, and which labels
 * there are, is a matter of all of them.
 *
 * Errors: as in npz.h; the reason lives in the data set's message. */
#ifndef NPZ_LABELS_H
#define NPZ_LABELS_H

#include "npz.h"

/* Makes classes or flags of all label arrays and sets classes, labels_per_image and labels of the
 * splits.
 *   to   out: room for a byte of each label of each array; apart from own
 *   own  [NPZ_SPLITS]  each array's file, in memory; NULL where there is none */
const char *npz_set_labels(npz_dataset *dataset, const npz_options *options, uint8_t *to,
                           uint8_t *const own[NPZ_SPLITS]);

/* Are there two classes at least, and in each split that is trained on or by? */
const char *npz_check_classes(npz_dataset *dataset, const npz_options *options);

#endif
