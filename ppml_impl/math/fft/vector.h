/* The hooks of a backend, written once for vectors of 2, 4 or 8 doubles.
 *
 * This is a template.  avx512.h, avx2.h and neon.h define
 *
 *   PPMLI_VECTOR        the backend's name
 *   PPMLI_WIDTH         W, doubles of a vector
 *   PPMLI_RADIX         the largest radix whose values fit in the registers
 *   PPMLI_PAIR          samples that a product takes at a time, 1 or 2
 *   PPMLI_KS_TILE       samples that a key switch takes at a time
 *   PPMLI_TARGET        the attribute that lets a function use the instructions
 *
 * and types and operations, which are PPMLI_V(f64), PPMLI_V(u32), PPMLI_V(load) ... here;
 * then they include this file, which therefore has no guard, and make their table of
 * PPMLI_V_HOOKS.  Operators + - * are those of the compilers' vector types.
 *
 * In: the definitions above; out: a ppmli_backend.  Next: vector_fft.h, vector_product.h,
 * vector_chacha.h. */

#define PPMLI_V_JOIN(vector, name) ppmli_##vector##_##name
#define PPMLI_V_EXPAND(vector, name) PPMLI_V_JOIN(vector, name)
#define PPMLI_V(name) PPMLI_V_EXPAND(PPMLI_VECTOR, name)
#define PPMLI_V_INLINE PPMLI_KERNEL PPMLI_TARGET
#define PPMLI_V_STATIC PPMLI_STATIC PPMLI_TARGET
#define ppmli_vector PPMLI_V(f64)
#define ppmli_complex PPMLI_V(pair)

/* W complex numbers. */
typedef struct ppmli_complex {
  ppmli_vector re, im;
} ppmli_complex;

/* From memory that has the imaginary parts `apart` doubles behind the real ones. */
PPMLI_V_INLINE ppmli_complex PPMLI_V(get)(const double *x, size_t apart) {
  ppmli_complex a = {PPMLI_V(load)(x), PPMLI_V(load)(x + apart)};
  return a;
}

PPMLI_V_INLINE void PPMLI_V(put)(double *x, size_t apart, ppmli_complex a) {
  PPMLI_V(store)(x, a.re);
  PPMLI_V(store)(x + apart, a.im);
}

/* Element i of [re, im] in every lane. */
PPMLI_V_INLINE ppmli_complex PPMLI_V(same)(const double *x, size_t i) {
  ppmli_complex a = {PPMLI_V(broadcast)(x[2 * i]), PPMLI_V(broadcast)(x[2 * i + 1])};
  return a;
}

PPMLI_V_INLINE ppmli_complex PPMLI_V(mul)(ppmli_complex a, ppmli_complex b) {
  ppmli_complex c;
  c.re = PPMLI_V(mulsub)(a.im, b.im, a.re * b.re);
  c.im = PPMLI_V(muladd)(a.im, b.re, a.re * b.im);
  return c;
}

/* c + a b */
PPMLI_V_INLINE ppmli_complex PPMLI_V(add_mul)(ppmli_complex c, ppmli_complex a, ppmli_complex b) {
  c.re = PPMLI_V(muladd)(a.re, b.re, c.re);
  c.im = PPMLI_V(muladd)(a.re, b.im, c.im);
  c.re = PPMLI_V(mulsub)(a.im, b.im, c.re);
  c.im = PPMLI_V(muladd)(a.im, b.re, c.im);
  return c;
}

#include "vector_chacha.h"
#include "vector_fft.h"
#include "vector_product.h"

/* ------------------------------------------------------------- key switch */

/* One vector of columns, which are those of key's first row, for `count` samples.
 *   stride  words between the samples of out */
PPMLI_V_INLINE void PPMLI_V(key_switch_vector)(uint32_t *out, size_t stride, const int32_t *digits,
                                               size_t samples, const uint32_t *key, size_t rows,
                                               size_t count) {
  PPMLI_V(u32) sum[PPMLI_KS_TILE];
  PPMLI_UNROLL
  for (size_t s = 0; s < count; s++) sum[s] = PPMLI_V(load_u32)(out + s * stride);
  for (size_t r = 0; r < rows; r++, digits += samples, key += PPMLI_KS_COLUMNS) {
    PPMLI_V(u32) words = PPMLI_V(load_u32)(key);
    PPMLI_UNROLL
    for (size_t s = 0; s < count; s++) sum[s] = PPMLI_V(mulsub_u32)(words, digits[s], sum[s]);
  }
  PPMLI_UNROLL
  for (size_t s = 0; s < count; s++) PPMLI_V(store_u32)(out + s * stride, sum[s]);
}

PPMLI_V_STATIC void PPMLI_V(key_switch)(uint32_t *out, const int32_t *digits, const uint32_t *key,
                                        size_t samples, size_t rows, size_t blocks) {
  size_t stride = blocks * PPMLI_KS_COLUMNS, tile;
  for (size_t x = 0; x < stride; x += 2 * PPMLI_WIDTH) {
    const uint32_t *k = key + x / PPMLI_KS_COLUMNS * rows * PPMLI_KS_COLUMNS + x % PPMLI_KS_COLUMNS;
    for (size_t s = 0; s < samples; s += tile) {
      uint32_t *o = out + s * stride + x;
      const int32_t *d = digits + s;
      tile = samples - s >= PPMLI_KS_TILE ? PPMLI_KS_TILE : samples - s >= 4 ? 4 : 1;
      if (tile == 1) PPMLI_V(key_switch_vector)(o, stride, d, samples, k, rows, 1);
      else if (tile == 4) PPMLI_V(key_switch_vector)(o, stride, d, samples, k, rows, 4);
      else PPMLI_V(key_switch_vector)(o, stride, d, samples, k, rows, PPMLI_KS_TILE);
    }
  }
}

/* ------------------------------------------------------------------ hooks */

#define PPMLI_V_STRING(vector) #vector
#define PPMLI_V_QUOTE(vector) PPMLI_V_STRING(vector)

/* What a backend's table holds. */
#define PPMLI_V_HOOKS                                                                              \
  PPMLI_V_QUOTE(PPMLI_VECTOR), PPMLI_V(supported), PPMLI_V(table_doubles), PPMLI_V(prepare),       \
      PPMLI_V(forward_signed), PPMLI_V(forward_digit), PPMLI_V(backward_add), PPMLI_V(product),    \
      PPMLI_V(key_switch), PPMLI_V(chacha)
