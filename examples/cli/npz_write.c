/* npz_write.c - see npz_write.h.  Zip as in PKWARE's APPNOTE 6.3; NPY as in NumPy's format.py. */
#include "npz_write.h"
#include "inflate.h"

#include <stdio.h>
#include <string.h>

enum {
  MEMBERS = 2 * NPZ_SPLITS, /* even ones are images, odd ones labels */
  NAME_BYTES = 24,
  NPY_BYTES = 128, /* magic, version, length and the header, filled up with spaces */
  END_BYTES = 22,
  ENTRY_BYTES = 46,
  LOCAL_BYTES = 30,
  SHARED_BYTES = 26 /* what local header and directory entry have in common */
};

typedef struct member {
  char name[NAME_BYTES];
  char header[NPY_BYTES];
  const uint8_t *data;
  size_t data_bytes;
  uint32_t crc32;
  uint32_t local; /* where its local header is */
} member;

static void put_16(uint8_t *at, unsigned value) {
  at[0] = (uint8_t)value;
  at[1] = (uint8_t)(value >> 8);
}

static void put_32(uint8_t *at, uint32_t value) {
  put_16(at, value & 0xFFFF);
  put_16(at + 2, value >> 16);
}

/* "4708, 28, 28" or the like. */
static void describe_shape(char shape[64], const npz_dataset *d, unsigned i) {
  size_t count = d->split[i / 2].count;
  if (i % 2 == 1) snprintf(shape, 64, "%zu, %u", count, d->labels_per_image);
  else
    snprintf(shape, 64, "%zu, %zu, %zu%s", count, d->height, d->width,
             d->channels == 3 ? ", 3" : "");
}

/* NPY version 1.0: its length counts what follows it, up to a line feed. */
static void fill_header(char header[NPY_BYTES], const char *dtype, const char *shape) {
  static const char begin[10] = "\x93NUMPY\x01\x00\x76"; /* 128 - 10 = 0x0076 */
  memset(header, ' ', NPY_BYTES);
  int length = snprintf(header + sizeof begin, NPY_BYTES - sizeof begin,
                        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", dtype, shape);
  memcpy(header, begin, sizeof begin);
  header[sizeof begin + (size_t)length] = ' ';
  header[NPY_BYTES - 1] = '\n';
}

static member member_of(const npz_dataset *d, unsigned i) {
  const npz_split *split = &d->split[i / 2];
  char shape[64];
  member m = {.data = i % 2 == 0 ? split->images : split->labels};
  size_t each = i % 2 == 0 ? d->height * d->width * d->channels : d->labels_per_image;
  m.data_bytes = split->count * each;
  snprintf(m.name, sizeof m.name, "%s_%s.npy", npz_split_name((int)i / 2),
           i % 2 == 0 ? "images" : "labels");
  describe_shape(shape, d, i);
  fill_header(m.header, "|u1", shape);
  m.crc32 = inflate_crc32(inflate_crc32(0, m.header, NPY_BYTES), m.data, m.data_bytes);
  return m;
}

/* Version, flags, method, time, date, CRC-32, sizes, lengths of the name and the extra field. */
static void fill_shared(uint8_t at[SHARED_BYTES], const member *m) {
  memset(at, 0, SHARED_BYTES);
  put_16(at, 20);
  put_16(at + 8, 1 << 5 | 1); /* 1980-01-01 */
  put_32(at + 10, m->crc32);
  put_32(at + 14, (uint32_t)(m->data_bytes + NPY_BYTES));
  put_32(at + 18, (uint32_t)(m->data_bytes + NPY_BYTES));
  put_16(at + 22, (unsigned)strlen(m->name));
}

static const char *write_member(file_output *output, const member *m) {
  uint8_t local[LOCAL_BYTES];
  put_32(local, 0x04034B50);
  fill_shared(local + 4, m);
  const char *reason = file_write(output, local, LOCAL_BYTES);
  if (!reason) reason = file_write(output, m->name, strlen(m->name));
  if (!reason) reason = file_write(output, m->header, NPY_BYTES);
  return reason ? reason : file_write(output, m->data, m->data_bytes);
}

static const char *write_entry(file_output *output, const member *m) {
  uint8_t entry[ENTRY_BYTES] = {0};
  put_32(entry, 0x02014B50);
  put_16(entry + 4, 20); /* made by; then needed to read it */
  fill_shared(entry + 6, m);
  put_32(entry + 42, m->local);
  const char *reason = file_write(output, entry, ENTRY_BYTES);
  return reason ? reason : file_write(output, m->name, strlen(m->name));
}

static const char *write_end(file_output *output, unsigned members, uint32_t begin,
                             uint32_t directory_bytes) {
  uint8_t end[END_BYTES] = {0};
  put_32(end, 0x06054B50);
  put_16(end + 8, members);
  put_16(end + 10, members);
  put_32(end + 12, directory_bytes);
  put_32(end + 16, begin);
  return file_write(output, end, END_BYTES);
}

uint64_t npz_write_bytes(const npz_dataset *dataset) {
  uint64_t image_bytes = (uint64_t)dataset->height * dataset->width * dataset->channels;
  uint64_t sum = END_BYTES;
  for (unsigned i = 0; i < NPZ_SPLITS; i++) {
    uint64_t count = dataset->split[i].count;
    if (count == 0) continue;
    sum += 2 * (LOCAL_BYTES + ENTRY_BYTES + NPY_BYTES);
    if (count > UINT32_MAX / (image_bytes + dataset->labels_per_image)) return 0;
    sum += count * (image_bytes + dataset->labels_per_image);
    sum += 4 * (strlen(npz_split_name((int)i)) + strlen("_images.npy"));
  }
  return sum < UINT32_MAX ? sum : 0;
}

const char *npz_write(file_output *output, const npz_dataset *dataset) {
  member members[MEMBERS];
  uint32_t at = 0, directory_bytes = 0;
  unsigned count = 0;
  const char *reason = NULL;
  for (unsigned i = 0; !reason && i < MEMBERS; i++) {
    if (dataset->split[i / 2].count == 0) continue;
    member *m = &members[count++];
    *m = member_of(dataset, i);
    m->local = at;
    at += (uint32_t)(LOCAL_BYTES + strlen(m->name) + NPY_BYTES + m->data_bytes);
    directory_bytes += (uint32_t)(ENTRY_BYTES + strlen(m->name));
    reason = write_member(output, m);
  }
  for (unsigned i = 0; !reason && i < count; i++) reason = write_entry(output, &members[i]);
  return reason ? reason : write_end(output, count, at, directory_bytes);
}

const char *npy_write(file_output *output, const char *dtype, const size_t *shape, unsigned rank,
                      const void *data, size_t count) {
  char header[NPY_BYTES], text[64] = "";
  size_t used = 0;
  for (unsigned i = 0; i < rank && used + 24 < sizeof text; i++)
    used += (size_t)snprintf(text + used, sizeof text - used, "%s%zu", i ? ", " : "", shape[i]);
  fill_header(header, dtype, text);
  const char *reason = file_write(output, header, NPY_BYTES);
  return reason ? reason : file_write(output, data, count);
}
