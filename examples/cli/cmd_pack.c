/* ppml pack: a table of labels and a folder of pictures as a data set. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "load.h"
#include "npz_write.h"
#include "outputs.h"
#include "resample.h"
#include "table.h"

#define TABLE_FILE_BYTES_MAX ((size_t)64 << 20)
#define MISSING_LISTED 10
#define LIST_BYTES 1600 /* of the files that a message lists */

typedef struct pack_request {
  table_request table;
  const char *out_path;
  const char *folder;       /* NULL: that of the table */
  double share[NPZ_SPLITS]; /* of images without a split column */
  int has_share;
  uint64_t seed;
  size_t side, limit_bytes;
  unsigned channels;
  int json;
} pack_request;

/* ----------------------------------------------------------------------------------------- options */

/* "0.8,0.1,0.1": three shares, whose sum is 1; some for training. */
static int parse_share(double share[NPZ_SPLITS], const char *text) {
  double sum = 0;
  for (int i = 0; i < NPZ_SPLITS; i++) {
    char part[16];
    const char *comma = strchr(text, ',');
    size_t length = comma ? (size_t)(comma - text) : strlen(text);
    if (length >= sizeof part || (comma == NULL) != (i == NPZ_SPLITS - 1)) return 0;
    memcpy(part, text, length);
    part[length] = 0;
    if (!args_parse_real(&share[i], part, 0, 1)) return 0;
    sum += share[i];
    text += length + 1;
  }
  return share[NPZ_TRAIN] > 0 && sum > 0.999999 && sum < 1.000001;
}

static int parse_uncertain(int *uncertain, const char *text) {
  static const char *const words[] = {"zero", "one", "skip"};
  *uncertain = TABLE_UNCERTAIN_REFUSED;
  for (int i = 0; text && i < 3; i++)
    if (strcmp(text, words[i]) == 0) *uncertain = TABLE_UNCERTAIN_ZERO + i;
  return text == NULL || *uncertain != TABLE_UNCERTAIN_REFUSED;
}

static void parse_table(table_request *t, args *a) {
  memset(t, 0, sizeof *t);
  t->column[TABLE_FILE] = args_text(a, "--file-column");
  t->column[TABLE_LABEL] = args_text(a, "--label-column");
  t->column[TABLE_SPLIT] = args_text(a, "--split-column");
  t->column[TABLE_PATIENT] = args_text(a, "--patient-column");
  t->classes = args_text(a, "--classes");
}

static int parse(pack_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const uint64_t most = SIZE_MAX >> 20;
  const double usual[NPZ_SPLITS] = {0.8, 0.1, 0.1};
  r->out_path = args_output(&a, "-o");
  r->side = (size_t)args_number(&a, "--side", 1, PPML_SIDE_MAX, 28);
  r->channels = args_flag(&a, "--rgb") ? 3 : 1;
  r->folder = args_text(&a, "--images");
  parse_table(&r->table, &a);
  const char *uncertain = args_text(&a, "--uncertain"), *share = args_text(&a, "--split");
  r->has_share = share != NULL;
  r->seed = args_number(&a, "--seed", 0, UINT64_MAX, 1);
  r->limit_bytes = (size_t)args_number(&a, "--data-mib", 1, most, NPZ_MEMORY_DEFAULT >> 20) << 20;
  r->table.limit_bytes = r->limit_bytes;
  r->json = args_flag(&a, "--json");
  load_take_view(&a);
  memcpy(r->share, usual, sizeof usual);
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->table.path = a.value[0];
  if (share && !parse_share(r->share, share))
    return cli_fail(CLI_USAGE, "pack",
                    "--split %s (expected shares of train, val and test, like 0.8,0.1,0.1)", share);
  if (!parse_uncertain(&r->table.uncertain, uncertain))
    return cli_fail(CLI_USAGE, "pack", "--uncertain %s (expected zero, one or skip)", uncertain);
  return r->table.classes ? cli_check_text("pack", "--classes", r->table.classes) : CLI_OK;
}

/* ------------------------------------------------------------------------------------------- files */

/* Where a table's files are looked for: in the folder that was named; or beside the table, then in a
 * folder that is called like the table without its ending, as MedMNIST's package has it, then a folder
 * above, as CheXpert has it.
 *   behind  out: what stands between the folder and the file's name
 * Returns 0 where there is no such attempt. */
static int folder_of(const char **folder, size_t *length, const char **behind,
                     const pack_request *r, int attempt) {
  const char *path = r->table.path, *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
  *folder = r->folder ? r->folder : path;
  *length = r->folder ? strlen(r->folder) : slash ? (size_t)(slash - path) : 0;
  *behind = *length ? "/" : "";
  if (attempt == 0) return 1;
  if (r->folder || attempt > 2) return 0;
  if (attempt == 2) {
    *behind = *length ? "/../" : "../";
  } else if (dot && (!slash || dot > slash)) {
    *length = (size_t)(dot - path);
    *behind = "/";
  }
  return 1;
}

/* The letters behind the last point of the last name, in the other case. */
static void turn_case(char *path) {
  char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
  if (dot == NULL || (slash && dot < slash)) return;
  for (char *at = dot + 1; *at; at++) {
    if (*at >= 'a' && *at <= 'z') *at = (char)(*at - 'a' + 'A');
    else if (*at >= 'A' && *at <= 'Z') *at = (char)(*at - 'A' + 'a');
  }
}

static int is_there(const char *path) {
  return access(path, F_OK) == 0;
}

/* Is there such a file, with its ending in the other case, or with one where it has none?  Then path is
 * what it is called. */
static int find_ending(char path[FILE_PATH_BYTES]) {
  static const char *const endings[] = {".png", ".jpg", ".jpeg", ".dcm",  ".pgm",
                                        ".ppm", ".PNG", ".JPG",  ".JPEG", ".DCM"};
  size_t length = strlen(path);
  const char *slash = strrchr(path, '/');
  if (is_there(path)) return 1;
  turn_case(path);
  if (is_there(path)) return 1;
  turn_case(path);
  if (strchr(slash ? slash : path, '.') || length + 8 > FILE_PATH_BYTES) return 0;
  for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
    strcpy(path + length, endings[i]);
    if (is_there(path)) return 1;
  }
  path[length] = 0;
  return 0;
}

/* The same with / for the \\ of another system. */
static int find_turned(char path[FILE_PATH_BYTES]) {
  if (strchr(path, '\\') == NULL) return 0;
  for (char *at = path; *at; at++)
    if (*at == '\\') *at = '/';
  return find_ending(path);
}

/* Finds the file of an item; 0 where there is none, and path is where it was looked for first. */
static int find_file(char path[FILE_PATH_BYTES], const pack_request *r, const table_item *i) {
  char tried[FILE_PATH_BYTES];
  const char *folder, *behind;
  size_t length;
  int is_absolute = i->file.text[0] == '/';
  path[0] = 0;
  for (int attempt = 0; folder_of(&folder, &length, &behind, r, attempt); attempt++) {
    if (is_absolute) length = 0, behind = "";
    int made = snprintf(tried, sizeof tried, "%.*s%s%.*s", (int)length, folder, behind,
                        (int)i->file.length, i->file.text);
    if (made <= 0 || made >= FILE_PATH_BYTES) return 0;
    int found = find_ending(tried) || find_turned(tried);
    if (attempt == 0 || found) memcpy(path, tried, strlen(tried) + 1);
    if (found) return 1;
  }
  return 0;
}

/* Lists what is missing: the first ten, and how many. */
static int check_files(const pack_request *r, const table *t) {
  char path[FILE_PATH_BYTES], list[LIST_BYTES] = "";
  size_t missing = 0, used = 0;
  for (size_t n = 0; n < t->count; n++) {
    const table_item *i = &t->item[n];
    if (find_file(path, r, i)) continue;
    if (missing++ >= MISSING_LISTED || used + 120 > sizeof list) continue;
    int shown = i->file.length > 80 ? 80 : (int)i->file.length;
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s (line %zu)", used ? ", " : "",
                             shown, i->file.text, i->line);
  }
  if (missing == 0) return CLI_OK;
  return cli_fail(CLI_MISSING, r->table.path,
                  "%zu of %zu files %s not there: %s%s (expected %s%s; --images names the folder)",
                  missing, t->count, missing == 1 ? "is" : "are", list,
                  missing > MISSING_LISTED ? " and so on" : "",
                  r->folder ? "in " : "beside the table", r->folder ? r->folder : "");
}

/* ------------------------------------------------------------------------------------------ images */

/* Puts the image of an item into its place: [side][side][channels]. */
static int pack_image(uint8_t *pixels, const pack_request *r, const table_item *i) {
  char path[FILE_PATH_BYTES], where[48];
  image picture;
  ppml_arena arena;
  snprintf(where, sizeof where, ", line %zu of the labels", i->line);
  (void)find_file(path, r, i);
  int status = load_picture(&picture, path, where, &arena);
  if (status) return status;
  resample_fit(pixels, r->side, r->side, r->channels, &picture);
  cli_arena_destroy(&arena);
  return CLI_OK;
}

static void put_labels(uint8_t *labels, const table *t, const table_item *i) {
  if (!t->has_several) *labels = i->label;
  for (unsigned l = 0; l < t->classes && t->has_several; l++) labels[l] = i->flags >> l & 1;
}

/* All images and labels, one split behind the other, each in the order of the table.
 *   images  [count][side][side][channels]
 *   labels  [count][labels_per_image] */
static int pack_images(uint8_t *images, uint8_t *labels, const pack_request *r, const table *t,
                       unsigned labels_per_image) {
  size_t image_bytes = r->side * r->side * r->channels;
  size_t next[NPZ_SPLITS] = {0, t->in_split[NPZ_TRAIN],
                             t->in_split[NPZ_TRAIN] + t->in_split[NPZ_VAL]};
  ppml_progress progress = cli_progress("packing");
  int status = CLI_OK;
  for (size_t n = 0; status == CLI_OK && n < t->count; n++) {
    const table_item *i = &t->item[n];
    size_t place = next[i->split]++;
    put_labels(labels + place * labels_per_image, t, i);
    status = pack_image(images + place * image_bytes, r, i);
    progress.step(progress.context, n + 1, t->count);
  }
  return status;
}

/* The data set's shape, without arrays. */
static void set_shape(npz_dataset *d, const pack_request *r, const table *t) {
  memset(d, 0, sizeof *d);
  d->height = d->width = r->side;
  d->channels = r->channels;
  d->classes = t->classes;
  d->labels_per_image = t->has_several ? t->classes : 1;
  for (int i = 0; i < NPZ_SPLITS; i++) d->split[i].count = t->in_split[i];
}

/* Points the splits at their parts of the arrays. */
static void place_arrays(npz_dataset *d, const uint8_t *images, const uint8_t *labels) {
  for (int i = 0; i < NPZ_SPLITS; i++) {
    d->split[i].images = images;
    d->split[i].labels = labels;
    images += d->split[i].count * d->height * d->width * d->channels;
    labels += d->split[i].count * d->labels_per_image;
  }
}

/* ------------------------------------------------------------------------------------------ output */

static int save_dataset(const npz_dataset *d, const char *path) {
  file_output output;
  int status = outputs_begin(&output, path, 0666);
  if (status) return status;
  if (npz_write(&output, d) == NULL) return outputs_commit(&output, &path, 1);
  file_abort(&output);
  return save_fail(&output, path);
}

static const char *const column_names[TABLE_COLUMNS] = {"file", "label", "split", "patient"};

/* A field's text as a string, cut to what fits. */
static const char *text_of(char text[64], const csv_field *field) {
  int length = field->length > 60 ? 60 : (int)field->length;
  while (length > 0 && field->length > 60 && (field->text[length] & 0xC0) == 0x80)
    length--; /* not within a character of UTF-8 */
  snprintf(text, 64, "%.*s", length, field->text);
  return text;
}

static void report_names_json(const npz_dataset *d, const table *t) {
  char text[64];
  json_begin("names", '[');
  for (unsigned c = 0; c < d->classes; c++) json_text(NULL, text_of(text, &t->name[c]));
  json_end(']');
}

static void report_json(const pack_request *r, const npz_dataset *d, const table *t) {
  json_begin(NULL, '{');
  json_integer("images", (int64_t)t->count);
  json_integer("height", (int64_t)d->height);
  json_integer("width", (int64_t)d->width);
  json_integer("channels", d->channels);
  json_integer("classes", d->classes);
  json_integer("labels_per_image", d->labels_per_image);
  for (int i = 0; i < NPZ_SPLITS; i++) json_integer(npz_split_name(i), (int64_t)d->split[i].count);
  json_begin("of_class", '[');
  for (unsigned c = 0; c < d->classes; c++) json_integer(NULL, (int64_t)t->of_class[c]);
  json_end(']');
  if (t->is_named) report_names_json(d, t);
  if (!t->has_split) json_integer("split_seed", (int64_t)r->seed);
  if (t->skipped) json_integer("skipped", (int64_t)t->skipped);
  if (t->divided) json_integer("patients_in_several_splits", (int64_t)t->divided);
  json_end('}');
}

/* What was found, and what was made of it. */
static void report_table(const pack_request *r, const table *t) {
  char text[64];
  for (int i = 0; i < TABLE_COLUMNS; i++)
    if (t->header[i].length > 0)
      printf("%-10s column %s\n", column_names[i], text_of(text, &t->header[i]));
  if (!t->has_split)
    printf("split      %g, %g, %g by seed %llu, of each %s, %s together\n", r->share[0],
           r->share[1], r->share[2], (unsigned long long)r->seed,
           t->has_several ? "label" : "class",
           t->header[TABLE_PATIENT].length > 0 ? "patients" : "files");
  if (t->skipped) printf("skipped    %zu lines of uncertain labels\n", t->skipped);
  if (t->divided && t->has_split && t->header[TABLE_PATIENT].length > 0)
    printf("patients   %zu are in more than one split\n", t->divided);
}

static void report(const pack_request *r, const npz_dataset *d, const table *t) {
  char text[64];
  if (r->json) {
    report_json(r, d, t);
    return;
  }
  report_table(r, t);
  printf("images     %zu of %zux%zux%u: train %zu, val %zu, test %zu\n", t->count, d->width,
         d->height, d->channels, d->split[NPZ_TRAIN].count, d->split[NPZ_VAL].count,
         d->split[NPZ_TEST].count);
  for (unsigned c = 0; c < d->classes; c++)
    printf("%s %-2u   %zu images%s%s\n", t->has_several ? "label" : "class", c, t->of_class[c],
           t->is_named ? "  " : "", t->is_named ? text_of(text, &t->name[c]) : "");
}

/* Packs into memory, which has images and labels for all of the table, and saves it. */
static int pack_in_memory(const pack_request *r, const table *t, npz_dataset *d, uint8_t *memory) {
  uint8_t *labels = memory + t->count * r->side * r->side * r->channels;
  place_arrays(d, memory, labels);
  int status = pack_images(memory, labels, r, t, d->labels_per_image);
  if (status == CLI_OK) status = save_dataset(d, r->out_path);
  if (status == CLI_OK && strcmp(r->out_path, "-") != 0) report(r, d, t);
  return status;
}

/* The memory that a data set takes while it is made: all of it. */
static int check_size(const pack_request *r, const table *t, uint64_t bytes) {
  if (bytes == 0)
    return cli_fail(
        CLI_DATA, r->table.path,
        "%zu images of %zux%zux%u make more than 4 GiB (expected less: a smaller --side)", t->count,
        r->side, r->side, r->channels);
  if (bytes <= r->limit_bytes) return CLI_OK;
  return cli_fail(CLI_DATA, r->table.path,
                  "%zu images of %zux%zux%u need %llu MiB of memory (expected at most %zu MiB; "
                  "--data-mib sets the limit, --side the size)",
                  t->count, r->side, r->side, r->channels, (unsigned long long)(bytes >> 20) + 1,
                  r->limit_bytes >> 20);
}

static int pack(const pack_request *r, const table *t) {
  ppml_arena arena;
  npz_dataset d;
  set_shape(&d, r, t);
  uint64_t bytes = npz_write_bytes(&d); /* more than the arrays take */
  int status = check_size(r, t, bytes);
  if (status == CLI_OK) status = check_files(r, t);
  if (status == CLI_OK) status = cli_arena_create(&arena, (size_t)bytes);
  if (status) return status;
  status = pack_in_memory(r, t, &d, (uint8_t *)arena.memory);
  cli_arena_destroy(&arena);
  return status;
}

static int check_text(const pack_request *r, const char *what, const csv_field *field) {
  const char *reason = ppml_text_refusal(field->text, field->length);
  if (reason == NULL) return CLI_OK;
  return cli_fail(CLI_DATA, r->table.path, "a %s %s (expected UTF-8: iconv -t UTF-8)", what,
                  reason);
}

/* What is going to be shown must be fit for it. */
static int check_names(const pack_request *r, const table *t) {
  int status = CLI_OK;
  for (int i = 0; i < TABLE_COLUMNS && status == CLI_OK; i++)
    if (t->header[i].length > 0) status = check_text(r, "column's name", &t->header[i]);
  for (unsigned c = 0; c < t->classes && t->is_named && status == CLI_OK; c++)
    status = check_text(r, "label's name", &t->name[c]);
  return status;
}

/* Splits as the table has them, or else by shares. */
static int share_out(table *t, const pack_request *r) {
  if (!t->has_split) return table_divide(t, &r->table, r->share, r->seed);
  if (!r->has_share) return CLI_OK;
  return cli_fail(CLI_USAGE, "pack", "--split, and the table has splits (expected one of them)");
}

int cmd_pack(int argc, char **argv) {
  static pack_request r;
  static table t;
  file_input file;
  int status = parse(&r, argc, argv);
  if (status) return status;
  if (file_read(&file, r.table.path, TABLE_FILE_BYTES_MAX) != NULL)
    return cli_fail(file.status, r.table.path, "%s", file.message);
  status = table_read(&t, &r.table, &file);
  if (status == CLI_OK) {
    status = check_names(&r, &t);
    if (status == CLI_OK) status = share_out(&t, &r);
    if (status == CLI_OK) status = pack(&r, &t);
    table_free(&t);
  }
  file_free(&file);
  return status;
}
