/* Little-endian integers, and values of any number of bits packed into bytes: what files and
 * random streams are made of, the same on every machine.  In: integers; out: bytes, and back. Next:
 * stream.h, wire/container.h. */
#ifndef PPMLI_BASE_BYTES_H
#define PPMLI_BASE_BYTES_H

#include "base.h"

PPMLI_KERNEL uint32_t ppmli_load16(const uint8_t *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8;
}

PPMLI_KERNEL uint32_t ppmli_load32(const uint8_t *b) {
  return ppmli_load16(b) | ppmli_load16(b + 2) << 16;
}

PPMLI_KERNEL uint64_t ppmli_load64(const uint8_t *b) {
  return (uint64_t)ppmli_load32(b) | (uint64_t)ppmli_load32(b + 4) << 32;
}

PPMLI_KERNEL void ppmli_store16(uint8_t *b, uint32_t x) {
  b[0] = (uint8_t)x;
  b[1] = (uint8_t)(x >> 8);
}

PPMLI_KERNEL void ppmli_store32(uint8_t *b, uint32_t x) {
  ppmli_store16(b, x);
  ppmli_store16(b + 2, x >> 16);
}

PPMLI_KERNEL void ppmli_store64(uint8_t *b, uint64_t x) {
  ppmli_store32(b, (uint32_t)x);
  ppmli_store32(b + 4, (uint32_t)(x >> 32));
}

/* Bytes that count values of width bits take, the last one padded with zeros. */
PPMLI_INLINE size_t ppmli_packed_bytes(size_t count, uint32_t width) {
  return (count * width + 7) / 8;
}

/* Packs values [count] of width bits (1..64), least significant bit first.
 *   bytes [ppmli_packed_bytes(count, width)]  out */
PPMLI_STATIC void ppmli_pack(uint8_t *bytes, const uint64_t *values, size_t count, uint32_t width) {
  uint32_t have = 0;
  uint8_t pending = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t value = values[i];
    uint32_t left = width;
    while (left) {
      uint32_t take = left < 8 - have ? left : 8 - have;
      pending = (uint8_t)(pending | (value & ((1u << take) - 1)) << have);
      value >>= take;
      have += take;
      left -= take;
      if (have < 8) continue;
      *bytes++ = pending;
      pending = 0;
      have = 0;
    }
  }
  if (have) *bytes = pending;
}

/* Undoes ppmli_pack. */
PPMLI_STATIC void ppmli_unpack(uint64_t *values, const uint8_t *bytes, size_t count,
                               uint32_t width) {
  uint32_t used = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t value = 0;
    uint32_t got = 0;
    while (got < width) {
      uint32_t take = width - got < 8 - used ? width - got : 8 - used;
      value |= (uint64_t)(*bytes >> used & ((1u << take) - 1)) << got;
      got += take;
      used += take;
      if (used < 8) continue;
      bytes++;
      used = 0;
    }
    values[i] = value;
  }
}

#endif
