/* protobuf.c - see protobuf.h.  As in the encoding chapter of protobuf.dev. */
#include "protobuf.h"

#include <string.h>

protobuf protobuf_of(const void *bytes, size_t count) {
  protobuf message = {(const uint8_t *)bytes, (const uint8_t *)bytes};
  if (count) message.end += count; /* of nothing there may be no address */
  return message;
}

size_t protobuf_count(const protobuf *message) {
  return (size_t)(message->end - message->at);
}

int protobuf_varint(uint64_t *value, protobuf *message) {
  uint64_t sum = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (message->at == message->end) return 0;
    uint8_t byte = *message->at++;
    if (shift == 63 && byte > 1) return 0;
    sum |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *value = sum;
      return 1;
    }
  }
  return 0;
}

/* 4 or 8 bytes, little-endian. */
static int fixed(uint64_t *value, protobuf *message, size_t count) {
  if (protobuf_count(message) < count) return 0;
  *value = 0;
  for (size_t i = 0; i < count; i++) *value |= (uint64_t)message->at[i] << 8 * i;
  message->at += count;
  return 1;
}

static int length_delimited(protobuf *bytes, protobuf *message) {
  uint64_t count;
  if (!protobuf_varint(&count, message) || count > protobuf_count(message)) return 0;
  *bytes = protobuf_of(message->at, (size_t)count);
  message->at += count;
  return 1;
}

int protobuf_next(protobuf_field *field, protobuf *message) {
  uint64_t key;
  memset(field, 0, sizeof *field);
  if (message->at == message->end) return 0;
  if (!protobuf_varint(&key, message) || key >> 3 == 0 || key >> 3 >= 1u << 29) return -1;
  field->number = (uint32_t)(key >> 3);
  field->type = (uint32_t)(key & 7);
  int done = 0;
  if (field->type == PROTOBUF_VARINT) done = protobuf_varint(&field->value, message);
  if (field->type == PROTOBUF_FIXED32) done = fixed(&field->value, message, 4);
  if (field->type == PROTOBUF_FIXED64) done = fixed(&field->value, message, 8);
  if (field->type == PROTOBUF_BYTES) done = length_delimited(&field->bytes, message);
  return done ? 1 : -1;
}

int protobuf_is(const protobuf *bytes, const char *text) {
  size_t count = strlen(text);
  return protobuf_count(bytes) == count && (count == 0 || memcmp(bytes->at, text, count) == 0);
}

int protobuf_same(const protobuf *a, const protobuf *b) {
  size_t count = protobuf_count(a);
  return protobuf_count(b) == count && (count == 0 || memcmp(a->at, b->at, count) == 0);
}

float protobuf_float(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
