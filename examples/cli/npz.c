/* npz.c - see npz.h.  Zip as in PKWARE's APPNOTE 6.3; NPY as in NumPy's format.py. */
#include "npz.h"
#include "inflate.h"

#include <stdio.h>
#include <string.h>

enum {
  END_BYTES = 22,     /* end of central directory record */
  ENTRY_BYTES = 46,   /* central directory entry, without name, extra field and comment */
  LOCAL_BYTES = 30,   /* local header, likewise */
  NPY_BYTES_MIN = 12, /* magic, version and header length */
  STORED = 0,
  DEFLATED = 8
};

/* One member, as the central directory has it. */
typedef struct entry {
  const uint8_t *name;
  size_t name_bytes;
  unsigned flags;
  unsigned method;
  uint32_t crc32;
  uint64_t packed_bytes;
  uint64_t plain_bytes;
  uint64_t local; /* where the local header is */
} entry;

static const char bad_zip[] = "damaged zip archive (expected a .npz file)";
static const char bad_npy[] = "damaged NPY header (expected dtype, order and shape)";

static const char not_npy[] = "not an NPY array (expected one made by NumPy)";

static unsigned little_16(const uint8_t *at) {
  return at[0] | (unsigned)at[1] << 8;
}

static uint32_t little_32(const uint8_t *at) {
  return (uint32_t)little_16(at) | (uint32_t)little_16(at + 2) << 16;
}

static uint64_t little_64(const uint8_t *at) {
  return little_32(at) | (uint64_t)little_32(at + 4) << 32;
}

/* ----------------------------------------------------------------------------- zip archive */

/* The end record is last but for a comment of at most 65,535 bytes.  NULL if there is none. */
static const uint8_t *find_end(const uint8_t *bytes, size_t count) {
  for (size_t comment = 0; comment <= 0xFFFF && comment + END_BYTES <= count; comment++) {
    const uint8_t *at = bytes + (count - END_BYTES - comment);
    if (little_32(at) == 0x06054B50 && little_16(at + 20) == comment) return at;
  }
  return NULL;
}

/* Takes the next of the 64-bit values that stand in for fields of 0xFFFFFFFF, in the zip64 extra
 * field: id 1, size, values in the order of the fields. */
static int zip64_value(uint64_t *value, const uint8_t **at, const uint8_t *end) {
  if (*value != 0xFFFFFFFF) return 1;
  if (end - *at < 8) return 0;
  *value = little_64(*at);
  *at += 8;
  return 1;
}

static int apply_zip64(entry *member, const uint8_t *extra, size_t extra_bytes) {
  const uint8_t *at = extra, *end = extra;
  while (extra_bytes >= 4) {
    size_t field_bytes = 4 + (size_t)little_16(extra + 2);
    if (field_bytes > extra_bytes) return 0;
    if (little_16(extra) == 1 && at == end) {
      at = extra + 4;
      end = extra + field_bytes;
    }
    extra += field_bytes;
    extra_bytes -= field_bytes;
  }
  return zip64_value(&member->plain_bytes, &at, end) &&
         zip64_value(&member->packed_bytes, &at, end) && zip64_value(&member->local, &at, end);
}

/* Reads the directory entry at *cursor and moves on.  0 if there is no whole one. */
static int next_entry(entry *member, const npz_archive *archive, size_t *cursor) {
  const uint8_t *at = archive->bytes + *cursor;
  size_t left = archive->directory_end - *cursor;
  if (left < ENTRY_BYTES || little_32(at) != 0x02014B50) return 0;
  size_t name_bytes = little_16(at + 28);
  size_t extra_bytes = little_16(at + 30);
  size_t whole_bytes = ENTRY_BYTES + name_bytes + extra_bytes + little_16(at + 32);
  if (left < whole_bytes) return 0;
  *member = (entry){.name = at + ENTRY_BYTES,
                    .name_bytes = name_bytes,
                    .flags = little_16(at + 8),
                    .method = little_16(at + 10),
                    .crc32 = little_32(at + 16),
                    .packed_bytes = little_32(at + 20),
                    .plain_bytes = little_32(at + 24),
                    .local = little_32(at + 42)};
  *cursor += whole_bytes;
  return apply_zip64(member, at + ENTRY_BYTES + name_bytes, extra_bytes);
}

static const char *check_directory(const npz_archive *archive, unsigned members) {
  size_t cursor = archive->directory_begin;
  entry member;
  for (unsigned i = 0; i < members; i++)
    if (!next_entry(&member, archive, &cursor)) return bad_zip;
  return cursor == archive->directory_end ? NULL : bad_zip;
}

const char *npz_open(npz_archive *archive, const void *bytes, size_t count) {
  memset(archive, 0, sizeof *archive);
  const uint8_t *end = find_end(bytes, count);
  if (!end) return "not a zip archive (expected a .npz file)";
  unsigned members = little_16(end + 10);
  uint32_t directory_bytes = little_32(end + 12);
  uint32_t begin = little_32(end + 16);
  if (members == 0xFFFF || directory_bytes == 0xFFFFFFFF || begin == 0xFFFFFFFF)
    return "zip64 archive (expected less than 4 GiB and 65,535 members)";
  if (little_16(end + 4) != 0 || little_16(end + 6) != 0 || little_16(end + 8) != members)
    return "part of a zip archive on several disks (expected a .npz file)";
  size_t limit = (size_t)(end - (const uint8_t *)bytes);
  if (begin > limit || directory_bytes > limit - begin) return bad_zip;
  npz_archive found = {bytes, count, begin, begin + directory_bytes};
  const char *reason = check_directory(&found, members);
  if (!reason) *archive = found;
  return reason;
}

static int name_is(const entry *member, const char *name) {
  size_t name_bytes = strlen(name);
  return member->name_bytes == name_bytes + 4 && memcmp(member->name, name, name_bytes) == 0 &&
         memcmp(member->name + name_bytes, ".npy", 4) == 0;
}

/* How many members are called NAME.npy; the last one goes to found. */
static unsigned find_member(entry *found, const npz_archive *archive, const char *name) {
  size_t cursor = archive->directory_begin;
  unsigned times = 0;
  entry member;
  while (next_entry(&member, archive, &cursor))
    if (name_is(&member, name)) {
      *found = member;
      times++;
    }
  return times;
}

/* Checks the claims that have to hold before memory is found for the member. */
static const char *check_member(const entry *member) {
  if (member->flags & 0x41) return "encrypted zip member (expected no encryption)";
  if (member->method != STORED && member->method != DEFLATED)
    return "unknown zip compression (expected stored or deflated members)";
  if (member->plain_bytes > SIZE_MAX / 2 || member->packed_bytes > SIZE_MAX / 2)
    return "a size in the zip archive overflows (expected less than the address space)";
  size_t plain_bytes = (size_t)member->plain_bytes, packed_bytes = (size_t)member->packed_bytes;
  if (member->method == STORED ? plain_bytes != packed_bytes
                               : !inflate_is_possible(plain_bytes, packed_bytes))
    return "a size in the zip archive is false (expected what the data can unpack to)";
  return NULL;
}

/* Finds the member's data.  The local header must agree with the directory, and the data must end
 * before the directory begins. */
static const char *find_data(const uint8_t **data, const npz_archive *archive,
                             const entry *member) {
  size_t limit = archive->directory_begin;
  if (limit < LOCAL_BYTES || member->local > limit - LOCAL_BYTES) return bad_zip;
  const uint8_t *header = archive->bytes + member->local;
  size_t left = limit - (size_t)member->local - LOCAL_BYTES;
  size_t name_bytes = little_16(header + 26);
  size_t skip = name_bytes + little_16(header + 28);
  if (little_32(header) != 0x04034B50 || little_16(header + 6) & 0x41 ||
      little_16(header + 8) != member->method || skip > left ||
      member->packed_bytes > left - skip || name_bytes != member->name_bytes ||
      memcmp(header + LOCAL_BYTES, member->name, name_bytes) != 0)
    return bad_zip;
  *data = header + LOCAL_BYTES + skip;
  return NULL;
}

static const char *unpack(void *memory, const npz_archive *archive, const entry *member) {
  const uint8_t *data = NULL;
  size_t plain_bytes = (size_t)member->plain_bytes, packed_bytes = (size_t)member->packed_bytes;
  const char *reason = find_data(&data, archive, member);
  if (!reason && member->method == DEFLATED)
    reason = inflate_raw(memory, plain_bytes, data, packed_bytes, NULL);
  else if (!reason && plain_bytes > 0) memcpy(memory, data, plain_bytes);
  if (!reason && !inflate_checksum_matches(inflate_crc32(0, memory, plain_bytes), member->crc32))
    reason = "damaged zip member (the CRC-32 does not match)";
  return reason;
}

/* ------------------------------------------------------------------------------ NPY header */

typedef struct scanner {
  const char *at;
  const char *end;
} scanner;

static void skip_spaces(scanner *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\n')) s->at++;
}

static int scan_char(scanner *s, char wanted) {
  skip_spaces(s);
  if (s->at == s->end || *s->at != wanted) return 0;
  s->at++;
  return 1;
}

static int scan_word(scanner *s, const char *word) {
  size_t length = strlen(word);
  skip_spaces(s);
  if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return 0;
  s->at += length;
  return 1;
}

/* A quoted string without escapes, shorter than capacity. */
static int scan_string(scanner *s, char *text, size_t capacity) {
  char quote = '\'';
  size_t length = 0;
  if (!scan_char(s, quote)) {
    quote = '"';
    if (!scan_char(s, quote)) return 0;
  }
  while (s->at < s->end && *s->at != quote && length + 1 < capacity) text[length++] = *s->at++;
  text[length] = 0;
  if (s->at == s->end || *s->at != quote) return 0;
  s->at++;
  return 1;
}

static int scan_number(scanner *s, size_t *number) {
  size_t value = 0;
  skip_spaces(s);
  const char *begin = s->at;
  for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++) {
    size_t digit = (size_t)(*s->at - '0');
    if (value > (SIZE_MAX - digit) / 10) return 0;
    value = 10 * value + digit;
  }
  *number = value;
  return s->at > begin;
}

/* A tuple of numbers: (), (3,), (3, 4) or (3, 4,). */
static const char *parse_shape(npz_array *array, scanner *s) {
  int comma = 1;
  array->rank = 0;
  if (!scan_char(s, '(')) return bad_npy;
  while (!scan_char(s, ')')) {
    if (array->rank == NPZ_RANK_MAX) return "too many dimensions (expected at most 4)";
    if (!comma || !scan_number(s, &array->shape[array->rank])) return bad_npy;
    array->rank++;
    comma = scan_char(s, ',');
  }
  return array->rank == 1 && !comma ? bad_npy : NULL;
}

static const char *parse_dtype(npz_array *array, scanner *s) {
  char text[8];
  if (!scan_string(s, text, sizeof text)) text[0] = 0;
  const char *kind = text[0] && strchr("|<>=", text[0]) ? text + 1 : text;
  array->value_bytes = strcmp(text, "<f4") == 0 ? 4 : 1;
  if (array->value_bytes == 4 || strcmp(kind, "u1") == 0) return NULL;
  return "not an array of bytes (expected dtype u1, or <f4 for latents)";
}

static const char *parse_order(scanner *s) {
  if (scan_word(s, "False")) return NULL;
  return scan_word(s, "True") ? "array in Fortran order (expected C order)" : bad_npy;
}

/* One `key: value`; *seen has a bit for each key that there may be, once. */
static const char *parse_item(npz_array *array, scanner *s, unsigned *seen) {
  static const char *const keys[3] = {"descr", "fortran_order", "shape"};
  char key[16];
  unsigned i = 0;
  if (!scan_string(s, key, sizeof key) || !scan_char(s, ':')) return bad_npy;
  while (i < 3 && strcmp(key, keys[i]) != 0) i++;
  if (i == 3 || *seen & 1U << i) return bad_npy;
  *seen |= 1U << i;
  return i == 0 ? parse_dtype(array, s) : i == 1 ? parse_order(s) : parse_shape(array, s);
}

/* The header is a Python literal: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), } */
static const char *parse_header(npz_array *array, const uint8_t *text, size_t count) {
  scanner s = {(const char *)text, (const char *)text + count};
  unsigned seen = 0;
  int comma = 1;
  if (!scan_char(&s, '{')) return bad_npy;
  while (!scan_char(&s, '}')) {
    const char *reason = comma ? parse_item(array, &s, &seen) : bad_npy;
    if (reason) return reason;
    comma = scan_char(&s, ',');
  }
  skip_spaces(&s);
  return seen == 7 && s.at == s.end ? NULL : bad_npy;
}

/* Sets count from the shape; data_bytes must be just that. */
static const char *check_size(npz_array *array, size_t data_bytes) {
  array->count = 1;
  for (unsigned i = 0; i < array->rank; i++) {
    size_t side = array->shape[i];
    if (side != 0 && array->count > SIZE_MAX / side)
      return "a shape overflows (expected the size of its data)";
    array->count *= side;
  }
  int is_whole = data_bytes % array->value_bytes == 0;
  if (is_whole && array->count == data_bytes / array->value_bytes) return NULL;
  return "a shape does not fit (expected the size of its data)";
}

static const char *parse_npy(npz_array *array, const uint8_t *bytes, size_t count) {
  if (count < NPY_BYTES_MIN || memcmp(bytes, "\x93NUMPY", 6) != 0) return not_npy;
  if (bytes[6] < 1 || bytes[6] > 2 || bytes[7] != 0)
    return "unknown NPY version (expected 1.0 or 2.0)";
  size_t begin = bytes[6] == 1 ? 10 : 12;
  size_t header_bytes = bytes[6] == 1 ? little_16(bytes + 8) : little_32(bytes + 8);
  if (header_bytes > count - begin) return bad_npy;
  const char *reason = parse_header(array, bytes + begin, header_bytes);
  if (reason) return reason;
  array->data = bytes + begin + header_bytes;
  return check_size(array, count - begin - header_bytes);
}

const char *npz_parse_npy(npz_array *array, const void *bytes, size_t count) {
  npz_array found = {0};
  memset(array, 0, sizeof *array);
  const char *reason = parse_npy(&found, (const uint8_t *)bytes, count);
  if (!reason) *array = found;
  return reason;
}

/* --------------------------------------------------------------------------------- latents */

const char *npz_order_latent(uint8_t *values, size_t channels, size_t plane, int channels_last) {
  float ordered[NPZ_LATENTS_MAX];
  for (size_t i = 0; i < channels * plane; i++) {
    uint32_t bits = little_32(values + 4 * i);
    size_t to = channels_last ? i % channels * plane + i / channels : i;
    if ((bits >> 23 & 0xFF) == 0xFF) return "a value that is not finite (expected numbers)";
    memcpy(&ordered[to], &bits, sizeof bits);
  }
  memcpy(values, ordered, channels * plane * sizeof *ordered);
  return NULL;
}

/* ---------------------------------------------------------------------------------- arrays */

/* Finds the one member of that name and checks its claims. */
static const char *find_array(entry *member, const npz_archive *archive, const char *name) {
  unsigned times = find_member(member, archive, name);
  if (times == 0) return "no such array";
  if (times > 1) return "the array is there twice (expected once)";
  if (member->plain_bytes < NPY_BYTES_MIN) return not_npy;
  return check_member(member);
}

const char *npz_array_measure(npz_array *array, const npz_archive *archive, const char *name) {
  entry member;
  memset(array, 0, sizeof *array);
  const char *reason = find_array(&member, archive, name);
  if (!reason) array->memory_bytes = (size_t)member.plain_bytes;
  return reason;
}

const char *npz_array_read(npz_array *array, const npz_archive *archive, const char *name,
                           void *memory, size_t memory_bytes) {
  entry member;
  npz_array found = {0};
  memset(array, 0, sizeof *array);
  const char *reason = find_array(&member, archive, name);
  if (!reason && member.plain_bytes > memory_bytes) reason = "too little memory for the array";
  if (!reason) reason = unpack(memory, archive, &member);
  if (!reason) reason = parse_npy(&found, memory, (size_t)member.plain_bytes);
  if (reason) return reason;
  found.memory_bytes = (size_t)member.plain_bytes;
  *array = found;
  return NULL;
}

/* -------------------------------------------------------------------------------- data set */

static const char *const split_names[NPZ_SPLITS] = {"train", "val", "test"};

const char *npz_split_name(int split) {
  return split >= 0 && split < NPZ_SPLITS ? split_names[split] : "?";
}

int npz_split_index(const char *name) {
  for (int i = 0; i < NPZ_SPLITS; i++)
    if (strcmp(name, split_names[i]) == 0) return i;
  return -1;
}

/* Array i of the six: even ones are images, odd ones labels. */
static void array_name(char name[16], int i) {
  snprintf(name, 16, "%s_%s", split_names[i / 2], i % 2 == 0 ? "images" : "labels");
}

/* Finds array i; images may be called latents. */
static unsigned find_named(char name[16], entry *member, const npz_archive *archive, int i) {
  array_name(name, i);
  unsigned times = find_member(member, archive, name);
  if (times > 0 || i % 2 == 1) return times;
  snprintf(name, 16, "%s_latents", split_names[i / 2]);
  times = find_member(member, archive, name);
  if (times == 0) array_name(name, i);
  return times;
}

/* Leaves nothing in the data set but the reason, `NAME: reason`. */
static const char *dataset_fail(npz_dataset *dataset, const char *name, const char *reason) {
  memset(dataset, 0, sizeof *dataset);
  snprintf(dataset->message, sizeof dataset->message, "%s: %s", name, reason);
  return dataset->message;
}

static const char *dataset_missing(npz_dataset *dataset, const char *name) {
  memset(dataset, 0, sizeof *dataset);
  snprintf(dataset->message, sizeof dataset->message, "no array %s (expected a MedMNIST .npz)",
           name);
  return dataset->message;
}

/* Says how much it would be, and where the limit is. */
static const char *dataset_too_large(npz_dataset *dataset, size_t needed, size_t limit_bytes) {
  memset(dataset, 0, sizeof *dataset);
  snprintf(dataset->message, sizeof dataset->message,
           "needs %zu MiB of memory, its own bytes included (expected at most %zu MiB)",
           (needed >> 20) + 1, limit_bytes >> 20);
  return dataset->message;
}

const char *npz_dataset_measure(npz_dataset *dataset, const npz_archive *archive,
                                size_t limit_bytes) {
  size_t sum = archive->count;
  memset(dataset, 0, sizeof *dataset);
  for (int i = 0; i < 2 * NPZ_SPLITS; i++) {
    char name[16];
    entry member;
    if (find_named(name, &member, archive, i) == 0) return dataset_missing(dataset, name);
    const char *reason = find_array(&member, archive, name);
    if (!reason && member.plain_bytes > SIZE_MAX - sum)
      reason = "the sizes of the arrays overflow (expected less than the address space)";
    if (reason) return dataset_fail(dataset, name, reason);
    sum += (size_t)member.plain_bytes;
  }
  if (sum > limit_bytes) return dataset_too_large(dataset, sum, limit_bytes);
  dataset->memory_bytes = sum - archive->count;
  return NULL;
}

/* What images of a split have in common with those of the first. */
static const char *set_shape(npz_dataset *dataset, int split, const npz_array *array, size_t height,
                             size_t width, unsigned channels) {
  if (split > 0 && (dataset->height != height || dataset->width != width ||
                    dataset->channels != channels || dataset->value_bytes != array->value_bytes))
    return "images of another shape (expected that of train_images)";
  dataset->height = height;
  dataset->width = width;
  dataset->channels = channels;
  dataset->value_bytes = array->value_bytes;
  dataset->split[split].images = array->data;
  dataset->split[split].count = array->shape[0];
  return NULL;
}

/* Latents, put in order where they stand.
 *   own  the memory that they were read into */
static const char *set_latents(npz_dataset *dataset, int split, const npz_array *array,
                               uint8_t *own) {
  const size_t *shape = array->shape;
  int is_last = array->rank == 4 && shape[3] < shape[1];
  size_t channels = array->rank == 3 ? 1 : is_last ? shape[3] : shape[1];
  size_t height = shape[array->rank == 3 || is_last ? 1 : 2];
  size_t width = shape[array->rank == 3 || is_last ? 2 : 3];
  if (array->rank != 3 && array->rank != 4)
    return "latents of a wrong shape (expected (N,C,H,W), (N,H,W,C) or (N,H,W))";
  if (array->count == 0) return "no images (expected at least one)";
  if (channels > NPZ_LATENT_CHANNELS_MAX) return "too many latent channels (expected up to 16)";
  if (array->count / shape[0] > NPZ_LATENTS_MAX)
    return "too many latents an image (expected up to 4096)";
  for (size_t n = 0; n < shape[0]; n++) {
    uint8_t *image = own + (size_t)(array->data - own) + 4 * n * (array->count / shape[0]);
    const char *reason = npz_order_latent(image, channels, height * width, is_last);
    if (reason) return reason;
  }
  return set_shape(dataset, split, array, height, width, (unsigned)channels);
}

static const char *set_images(npz_dataset *dataset, int split, const npz_array *array) {
  if (array->rank != 3 && !(array->rank == 4 && array->shape[3] == 3))
    return "neither gray nor RGB images (expected shape (N,H,W) or (N,H,W,3))";
  if (array->count == 0) return "no images (expected at least one)";
  return set_shape(dataset, split, array, array->shape[1], array->shape[2],
                   array->rank == 3 ? 1 : 3);
}

/* One label an image: a class. */
static const char *set_classes(npz_dataset *dataset, const npz_array *array) {
  for (size_t i = 0; i < array->count; i++)
    if (array->data[i] >= dataset->classes) dataset->classes = array->data[i] + 1U;
  return dataset->classes > NPZ_CLASSES_MAX ? "a label is too large (expected 0 to 63)" : NULL;
}

/* Several labels an image: 1 for those that apply. */
static const char *set_flags(npz_dataset *dataset, const npz_array *array) {
  if (array->shape[1] > NPZ_CLASSES_MAX) return "too many labels an image (expected up to 64)";
  for (size_t i = 0; i < array->count; i++)
    if (array->data[i] > 1) return "a label of several is neither 0 nor 1";
  dataset->classes = (unsigned)array->shape[1];
  return NULL;
}

static const char *set_labels(npz_dataset *dataset, int split, const npz_array *array) {
  if (array->value_bytes != 1) return "labels that are not bytes (expected dtype u1)";
  if (array->rank != 1 && !(array->rank == 2 && array->shape[1] > 0))
    return "labels of a wrong shape (expected (N), (N,1) or (N,L))";
  if (array->shape[0] != dataset->split[split].count)
    return "not as many labels as images (expected one for each)";
  size_t each = array->rank == 1 ? 1 : array->shape[1];
  if (split > 0 && each != dataset->labels_per_image)
    return "not as many labels an image as before (expected those of train_labels)";
  const char *reason = each == 1 ? set_classes(dataset, array) : set_flags(dataset, array);
  dataset->labels_per_image = (unsigned)each;
  dataset->split[split].labels = array->data;
  return reason;
}

const char *npz_dataset_read(npz_dataset *dataset, const npz_archive *archive, void *memory,
                             size_t memory_bytes) {
  size_t used = 0;
  memset(dataset, 0, sizeof *dataset);
  for (int i = 0; i < 2 * NPZ_SPLITS; i++) {
    char name[16];
    entry member;
    npz_array array;
    uint8_t *own = (uint8_t *)memory + used;
    (void)find_named(name, &member, archive, i); /* that it is there is for npz_array_read to see */
    const char *reason = npz_array_read(&array, archive, name, own, memory_bytes - used);
    if (!reason && i % 2 == 0)
      reason = array.value_bytes == 4 ? set_latents(dataset, i / 2, &array, own)
                                      : set_images(dataset, i / 2, &array);
    if (!reason && i % 2 == 1) reason = set_labels(dataset, i / 2, &array);
    if (reason) return dataset_fail(dataset, name, reason);
    used += array.memory_bytes;
  }
  if (dataset->classes < 2)
    return dataset_fail(dataset, "labels", "all are 0 (expected at least two classes)");
  dataset->memory_bytes = used;
  return NULL;
}
