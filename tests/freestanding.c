/* freestanding.c - a client without an operating system: makes a key, encrypts, decrypts.
 *
 *     cc -std=c99 -ffreestanding -Os -ffunction-sections -fdata-sections -I. \
 *         -c tests/freestanding.c
 *     ld --gc-sections -e client_classify -u client_make_key -u client_encrypt freestanding.o
 *
 * The linker then names all that a client lacks: memcmp, memcpy and memset, with which alone
 * tests/build_matrix.sh links it. */
#define PPML_CLIENT_ONLY
#define PPML_ENTROPY board_entropy
#define PPML_IMPLEMENTATION
#include "ppml.h"

/* A board's random number generator, in place of this one, which is none. */
int board_entropy(void *bytes, size_t count) {
  unsigned char *out = (unsigned char *)bytes;
  while (count) out[--count] = 4;
  return 0;
}

enum { PIXELS = 28 * 28, MEMORY_BYTES = 100 << 10 };

static unsigned char memory[MEMORY_BYTES] PPML_ALIGNED;
static unsigned char bits[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED; /* the key's */

int client_make_key(ppml_secret_key *key, const ppml_client *client);
int client_encrypt(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
                   const uint8_t pixels[PIXELS]);
int client_classify(ppml_answer *answer, ppml_reader *reader, ppml_request *request,
                    const ppml_secret_key *key);

int client_make_key(ppml_secret_key *key, const ppml_client *client) {
  ppml_arena arena;
  ppml_rng rng;
  int error = ppml_arena_init(&arena, bits, sizeof bits);
  if (error == PPML_OK) error = ppml_rng_init(&rng);
  if (error) return error;
  error = ppml_secret_key_generate(key, client, &rng, &arena);
  ppml_rng_wipe(&rng);
  return error;
}

int client_encrypt(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
                   const uint8_t pixels[PIXELS]) {
  ppml_arena arena;
  ppml_rng rng;
  int error = ppml_arena_init(&arena, memory, sizeof memory);
  if (error == PPML_OK) error = ppml_rng_init(&rng);
  if (error) return error;
  error = ppml_encrypt_to(writer, request, key, pixels, &rng, &arena);
  ppml_rng_wipe(&rng);
  return error;
}

int client_classify(ppml_answer *answer, ppml_reader *reader, ppml_request *request,
                    const ppml_secret_key *key) {
  ppml_limits limits = ppml_limits_default();
  return ppml_decrypt_from(answer, reader, &limits, request, key);
}
