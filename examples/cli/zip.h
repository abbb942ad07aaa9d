/* zip.h - a zip archive in memory: its members, found by name, and their bytes.
 *
 * Read here: stored and deflated members, archives of one disk below 4 GiB; what makes ZIP64 of a
 * member's sizes, as numpy.savez does, is read too.  Every size is checked before it is used, and the
 * CRC-32 of every member that is unpacked is verified.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef ZIP_H
#define ZIP_H

#include <stddef.h>
#include <stdint.h>

/* An archive whose central directory has been checked from end to end.  It points into bytes. */
typedef struct zip_archive {
  const uint8_t *bytes;
  size_t count;
  size_t directory_begin; /* of the central directory, within bytes */
  size_t directory_end;
} zip_archive;

/* Checks the central directory.  Refused by what they are: files that begin like an archive and have
 * no end (cut short), archives of several disks, and zip64 end records. */
const char *zip_open(zip_archive *archive, const void *bytes, size_t count);

/* One member, as the central directory has it. */
typedef struct zip_member {
  const uint8_t *name; /* [name_bytes], not terminated; within the archive */
  size_t name_bytes;
  unsigned flags;
  unsigned method;
  uint32_t crc32;
  uint64_t packed_bytes;
  uint64_t plain_bytes;
  uint64_t local; /* where the local header is */
} zip_member;

/* Takes the member at *cursor, 0 at first, and moves on; 0 behind the last one. */
int zip_next(zip_member *member, const zip_archive *archive, size_t *cursor);

/* Checks what has to hold before memory is found for the member: that it can be unpacked, and that
 * its data can make plain_bytes. */
const char *zip_check(const zip_member *member);

/* The first bytes of a member, all of it or as many as there is room for less 258.
 *   made  out: how many */
const char *zip_peek(void *out, size_t out_bytes, size_t *made, const zip_archive *archive,
                     const zip_member *member);

/* The whole member into memory of plain_bytes. */
const char *zip_unpack(void *memory, const zip_archive *archive, const zip_member *member);

#endif
