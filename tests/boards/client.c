/* client.c - a program with a module or component of ppml: makes a key and encrypts a picture, by the
 * generator that the module brings. */
#include <ppml.h>
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "image.h"

static unsigned char memory[CLIENT_ENCRYPT_TO_BYTES] PPML_ALIGNED;
static unsigned char file[CLIENT_INPUT_WIRE_BYTES];
static unsigned char bits[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED;
static ppml_secret_key secret;

int main(void) {
  ppml_arena arena;
  ppml_client client;
  ppml_request request;
  ppml_rng rng;
  ppml_writer writer = ppml_writer_to_memory(file, sizeof file);
  int error = client_init(&client);
  if (!error) error = ppml_rng_init(&rng);
  if (!error) error = ppml_arena_init(&arena, bits, sizeof bits);
  if (!error) error = ppml_secret_key_generate(&secret, &client, &rng, &arena);
  if (!error) error = ppml_arena_init(&arena, memory, sizeof memory);
  if (!error) error = ppml_encrypt_to(&writer, &request, &secret, image, &rng, &arena);
  printf("%s, %d bytes\n", ppml_strerror(error), (int)writer.position);
  return error ? 1 : 0;
}
