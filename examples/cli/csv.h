/* csv.h - a table of comma-separated values in memory, line by line (RFC 4180).
 *
 * Fields may stand in double quotes, with "" for one; a quoted field ends on its line.  Lines end
 * with LF or CR LF; empty lines are passed over, as is a byte order mark.  Control characters but
 * the tab are refused.
 *
 * Use: csv_open, then csv_next for each record, the first of which is the header.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)"; line says where.  Exit status: 65. */
#ifndef CSV_H
#define CSV_H

#include <stddef.h>

#define CSV_FIELDS_MAX 64

typedef struct csv_field {
  const char *text; /* [length], not terminated */
  size_t length;
} csv_field;

typedef struct csv {
  char *at; /* what is not read yet */
  char *end;
  size_t line;     /* of the record, from 1 */
  unsigned fields; /* in the record; 0 at the end of the table */
  csv_field field[CSV_FIELDS_MAX];
} csv;

/* Begins a table.  bytes are changed, as quotes are taken out in place, and fields point into it. */
void csv_open(csv *table, void *bytes, size_t count);

/* Reads the next record. */
const char *csv_next(csv *table);

/* Is that the field's text? */
int csv_is(const csv_field *field, const char *text);

/* Where the record that was read, the header, has the first column of that name; -1: nowhere. */
int csv_column(const csv *table, const char *name);

#endif
