/* npy.h - NumPy's arrays: what the header of an .npy says, and the numbers behind it.
 *
 * Read here: NPY versions 1.0, 2.0 and 3.0; a header in any spelling that NumPy itself takes, up to
 * its own limit of 10,000 bytes; bool, integers of 8 to 64 bits, signed or not, and floats of 16, 32
 * and 64 bits, by any name that NumPy has for them, of either byte order; C and Fortran order; up to
 * six dimensions.
 *
 * Errors: functions return NULL when done, or else one line of English, "what is wrong (what was
 * expected)", for a caller that prints `ppml: FILE: ` before it; it may live in the array's message.
 * Exit status: 65. */
#ifndef NPY_H
#define NPY_H

#include <stddef.h>
#include <stdint.h>

#define NPY_RANK_MAX 6
#define NPY_HEADER_BYTES_MAX 10000 /* of the text, as numpy.load has it */
#define NPY_BEGIN_BYTES (NPY_HEADER_BYTES_MAX + 12)
#define NPY_MESSAGE_BYTES 200
#define NPY_SHAPE_BYTES 80

typedef struct npy_array {
  size_t shape[NPY_RANK_MAX];
  unsigned rank;
  size_t count;         /* of values: the product of the shape, 1 for rank 0 */
  char kind;            /* 'b' bool, 'u' and 'i' integers, 'f' floats */
  unsigned value_bytes; /* 1, 2, 4 or 8 */
  int is_big_endian;
  int is_fortran; /* the first dimension is the fastest, else the last one is */
  size_t begin;   /* of the data, within the file */
  char message[NPY_MESSAGE_BYTES];
} npy_array;

/* Reads the header.
 *   bytes  [have]  the file, or at least its first NPY_BEGIN_BYTES
 *   whole_bytes    of the file: what does not go with the shape is refused */
const char *npy_parse(npy_array *array, const void *bytes, size_t have, size_t whole_bytes);

/* "uint8", "float32" and so on. */
const char *npy_dtype(const npy_array *array);

/* "(4708, 28, 28)". */
const char *npy_shape(char text[NPY_SHAPE_BYTES], const npy_array *array);

/* A value from its bytes; of an integer beyond 2^53 the nearest float there is. */
double npy_value(const npy_array *array, const uint8_t *at);

/* The least and the largest value that the type has; of floats 0 and 1. */
double npy_least(const npy_array *array);
double npy_most(const npy_array *array);

/* How far apart values are, in values, along each dimension.
 *   stride  [rank]  out */
void npy_strides(size_t stride[NPY_RANK_MAX], const npy_array *array);

#endif
