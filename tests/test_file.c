/* test_file.c - inputs read whole, outputs that appear whole or not at all.
 *
 * May run as root, so what cannot be written is what cannot exist, and a full disk is /dev/full or
 * a limit on the size of files.  libcheck forks: each test has its own descriptors and limits. */
#include "../examples/cli/file.h"
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/ppml_test_file_XXXXXX";
static char path[128]; /* of a file in folder, which is not there yet */

static void set_up(void) {
  ck_assert(mkdtemp(folder));
  snprintf(path, sizeof path, "%s/out", folder);
}

/* Names in folder; with remove_them, none afterwards. */
static int count_files(int remove_them) {
  DIR *listing = opendir(folder);
  int count = 0;
  ck_assert(listing);
  for (struct dirent *item; (item = readdir(listing)) != NULL;) {
    char name[512];
    if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0) continue;
    count++;
    snprintf(name, sizeof name, "%s/%s", folder, item->d_name);
    if (remove_them) unlink(name);
  }
  closedir(listing);
  return count;
}

static void tear_down(void) {
  count_files(1);
  rmdir(folder);
}

static void put(const char *name, const char *text, mode_t mode) {
  int descriptor = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  ck_assert_int_ge(descriptor, 0);
  ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
  ck_assert_int_eq(fchmod(descriptor, mode), 0);
  close(descriptor);
}

static void check_holds(const char *name, const char *text) {
  file_input input;
  const char *reason = file_read(&input, name, 1 << 20);
  ck_assert_msg(!reason, "%s", reason);
  ck_assert_uint_eq(input.count, strlen(text));
  ck_assert_mem_eq(input.bytes, text, strlen(text));
  file_free(&input);
}

static unsigned mode_of(const char *name) {
  struct stat status;
  ck_assert_int_eq(stat(name, &status), 0);
  return (unsigned)status.st_mode & 0777U;
}

/* -------------------------------------------------------------------------------- input */

START_TEST(a_file_is_read_up_to_its_limit_and_not_beyond) {
  file_input input;
  put(path, "12345", 0644);
  for (size_t limit = 0; limit < 5; limit++) {
    ck_assert(file_read(&input, path, limit));
    ck_assert_int_eq(input.status, FILE_TOO_LARGE);
    ck_assert_ptr_eq(input.bytes, NULL);
  }
  ck_assert_str_eq(input.message, "too large (expected at most 4 bytes)");
  for (size_t limit = 5; limit < 8; limit++) {
    ck_assert(!file_read(&input, path, limit));
    ck_assert_uint_eq(input.count, 5);
    ck_assert_mem_eq(input.bytes, "12345", 5);
    file_free(&input);
    ck_assert_ptr_eq(input.bytes, NULL);
  }
}
END_TEST

START_TEST(an_empty_file_is_no_bytes_and_not_null) {
  file_input input;
  put(path, "", 0644);
  for (size_t limit = 0; limit < 2; limit++) {
    ck_assert(!file_read(&input, path, limit));
    ck_assert_uint_eq(input.count, 0);
    ck_assert_ptr_ne(input.bytes, NULL);
    file_free(&input);
    file_free(&input);
  }
}
END_TEST

START_TEST(a_missing_input_is_66) {
  file_input input;
  const char *reason = file_read(&input, path, 100);
  ck_assert_str_eq(reason, "cannot open it (No such file or directory)");
  ck_assert_int_eq(input.status, FILE_MISSING);
  ck_assert(file_read(&input, folder, 100));
  ck_assert_int_eq(input.status, FILE_MISSING);
}
END_TEST

START_TEST(a_pipe_on_standard_input_is_read_to_its_end) {
  enum { BYTES = 300000 };
  int ends[2];
  file_input input;
  ck_assert_int_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < BYTES / 100; i++) {
      char text[101];
      snprintf(text, sizeof text, "%0100d", i);
      if (write(ends[1], text, 100) != 100) _exit(1);
    }
    _exit(0);
  }
  close(ends[1]);
  dup2(ends[0], STDIN_FILENO);
  ck_assert(!file_read(&input, "-", BYTES));
  ck_assert_uint_eq(input.count, BYTES);
  ck_assert_mem_eq(input.bytes + BYTES - 4, "2999", 4);
  file_free(&input);
}
END_TEST

START_TEST(an_endless_input_stops_at_the_limit) {
  file_input input;
  ck_assert(file_read(&input, "/dev/zero", 1000000));
  ck_assert_int_eq(input.status, FILE_TOO_LARGE);
}
END_TEST

START_TEST(a_closed_standard_input_is_74) {
  file_input input;
  close(STDIN_FILENO);
  ck_assert(file_read(&input, "-", 100));
  ck_assert_int_eq(input.status, FILE_IO);
}
END_TEST

/* ------------------------------------------------------------------------------- output */

START_TEST(an_output_is_not_there_before_commit_and_whole_after) {
  file_output output;
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(!file_write(&output, "whole", 5));
  ck_assert_int_ne(access(path, F_OK), 0);
  ck_assert(!file_commit(&output));
  check_holds(path, "whole");
  ck_assert_int_eq(count_files(0), 1);
}
END_TEST

START_TEST(writes_of_any_size_arrive_in_order) {
  enum { BYTES = 40000 };
  static char text[BYTES + 1];
  file_output output;
  size_t done = 0;
  for (size_t i = 0; i < BYTES; i++) text[i] = (char)('a' + i * i % 23);
  ck_assert(!file_create(&output, path, 0666));
  for (size_t step = 0; done < BYTES; step = (step * 7 + 1) % 9000) {
    size_t count = step < BYTES - done ? step : BYTES - done;
    ck_assert(!file_write(&output, text + done, count));
    done += count;
  }
  ck_assert(!file_commit(&output));
  check_holds(path, text);
}
END_TEST

START_TEST(an_existing_output_is_replaced_at_commit_only) {
  file_output output;
  put(path, "old", 0644);
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(!file_write(&output, "new", 3));
  check_holds(path, "old");
  ck_assert(!file_commit(&output));
  check_holds(path, "new");
  ck_assert_int_eq(count_files(0), 1);
}
END_TEST

START_TEST(an_abort_leaves_what_was_there) {
  file_output output;
  put(path, "old", 0644);
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(!file_write(&output, "new", 3));
  file_abort(&output);
  file_abort(&output);
  check_holds(path, "old");
  ck_assert_int_eq(count_files(0), 1);
  ck_assert(file_write(&output, "more", 4));
  ck_assert(file_commit(&output));
  check_holds(path, "old");
}
END_TEST

START_TEST(a_secret_is_for_its_owner_alone_whatever_was_there) {
  file_output output;
  umask(0);
  for (int i = 0; i < 2; i++) {
    if (i == 1) put(path, "old", 0666);
    ck_assert(!file_create(&output, path, 0600));
    ck_assert_uint_eq(mode_of(output.temporary), 0600);
    ck_assert(!file_commit(&output));
    ck_assert_uint_eq(mode_of(path), 0600);
  }
}
END_TEST

START_TEST(a_replaced_file_gains_no_permissions) {
  file_output output;
  umask(022);
  put(path, "old", 0600);
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(!file_commit(&output));
  ck_assert_uint_eq(mode_of(path), 0600);
  unlink(path);
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(!file_commit(&output));
  ck_assert_uint_eq(mode_of(path), 0644);
}
END_TEST

START_TEST(two_outputs_at_once_do_not_meet) {
  file_output one, two;
  ck_assert(!file_create(&one, path, 0666));
  ck_assert(!file_create(&two, path, 0666));
  ck_assert(!file_write(&one, "one", 3));
  ck_assert(!file_write(&two, "two", 3));
  ck_assert(!file_commit(&one));
  check_holds(path, "one");
  ck_assert(!file_commit(&two));
  check_holds(path, "two");
  ck_assert_int_eq(count_files(0), 1);
}
END_TEST

START_TEST(a_link_stays_and_its_file_is_replaced) {
  char link[160];
  struct stat status;
  file_output output;
  snprintf(link, sizeof link, "%s/link", folder);
  put(path, "old", 0644);
  ck_assert_int_eq(symlink("out", link), 0);
  ck_assert(!file_create(&output, link, 0666));
  ck_assert(!file_write(&output, "new", 3));
  ck_assert(!file_commit(&output));
  ck_assert_int_eq(lstat(link, &status), 0);
  ck_assert(S_ISLNK(status.st_mode));
  check_holds(path, "new");
}
END_TEST

START_TEST(a_name_of_the_longest_length_is_written) {
  char name[400];
  file_output output;
  int length = snprintf(name, sizeof name, "%s/", folder);
  memset(name + length, 'n', 255);
  name[length + 255] = 0;
  ck_assert(!file_create(&output, name, 0666));
  ck_assert(!file_write(&output, "x", 1));
  ck_assert(!file_commit(&output));
  check_holds(name, "x");
}
END_TEST

START_TEST(a_relative_path_is_written_where_it_points) {
  file_output output;
  ck_assert_int_eq(chdir(folder), 0);
  ck_assert(!file_create(&output, "out", 0666));
  ck_assert(!file_write(&output, "here", 4));
  ck_assert(!file_commit(&output));
  check_holds(path, "here");
}
END_TEST

START_TEST(an_output_that_cannot_be_is_73) {
  static const char *const names[] = {"/nowhere/at/all/out", "", "/tmp/", "/tmp", "/dev/null/out"};
  file_output output;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *reason = file_create(&output, names[i], 0666);
    ck_assert_msg(reason, "%s: created", names[i]);
    ck_assert_int_eq(output.status, FILE_NO_CREATE);
    ck_assert_ptr_eq(file_write(&output, "x", 1), output.message);
    ck_assert_ptr_eq(file_commit(&output), output.message);
    file_abort(&output);
  }
}
END_TEST

START_TEST(a_path_beyond_every_limit_is_73) {
  static char name[2 * FILE_PATH_BYTES];
  file_output output;
  memset(name, '/', sizeof name - 2);
  name[sizeof name - 2] = 'x';
  ck_assert(file_create(&output, name, 0666));
  ck_assert_int_eq(output.status, FILE_NO_CREATE);
}
END_TEST

START_TEST(a_directory_that_vanishes_is_an_error_at_commit) {
  char inner[160], name[200];
  file_output output;
  snprintf(inner, sizeof inner, "%s/inner", folder);
  snprintf(name, sizeof name, "%s/out", inner);
  ck_assert_int_eq(mkdir(inner, 0777), 0);
  ck_assert(!file_create(&output, name, 0666));
  unlink(output.temporary);
  rmdir(inner);
  ck_assert(file_commit(&output));
  ck_assert_int_eq(output.status, FILE_NO_CREATE);
}
END_TEST

/* ------------------------------------------------------------------- full disks and devices */

START_TEST(a_full_device_is_74_at_commit_or_before) {
  static char block[3 * FILE_BUFFER_BYTES];
  struct stat status;
  file_output output;
  ck_assert(!file_create(&output, "/dev/full", 0600));
  ck_assert(!file_write(&output, "held", 4));
  ck_assert_str_eq(file_commit(&output), "cannot write it (No space left on device)");
  ck_assert_int_eq(output.status, FILE_IO);
  ck_assert(!file_create(&output, "/dev/full", 0600));
  ck_assert(file_write(&output, block, sizeof block));
  ck_assert_int_eq(output.status, FILE_IO);
  ck_assert(file_write(&output, "x", 1));
  ck_assert(file_commit(&output));
  ck_assert_int_eq(stat("/dev/full", &status), 0);
  ck_assert(S_ISCHR(status.st_mode));
}
END_TEST

START_TEST(a_device_is_written_in_place) {
  struct stat status;
  file_output output;
  ck_assert(!file_create(&output, "/dev/null", 0600));
  ck_assert(!file_write(&output, "x", 1));
  ck_assert_str_eq(output.temporary, "");
  ck_assert(!file_commit(&output));
  ck_assert_int_eq(stat("/dev/null", &status), 0);
  ck_assert(S_ISCHR(status.st_mode));
}
END_TEST

START_TEST(a_disk_that_fills_leaves_what_was_there) {
  static char block[100000];
  const struct rlimit limit = {50000, 50000};
  file_output output;
  put(path, "old", 0644);
  signal(SIGXFSZ, SIG_IGN);
  ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
  ck_assert(!file_create(&output, path, 0666));
  ck_assert(file_write(&output, block, sizeof block));
  ck_assert_int_eq(output.status, FILE_IO);
  ck_assert(file_commit(&output));
  check_holds(path, "old");
  ck_assert_int_eq(count_files(0), 1);
}
END_TEST

static void stdout_to(const char *name) {
  int descriptor = open(name, O_WRONLY | O_CREAT, 0666);
  ck_assert_int_ge(descriptor, 0);
  ck_assert_int_eq(dup2(descriptor, STDOUT_FILENO), STDOUT_FILENO);
}

START_TEST(standard_output_gets_the_bytes_after_what_was_printed) {
  file_output output;
  fflush(stdout);
  stdout_to(path);
  printf("before ");
  ck_assert(!file_create(&output, "-", 0600));
  ck_assert(!file_write(&output, "bytes", 5));
  ck_assert(!file_commit(&output));
  printf(" after");
  fflush(stdout);
  check_holds(path, "before bytes after");
}
END_TEST

START_TEST(a_full_standard_output_is_74) {
  file_output output;
  fflush(stdout);
  stdout_to("/dev/full");
  ck_assert(!file_create(&output, "-", 0600));
  ck_assert(!file_write(&output, "bytes", 5));
  ck_assert(file_commit(&output));
  ck_assert_int_eq(output.status, FILE_IO);
}
END_TEST

START_TEST(a_closed_pipe_is_74) {
  int ends[2];
  file_output output;
  fflush(stdout);
  signal(SIGPIPE, SIG_IGN);
  ck_assert_int_eq(pipe(ends), 0);
  close(ends[0]);
  dup2(ends[1], STDOUT_FILENO);
  ck_assert(!file_create(&output, "-", 0600));
  ck_assert(!file_write(&output, "bytes", 5));
  ck_assert(file_commit(&output));
  ck_assert_int_eq(output.status, FILE_IO);
}
END_TEST

/* ---------------------------------------------------------------------- several outputs */

/* A path in folder. */
static char *in_folder(char text[256], const char *name) {
  snprintf(text, 256, "%s/%s", folder, name);
  return text;
}

/* Two outputs that hold "one" and "two", not committed. */
static void begin_two(file_output outputs[2], const char *first, const char *second) {
  ck_assert(!file_create(&outputs[0], first, 0600));
  ck_assert(!file_create(&outputs[1], second, 0666));
  ck_assert(!file_write(&outputs[0], "one", 3));
  ck_assert(!file_write(&outputs[1], "two", 3));
}

START_TEST(several_outputs_appear_together) {
  static file_output outputs[2];
  char first[256], second[256];
  size_t failed;
  in_folder(first, "a"), in_folder(second, "b");
  for (int again = 0; again < 2; again++) { /* where nothing was, and where something was */
    begin_two(outputs, first, second);
    ck_assert(!file_commit_all(outputs, 2, &failed));
    check_holds(first, "one");
    check_holds(second, "two");
    ck_assert_int_eq(count_files(0), 2);
    put(first, "old", 0600);
  }
}
END_TEST

/* The second target turns into a directory, which no file can replace. */
START_TEST(several_outputs_appear_all_or_none) {
  static file_output outputs[2];
  char first[256], second[256];
  size_t failed;
  in_folder(first, "a"), in_folder(second, "b");
  for (int was_there = 0; was_there < 2; was_there++) {
    begin_two(outputs, first, second);
    ck_assert_int_eq(mkdir(second, 0700), 0);
    ck_assert(file_commit_all(outputs, 2, &failed));
    ck_assert_uint_eq(failed, 1);
    ck_assert_int_eq(outputs[1].status, FILE_NO_CREATE);
    ck_assert_int_eq(rmdir(second), 0);
    ck_assert_int_eq(count_files(0), was_there);
    if (was_there) check_holds(first, "old");
    put(first, "old", 0600);
  }
}
END_TEST

START_TEST(several_outputs_of_which_one_is_full_appear_none) {
  static file_output outputs[2];
  size_t failed;
  if (access("/dev/full", W_OK) != 0) return;
  put(path, "old", 0600);
  begin_two(outputs, path, "/dev/full");
  ck_assert(file_commit_all(outputs, 2, &failed));
  ck_assert_uint_eq(failed, 1);
  ck_assert_int_eq(outputs[1].status, FILE_IO);
  check_holds(path, "old");
  ck_assert_int_eq(count_files(0), 1);
}
END_TEST

START_TEST(no_two_outputs_are_one_file) {
  char text[256], other[256];
  put(path, "", 0644);
  ck_assert(!file_name_output(path));
  ck_assert(file_name_output(path));
  snprintf(text, sizeof text, "%s/./out", folder);
  ck_assert(file_name_output(text));
  ck_assert_int_eq(symlink(path, in_folder(text, "soft")), 0);
  ck_assert(file_name_output(text));
  ck_assert_int_eq(link(path, in_folder(text, "hard")), 0);
  ck_assert(file_name_output(text));
  ck_assert(!file_name_output(in_folder(text, "absent")));
  ck_assert(file_name_output(text));
  ck_assert_int_eq(symlink(folder, in_folder(other, "again")), 0);
  ck_assert(file_name_output(in_folder(text, "again/absent")));
  ck_assert(!file_name_output(in_folder(text, "again/other")));
  ck_assert(!file_name_output("/dev/null"));
  ck_assert(!file_name_output("/dev/null"));
}
END_TEST

START_TEST(standard_output_is_one_output) {
  fflush(stdout);
  ck_assert_int_ge(dup2(open(path, O_WRONLY | O_CREAT, 0644), STDOUT_FILENO), 0);
  ck_assert(!file_name_output("-"));
  ck_assert(file_name_output("-"));
  ck_assert(file_name_output(path));
  ck_assert_int_ge(dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO), 0);
  ck_assert(file_name_output("-"));
}
END_TEST

START_TEST(an_output_is_not_read) {
  file_input input;
  char text[256];
  put(path, "bytes", 0644);
  ck_assert_int_eq(link(path, in_folder(text, "hard")), 0);
  ck_assert(!file_name_output(path));
  ck_assert(file_read(&input, path, 100));
  ck_assert_int_eq(input.status, FILE_CLASH);
  ck_assert(file_read(&input, text, 100));
  ck_assert_int_eq(input.status, FILE_CLASH);
  check_holds("/dev/null", "");
}
END_TEST

/* ------------------------------------------------------------------------------ signals */

/* How a process ends that gets this signal between two outputs' beginning and end. */
static int end_by(int number, int ignored) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    static file_output outputs[2];
    char second[256];
    signal(number, ignored ? SIG_IGN : SIG_DFL);
    file_catch_signals();
    begin_two(outputs, path, in_folder(second, "b"));
    raise(number);
    _exit(7);
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  return status;
}

START_TEST(a_signal_removes_temporaries_and_ends_the_process) {
  static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    int status = end_by(numbers[i], 0);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), numbers[i]);
    ck_assert_int_eq(count_files(0), 0);
  }
}
END_TEST

START_TEST(a_signal_that_is_ignored_stays_so) {
  int status = end_by(SIGHUP, 1);
  ck_assert(WIFEXITED(status));
  ck_assert_int_eq(WEXITSTATUS(status), 7);
}
END_TEST

static void add_several_tests(TCase *several) {
  tcase_add_test(several, several_outputs_appear_together);
  tcase_add_test(several, several_outputs_appear_all_or_none);
  tcase_add_test(several, several_outputs_of_which_one_is_full_appear_none);
  tcase_add_test(several, no_two_outputs_are_one_file);
  tcase_add_test(several, standard_output_is_one_output);
  tcase_add_test(several, an_output_is_not_read);
  tcase_add_test(several, a_signal_removes_temporaries_and_ends_the_process);
  tcase_add_test(several, a_signal_that_is_ignored_stays_so);
}

static void add_input_tests(TCase *input) {
  tcase_add_test(input, a_file_is_read_up_to_its_limit_and_not_beyond);
  tcase_add_test(input, an_empty_file_is_no_bytes_and_not_null);
  tcase_add_test(input, a_missing_input_is_66);
  tcase_add_test(input, a_pipe_on_standard_input_is_read_to_its_end);
  tcase_add_test(input, an_endless_input_stops_at_the_limit);
  tcase_add_test(input, a_closed_standard_input_is_74);
}

static void add_output_tests(TCase *output) {
  tcase_add_test(output, an_output_is_not_there_before_commit_and_whole_after);
  tcase_add_test(output, writes_of_any_size_arrive_in_order);
  tcase_add_test(output, an_existing_output_is_replaced_at_commit_only);
  tcase_add_test(output, an_abort_leaves_what_was_there);
  tcase_add_test(output, a_secret_is_for_its_owner_alone_whatever_was_there);
  tcase_add_test(output, a_replaced_file_gains_no_permissions);
  tcase_add_test(output, two_outputs_at_once_do_not_meet);
  tcase_add_test(output, a_link_stays_and_its_file_is_replaced);
  tcase_add_test(output, a_name_of_the_longest_length_is_written);
  tcase_add_test(output, a_relative_path_is_written_where_it_points);
}

static void add_error_tests(TCase *error) {
  tcase_add_test(error, an_output_that_cannot_be_is_73);
  tcase_add_test(error, a_path_beyond_every_limit_is_73);
  tcase_add_test(error, a_directory_that_vanishes_is_an_error_at_commit);
  tcase_add_test(error, a_full_device_is_74_at_commit_or_before);
  tcase_add_test(error, a_device_is_written_in_place);
  tcase_add_test(error, a_disk_that_fills_leaves_what_was_there);
  tcase_add_test(error, standard_output_gets_the_bytes_after_what_was_printed);
  tcase_add_test(error, a_full_standard_output_is_74);
  tcase_add_test(error, a_closed_pipe_is_74);
}

int main(void) {
  Suite *suite = suite_create("file");
  TCase *cases[4] = {test_case(suite, "input"), test_case(suite, "output"),
                     test_case(suite, "error"), test_case(suite, "several")};
  add_input_tests(cases[0]);
  add_output_tests(cases[1]);
  add_error_tests(cases[2]);
  add_several_tests(cases[3]);
  for (int i = 0; i < 4; i++) tcase_add_checked_fixture(cases[i], set_up, tear_down);
  return test_run(suite);
}
