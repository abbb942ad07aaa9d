/* The transform that the server multiplies polynomials with: which backend runs it, and the tables of
 * roots it needs.  fft/backend.h says what a backend is, fft/ref.h is the plain one that defines
 * correct.  Results are rounded; math/wide.h is for sums that must not be.  In: the size of a
 * polynomial; out: tables.  Next: fft/backend.h. */
#ifndef PPMLI_MATH_FFT_H
#define PPMLI_MATH_FFT_H

#include <float.h>
#include <math.h>

#include "../base/arena.h"
#include "fft/avx2.h"
#include "fft/avx512.h"
#include "fft/backend.h"
#include "fft/neon.h"
#include "fft/ref.h"

/* What a compiler tells of itself; fftcheck.h finds what it does not. */
#if defined(__FAST_MATH__)
#error "ppml: -ffast-math (-Ofast) makes encrypted answers wrong: leave it out"
#elif FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "ppml: doubles must be rounded to doubles: on x86 add -msse2 -mfpmath=sse"
#endif

/* The backends that are built, best first. */
PPMLI_STATIC const ppmli_backend *ppmli_backend_built(size_t index) {
  static const ppmli_backend *(*const built[])(void) = {
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX512)
    ppmli_avx512_backend,
#endif
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_AVX2)
    ppmli_avx2_backend,
#endif
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_NEON)
    ppmli_neon_backend,
#endif
#if PPMLI_BACKEND_BUILT(PPML_BACKEND_REF)
    ppmli_backend_ref,
#endif
  };
  return index < sizeof built / sizeof built[0] ? built[index]() : NULL;
}

/* The index-th backend that this CPU supports, best first, or NULL. */
PPMLI_STATIC const ppmli_backend *ppmli_backend_by_index(size_t index) {
  const ppmli_backend *b;
  for (size_t i = 0; (b = ppmli_backend_built(i)) != NULL; i++)
    if (b->supported() && index-- == 0) return b;
  return NULL;
}

/* The backend of that name, NULL naming the best; NULL if this CPU has none such. */
PPMLI_STATIC const ppmli_backend *ppmli_backend_by_name(const char *name) {
  const ppmli_backend *b;
  for (size_t i = 0; (b = ppmli_backend_by_index(i)) != NULL; i++)
    if (name == NULL || strcmp(b->name, name) == 0) return b;
  return NULL;
}

/* The most that any backend's tables take, built or not, so that sizes depend neither on the CPU
 * nor on the build: a program may take sizes from an export of another one. */
PPMLI_INLINE size_t ppmli_fft_table_doubles(uint32_t points) {
  return points;
}

PPMLI_STATIC size_t ppmli_fft_bytes(uint32_t poly_size) {
  uint32_t points = poly_size / 2;
  return ppmli_arena_rounded(sizeof(ppmli_fft)) +
         ppmli_arena_rounded(4 * (size_t)poly_size * sizeof(double)) +
         ppmli_arena_rounded(2 * (size_t)points * sizeof(double)) +
         ppmli_arena_rounded(points * sizeof(uint16_t)) +
         ppmli_arena_rounded(ppmli_fft_table_doubles(points) * sizeof(double));
}

/* cos and sin of pi t / N, reduced to the first octant so that tables are symmetric. */
PPMLI_STATIC void ppmli_fft_root(double *re_im, uint32_t t, uint32_t poly_size) {
  const double pi = 3.14159265358979323846;
  uint32_t quadrant = 2 * t / poly_size, rest = t - quadrant * poly_size / 2;
  double c, s;
  if (rest <= poly_size / 4) {
    c = cos(pi * rest / poly_size), s = sin(pi * rest / poly_size);
  } else {
    c = sin(pi * (poly_size / 2 - rest) / poly_size);
    s = cos(pi * (poly_size / 2 - rest) / poly_size);
  }
  re_im[0] = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
  re_im[1] = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
}

/* Tables for polynomials of poly_size coefficients, a power of two in 256..4096.
 *   backend  from ppmli_backend_by_name
 * Memory: ppmli_fft_bytes.  Errors: NOMEM. */
PPMLI_STATIC int ppmli_fft_init(ppmli_fft **out, uint32_t poly_size, const ppmli_backend *backend,
                                ppml_arena *arena) {
  uint32_t points = poly_size / 2;
  PPMLI_ALLOC(ppmli_fft, fft, arena, 1);
  PPMLI_ALLOC(double, root, arena, 4 * (size_t)poly_size);
  PPMLI_ALLOC(double, zeta, arena, 2 * (size_t)points);
  PPMLI_ALLOC(uint16_t, exponent, arena, points);
  PPMLI_ALLOC(double, table, arena, ppmli_fft_table_doubles(points));
  for (uint32_t t = 0; t < 2 * poly_size; t++) ppmli_fft_root(root + 2 * t, t, poly_size);
  zeta[0] = zeta[1] = 0;
  for (uint32_t node = 1; node < points; node++) {
    uint32_t e = ppmli_fft_tree_exponent(node, poly_size) / 2; /* of its left child */
    memcpy(zeta + 2 * node, root + 2 * e, 2 * sizeof(double));
  }
  PPMLI_ASSERT(backend->table_doubles(points) <= ppmli_fft_table_doubles(points));
  fft->backend = backend;
  fft->poly_size = poly_size;
  fft->points = points;
  fft->root = root;
  fft->zeta = zeta;
  fft->exponent = exponent;
  fft->table = table;
  backend->prepare(fft);
  *out = fft;
  return PPML_OK;
}

#endif
