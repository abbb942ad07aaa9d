/* csv.c - see csv.h. */
#include "csv.h"

#include <string.h>

static const char control[] = "a control character (expected text)";

void csv_open(csv *table, void *bytes, size_t count) {
  memset(table, 0, sizeof *table);
  table->at = bytes;
  table->end = table->at + count;
  if (count >= 3 && memcmp(table->at, "\xEF\xBB\xBF", 3) == 0) table->at += 3;
}

static int is_control(char c) {
  return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

/* Is there the end of a line, or of the table?  Then *skip is how many bytes it takes. */
static int at_line_end(const csv *table, size_t *skip) {
  size_t left = (size_t)(table->end - table->at);
  *skip = left > 0 ? 1 : 0;
  if (left == 0 || *table->at == '\n') return 1;
  *skip = 2;
  return left > 1 && table->at[0] == '\r' && table->at[1] == '\n';
}

/* After the first quote.  What is kept moves down over the quotes that go. */
static const char *take_quoted(csv *table, csv_field *field) {
  char *to = table->at;
  field->text = to;
  for (; table->at < table->end; table->at++) {
    char c = *table->at;
    if (c == '\n' || c == '\r') break;
    if (is_control(c)) return control;
    if (c == '"') {
      table->at++;
      if (table->at == table->end || *table->at != '"') {
        field->length = (size_t)(to - field->text);
        return NULL;
      }
    }
    *to++ = c;
  }
  return "a quote that does not end on its line (expected another)";
}

static const char *take_plain(csv *table, csv_field *field) {
  size_t skip;
  field->text = table->at;
  for (; table->at < table->end && *table->at != ',' && !at_line_end(table, &skip); table->at++) {
    if (*table->at == '"') return "a quote within a field (expected it to begin with one)";
    if (is_control(*table->at)) return control;
  }
  field->length = (size_t)(table->at - field->text);
  return NULL;
}

static const char *take_field(csv *table, csv_field *field) {
  if (table->at == table->end || *table->at != '"') return take_plain(table, field);
  table->at++;
  return take_quoted(table, field);
}

/* A field and the comma behind it; *more says whether there was one. */
static const char *next_field(csv *table, int *more) {
  size_t skip;
  if (table->fields == CSV_FIELDS_MAX) return "too many fields (expected at most 64)";
  const char *reason = take_field(table, &table->field[table->fields]);
  if (reason) return reason;
  table->fields++;
  *more = table->at < table->end && *table->at == ',';
  if (!*more && !at_line_end(table, &skip)) return "text after a quote (expected a comma)";
  if (*more) table->at++;
  return NULL;
}

/* Passes over empty lines and stands at the beginning of a record, or at the table's end. */
static void skip_empty_lines(csv *table) {
  size_t skip;
  while (table->at < table->end && at_line_end(table, &skip)) {
    table->at += skip;
    table->line++;
  }
}

const char *csv_next(csv *table) {
  const char *reason = NULL;
  size_t skip;
  int more = 1;
  table->fields = 0;
  skip_empty_lines(table);
  if (table->at == table->end) return NULL;
  table->line++;
  while (!reason && more) reason = next_field(table, &more);
  if (reason) return reason;
  (void)at_line_end(table, &skip);
  table->at += skip;
  return NULL;
}

int csv_is(const csv_field *field, const char *text) {
  return strlen(text) == field->length && memcmp(field->text, text, field->length) == 0;
}

int csv_column(const csv *table, const char *name) {
  for (unsigned i = 0; i < table->fields; i++)
    if (csv_is(&table->field[i], name)) return (int)i;
  return -1;
}
