/* table.c - see table.h. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES_MIN 4 /* "a,1" and the end of its line: empty lines are none */
#define LISTED_BYTES 240   /* of column names, in a message */

/* How the label column is read. */
enum { NUMBERS, NAMES, FINDINGS, COLUMNS };

/* What a first look at the whole table found. */
typedef struct look {
  int at[TABLE_COLUMNS];            /* columns; -1: none */
  unsigned labels[NPZ_CLASSES_MAX]; /* label columns */
  unsigned label_columns;
  unsigned fields; /* of each record */
  int is_headless;
  int mode;
  int has_text, has_number, has_bar; /* in the label column */
  size_t text_line, number_line;     /* the first line of either */
  uint8_t is_flag[CSV_FIELDS_MAX];   /* is all of the column 0, 1, -1 or nothing? */
  uint8_t has_flag[CSV_FIELDS_MAX];  /* is there anything in it? */
} look;

static int fail_line(const table_request *r, size_t line, const char *reason) {
  return cli_fail(CLI_DATA, r->path, "line %zu: %s", line, reason);
}

/* ---------------------------------------------------------------------------------------- fields */

/* 0, 1, -1 or nothing, as 0, 1, -1 and 0; 2 for anything else. */
static int flag_of(const csv_field *field) {
  static const struct {
    const char *text;
    int flag;
  } flags[] = {{"", 0},      {"0", 0}, {"0.0", 0}, {"nan", 0},
               {"false", 0}, {"1", 1}, {"1.0", 1}, {"true", 1}};
  if (csv_is(field, "-1") || csv_is(field, "-1.0")) return -1;
  if (field->length > 0 && field->text[0] == '-') return 2; /* which csv_is_like passes over */
  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
    if (csv_is_like(field, flags[i].text)) return flags[i].flag;
  return 2;
}

/* A whole number, with zeros behind a point perhaps; -1 for what is none, or beyond 999. */
static int number_of(const csv_field *field) {
  int number = 0;
  size_t i = 0;
  for (; i < field->length && field->text[i] >= '0' && field->text[i] <= '9'; i++) {
    number = 10 * number + (field->text[i] - '0');
    if (number > 999) return -1;
  }
  if (i == 0) return -1;
  if (i < field->length && field->text[i] == '.')
    for (i++; i < field->length && field->text[i] == '0';) i++;
  return i == field->length ? number : -1;
}

/* Does it look like a number, of whatever kind? */
static int is_number(const csv_field *field) {
  size_t digits = 0;
  for (size_t i = 0; i < field->length; i++) {
    char c = field->text[i];
    if (c >= '0' && c <= '9') digits++;
    else if (c != '.' && !(i == 0 && (c == '-' || c == '+'))) return 0;
  }
  return digits > 0;
}

static int compare_fields(const csv_field *a, const csv_field *b) {
  size_t shorter = a->length < b->length ? a->length : b->length;
  int order = shorter ? memcmp(a->text, b->text, shorter) : 0;
  return order ? order : (a->length > b->length) - (a->length < b->length);
}

static int is_blank(const csv *c) {
  for (unsigned i = 0; i < c->fields; i++)
    if (c->field[i].length > 0) return 0;
  return 1;
}

/* Reads the next record that has anything in it. */
static int next_record(csv *c, const table_request *r) {
  do {
    const char *reason = csv_next(c);
    if (reason) return fail_line(r, c->line, reason);
  } while (c->fields > 0 && is_blank(c));
  return CLI_OK;
}

/* --------------------------------------------------------------------------------------- columns */

/* What a column may be called, first the names that settle it where there are several. */
static const char *const synonyms[TABLE_COLUMNS][16] = {
    {"file", "filename", "filepath", "path", "image", "image index", "image path", "image file",
     "image name", "image id", "img", "id code", NULL},
    {"label", "labels", "class", "target", "finding labels", "findings", "finding", "diagnosis",
     "category", "dx", NULL},
    {"split", "subset", "partition", "set", "fold name", NULL},
    {"patient", "patient id", "subject", "subject id", "person id", "lesion id", NULL}};

static const char *const what_of[TABLE_COLUMNS] = {"file", "label", "split", "patient"};

/* "a, b, c": the columns that there are. */
static const char *list_columns(char text[LISTED_BYTES], const csv *header) {
  size_t used = 0;
  text[0] = 0;
  for (unsigned i = 0; i < header->fields && used + 44 < LISTED_BYTES; i++) {
    const csv_field *field = &header->field[i];
    int is_fit = field->length <= 32 && ppml_text_refusal(field->text, field->length) == NULL;
    used += (size_t)snprintf(text + used, LISTED_BYTES - used, "%s%.*s", i ? ", " : "",
                             is_fit ? (int)field->length : 3, is_fit ? field->text : "...");
    if (used + 44 >= LISTED_BYTES && i + 1 < header->fields)
      snprintf(text + used, LISTED_BYTES - used, ", ...");
  }
  return text;
}

static int no_column(const table_request *r, const csv *header, const char *name, size_t length,
                     int column) {
  char columns[LISTED_BYTES];
  list_columns(columns, header);
  if (name)
    return cli_fail(CLI_DATA, r->path, "line %zu: no column %.*s (expected one of %s)",
                    header->line, (int)length, name, columns);
  return cli_fail(CLI_DATA, r->path,
                  "line %zu: no column %s or the like (expected --%s-column to name one of %s)",
                  header->line, what_of[column], what_of[column], columns);
}

/* Finds a column by the usual names; *at is -1 where there is none.  Two that are not the first name
 * itself leave it open which is meant. */
static int find_by_synonym(int *at, const table_request *r, const csv *header, int column) {
  *at = csv_column(header, synonyms[column][0]);
  for (const char *const *name = synonyms[column] + 1; *name && *at < 0; name++) {
    *at = csv_column(header, *name);
    if (*at < 0) continue;
    for (const char *const *other = name + 1; *other; other++)
      if (csv_column(header, *other) >= 0)
        return cli_fail(CLI_DATA, r->path,
                        "line %zu: columns %s and %s (expected --%s-column to say which it is)",
                        header->line, *name, *other, what_of[column]);
  }
  return CLI_OK;
}

/* A column by a name that was told, of length bytes. */
static int find_told(int *at, const table_request *r, const csv *header, const char *name,
                     size_t length) {
  char copy[256];
  *at = -1;
  if (length < sizeof copy) {
    memcpy(copy, name, length);
    copy[length] = 0;
    *at = csv_column(header, copy);
  }
  return *at < 0 ? no_column(r, header, name, length, 0) : CLI_OK;
}

/* The label columns that were told: one by that name, or several by the parts between commas. */
static int find_told_labels(look *l, const table_request *r, const csv *header) {
  const char *names = r->column[TABLE_LABEL];
  int at = csv_column(header, names), status = CLI_OK;
  if (at >= 0) {
    l->labels[l->label_columns++] = (unsigned)at;
    return CLI_OK;
  }
  while (names && status == CLI_OK) {
    const char *comma = strchr(names, ',');
    if (l->label_columns == NPZ_CLASSES_MAX)
      return cli_fail(CLI_USAGE, "pack", "--label-column (expected at most 64 columns)");
    status = find_told(&at, r, header, names, comma ? (size_t)(comma - names) : strlen(names));
    if (status == CLI_OK) l->labels[l->label_columns++] = (unsigned)at;
    names = comma ? comma + 1 : NULL;
  }
  return status;
}

/* MedMNIST's tables: split, file, and a label or several. */
static void take_headless(look *l, const csv *first) {
  l->is_headless = 1;
  l->at[TABLE_SPLIT] = 0;
  l->at[TABLE_FILE] = 1;
  l->at[TABLE_PATIENT] = -1;
  for (unsigned i = 2; i < first->fields && i < NPZ_CLASSES_MAX + 2; i++)
    l->labels[l->label_columns++] = i;
}

static int is_headless(const csv *first) {
  if (first->fields < 3 || first->fields > NPZ_CLASSES_MAX + 2) return 0;
  if (npz_split_of_word(first->field[0].text, first->field[0].length) < 0) return 0;
  for (unsigned i = 2; i < first->fields; i++)
    if (!is_number(&first->field[i])) return 0;
  return 1;
}

/* Where everything is, but for labels without a name that is known. */
static int find_columns(look *l, const table_request *r, const csv *header) {
  int status = CLI_OK;
  l->fields = header->fields;
  if (is_headless(header)) {
    take_headless(l, header);
    return CLI_OK;
  }
  for (int i = 0; i < TABLE_COLUMNS && status == CLI_OK; i++) {
    const char *told = r->column[i];
    if (i == TABLE_LABEL && told) status = find_told_labels(l, r, header);
    else if (told) status = find_told(&l->at[i], r, header, told, strlen(told));
    else status = find_by_synonym(&l->at[i], r, header, i);
  }
  if (status) return status;
  if (l->at[TABLE_FILE] < 0) return no_column(r, header, NULL, 0, TABLE_FILE);
  if (l->at[TABLE_LABEL] >= 0 && !r->column[TABLE_LABEL])
    l->labels[l->label_columns++] = (unsigned)l->at[TABLE_LABEL];
  return CLI_OK;
}

/* Two columns or more of nothing but 0, 1, -1 and nothing are labels. */
static int find_flags(look *l, const table_request *r, const csv *header) {
  for (unsigned i = 0; i < l->fields; i++) {
    int is_other = (int)i == l->at[TABLE_FILE] || (int)i == l->at[TABLE_SPLIT] ||
                   (int)i == l->at[TABLE_PATIENT];
    if (is_other || !l->is_flag[i] || !l->has_flag[i]) continue;
    if (l->label_columns == NPZ_CLASSES_MAX)
      return cli_fail(CLI_DATA, r->path,
                      "more than 64 columns of 0 and 1 (expected --label-column to name them)");
    l->labels[l->label_columns++] = i;
  }
  return l->label_columns < 2 ? no_column(r, header, NULL, 0, TABLE_LABEL) : CLI_OK;
}

/* ------------------------------------------------------------------------------------ first look */

static int add_name(table *t, const csv_field *name) {
  unsigned low = 0, high = t->classes;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (compare_fields(&t->name[middle], name) < 0) low = middle + 1;
    else high = middle;
  }
  if (low < t->classes && compare_fields(&t->name[low], name) == 0) return 1;
  if (t->classes == NPZ_CLASSES_MAX) return 0;
  for (unsigned i = t->classes; i > low; i--) t->name[i] = t->name[i - 1];
  t->name[low] = *name;
  t->classes++;
  return 1;
}

/* The next of the findings between bars; 0 behind the last one. */
static int next_finding(csv_field *finding, csv_field *rest) {
  while (rest->length > 0) {
    const char *bar = (const char *)memchr(rest->text, '|', rest->length);
    size_t length = bar ? (size_t)(bar - rest->text) : rest->length,
           skip = bar ? length + 1 : length;
    *finding = (csv_field){rest->text, length};
    rest->text += skip;
    rest->length -= skip;
    while (finding->length > 0 && *finding->text == ' ') finding->text++, finding->length--;
    while (finding->length > 0 && finding->text[finding->length - 1] == ' ') finding->length--;
    if (finding->length > 0) return 1;
  }
  return 0;
}

static int is_no_finding(const csv_field *finding) {
  return csv_is_like(finding, "no finding") || csv_is_like(finding, "no findings");
}

static void look_at_label(look *l, const csv_field *label, size_t line) {
  int is_bar = memchr(label->text, '|', label->length) != NULL;
  l->has_bar |= is_bar;
  if (label->length == 0) return;
  if (is_number(label)) {
    if (!l->has_number++) l->number_line = line;
  } else if (!l->has_text++) {
    l->text_line = line;
  }
}

static void look_at_flags(look *l, const csv *c) {
  for (unsigned i = 0; i < c->fields; i++) {
    int flag = flag_of(&c->field[i]);
    if (flag == 2) l->is_flag[i] = 0;
    if (c->field[i].length > 0) l->has_flag[i] = 1;
  }
}

static int check_fields(const look *l, const table_request *r, const csv *c) {
  if (c->fields == l->fields) return CLI_OK;
  return cli_fail(CLI_DATA, r->path, "line %zu: %u fields (expected %u)", c->line, c->fields,
                  l->fields);
}

/* Looks at every line: how labels are to be read is a matter of all of them. */
static int look_at_lines(look *l, const table_request *r, csv *c) {
  int status = l->is_headless ? CLI_OK : next_record(c, r);
  memset(l->is_flag, 1, sizeof l->is_flag);
  for (; status == CLI_OK && c->fields > 0; status = next_record(c, r)) {
    status = check_fields(l, r, c);
    if (status) return status;
    look_at_flags(l, c);
    if (l->label_columns == 1) look_at_label(l, &c->field[l->labels[0]], c->line);
  }
  return status;
}

static int choose_mode(look *l, const table_request *r) {
  if (l->label_columns > 1) l->mode = COLUMNS;
  else if (l->has_bar) l->mode = FINDINGS;
  else if (r->classes) l->mode = NAMES;
  else l->mode = l->has_text && !l->has_number ? NAMES : NUMBERS;
  if (l->mode == NUMBERS && l->has_text)
    return fail_line(r, l->text_line, "bad label (expected a number as elsewhere, or --classes)");
  if (l->mode == COLUMNS && r->classes)
    return cli_fail(CLI_USAGE, "pack",
                    "--classes for several columns (expected their names alone)");
  return CLI_OK;
}

/* Names that were told, in that order. */
static int take_told_names(table *t, const table_request *r) {
  t->is_named = 1;
  for (const char *at = r->classes; at;) {
    const char *comma = strchr(at, ',');
    if (t->classes == NPZ_CLASSES_MAX)
      return cli_fail(CLI_USAGE, "pack", "--classes %s (expected at most 64 names)", r->classes);
    t->name[t->classes++] = (csv_field){at, comma ? (size_t)(comma - at) : strlen(at)};
    at = comma ? comma + 1 : NULL;
  }
  return CLI_OK;
}

static void take_column_names(table *t, const look *l, const csv *header) {
  t->classes = l->label_columns;
  t->is_named = !l->is_headless;
  for (unsigned i = 0; i < t->classes; i++) t->name[i] = header->field[l->labels[i]];
}

/* Names that the label column has, in their alphabetical order. */
static int collect_names(table *t, const look *l, const table_request *r, csv *c) {
  int status = l->is_headless ? CLI_OK : next_record(c, r), fits = 1;
  t->is_named = 1;
  for (; status == CLI_OK && c->fields > 0; status = next_record(c, r)) {
    csv_field label = c->field[l->labels[0]], finding;
    if (l->mode == NAMES && label.length > 0) fits = add_name(t, &label);
    while (fits && l->mode == FINDINGS && next_finding(&finding, &label))
      if (!is_no_finding(&finding)) fits = add_name(t, &finding);
    if (!fits) return fail_line(r, c->line, "more than 64 different labels (expected up to 64)");
  }
  return status;
}

/* --------------------------------------------------------------------------------------- records */

static int place_of_name(const table *t, const csv_field *name) {
  for (unsigned i = 0; i < t->classes; i++)
    if (compare_fields(&t->name[i], name) == 0) return (int)i;
  return -1;
}

static int take_findings(table_item *i, const table *t, const table_request *r,
                         const csv_field *label) {
  csv_field rest = *label, finding;
  while (next_finding(&finding, &rest)) {
    int place = is_no_finding(&finding) ? -1 : place_of_name(t, &finding);
    if (place >= 0) i->flags |= (uint64_t)1 << place;
    else if (!is_no_finding(&finding))
      return fail_line(r, i->line, "no such label (expected those of --classes)");
  }
  return CLI_OK;
}

/* Several columns; *skip: the line is left out. */
static int take_flags(table_item *i, int *skip, const look *l, const table_request *r,
                      const csv *c) {
  for (unsigned k = 0; k < l->label_columns; k++) {
    int flag = flag_of(&c->field[l->labels[k]]);
    if (flag == 2) return fail_line(r, i->line, "bad label (expected 0, 1, -1 or nothing)");
    if (flag < 0 && r->uncertain == TABLE_UNCERTAIN_REFUSED)
      return fail_line(r, i->line,
                       "an uncertain label, -1 (expected --uncertain zero, one or skip)");
    if (flag < 0 && r->uncertain == TABLE_UNCERTAIN_SKIP) *skip = 1;
    if (flag < 0) flag = r->uncertain == TABLE_UNCERTAIN_ONE;
    if (flag) i->flags |= (uint64_t)1 << k;
  }
  return CLI_OK;
}

static int take_class(table_item *i, const table *t, const look *l, const table_request *r,
                      const csv_field *label) {
  int class = l->mode == NAMES ? place_of_name(t, label) : number_of(label);
  if (label->length == 0) return fail_line(r, i->line, "no label (expected one)");
  if (class < 0 || class >= NPZ_CLASSES_MAX)
    return fail_line(r, i->line,
                     l->mode == NAMES ? "no such label (expected one of --classes)"
                                      : "bad label (expected 0 to 63, or names by --classes)");
  i->label = (uint8_t) class;
  return CLI_OK;
}

static void count_item(table *t, const look *l, const table_item *i) {
  t->in_split[i->split]++;
  if (l->mode == NUMBERS && t->classes < i->label + 1U) t->classes = i->label + 1U;
  if (!t->has_several) t->of_class[i->label]++;
  for (unsigned k = 0; k < t->classes && t->has_several; k++)
    if (i->flags >> k & 1) t->of_class[k]++;
}

/* Checks a record and appends it. */
static int take_record(table *t, const look *l, const table_request *r, const csv *c) {
  int skip = 0, status;
  const csv_field *label = &c->field[l->labels[0]];
  table_item i = {c->field[l->at[TABLE_FILE]], {"", 0}, c->line, 0, 0, NPZ_TRAIN};
  if (l->at[TABLE_PATIENT] >= 0) i.patient = c->field[l->at[TABLE_PATIENT]];
  if (i.file.length == 0) return fail_line(r, i.line, "no file (expected its name)");
  if (l->at[TABLE_SPLIT] >= 0) {
    const csv_field *word = &c->field[l->at[TABLE_SPLIT]];
    int split = npz_split_of_word(word->text, word->length);
    if (split < 0)
      return fail_line(r, i.line, "no such split (expected train, val or test in its column)");
    i.split = (uint8_t)split;
  }
  if (l->mode == COLUMNS) status = take_flags(&i, &skip, l, r, c);
  else if (l->mode == FINDINGS) status = take_findings(&i, t, r, label);
  else status = take_class(&i, t, l, r, label);
  if (status) return status;
  if (t->count == t->capacity) return fail_line(r, i.line, "too many lines");
  t->skipped += skip != 0;
  if (skip) return CLI_OK;
  count_item(t, l, &i);
  t->item[t->count++] = i;
  return CLI_OK;
}

static int take_records(table *t, const look *l, const table_request *r, csv *c) {
  int status = next_record(c, r);
  for (int i = 0; i < TABLE_COLUMNS && !l->is_headless; i++)
    if (l->at[i] >= 0) t->header[i] = c->field[l->at[i]];
  if (status == CLI_OK && !l->is_headless) status = next_record(c, r);
  for (; status == CLI_OK && c->fields > 0; status = next_record(c, r)) {
    status = check_fields(l, r, c);
    if (status == CLI_OK) status = take_record(t, l, r, c);
    if (status) return status;
  }
  return status;
}

/* ----------------------------------------------------------------------------------------- whole */

/* A copy of the text, which is read as often as need be: reading changes it. */
static int open_copy(csv *c, char *copy, const file_input *file, const table_request *r) {
  if (file->count > 0) memcpy(copy, file->bytes, file->count);
  const char *reason = csv_open(c, copy, file->count);
  return reason ? cli_fail(CLI_DATA, r->path, "%s", reason) : next_record(c, r);
}

/* Looks the table through and decides how it is read.
 *   copy  [file->count]  holds the names of classes afterwards */
static int decide(table *t, look *l, const table_request *r, const file_input *file, char *copy) {
  csv c, header;
  memset(l, 0, sizeof *l);
  for (int i = 0; i < TABLE_COLUMNS; i++) l->at[i] = -1;
  int status = open_copy(&c, copy, file, r);
  header = c;
  if (status == CLI_OK && c.fields == 0)
    status = cli_fail(CLI_DATA, r->path,
                      "an empty table (expected a header with columns like file, label and split)");
  if (status == CLI_OK) status = find_columns(l, r, &c);
  if (status == CLI_OK) status = look_at_lines(l, r, &c);
  if (status == CLI_OK && l->label_columns == 0) status = find_flags(l, r, &header);
  if (status == CLI_OK) status = choose_mode(l, r);
  if (status) return status;
  t->has_several = l->mode == COLUMNS || l->mode == FINDINGS;
  if (l->mode == COLUMNS) take_column_names(t, l, &header);
  if (l->mode == COLUMNS || l->mode == NUMBERS) return CLI_OK;
  if (r->classes) return take_told_names(t, r);
  status = open_copy(&c, copy, file, r);
  return status ? status : collect_names(t, l, r, &c);
}

int table_read(table *t, const table_request *r, file_input *file) {
  look l;
  csv c;
  size_t lines = 1, most = file->count / RECORD_BYTES_MIN + 1;
  memset(t, 0, sizeof *t);
  for (size_t i = 0; i < file->count; i++)
    lines += file->bytes[i] == '\n' || file->bytes[i] == '\r';
  t->capacity = lines < most ? lines : most;
  if (t->capacity > r->limit_bytes / sizeof *t->item)
    return cli_fail(
        CLI_DATA, r->path,
        "%zu lines need %zu MiB of memory (expected at most %zu MiB; --data-mib sets the "
        "limit)",
        t->capacity, (t->capacity * sizeof *t->item >> 20) + 1, r->limit_bytes >> 20);
  int status = cli_arena_create(&t->arena, t->capacity * sizeof *t->item + file->count);
  if (status) return status;
  t->item = (table_item *)t->arena.memory;
  status = decide(t, &l, r, file, (char *)(t->item + t->capacity));
  if (status == CLI_OK) {
    (void)csv_open(&c, file->bytes, file->count);
    status = take_records(t, &l, r, &c);
  }
  t->has_split = l.at[TABLE_SPLIT] >= 0;
  if (status == CLI_OK) status = table_check(t, r);
  if (status) table_free(t);
  return status;
}

void table_free(table *t) {
  if (t->arena.memory) cli_arena_destroy(&t->arena);
  memset(t, 0, sizeof *t);
}
