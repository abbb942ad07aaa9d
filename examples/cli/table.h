/* table.h - the table that `ppml pack` reads: which file has which labels, and is in which split.
 *
 * Columns are found by their names, or by those that the request has.  Labels are, in one column,
 * numbers, names of classes, or several findings with '|' between them; or several columns of 0, 1, -1
 * (uncertain) and nothing (0).  A table whose first line begins with a split's name has no header, as
 * MedMNIST's package writes it: split, file, labels.
 *
 * Errors: functions return CLI_OK, or the exit status after one line. */
#ifndef TABLE_H
#define TABLE_H

#include "cli.h"
#include "csv.h"
#include "file.h"
#include "npz.h"

/* Which column has what. */
enum { TABLE_FILE, TABLE_LABEL, TABLE_SPLIT, TABLE_PATIENT, TABLE_COLUMNS };

/* What an uncertain label is. */
enum { TABLE_UNCERTAIN_REFUSED, TABLE_UNCERTAIN_ZERO, TABLE_UNCERTAIN_ONE, TABLE_UNCERTAIN_SKIP };

typedef struct table_request {
  const char *path;                  /* of the table, for messages */
  const char *column[TABLE_COLUMNS]; /* NULL: found by name; labels may be several, by commas */
  const char *classes;               /* names in the label column, comma-separated; NULL: found */
  int uncertain;
  size_t limit_bytes; /* of memory for its lines */
} table_request;

/* A line of the table. */
typedef struct table_item {
  csv_field file, patient;
  size_t line;
  uint64_t flags; /* of several labels: bit l for label l */
  uint8_t label;
  uint8_t split;
} table_item;

typedef struct table {
  table_item *item; /* [count], in the table's order */
  size_t count, capacity;
  size_t in_split[NPZ_SPLITS];
  size_t of_class[NPZ_CLASSES_MAX]; /* images of a class, or with a label */
  unsigned classes;                 /* the largest label and 1, or all labels that there are */
  int has_several;                  /* labels an image */
  int has_split;                    /* a column of them */
  int is_named;
  csv_field name[NPZ_CLASSES_MAX]; /* of classes or labels, if is_named */
  csv_field header[TABLE_COLUMNS]; /* names of the columns that were found; length 0: none */
  size_t skipped;                  /* lines of uncertain labels */
  size_t divided;                  /* patients that are in more than one split */
  ppml_arena arena;                /* of items, and of a copy of the text */
} table;

/* Reads a table; its fields point into file, which is changed, and into the arena.
 * A table without a split column has all items in NPZ_TRAIN. */
int table_read(table *t, const table_request *r, file_input *file);

/* Frees what table_read made. */
void table_free(table *t);

/* Shares out the images among the splits: of each class, or of each label where there are several, by
 * the shares; images of one patient, or lines of one file, stay together.  The same table and seed
 * give the same splits, whatever order its lines are in.
 *   share  [NPZ_SPLITS]  sum 1 */
int table_divide(table *t, const table_request *r, const double share[NPZ_SPLITS], uint64_t seed);

/* Can the table be a data set?  A file must be in one split, with the same labels and
 * patient everywhere. */
int table_check(table *t, const table_request *r);

#endif
