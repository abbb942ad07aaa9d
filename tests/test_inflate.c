/* test_inflate.c - DEFLATE, zlib and their checksums, against Python's zlib (tests/kat). */
#include "../examples/cli/inflate.h"
#include "kat/inflate_kat.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum { KATS = sizeof inflate_kats / sizeof inflate_kats[0] };

/* Decodes from and to blocks of just the size, so that a sanitizer sees the first byte too many. */
static const char *decode(const inflate_kat *kat, const uint8_t *bytes, size_t count,
                          uint32_t *crc32) {
  uint8_t *in = malloc(count > 0 ? count : 1);
  uint8_t *out = malloc(kat->plain_bytes > 0 ? kat->plain_bytes : 1);
  ck_assert(in && out);
  memcpy(in, bytes, count);
  const char *reason = kat->zlib ? inflate_zlib(out, kat->plain_bytes, in, count)
                                 : inflate_raw(out, kat->plain_bytes, in, count, NULL);
  *crc32 = inflate_crc32(0, out, kat->plain_bytes);
  free(in);
  free(out);
  return reason;
}

static uint32_t crc32_of_zeros(size_t count) {
  static const uint8_t zeros[65536];
  return inflate_crc32(0, zeros, count);
}

START_TEST(valid_streams_decode_to_what_zlib_gives) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint32_t crc32;
    if (kat->reason) continue;
    const char *reason = decode(kat, kat->bytes, kat->count, &crc32);
    ck_assert_msg(!reason, "%s: %s", kat->name, reason);
    ck_assert_msg(crc32 == kat->plain_crc32, "%s: decoded wrongly", kat->name);
  }
}
END_TEST

START_TEST(broken_streams_are_refused_for_their_reason_and_wiped) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint32_t crc32;
    if (!kat->reason) continue;
    const char *reason = decode(kat, kat->bytes, kat->count, &crc32);
    ck_assert_msg(reason, "%s: accepted", kat->name);
    ck_assert_msg(strstr(reason, kat->reason), "%s: refused as: %s", kat->name, reason);
    ck_assert_msg(crc32 == crc32_of_zeros(kat->plain_bytes), "%s: not wiped", kat->name);
  }
}
END_TEST

START_TEST(streams_truncated_at_any_byte_are_refused) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint32_t crc32;
    for (size_t count = 0; !kat->reason && count < kat->count; count++)
      ck_assert_msg(decode(kat, kat->bytes, count, &crc32), "%s: %zu bytes", kat->name, count);
  }
}
END_TEST

/* The header's check finds a flip in the header, the Adler-32 one that changes what is made.  What
 * remains is padding: the unused bits of the byte before the Adler-32. */
START_TEST(a_flipped_bit_of_a_zlib_stream_is_refused_or_changes_nothing) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint8_t bytes[2048];
    uint32_t crc32;
    if (kat->reason || !kat->zlib) continue;
    for (size_t bit = 0; bit < 8 * kat->count; bit++) {
      memcpy(bytes, kat->bytes, kat->count);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      const char *reason = decode(kat, bytes, kat->count, &crc32);
      ck_assert_msg(reason || crc32 == kat->plain_crc32, "%s: bit %zu", kat->name, bit);
    }
  }
}
END_TEST

START_TEST(flipped_bits_of_a_raw_stream_stay_within_bounds) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint8_t bytes[2048];
    uint32_t crc32;
    ck_assert(kat->count <= sizeof bytes);
    for (size_t bit = 0; bit < 8 * kat->count; bit++) {
      memcpy(bytes, kat->bytes, kat->count);
      bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
      decode(kat, bytes, kat->count, &crc32); /* a sanitizer is the judge */
    }
  }
}
END_TEST

START_TEST(the_beginning_is_as_long_as_there_is_room_less_258) {
  static uint8_t whole[65536], begin[65536];
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    if (kat->reason || kat->zlib || kat->plain_bytes > sizeof whole) continue;
    ck_assert(!inflate_raw(whole, kat->plain_bytes, kat->bytes, kat->count, NULL));
    for (size_t room = 0; room <= kat->plain_bytes + 300; room += 1 + room / 8) {
      size_t made = 0;
      memset(begin, 0x5a, sizeof begin);
      ck_assert(!inflate_begin(begin, room, &made, kat->bytes, kat->count));
      ck_assert_uint_le(made, room);
      ck_assert_msg(made == kat->plain_bytes || made + 258 > room, "%s: %zu of %zu", kat->name,
                    made, room);
      ck_assert(made == 0 || memcmp(begin, whole, made) == 0);
      for (size_t k = room; k < room + 300; k++) ck_assert_uint_eq(begin[k], 0x5a);
    }
  }
}
END_TEST

START_TEST(used_bytes_ends_at_the_stream) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    uint8_t bytes[2048] = {0}, out[65536];
    size_t used = 0;
    if (kat->reason || kat->zlib) continue;
    memcpy(bytes, kat->bytes, kat->count);
    ck_assert(!inflate_raw(out, kat->plain_bytes, bytes, kat->count + 20, &used));
    ck_assert_msg(used == kat->count, "%s: %zu", kat->name, used);
  }
}
END_TEST

/* x^32 + ... + 1 bit by bit, where inflate_crc32 has a table. */
static uint32_t crc32_by_definition(const uint8_t *bytes, size_t count) {
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < 8 * count; i++) {
    crc ^= (uint32_t)(bytes[i / 8] >> i % 8 & 1);
    crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

/* Counting alone takes the same streams, to the byte. */
START_TEST(a_stream_is_measured_as_it_is_decoded) {
  for (size_t i = 0; i < KATS; i++) {
    const inflate_kat *kat = &inflate_kats[i];
    size_t bytes = 0;
    if (kat->reason || kat->zlib) continue;
    ck_assert_msg(!inflate_raw_measure(&bytes, kat->plain_bytes, kat->bytes, kat->count), "%s",
                  kat->name);
    ck_assert_msg(bytes == kat->plain_bytes, "%s: %zu bytes", kat->name, bytes);
    if (bytes > 0)
      ck_assert_msg(inflate_raw_measure(&bytes, bytes - 1, kat->bytes, kat->count), "%s",
                    kat->name);
  }
}
END_TEST

START_TEST(crc32_is_the_remainder_of_its_polynomial) {
  uint8_t bytes[256];
  for (unsigned i = 0; i < 256; i++) bytes[i] = (uint8_t)(i * 167 + 13);
  for (size_t count = 0; count <= 256; count++)
    ck_assert_uint_eq(inflate_crc32(0, bytes, count), crc32_by_definition(bytes, count));
  for (unsigned i = 0; i < 256; i++) {
    uint8_t byte = (uint8_t)i;
    ck_assert_uint_eq(inflate_crc32(0, &byte, 1), crc32_by_definition(&byte, 1));
  }
  ck_assert_uint_eq(inflate_crc32(0, "123456789", 9), 0xCBF43926);
}
END_TEST

START_TEST(adler32_does_not_overflow_on_the_largest_bytes) {
  static uint8_t bytes[70000];
  uint64_t low = 1, high = 0;
  memset(bytes, 255, sizeof bytes);
  for (size_t i = 0; i < sizeof bytes; i++) {
    low = (low + 255) % 65521;
    high = (high + low) % 65521;
  }
  ck_assert_uint_eq(inflate_adler32(1, bytes, sizeof bytes), (uint32_t)(high << 16 | low));
  ck_assert_uint_eq(inflate_adler32(1, "Wikipedia", 9), 0x11E60398);
}
END_TEST

START_TEST(checksums_continue_where_they_stopped) {
  const uint8_t *bytes = inflate_noise;
  const size_t count = sizeof inflate_noise;
  for (size_t cut = 0; cut <= count; cut++) {
    uint32_t crc = inflate_crc32(inflate_crc32(0, bytes, cut), bytes + cut, count - cut);
    uint32_t adler = inflate_adler32(inflate_adler32(1, bytes, cut), bytes + cut, count - cut);
    ck_assert_uint_eq(crc, inflate_crc32(0, bytes, count));
    ck_assert_uint_eq(adler, inflate_adler32(1, bytes, count));
  }
}
END_TEST

START_TEST(what_was_made_was_possible) {
  for (size_t i = 0; i < KATS; i++)
    if (!inflate_kats[i].reason)
      ck_assert(inflate_is_possible(inflate_kats[i].plain_bytes, inflate_kats[i].count));
  ck_assert(!inflate_is_possible(1033, 0));
  ck_assert(!inflate_is_possible((size_t)-1, 1 << 20));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("inflate");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *error = test_case(suite, "error");
  tcase_add_test(kat, valid_streams_decode_to_what_zlib_gives);
  tcase_add_test(kat, used_bytes_ends_at_the_stream);
  tcase_add_test(law, a_stream_is_measured_as_it_is_decoded);
  tcase_add_test(kat, the_beginning_is_as_long_as_there_is_room_less_258);
  tcase_add_test(law, crc32_is_the_remainder_of_its_polynomial);
  tcase_add_test(law, adler32_does_not_overflow_on_the_largest_bytes);
  tcase_add_test(law, checksums_continue_where_they_stopped);
  tcase_add_test(law, what_was_made_was_possible);
  tcase_add_test(error, broken_streams_are_refused_for_their_reason_and_wiped);
  tcase_add_test(error, streams_truncated_at_any_byte_are_refused);
  tcase_add_test(error, a_flipped_bit_of_a_zlib_stream_is_refused_or_changes_nothing);
  tcase_add_test(error, flipped_bits_of_a_raw_stream_stay_within_bounds);
  return test_run(suite);
}
