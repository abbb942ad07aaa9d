/* protobuf.h - the wire format of protocol buffers, one field at a time.
 *
 * A message is a run of fields: a key of number and wire type, then a varint, four or eight bytes,
 * or a length and that many bytes, which may be a message again.  Nothing here recurses: whoever
 * reads a message inside a message opens another cursor.  Groups, long obsolete, are refused. */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* What is left to read of a message, a string or a packed array. */
typedef struct protobuf {
  const uint8_t *at;
  const uint8_t *end;
} protobuf;

/* Wire types. */
enum { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_BYTES = 2, PROTOBUF_FIXED32 = 5 };

typedef struct protobuf_field {
  uint32_t number;
  uint32_t type;
  uint64_t value; /* of all types but BYTES; a signed varint in two's complement */
  protobuf bytes; /* of BYTES */
} protobuf_field;

protobuf protobuf_of(const void *bytes, size_t count);
size_t protobuf_count(const protobuf *message); /* bytes left */

/* Takes the next field: 1, or 0 at the end, or -1 if it is malformed or goes beyond the end. */
int protobuf_next(protobuf_field *field, protobuf *message);

/* Takes a varint of a packed array: 1, or 0 if there is no whole one of at most 64 bits. */
int protobuf_varint(uint64_t *value, protobuf *message);

/* Are these bytes that text? */
int protobuf_is(const protobuf *bytes, const char *text);
int protobuf_same(const protobuf *a, const protobuf *b);

/* The float that 32 little-endian bits stand for. */
float protobuf_float(uint32_t bits);

#endif
