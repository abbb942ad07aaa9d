/* backend_checks.h - every hook of a backend against ref.h, without a test framework, so that
 * test_backend.c and backend_plain.c (for emulated CPUs) share them.
 *
 * A check returns how many things were wrong and says what on stderr.
 *
 * Bounds.  Transforms and products agree within 2^-48 of the Euclidean norm of ref's values:
 * each of at most 12 levels rounds by some units of 2^-53 of it.  Torus elements agree within
 * 2^-48 of a turn where transforms stay below a turn in size, and within that much of their
 * norm where they do not. */
#ifndef PPML_BACKEND_CHECKS_H
#define PPML_BACKEND_CHECKS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const uint32_t backend_poly_sizes[] = {256, 512, 1024, 2048, 4096};
enum { BACKEND_POLY_SIZES = 5, BACKEND_POLY_MAX = 4096, BACKEND_INPUTS = 8 };
enum { BACKEND_BLOCKS_MAX = 50 };

static const double backend_bound = 3.552713678800501e-15; /* 2^-48 */

/* ----------------------------------------------------------------- inputs */

static void *backend_memory(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, PPML_ALIGNMENT, bytes)) abort();
  memset(memory, 0, bytes);
  return memory;
}

static double *backend_doubles(size_t count) {
  return (double *)backend_memory(count * sizeof(double));
}

/* A transform's tables, in memory that backend_free gives back. */
typedef struct backend_fft {
  ppml_arena arena;
  ppmli_fft *fft;
} backend_fft;

static backend_fft backend_make(const ppmli_backend *backend, uint32_t poly_size) {
  backend_fft x;
  size_t bytes = ppmli_fft_bytes(poly_size);
  if (ppml_arena_init(&x.arena, backend_memory(bytes), bytes) ||
      ppmli_fft_init(&x.fft, poly_size, backend, &x.arena))
    abort();
  return x;
}

static void backend_free(backend_fft *x) {
  free(x->arena.memory);
}

/* Zero, units, constants, extremes, alternating and random: input `kind` < BACKEND_INPUTS. */
static void backend_input(uint64_t *poly, uint32_t poly_size, int kind, ppml_rng *rng) {
  for (uint32_t i = 0; i < poly_size; i++) {
    uint64_t half = (uint64_t)1 << 63, random = ppmli_rng_u64(rng);
    uint64_t input[BACKEND_INPUTS] = {0,
                                      i == 0 ? half / 2 : 0,
                                      i == poly_size - 1 ? half / 2 : 0,
                                      (uint64_t)1 << 40,
                                      half,
                                      half - 1,
                                      i % 2 ? half - 1 : half,
                                      random};
    poly[i] = input[kind];
  }
}

/* ------------------------------------------------------------- comparison */

/* Value at the exponent of ref's index i, which the backend has somewhere else.
 *   place  [points]  out */
static void backend_places(uint32_t *place, const ppmli_fft *ref, const ppmli_fft *fft) {
  static uint32_t at[2 * BACKEND_POLY_MAX];
  for (uint32_t i = 0; i < fft->points; i++) at[fft->exponent[i]] = i;
  for (uint32_t i = 0; i < ref->points; i++) place[i] = at[ref->exponent[i]];
}

static const double *backend_value(const double *values, uint32_t index, size_t stride) {
  return values + index / PPMLI_LANES * stride + index % PPMLI_LANES;
}

/* 0 if transforms agree, their groups standing a stride apart. */
static int backend_differ(const char *what, const ppmli_fft *ref, const double *expected,
                          const ppmli_fft *fft, const double *actual, size_t stride) {
  static uint32_t place[BACKEND_POLY_MAX];
  double squares = 0, most = 0;
  backend_places(place, ref, fft);
  for (uint32_t i = 0; i < ref->points; i++) {
    const double *e = backend_value(expected, i, stride);
    const double *a = backend_value(actual, place[i], stride);
    double re = a[0] - e[0], im = a[PPMLI_LANES] - e[PPMLI_LANES];
    squares += e[0] * e[0] + e[PPMLI_LANES] * e[PPMLI_LANES];
    most = fmax(most, sqrt(re * re + im * im));
  }
  if (most <= backend_bound * sqrt(squares)) return 0; /* a NaN is not */
  fprintf(stderr, "%s, N = %u: %s differs by %g of %g\n", fft->backend->name,
          (unsigned)fft->poly_size, what, most, sqrt(squares));
  return 1;
}

/* 0 if torus elements agree within bound turns. */
static int backend_torus_differ(const char *what, const ppmli_fft *fft, const uint64_t *expected,
                                const uint64_t *actual, double bound) {
  double most = 0;
  for (uint32_t i = 0; i < fft->poly_size; i++)
    most = fmax(most, fabs(ldexp((double)ppmli_torus_signed(actual[i] - expected[i]), -64)));
  if (most <= bound) return 0;
  fprintf(stderr, "%s, N = %u: %s is off by %g turns, not %g\n", fft->backend->name,
          (unsigned)fft->poly_size, what, most, bound);
  return 1;
}

/* ------------------------------------------------------------- transforms */

/* The exponents are ref's in another order, and those of any group's lanes are those of
 * group 0 plus a constant: ppmli_walk relies on it. */
static int check_exponents(const ppmli_backend *backend, uint32_t poly_size) {
  backend_fft r = backend_make(ppmli_backend_ref(), poly_size),
              x = backend_make(backend, poly_size);
  static int seen[2 * BACKEND_POLY_MAX];
  int wrong = 0;
  memset(seen, 0, sizeof seen);
  for (uint32_t i = 0; i < x.fft->points; i++) {
    const uint16_t *e = x.fft->exponent, *group = e + i / PPMLI_LANES * PPMLI_LANES;
    seen[r.fft->exponent[i]]++, seen[e[i]]--;
    if (backend != ppmli_backend_ref()) wrong += e[i] - group[0] != e[i % PPMLI_LANES] - e[0];
  }
  for (uint32_t e = 0; e < 2 * poly_size; e++) wrong += seen[e] != 0;
  if (wrong) fprintf(stderr, "%s, N = %u: exponents\n", backend->name, (unsigned)poly_size);
  backend_free(&r), backend_free(&x);
  return wrong;
}

/* forward_signed and forward_digit at every exponent, with groups apart. */
static int check_forward(const ppmli_backend *backend, uint32_t poly_size) {
  static const struct {
    uint32_t base_log2, levels;
  } gadgets[] = {{17, 1}, {23, 1}, {8, 3}, {1, 2}, {31, 2}};
  backend_fft r = backend_make(ppmli_backend_ref(), poly_size),
              x = backend_make(backend, poly_size);
  static uint64_t poly[BACKEND_POLY_MAX];
  size_t stride = 3 * PPMLI_GROUP;
  double *expected = backend_doubles(3 * poly_size), *actual = backend_doubles(3 * poly_size);
  double *work = backend_doubles(poly_size);
  ppml_rng rng;
  int wrong = 0;
  ppml_rng_init_for_tests(&rng, poly_size);
  for (int kind = 0; kind < BACKEND_INPUTS; kind++) {
    backend_input(poly, poly_size, kind, &rng);
    ppmli_backend_ref()->forward_signed(r.fft, expected, stride, poly, ldexp(1, -64), work);
    backend->forward_signed(x.fft, actual, stride, poly, ldexp(1, -64), work);
    wrong += backend_differ("forward_signed", r.fft, expected, x.fft, actual, stride);
    for (size_t g = 0; g < sizeof gadgets / sizeof gadgets[0]; g++)
      for (uint32_t level = 0; level < gadgets[g].levels; level++) {
        ppmli_gadget gadget = ppmli_gadget_make(gadgets[g].base_log2, gadgets[g].levels, 64);
        ppmli_backend_ref()->forward_digit(r.fft, expected, stride, poly, &gadget, level, work);
        backend->forward_digit(x.fft, actual, stride, poly, &gadget, level, work);
        wrong += backend_differ("forward_digit", r.fft, expected, x.fft, actual, stride);
      }
  }
  free(expected), free(actual), free(work);
  backend_free(&r), backend_free(&x);
  return wrong;
}

static int check_round_trip(const ppmli_backend *backend, uint32_t poly_size) {
  backend_fft x = backend_make(backend, poly_size);
  static uint64_t poly[BACKEND_POLY_MAX], twice[BACKEND_POLY_MAX], back[BACKEND_POLY_MAX];
  double *values = backend_doubles(2 * poly_size), *work = backend_doubles(poly_size);
  ppml_rng rng;
  int wrong = 0;
  ppml_rng_init_for_tests(&rng, poly_size + 1);
  for (int kind = 0; kind < BACKEND_INPUTS; kind++) {
    double scale = ldexp(1.0 / x.fft->points, -64);
    backend_input(poly, poly_size, kind, &rng);
    backend->forward_signed(x.fft, values, 2 * PPMLI_GROUP, poly, scale, work);
    memset(back, 0, sizeof back);
    backend->backward_add(x.fft, back, values, 2 * PPMLI_GROUP, work);
    wrong += backend_torus_differ("backward of forward", x.fft, poly, back, backend_bound);
    for (uint32_t i = 0; i < poly_size; i++) twice[i] = 2 * poly[i];
    backend->backward_add(x.fft, back, values, 2 * PPMLI_GROUP, work);
    wrong += backend_torus_differ("backward added", x.fft, twice, back, 2 * backend_bound);
  }
  free(values), free(work);
  backend_free(&x);
  return wrong;
}

/* 2^24 + 1/4 turns everywhere, then halves of a turn, whose whole part vanishes. */
static int check_whole_turns(const ppmli_backend *backend, uint32_t poly_size) {
  backend_fft x = backend_make(backend, poly_size);
  static uint64_t poly[BACKEND_POLY_MAX], quarter[BACKEND_POLY_MAX], back[BACKEND_POLY_MAX];
  static const int64_t quarters[] = {67108865, -67108863, 5, -3, 2, -2, 0};
  double *values = backend_doubles(poly_size), *work = backend_doubles(poly_size);
  int wrong = 0;
  for (size_t q = 0; q < sizeof quarters / sizeof quarters[0]; q++) {
    double turns = (double)quarters[q] / 4;
    for (uint32_t i = 0; i < poly_size; i++) {
      poly[i] = (uint64_t)quarters[q];
      quarter[i] = (uint64_t)quarters[q] << 62;
    }
    memset(back, 0, sizeof back);
    backend->forward_signed(x.fft, values, PPMLI_GROUP, poly, 0.25 / x.fft->points, work);
    backend->backward_add(x.fft, back, values, PPMLI_GROUP, work);
    wrong += backend_torus_differ("whole turns", x.fft, quarter, back,
                                  backend_bound * sqrt(poly_size) * (fabs(turns) + 1));
  }
  free(values), free(work);
  backend_free(&x);
  return wrong;
}

/* ---------------------------------------------------------------- product */

typedef struct backend_shape {
  size_t samples, terms, rows, columns;
  int monomials, in_place;
} backend_shape;

/* Those of the fast, precise and balanced sets, one sample alone, an odd one, more than fit in
 * a walk, the first layer's, and shapes that no set has. */
static const backend_shape backend_shapes[] = {
    {5, 3, 4, 4, 1, 0},  {4, 3, 4, 4, 1, 1},  {17, 1, 3, 3, 1, 0}, {17, 1, 3, 3, 1, 1},
    {19, 3, 3, 3, 1, 1}, {1, 2, 2, 2, 1, 1},  {9, 7, 1, 1, 1, 0},  {50, 1, 1, 1, 1, 1},
    {3, 1, 7, 3, 0, 0},  {16, 1, 2, 2, 0, 0}, {2, 1, 2, 5, 1, 0},  {3, 2, 8, 4, 1, 0},
    {3, 1, 1, 9, 0, 0},  {17, 1, 5, 5, 1, 1}, {2, 1, 3, 6, 1, 0}};
enum { BACKEND_SHAPES = sizeof backend_shapes / sizeof backend_shapes[0] };

/* Transforms polynomials, as forward_signed / forward_digit interleave them for a product.
 *   out    [outer][groups][inner][GROUP]
 *   polys  [outer][inner][N] */
static void backend_transform(const ppmli_fft *fft, double *out, const uint64_t *polys,
                              size_t outer, size_t inner, double scale) {
  size_t N = fft->poly_size;
  double *work = backend_doubles(N);
  for (size_t o = 0; o < outer; o++)
    for (size_t i = 0; i < inner; i++)
      fft->backend->forward_signed(fft, out + o * inner * N + i * PPMLI_GROUP, inner * PPMLI_GROUP,
                                   polys + (o * inner + i) * N, scale, work);
  free(work);
}

/* out [samples][groups][columns][GROUP] of digits and keys, both [..][N]. */
static void backend_product(const ppmli_fft *fft, double *out, const backend_shape *s,
                            const uint16_t *exponents, const uint64_t *digits,
                            const uint64_t *keys) {
  size_t N = fft->poly_size, key_polys = s->terms * s->rows * s->columns;
  ppmli_product shape = {s->samples, s->terms, s->rows, s->columns, NULL};
  double *a = backend_doubles(s->samples * s->rows * N), *b = backend_doubles(key_polys * N);
  if (s->monomials) shape.exponents = exponents;
  backend_transform(fft, a, digits, s->samples, s->rows, 1);
  backend_transform(fft, b, keys, 1, key_polys, ldexp(1, -64));
  fft->backend->product(fft, s->in_place ? a : out, a, b, &shape);
  if (s->in_place) memcpy(out, a, s->samples * s->columns * N * sizeof *out);
  free(a), free(b);
}

static int check_product_shape(const ppmli_fft *ref, const ppmli_fft *fft, const backend_shape *s,
                               ppml_rng *rng) {
  size_t N = fft->poly_size, polys = s->samples * s->columns;
  size_t digit_count = s->samples * s->rows * N, key_count = s->terms * s->rows * s->columns * N;
  uint64_t *digits = (uint64_t *)backend_memory(digit_count * sizeof *digits);
  uint64_t *keys = (uint64_t *)backend_memory(key_count * sizeof *keys);
  uint16_t exponents[64];
  double *expected = backend_doubles(polys * N), *actual = backend_doubles(polys * N);
  int wrong = 0;
  for (size_t i = 0; i < digit_count; i++) digits[i] = (ppmli_rng_u64(rng) >> 47) - 65536;
  for (size_t i = 0; i < key_count; i++) keys[i] = ppmli_rng_u64(rng);
  for (size_t i = 0; i < s->samples * s->terms; i++)
    exponents[i] = (uint16_t)(i % 5 ? ppmli_rng_u64(rng) % (2 * N) : i % 2 ? 2 * N - 1 : 0);
  backend_product(ref, expected, s, exponents, digits, keys);
  backend_product(fft, actual, s, exponents, digits, keys);
  for (size_t p = 0; p < polys; p++) {
    size_t at = p / s->columns * s->columns * N + p % s->columns * PPMLI_GROUP;
    wrong +=
        backend_differ("product", ref, expected + at, fft, actual + at, s->columns * PPMLI_GROUP);
  }
  free(digits), free(keys), free(expected), free(actual);
  return wrong;
}

static int check_product(const ppmli_backend *backend, uint32_t poly_size) {
  backend_fft r = backend_make(ppmli_backend_ref(), poly_size),
              x = backend_make(backend, poly_size);
  ppml_rng rng;
  int wrong = 0;
  ppml_rng_init_for_tests(&rng, poly_size + 2);
  for (size_t s = 0; s < BACKEND_SHAPES; s++)
    wrong += check_product_shape(r.fft, x.fft, &backend_shapes[s], &rng);
  backend_free(&r), backend_free(&x);
  return wrong;
}

/* ------------------------------------------------------------- key switch */

/* Integers are equal; digits and key words of any size, so that products wrap. */
static int check_key_switch(const ppmli_backend *backend, size_t samples) {
  enum { ROWS = 37, BLOCKS = 3, COLUMNS = BLOCKS * PPMLI_KS_COLUMNS, SAMPLES_MAX = 40 };
  static uint32_t key[ROWS * COLUMNS], expected[SAMPLES_MAX * COLUMNS];
  static uint32_t actual[SAMPLES_MAX * COLUMNS];
  static int32_t digits[ROWS * SAMPLES_MAX];
  int wrong = 0;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, samples);
  ppmli_rng_bytes(&rng, key, sizeof key);
  ppmli_rng_bytes(&rng, digits, sizeof digits);
  ppmli_rng_bytes(&rng, expected, sizeof expected);
  digits[0] = INT32_MIN, digits[1] = INT32_MAX, key[0] = UINT32_MAX, key[1] = 0x80000000u;
  memcpy(actual, expected, sizeof actual);
  for (size_t rows = 0; rows <= ROWS; rows += ROWS) {
    ppmli_backend_ref()->key_switch(expected, digits, key, samples, rows, BLOCKS);
    backend->key_switch(actual, digits, key, samples, rows, BLOCKS);
    wrong += memcmp(actual, expected, sizeof actual) != 0; /* nothing behind the last either */
  }
  if (wrong) fprintf(stderr, "%s: key_switch of %u samples\n", backend->name, (unsigned)samples);
  return wrong;
}

/* ------------------------------------------------------------------ masks */

/* Words are equal, whole vectors and the rest of one, and nothing is written behind them; the
 * counter runs on, over its end as well. */
static int check_chacha(const ppmli_backend *backend, size_t blocks) {
  enum { WORDS = 8 * (BACKEND_BLOCKS_MAX + 1) };
  static const uint32_t counters[] = {0, 1, 16, 0x7ffffffe, 0xfffffff9};
  static uint64_t expected[WORDS], actual[WORDS];
  uint32_t state[16];
  int wrong = 0;
  ppml_rng rng;
  ppml_rng_init_for_tests(&rng, blocks);
  for (size_t c = 0; c < sizeof counters / sizeof counters[0]; c++) {
    ppmli_rng_bytes(&rng, state, sizeof state);
    ppmli_rng_bytes(&rng, expected, sizeof expected);
    memcpy(actual, expected, sizeof actual);
    state[12] = counters[c];
    for (size_t b = 0; b < blocks; b++, state[12]++)
      ppmli_backend_ref()->chacha(expected + 8 * b, state, 1);
    state[12] = counters[c];
    backend->chacha(actual, state, blocks);
    wrong += memcmp(actual, expected, sizeof actual) != 0;
  }
  if (wrong) fprintf(stderr, "%s: chacha of %u blocks\n", backend->name, (unsigned)blocks);
  return wrong;
}

#endif
