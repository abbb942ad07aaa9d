/* zip.c - see zip.h.  As in PKWARE's APPNOTE 6.3. */
#include "zip.h"
#include "inflate.h"

#include <string.h>

enum {
  END_BYTES = 22,   /* end of central directory record */
  ENTRY_BYTES = 46, /* central directory entry, without name, extra field and comment */
  LOCAL_BYTES = 30, /* local header, likewise */
  STORED = 0,
  DEFLATED = 8
};

static const char bad_zip[] = "damaged zip archive (expected a whole one)";

static unsigned little_16(const uint8_t *at) {
  return at[0] | (unsigned)at[1] << 8;
}

static uint32_t little_32(const uint8_t *at) {
  return (uint32_t)little_16(at) | (uint32_t)little_16(at + 2) << 16;
}

static uint64_t little_64(const uint8_t *at) {
  return little_32(at) | (uint64_t)little_32(at + 4) << 32;
}

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

static int apply_zip64(zip_member *member, const uint8_t *extra, size_t extra_bytes) {
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
static int next_entry(zip_member *member, const zip_archive *archive, size_t *cursor) {
  const uint8_t *at = archive->bytes + *cursor;
  size_t left = archive->directory_end - *cursor;
  if (left < ENTRY_BYTES || little_32(at) != 0x02014B50) return 0;
  size_t name_bytes = little_16(at + 28);
  size_t extra_bytes = little_16(at + 30);
  size_t whole_bytes = ENTRY_BYTES + name_bytes + extra_bytes + little_16(at + 32);
  if (left < whole_bytes) return 0;
  *member = (zip_member){.name = at + ENTRY_BYTES,
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

static const char *check_directory(const zip_archive *archive, unsigned members) {
  size_t cursor = archive->directory_begin;
  zip_member member;
  for (unsigned i = 0; i < members; i++)
    if (!next_entry(&member, archive, &cursor)) return bad_zip;
  return cursor == archive->directory_end ? NULL : bad_zip;
}

const char *zip_open(zip_archive *archive, const void *bytes, size_t count) {
  memset(archive, 0, sizeof *archive);
  const uint8_t *end = find_end(bytes, count);
  if (!end && bytes && count >= 4 && little_32((const uint8_t *)bytes) == 0x04034B50)
    return "a zip archive that is cut short (expected its directory at the end)";
  if (!end) return "not a zip archive (expected an .npz that numpy.savez made)";
  unsigned members = little_16(end + 10);
  uint32_t directory_bytes = little_32(end + 12);
  uint32_t begin = little_32(end + 16);
  if (members == 0xFFFF || directory_bytes == 0xFFFFFFFF || begin == 0xFFFFFFFF)
    return "a zip64 archive (expected less than 4 GiB and 65,535 members)";
  if (little_16(end + 4) != 0 || little_16(end + 6) != 0 || little_16(end + 8) != members)
    return "part of a zip archive on several disks (expected a whole one)";
  size_t limit = (size_t)(end - (const uint8_t *)bytes);
  if (begin > limit || directory_bytes > limit - begin) return bad_zip;
  zip_archive found = {bytes, count, begin, begin + directory_bytes};
  const char *reason = check_directory(&found, members);
  if (!reason) *archive = found;
  return reason;
}

int zip_next(zip_member *member, const zip_archive *archive, size_t *cursor) {
  size_t at = archive->directory_begin + *cursor;
  int is_there = next_entry(member, archive, &at);
  *cursor = at - archive->directory_begin;
  return is_there;
}

const char *zip_check(const zip_member *member) {
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
static const char *find_data(const uint8_t **data, const zip_archive *archive,
                             const zip_member *member) {
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

const char *zip_unpack(void *memory, const zip_archive *archive, const zip_member *member) {
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

const char *zip_peek(void *out, size_t out_bytes, size_t *made, const zip_archive *archive,
                     const zip_member *member) {
  const uint8_t *data = NULL;
  size_t plain_bytes = (size_t)member->plain_bytes, packed_bytes = (size_t)member->packed_bytes;
  const char *reason = find_data(&data, archive, member);
  if (reason) return reason;
  if (member->method == DEFLATED) return inflate_begin(out, out_bytes, made, data, packed_bytes);
  *made = plain_bytes < out_bytes ? plain_bytes : out_bytes;
  if (*made > 0) memcpy(out, data, *made);
  return NULL;
}
