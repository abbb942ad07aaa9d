/* test_keys.c - secret keys, and the evaluation key on the wire and in memory.  Read with no
 * circuit to belong to; test_infer has the rest. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "kat/format_kat.h"

static test_keys keys; /* of the set "fast", from seed 40 */

static void make_keys(void) {
  if (keys.arena.memory) return;
  ppml_client client = test_client("fast");
  test_keys_make(&keys, &client, 40);
}

/* ------------------------------------------------------------------- kat */

/* Key, image and evaluation key of the known answers, from one generator. */
START_TEST(an_evaluation_key_begins_as_known) {
  const ppml_spec spec = {3, 2,   1,   4,         2, 1, 100, {"benign", "malignant"},
                          0, {0}, {0}, {0, 0, 0}, 0};
  const uint8_t pixels[] = {0, 255, 127, 128, 3, 77};
  ppml_client client = test_client("fast");
  ppml_rng rng = test_rng(5);
  ppml_secret_key key;
  ppml_input input;
  uint8_t digest[PPML_ID_BYTES];
  size_t count = ppml_eval_key_wire_bytes(client.params);
  uint8_t *bytes = test_memory(count);
  ppml_writer writer = ppml_writer_to_memory(bytes, count);
  ppml_arena arena = test_arena(ppml_eval_key_generate_bytes(client.params, 1));
  client.spec = spec;
  test_secret_key(&key, &client, &rng);
  ck_assert_int_eq(ppml_encrypt(&input, &test_request, &key, pixels, &rng, &arena), PPML_OK);
  ppml_arena_release(&arena, 0);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &key, &rng, NULL, NULL, &arena), PPML_OK);
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, bytes, FORMAT_EVAL_KEY_BEGIN_BYTES);
  ppmli_digest_final(&d, digest);
  ck_assert_mem_eq(digest, format_eval_key_begin_digest_kat, sizeof digest);
  test_arena_free(&arena);
  free(bytes);
}
END_TEST

/* ------------------------------------------------------------- secret key */

/* 60 keys of about 700 bits: five standard deviations are 1.2 %. */
START_TEST(key_bits_are_uniform_or_one_of_three_to_a_block) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    ppml_rng rng = test_rng(41);
    double ones = 0, glwe_ones = 0, count = 0, glwe_count = 0;
    for (int k = 0; k < 60; k++) {
      uint8_t lwe[TEST_KEY_BITS_MAX / 8], glwe[TEST_KEY_BITS_MAX / 8];
      ppmli_client_draw_key(lwe, glwe, p, &rng);
      for (uint32_t b = 0; b < p->lwe_dim; b++) ones += (double)ppmli_bit(lwe, b);
      for (size_t b = 0; b < ppmli_params_long_dim(p); b++) glwe_ones += (double)ppmli_bit(glwe, b);
      count += p->lwe_dim;
      glwe_count += (double)ppmli_params_long_dim(p);
    }
    ck_assert(fabs(glwe_ones / glwe_count - (p->slots ? 1.0 / 3 : 0.5)) < 0.01);
    if (p->lwe_dim == 0 || ppmli_params_has_bridge(p)) continue;
    ck_assert(fabs(ones / count - (p->key_block_ones ? 1.0 / 3 : 0.5)) < 0.012);
  }
}
END_TEST

START_TEST(keys_have_the_shape_that_the_set_says) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    uint8_t lwe[TEST_KEY_BITS_MAX / 8] = {0}, glwe[TEST_KEY_BITS_MAX / 8] = {0};
    ppml_rng rng = test_rng(42);
    ppmli_client_draw_key(lwe, glwe, p, &rng);
    if (ppmli_params_has_bridge(p)) { /* the latents' key, never both 1 and -1 */
      for (size_t b = 0; b < TEST_KEY_BITS_MAX / 2; b++)
        ck_assert_uint_eq(ppmli_bit(lwe, b) & ppmli_bit(lwe, TEST_KEY_BITS_MAX / 2 + b), 0);
      continue;
    }
    if (p->shared_prefix) ck_assert_mem_eq(lwe, glwe, p->lwe_dim / 8);
    else if (p->lwe_dim) ck_assert_mem_ne(lwe, glwe, p->lwe_dim / 8);
    for (uint32_t b = 0; p->key_block_ones && b < p->lwe_dim; b += p->key_block) {
      uint64_t ones = 0;
      for (uint32_t j = 0; j < p->key_block; j++) ones += ppmli_bit(lwe, b + j);
      ck_assert_uint_le(ones, p->key_block_ones);
    }
    for (size_t b = p->lwe_dim; b < TEST_KEY_BITS_MAX; b++) ck_assert_uint_eq(ppmli_bit(lwe, b), 0);
    for (size_t b = 0; p->slots && b < p->poly_size; b++) /* never both 1 and -1 */
      ck_assert_uint_eq(ppmli_bit(glwe, b) & ppmli_bit(glwe, p->poly_size + b), 0);
    for (size_t b = 8 * ppmli_params_key_bytes(p); b < TEST_KEY_BITS_MAX; b++)
      ck_assert_uint_eq(ppmli_bit(glwe, b), 0);
  }
}
END_TEST

START_TEST(every_value_of_a_block_is_as_likely) { /* chi squared, 2 degrees of freedom: p = 1e-6 */
  size_t counts[3] = {0};
  double chi = 0;
  ppml_rng rng = test_rng(43);
  for (int i = 0; i < 30000; i++) {
    uint8_t block = ppmli_secret_block(&rng, 2);
    ck_assert_uint_le(block, 2);
    counts[block]++;
  }
  for (int v = 0; v < 3; v++) chi += ppmli_square((double)counts[v] - 10000) / 10000;
  ck_assert_msg(chi < 27.6, "%g", chi);
}
END_TEST

START_TEST(wiping_a_secret_key_leaves_zeros) {
  static const ppml_secret_key zeros;
  static const uint8_t no_bits[PPML_SECRET_KEY_BYTES_MAX];
  ppml_secret_key key;
  test_secret_key_copy(&key, &keys.secret);
  const uint8_t *planes = key.glwe_bits;
  size_t bytes = key.bytes;
  ck_assert_mem_ne(planes, no_bits, bytes);
  memset(test_client_of(&key), 0xff, sizeof *key.client); /* the spec may be gone */
  ppml_secret_key_wipe(&key);
  ck_assert_mem_eq(planes, no_bits, bytes);
  ck_assert_mem_eq(&key, &zeros, sizeof key);
  ppml_secret_key_wipe(&key);
}
END_TEST

/* k N and n bits, two planes of ternary keys, rounded up to the alignment of memory; and no less. */
START_TEST(planes_are_as_long_as_the_set_needs) {
  const struct {
    const char *name;
    size_t bits;
  } sets[] = {{"fast", 3 * 512 + 736}, {"finest", 2048 + 848},
              {"linear", 1024},        {"leveled-16", 2 * 4096},
              {"pooled-64", 2 * 4096}, {"bridged-finest", 2048 + 2 * 4096}};
  size_t longest = 0;
  for (size_t i = 0; ppml_params_by_index(i); i++) {
    size_t bytes = ppml_secret_key_generate_bytes(ppml_params_by_index(i));
    longest = bytes > longest ? bytes : longest;
  }
  ck_assert_uint_eq(longest, PPML_SECRET_KEY_BYTES_MAX);
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
    const ppml_params *p = ppml_params_by_name(sets[i].name);
    size_t bytes = (sets[i].bits / 8 + PPML_ALIGNMENT - 1) / PPML_ALIGNMENT * PPML_ALIGNMENT;
    ck_assert_uint_eq(ppml_secret_key_generate_bytes(p), bytes);
    ppml_client client = test_client(sets[i].name);
    ppml_rng rng = test_rng(1);
    ppml_secret_key key;
    ppml_arena arena = test_arena(bytes - PPML_ALIGNMENT);
    ck_assert_int_eq(ppml_secret_key_generate(&key, &client, &rng, &arena), PPML_ERR_NOMEM);
    ck_assert_uint_eq(key.bytes + arena.used_bytes, 0);
    test_arena_free(&arena);
    test_secret_key(&key, &client, &rng);
    ck_assert_uint_eq(key.bytes, sets[i].bits / 8);
  }
  ck_assert_uint_eq(ppml_secret_key_generate_bytes(NULL), 0);
}
END_TEST

/* ------------------------------------------------------------- generation */

typedef struct watch {
  size_t calls, done, total;
} watch;

static void step(void *context, size_t done, size_t total) {
  watch *w = context;
  ck_assert(done > w->done && done <= total);
  w->calls++;
  w->done = done;
  w->total = total;
}

/* As test_keys_make does it, on so many threads. */
static void check_same(size_t threads) {
  ppml_rng rng = test_rng(40);
  ppml_secret_key key;
  ppml_parallel parallel = test_parallel(threads);
  watch w = {0, 0, 0};
  ppml_progress progress = {step, &w};
  ppml_arena arena = test_arena(ppml_eval_key_generate_bytes(keys.eval.params, threads));
  uint8_t *bytes = test_memory(keys.wire_bytes);
  ppml_writer writer = ppml_writer_to_memory(bytes, keys.wire_bytes);
  test_secret_key(&key, keys.secret.client, &rng);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &key, &rng, &parallel, &progress, &arena),
                   PPML_OK);
  ck_assert_mem_eq(bytes, keys.wire, keys.wire_bytes);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  ck_assert_uint_eq(arena.used_bytes, 0);
  ck_assert(w.done == w.total && w.calls > 10);
  free(bytes);
  test_arena_free(&arena);
}

START_TEST(the_same_seed_gives_the_same_bytes_on_any_number_of_threads) {
  check_same(1);
  check_same(3);
}
END_TEST

/* Noise and messages have gone from the scratch of all tasks. */
START_TEST(generation_wipes_its_scratch) {
  size_t bytes = ppml_eval_key_generate_bytes(keys.eval.params, 1);
  ppml_arena arena = test_arena(bytes);
  uint8_t out[2000];
  ppml_writer writer = ppml_writer_to_memory(out, sizeof out); /* too small: it stops early */
  ppml_rng rng = test_rng(44);
  memset(arena.memory, 0xee, bytes);
  ck_assert_int_eq(ppml_eval_key_generate(&writer, &keys.secret, &rng, NULL, NULL, &arena),
                   PPML_ERR_IO);
  const ppml_params *p = keys.eval.params;
  size_t wire = ppmli_open_maker_bytes(p) +
                ppmli_arena_rounded(PPMLI_KEY_ITEMS_PER_THREAD * ppmli_key_step_wire_bytes(p));
  size_t slice = ppmli_client_step_scratch(p), left = 0;
  for (size_t i = 0; i < PPMLI_KEY_ITEMS_PER_THREAD * slice; i++)
    left += arena.memory[wire + i] != 0;
  size_t values =
      ppmli_params_long_dim(p) * sizeof(uint64_t); /* the key's, behind roots of unity */
  for (size_t i = ppmli_open_maker_bytes(p) - values; i < ppmli_open_maker_bytes(p); i++)
    left += arena.memory[i] != 0;
  ck_assert_uint_eq(left, 0);
  test_arena_free(&arena);
}
END_TEST

/* ---------------------------------------------------------------- reading */

static int read_key(ppml_eval_key *key, const uint8_t *bytes, size_t count,
                    const ppml_parallel *parallel, ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  return ppml_eval_key_read(key, &reader, &limits, NULL, test_backend(), parallel, arena);
}

START_TEST(an_expanded_key_does_not_depend_on_threads) {
  const ppml_params *p = keys.eval.params;
  ppml_parallel parallel = test_parallel(3);
  ppml_eval_key key;
  ppml_arena arena = test_arena(ppml_eval_key_read_bytes(p, 3));
  ck_assert_int_eq(read_key(&key, keys.wire, keys.wire_bytes, &parallel, &arena), PPML_OK);
  ck_assert_mem_eq(key.key_switch_key, keys.eval.key_switch_key,
                   ppmli_ksk_words(p, ppmli_ksk_rows(p)) * sizeof(uint32_t));
  ck_assert_mem_eq(key.bootstrap_key, keys.eval.bootstrap_key,
                   ppmli_params_steps(p) * ppmli_bsk_step_doubles(p) * sizeof(double));
  ck_assert_mem_eq(key.key_id, keys.secret.id, PPML_ID_BYTES);
  ck_assert_uint_eq(arena.high_bytes, arena.capacity_bytes);
  test_arena_free(&arena);
}
END_TEST

/* Damage in every part of the key: seed, key-switching key, bootstrapping key, digest. */
START_TEST(a_damaged_key_is_refused_and_leaves_nothing) {
  static const ppml_eval_key nothing;
  const size_t places[] = {
      80, 112, 113 + 12800, keys.wire_bytes / 2, keys.wire_bytes - 17, keys.wire_bytes - 1};
  ppml_arena arena = test_arena(ppml_eval_key_read_bytes(keys.eval.params, 1));
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    ppml_eval_key key;
    memset(&key, 0xee, sizeof key);
    keys.wire[places[i]] ^= 0x10;
    ck_assert_int_eq(read_key(&key, keys.wire, keys.wire_bytes, NULL, &arena), PPML_ERR_CHECKSUM);
    keys.wire[places[i]] ^= 0x10;
    ck_assert_mem_eq(&key, &nothing, sizeof key);
    ck_assert_uint_eq(arena.used_bytes, 0);
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(a_key_that_ends_early_is_truncated) {
  const size_t counts[] = {0, 79, 80, 111, 112, 3000, 12912, 20000, keys.wire_bytes - 1};
  ppml_arena arena = test_arena(ppml_eval_key_read_bytes(keys.eval.params, 1));
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    ppml_eval_key key;
    ck_assert_int_eq(read_key(&key, keys.wire, counts[i], NULL, &arena), PPML_ERR_TRUNCATED);
    ck_assert_uint_eq(arena.used_bytes, 0);
  }
  test_arena_free(&arena);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_before_memory_is_taken) {
  ppml_arena none = test_arena(0);
  ppml_limits limits = ppml_limits_default();
  ppml_eval_key key;
  static ppml_circuit circuit;
  ppml_reader reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  circuit.params = keys.eval.params;
  ck_assert_int_eq(ppml_eval_key_read(&key, &reader, &limits, &circuit, NULL, NULL, &none),
                   PPML_ERR_MISMATCH);
  limits.payload_bytes = keys.wire_bytes - 97;
  reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  ck_assert_int_eq(ppml_eval_key_read(&key, &reader, &limits, NULL, NULL, NULL, &none),
                   PPML_ERR_RANGE);
  reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  ck_assert_int_eq(ppml_eval_key_read(&key, &reader, &limits, NULL, "abacus", NULL, &none),
                   PPML_ERR_NAME);
  test_arena_free(&none);
}
END_TEST

/* -------------------------------------------------------------------- oom */

START_TEST(generation_and_reading_take_exactly_what_is_said) {
  size_t make = ppml_eval_key_generate_bytes(keys.eval.params, 2);
  size_t read = ppml_eval_key_read_bytes(keys.eval.params, 2);
  ppml_parallel parallel = test_parallel(2);
  for (size_t less = 1; less <= read; less *= 3) {
    ppml_eval_key key;
    ppml_rng rng = test_rng(45);
    uint8_t byte;
    ppml_writer writer = ppml_writer_to_memory(&byte, 0);
    ppml_arena arena = test_arena(read - less);
    ck_assert_int_eq(read_key(&key, keys.wire, keys.wire_bytes, &parallel, &arena), PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    test_arena_free(&arena);
    if (less > make) continue;
    arena = test_arena(make - less);
    ck_assert_int_eq(ppml_eval_key_generate(&writer, &keys.secret, &rng, &parallel, NULL, &arena),
                     PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    ck_assert_uint_eq(writer.position, 0);
    test_arena_free(&arena);
  }
}
END_TEST

int main(void) {
  Suite *suite = suite_create("keys");
  TCase *kat = test_case(suite, "kat"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom"), *cases[] = {law, error, oom};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    tcase_add_unchecked_fixture(cases[i], make_keys, NULL);
  tcase_add_test(kat, an_evaluation_key_begins_as_known);
  tcase_add_test(law, keys_have_the_shape_that_the_set_says);
  tcase_add_test(law, wiping_a_secret_key_leaves_zeros);
  tcase_add_test(law, planes_are_as_long_as_the_set_needs);
  tcase_add_test(law, the_same_seed_gives_the_same_bytes_on_any_number_of_threads);
  tcase_add_test(law, generation_wipes_its_scratch);
  tcase_add_test(law, an_expanded_key_does_not_depend_on_threads);
  tcase_add_test(bounds, key_bits_are_uniform_or_one_of_three_to_a_block);
  tcase_add_test(bounds, every_value_of_a_block_is_as_likely);
  tcase_add_test(error, a_damaged_key_is_refused_and_leaves_nothing);
  tcase_add_test(error, a_key_that_ends_early_is_truncated);
  tcase_add_test(error, what_does_not_fit_is_refused_before_memory_is_taken);
  tcase_add_test(oom, generation_and_reading_take_exactly_what_is_said);
  int failed = test_run(suite);
  test_keys_free(&keys);
  return failed;
}
