/* npz_labels.c - see npz_labels.h. */
#include "npz_labels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LISTED_MAX 10 /* labels that a message shows */

/* Different values, in ascending order. */
typedef struct value_set {
  double value[NPZ_CLASSES_MAX];
  unsigned count;
} value_set;

/* Where the value is, or would be. */
static unsigned place_of(const value_set *set, double value) {
  unsigned low = 0, high = set->count;
  while (low < high) {
    unsigned middle = (low + high) / 2;
    if (set->value[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

static int is_in(const value_set *set, unsigned place, double value) {
  return place < set->count && !(value < set->value[place]);
}

/* 0 where there are more than classes may be. */
static int add_value(value_set *set, double value) {
  unsigned place = place_of(set, value);
  if (is_in(set, place, value)) return 1;
  if (set->count == NPZ_CLASSES_MAX) return 0;
  for (unsigned i = set->count; i > place; i--) set->value[i] = set->value[i - 1];
  set->value[place] = value;
  set->count++;
  return 1;
}

/* "0, 1, 5 and 12 more". */
static void list_values(char *text, size_t capacity, const value_set *set) {
  size_t used = 0;
  unsigned shown = set->count > LISTED_MAX ? LISTED_MAX : set->count;
  for (unsigned i = 0; i < shown && used < capacity; i++)
    used += (size_t)snprintf(text + used, capacity - used, "%s%.15g", i ? ", " : "", set->value[i]);
  if (shown < set->count && used < capacity)
    snprintf(text + used, capacity - used, " and %u more", set->count - shown);
}

/* ---------------------------------------------------------------------------------------- reading */

static const npy_array *array_of(const npz_dataset *d, int split) {
  return &d->labels[split].array;
}

static double value_at(const npz_dataset *d, int split, uint8_t *const own[NPZ_SPLITS], size_t i) {
  const npy_array *array = array_of(d, split);
  return npy_value(array, own[split] + array->begin + i * array->value_bytes);
}

static size_t columns_of(const npy_array *array) {
  return array->rank == 1 ? 1 : array->shape[1];
}

/* Where the value of a row and column is, in values. */
static size_t index_of(const npy_array *array, size_t row, size_t column) {
  return array->is_fortran ? column * array->shape[0] + row : row * columns_of(array) + column;
}

static const char *fail(npz_dataset *d, int split, const char *what) {
  snprintf(d->message, sizeof d->message, "%s: %s", d->labels[split].name, what);
  return d->message;
}

/* -------------------------------------------------------------------------------- several columns */

static const char *fail_flag(npz_dataset *d, int split, double value) {
  char text[160];
  snprintf(text, sizeof text,
           "a label of several is %g, neither 0 nor 1 (expected 0 and 1 alone, or one column: "
           "labels[:, 0])",
           value);
  return fail(d, split, text);
}

/* Are all values 0 or 1?
 *   one_hot  in, out: does each row have just one 1? */
static const char *check_flags(npz_dataset *d, int split, uint8_t *const own[NPZ_SPLITS],
                               int *one_hot) {
  const npy_array *array = array_of(d, split);
  size_t columns = columns_of(array);
  for (size_t row = 0; row < array->shape[0]; row++) {
    unsigned ones = 0;
    for (size_t column = 0; column < columns; column++) {
      double value = value_at(d, split, own, index_of(array, row, column));
      if (!(value >= 0 && value <= 1) || (value > 0 && value < 1))
        return fail_flag(d, split, value);
      ones += value > 0;
    }
    if (ones != 1) *one_hot = 0;
  }
  return NULL;
}

/* A row's flags, or the column of its 1. */
static uint8_t *put_rows(uint8_t *to, npz_dataset *d, int split, uint8_t *const own[NPZ_SPLITS],
                         int one_hot) {
  const npy_array *array = array_of(d, split);
  size_t columns = columns_of(array);
  d->split[split].labels = to;
  for (size_t row = 0; row < array->shape[0]; row++)
    for (size_t column = 0; column < columns; column++) {
      int flag = value_at(d, split, own, index_of(array, row, column)) > 0;
      if (!one_hot) *to++ = (uint8_t)flag;
      else if (flag) *to++ = (uint8_t)column;
    }
  return to;
}

/* Of an answer to one question, columns must be one-hot; of several, they are flags. */
static const char *set_columns(npz_dataset *d, const npz_options *o, uint8_t *to,
                               uint8_t *const own[NPZ_SPLITS], size_t columns) {
  int one_hot = 1;
  for (int s = 0; s < NPZ_SPLITS; s++) {
    const char *reason = own[s] ? check_flags(d, s, own, &one_hot) : NULL;
    if (reason) return reason;
  }
  if (o->has_columns) one_hot = 0;
  d->classes = (unsigned)columns;
  d->labels_per_image = one_hot ? 1 : (unsigned)columns;
  d->told.columns = one_hot ? (unsigned)columns : 0;
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (own[s]) to = put_rows(to, d, s, own, one_hot);
  return NULL;
}

/* ------------------------------------------------------------------------------------ one column */

/* Adds a split's labels to those that there are. */
static const char *collect(value_set *set, npz_dataset *d, int split,
                           uint8_t *const own[NPZ_SPLITS]) {
  char text[96];
  for (size_t i = 0; i < array_of(d, split)->count; i++) {
    double value = value_at(d, split, own, i);
    if (!(value > -9e15 && value < 9e15) || value - floor(value) > 0) {
      snprintf(text, sizeof text, "a label of %g (expected whole numbers)", value);
      return fail(d, split, text);
    }
    if (!add_value(set, value))
      return fail(d, split, "more than 64 different labels (expected at most 64 classes)");
  }
  return NULL;
}

/* The labels of the network's classes, where they have any of their own. */
static int take_network_values(value_set *set, const npz_options *o) {
  if (o->class_values == 0) return 0;
  set->count = 0;
  for (unsigned i = 0; i < o->class_values; i++) (void)add_value(set, o->class_value[i]);
  return 1;
}

/* Are labels 0, 1 and so on, as far as anybody knows better?  Of one alone it is another rule. */
static int is_plain(const value_set *set, const npz_options *o) {
  if (set->value[0] < 0 || set->value[set->count - 1] > NPZ_CLASSES_MAX - 1) return 0;
  return !o->trains || set->count == 1 || set->value[set->count - 1] < set->count;
}

static const char *refuse_values(npz_dataset *d, const value_set *set, const char *expected) {
  char list[200];
  list_values(list, sizeof list, set);
  snprintf(d->message, sizeof d->message, "labels %s (expected %s)", list, expected);
  return d->message;
}

static const char *refuse_one(npz_dataset *d, double value) {
  snprintf(d->message, sizeof d->message, "all labels are %.15g (expected at least two classes)",
           value);
  return d->message;
}

/* Which label each class has: told.class_value, or none where class and label are the same.
 *   found  all labels of the data set */
static const char *choose_classes(npz_dataset *d, const npz_options *o, const value_set *found) {
  value_set set = *found;
  d->classes = o->classes;
  if (take_network_values(&set, o)) {
    for (unsigned i = 0; i < found->count; i++)
      if (!is_in(&set, place_of(&set, found->value[i]), found->value[i]))
        return refuse_values(d, found, "those that are the network's classes");
  } else if (!o->relabels) {
    if (!is_plain(found, o))
      return refuse_values(d, found, "0, 1 and so on; --relabel numbers them in this order");
    unsigned classes = (unsigned)found->value[found->count - 1] + 1;
    if (o->classes && classes > o->classes)
      return refuse_values(d, found, "the network's classes, 0 and so on; --relabel numbers them");
    if (d->classes < classes) d->classes = classes;
    return NULL;
  } else if (o->classes && found->count != o->classes) {
    return refuse_values(d, found, "one for each class of the network, for --relabel");
  }
  if (d->classes < set.count) d->classes = set.count;
  d->told.class_values = set.count;
  memcpy(d->told.class_value, set.value, set.count * sizeof *set.value);
  return NULL;
}

static uint8_t *put_classes(uint8_t *to, npz_dataset *d, int split,
                            uint8_t *const own[NPZ_SPLITS]) {
  value_set set = {{0}, d->told.class_values};
  memcpy(set.value, d->told.class_value, set.count * sizeof *set.value);
  d->split[split].labels = to;
  for (size_t i = 0; i < array_of(d, split)->count; i++) {
    double value = value_at(d, split, own, i);
    *to++ = set.count ? (uint8_t)place_of(&set, value) : (uint8_t)value;
  }
  return to;
}

static const char *set_classes(npz_dataset *d, const npz_options *o, uint8_t *to,
                               uint8_t *const own[NPZ_SPLITS]) {
  value_set found = {{0}, 0};
  const char *reason = NULL;
  for (int s = 0; s < NPZ_SPLITS && !reason; s++)
    if (own[s]) reason = collect(&found, d, s, own);
  if (!reason) reason = choose_classes(d, o, &found);
  if (reason) return reason;
  d->labels_per_image = 1;
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (own[s]) to = put_classes(to, d, s, own);
  return NULL;
}

/* ------------------------------------------------------------------------------------------- all */

/* Is there more than one class among a split's images? */
static int has_classes(const npz_split *split) {
  for (size_t i = 1; i < split->count; i++)
    if (split->labels[i] != split->labels[0]) return 1;
  return 0;
}

const char *npz_check_classes(npz_dataset *d, const npz_options *o) {
  char text[96];
  if (d->labels_per_image > 1) return NULL;
  for (int s = NPZ_TRAIN; s <= NPZ_VAL && o->trains; s++) {
    if (d->split[s].count == 0 || has_classes(&d->split[s])) continue;
    unsigned class = d->split[s].labels[0];
    snprintf(text, sizeof text, "all labels are %.15g (expected at least two classes)",
             d->told.class_values ? d->told.class_value[class] : (double)class);
    return fail(d, s, text);
  }
  return d->classes >= 2 ? NULL : refuse_one(d, 0);
}

const char *npz_set_labels(npz_dataset *dataset, const npz_options *options, uint8_t *to,
                           uint8_t *const own[NPZ_SPLITS]) {
  size_t columns = 0;
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (own[s]) columns = columns_of(array_of(dataset, s));
  return columns == 1 ? set_classes(dataset, options, to, own)
                      : set_columns(dataset, options, to, own, columns);
}
