/* csv.h - a table of values in memory, line by line (RFC 4180), between commas, semicolons or tabs:
 * whichever of them the first line has most of, outside of quotes, or what a line `sep=;` before it says.
 *
 * Fields may stand in double quotes, with "" for one; a quoted field ends on its line.  Spaces around
 * a field, and around its quotes, are no part of it.  Lines end with LF, CR LF or CR; empty lines are
 * passed over, as is a byte order mark.  Control characters but the tab are refused, as is what is no
 * table of bytes, by its name: UTF-16, and workbooks.
 *
 * Use: csv_open, then csv_next for each record, the first of which is the header.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)"; line says where.  Exit status: 65. */
#ifndef CSV_H
#define CSV_H

#include <stddef.h>

#define CSV_FIELDS_MAX 256

typedef struct csv_field {
  const char *text; /* [length], not terminated */
  size_t length;
} csv_field;

typedef struct csv {
  char *at; /* what is not read yet */
  char *end;
  char separator;
  size_t line;     /* of the record, from 1 */
  unsigned fields; /* in the record; 0 at the end of the table */
  csv_field field[CSV_FIELDS_MAX];
} csv;

/* Begins a table.  bytes are changed, as quotes are taken out in place, and fields point into it. */
const char *csv_open(csv *table, void *bytes, size_t count);

/* Reads the next record. */
const char *csv_next(csv *table);

/* Is that the field's text? */
int csv_is(const csv_field *field, const char *text);

/* The same but for the case of letters, spaces, '_' and '-'. */
int csv_is_like(const csv_field *field, const char *text);

/* Where the record that was read, the header, has the first column of that name, or else of one like
 * it; -1: nowhere. */
int csv_column(const csv *table, const char *name);

#endif
