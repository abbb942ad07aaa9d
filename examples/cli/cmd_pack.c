/* ppml pack: a table of labels and a folder of pictures as a data set. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "csv.h"
#include "json.h"
#include "load.h"
#include "npz_write.h"
#include "outputs.h"
#include "resample.h"

#define TABLE_BYTES_MAX ((size_t)64 << 20)
#define LOAD_DATASET_BYTES_MAX ((size_t)1 << 30)
#define RECORD_BYTES_MIN 4 /* "val" and the end of its line: empty lines are none */

/* Which column has what. */
enum { FILE_COLUMN, LABEL_COLUMN, SPLIT_COLUMN, COLUMNS };

typedef struct pack_request {
  const char *table_path, *out_path;
  const char *folder; /* NULL: that of the table */
  const char *column[COLUMNS];
  const char *classes; /* names in the label column, comma-separated; NULL: numbers */
  size_t side;
  unsigned channels;
  int json;
} pack_request;

/* A line of the table. */
typedef struct item {
  csv_field file;
  size_t line;
  uint8_t label;
  uint8_t split;
} item;

typedef struct item_list {
  item *item; /* [capacity] */
  size_t count, capacity;
  size_t in_split[NPZ_SPLITS];
  size_t of_class[NPZ_CLASSES_MAX];
  unsigned classes; /* the largest label and 1 */
} item_list;

static const char *text_or(args *a, const char *name, const char *fallback) {
  const char *text = args_text(a, name);
  return text ? text : fallback;
}

static int parse(pack_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->out_path = args_output(&a, "-o");
  r->side = (size_t)args_number(&a, "--side", 1, IMAGE_SIDE_MAX, 28);
  r->channels = args_flag(&a, "--rgb") ? 3 : 1;
  r->folder = args_text(&a, "--images");
  r->column[FILE_COLUMN] = text_or(&a, "--file-column", "file");
  r->column[LABEL_COLUMN] = text_or(&a, "--label-column", "label");
  r->column[SPLIT_COLUMN] = text_or(&a, "--split-column", "split");
  r->classes = args_text(&a, "--classes");
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status == CLI_OK && r->classes) status = cli_check_text("pack", "--classes", r->classes);
  if (status == CLI_OK) r->table_path = a.value[0];
  return status;
}

/* ------------------------------------------------------------------- table */

static int table_fail(const pack_request *r, size_t line, const char *reason) {
  return cli_fail(CLI_DATA, r->table_path, "line %zu: %s", line, reason);
}

/* The place of a field's text in a comma-separated list, -1 if it has none. */
static int place_in(const char *names, const csv_field *field) {
  for (int place = 0; names; place++) {
    const char *comma = strchr(names, ',');
    size_t length = comma ? (size_t)(comma - names) : strlen(names);
    if (length == field->length && memcmp(names, field->text, length) == 0) return place;
    names = comma ? comma + 1 : NULL;
  }
  return -1;
}

/* One or two digits. */
static int number_of(const csv_field *field) {
  int number = 0;
  if (field->length < 1 || field->length > 2) return -1;
  for (size_t i = 0; i < field->length; i++) {
    if (field->text[i] < '0' || field->text[i] > '9') return -1;
    number = 10 * number + (field->text[i] - '0');
  }
  return number;
}

static int split_of(const csv_field *field) {
  for (int i = 0; i < NPZ_SPLITS; i++)
    if (csv_is(field, npz_split_name(i))) return i;
  return -1;
}

/* Checks a record and appends it. */
static int take_record(item_list *list, const pack_request *r, const csv *table,
                       const int at[COLUMNS]) {
  const csv_field *label = &table->field[at[LABEL_COLUMN]];
  int class = r->classes ? place_in(r->classes, label) : number_of(label);
  int split = split_of(&table->field[at[SPLIT_COLUMN]]);
  item i = {table->field[at[FILE_COLUMN]], table->line, (uint8_t) class, (uint8_t)split};
  if (i.file.length == 0) return table_fail(r, i.line, "no file (expected its name)");
  if (split < 0)
    return table_fail(r, i.line, "no such split (expected train, val or test in its column)");
  if (class < 0 || class >= NPZ_CLASSES_MAX)
    return table_fail(r, i.line,
                      r->classes ? "no such label (expected one of --classes)"
                                 : "bad label (expected 0 to 63, or names by --classes)");
  if (list->count == list->capacity) return table_fail(r, i.line, "too many lines");
  list->in_split[split]++;
  list->of_class[class]++;
  if (list->classes < (unsigned)class + 1) list->classes = (unsigned)class + 1;
  list->item[list->count++] = i;
  return CLI_OK;
}

static int find_columns(int at[COLUMNS], const pack_request *r, const csv *table) {
  for (int i = 0; i < COLUMNS; i++) {
    at[i] = csv_column(table, r->column[i]);
    if (at[i] < 0)
      return cli_fail(CLI_DATA, r->table_path,
                      "line %zu: no column %s (expected one in the header)", table->line,
                      r->column[i]);
  }
  return CLI_OK;
}

/* Can the list be a data set? */
static int check_list(const item_list *list, const pack_request *r) {
  for (int i = 0; i < NPZ_SPLITS; i++)
    if (list->in_split[i] == 0)
      return cli_fail(CLI_DATA, r->table_path, "no image of the split %s (expected at least one)",
                      npz_split_name(i));
  if (list->classes < 2)
    return cli_fail(CLI_DATA, r->table_path, "all labels are 0 (expected at least two classes)");
  return CLI_OK;
}

static int take_table(item_list *list, const pack_request *r, csv *table) {
  int at[COLUMNS] = {0};
  const char *reason = csv_next(table);
  if (reason) return table_fail(r, table->line, reason);
  unsigned fields = table->fields;
  int status = find_columns(at, r, table);
  while (status == CLI_OK) {
    reason = csv_next(table);
    if (reason) return table_fail(r, table->line, reason);
    if (table->fields == 0) return check_list(list, r);
    if (table->fields != fields)
      return cli_fail(CLI_DATA, r->table_path, "line %zu: %u fields (expected %u)", table->line,
                      table->fields, fields);
    status = take_record(list, r, table, at);
  }
  return status;
}

/* The table, into an arena of its own; its fields point into file. */
static int read_table(item_list *list, const pack_request *r, const file_input *file,
                      ppml_arena *arena) {
  csv table;
  size_t lines = 1, most = file->count / RECORD_BYTES_MIN + 1;
  for (size_t i = 0; i < file->count; i++) lines += file->bytes[i] == '\n';
  memset(list, 0, sizeof *list);
  list->capacity = lines < most ? lines : most;
  int status = cli_arena_create(arena, list->capacity * sizeof *list->item);
  if (status) return status;
  list->item = (item *)arena->memory;
  csv_open(&table, file->bytes, file->count);
  status = take_table(list, r, &table);
  if (status) cli_arena_destroy(arena);
  return status;
}

/* ------------------------------------------------------------------ images */

/* The file's path: beside the table, or in the folder that was named. */
static int path_of(char path[FILE_PATH_BYTES], const pack_request *r, const item *i) {
  const char *slash = strrchr(r->table_path, '/');
  const char *folder = r->folder ? r->folder : r->table_path;
  int folder_length = r->folder ? (int)strlen(folder) : slash ? (int)(slash - folder) : 0;
  if (i->file.length >= FILE_PATH_BYTES) return 0;
  int absolute = i->file.text[0] == '/' || (!r->folder && !slash);
  int length = absolute ? snprintf(path, FILE_PATH_BYTES, "%.*s", (int)i->file.length, i->file.text)
                        : snprintf(path, FILE_PATH_BYTES, "%.*s/%.*s", folder_length, folder,
                                   (int)i->file.length, i->file.text);
  return length > 0 && length < FILE_PATH_BYTES;
}

/* Puts the image of an item into its place: [side][side][channels]. */
static int pack_image(uint8_t *pixels, const pack_request *r, const item *i) {
  char path[FILE_PATH_BYTES], where[48];
  image picture;
  ppml_arena arena;
  snprintf(where, sizeof where, ", line %zu of the labels", i->line);
  if (!path_of(path, r, i)) return table_fail(r, i->line, "the file's name is too long");
  int status = load_picture(&picture, path, where, &arena);
  if (status) return status;
  resample_fit(pixels, r->side, r->side, r->channels, &picture);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

/* All images and labels, one split behind the other, each in the order of the table.
 *   images  [count][side][side][channels]
 *   labels  [count] */
static int pack_images(uint8_t *images, uint8_t *labels, const pack_request *r,
                       const item_list *list) {
  size_t image_bytes = r->side * r->side * r->channels;
  size_t next[NPZ_SPLITS] = {0, list->in_split[NPZ_TRAIN],
                             list->in_split[NPZ_TRAIN] + list->in_split[NPZ_VAL]};
  ppml_progress progress = cli_progress("packing");
  int status = CLI_OK;
  for (size_t n = 0; status == CLI_OK && n < list->count; n++) {
    const item *i = &list->item[n];
    size_t place = next[i->split]++;
    labels[place] = i->label;
    status = pack_image(images + place * image_bytes, r, i);
    progress.step(progress.context, n + 1, list->count);
  }
  return status;
}

/* The data set's shape, without arrays. */
static npz_dataset shape_of(const pack_request *r, const item_list *list) {
  npz_dataset d = {.height = r->side,
                   .width = r->side,
                   .channels = r->channels,
                   .labels_per_image = 1,
                   .classes = list->classes};
  for (int i = 0; i < NPZ_SPLITS; i++) d.split[i].count = list->in_split[i];
  return d;
}

/* Points the splits at their parts of the arrays. */
static void place_arrays(npz_dataset *d, const uint8_t *images, const uint8_t *labels) {
  for (int i = 0; i < NPZ_SPLITS; i++) {
    d->split[i].images = images;
    d->split[i].labels = labels;
    images += d->split[i].count * d->height * d->width * d->channels;
    labels += d->split[i].count;
  }
}

/* ------------------------------------------------------------------ output */

static int save_dataset(const npz_dataset *d, const char *path) {
  file_output output;
  int status = outputs_begin(&output, path, 0666);
  if (status) return status;
  if (npz_write(&output, d) == NULL) return outputs_commit(&output, &path, 1);
  file_abort(&output);
  return save_fail(&output, path);
}

static void report_json(const npz_dataset *d, const item_list *list) {
  json_begin(NULL, '{');
  json_integer("images", (int64_t)list->count);
  json_integer("height", (int64_t)d->height);
  json_integer("width", (int64_t)d->width);
  json_integer("channels", d->channels);
  json_integer("classes", d->classes);
  for (int i = 0; i < NPZ_SPLITS; i++) json_integer(npz_split_name(i), (int64_t)d->split[i].count);
  json_begin("of_class", '[');
  for (unsigned c = 0; c < d->classes; c++) json_integer(NULL, (int64_t)list->of_class[c]);
  json_end(']');
  json_end('}');
}

static void report(const pack_request *r, const npz_dataset *d, const item_list *list) {
  if (r->json) {
    report_json(d, list);
    return;
  }
  printf("images     %zu of %zux%zux%u: train %zu, val %zu, test %zu\n", list->count, d->width,
         d->height, d->channels, d->split[NPZ_TRAIN].count, d->split[NPZ_VAL].count,
         d->split[NPZ_TEST].count);
  for (unsigned c = 0; c < d->classes; c++)
    printf("class %-2u   %zu images\n", c, list->of_class[c]);
}

/* Packs into memory, which has images and labels for all of the list, and saves it. */
static int pack_in_memory(const pack_request *r, const item_list *list, npz_dataset *d,
                          uint8_t *memory) {
  uint8_t *labels = memory + list->count * r->side * r->side * r->channels;
  place_arrays(d, memory, labels);
  int status = pack_images(memory, labels, r, list);
  if (status == CLI_OK) status = save_dataset(d, r->out_path);
  if (status == CLI_OK && strcmp(r->out_path, "-") != 0) report(r, d, list);
  return status;
}

static int pack(const pack_request *r, const item_list *list) {
  ppml_arena arena;
  npz_dataset d = shape_of(r, list);
  uint64_t bytes = npz_write_bytes(&d); /* more than the arrays take */
  if (bytes == 0 || bytes > LOAD_DATASET_BYTES_MAX)
    return cli_fail(CLI_DATA, r->table_path, "%zu images of %zux%zux%u (expected at most 1 GiB)",
                    list->count, r->side, r->side, r->channels);
  int status = cli_arena_create(&arena, (size_t)bytes);
  if (status) return status;
  status = pack_in_memory(r, list, &d, (uint8_t *)arena.memory);
  cli_arena_destroy(&arena);
  return status;
}

int cmd_pack(int argc, char **argv) {
  pack_request r;
  file_input file;
  item_list list;
  ppml_arena arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  if (file_read(&file, r.table_path, TABLE_BYTES_MAX) != NULL)
    return cli_fail(file.status, r.table_path, "%s", file.message);
  status = read_table(&list, &r, &file, &arena);
  if (status == CLI_OK) {
    status = pack(&r, &list);
    cli_arena_destroy(&arena);
  }
  file_free(&file);
  return status;
}
