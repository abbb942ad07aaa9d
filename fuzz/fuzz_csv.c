/* fuzz_csv.c - any bytes as a table of values between commas, semicolons or tabs.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_csv fuzz/fuzz_csv.c \
 *         examples/cli/csv.c
 *     mkdir -p /tmp/new && ./fuzz_csv -max_len=4096 /tmp/new fuzz/corpus/csv
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_csv fuzz/fuzz_csv.c examples/cli/csv.c
 *     afl-fuzz -i fuzz/corpus/csv -o /tmp/afl -- ./fuzz_csv
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Fields lie in the table one behind the other and hold no line's end. */
static void check_record(const csv *table, const char *begin) {
  if (table->fields > CSV_FIELDS_MAX || table->line == 0) abort();
  for (unsigned i = 0; i < table->fields; i++) {
    const csv_field *field = &table->field[i];
    if (field->text < begin || field->text + field->length > table->end) abort();
    if (memchr(field->text, '\n', field->length) || memchr(field->text, 0, field->length)) abort();
    begin = field->text + field->length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  csv table;
  char *text = malloc(count > 0 ? count : 1);
  if (!text) return 0;
  if (count > 0) memcpy(text, bytes, count);
  int is_table = csv_open(&table, text, count) == NULL;
  size_t line = 0;
  while (is_table && !csv_next(&table) && table.fields > 0) {
    check_record(&table, text);
    if (table.line <= line) abort();
    line = table.line;
    if (csv_column(&table, "label") >= (int)table.fields) abort();
  }
  free(text);
  return 0;
}
