/* suite.h - what every suite needs of libcheck. */
#ifndef PPML_TEST_SUITE_H
#define PPML_TEST_SUITE_H

#include <check.h>

#if defined(__GNUC__)
#define TEST_UNUSED __attribute__((unused))
#else
#define TEST_UNUSED
#endif
#define TEST_STATIC static TEST_UNUSED

enum { TEST_TIMEOUT_S = 300 }; /* for sanitizers and slow machines */

TEST_STATIC TCase *test_case(Suite *suite, const char *name) {
  TCase *tcase = tcase_create(name);
  tcase_set_timeout(tcase, TEST_TIMEOUT_S);
  tcase_set_tags(tcase, name); /* CK_EXCLUDE_TAGS=noise leaves out long statistics */
  suite_add_tcase(suite, tcase);
  return tcase;
}

TEST_STATIC int test_run(Suite *suite) {
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}

#endif
