/* test_csv.c - tables of comma-separated values. */
#include "../examples/cli/csv.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_BYTES = 2048 };

/* What a table holds, fields in brackets and records on lines; then the reason, if there is one. */
static void dump(char out[OUT_BYTES], const char *text, size_t count) {
  csv table;
  const char *reason;
  char *copy = malloc(count > 0 ? count : 1);
  ck_assert(copy);
  memcpy(copy, text, count);
  size_t made = 0;
  reason = csv_open(&table, copy, count);
  while (!reason && !(reason = csv_next(&table)) && table.fields > 0) {
    made += (size_t)snprintf(out + made, OUT_BYTES - made, "%zu", table.line);
    for (unsigned i = 0; i < table.fields; i++)
      made += (size_t)snprintf(out + made, OUT_BYTES - made, "[%.*s]", (int)table.field[i].length,
                               table.field[i].text);
    made += (size_t)snprintf(out + made, OUT_BYTES - made, "\n");
  }
  if (reason) snprintf(out + made, OUT_BYTES - made, "%zu %s", table.line, reason);
  else out[made] = 0;
  free(copy);
}

/* Of the reason the beginning is enough. */
static void check(const char *text, const char *expected) {
  char got[OUT_BYTES];
  dump(got, text, strlen(text));
  ck_assert_msg(strncmp(got, expected, strlen(expected)) == 0, "%s\nis read as\n%s", text, got);
}

START_TEST(tables_have_their_fields) {
  check("a,b\nc,d\n", "1[a][b]\n2[c][d]\n");
  check("a,b\r\nc,d", "1[a][b]\n2[c][d]\n");
  check("\xEF\xBB\xBF"
        "a b,\tc\n",
        "1[a b][c]\n");
  check("a,b\rc,d\r\re,f", "1[a][b]\n2[c][d]\n4[e][f]\n");
  check(",\n,,\n", "1[][]\n2[][][]\n");
  check("\n\r\na\n\n\nb\n\n", "3[a]\n6[b]\n");
  check("\"a,b\",\"\",\"say \"\"x\"\"\"\r\n\"\"\"\"", "1[a,b][][say \"x\"]\n2[\"]\n");
}
END_TEST

START_TEST(the_separator_is_what_the_first_line_has_most_of) {
  check("a;b\nc,d;e\n", "1[a][b]\n2[c,d][e]\n");
  check("a\tb\nc,d\t\n", "1[a][b]\n2[c,d][]\n");
  check("\"a;b;c\",d\n", "1[a;b;c][d]\n");
  check("\n\na,b,c;d\ne,f;\n", "3[a][b][c;d]\n4[e][f;]\n");
  check("a\n", "1[a]\n");
  check("sep=;\na,b;c\n", "2[a,b][c]\n");
  check("sep=|\r\na|b\r\n", "2[a][b]\n");
  check("sep=;a\n", "1[sep=][a]\n");
}
END_TEST

START_TEST(spaces_around_fields_are_no_part_of_them) {
  check("a , b,  c d  ,\t e\n", "1[a][b][c d][e]\n");
  check(" \"a \" , \" \"\"b\" \n", "1[a ][ \"b]\n");
  check("a \t b\t\t c\n", "1[a][b][][c]\n");
  check(" \n , \n", "1[]\n2[][]\n");
}
END_TEST

START_TEST(what_is_no_table_of_bytes_is_named) {
  static const struct {
    const char *bytes, *reason;
  } cases[] = {{"\xFF\xFE"
                "a\0",
                "UTF-16 text (expected UTF-8"},
               {"\xFE\xFF\0a", "UTF-16 text (expected UTF-8"},
               {"a\0b\0", "UTF-16LE text (expected UTF-8"},
               {"\0a\0b", "UTF-16BE text (expected UTF-8"},
               {"PK\3\4", "a workbook or archive (expected"},
               {"\xD0\xCF\x11\xE0", "a workbook or archive (expected"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char got[OUT_BYTES];
    dump(got, cases[i].bytes, 4);
    ck_assert_msg(strstr(got, cases[i].reason) != NULL, "case %zu: %s", i, got);
  }
}
END_TEST

START_TEST(an_empty_table_has_no_records) {
  char got[OUT_BYTES];
  dump(got, "", 0);
  ck_assert_str_eq(got, "");
  dump(got, "\n\n\r\n", 4);
  ck_assert_str_eq(got, "");
}
END_TEST

START_TEST(broken_tables_are_refused_with_their_line) {
  check("a\n\"b\n\"", "1[a]\n2 a quote that does not end");
  check("a\n\n\"b", "1[a]\n3 a quote that does not end");
  check("\"a\"b", "1 text after a quote");
  check("a\"b", "1 a quote within a field");
  check("x\n\"a\tb\x01\"", "1[x]\n2 a control character");
  char got[OUT_BYTES];
  dump(got, "a\0b", 3);
  ck_assert_ptr_nonnull(strstr(got, "a control character"));
}
END_TEST

START_TEST(as_many_fields_as_the_limit_are_read) {
  char text[CSV_FIELDS_MAX + 1], got[OUT_BYTES];
  memset(text, ',', sizeof text);
  dump(got, text, CSV_FIELDS_MAX - 1);
  ck_assert_ptr_null(strstr(got, "too many"));
  dump(got, text, CSV_FIELDS_MAX);
  ck_assert_ptr_nonnull(strstr(got, "1 too many fields"));
}
END_TEST

START_TEST(columns_are_found_by_name) {
  csv table;
  char text[] = "file,\"label\",file";
  ck_assert(!csv_open(&table, text, sizeof text - 1));
  ck_assert(!csv_next(&table));
  ck_assert_int_eq(csv_column(&table, "file"), 0);
  ck_assert_int_eq(csv_column(&table, "label"), 1);
  ck_assert_int_eq(csv_column(&table, "lab"), -1);
  ck_assert_int_eq(csv_column(&table, ""), -1);
  char other[] = "Image Index,FILE,finding_labels,file,Finding-Labels\n";
  ck_assert(!csv_open(&table, other, sizeof other - 1));
  ck_assert(!csv_next(&table));
  ck_assert_int_eq(csv_column(&table, "image index"), 0);
  ck_assert_int_eq(csv_column(&table, "file"), 3); /* the same before one that is like it */
  ck_assert_int_eq(csv_column(&table, "FINDING LABELS"), 2);
  ck_assert_int_eq(csv_column(&table, "findings"), -1);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("csv");
  TCase *kat = test_case(suite, "kat"), *bounds = test_case(suite, "bounds");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, tables_have_their_fields);
  tcase_add_test(kat, columns_are_found_by_name);
  tcase_add_test(kat, the_separator_is_what_the_first_line_has_most_of);
  tcase_add_test(kat, spaces_around_fields_are_no_part_of_them);
  tcase_add_test(error, what_is_no_table_of_bytes_is_named);
  tcase_add_test(bounds, an_empty_table_has_no_records);
  tcase_add_test(bounds, as_many_fields_as_the_limit_are_read);
  tcase_add_test(error, broken_tables_are_refused_with_their_line);
  return test_run(suite);
}
