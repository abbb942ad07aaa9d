/* The backend for x86-64 CPUs with AVX2 and FMA: what a vector of four doubles
 * can do; vector.h makes the hooks of it.
 *
 * A generic x86-64 build contains these functions and asks the CPU before it calls one.  In: vectors;
 * out: a ppmli_backend.  Next: vector.h. */
#ifndef PPMLI_FFT_AVX2_H
#define PPMLI_FFT_AVX2_H

#include "backend.h"

#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX2)
#include "x86.h"

#define PPMLI_VECTOR avx2
#define PPMLI_WIDTH 4
#define PPMLI_RADIX 4 /* radix 8 would not fit in 16 registers */
#define PPMLI_PAIR 1  /* nor would the sums of two samples */
#define PPMLI_KS_TILE 8
#define PPMLI_TARGET __attribute__((target("avx2,fma")))
#define PPMLI_AVX2_INLINE PPMLI_INLINE PPMLI_TARGET

typedef __m256d ppmli_avx2_f64;
typedef __m256i ppmli_avx2_u32;

PPMLI_STATIC int ppmli_avx2_supported(void) {
  return PPMLI_X86_HAS("avx2") && PPMLI_X86_HAS("fma");
}

/* --------------------------------------------------------------- doubles */

PPMLI_AVX2_INLINE __m256d ppmli_avx2_load(const double *x) {
  return _mm256_loadu_pd(x);
}

PPMLI_AVX2_INLINE void ppmli_avx2_store(double *x, __m256d a) {
  _mm256_storeu_pd(x, a);
}

PPMLI_AVX2_INLINE __m256d ppmli_avx2_broadcast(double x) {
  return _mm256_set1_pd(x);
}

/* a b + c and c - a b */
PPMLI_AVX2_INLINE __m256d ppmli_avx2_muladd(__m256d a, __m256d b, __m256d c) {
  return _mm256_fmadd_pd(a, b, c);
}

PPMLI_AVX2_INLINE __m256d ppmli_avx2_mulsub(__m256d a, __m256d b, __m256d c) {
  return _mm256_fnmadd_pd(a, b, c);
}

/* Rows become columns. */
PPMLI_AVX2_INLINE void ppmli_avx2_transpose(__m256d *x) {
  __m256d lo0 = _mm256_unpacklo_pd(x[0], x[1]), hi0 = _mm256_unpackhi_pd(x[0], x[1]);
  __m256d lo1 = _mm256_unpacklo_pd(x[2], x[3]), hi1 = _mm256_unpackhi_pd(x[2], x[3]);
  x[0] = _mm256_permute2f128_pd(lo0, lo1, 0x20);
  x[1] = _mm256_permute2f128_pd(hi0, hi1, 0x20);
  x[2] = _mm256_permute2f128_pd(lo0, lo1, 0x31);
  x[3] = _mm256_permute2f128_pd(hi0, hi1, 0x31);
}

/* ----------------------------------------------------------- conversions */

PPMLI_AVX2_INLINE __m256i ppmli_avx2_load_u64(const uint64_t *x) {
  return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

/* The signed upper halves times 2^32, plus the lower ones by the bits of 2^52 + low. */
PPMLI_AVX2_INLINE __m256d ppmli_avx2_from_signed(const uint64_t *x) {
  const __m256i odd = _mm256_setr_epi32(1, 3, 5, 7, 1, 3, 5, 7);
  __m256i bits = ppmli_avx2_load_u64(x), two52 = _mm256_set1_epi64x(0x433LL << 52);
  __m128i high = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bits, odd));
  __m256i low = _mm256_blend_epi32(bits, two52, 0xaa);
  __m256d low_value = _mm256_sub_pd(_mm256_castsi256_pd(low), _mm256_castsi256_pd(two52));
  return _mm256_fmadd_pd(_mm256_cvtepi32_pd(high), _mm256_set1_pd(4294967296.0), low_value);
}

/* 2^52 + ((x + offset) >> shift & mask), by its bits. */
PPMLI_AVX2_INLINE __m256d ppmli_avx2_from_digit(const uint64_t *x, uint64_t offset, uint32_t shift,
                                                uint64_t mask) {
  __m256i sum = _mm256_add_epi64(ppmli_avx2_load_u64(x), _mm256_set1_epi64x((long long)offset));
  __m256i digit = _mm256_srl_epi64(sum, _mm_cvtsi32_si128((int)shift));
  digit = _mm256_and_si256(digit, _mm256_set1_epi64x((long long)mask));
  return _mm256_castsi256_pd(_mm256_or_si256(digit, _mm256_set1_epi64x(0x433LL << 52)));
}

/* x += fraction, in [-1/2, 1/2]: its first 30 bits as a 32-bit integer, what is left, in units
 * of 2^-64, by the bits of 1.5 2^52 plus it. */
PPMLI_AVX2_INLINE void ppmli_avx2_add_fraction(uint64_t *x, __m256d fraction) {
  const __m256d two30 = _mm256_set1_pd(1073741824.0), two34 = _mm256_set1_pd(17179869184.0);
  const __m256d round = _mm256_set1_pd(6755399441055744.0);
  __m128i high = _mm256_cvtpd_epi32(_mm256_mul_pd(fraction, two30));
  __m256d rest = _mm256_fmsub_pd(fraction, two30, _mm256_cvtepi32_pd(high));
  __m256i low = _mm256_castpd_si256(_mm256_fmadd_pd(rest, two34, round));
  low = _mm256_sub_epi64(low, _mm256_castpd_si256(round));
  __m256i torus = _mm256_add_epi64(_mm256_slli_epi64(_mm256_cvtepi32_epi64(high), 34), low);
  torus = _mm256_add_epi64(torus, ppmli_avx2_load_u64(x));
  _mm256_storeu_si256((__m256i *)(void *)x, torus);
}

/* -------------------------------------------------------------- integers */

PPMLI_AVX2_INLINE __m256i ppmli_avx2_load_u32(const uint32_t *x) {
  return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

PPMLI_AVX2_INLINE void ppmli_avx2_store_u32(uint32_t *x, __m256i a) {
  _mm256_storeu_si256((__m256i *)(void *)x, a);
}

/* c - a b modulo 2^32 */
PPMLI_AVX2_INLINE __m256i ppmli_avx2_mulsub_u32(__m256i a, int32_t b, __m256i c) {
  return _mm256_sub_epi32(c, _mm256_mullo_epi32(a, _mm256_set1_epi32(b)));
}

PPMLI_AVX2_INLINE __m256i ppmli_avx2_broadcast_u32(uint32_t x) {
  return _mm256_set1_epi32((int)x);
}

PPMLI_AVX2_INLINE __m256i ppmli_avx2_add_u32(__m256i a, __m256i b) {
  return _mm256_add_epi32(a, b);
}

/* Rotations by whole bytes are one instruction, a permutation of bytes. */
PPMLI_AVX2_INLINE __m256i ppmli_avx2_rotate_u32(__m256i a, int bits) {
  const __m256i by16 = _mm256_set_epi8(13, 12, 15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2, 13, 12,
                                       15, 14, 9, 8, 11, 10, 5, 4, 7, 6, 1, 0, 3, 2);
  const __m256i by8 = _mm256_set_epi8(14, 13, 12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3, 14, 13,
                                      12, 15, 10, 9, 8, 11, 6, 5, 4, 7, 2, 1, 0, 3);
  if (bits == 16) return _mm256_shuffle_epi8(a, by16);
  if (bits == 8) return _mm256_shuffle_epi8(a, by8);
  return _mm256_or_si256(_mm256_slli_epi32(a, bits), _mm256_srli_epi32(a, 32 - bits));
}

PPMLI_AVX2_INLINE __m256d ppmli_avx2_interleave_low(__m256i a, __m256i b) {
  return _mm256_castsi256_pd(_mm256_unpacklo_epi32(a, b));
}

PPMLI_AVX2_INLINE __m256d ppmli_avx2_interleave_high(__m256i a, __m256i b) {
  return _mm256_castsi256_pd(_mm256_unpackhi_epi32(a, b));
}

PPMLI_AVX2_INLINE void ppmli_avx2_store_u64(uint64_t *x, __m256d bits) {
  _mm256_storeu_si256((__m256i *)(void *)x, _mm256_castpd_si256(bits));
}

#include "vector.h"

PPMLI_STATIC const ppmli_backend *ppmli_avx2_backend(void) {
  static const ppmli_backend backend = {PPMLI_V_HOOKS};
  return &backend;
}

#undef PPMLI_VECTOR
#undef PPMLI_WIDTH
#undef PPMLI_RADIX
#undef PPMLI_PAIR
#undef PPMLI_KS_TILE
#undef PPMLI_TARGET
#undef PPMLI_AVX2_INLINE
#endif

#endif
