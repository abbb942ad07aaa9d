/* Client code with its secrets marked undefined: under memcheck, any branch or address that
 * depends on one is an error.  Run by `make valgrind`, for several compilers and -O levels.
 *
 *     cc -O2 -I. tests/ct/client.c -lm -o client && valgrind --error-exitcode=99 ./client
 *
 * Drawing keys of all kinds, evaluation keys, encryption and decryption's phase are checked; what
 * comes after the phase (the score as an integer) is the result, not a secret of the key. */
#include <stdint.h>
#include <valgrind/memcheck.h>

/* What the library says may be known: the condition itself, not what it was made of. */
static int ct_public(int condition) {
  (void)VALGRIND_MAKE_MEM_DEFINED(&condition, sizeof condition);
  return condition;
}

#define PPMLI_PUBLIC(condition) ct_public(condition)
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#include "ppml.h"

#include "ppml_impl/cipher/bridge_make.h"
#include "ppml_impl/network/encoder.h"
#include "ppml_impl/client/pooled_encode.h"

#include <stdio.h>
#include <stdlib.h>

#define SECRET(x) (void)VALGRIND_MAKE_MEM_UNDEFINED(&(x), sizeof(x))
#define PUBLIC(x) (void)VALGRIND_MAKE_MEM_DEFINED(&(x), sizeof(x))

enum { KEY_BITS_MAX = 8192 };

static unsigned char memory[4 << 20] PPML_ALIGNED;
static unsigned char planes[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED;

/* Draws a key from a generator whose state is secret, so that the key is, to its last bit. */
static int draw_key(ppml_secret_key *key, const ppml_client *client) {
  ppml_arena arena;
  ppml_rng rng;
  int error = ppml_arena_init(&arena, planes, sizeof planes);
  if (error) return error;
  ppml_rng_init_for_tests(&rng, 1);
  SECRET(rng.key);
  SECRET(rng.buffer);
  error = ppml_secret_key_generate(key, client, &rng, &arena);
  PUBLIC(key->id);
  return error;
}

/* Is every byte of the key as secret as the generator: was nothing cut from the check's view? */
static int is_secret(const void *bytes, size_t count) {
  static uint8_t known[KEY_BITS_MAX];
  if (!RUNNING_ON_VALGRIND) return 1;
  (void)VALGRIND_GET_VBITS(bytes, known, count);
  (void)VALGRIND_MAKE_MEM_DEFINED(known, sizeof known);
  for (size_t i = 0; i < count; i++)
    if (known[i] == 0) return 0;
  return 1;
}

static int key_is_secret(const ppml_secret_key *key) {
  const ppml_params *p = key->client->params;
  size_t bits = p->slots ? 2 * (size_t)p->poly_size : ppmli_params_long_dim(p);
  return is_secret(key->glwe_bits, bits / 8) && is_secret(key->lwe_bits, p->lwe_dim / 8);
}

/* Entropy that is secret too once the generator is set up, so that seeds are made of secrets as on any
 * machine.
 *   context  an int: whether to hide */
static int fixed_entropy(void *context, void *bytes, size_t count) {
  memset(bytes, 5, count);
  if (*(const int *)context) (void)VALGRIND_MAKE_MEM_UNDEFINED(bytes, count);
  return 0;
}

static int make_keys(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  static uint8_t wire[1 << 16];
  ppmli_seeds seeds;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  uint64_t bit = ppmli_pbs_block_bit(p, key->lwe_bits, 1, 0);
  ppmli_glwe_key products; /* additions, of a build with PPML_NO_TRANSFORM */
  size_t mark = arena->used_bytes;
  int error = ppmli_glwe_key_init(&products, p, key->glwe_bits, arena);
  if (!error) error = ppmli_ggsw_encrypt(wire, p, bit, &products, &seeds, 0, arena);
  arena->used_bytes = mark;
  (void)ppmli_ksk_encrypt_row(p, 1, key->glwe_bits, key->lwe_bits, &seeds);
  return error;
}

/* A leveled set's first and last key switch: of a trace, then of s^2 or the reversal. */
static int make_switches(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  static uint8_t wire[1 << 18];
  ppmli_long_key long_key;
  size_t mark = arena->used_bytes, last = ppmli_params_steps(p) - 1;
  ppmli_seeds seeds;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  int error = ppmli_long_key_init(&long_key, p, key->glwe_bits, arena);
  for (size_t step = 0; !error && step <= last; step += last)
    error = ppmli_switch_make(wire, p, step, key->glwe_bits, &long_key, &seeds, arena);
  arena->used_bytes = mark;
  return error;
}

/* Where there is a bridge: the first switch of the latents, and the bridge's last row. */
static int make_lead(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  static uint8_t wire[1 << 18];
  size_t mark = arena->used_bytes, last = ppmli_key_lead_items(key->client->params) - 1;
  ppmli_open_key open;
  ppmli_seeds seeds;
  ppmli_seeds_draw(&seeds, PPMLI_SEEDS_EVAL_KEY, key, NULL, 0, rng);
  int error = ppmli_open_maker_init(&open, key, arena);
  for (size_t item = 0; !error && item <= last; item += last)
    error = ppmli_client_make_lead(wire, &open, item, &seeds, arena);
  ppmli_open_key_close(&open);
  arena->used_bytes = mark;
  return error;
}

/* The evaluation key's parts, as many as the set has. */
static int make_parts(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  const ppml_params *p = key->client->params;
  int error = PPML_OK;
  if (ppmli_params_has_bridge(p)) error = make_lead(key, rng, arena);
  if (!error && p->slots) error = make_switches(key, rng, arena);
  if (!error && p->lwe_dim) error = make_keys(key, rng, arena);
  return error;
}

/* From the phase to the steps that an answer is made of, with a flood in between. */
static void use_phase(uint32_t phase, const ppml_client *client) {
  ppml_client contest = *client;
  ppmli_answer_steps steps;
  ppmli_stream noise;
  uint8_t seed[PPML_SEED_BYTES] = {1};
  int32_t scores[2];
  SECRET(seed);
  ppmli_stream_init(&noise, seed, PPMLI_STREAM_FLOOD, 0);
  scores[0] = ppmli_output_score(phase, client);
  scores[1] = ppmli_flood_score(phase, client, ppmli_flood_draw(&noise, 12345));
  ppmli_answer_find_steps(&steps, client, scores);
  contest.spec.outputs = 2;
  ppmli_answer_find_steps(&steps, &contest, scores);
}

/* The phase of a ciphertext that is read as it comes in. */
static uint32_t read_phase(const ppml_secret_key *key) {
  static const uint8_t bytes[4 * (KEY_BITS_MAX + 1)] = {5};
  const ppml_params *p = key->client->params;
  ppml_reader reader = ppml_reader_from_memory(bytes, sizeof bytes);
  ppmli_in in = {&reader, {{0}, 0, {0}, 0}, sizeof bytes, PPML_OK};
  ppmli_digest_init(&in.digest);
  return ppmli_output_phase_next(&in, p, key->glwe_bits);
}

static int use_key(const ppml_secret_key *key, ppml_rng *rng, ppml_arena *arena) {
  uint8_t pixels[64];
  ppml_input input;
  ppml_request request;
  static uint32_t lwe[KEY_BITS_MAX + 1];
  memset(pixels, 7, sizeof pixels);
  SECRET(pixels);
  static uint8_t file[1 << 20];
  ppml_writer writer = ppml_writer_to_memory(file, sizeof file);
  int error = ppml_encrypt(&input, &request, key, pixels, rng, arena);
  if (error == PPML_OK) error = ppml_encrypt_to(&writer, &request, key, pixels, rng, arena);
  memset(lwe, 0, sizeof lwe);
  lwe[ppmli_params_long_dim(key->client->params)] = 5;
  uint32_t phase = ppmli_output_phase(lwe, key->client->params, key->glwe_bits);
  uint32_t copy = phase;
  PUBLIC(copy);
  use_phase(phase, key->client);
  use_phase(read_phase(key), key->client);
  return error ? error : copy == 5 ? PPML_OK : PPML_ERR_ARG;
}

/* An encoder of patches, for the sets that take latents. */
static void set_encoder(ppml_spec *spec) {
  ppml_encoder *e = &spec->encoder;
  e->kind = PPML_ENCODER_PATCHES;
  e->patch = e->channels = e->regions = e->reach = 2;
  e->standardise = 1;
  for (int i = 0; i < 8; i++) e->weight[i] = (int8_t)(i * i - 20);
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
  client.score_unit = (uint64_t)1 << 50;
  if (client.params->kind == PPML_SET_POOLED || client.params->kind == PPML_SET_BRIDGED ||
      client.params->kind == PPML_SET_COMPACT)
    set_encoder(&client.spec);
  int error = draw_key(&key, &client);
  if (!error && !key_is_secret(&key)) error = PPML_ERR_ARG;
  if (!error) error = ppml_rng_init_callback(&rng, fixed_entropy, &hidden);
  if (!error) error = ppml_arena_init(&arena, memory, sizeof memory);
  if (error) return error;
  SECRET(rng.key);
  SECRET(rng.buffer);
  hidden = 1;
  error = make_parts(&key, &rng, &arena);
  if (!error) error = use_key(&key, &rng, &arena);
  ppml_secret_key_wipe(&key);
  return error;
}

/* Latents of a secret picture and of secret numbers, and where they stand in a message. */
static int make_latents(uint32_t standardise) {
  static uint8_t pixels[256];
  static const int8_t weight[32] = {1, -3, 40, 127, -127, 9};
  static const int32_t center[2] = {50, 70}, spread[2] = {900, 800};
  static uint64_t message[4096];
  int8_t latents[32];
  ppml_arena arena;
  ppmli_encoder e = {PPML_ENCODER_PATCHES, 16, 16, 1, 4,      2,      5,
                     standardise,          2,  2,  0, weight, center, spread};
  ppmli_latent_shape shape = {4, 4, 2, 2, 2};
  ppmli_pooled_layout layout;
  ppmli_pooled_lay_out(&layout, &shape);
  layout.modulus_log2 = 20;
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)(i * i);
  SECRET(pixels);
  int error = ppml_arena_init(&arena, memory, sizeof memory);
  if (!error) error = ppmli_encode(latents, NULL, &e, pixels, &arena);
  ppmli_pooled_place(message, latents, &shape, &layout, 4096);
  uint32_t word = 0x40490fdb;
  SECRET(word);
  int32_t number = ppmli_encoder_fix(word, 9, 20);
  PUBLIC(number);
  return error ? error : number == 1608 ? PPML_OK : PPML_ERR_ARG;
}

/* A row of a bridge's key, of two secret keys. */
static int make_bridge(void) {
  static uint8_t latents[KEY_BITS_MAX / 8], bits[KEY_BITS_MAX / 8], wire[1 << 14];
  ppmli_seeds seeds = {{1}, {2}};
  ppmli_bridge b = {ppml_params_by_name("leveled-16"), ppml_params_by_name("fast")};
  ppml_arena arena;
  SECRET(latents);
  SECRET(bits);
  SECRET(seeds.noise);
  int error = ppml_arena_init(&arena, memory, sizeof memory);
  return error ? error : ppmli_bridge_make_row(wire, &b, 1, latents, bits, &seeds, &arena);
}

int main(void) {
  const ppml_params *p;
  if (make_latents(0) != PPML_OK || make_latents(1) != PPML_OK || make_bridge() != PPML_OK)
    return 1;
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++)
    if (check_set(p->name) != PPML_OK) return 1;
  puts("tests/ct/client.c: no branch or address depends on a secret");
  return 0;
}
