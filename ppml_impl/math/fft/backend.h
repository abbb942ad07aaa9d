/* The seam between the mathematics and the machine.
 *
 * A backend is a table of the few loops that take the time.  fft/ref.h, in plain C99,
 * is always built and defines what the others must compute: integers equal, floats
 * within the bounds that tests/test_fft.c states.
 *
 * A transformed polynomial has N/2 complex values, in groups of PPMLI_LANES: eight real
 * parts, then eight imaginary parts.  Where several polynomials are transformed for one
 * product, their groups are interleaved, so that the product reads one stream of memory
 * (separate arrays 8 KB apart would fall into the same cache sets).  Which frequency
 * stands where is the backend's choice, told by ppmli_fft.exponent; hence transformed
 * data never leaves the process.
 *
 * In: polynomials, digits, transformed keys; out: transforms, products, sums.  Next: ref.h, then
 * vector.h. */
#ifndef PPMLI_MATH_FFT_BACKEND_H
#define PPMLI_MATH_FFT_BACKEND_H

#include "../torus.h"

#define PPMLI_LANES 8
#define PPMLI_GROUP (2 * PPMLI_LANES) /* doubles of a group */
#define PPMLI_KS_COLUMNS 16           /* 32-bit columns of a key-switching key's block */
#define PPMLI_PRODUCT_COLUMNS 5       /* of a product that may be taken in place */

/* Values of PPML_BACKEND_ONLY. */
#define PPML_BACKEND_REF 1
#define PPML_BACKEND_AVX2 2
#define PPML_BACKEND_AVX512 3
#define PPML_BACKEND_NEON 4

/* Which backends are built beside ref.h: the one asked for, or all that the target's
 * family may have; then the CPU is asked before one is used.  Vectors of halves become words
 * by their place in memory, so big-endian Arm is not among them. */
#if defined(PPML_BACKEND_ONLY)
#if PPML_BACKEND_ONLY < PPML_BACKEND_REF || PPML_BACKEND_ONLY > PPML_BACKEND_NEON
#error "PPML_BACKEND_ONLY is none of PPML_BACKEND_REF, _AVX2, _AVX512, _NEON"
#endif
#define PPMLI_BACKEND_BUILT(backend) (PPML_BACKEND_ONLY == (backend))
#elif defined(__GNUC__) && defined(__x86_64__)
#define PPMLI_BACKEND_BUILT(backend) ((backend) != PPML_BACKEND_NEON)
#elif defined(__GNUC__) && defined(__aarch64__) && !defined(__AARCH64EB__)
#define PPMLI_BACKEND_BUILT(backend)                                                               \
  ((backend) == PPML_BACKEND_REF || (backend) == PPML_BACKEND_NEON)
#else
#define PPMLI_BACKEND_BUILT(backend) ((backend) == PPML_BACKEND_REF)
#endif

/* Doubles of the transforms of `polys` polynomials that enter one product. */
PPMLI_INLINE size_t ppmli_fft_doubles(uint32_t poly_size, size_t polys) {
  return polys * poly_size;
}

struct ppmli_backend;

/* Tables for one ring Z[X] / (X^N + 1). */
typedef struct ppmli_fft {
  const struct ppmli_backend *backend;
  uint32_t poly_size; /* N */
  uint32_t points;    /* N / 2 */
  double *root;       /* [2 N][re, im]  exp(i pi t / N) at t */
  double *zeta;       /* [points][re, im]  of the node of the splitting tree, from 1 */
  uint16_t *exponent; /* [points]  value i is the polynomial at exp(i pi exponent[i] / N) */
  double *table;      /* [backend->table_doubles(points)]  the backend's own */
} ppmli_fft;

/* The shape of a sum of products in the Fourier domain:
 *
 *   out[s][g][c] = sum_{t < terms} m[s][t][g] sum_{r < rows} a[s][g][r] b[g][t][r][c]
 *
 * over samples s and groups g, with m the transform of X^exponents[s * terms + t] - 1,
 * or 1 where exponents is NULL.  out may be a if rows = columns <= PPMLI_PRODUCT_COLUMNS:
 * every group is read before it is written. */
typedef struct ppmli_product {
  size_t samples, terms, rows, columns;
  const uint16_t *exponents; /* [samples][terms], < 2 N, or NULL */
} ppmli_product;

/* Consecutive blocks of ChaCha20 key stream, for public masks: scratch is not wiped.
 *   out    [blocks][8]  words of a stream, as ppmli_stream_u64 has them
 *   state  [16]  word 12 is the first block's counter */
typedef void (*ppmli_chacha_hook)(uint64_t *out, const uint32_t state[16], size_t blocks);

typedef struct ppmli_backend {
  const char *name;
  int (*supported)(void); /* does this CPU have it */
  size_t (*table_doubles)(uint32_t points);
  void (*prepare)(ppmli_fft *fft); /* fills exponent and table */

  /* Transforms of one polynomial.
   *   out   group g at out + g * stride
   *   work  [N] doubles of scratch
   * forward_signed takes coefficients as 64-bit signed integers, times scale;
   * forward_digit takes digit `level` of each, see ppmli_gadget_digit. */
  void (*forward_signed)(const ppmli_fft *fft, double *out, size_t stride, const uint64_t *poly,
                         double scale, double *work);
  void (*forward_digit)(const ppmli_fft *fft, double *out, size_t stride, const uint64_t *poly,
                        const ppmli_gadget *gadget, uint32_t level, double *work);

  /* poly += in, in being a transform divided by N/2, with 1 for a full turn of the torus. */
  void (*backward_add)(const ppmli_fft *fft, uint64_t *poly, const double *in, size_t stride,
                       double *work);

  void (*product)(const ppmli_fft *fft, double *out, const double *a, const double *b,
                  const ppmli_product *shape);

  /* out[s][x] -= sum_r digits[r][s] key[x / 16][r][x % 16] modulo 2^32
   *   out  [samples][blocks][16];  digits  [rows][samples] */
  void (*key_switch)(uint32_t *out, const int32_t *digits, const uint32_t *key, size_t samples,
                     size_t rows, size_t blocks);

  ppmli_chacha_hook chacha;
} ppmli_backend;

#endif
