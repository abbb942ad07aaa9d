/* The backend for x86-64 CPUs with AVX-512 F and DQ: what a vector of eight
 * doubles can do; vector.h makes the hooks of it.
 *
 * A generic x86-64 build contains these functions and asks the CPU before it calls one.  In: vectors;
 * out: a ppmli_backend.  Next: vector.h. */
#ifndef PPMLI_FFT_AVX512_H
#define PPMLI_FFT_AVX512_H

#include "backend.h"

#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX512)
#include "x86.h"

#define PPMLI_VECTOR avx512
#define PPMLI_WIDTH 8
#define PPMLI_RADIX 8
#define PPMLI_PAIR 2
#define PPMLI_KS_TILE 16
#define PPMLI_TARGET __attribute__((target("avx512f,avx512dq")))
#define PPMLI_AVX512_INLINE PPMLI_INLINE PPMLI_TARGET

typedef __m512d ppmli_avx512_f64;
typedef __m512i ppmli_avx512_u32;

PPMLI_STATIC int ppmli_avx512_supported(void) {
  return PPMLI_X86_HAS("avx512f") && PPMLI_X86_HAS("avx512dq");
}

/* --------------------------------------------------------------- doubles */

PPMLI_AVX512_INLINE __m512d ppmli_avx512_load(const double *x) {
  return _mm512_loadu_pd(x);
}

PPMLI_AVX512_INLINE void ppmli_avx512_store(double *x, __m512d a) {
  _mm512_storeu_pd(x, a);
}

PPMLI_AVX512_INLINE __m512d ppmli_avx512_broadcast(double x) {
  return _mm512_set1_pd(x);
}

/* a b + c and c - a b */
PPMLI_AVX512_INLINE __m512d ppmli_avx512_muladd(__m512d a, __m512d b, __m512d c) {
  return _mm512_fmadd_pd(a, b, c);
}

PPMLI_AVX512_INLINE __m512d ppmli_avx512_mulsub(__m512d a, __m512d b, __m512d c) {
  return _mm512_fnmadd_pd(a, b, c);
}

/* Rows become columns: pairs of rows are interleaved, then quarters, of even and of odd
 * columns, are transposed. */
PPMLI_AVX512_INLINE void ppmli_avx512_transpose_quarters(__m512d *x0, __m512d *x1, __m512d *x2,
                                                         __m512d *x3, __m512d y0, __m512d y1,
                                                         __m512d y2, __m512d y3) {
  __m512d even01 = _mm512_shuffle_f64x2(y0, y1, 0x88), odd01 = _mm512_shuffle_f64x2(y0, y1, 0xdd);
  __m512d even23 = _mm512_shuffle_f64x2(y2, y3, 0x88), odd23 = _mm512_shuffle_f64x2(y2, y3, 0xdd);
  *x0 = _mm512_shuffle_f64x2(even01, even23, 0x88);
  *x1 = _mm512_shuffle_f64x2(odd01, odd23, 0x88);
  *x2 = _mm512_shuffle_f64x2(even01, even23, 0xdd);
  *x3 = _mm512_shuffle_f64x2(odd01, odd23, 0xdd);
}

PPMLI_AVX512_INLINE void ppmli_avx512_transpose(__m512d *x) {
  __m512d lo0 = _mm512_unpacklo_pd(x[0], x[1]), hi0 = _mm512_unpackhi_pd(x[0], x[1]);
  __m512d lo1 = _mm512_unpacklo_pd(x[2], x[3]), hi1 = _mm512_unpackhi_pd(x[2], x[3]);
  __m512d lo2 = _mm512_unpacklo_pd(x[4], x[5]), hi2 = _mm512_unpackhi_pd(x[4], x[5]);
  __m512d lo3 = _mm512_unpacklo_pd(x[6], x[7]), hi3 = _mm512_unpackhi_pd(x[6], x[7]);
  ppmli_avx512_transpose_quarters(x + 0, x + 2, x + 4, x + 6, lo0, lo1, lo2, lo3);
  ppmli_avx512_transpose_quarters(x + 1, x + 3, x + 5, x + 7, hi0, hi1, hi2, hi3);
}

/* ----------------------------------------------------------- conversions */

PPMLI_AVX512_INLINE __m512d ppmli_avx512_from_signed(const uint64_t *x) {
  return _mm512_cvtepi64_pd(_mm512_loadu_si512(x));
}

/* 2^52 + ((x + offset) >> shift & mask), by its bits. */
PPMLI_AVX512_INLINE __m512d ppmli_avx512_from_digit(const uint64_t *x, uint64_t offset,
                                                    uint32_t shift, uint64_t mask) {
  __m512i sum = _mm512_add_epi64(_mm512_loadu_si512(x), _mm512_set1_epi64((long long)offset));
  __m512i digit = _mm512_srl_epi64(sum, _mm_cvtsi32_si128((int)shift));
  __m512i bits = _mm512_ternarylogic_epi64(digit, _mm512_set1_epi64((long long)mask),
                                           _mm512_set1_epi64(0x433LL << 52), 0xea); /* a & b | c */
  return _mm512_castsi512_pd(bits);
}

/* x += fraction, in [-1/2, 1/2].  Exactly 1/2 overflows the conversion, whose answer to
 * that is the bit pattern of -1/2: the same point of the torus. */
PPMLI_AVX512_INLINE void ppmli_avx512_add_fraction(uint64_t *x, __m512d fraction) {
  __m512d scaled = _mm512_mul_pd(fraction, _mm512_set1_pd(18446744073709551616.0));
  __m512i torus = _mm512_cvtpd_epi64(scaled);
  _mm512_storeu_si512(x, _mm512_add_epi64(_mm512_loadu_si512(x), torus));
}

/* -------------------------------------------------------------- integers */

PPMLI_AVX512_INLINE __m512i ppmli_avx512_load_u32(const uint32_t *x) {
  return _mm512_loadu_si512(x);
}

PPMLI_AVX512_INLINE void ppmli_avx512_store_u32(uint32_t *x, __m512i a) {
  _mm512_storeu_si512(x, a);
}

/* c - a b modulo 2^32 */
PPMLI_AVX512_INLINE __m512i ppmli_avx512_mulsub_u32(__m512i a, int32_t b, __m512i c) {
  return _mm512_sub_epi32(c, _mm512_mullo_epi32(a, _mm512_set1_epi32(b)));
}

PPMLI_AVX512_INLINE __m512i ppmli_avx512_broadcast_u32(uint32_t x) {
  return _mm512_set1_epi32((int)x);
}

PPMLI_AVX512_INLINE __m512i ppmli_avx512_add_u32(__m512i a, __m512i b) {
  return _mm512_add_epi32(a, b);
}

/* The form with a count for each lane: the other one takes literals alone. */
PPMLI_AVX512_INLINE __m512i ppmli_avx512_rotate_u32(__m512i a, int bits) {
  return _mm512_rolv_epi32(a, _mm512_set1_epi32(bits));
}

PPMLI_AVX512_INLINE __m512d ppmli_avx512_interleave_low(__m512i a, __m512i b) {
  return _mm512_castsi512_pd(_mm512_unpacklo_epi32(a, b));
}

PPMLI_AVX512_INLINE __m512d ppmli_avx512_interleave_high(__m512i a, __m512i b) {
  return _mm512_castsi512_pd(_mm512_unpackhi_epi32(a, b));
}

PPMLI_AVX512_INLINE void ppmli_avx512_store_u64(uint64_t *x, __m512d bits) {
  _mm512_storeu_si512(x, _mm512_castpd_si512(bits));
}

#include "vector.h"

PPMLI_STATIC const ppmli_backend *ppmli_avx512_backend(void) {
  static const ppmli_backend backend = {PPMLI_V_HOOKS};
  return &backend;
}

#undef PPMLI_VECTOR
#undef PPMLI_WIDTH
#undef PPMLI_RADIX
#undef PPMLI_PAIR
#undef PPMLI_KS_TILE
#undef PPMLI_TARGET
#undef PPMLI_AVX512_INLINE
#endif

#endif
