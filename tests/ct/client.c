/* Client code with its secrets marked undefined: under memcheck, any branch or address that
 * depends on one is an error.  Run by `make valgrind`, for several compilers and -O levels.
 *
 *     cc -O2 -I. tests/ct/client.c -lm -o client && valgrind --error-exitcode=99 ./client
 *
 * Key generation, encryption and decryption's phase are checked; what comes after the phase
 * (the score as an integer) is the result, not a secret of the key. */
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#include "ppml.h"

#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

#define SECRET(x) (void)VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x))
#define PUBLIC(x) (void)VALGRIND_MAKE_MEM_DEFINED(&(x), sizeof(x))

static unsigned char memory[4 << 20] PPML_ALIGNED;

static void hide(ppml_secret_key *key, ppml_rng *rng) {
  SECRET(key->glwe_bits);
  SECRET(key->lwe_bits);
  SECRET(rng->key);
  SECRET(rng->buffer);
}

/* Entropy that is secret too once keys are drawn, so that seeds are made of secrets as on any
 * machine.  Drawing a key rejects bytes, by design.
 *   context  an int: whether to hide */
static int fixed_entropy(void *context, void *bytes, size_t count) {
  memset(bytes, 5, count);
  if (*(const int *)context) (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, count);
  return 0;
}

static int make_keys(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  uint8_t mask_seed[PPML_SEED_BYTES], noise_seed[PPML_SEED_BYTES], row[4];
  static uint8_t wire[1 << 16];
  static uint32_t mask[PPML_KEY_BITS_MAX];
  ppmli_seeds seeds;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  memcpy(mask_seed, seeds.mask, sizeof mask_seed);
  memcpy(noise_seed, seeds.noise, sizeof noise_seed);
  uint64_t bit = ppmli_pbs_block_bit(p, key->lwe_bits, 1, 0);
  int error = ppmli_ggsw_encrypt(wire, p, bit, key->glwe_bits, mask_seed, noise_seed, 0, arena);
  ppmli_ksk_encrypt_row(row, p, 1, key->glwe_bits, key->lwe_bits, mask_seed, noise_seed, mask);
  return error;
}

/* A leveled set's first and last key switch. */
static int make_switches(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client.params;
  uint8_t mask_seed[PPML_SEED_BYTES], noise_seed[PPML_SEED_BYTES];
  static uint8_t wire[1 << 18];
  ppmli_long_key long_key;
  size_t mark = arena->used_bytes, last = ppmli_params_trace_steps(p);
  ppmli_seeds seeds;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  memcpy(mask_seed, seeds.mask, sizeof mask_seed);
  memcpy(noise_seed, seeds.noise, sizeof noise_seed);
  int error = ppmli_long_key_init(&long_key, p, key->glwe_bits, ppmli_backend_by_name(NULL), arena);
  for (size_t step = 0; !error && step <= last; step += last)
    error =
        ppmli_switch_make(wire, p, step, key->glwe_bits, &long_key, mask_seed, noise_seed, arena);
  arena->used_bytes = mark;
  return error;
}

static int use_key(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  uint8_t pixels[64];
  ppml_input input;
  static uint32_t lwe[PPML_KEY_BITS_MAX + 1];
  memset(pixels, 7, sizeof pixels);
  SECRET(pixels);
  int error = ppml_encrypt(&input, key, pixels, rng, arena);
  memset(lwe, 0, sizeof lwe);
  lwe[ppmli_params_long_dim(key->client.params)] = 5;
  uint32_t phase = ppmli_output_phase(lwe, key->client.params, key->glwe_bits);
  PUBLIC(phase);
  return error ? error : phase == 5 ? PPML_OK : PPML_ERR_ARG;
}

static int check_set(const char *name) {
  ppml_arena arena;
  ppml_rng rng;
  ppml_secret_key key;
  ppml_client client;
  int hidden = 0;
  memset(&client, 0, sizeof client);
  client.params = ppml_params_by_name(name);
  client.spec.width = client.spec.height = 8;
  client.spec.channels = client.spec.outputs = 1;
  client.spec.input_bits = 4;
  client.spec.classes = 2;
  client.score_unit = (uint64_t)1 << 39;
  int error = ppml_rng_init_callback(&rng, fixed_entropy, &hidden);
  if (!error) error = ppml_secret_key_generate(&key, &client, &rng);
  if (!error) error = ppml_arena_init(&arena, memory, sizeof memory);
  if (error) return error;
  hide(&key, &rng);
  hidden = 1;
  error = (client.params->slots ? make_switches : make_keys)(&key, &rng, &arena);
  if (!error) error = use_key(&key, &rng, &arena);
  ppml_secret_key_wipe(&key);
  return error;
}

int main(void) {
  const ppml_params *p;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++)
    if (check_set(p->name) != PPML_OK) return 1;
  puts("tests/ct/client.c: no branch or address depends on a secret");
  return 0;
}
