/* npz.h - a data set of images and labels from a NumPy .npz archive: a zip archive (zip.h) with an
 * array NAME.npy (npy.h) for each of its parts.
 *
 * Names: MedMNIST's train_images, train_labels, val_..., test_...; x_train, y_train and the like;
 * images and labels alone, which are training images.  In any case, in folders of the archive, with
 * or without .npy.  A part that is missing has no images; of a data set to train on, a tenth of the
 * training images of each class becomes the validation part.
 *
 * Images are (N,H,W), (N,H,W,1), (N,H,W,3), (N,1,H,W), (N,3,H,W), or (N,H*W) where their shape is told.
 * Bytes are taken as they are; other values are scaled to bytes by a rule: npz_range.  Or they are
 * latents, floats that another program made: (N,H,W), (N,C,H,W) or (N,H,W,C), where C is the shorter of
 * the two sides that it may be.
 *
 * Labels are (N) or (N,1), whole numbers of any type; or (N,L) of 0 and 1: where each row has just one 1
 * they are classes, unless it is said that they are several labels an image.
 *
 * Use: npz_dataset_measure tells memory_bytes, npz_dataset_read decodes into a block of that size:
 *
 *     zip_archive archive;
 *     npz_dataset data;
 *     npz_options options = npz_options_default();
 *     reason = zip_open(&archive, bytes, count);
 *     if (!reason) reason = npz_dataset_measure(&data, &archive, &options);
 *     if (!reason) memory = malloc(data.memory_bytes), ...
 *     if (!reason) reason = npz_dataset_read(&data, &archive, &options, memory, data.memory_bytes);
 *
 * The data set points into memory.
 *
 * Errors: functions return NULL when done, or else one line of English, "what is wrong (what was
 * expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef NPZ_H
#define NPZ_H

#include "../../ppml.h"
#include "npy.h"
#include "zip.h"

#include <stddef.h>
#include <stdint.h>

#define NPZ_CLASSES_MAX PPML_CLASSES_MAX
#define NPZ_MESSAGE_BYTES 480
#define NPZ_NAME_BYTES 40
#define NPZ_LATENTS_MAX PPML_LATENTS_MAX /* values of an image of floats */
#define NPZ_LATENT_CHANNELS_MAX PPML_LATENT_CHANNELS_MAX

/* Memory for a file and all that it unpacks to, where nothing else is said: 2 GiB.  A file of 3 MB
 * can claim 3 GB, and unpack to that. */
#define NPZ_MEMORY_DEFAULT ((size_t)2 << 30)

enum { NPZ_TRAIN, NPZ_VAL, NPZ_TEST, NPZ_SPLITS };

/* "train", "val" or "test"; and back again, -1 for any other name. */
const char *npz_split_name(int split);
int npz_split_index(const char *name);

/* Which split a word means, in any case: "train" or "training", "val", "valid", "validation" or "dev",
 * "test" or "testing"; -1 for any other. */
int npz_split_of_word(const char *word, size_t length);

/* Which values are black and white: what is between them is scaled to 0 to 255 and rounded, what is
 * beyond them is cut off. */
enum {
  NPZ_RANGE_TYPE,   /* the least and the largest of the type; of floats 0 and 1 */
  NPZ_RANGE_VALUES, /* black and white, as they were told */
  NPZ_RANGE_DATA    /* the least and the largest value of the training images */
};

typedef struct npz_range {
  int kind;
  double black, white; /* of VALUES */
} npz_range;

/* How a file is to be read.  All zeros but limit_bytes: what npz_options_default() has. */
typedef struct npz_options {
  size_t limit_bytes; /* of memory, the archive's own bytes included */
  npz_range range;
  unsigned sides;    /* how many of an image's sides are told: 0, or 2 or 3 */
  size_t side[3];    /* H, W or H, W, C or C, H, W: as they lie in an array (N, their product) */
  int takes_latents; /* floats are latents */
  int has_columns;   /* one-hot columns are several labels an image, not classes */
  int relabels;      /* classes are numbered by the order of their labels */
  int trains;        /* it is to be trained on: there must be training images, of two classes */
  int cuts;          /* a missing validation split is cut from the training images */

  /* What a network says of its images and answers; classes 0: there is no network. */
  size_t height, width;
  unsigned channels, classes;
  int is_full_range;     /* it was trained on the whole range of an unsigned type */
  unsigned class_values; /* how many classes have a label of their own: all, or 0 */
  double class_value[NPZ_CLASSES_MAX];
} npz_options;

npz_options npz_options_default(void);

/* What was found, to be shown. */
typedef struct npz_told {
  char kind; /* of the images' type, as npy_array has it */
  unsigned value_bytes;
  npz_range range;       /* that was used: kind, black and white */
  double least, most;    /* value of the training images */
  unsigned columns;      /* of one-hot labels; 0: they are none */
  unsigned class_values; /* labels that were numbered: classes, or 0 */
  double class_value[NPZ_CLASSES_MAX];
  size_t cut; /* validation images that were training images */
} npz_told;

typedef struct npz_split {
  const uint8_t *images; /* [count][height][width][channels]; of latents [count][channels][height]
                            [width] floats */
  const uint8_t *labels; /* [count][labels_per_image], each below classes */
  size_t count;          /* 0: there is no such split */
} npz_split;

/* An array of the archive, and how it lies there. */
typedef struct npz_slot {
  zip_member member;
  char name[NPZ_NAME_BYTES]; /* as it may be shown; "": there is none */
  npy_array array;
} npz_slot;

typedef struct npz_dataset {
  size_t memory_bytes; /* what npz_dataset_read needs */
  npz_split split[NPZ_SPLITS];
  size_t height;             /* the same in all splits, at least 1 */
  size_t width;              /* likewise */
  unsigned channels;         /* 1 gray, 3 RGB; of latents 1 to NPZ_LATENT_CHANNELS_MAX */
  unsigned value_bytes;      /* 1: pictures; sizeof(float): latents of another program */
  unsigned labels_per_image; /* 1, or one 0 or 1 for each class */
  unsigned classes;          /* 2 to NPZ_CLASSES_MAX: the largest label of all splits + 1,
                                      labels_per_image, or those of the network */
  npz_told told;
  npz_slot images[NPZ_SPLITS], labels[NPZ_SPLITS]; /* from measure to read */
  char message[NPZ_MESSAGE_BYTES];                 /* holds the reason that a function returned */
} npz_dataset;

/* Finds the arrays, reads their headers and sets memory_bytes.  Refused: what needs more than the
 * limit, and sizes that its data cannot unpack to.  npz_dataset_read unpacks just the size that was
 * measured, and refuses data that make more. */
const char *npz_dataset_measure(npz_dataset *dataset, const zip_archive *archive,
                                const npz_options *options);

/* Decodes all of them into memory, which has at least the memory_bytes that npz_dataset_measure told
 * of the same archive and options. */
const char *npz_dataset_read(npz_dataset *dataset, const zip_archive *archive,
                             const npz_options *options, void *memory, size_t memory_bytes);

/* One image from an .npy file in memory, for the network that the options tell of: (H,W), (H,W,C),
 * (C,H,W), (H*W) of one channel, or these with a 1 before.
 *   image  out: [height][width][channels] bytes, or of latents [channels][height][width] floats
 * Returns NULL, or a reason that is kept in dataset->message, as is told what was found. */
const char *npz_read_image(uint8_t *image, npz_dataset *dataset, const npz_options *options,
                           const void *bytes, size_t count);

#endif
