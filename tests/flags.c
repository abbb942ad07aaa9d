/* flags.c - are keys, ciphertexts and answers right, whatever options this was compiled with?
 *
 *     flags FOLDER [SET ...]
 *
 * FOLDER has, for each set, SET.circuit, SET.secret and SET.eval, made by a build that is right,
 * and SET.digest, which such a build writes here.  Each set's keys and ciphertexts must have that
 * digest, ciphertexts must decrypt by the sums below, which share no code with the library's
 * products, and pixels must not be what stands in a body.  Then each vector backend reads the key
 * and answers.  A line for each; exit status 0 if all is right, 3 if some was refused with
 * PPML_ERR_ARITHMETIC and nothing was wrong, 1 if something was wrong. */
#define PPML_IMPLEMENTATION
#define PPML_NO_TRAIN
#define PPML_API static inline
#include "../ppml.h"

#include <stdio.h>
#include <stdlib.h>

enum { PIXELS_MAX = 4096, OUTPUTS_MAX = 64, LOOKED_AT = 24 };

static int refused, wrong;
static uint8_t pixels[PIXELS_MAX];

static void *memory(size_t bytes) {
  void *block = NULL;
  if (posix_memalign(&block, PPML_ALIGNMENT, bytes ? bytes : 1) != 0) exit(1);
  return block;
}

static ppml_arena arena_of(size_t bytes) {
  ppml_arena arena;
  if (ppml_arena_init(&arena, memory(bytes), bytes) != PPML_OK) exit(1);
  return arena;
}

static void say(const char *set, const char *what, int error, int is_right) {
  const char *verdict = error == PPML_ERR_ARITHMETIC ? "refused" : error ? "ERROR" : "right";
  if (!error && !is_right) verdict = "WRONG";
  if (error == PPML_ERR_ARITHMETIC) refused = 1;
  else if (error || !is_right) wrong = 1;
  printf("%s, %s: %s%s%s\n", set, what, verdict, error ? ": " : "",
         error ? ppml_strerror(error) : "");
}

/* ------------------------------------------------------------------ files */

static uint8_t *slurp(size_t *bytes, const char *folder, const char *set, const char *suffix) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s.%s", folder, set, suffix);
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  fseek(file, 0, SEEK_END);
  *bytes = (size_t)ftell(file);
  rewind(file);
  uint8_t *block = (uint8_t *)memory(*bytes);
  if (fread(block, 1, *bytes, file) != *bytes) exit(1);
  fclose(file);
  return block;
}

typedef struct material {
  ppml_circuit circuit;
  ppml_client client;
  ppml_secret_key secret; /* refers to it */
  ppml_arena arena;
  uint8_t *eval;
  size_t eval_bytes;
} material;

static int load(material *m, const char *folder, const char *set) {
  ppml_limits limits = ppml_limits_default();
  size_t bytes;
  uint8_t *file = slurp(&bytes, folder, set, "circuit");
  ppml_reader reader = ppml_reader_from_memory(file, bytes);
  m->arena = arena_of(8 << 20);
  PPMLI_TRY(ppml_circuit_read(&m->circuit, &reader, &limits, &m->arena));
  free(file);
  file = slurp(&bytes, folder, set, "secret");
  reader = ppml_reader_from_memory(file, bytes);
  PPMLI_TRY(ppml_keyring_read(&m->secret, &m->client, &reader, &limits, &m->arena));
  free(file);
  m->eval = slurp(&m->eval_bytes, folder, set, "eval");
  return m->eval == NULL ? PPML_ERR_IO : PPML_OK;
}

/* ------------------------------------------------------- exact decryption */

/* Coefficient i of the key, of a mask's polynomial `from` on. */
static int key_coefficient(const ppml_secret_key *key, size_t i) {
  const ppml_params *p = key->client->params;
  size_t sign = p->poly_size + i;
  int plus = key->glwe_bits[i / 8] >> (i % 8) & 1;
  int minus = p->slots ? key->glwe_bits[sign / 8] >> (sign % 8) & 1 : 0;
  return plus - minus;
}

/* A number modulo 2^80. */
typedef struct word80 {
  uint64_t top, tail; /* 2^16 top + tail, tail below 2^16 */
} word80;

static word80 add80(word80 a, word80 b, int sign) {
  if (sign < 0) {
    b.top = ~b.top, b.tail = 0x10000 - b.tail;
    b.top += b.tail >> 16, b.tail &= 0xffff;
  }
  a.tail += b.tail, a.top += b.top + (a.tail >> 16), a.tail &= 0xffff;
  return a;
}

/* Body less mask times key, at coefficient `at` of a block. */
static word80 phase_at(const ppml_input *input, const ppml_secret_key *key, const uint64_t *mask,
                       uint32_t block, uint32_t at) {
  const ppml_params *p = input->params;
  uint32_t N = p->poly_size;
  word80 phase = {input->body[(size_t)block * N + at], 0};
  if (p->slots) phase.tail = (uint64_t)input->tail[(size_t)block * N + at] << 8;
  for (size_t i = 0; i < (size_t)p->glwe_dim * N; i++) {
    uint32_t j = (uint32_t)(i % N), from = (at + N - j) % N; /* X^j X^from */
    int sign = key_coefficient(key, i) * (j <= at ? -1 : 1);
    word80 a = {mask[i / N * N + from], 0};
    if (p->slots) a.tail = mask[N + from / 4] >> (16 * (from % 4)) & 0xffff;
    if (sign) phase = add80(phase, a, sign);
  }
  return phase;
}

/* |phase - message| of coefficients of every block, within what noise and rounding leave. */
static int decrypts(const ppml_input *input, const ppml_secret_key *key) {
  const ppml_params *p = input->params;
  size_t words = p->slots ? p->poly_size + p->poly_size / 4 : (size_t)p->glwe_dim * p->poly_size;
  uint64_t *mask = (uint64_t *)memory(words * sizeof *mask);
  uint64_t *message = (uint64_t *)memory(p->poly_size * sizeof *message);
  int right = 1;
  for (uint32_t b = 0; b < input->blocks; b++) {
    ppmli_stream stream;
    ppmli_stream_init(&stream, input->seed, PPMLI_STREAM_INPUT_MASK, b);
    ppmli_stream_u64(&stream, mask, words);
    ppmli_client_pixels(message, key->client, pixels, b);
    for (uint32_t i = 0; i < LOOKED_AT; i++) {
      uint32_t at = i * 173 % p->poly_size;
      word80 phase = phase_at(input, key, mask, b, at), sent = {message[at], 0};
      word80 error = add80(phase, sent, -1);
      uint64_t units = p->slots ? error.top << 16 | error.tail : error.top; /* small: so enough */
      uint64_t most = p->slots ? p->glwe_noise_bound + 128
                               : p->glwe_noise_bound + ((uint64_t)1 << (63 - p->input_wire_bits));
      right &= units + most <= 2 * most && error.top + most <= 2 * most;
    }
  }
  free(mask), free(message);
  return right;
}

/* Hardly any pixel may be what a body says it is. */
static int hides(const ppml_input *input, const ppml_secret_key *key) {
  const ppml_params *p = input->params;
  uint64_t *message = (uint64_t *)memory(p->poly_size * sizeof *message);
  size_t same = 0, count = ppmli_spec_inputs(&key->client->spec), values = ppmli_params_block(p);
  uint64_t unit = ppmli_client_input_unit(key->client);
  for (size_t i = 0; i < count; i++) {
    ppmli_client_pixels(message, key->client, pixels, i / values);
    uint64_t body = input->body[i / values * p->poly_size + i % values];
    uint64_t apart = body - message[i % values] + unit / 2;
    same += apart < unit;
  }
  free(message);
  return same <= count / 4 + 2;
}

/* ----------------------------------------------------------------- client */

/* What a client makes, by a generator that is no secret: the same on every machine. */
static int make(uint8_t *digest, const material *m, int *is_right) {
  const ppml_params *p = m->circuit.params;
  ppml_rng rng;
  ppml_input input;
  ppml_request request;
  ppmli_digest sum;
  ppml_rng_init_for_tests(&rng, 7);
  ppml_arena arena = arena_of(ppml_encrypt_bytes(p, &m->secret.client->spec));
  PPMLI_TRY(ppml_encrypt(&input, &request, &m->secret, pixels, &rng, &arena));
  *is_right = decrypts(&input, &m->secret) && hides(&input, &m->secret);
  ppmli_digest_init(&sum);
  for (size_t i = 0; i < (size_t)input.blocks * p->poly_size; i++) {
    uint8_t word[9] = {0};
    ppmli_store64(word, input.body[i]);
    if (p->slots) word[8] = input.tail[i];
    ppmli_digest_update(&sum, word, sizeof word);
  }
  free(arena.memory);
  if (p->slots) { /* of the others a key takes long, and is made by additions of whole words */
    size_t bytes = ppml_eval_key_wire_bytes(p);
    uint8_t *wire = (uint8_t *)memory(bytes);
    ppml_writer writer = ppml_writer_to_memory(wire, bytes);
    arena = arena_of(ppml_eval_key_generate_bytes(p, 1));
    PPMLI_TRY(ppml_eval_key_generate(&writer, &m->secret, &rng, NULL, NULL, &arena));
    ppmli_digest_update(&sum, wire, bytes);
    free(arena.memory), free(wire);
  } else {
    uint8_t *wire = (uint8_t *)memory(ppmli_ggsw_wire_bytes(p));
    ppmli_seeds seeds;
    ppmli_glwe_key key;
    memcpy(seeds.mask, input.seed, sizeof seeds.mask);
    memcpy(seeds.noise, rng.key, sizeof seeds.noise);
    arena = arena_of(ppmli_glwe_key_bytes(p) + ppmli_ggsw_encrypt_scratch(p));
    PPMLI_TRY(ppmli_glwe_key_init(&key, p, m->secret.glwe_bits, &arena));
    PPMLI_TRY(ppmli_ggsw_encrypt(wire, p, 1, &key, &seeds, 0, &arena));
    ppmli_digest_update(&sum, wire, ppmli_ggsw_wire_bytes(p));
    free(arena.memory), free(wire);
  }
  ppmli_digest_final(&sum, digest);
  return PPML_OK;
}

static void check_client(const material *m, const char *folder, const char *set) {
  uint8_t digest[PPML_ID_BYTES];
  char path[512];
  size_t bytes;
  int is_right = 0, error = make(digest, m, &is_right);
  uint8_t *known = slurp(&bytes, folder, set, "digest");
  if (known == NULL) { /* this is the build that is right */
    snprintf(path, sizeof path, "%s/%s.digest", folder, set);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(digest, 1, sizeof digest, file) != sizeof digest) exit(1);
    fclose(file);
  } else is_right = is_right && bytes == sizeof digest && memcmp(known, digest, bytes) == 0;
  free(known);
  say(set, "client", error, is_right);
}

/* ----------------------------------------------------------------- server */

static int answer(int32_t *scores, const material *m, const char *backend) {
  const ppml_params *p = m->circuit.params;
  ppml_eval_key key;
  ppml_limits limits = ppml_limits_default();
  ppml_input input;
  ppml_request request;
  ppml_output output;
  ppml_rng rng;
  ppml_reader reader = ppml_reader_from_memory(m->eval, m->eval_bytes);
  ppml_arena arena =
      arena_of(ppml_eval_key_read_bytes(p, 1) + ppml_encrypt_bytes(p, &m->secret.client->spec) +
               ppml_infer_bytes(&m->circuit, 1, 1));
  ppml_rng_init_for_tests(&rng, 8);
  int error = ppml_eval_key_read(&key, &reader, &limits, &m->circuit, backend, NULL, &arena);
  if (!error) error = ppml_encrypt(&input, &request, &m->secret, pixels, &rng, &arena);
  if (!error) error = ppml_infer(&output, &m->circuit, &input, 1, &key, NULL, &arena);
  if (!error) error = ppml_decrypt_scores_for_owner(scores, &output, 0, &request, &m->secret);
  free(arena.memory);
  return error;
}

static void check_server(const material *m, const char *set, const char *backend) {
  const ppml_model *model = &m->circuit.model;
  int32_t clear[OUTPUTS_MAX], scores[OUTPUTS_MAX];
  ppml_noise noise;
  ppml_arena arena = arena_of(ppml_model_predict_bytes(model));
  int error = ppml_model_predict(clear, model, pixels, &arena), right = 1;
  free(arena.memory);
  ppml_circuit_noise(&noise, &m->circuit);
  if (!error) error = answer(scores, m, backend);
  for (uint32_t o = 0; !error && o < model->spec.outputs; o++) {
    double most = m->circuit.params->kind == PPML_SET_EXACT ? 0 : 7 * noise.score + 1;
    double apart = (double)scores[o] - clear[o];
    right &= apart <= most && apart >= -most;
  }
  say(set, backend, error, right);
}

int main(int argc, char **argv) {
  for (int i = 0; i < PIXELS_MAX; i++) pixels[i] = (uint8_t)((uint32_t)i * 2654435761u >> 13);
  for (int a = 2; a < argc; a++) {
    material m;
    const char *backend;
    int error = load(&m, argv[1], argv[a]);
    if (error) {
      say(argv[a], "files", error, 0);
      continue;
    }
    check_client(&m, argv[1], argv[a]);
    for (size_t b = 0; (backend = ppml_backend_name(b)) != NULL; b++)
      check_server(&m, argv[a], backend);
    free(m.eval), free(m.arena.memory);
  }
  return wrong ? 1 : refused ? 3 : 0;
}
