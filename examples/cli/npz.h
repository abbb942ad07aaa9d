/* npz.h - arrays of bytes or floats from a NumPy .npz archive or .npy file, and a MedMNIST data set
 * made of six of them.
 *
 * An .npz is a zip archive with a member NAME.npy for each array.  Read here: stored and deflated
 * members, NPY versions 1 and 2, dtypes u1 and <f4, C order, up to four dimensions.  Every size is checked
 * before it is used and the CRC-32 of every member is verified.
 *
 * Use: X_measure tells memory_bytes, X_read decodes into a block of that size:
 *
 *     npz_archive archive;
 *     npz_dataset data;
 *     reason = npz_open(&archive, bytes, count);
 *     if (!reason) reason = npz_dataset_measure(&data, &archive, NPZ_MEMORY_DEFAULT);
 *     if (!reason) memory = malloc(data.memory_bytes), ...
 *     if (!reason) reason = npz_dataset_read(&data, &archive, memory, data.memory_bytes);
 *
 * The archive points into bytes, the arrays and the data set into memory.
 *
 * Errors: functions return NULL when done, or else one line of English, "what is wrong (what was
 * expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef NPZ_H
#define NPZ_H

#include "../../ppml.h"

#include <stddef.h>
#include <stdint.h>

#define NPZ_RANK_MAX 4
#define NPZ_CLASSES_MAX PPML_CLASSES_MAX
#define NPZ_MESSAGE_BYTES 200
#define NPZ_LATENTS_MAX PPML_LATENTS_MAX /* values of an image of floats */
#define NPZ_LATENT_CHANNELS_MAX PPML_LATENT_CHANNELS_MAX

/* Memory for a file and all that it unpacks to, where nothing else is said: 2 GiB.  A file of 3 MB
 * can claim 3 GB, and unpack to that. */
#define NPZ_MEMORY_DEFAULT ((size_t)2 << 30)

/* A zip archive in memory whose central directory has been checked from end to end. */
typedef struct npz_archive {
  const uint8_t *bytes;
  size_t count;
  size_t directory_begin; /* of the central directory, within bytes */
  size_t directory_end;
} npz_archive;

/* Checks the central directory.  Refused: archives of several disks, and zip64 end records (over
 * 4 GiB or 65,534 members). */
const char *npz_open(npz_archive *archive, const void *bytes, size_t count);

/* An array of rank dimensions, the last one fastest. */
typedef struct npz_array {
  size_t memory_bytes; /* what npz_array_read needs: the NPY header and the data */
  size_t shape[NPZ_RANK_MAX];
  unsigned rank;
  size_t count;         /* of values: the product of the shape, 1 for rank 0 */
  unsigned value_bytes; /* 1: bytes; 4: floats, little-endian */
  const uint8_t *data;  /* [count][value_bytes], within the memory given to npz_array_read */
} npz_array;

/* An .npy file in memory; data points into it. */
const char *npz_parse_npy(npz_array *array, const void *bytes, size_t count);

/* One image of floats, where it stands: from little-endian to this machine's, all of them finite,
 * and the channel first if it stands last.
 *   values  [height][width][channels], or [channels][height][width] already
 * Returns NULL, or that a value is not finite.  channels height width is at most NPZ_LATENTS_MAX. */
const char *npz_order_latent(uint8_t *values, size_t channels, size_t plane, int channels_last);

/* Finds the array of that name (without .npy); sets memory_bytes alone. */
const char *npz_array_measure(npz_array *array, const npz_archive *archive, const char *name);

/* Decodes it into memory, which has at least the memory_bytes that npz_array_measure told. */
const char *npz_array_read(npz_array *array, const npz_archive *archive, const char *name,
                           void *memory, size_t memory_bytes);

enum { NPZ_TRAIN, NPZ_VAL, NPZ_TEST, NPZ_SPLITS };

/* "train", "val" or "test"; and back again, -1 for any other name. */
const char *npz_split_name(int split);
int npz_split_index(const char *name);

typedef struct npz_split {
  const uint8_t *images; /* [count][height][width][channels]; of latents [count][channels][height]
                            [width] floats */
  const uint8_t *labels; /* [count][labels_per_image], each below classes */
  size_t count;          /* at least 1 */
} npz_split;

typedef struct npz_dataset {
  size_t memory_bytes; /* what npz_dataset_read needs */
  npz_split split[NPZ_SPLITS];
  size_t height;                   /* the same in all splits, at least 1 */
  size_t width;                    /* likewise */
  unsigned channels;               /* 1 gray, 3 RGB; of latents 1 to NPZ_LATENT_CHANNELS_MAX */
  unsigned value_bytes;            /* 1: pictures; sizeof(float): latents of another program */
  unsigned labels_per_image;       /* 1, or one 0 or 1 for each class */
  unsigned classes;                /* 2 to NPZ_CLASSES_MAX: the largest label of all splits + 1,
                                      or labels_per_image */
  char message[NPZ_MESSAGE_BYTES]; /* holds the reason that a function returned */
} npz_dataset;

/* Looks for {train,val,test}_{images,labels}, or {...}_latents for images; sets memory_bytes alone.  Refused: what needs more
 * than limit_bytes, the archive's own bytes included, and sizes that its data cannot unpack to.
 * npz_dataset_read unpacks just the size that was measured, and refuses data that make more. */
const char *npz_dataset_measure(npz_dataset *dataset, const npz_archive *archive,
                                size_t limit_bytes);

/* Decodes all six into memory, which has at least the memory_bytes that npz_dataset_measure told.
 * Images are (N,H,W) or (N,H,W,3), labels (N) or (N,1), or (N,L) of 0 and 1.  Images of dtype <f4
 * are latents, (N,H,W), (N,C,H,W) or (N,H,W,C): C is the shorter of the two sides that it may be. */
const char *npz_dataset_read(npz_dataset *dataset, const npz_archive *archive, void *memory,
                             size_t memory_bytes);

#endif
