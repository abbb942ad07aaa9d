/* client.c - the client in a page: keys, encryption and decryption, called by ppml.mjs.  Built by clang for
 * WebAssembly without a C library; memory.c has the three functions that compilers call.
 *
 * Bytes go both ways through memory behind the program's own, which ppml.mjs wipes after each call:
 *
 *     | what JavaScript puts in: room() | the library's arena | what comes out: output() |
 *
 * Functions that can fail return 0 or one of the library's errors.  One secret key an instance.
 *
 *   -DPPML_NO_LEVELED  sets with a bootstrap alone: a smaller program
 *   -DWASM_SEED=N   numbers from a known seed, for a test of bytes alone: protects nothing */
#include <stddef.h>

/* JavaScript's one function: entropy from the browser; nonzero where there is none.  Declared before
 * ppml.h, which does not know where it comes from. */
__attribute__((import_module("ppml"), import_name("entropy"))) int page_entropy(void *bytes,
                                                                                size_t count);

#define PPML_CLIENT_ONLY
#define PPML_BACKEND_ONLY PPML_BACKEND_REF
#define PPML_ENTROPY page_entropy
#define PPML_API static
#define PPML_IMPLEMENTATION
#include "ppml.h"

#define EXPORT(name) __attribute__((export_name(#name)))
#define PAGE_BYTES ((size_t)65536)
#define KEY_PIECES 16 /* of an evaluation key at a time: rows, or groups of them */

extern unsigned char __heap_base[]; /* the linker's: where memory is free */

static ppml_client client;
static ppml_secret_key secret;                                     /* refers to it */
static unsigned char bits[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED; /* of the key */
static ppml_rng rng;
static ppml_eval_key_run run;
static ppml_request request;
static ppml_answer answer;
static size_t given_bytes; /* that JavaScript puts in */
static unsigned char *out; /* what came out, up to out_bytes */
static size_t out_bytes;

/* ------------------------------------------------------------------ memory */

/* Makes memory reach up to end.  Returns 0 where there is none left. */
static int reach(const unsigned char *end) {
  size_t pages = (size_t)end / PAGE_BYTES + 1, have = __builtin_wasm_memory_size(0);
  return (size_t)end >= (size_t)__heap_base &&
         (pages <= have || __builtin_wasm_memory_grow(0, pages - have) != (size_t)-1);
}

static unsigned char *aligned(unsigned char *at) {
  return at + (0 - (size_t)at) % PPML_ALIGNMENT;
}

/* Where JavaScript puts so many bytes; NULL where there is no memory. */
EXPORT(room) unsigned char *room(size_t bytes) {
  given_bytes = out_bytes = 0;
  out = NULL;
  if (!reach(__heap_base + bytes)) return NULL;
  given_bytes = bytes;
  return __heap_base;
}

static int put(ppml_writer *self, const void *bytes, size_t count) {
  (void)self;
  if (!reach(out + out_bytes + count)) return 1;
  memcpy(out + out_bytes, bytes, count);
  out_bytes += count;
  return 0;
}

/* What JavaScript put in, to be read, within limits. */
static ppml_limits limits;

static ppml_reader given(void) {
  limits = ppml_limits_default();
  return ppml_reader_from_memory(__heap_base, given_bytes);
}

static ppml_writer writer; /* of what comes out */

/* An arena behind what was put in, and behind it the way out. */
static int begin(ppml_arena *arena, size_t bytes) {
  unsigned char *memory = aligned(__heap_base + given_bytes);
  out = memory + bytes;
  out_bytes = 0;
  writer.write = put;
  return reach(out) ? ppml_arena_init(arena, memory, bytes) : PPML_ERR_NOMEM;
}

EXPORT(output) const unsigned char *output(void) {
  return out;
}
EXPORT(made) size_t made(void) {
  return out_bytes;
}

/* ------------------------------------------------------------------- facts */

/* What ppml.mjs asks for by number, in its order, once there is a secret key. */
enum {
  FACT_SET,
  FACT_WIDTH,
  FACT_HEIGHT,
  FACT_CHANNELS,
  FACT_CLASSES,
  FACT_TASK,
  FACT_ENCODER,
  FACT_IMAGE_BYTES,
  FACT_ENCRYPTED_BYTES,
  FACT_KEY_BYTES,
  FACT_RENEW_AFTER,
  FACT_LABEL,
  FACT_PERCENT,
  FACT_UNSEEN,
  FACT_DECIDES
};

EXPORT(fact) size_t fact(uint32_t which) {
  const ppml_client *c = &client;
  const ppml_spec *s = &c->spec;
  switch (which) {
  case FACT_SET:
    return (size_t)c->params->name;
  case FACT_WIDTH:
    return s->width;
  case FACT_HEIGHT:
    return s->height;
  case FACT_CHANNELS:
    return s->channels;
  case FACT_CLASSES:
    return s->classes;
  case FACT_TASK:
    return s->task;
  case FACT_ENCODER:
    return s->encoder.kind;
  case FACT_IMAGE_BYTES:
    return ppml_spec_image_bytes(s);
  case FACT_ENCRYPTED_BYTES:
    return ppml_input_wire_bytes(c->params, s);
  case FACT_KEY_BYTES:
    return ppml_eval_key_wire_bytes(c->params);
  case FACT_RENEW_AFTER:
    return c->renew_after;
  case FACT_LABEL:
    return (size_t)answer.label;
  case FACT_PERCENT:
    return (size_t)answer.percent;
  case FACT_UNSEEN:
    return answer.unseen;
  case FACT_DECIDES:
    return s->decides;
  default:
    return 0;
  }
}

EXPORT(name) const char *name(uint32_t which) {
  return client.spec.class_name[which]; /* below FACT_CLASSES */
}

/* -------------------------------------------------------------------- keys */

static int start_numbers(void) {
#ifdef WASM_SEED
  if (rng.ready == 0) ppml_rng_init_for_tests(&rng, WASM_SEED);
  return PPML_OK;
#else
  return ppml_rng_init(&rng);
#endif
}

/* Reads a client spec, which was put in, and draws a secret key for it. */
EXPORT(secret_make) int secret_make(void) {
  ppml_arena own;
  ppml_reader reader = given();
  int error = ppml_client_read(&client, &reader, &limits);
  if (error == PPML_OK) error = start_numbers();
  if (error == PPML_OK) error = ppml_arena_init(&own, bits, sizeof bits);
  if (error == PPML_OK) error = ppml_secret_key_generate(&secret, &client, &rng, &own);
  return error;
}

/* Reads a secret key with its client spec, which was put in. */
EXPORT(secret_read) int secret_read(void) {
  ppml_arena own;
  ppml_reader reader = given();
  int error = ppml_arena_init(&own, bits, sizeof bits);
  if (error == PPML_OK) error = ppml_keyring_read(&secret, &client, &reader, &limits, &own);
  return error ? error : start_numbers();
}

EXPORT(secret_write) int secret_write(void) {
  ppml_arena none;
  int error = begin(&none, 0);
  return error ? error : ppml_keyring_write(&secret, &writer);
}

/* Begins an evaluation key. */
EXPORT(key_begin) int key_begin(void) {
  return ppml_eval_key_run_begin(&run, &secret, &rng);
}

/* What it takes to go on later: two seeds, as secret as the key, and the key's id. */
#define SAVED_AT offsetof(ppml_eval_key_run, mask_seed)
#define SAVED_BYTES (offsetof(ppml_eval_key_run, digest) - SAVED_AT)

EXPORT(key_save) int key_save(void) {
  ppml_arena none;
  int error = run.params ? begin(&none, 0) : PPML_ERR_ARG;
  if (error) return error;
  return put(&writer, (unsigned char *)&run + SAVED_AT, SAVED_BYTES) ? PPML_ERR_NOMEM : PPML_OK;
}

/* Goes on with what was saved, which was put in. */
EXPORT(key_resume) int key_resume(void) {
  const unsigned char *id = __heap_base + SAVED_BYTES - PPML_ID_BYTES;
  if (given_bytes != SAVED_BYTES) return PPML_ERR_TRUNCATED;
  if (memcmp(id, secret.id, PPML_ID_BYTES) != 0) return PPML_ERR_MISMATCH;
  int error = key_begin();
  if (error == PPML_OK) memcpy((unsigned char *)&run + SAVED_AT, __heap_base, SAVED_BYTES);
  return error;
}

/* Goes to a byte of its file. */
EXPORT(key_seek) int key_seek(size_t byte) {
  return ppml_eval_key_run_seek(&run, byte);
}

/* Makes so many bytes of it, or some more; none where it is whole. */
EXPORT(key_make) int key_make(size_t bytes) {
  ppml_arena arena;
  int error = begin(&arena, ppml_eval_key_run_make_bytes(client.params));
  while (error == PPML_OK && run.next < run.pieces && out_bytes < bytes)
    error = ppml_eval_key_run_make(&writer, &run, &secret, KEY_PIECES, &arena);
  return error;
}

/* --------------------------------------------------------- images, answers */

/* Encrypts the image that was put in; digest() then names its request. */
EXPORT(encrypt) int encrypt(void) {
  const ppml_client *c = &client;
  ppml_arena arena;
  if (client.params == NULL || given_bytes != ppml_spec_image_bytes(&c->spec)) return PPML_ERR_ARG;
  int error = begin(&arena, ppml_encrypt_to_bytes(c->params, &c->spec));
  if (error == PPML_OK)
    error = ppml_encrypt_to(&writer, &request, &secret, __heap_base, &rng, &arena);
  return error;
}

/* The digest of the request that was made last, or that is to be answered. */
EXPORT(digest) unsigned char *digest(void) {
  return request.digest;
}

/* Opens the answer to that request, which was put in.
 *   open  1 if no answer to it was given before */
EXPORT(decrypt) int decrypt(uint32_t open) {
  ppml_reader reader = given();
  request.open = open;
  return ppml_decrypt_from(&answer, &reader, &limits, &request, &secret);
}
