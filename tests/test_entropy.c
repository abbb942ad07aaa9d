/* test_entropy.c - what the system's entropy source may answer: a call that was interrupted, that
 * fails, that the kernel does not know.  The system call and the file are this unit's own. */
#include <errno.h>
#include <stddef.h>

static long fake_getrandom(void *bytes, size_t count);
static const char *urandom_path;

#define PPMLI_GETRANDOM(bytes, count) fake_getrandom((bytes), (count))
#define PPMLI_URANDOM urandom_path
#define PPML_IMPLEMENTATION
#include "support.h"

#include <unistd.h>

enum { FROM_CALL = 0xca, FROM_FILE = 0xf1 };

/* What the calls to come answer: an errno, or -count for that many bytes; the last one stays. */
static const int *answers;
static int calls;

static long fake_getrandom(void *bytes, size_t count) {
  int answer = answers[0];
  if (answers[1] != 0) answers++;
  calls++;
  if (answer > 0) {
    errno = answer;
    return -1;
  }
  size_t take = ppmli_min_size((size_t)-answer, count);
  memset(bytes, FROM_CALL, take);
  return (long)take;
}

static char file_path[] = "/tmp/test_entropy_XXXXXX";

/* A file of count bytes in place of /dev/urandom. */
static void make_file(size_t count) {
  uint8_t bytes[64];
  strcpy(file_path + sizeof file_path - 7, "XXXXXX");
  int fd = mkstemp(file_path);
  memset(bytes, FROM_FILE, sizeof bytes);
  ck_assert(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
  close(fd);
  urandom_path = file_path;
}

/* Asks for 32 bytes, which come from where they should, or the error.
 *   from  FROM_CALL, FROM_FILE, or 0: there are none */
static void check(const int *say, size_t file_bytes, int from) {
  uint8_t bytes[32] = {0};
  make_file(file_bytes);
  answers = say;
  calls = 0;
  ck_assert_int_eq(ppmli_entropy(bytes, sizeof bytes), from ? PPML_OK : PPML_ERR_RNG);
  for (size_t i = 0; from && i < sizeof bytes; i++) ck_assert_uint_eq(bytes[i], (unsigned)from);
  unlink(file_path);
}

START_TEST(a_call_that_was_interrupted_is_repeated) {
  static const int interrupted[] = {EINTR, EINTR, EAGAIN, -32, 0},
                   short_of[] = {-5, EINTR, -1, -40, 0};
  check(interrupted, 64, FROM_CALL);
  ck_assert_int_eq(calls, 4);
  check(short_of, 64, FROM_CALL);
  ck_assert_int_eq(calls, 4);
}
END_TEST

START_TEST(a_kernel_without_the_call_has_the_file) {
  static const int unknown[] = {ENOSYS, 0}, later[] = {EINTR, -7, ENOSYS, 0};
  check(unknown, 64, FROM_FILE);
  check(later, 64, FROM_FILE);
  check(unknown, 31, 0);
  make_file(64);
  unlink(file_path);
  uint8_t bytes[32];
  answers = unknown;
  ck_assert_int_eq(ppmli_entropy(bytes, sizeof bytes), PPML_ERR_RNG);
}
END_TEST

START_TEST(no_other_failure_leads_to_the_file) {
  static const int failures[][2] = {{EPERM, 0}, {EIO, 0}, {EFAULT, 0}, {EINVAL, 0}, {EACCES, 0}};
  for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    check(failures[i], 64, 0);
    ck_assert_int_eq(calls, 1);
  }
}
END_TEST

START_TEST(a_call_that_never_succeeds_ends) {
  static const int never[] = {EAGAIN, 0}, interrupted[] = {EINTR, 0};
  check(never, 64, 0);
  check(interrupted, 64, 0);
  ck_assert_int_eq(calls, PPMLI_ENTROPY_TRIES);
}
END_TEST

START_TEST(a_generator_tells_what_its_entropy_tells) {
  static const int works[] = {-32, 0}, fails[] = {EIO, 0};
  uint8_t byte;
  ppml_rng rng;
  urandom_path = "/dev/null";
  answers = fails;
  ck_assert_int_eq(ppml_rng_init(&rng), PPML_ERR_RNG);
  ck_assert_int_eq(ppml_rng_bytes(&rng, &byte, 1), PPML_ERR_RNG);
  answers = works;
  ck_assert_int_eq(ppml_rng_bytes(&rng, &byte, 1), PPML_ERR_RNG); /* it was never set up */
  ck_assert_int_eq(ppml_rng_init(&rng), PPML_OK);
  ck_assert_int_eq(ppml_rng_bytes(&rng, &byte, 1), PPML_OK);
  answers = fails;
  ck_assert_int_eq(ppml_rng_bytes(&rng, &byte, 1), PPML_ERR_RNG);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("entropy");
  TCase *law = test_case(suite, "law"), *error = test_case(suite, "error");
  tcase_add_test(law, a_call_that_was_interrupted_is_repeated);
  tcase_add_test(law, a_kernel_without_the_call_has_the_file);
  tcase_add_test(error, no_other_failure_leads_to_the_file);
  tcase_add_test(error, a_call_that_never_succeeds_ends);
  tcase_add_test(error, a_generator_tells_what_its_entropy_tells);
  return test_run(suite);
}
