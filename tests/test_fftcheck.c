/* test_fftcheck.c - the check of doubles finds each hook that goes wrong, on every backend. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint32_t poly_sizes[] = {512, 1024, 2048, 4096}; /* those of the sets */
enum { SIZES = sizeof poly_sizes / sizeof poly_sizes[0] };

static int check(const ppmli_backend *backend, uint32_t poly_size) {
  ppmli_fft *fft;
  ppml_arena arena = test_arena(ppmli_fft_bytes(poly_size) + ppmli_fftcheck_scratch(poly_size));
  ck_assert_int_eq(ppmli_fft_init(&fft, poly_size, backend, &arena), PPML_OK);
  int error = ppmli_fft_check(fft, &arena);
  ck_assert(arena.used_bytes == ppmli_fft_bytes(poly_size));
  test_arena_free(&arena);
  return error;
}

START_TEST(every_backend_passes) {
  const ppmli_backend *backend;
  for (size_t b = 0; (backend = ppmli_backend_by_index(b)) != NULL; b++)
    for (int s = 0; s < SIZES; s++) ck_assert_int_eq(check(backend, poly_sizes[s]), PPML_OK);
}
END_TEST

/* ------------------------------------------------- hooks that go wrong */

/* (x + big) - big folded to x: nothing is left of a number of turns. */
static void folded_backward(const ppmli_fft *fft, uint64_t *poly, const double *in, size_t stride,
                            double *work) {
  (void)fft, (void)poly, (void)in, (void)stride, (void)work;
}

/* Whole turns not taken off at all: what is converted then saturates. */
static void unrounded_backward(const ppmli_fft *fft, uint64_t *poly, const double *in,
                               size_t stride, double *work) {
  static uint64_t sum[4096];
  memset(sum, 0, sizeof sum);
  ppmli_backend_ref()->backward_add(fft, sum, in, stride, work);
  for (uint32_t i = 0; i < fft->poly_size; i++) poly[i] += sum[i] | PPMLI_TORUS_HALF;
}

/* Words as floats have them. */
static void float_forward(const ppmli_fft *fft, double *out, size_t stride, const uint64_t *poly,
                          double scale, double *work) {
  static uint64_t words[4096];
  for (uint32_t i = 0; i < fft->poly_size; i++) words[i] = poly[i] & ~(uint64_t)0xffffffffff;
  ppmli_backend_ref()->forward_signed(fft, out, stride, words, scale, work);
}

/* Half a turn taken for minus half a turn is none the less right: integers multiply it.  One
 * that is read as zero is not. */
static void halfless_forward(const ppmli_fft *fft, double *out, size_t stride, const uint64_t *poly,
                             double scale, double *work) {
  static uint64_t words[4096];
  for (uint32_t i = 0; i < fft->poly_size; i++) words[i] = poly[i] & ~PPMLI_TORUS_HALF;
  ppmli_backend_ref()->forward_signed(fft, out, stride, words, scale, work);
}

/* Digits of 2^52 + x, less 2^52 and not half a base. */
static void shifted_digits(const ppmli_fft *fft, double *out, size_t stride, const uint64_t *poly,
                           const ppmli_gadget *gadget, uint32_t level, double *work) {
  ppmli_gadget wrong = *gadget;
  wrong.offset = 0;
  ppmli_backend_ref()->forward_digit(fft, out, stride, poly, &wrong, level, work);
}

/* Values of a transform to 36 bits. */
static void coarse_product(const ppmli_fft *fft, double *out, const double *a, const double *b,
                           const ppmli_product *shape) {
  ppmli_backend_ref()->product(fft, out, a, b, shape);
  for (uint32_t i = 0; i < fft->poly_size; i++) out[i] *= 1 + (i % 3 ? 1 : -1) * ldexp(1, -36);
}

static void check_broken(const ppmli_backend *broken) {
  for (int s = 0; s < SIZES; s++)
    ck_assert_int_eq(check(broken, poly_sizes[s]), PPML_ERR_ARITHMETIC);
}

START_TEST(each_hook_that_goes_wrong_is_found) {
  const ppmli_backend right = *ppmli_backend_ref();
  ppmli_backend broken = right;
  broken.backward_add = folded_backward, check_broken(&broken);
  broken.backward_add = unrounded_backward, check_broken(&broken);
  broken = right, broken.forward_signed = float_forward, check_broken(&broken);
  broken = right, broken.forward_signed = halfless_forward, check_broken(&broken);
  broken = right, broken.forward_digit = shifted_digits, check_broken(&broken);
  broken = right, broken.product = coarse_product, check_broken(&broken);
}
END_TEST

/* What a reader of a key is told, and that it leaves nothing: a broken hook under the name of none. */
START_TEST(a_key_is_refused_where_doubles_are_not_ieee_s) {
  ppmli_backend broken = *ppmli_backend_ref();
  ppml_client client = test_client("leveled-16");
  test_keys keys;
  ppml_eval_key key;
  ppml_limits limits = ppml_limits_default();
  broken.backward_add = folded_backward;
  test_keys_make(&keys, &client, 41);
  ppml_arena arena = test_arena(ppml_eval_key_read_bytes(client.params, 1));
  ppml_reader reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  ck_assert_int_eq(ppmli_eval_key_read(&key, &reader, &limits, NULL, &broken, NULL, &arena),
                   PPML_ERR_ARITHMETIC);
  arena.used_bytes = 0;
  reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  ck_assert_int_eq(ppmli_eval_key_stream(&key, &reader, &limits, NULL, &broken, 1, &arena),
                   PPML_ERR_ARITHMETIC);
  test_arena_free(&arena);
  test_keys_free(&keys);
}
END_TEST

START_TEST(scratch_is_exactly_what_is_said) {
  for (size_t less = 0; less < 2; less++) {
    ppmli_fft *fft;
    ppml_arena arena = test_arena(ppmli_fft_bytes(512) + ppmli_fftcheck_scratch(512) - less);
    ck_assert_int_eq(ppmli_fft_init(&fft, 512, ppmli_backend_ref(), &arena), PPML_OK);
    ck_assert_int_eq(ppmli_fft_check(fft, &arena), less ? PPML_ERR_NOMEM : PPML_OK);
    test_arena_free(&arena);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("fftcheck");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom");
  tcase_add_test(law, every_backend_passes);
  tcase_add_test(error, each_hook_that_goes_wrong_is_found);
  tcase_add_test(error, a_key_is_refused_where_doubles_are_not_ieee_s);
  tcase_add_test(oom, scratch_is_exactly_what_is_said);
  return test_run(suite);
}
