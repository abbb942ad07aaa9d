/* The backend for 64-bit Arm, where NEON is always there: what a vector of two
 * doubles can do; vector.h makes the hooks of it.  In: vectors; out: a ppmli_backend.  Next: vector.h. */
#ifndef PPMLI_FFT_NEON_H
#define PPMLI_FFT_NEON_H

#include "backend.h"

#if PPMLI_BACKEND_BUILT(PPML_BACKEND_NEON)
#include <arm_neon.h>

#define PPMLI_VECTOR neon
#define PPMLI_WIDTH 2
#define PPMLI_RADIX 8
#define PPMLI_PAIR 2
#define PPMLI_KS_TILE 16
#define PPMLI_TARGET

typedef float64x2_t ppmli_neon_f64;
typedef uint32x4_t ppmli_neon_u32;

PPMLI_STATIC int ppmli_neon_supported(void) {
  return 1;
}

/* --------------------------------------------------------------- doubles */

PPMLI_INLINE float64x2_t ppmli_neon_load(const double *x) {
  return vld1q_f64(x);
}

PPMLI_INLINE void ppmli_neon_store(double *x, float64x2_t a) {
  vst1q_f64(x, a);
}

PPMLI_INLINE float64x2_t ppmli_neon_broadcast(double x) {
  return vdupq_n_f64(x);
}

/* a b + c and c - a b */
PPMLI_INLINE float64x2_t ppmli_neon_muladd(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmaq_f64(c, a, b);
}

PPMLI_INLINE float64x2_t ppmli_neon_mulsub(float64x2_t a, float64x2_t b, float64x2_t c) {
  return vfmsq_f64(c, a, b);
}

/* Rows become columns. */
PPMLI_INLINE void ppmli_neon_transpose(float64x2_t *x) {
  float64x2_t even = vtrn1q_f64(x[0], x[1]), odd = vtrn2q_f64(x[0], x[1]);
  x[0] = even, x[1] = odd;
}

/* ----------------------------------------------------------- conversions */

PPMLI_INLINE float64x2_t ppmli_neon_from_signed(const uint64_t *x) {
  return vcvtq_f64_s64(vreinterpretq_s64_u64(vld1q_u64(x)));
}

/* 2^52 + ((x + offset) >> shift & mask), by its bits. */
PPMLI_INLINE float64x2_t ppmli_neon_from_digit(const uint64_t *x, uint64_t offset, uint32_t shift,
                                               uint64_t mask) {
  uint64x2_t sum = vaddq_u64(vld1q_u64(x), vdupq_n_u64(offset));
  uint64x2_t digit = vandq_u64(vshlq_u64(sum, vdupq_n_s64(-(int64_t)shift)), vdupq_n_u64(mask));
  return vreinterpretq_f64_u64(vorrq_u64(digit, vdupq_n_u64((uint64_t)0x433 << 52)));
}

/* x += fraction, in [-1/2, 1/2].  Exactly 1/2 saturates to 1/2 - 2^-64. */
PPMLI_INLINE void ppmli_neon_add_fraction(uint64_t *x, float64x2_t fraction) {
  int64x2_t torus = vcvtnq_s64_f64(vmulq_n_f64(fraction, 18446744073709551616.0));
  vst1q_u64(x, vaddq_u64(vld1q_u64(x), vreinterpretq_u64_s64(torus)));
}

/* -------------------------------------------------------------- integers */

PPMLI_INLINE uint32x4_t ppmli_neon_load_u32(const uint32_t *x) {
  return vld1q_u32(x);
}

PPMLI_INLINE void ppmli_neon_store_u32(uint32_t *x, uint32x4_t a) {
  vst1q_u32(x, a);
}

/* c - a b modulo 2^32 */
PPMLI_INLINE uint32x4_t ppmli_neon_mulsub_u32(uint32x4_t a, int32_t b, uint32x4_t c) {
  return vmlsq_n_u32(c, a, (uint32_t)b);
}

PPMLI_INLINE uint32x4_t ppmli_neon_broadcast_u32(uint32_t x) {
  return vdupq_n_u32(x);
}

PPMLI_INLINE uint32x4_t ppmli_neon_add_u32(uint32x4_t a, uint32x4_t b) {
  return vaddq_u32(a, b);
}

/* Shifts by counts for each lane, as the other form takes literals alone; compilers see
 * that they are constant. */
PPMLI_INLINE uint32x4_t ppmli_neon_rotate_u32(uint32x4_t a, int bits) {
  if (bits == 16) return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(a)));
  return vorrq_u32(vshlq_u32(a, vdupq_n_s32(bits)), vshlq_u32(a, vdupq_n_s32(bits - 32)));
}

PPMLI_INLINE float64x2_t ppmli_neon_interleave_low(uint32x4_t a, uint32x4_t b) {
  return vreinterpretq_f64_u32(vzip1q_u32(a, b));
}

PPMLI_INLINE float64x2_t ppmli_neon_interleave_high(uint32x4_t a, uint32x4_t b) {
  return vreinterpretq_f64_u32(vzip2q_u32(a, b));
}

PPMLI_INLINE void ppmli_neon_store_u64(uint64_t *x, float64x2_t bits) {
  vst1q_u64(x, vreinterpretq_u64_f64(bits));
}

#include "vector.h"

PPMLI_STATIC const ppmli_backend *ppmli_neon_backend(void) {
  static const ppmli_backend backend = {PPMLI_V_HOOKS};
  return &backend;
}

#undef PPMLI_VECTOR
#undef PPMLI_WIDTH
#undef PPMLI_RADIX
#undef PPMLI_PAIR
#undef PPMLI_KS_TILE
#undef PPMLI_TARGET
#endif

#endif
