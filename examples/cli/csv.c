/* csv.c - see csv.h. */
#include "csv.h"

#include <string.h>

static const char control[] = "a control character (expected text)";

/* What the bytes are, if they are no table. */
static const char *refuse_content(const unsigned char *at, size_t count) {
  if (count >= 2 && ((at[0] == 0xFF && at[1] == 0xFE) || (at[0] == 0xFE && at[1] == 0xFF)))
    return "UTF-16 text (expected UTF-8: iconv -f UTF-16 -t UTF-8)";
  if (count >= 4 && at[0] == 0 && at[1] != 0)
    return "UTF-16BE text (expected UTF-8: iconv -f UTF-16BE -t UTF-8)";
  if (count >= 4 && at[0] != 0 && at[1] == 0)
    return "UTF-16LE text (expected UTF-8: iconv -f UTF-16LE -t UTF-8)";
  if (count >= 4 && (memcmp(at, "PK\3\4", 4) == 0 || memcmp(at, "\xD0\xCF\x11\xE0", 4) == 0))
    return "a workbook or archive (expected a table saved as CSV in UTF-8)";
  return NULL;
}

/* The separator that the first line has most of; the comma where it has none. */
static char find_separator(const char *at, const char *end) {
  static const char separators[] = {',', ';', '\t'};
  size_t times[3] = {0, 0, 0}, best = 0;
  int is_quoted = 0;
  while (at < end && (*at == '\n' || *at == '\r')) at++;
  for (; at < end && *at != '\n' && *at != '\r'; at++) {
    if (*at == '"') is_quoted = !is_quoted;
    for (size_t i = 0; i < sizeof separators && !is_quoted; i++) times[i] += *at == separators[i];
  }
  for (size_t i = 1; i < sizeof separators; i++)
    if (times[i] > times[best]) best = i;
  return separators[best];
}

const char *csv_open(csv *table, void *bytes, size_t count) {
  memset(table, 0, sizeof *table);
  const char *reason = refuse_content((const unsigned char *)bytes, count);
  if (reason) return reason;
  table->at = (char *)bytes;
  table->end = table->at + count;
  if (count >= 3 && memcmp(table->at, "\xEF\xBB\xBF", 3) == 0) table->at += 3;
  table->separator = find_separator(table->at, table->end);
  if (table->end - table->at > 5 && memcmp(table->at, "sep=", 4) == 0 &&
      (table->at[5] == '\n' || table->at[5] == '\r')) {
    table->separator = table->at[4]; /* told by Excel, in a line before the header */
    table->at += 5;
  }
  return NULL;
}

static int is_control(char c) {
  return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
}

/* Is there the end of a line, or of the table?  Then *skip is how many bytes it takes. */
static int at_line_end(const csv *table, size_t *skip) {
  size_t left = (size_t)(table->end - table->at);
  *skip = left > 0 ? 1 : 0;
  if (left == 0 || *table->at == '\n') return 1;
  if (*table->at != '\r') return 0;
  if (left > 1 && table->at[1] == '\n') *skip = 2;
  return 1;
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

/* Is that a space around fields?  A tab is none where it separates them. */
static int is_space(const csv *table, char c) {
  return c == ' ' || (c == '\t' && table->separator != '\t');
}

static void skip_spaces(csv *table) {
  while (table->at < table->end && is_space(table, *table->at)) table->at++;
}

static const char *take_plain(csv *table, csv_field *field) {
  size_t skip;
  field->text = table->at;
  for (; table->at < table->end && *table->at != table->separator && !at_line_end(table, &skip);
       table->at++) {
    if (*table->at == '"') return "a quote within a field (expected it to begin with one)";
    if (is_control(*table->at)) return control;
  }
  field->length = (size_t)(table->at - field->text);
  while (field->length > 0 && is_space(table, field->text[field->length - 1])) field->length--;
  return NULL;
}

static const char *take_field(csv *table, csv_field *field) {
  skip_spaces(table);
  if (table->at == table->end || *table->at != '"') return take_plain(table, field);
  table->at++;
  const char *reason = take_quoted(table, field);
  skip_spaces(table);
  return reason;
}

/* A field and the separator behind it; *more says whether there was one. */
static const char *next_field(csv *table, int *more) {
  size_t skip;
  if (table->fields == CSV_FIELDS_MAX) return "too many fields (expected at most 256)";
  const char *reason = take_field(table, &table->field[table->fields]);
  if (reason) return reason;
  table->fields++;
  *more = table->at < table->end && *table->at == table->separator;
  if (!*more && !at_line_end(table, &skip)) return "text after a quote (expected a separator)";
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

/* The next character that counts, as a small letter; 0 at the end. */
static char next_letter(const char **at, const char *end) {
  while (*at < end && (**at == ' ' || **at == '_' || **at == '-')) ++*at;
  if (*at == end) return 0;
  char c = *(*at)++;
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int csv_is_like(const csv_field *field, const char *text) {
  const char *a = field->text, *a_end = a + field->length, *b = text, *b_end = b + strlen(b);
  for (;;) {
    char left = next_letter(&a, a_end), right = next_letter(&b, b_end);
    if (left != right) return 0;
    if (left == 0) return 1;
  }
}

int csv_column(const csv *table, const char *name) {
  for (unsigned i = 0; i < table->fields; i++)
    if (csv_is(&table->field[i], name)) return (int)i;
  for (unsigned i = 0; i < table->fields; i++)
    if (csv_is_like(&table->field[i], name)) return (int)i;
  return -1;
}
