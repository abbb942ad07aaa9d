#include "dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "json.h"

#define RANGE_UNIT 1048576.0 /* of ppml_range: 2^20 */
#define RANGE_MOST 4e12      /* what it has room for, rounded down */

/* --------------------------------------------------------------------------------------- options */

/* "28,28", "28,28,3" or "3,28,28". */
static int parse_shape(npz_options *o, const char *text) {
  char side[8];
  o->sides = 0;
  for (const char *at = text; at;) {
    uint64_t number;
    const char *comma = strchr(at, ',');
    size_t length = comma ? (size_t)(comma - at) : strlen(at);
    if (length >= sizeof side || o->sides == 3) return 0;
    memcpy(side, at, length);
    side[length] = 0;
    if (!args_parse_number(&number, side, 1, PPML_SIDE_MAX)) return 0;
    o->side[o->sides++] = (size_t)number;
    at = comma ? comma + 1 : NULL;
  }
  if (o->sides == 2) return 1;
  size_t first = o->side[0], last = o->side[o->sides - 1];
  return o->sides == 3 && (first == 1 || first == 3 || last == 1 || last == 3);
}

/* "data", or "LO,HI" with LO below HI. */
static int parse_range(npz_range *range, const char *text) {
  char *end;
  range->kind = strcmp(text, "data") == 0 ? NPZ_RANGE_DATA : NPZ_RANGE_VALUES;
  if (range->kind == NPZ_RANGE_DATA) return 1;
  range->black = strtod(text, &end);
  if (end == text || *end != ',') return 0;
  text = end + 1;
  range->white = strtod(text, &end);
  if (end == text || *end != 0) return 0;
  return range->black < range->white && fabs(range->black) < RANGE_MOST &&
         fabs(range->white) < RANGE_MOST;
}

void dataset_options(npz_options *options, args *a, int which) {
  const uint64_t most = SIZE_MAX >> 20; /* fits on a machine of 32 bits, too */
  const char *range = which == DATASET_BY_ITSELF ? args_text(a, "--range") : NULL;
  const char *shape = args_text(a, "--shape");
  *options = npz_options_default();
  options->limit_bytes = (size_t)args_number(a, "--data-mib", 1, most, NPZ_MEMORY_DEFAULT >> 20)
                         << 20;
  options->relabels = args_flag(a, "--relabel");
  if (shape && !parse_shape(options, shape) && !a->failed)
    a->failed =
        cli_fail(CLI_USAGE, a->command, "--shape %s (expected H,W, or H,W,C or C,H,W)", shape);
  if (range && !parse_range(&options->range, range) && !a->failed)
    a->failed = cli_fail(CLI_USAGE, a->command,
                         "--range %s (expected LO,HI, black and white, or data)", range);
}

int dataset_parse_task(const char *command, const char *task) {
  if (task == NULL || strcmp(task, "class") == 0 || strcmp(task, "grade") == 0) return CLI_OK;
  if (strcmp(task, "labels") == 0) return CLI_OK;
  return cli_fail(CLI_USAGE, command, "--task %s (expected class, grade or labels)", task);
}

int dataset_check_task(const npz_dataset *d, const char *task, const char *path) {
  int wants_labels = task && strcmp(task, "labels") == 0;
  if (task && !wants_labels && d->labels_per_image > 1)
    return cli_fail(CLI_DATA, path, "%u labels an image (expected one for --task %s)",
                    d->labels_per_image, task);
  if (wants_labels && d->labels_per_image == 1)
    return cli_fail(CLI_DATA, path, "one label an image (expected several for --task labels)");
  return CLI_OK;
}

/* --------------------------------------------------------------------------------------- network */

double dataset_range_value(int64_t stored) {
  return (double)stored / RANGE_UNIT;
}

/* The labels that class names are, if they are whole numbers that ascend. */
static void take_labels(npz_options *o, const ppml_spec *spec) {
  o->class_values = 0;
  for (uint32_t c = 0; c < spec->classes; c++) {
    char *end;
    double value = strtod(spec->class_name[c], &end);
    if (*end != 0 || value - floor(value) > 0 || (c && value <= o->class_value[c - 1])) return;
    o->class_value[c] = value;
  }
  o->class_values = spec->classes;
}

void dataset_for_network(npz_options *o, const ppml_spec *spec) {
  o->height = spec->height;
  o->width = spec->width;
  o->channels = spec->channels;
  o->classes = spec->classes;
  o->takes_latents = spec->encoder.kind == PPML_ENCODER_READY;
  o->has_columns = spec->task == PPML_TASK_LABELS;
  o->is_full_range = spec->range.kind == PPML_RANGE_TYPE;
  if (o->relabels) take_labels(o, spec);
  if (o->is_full_range) return;
  o->range.kind = NPZ_RANGE_VALUES;
  o->range.black = dataset_range_value(spec->range.black);
  o->range.white = dataset_range_value(spec->range.white);
}

/* Was it the whole range of a type that has no sign? */
static int is_whole(const npz_told *told) {
  return told->range.kind == NPZ_RANGE_TYPE && told->kind != 'i';
}

static void keep_range(ppml_spec *spec, const npz_told *told) {
  const npz_range *r = &told->range;
  int is_of_bytes = r->black >= 0 && r->white <= 255 && (told->kind != 'f' || r->white >= 255);
  memset(&spec->range, 0, sizeof spec->range);
  if (told->kind == 0 || is_whole(told)) return;
  spec->range.kind = is_of_bytes ? PPML_RANGE_BYTES : PPML_RANGE_VALUES;
  spec->range.black = (int64_t)floor(r->black * RANGE_UNIT + 0.5);
  spec->range.white = (int64_t)floor(r->white * RANGE_UNIT + 0.5);
}

void dataset_keep(ppml_spec *spec, const npz_dataset *d) {
  keep_range(spec, &d->told);
  for (unsigned c = 0; c < d->told.class_values && c < spec->classes; c++) {
    memset(spec->class_name[c], 0, PPML_CLASS_NAME_BYTES);
    snprintf(spec->class_name[c], PPML_CLASS_NAME_BYTES, "%.15g", d->told.class_value[c]);
  }
}

/* ---------------------------------------------------------------------------------------- report */

static const char *dtype_of(const npz_told *told) {
  npy_array array;
  memset(&array, 0, sizeof array);
  array.kind = told->kind;
  array.value_bytes = told->value_bytes;
  return npy_dtype(&array);
}

static int is_scaled(const npz_told *told) {
  return told->kind && !(is_whole(told) && told->kind == 'u' && told->value_bytes == 1);
}

/* Does the type's range leave most levels unused? */
static int is_narrow(const npz_told *told) {
  double used = (told->most - told->least) / (told->range.white - told->range.black);
  return told->kind && told->kind != 'b' && told->range.kind == NPZ_RANGE_TYPE && used < 0.5;
}

static void report_values_json(const npz_told *told) {
  json_begin("values", '{');
  json_text("dtype", dtype_of(told));
  json_real("least", told->least);
  json_real("most", told->most);
  json_real("black", told->range.black);
  json_real("white", told->range.white);
  json_end('}');
}

static void report_json(const npz_dataset *d) {
  const npz_told *told = &d->told;
  if (is_scaled(told) || is_narrow(told)) report_values_json(told);
  if (told->columns) json_integer("one_hot_columns", told->columns);
  if (told->cut) json_integer("validation_cut_from_train", (int64_t)told->cut);
  if (told->class_values == 0) return;
  json_begin("labels", '[');
  for (unsigned c = 0; c < told->class_values; c++) json_real(NULL, told->class_value[c]);
  json_end(']');
}

static void report_values(const npz_told *told) {
  const npz_range *r = &told->range;
  static const char *const rules[] = {"the type's", "--range", "the data's"};
  const char *rule =
      r->kind == NPZ_RANGE_TYPE && told->kind == 'f' ? "as of all floats" : rules[r->kind];
  printf("values     %s: %.7g is black, %.7g white (%s)\n", dtype_of(told), r->black, r->white,
         rule);
  if (is_narrow(told))
    printf("           are %.7g to %.7g: fewer than half of the levels (--range LO,HI)\n",
           told->least, told->most);
}

static void report_labels(const npz_told *told) {
  int width = 11;
  printf("labels    ");
  for (unsigned c = 0; c < told->class_values; c++) {
    char text[40];
    int length = snprintf(text, sizeof text, " %.15g", told->class_value[c]);
    if (width + length > 68) width = 11 + printf("\n          ") - 11;
    width += length;
    fputs(text, stdout);
  }
  printf(" are classes 0 to %u\n", told->class_values - 1);
}

void dataset_report(const npz_dataset *d, int json) {
  const npz_told *told = &d->told;
  if (json) {
    report_json(d);
    return;
  }
  if (is_scaled(told) || is_narrow(told)) report_values(told);
  if (told->columns)
    printf("labels     %u one-hot columns: classes (--task labels: several an image)\n",
           told->columns);
  if (told->class_values) report_labels(told);
  if (told->cut) printf("val        %zu images cut from train: a tenth of each class\n", told->cut);
}
