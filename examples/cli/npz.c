/* npz.c - see npz.h. */
#include "npz.h"
#include "npz_labels.h"
#include "npz_values.h"

#include <stdio.h>
#include <string.h>

#define LISTED_MAX 8 /* arrays that a message shows */

npz_options npz_options_default(void) {
  npz_options options;
  memset(&options, 0, sizeof options);
  options.limit_bytes = NPZ_MEMORY_DEFAULT;
  return options;
}

/* ---------------------------------------------------------------------------------------- splits */

static const char *const split_names[NPZ_SPLITS] = {"train", "val", "test"};

const char *npz_split_name(int split) {
  return split >= 0 && split < NPZ_SPLITS ? split_names[split] : "?";
}

int npz_split_index(const char *name) {
  for (int i = 0; i < NPZ_SPLITS; i++)
    if (strcmp(name, split_names[i]) == 0) return i;
  return -1;
}

/* ----------------------------------------------------------------------------------------- names */

/* What an array has, by its name. */
enum { IMAGES, LATENTS, LABELS, ROLES };

typedef struct meaning {
  const char *word;
  int what;
} meaning;

static const meaning splits[] = {{"train", NPZ_TRAIN}, {"training", NPZ_TRAIN}, {"val", NPZ_VAL},
                                 {"valid", NPZ_VAL},   {"validation", NPZ_VAL}, {"dev", NPZ_VAL},
                                 {"test", NPZ_TEST},   {"testing", NPZ_TEST}};
static const meaning roles[] = {{"images", IMAGES},   {"image", IMAGES},    {"imgs", IMAGES},
                                {"img", IMAGES},      {"pictures", IMAGES}, {"x", IMAGES},
                                {"latents", LATENTS}, {"labels", LABELS},   {"label", LABELS},
                                {"y", LABELS},        {"data", IMAGES},     {"targets", LABELS},
                                {"target", LABELS},   {"classes", LABELS},  {"class", LABELS}};
/* From "data" on words may mean something else as well: they count where no other one does. */
#define SURE_ROLES 10
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int begins_with(const char *text, size_t length, const char *word) {
  size_t i = 0;
  for (; word[i]; i++)
    if (i == length || lower(text[i]) != word[i]) return 0;
  return 1;
}

/* What the word means, -1 for none of them. */
static int meaning_of(const char *word, size_t length, const meaning *list, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (strlen(list[i].word) == length && begins_with(word, length, list[i].word))
      return list[i].what;
  return -1;
}

int npz_split_of_word(const char *word, size_t length) {
  return meaning_of(word, length, splits, COUNT(splits));
}

/* A word of a split and one of a role, in either order: at is where the second one begins, behind
 * a _ or - perhaps. */
static int are_words(int *split, int *role, const char *name, size_t length, size_t at,
                     size_t words) {
  size_t next = at < length && (name[at] == '_' || name[at] == '-') ? at + 1 : at;
  *split = npz_split_of_word(name, at);
  *role = meaning_of(name + next, length - next, roles, words);
  if (*split >= 0 && *role >= 0) return 1;
  *role = meaning_of(name, at, roles, words);
  *split = npz_split_of_word(name + next, length - next);
  return *split >= 0 && *role >= 0;
}

/* Which part of a data set an array's name means, by so many of the roles' words; split is NPZ_SPLITS
 * where it names none. */
static int understand(int *split, int *role, const char *name, size_t length, size_t words) {
  *split = NPZ_SPLITS;
  *role = meaning_of(name, length, roles, words);
  if (*role >= 0) return 1;
  for (size_t at = 1; at < length && length < NPZ_NAME_BYTES; at++)
    if (are_words(split, role, name, length, at, words)) return 1;
  return 0;
}

/* The name without folders and .npy. */
static const char *short_name(size_t *length, const zip_member *member) {
  const char *begin = (const char *)member->name, *end = begin + member->name_bytes;
  for (const char *at = begin; at < end; at++)
    if (*at == '/' || *at == '\\') begin = at + 1;
  if (end - begin > 4 && begins_with(end - 4, 4, ".npy")) end -= 4;
  *length = (size_t)(end - begin);
  return begin;
}

/* What may be shown of a name from outside. */
static void copy_name(char to[NPZ_NAME_BYTES], const char *name, size_t length) {
  size_t i = 0;
  for (; i < length && i + 1 < NPZ_NAME_BYTES; i++)
    to[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
  to[i] = 0;
}

/* ---------------------------------------------------------------------------------------- arrays */

/* Leaves nothing in the data set but the reason, `NAME: reason`. */
static const char *dataset_fail(npz_dataset *d, const char *name, const char *reason) {
  char message[NPZ_MESSAGE_BYTES + NPZ_NAME_BYTES + 4];
  snprintf(message, sizeof message, "%s%s%s", name, name[0] ? ": " : "", reason);
  memset(d, 0, sizeof *d);
  memcpy(d->message, message, NPZ_MESSAGE_BYTES - 1);
  return d->message;
}

/* The parts of a data set that an archive has; those without a split stand last. */
typedef struct contents {
  npz_slot slot[ROLES][NPZ_SPLITS + 1];
  int is_sure[ROLES][NPZ_SPLITS + 1];             /* that the array's name means it */
  char listed[LISTED_MAX * (NPZ_NAME_BYTES + 2)]; /* the first arrays' names, for a message */
  size_t arrays;
} contents;

static void list_name(contents *c, const char *name) {
  if (c->arrays++ >= LISTED_MAX) return;
  size_t used = strlen(c->listed);
  snprintf(c->listed + used, sizeof c->listed - used, "%s%s", used ? ", " : "", name);
}

/* Puts an array into its place, which is taken once: but for one that may mean something else as well,
 * which gives way. */
static const char *put_array(contents *c, npz_dataset *d, const zip_member *member,
                             const char *name, size_t length) {
  int split, role;
  char shown[NPZ_NAME_BYTES];
  copy_name(shown, name, length);
  list_name(c, shown);
  int is_sure = understand(&split, &role, name, length, SURE_ROLES);
  if (!is_sure && !understand(&split, &role, name, length, COUNT(roles))) return NULL;
  npz_slot *slot = &c->slot[role][split];
  int *slot_is_sure = &c->is_sure[role][split];
  if (strcmp(slot->name, shown) == 0)
    return dataset_fail(d, shown, "the array is there twice (expected once)");
  if (slot->name[0] && is_sure == *slot_is_sure) {
    char both[NPZ_NAME_BYTES + 48];
    snprintf(both, sizeof both, "means the same as %s (expected one of them)", slot->name);
    return dataset_fail(d, shown, both);
  }
  if (slot->name[0] && *slot_is_sure) return NULL;
  *slot_is_sure = is_sure;
  slot->member = *member;
  memcpy(slot->name, shown, sizeof shown);
  return NULL;
}

static const char *find_arrays(contents *c, npz_dataset *d, const zip_archive *archive) {
  zip_member member;
  size_t cursor = 0, length;
  const char *reason = NULL;
  memset(c, 0, sizeof *c);
  while (!reason && zip_next(&member, archive, &cursor)) {
    const char *name = short_name(&length, &member);
    if (length > 0) reason = put_array(c, d, &member, name, length); /* else it is a folder */
  }
  return reason;
}

static const char *missing(npz_dataset *d, const contents *c, const char *split, const char *what) {
  char text[NPZ_MESSAGE_BYTES], more[40] = "";
  if (c->arrays > LISTED_MAX) snprintf(more, sizeof more, " and %zu more", c->arrays - LISTED_MAX);
  snprintf(text, sizeof text,
           "no array %s%s (expected train_images and train_labels, x_train and y_train, or images "
           "and labels; there %s %s%s)",
           split, what, c->arrays == 1 ? "is" : "are", c->arrays ? c->listed : "none", more);
  return dataset_fail(d, "", text);
}

/* The arrays of a split, where it is there.
 *   from  where they stand in the contents */
static const char *take_split(npz_dataset *d, const contents *c, const npz_options *o, int split,
                              int from) {
  const npz_slot *pictures = &c->slot[IMAGES][from], *latents = &c->slot[LATENTS][from];
  int is_latent = latents->name[0] && (o->takes_latents || !pictures->name[0]);
  const npz_slot *images = is_latent ? latents : pictures, *labels = &c->slot[LABELS][from];
  const char *which = from < NPZ_SPLITS ? split_names[split] : "", *bar = which[0] ? "_" : "";
  char prefix[16];
  snprintf(prefix, sizeof prefix, "%s%s", which, bar);
  if (!images->name[0] && !labels->name[0]) return NULL;
  if (!images->name[0]) return missing(d, c, prefix, "images");
  if (!labels->name[0]) return missing(d, c, prefix, "labels");
  if (is_latent && !o->takes_latents)
    return dataset_fail(d, images->name, "latents of floats (expected pictures)");
  d->images[split] = *images;
  d->labels[split] = *labels;
  return NULL;
}

static int has_split(const npz_dataset *d, int split) {
  return d->images[split].name[0] != 0;
}

/* Which arrays are the data set's: those of splits, or images and labels alone. */
static const char *choose_arrays(npz_dataset *d, const zip_archive *archive, const npz_options *o) {
  contents c;
  const char *reason = find_arrays(&c, d, archive);
  int any = 0;
  for (int s = 0; s < NPZ_SPLITS && !reason; s++) {
    reason = take_split(d, &c, o, s, s);
    any |= !reason && has_split(d, s);
  }
  if (!reason && !any) reason = take_split(d, &c, o, NPZ_TRAIN, NPZ_SPLITS);
  if (reason) return reason;
  any |= has_split(d, NPZ_TRAIN);
  if (!any || (o->trains && !has_split(d, NPZ_TRAIN))) return missing(d, &c, "train_", "images");
  return NULL;
}

/* Reads the header of an array. */
static const char *look_at(npz_slot *slot, const zip_archive *archive) {
  uint8_t begin[NPY_BEGIN_BYTES + 258];
  size_t have = 0;
  const char *reason = zip_check(&slot->member);
  if (!reason) reason = zip_peek(begin, sizeof begin, &have, archive, &slot->member);
  return reason ? reason : npy_parse(&slot->array, begin, have, (size_t)slot->member.plain_bytes);
}

static const char *check_label_shape(const npz_slot *labels, size_t count, size_t *columns) {
  const npy_array *array = &labels->array;
  if (array->rank != 1 && !(array->rank == 2 && array->shape[1] > 0))
    return "labels of a wrong shape: %s (expected (N), (N, 1) or (N, L))";
  if (array->shape[0] != count) return "not as many labels as images: %s (expected one for each)";
  size_t each = array->rank == 1 ? 1 : array->shape[1];
  if (each > NPZ_CLASSES_MAX) return "too many labels an image: %s (expected up to 64)";
  if (*columns && each != *columns)
    return "not as many labels an image as before: %s (expected the same in all splits)";
  *columns = each;
  return NULL;
}

static const char *fail_label_shape(npz_dataset *d, const npz_slot *labels, const char *format) {
  char shape[NPY_SHAPE_BYTES], text[NPZ_MESSAGE_BYTES];
  const char *mark = strstr(format, "%s");
  npy_shape(shape, &labels->array);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(mark - format), format, shape, mark + 2);
  return dataset_fail(d, labels->name, text);
}

/* What images of a split have in common with those before. */
static const char *take_shape(npz_dataset *d, int split, const npz_layout *l,
                              char message[NPZ_MESSAGE_BYTES]) {
  unsigned value_bytes = l->is_latent ? (unsigned)sizeof(float) : 1;
  if (d->channels && (d->height != l->height || d->width != l->width ||
                      d->channels != l->channels || d->value_bytes != value_bytes)) {
    snprintf(message, NPZ_MESSAGE_BYTES,
             "images of another shape: %zux%zux%u%s (expected %zux%zux%u%s, as those before)",
             l->width, l->height, l->channels, l->is_latent ? " floats" : "", d->width, d->height,
             d->channels, d->value_bytes > 1 ? " floats" : "");
    return message;
  }
  d->height = l->height;
  d->width = l->width;
  d->channels = l->channels;
  d->value_bytes = value_bytes;
  d->split[split].count = l->count;
  return NULL;
}

/* Reads the headers of a split and checks that they go together. */
static const char *measure_split(npz_dataset *d, int split, const zip_archive *archive,
                                 const npz_options *o, size_t *columns) {
  npz_slot *images = &d->images[split], *labels = &d->labels[split];
  npz_layout layout;
  char message[NPZ_MESSAGE_BYTES];
  const char *reason = look_at(images, archive);
  if (!reason) reason = npz_layout_of(&layout, &images->array, o, message);
  if (!reason) reason = take_shape(d, split, &layout, message);
  if (reason) return dataset_fail(d, images->name, reason);
  reason = look_at(labels, archive);
  if (reason) return dataset_fail(d, labels->name, reason);
  reason = check_label_shape(labels, layout.count, columns);
  return reason ? fail_label_shape(d, labels, reason) : NULL;
}

/* ---------------------------------------------------------------------------------------- memory */

/* Where things lie in the block.  First all labels as bytes; then, at first, the label arrays' files;
 * then the images of each split, in place of these, and the file that is unpacked last. */
typedef struct map {
  size_t used; /* bytes so far, of what stays */
  size_t most; /* bytes at the fullest time; SIZE_MAX: more than there can be */
} map;

static size_t plus(size_t a, size_t b) {
  return a > SIZE_MAX / 2 || b > SIZE_MAX / 2 - a ? SIZE_MAX : a + b;
}

/* So that floats are aligned as the block is. */
static size_t rounded(size_t bytes) {
  return plus(bytes, 7) == SIZE_MAX ? SIZE_MAX : (bytes + 7) & ~(size_t)7;
}

static size_t file_bytes(const npz_slot *slot) {
  return (size_t)slot->member.plain_bytes;
}

/* Room for all labels as bytes. */
static size_t label_bytes(const npz_dataset *d) {
  size_t sum = 0;
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (has_split(d, s)) sum = plus(sum, d->labels[s].array.count);
  return rounded(sum);
}

/* Where the images of a split come to lie, and where their file is unpacked. */
static void place_images(map *m, size_t *to, size_t *file, const npz_dataset *d, int split,
                         const npz_layout *layout) {
  const npz_slot *images = &d->images[split];
  size_t made = rounded(npz_layout_bytes(layout));
  *to = m->used;
  *file = npz_layout_needs_room(layout, &images->array) ? plus(*to, made) : *to;
  size_t end = plus(*file, file_bytes(images));
  m->used = plus(m->used, made);
  if (m->most < end) m->most = end;
  if (m->most < m->used) m->most = m->used;
}

static size_t measure_memory(npz_dataset *d, const npz_options *o) {
  map m = {label_bytes(d), 0};
  m.most = m.used;
  for (int s = 0; s < NPZ_SPLITS; s++)
    if (has_split(d, s)) m.most = plus(m.most, rounded(file_bytes(&d->labels[s])));
  for (int s = 0; s < NPZ_SPLITS; s++) {
    npz_layout layout;
    size_t to, file;
    if (!has_split(d, s)) continue;
    (void)npz_layout_of(&layout, &d->images[s].array, o, d->message);
    place_images(&m, &to, &file, d, s, &layout);
  }
  return m.most;
}

/* Says how much it would be, and where the limit is. */
static const char *too_large(npz_dataset *d, size_t needed, size_t limit_bytes) {
  char text[NPZ_MESSAGE_BYTES];
  if (needed == SIZE_MAX)
    return dataset_fail(d, "",
                        "the sizes of the arrays overflow (expected less than the address space)");
  snprintf(text, sizeof text,
           "needs %zu MiB of memory, its own bytes included (expected at most %zu MiB; --data-mib "
           "sets the limit)",
           (needed >> 20) + 1, limit_bytes >> 20);
  return dataset_fail(d, "", text);
}

const char *npz_dataset_measure(npz_dataset *dataset, const zip_archive *archive,
                                const npz_options *options) {
  size_t columns = 0;
  memset(dataset, 0, sizeof *dataset);
  const char *reason = choose_arrays(dataset, archive, options);
  for (int s = 0; s < NPZ_SPLITS && !reason; s++)
    if (has_split(dataset, s)) reason = measure_split(dataset, s, archive, options, &columns);
  if (reason) return reason;
  size_t bytes = measure_memory(dataset, options), needed = plus(bytes, archive->count);
  if (needed > options->limit_bytes) return too_large(dataset, needed, options->limit_bytes);
  dataset->memory_bytes = bytes;
  return NULL;
}

/* --------------------------------------------------------------------------------------- reading */

/* Unpacks all label arrays behind their room as bytes, and makes these. */
static const char *read_labels(npz_dataset *d, const zip_archive *archive, const npz_options *o,
                               uint8_t *memory) {
  uint8_t *own[NPZ_SPLITS] = {NULL, NULL, NULL};
  uint8_t *at = memory + label_bytes(d);
  for (int s = 0; s < NPZ_SPLITS; s++) {
    if (!has_split(d, s)) continue;
    const char *reason = zip_unpack(at, archive, &d->labels[s].member);
    if (reason) return dataset_fail(d, d->labels[s].name, reason);
    own[s] = at;
    at += rounded(file_bytes(&d->labels[s]));
  }
  const char *reason = npz_set_labels(d, o, memory, own);
  return reason ? dataset_fail(d, "", reason) : NULL;
}

static const char *read_images(npz_dataset *d, int split, const zip_archive *archive,
                               const npz_options *o, uint8_t *memory, map *m) {
  const npz_slot *images = &d->images[split];
  const npy_array *array = &images->array;
  npz_layout layout;
  size_t to, file;
  char message[NPZ_MESSAGE_BYTES];
  (void)npz_layout_of(&layout, array, o, message);
  place_images(m, &to, &file, d, split, &layout);
  const uint8_t *data = memory + file + array->begin;
  const char *reason = zip_unpack(memory + file, archive, &images->member);
  if (!reason)
    reason = layout.is_latent ? npz_check_latents(array, data, message)
                              : npz_check_values(&d->told, array, data, o, message);
  if (reason) return dataset_fail(d, images->name, reason);
  npz_put_images(memory + to, &layout, array, data, &d->told);
  d->split[split].images = memory + to;
  return NULL;
}

/* -------------------------------------------------------------------------- the validation split */

#define CUT 10 /* one image of so many */

/* A mark on an image's labels while it is decided which are moved: labels are below 64. */
#define MOVES 0x80u

/* Images that are moved about, with their labels. */
typedef struct movable {
  uint8_t *images, *labels;
  size_t count, image_bytes, label_bytes;
} movable;

/* What an image is cut by: its class, or the first label that applies; NPZ_CLASSES_MAX for none. */
static unsigned stratum_of(const movable *m, size_t i) {
  const uint8_t *label = m->labels + i * m->label_bytes;
  if (m->label_bytes == 1) return *label & ~MOVES;
  for (unsigned l = 0; l < m->label_bytes; l++)
    if (label[l] & ~MOVES) return l;
  return NPZ_CLASSES_MAX;
}

/* Marks a tenth of each class, evenly spread, but one image at least of a class that has two.
 * Returns how many. */
static size_t mark_tenth(const movable *m) {
  size_t of_class[NPZ_CLASSES_MAX + 1] = {0}, seen[NPZ_CLASSES_MAX + 1] = {0}, marked = 0;
  for (size_t i = 0; i < m->count; i++) of_class[stratum_of(m, i)]++;
  for (size_t i = 0; i < m->count; i++) {
    unsigned class = stratum_of(m, i);
    uint64_t all = of_class[class], wanted = (all + CUT / 2) / CUT, at = seen[class]++;
    if (wanted == 0 && all >= 2) wanted = 1;
    if (all == 0) continue; /* never: it has this image */
    if ((at + 1) * wanted / all == at * wanted / all) continue;
    m->labels[i * m->label_bytes] |= MOVES;
    marked++;
  }
  return marked;
}

static void swap_bytes(uint8_t *a, uint8_t *b, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint8_t kept = a[i];
    a[i] = b[i];
    b[i] = kept;
  }
}

/* Puts what is marked behind what is not, and takes the marks off. */
static void part(const movable *m) {
  size_t low = 0, high = m->count;
  while (low < high) {
    if (!(m->labels[low * m->label_bytes] & MOVES)) {
      low++;
    } else if (m->labels[(high - 1) * m->label_bytes] & MOVES) {
      high--;
    } else {
      high--;
      swap_bytes(m->images + low * m->image_bytes, m->images + high * m->image_bytes,
                 m->image_bytes);
      swap_bytes(m->labels + low * m->label_bytes, m->labels + high * m->label_bytes,
                 m->label_bytes);
    }
  }
  for (size_t i = 0; i < m->count; i++)
    m->labels[i * m->label_bytes] = (uint8_t)(m->labels[i * m->label_bytes] & ~MOVES);
}

/* The same images every time, whatever else is asked for. */
static void cut_validation(npz_dataset *d, uint8_t *memory) {
  npz_split *train = &d->split[NPZ_TRAIN], *val = &d->split[NPZ_VAL];
  movable m = {memory + (train->images - memory), memory + (train->labels - memory), train->count,
               d->height * d->width * d->channels * d->value_bytes, d->labels_per_image};
  val->count = d->told.cut = mark_tenth(&m);
  part(&m);
  train->count -= val->count;
  val->images = train->images + train->count * m.image_bytes;
  val->labels = train->labels + train->count * m.label_bytes;
}

const char *npz_dataset_read(npz_dataset *dataset, const zip_archive *archive,
                             const npz_options *options, void *memory, size_t memory_bytes) {
  map m = {label_bytes(dataset), 0};
  size_t measured = dataset->memory_bytes;
  if (memory_bytes < measured) return dataset_fail(dataset, "", "too little memory for the arrays");
  const char *reason = read_labels(dataset, archive, options, memory);
  for (int s = 0; s < NPZ_SPLITS && !reason; s++)
    if (has_split(dataset, s)) reason = read_images(dataset, s, archive, options, memory, &m);
  if (reason) return reason;
  if (options->cuts && has_split(dataset, NPZ_TRAIN) && !has_split(dataset, NPZ_VAL))
    cut_validation(dataset, memory);
  reason = npz_check_classes(dataset, options);
  if (!reason && options->trains && dataset->split[NPZ_VAL].count == 0)
    reason = "too few images to cut validation images from (expected two of a class)";
  return reason ? dataset_fail(dataset, "", reason) : NULL;
}

/* ------------------------------------------------------------------------------------- one image */

const char *npz_read_image(uint8_t *image, npz_dataset *dataset, const npz_options *options,
                           const void *bytes, size_t count) {
  npy_array array;
  npz_layout layout;
  char message[NPZ_MESSAGE_BYTES];
  memset(dataset, 0, sizeof *dataset);
  const uint8_t *data = (const uint8_t *)bytes;
  const char *reason = npy_parse(&array, bytes, count, count);
  if (!reason) reason = npz_layout_of_image(&layout, &array, options, message);
  if (!reason && options->takes_latents && !layout.is_latent)
    reason = "latents that are no floats (expected .astype('float32'))";
  if (reason) return dataset_fail(dataset, "", reason);
  data += array.begin;
  reason = layout.is_latent ? npz_check_latents(&array, data, message)
                            : npz_check_values(&dataset->told, &array, data, options, message);
  if (reason) return dataset_fail(dataset, "", reason);
  npz_put_images(image, &layout, &array, data, &dataset->told);
  return NULL;
}
