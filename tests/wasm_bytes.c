/* wasm_bytes.c - what the client of examples/wasm makes of a known seed, made on this machine by other calls of
 * the library: the whole key at once, the image in memory first.
 *
 *     wasm_bytes SEED CLIENT.ppml IMAGE SK EK IN.ct
 *
 * A set without an evaluation key leaves EK alone. */
#define PPML_CLIENT_ONLY
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include <stdio.h>
#include <stdlib.h>

static size_t read_file(void *self, void *bytes, size_t count) {
  return fread(bytes, 1, count, self);
}
static size_t reader_read(ppml_reader *self, void *bytes, size_t count) {
  return read_file(self->context, bytes, count);
}
static int writer_write(ppml_writer *self, const void *bytes, size_t count) {
  return fwrite(bytes, 1, count, self->context) != count;
}

static void check(int error, const char *what) {
  if (error == PPML_OK) return;
  fprintf(stderr, "wasm_bytes: %s: %s\n", what, ppml_strerror(error));
  exit(1);
}

static FILE *file(const char *path, const char *mode) {
  FILE *f = fopen(path, mode);
  check(f ? PPML_OK : PPML_ERR_IO, path);
  return f;
}

static ppml_writer writer(const char *path) {
  ppml_writer w = {writer_write, file(path, "wb"), 0, 0};
  return w;
}

static ppml_arena arena(size_t bytes) {
  ppml_arena a;
  bytes += PPML_ALIGNMENT - bytes % PPML_ALIGNMENT;
  check(ppml_arena_init(&a, aligned_alloc(PPML_ALIGNMENT, bytes), bytes), "memory");
  return a;
}

static ppml_client client;
static ppml_secret_key secret;
static unsigned char bits[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED;
static ppml_rng rng;

static void make_key(const char *path) {
  ppml_arena a = arena(ppml_eval_key_generate_bytes(client.params, 1));
  ppml_writer w = writer(path);
  check(ppml_eval_key_generate(&w, &secret, &rng, NULL, NULL, &a), path);
  fclose(w.context);
}

static void make_image(const char *from, const char *path) {
  ppml_arena a = arena(ppml_encrypt_bytes(client.params, &client.spec));
  size_t count = ppml_spec_image_bytes(&client.spec);
  uint8_t *pixels = malloc(count);
  FILE *f = file(from, "rb");
  ppml_input input;
  ppml_request request;
  check(pixels && read_file(f, pixels, count) == count ? PPML_OK : PPML_ERR_IO, from);
  check(ppml_encrypt(&input, &request, &secret, pixels, &rng, &a), path);
  ppml_writer w = writer(path);
  check(ppml_input_write(&input, &w), path);
  fclose(w.context);
}

int main(int argc, char **argv) {
  const ppml_limits limits = ppml_limits_default();
  if (argc != 7) return 64;
  ppml_reader r = {reader_read, NULL, file(argv[2], "rb"), 0, 0, 0};
  check(ppml_client_read(&client, &r, &limits), argv[2]);
  ppml_rng_init_for_tests(&rng, strtoull(argv[1], NULL, 10));
  ppml_arena own;
  check(ppml_arena_init(&own, bits, sizeof bits), argv[4]);
  check(ppml_secret_key_generate(&secret, &client, &rng, &own), argv[4]);
  ppml_writer w = writer(argv[4]);
  check(ppml_keyring_write(&secret, &w), argv[4]);
  fclose(w.context);
  if (ppml_eval_key_wire_bytes(client.params)) make_key(argv[5]);
  make_image(argv[3], argv[6]);
  return 0;
}
