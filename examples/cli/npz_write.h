/* npz_write.h - a data set as an .npz like MedMNIST's, or an array as an .npy, for npz.h and NumPy
 * to read. */
#ifndef NPZ_WRITE_H
#define NPZ_WRITE_H

#include "file.h"
#include "npz.h"

/* Bytes of the file, less than 2^32 or 0 if there would be more. */
uint64_t npz_write_bytes(const npz_dataset *dataset);

/* Appends the archive to output: {train,val,test}_{images,labels}.npy of the splits that there are, stored, dtype u1, images
 * (N,H,W) or (N,H,W,3), labels (N,labels_per_image).  The same data set makes the same bytes: all
 * dates are 1980-01-01.  npz_write_bytes is not 0.
 * Returns NULL, or what went wrong with the output, as file_write does. */
const char *npz_write(file_output *output, const npz_dataset *dataset);

/* Appends an .npy file of one array of bytes: version 1.0, C order.
 *   dtype  "|u1" or "|i1"
 *   shape  [rank], whose product is count */
const char *npy_write(file_output *output, const char *dtype, const size_t *shape, unsigned rank,
                      const void *data, size_t count);

#endif
