/* test_serial.c - containers: header, payload, digest, and what is refused, for all kinds at once.
 * What the payloads mean is for test_model, test_ciphertext and test_keys. */
#include <check.h>
#define PPML_ASSERT(condition) ck_assert(condition)
#include "containers.h"
#include "support.h"
#include "kat/format_kat.h"

enum { KINDS = PPML_KIND_SECRET_KEY };

static containers all;
static uint8_t bytes[KINDS + 1][CONTAINERS_BYTES_MAX];
static size_t counts[KINDS + 1]; /* of the evaluation key: of its beginning */

static void make_all(void) {
  if (counts[1]) return;
  containers_make(&all);
  for (uint32_t kind = 1; kind <= KINDS; kind++)
    counts[kind] =
        containers_write(bytes[kind], kind == PPML_KIND_EVAL_KEY ? 1000 : 10000, &all, kind);
}

/* Reads as that kind with as much memory as the right container takes. */
static int read_as(uint32_t kind, const uint8_t *data, size_t count) {
  static container_object o;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(data, count);
  ppml_arena arena = test_arena(1 << 16);
  o.client = all.objects.client; /* which a secret key alone is read beside */
  int error = container_get(&o, kind, &reader, &limits, &arena);
  if (error) ck_assert_uint_eq(arena.used_bytes, 0);
  test_arena_free(&arena);
  return error;
}

#define for_each_kind(kind)                                                                        \
  for (uint32_t kind = 1; kind <= KINDS; kind++)                                                   \
    if (kind != PPML_KIND_EVAL_KEY)

/* ------------------------------------------------------------------- kat */

START_TEST(the_digest_of_a_parameter_set_is_known) {
  uint8_t digest[PPML_ID_BYTES];
  ppmli_params_digest(digest, ppml_params_by_name("fast"));
  ck_assert_mem_eq(digest, format_params_digest_kat, sizeof digest);
}
END_TEST

START_TEST(a_header_is_what_the_format_says) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(format_keyring_kat, sizeof format_keyring_kat);
  ppml_header h;
  ck_assert_int_eq(ppml_header_read(&h, &reader, &limits), PPML_OK);
  ck_assert_uint_eq(h.kind, PPML_KIND_KEYRING);
  ck_assert_uint_eq(h.version, PPML_FORMAT_VERSION);
  ck_assert_ptr_eq(h.params, ppml_params_by_name("fast"));
  ck_assert_uint_eq(h.payload_bytes, sizeof format_keyring_kat - 96);
  for (unsigned i = 0; i < PPML_ID_BYTES; i++) ck_assert_uint_eq(h.circuit_id[i], i);
  ck_assert_mem_eq(h.key_id, format_keyring_kat + 56, PPML_ID_BYTES);
  ck_assert_uint_eq(reader.position, 80);
}
END_TEST

START_TEST(kinds_have_names_and_others_do_not) {
  ck_assert_str_eq(ppml_kind_name(PPML_KIND_MODEL), "model");
  ck_assert_str_eq(ppml_kind_name(PPML_KIND_OUTPUT), "encrypted score");
  ck_assert_ptr_null(ppml_kind_name(0));
  ck_assert_ptr_null(ppml_kind_name(KINDS + 1));
  ck_assert_ptr_null(ppml_kind_name(UINT32_MAX));
}
END_TEST

/* ------------------------------------------------------------------- law */

START_TEST(what_is_read_is_written_as_the_same_bytes) {
  for_each_kind(kind) {
    static container_object o;
    uint8_t copy[CONTAINERS_BYTES_MAX];
    ppml_limits limits = ppml_limits_default();
    ppml_reader reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ppml_writer writer = ppml_writer_to_memory(copy, sizeof copy);
    ppml_arena arena = test_arena(1 << 16);
    o.client = all.objects.client;
    ck_assert_int_eq(container_get(&o, kind, &reader, &limits, &arena), PPML_OK);
    ck_assert_int_eq(container_put(&o, kind, &writer), PPML_OK);
    ck_assert_uint_eq(writer.position, counts[kind]);
    ck_assert_mem_eq(copy, bytes[kind], counts[kind]);
    test_arena_free(&arena);
  }
}
END_TEST

START_TEST(a_container_can_be_checked_without_its_meaning) {
  ppml_limits limits = ppml_limits_default();
  for_each_kind(kind) {
    ppml_header h;
    ppml_reader reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ck_assert_int_eq(ppml_container_check(&h, &reader, &limits), PPML_OK);
    ck_assert_uint_eq(h.kind, kind);
    reader = ppml_reader_from_memory(bytes[kind], counts[kind] - 1);
    ck_assert_int_eq(ppml_container_check(&h, &reader, &limits), PPML_ERR_TRUNCATED);
    bytes[kind][counts[kind] / 2] ^= 1;
    reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ck_assert_int_eq(ppml_container_check(&h, &reader, &limits), PPML_ERR_CHECKSUM);
    bytes[kind][counts[kind] / 2] ^= 1;
  }
}
END_TEST

START_TEST(the_wire_sizes_are_those_of_the_containers) {
  const ppml_params *p = all.objects.client.params;
  const ppml_spec *spec = &all.objects.client.spec;
  ck_assert_uint_eq(ppml_input_wire_bytes(p, spec), counts[PPML_KIND_INPUT]);
  ck_assert_uint_eq(ppml_output_wire_bytes(p, spec, 1), counts[PPML_KIND_OUTPUT]);
}
END_TEST

/* ----------------------------------------------------------------- error */

START_TEST(a_container_cut_at_any_byte_is_truncated) {
  for_each_kind(kind) {
    uint8_t *cut = test_memory(counts[kind]);
    for (size_t count = 0; count < counts[kind]; count++) {
      memcpy(cut, bytes[kind], count);
      int error = read_as(kind, cut, count);
      if (error != PPML_ERR_TRUNCATED) ck_abort_msg("kind %u at %zu: %d", kind, count, error);
    }
    free(cut);
  }
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_refused) {
  for_each_kind(kind) {
    uint8_t *data = test_memory(counts[kind]);
    memcpy(data, bytes[kind], counts[kind]);
    for (size_t bit = 0; bit < 8 * counts[kind]; bit += bit < 2000 ? 1 : 7) {
      data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      int error = read_as(kind, data, counts[kind]);
      if (error == PPML_OK || error == PPML_ERR_NOMEM || error == PPML_ERR_TRAILING)
        ck_abort_msg("kind %u, bit %zu: %d", kind, bit, error);
      data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(data);
  }
}
END_TEST

/* Every bit of the header, of the evaluation key as well, is told by the header alone. */
START_TEST(a_flipped_bit_of_a_header_is_told_for_what_it_is) {
  ppml_limits limits = ppml_limits_default();
  for (uint32_t kind = 1; kind <= KINDS; kind++)
    for (size_t bit = 0; bit < 8 * PPMLI_HEADER_BYTES; bit++) {
      uint8_t data[PPMLI_HEADER_BYTES];
      ppml_header h;
      memcpy(data, bytes[kind], sizeof data);
      data[bit / 8] ^= (uint8_t)(1 << bit % 8);
      ppml_reader reader = ppml_reader_from_memory(data, sizeof data);
      int error = ppml_header_read(&h, &reader, &limits);
      int expected = bit < 64 ? PPML_ERR_FORMAT : bit < 80 ? PPML_ERR_VERSION : PPML_ERR_CHECKSUM;
      if (error != expected) ck_abort_msg("kind %u, bit %zu: %d", kind, bit, error);
    }
}
END_TEST

START_TEST(a_container_of_another_kind_is_refused) {
  for_each_kind(kind) for (uint32_t other = 1; other <= KINDS; other++) if (other != kind)
      ck_assert_int_eq(read_as(other, bytes[kind], counts[kind]), PPML_ERR_KIND);
}
END_TEST

START_TEST(a_byte_behind_the_end_is_refused) {
  for_each_kind(kind) {
    bytes[kind][counts[kind]] = 0;
    ck_assert_int_eq(read_as(kind, bytes[kind], counts[kind] + 1), PPML_ERR_TRAILING);
  }
}
END_TEST

/* With one field of the header changed, behind right digests. */
static int read_changed(uint32_t kind, size_t at, uint32_t word) {
  uint8_t data[CONTAINERS_BYTES_MAX];
  memcpy(data, bytes[kind], counts[kind]);
  ppmli_store32(data + at, word);
  container_mend_digests(data, counts[kind]);
  return read_as(kind, data, counts[kind]);
}

START_TEST(other_versions_kinds_and_sets_are_refused) {
  for_each_kind(kind) {
    int is_model = kind == PPML_KIND_MODEL;
    ck_assert_int_eq(read_changed(kind, 8, 99 | kind << 16), PPML_ERR_VERSION);
    ck_assert_int_eq(read_changed(kind, 8, 0 | kind << 16), PPML_ERR_VERSION);
    ck_assert_int_eq(read_changed(kind, 8, PPML_FORMAT_VERSION), PPML_ERR_FORMAT);
    ck_assert_int_eq(read_changed(kind, 8, PPML_FORMAT_VERSION | (KINDS + 1u) << 16),
                     PPML_ERR_FORMAT);
    ck_assert_int_eq(read_changed(kind, 12, 99), is_model ? PPML_ERR_FORMAT : PPML_ERR_PARAMS);
    ck_assert_int_eq(read_changed(kind, 24, 99), is_model ? PPML_ERR_FORMAT : PPML_ERR_PARAMS);
    /* the id of another set, with the digest of this one */
    if (!is_model) ck_assert_int_eq(read_changed(kind, 12, 2), PPML_ERR_PARAMS);
  }
}
END_TEST

START_TEST(what_must_be_zero_is_checked) {
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_CLIENT; kind++)
    ck_assert_int_eq(read_changed(kind, 56, 1), PPML_ERR_FORMAT); /* a key's id */
  uint8_t data[CONTAINERS_BYTES_MAX];
  size_t count = counts[PPML_KIND_OUTPUT], last = count - PPML_ID_BYTES - 1;
  memcpy(data, bytes[PPML_KIND_OUTPUT], count);
  for (uint8_t bit = 0x40; bit; bit = (uint8_t)(bit << 1)) { /* 14 * 1537 bits end two bits early */
    data[last] |= bit;
    container_mend_digests(data, count);
    ck_assert_int_eq(read_as(PPML_KIND_OUTPUT, data, count), PPML_ERR_FORMAT);
    data[last] = bytes[PPML_KIND_OUTPUT][last];
  }
}
END_TEST

START_TEST(hostile_lengths_are_refused) {
  for_each_kind(kind) {
    uint32_t payload_bytes = ppmli_load32(bytes[kind] + 16);
    ck_assert_int_eq(read_changed(kind, 20, 0xffffffff), PPML_ERR_RANGE);
    ck_assert_int_eq(read_changed(kind, 16, (64u << 20) + 1), PPML_ERR_RANGE);
    ck_assert_int_eq(read_changed(kind, 16, 0), PPML_ERR_FORMAT);
    ck_assert_int_lt(read_changed(kind, 16, payload_bytes - 1), 0);
    ck_assert_int_lt(read_changed(kind, 16, payload_bytes + 1), 0);
    ck_assert_int_lt(read_changed(kind, 16, 64u << 20), 0);
  }
}
END_TEST

START_TEST(limits_are_kept_to) {
  for (uint32_t kind = 1; kind <= KINDS; kind++) {
    ppml_limits limits = ppml_limits_default();
    ppml_header h;
    limits.payload_bytes = ppmli_load64(bytes[kind] + 16);
    ppml_reader reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ck_assert_int_eq(ppml_header_read(&h, &reader, &limits), PPML_OK);
    limits.payload_bytes--;
    reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ck_assert_int_eq(ppml_header_read(&h, &reader, &limits), PPML_ERR_RANGE);
  }
}
END_TEST

static size_t failing_read(ppml_reader *self, void *out, size_t count) {
  if (self->position + count > self->limit) {
    self->failed = 1;
    return 0;
  }
  memcpy(out, (const uint8_t *)self->context + self->position, count);
  self->position += count;
  return count;
}

START_TEST(a_failing_reader_is_told) {
  for_each_kind(kind) for (size_t limit = 0; limit <= counts[kind]; limit += 5) {
    static container_object o;
    ppml_limits limits = ppml_limits_default();
    ppml_reader reader = ppml_reader_from_memory(bytes[kind], limit);
    reader.read = failing_read;
    ppml_arena arena = test_arena(1 << 16);
    o.client = all.objects.client;
    ck_assert_int_eq(container_get(&o, kind, &reader, &limits, &arena), PPML_ERR_IO);
    test_arena_free(&arena);
  }
}
END_TEST

START_TEST(a_full_writer_is_told) {
  for_each_kind(kind) for (size_t limit = 0; limit < counts[kind]; limit += 5) {
    uint8_t *copy = test_memory(limit);
    ppml_writer writer = ppml_writer_to_memory(copy, limit);
    ck_assert_int_eq(container_put(&all.objects, kind, &writer), PPML_ERR_IO);
    free(copy);
  }
}
END_TEST

/* ------------------------------------------------------------------- oom */

/* With every amount of memory below the exact one, and with that. */
START_TEST(reading_takes_what_is_said_and_no_less) {
  for_each_kind(kind) {
    static container_object o;
    ppml_limits limits = ppml_limits_default();
    ppml_reader reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ppml_header h;
    ck_assert_int_eq(ppml_header_read(&h, &reader, &limits), PPML_OK);
    ppml_arena arena = test_arena(ppml_read_bytes(&h));
    o.client = all.objects.client;
    reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
    ck_assert_int_eq(container_get(&o, kind, &reader, &limits, &arena), PPML_OK);
    size_t used = arena.high_bytes;
    if (kind != PPML_KIND_MODEL && kind != PPML_KIND_CIRCUIT)
      ck_assert_uint_eq(used, arena.capacity_bytes);
    test_arena_free(&arena);
    for (size_t less = 1; less <= used; less += 63) {
      arena = test_arena(used - less);
      reader = ppml_reader_from_memory(bytes[kind], counts[kind]);
      ck_assert_int_eq(container_get(&o, kind, &reader, &limits, &arena), PPML_ERR_NOMEM);
      ck_assert_uint_eq(arena.used_bytes, 0);
      test_arena_free(&arena);
    }
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("serial");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom"), *cases[] = {kat, law, bounds, error, oom};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    tcase_add_unchecked_fixture(cases[i], make_all, NULL);
  tcase_add_test(kat, the_digest_of_a_parameter_set_is_known);
  tcase_add_test(kat, a_header_is_what_the_format_says);
  tcase_add_test(kat, kinds_have_names_and_others_do_not);
  tcase_add_test(law, what_is_read_is_written_as_the_same_bytes);
  tcase_add_test(law, a_container_can_be_checked_without_its_meaning);
  tcase_add_test(law, the_wire_sizes_are_those_of_the_containers);
  tcase_add_test(bounds, hostile_lengths_are_refused);
  tcase_add_test(bounds, limits_are_kept_to);
  tcase_add_test(error, a_container_cut_at_any_byte_is_truncated);
  tcase_add_test(error, a_flipped_bit_anywhere_is_refused);
  tcase_add_test(error, a_flipped_bit_of_a_header_is_told_for_what_it_is);
  tcase_add_test(error, a_container_of_another_kind_is_refused);
  tcase_add_test(error, a_byte_behind_the_end_is_refused);
  tcase_add_test(error, other_versions_kinds_and_sets_are_refused);
  tcase_add_test(error, what_must_be_zero_is_checked);
  tcase_add_test(error, a_failing_reader_is_told);
  tcase_add_test(error, a_full_writer_is_told);
  tcase_add_test(oom, reading_takes_what_is_said_and_no_less);
  int failed = test_run(suite);
  containers_free(&all);
  return failed;
}
