/* two_units_b.c - a unit that sees the API alone; see two_units_a.c. */
#define PPML_NO_TRAIN
#include "ppml.h"

#include <string.h>

#ifdef PPMLI_BASE_H
#error "ppml.h brings its implementation along unasked"
#endif

const ppml_params *two_units_params(void);
int two_units_round_trip(ppml_arena *arena);

const ppml_params *two_units_params(void) {
  return ppml_params_by_index(0);
}

/* Writes and reads a secret key. */
int two_units_round_trip(ppml_arena *arena) {
  const ppml_spec spec = {4,   4,   1,         4, 2, 1, 100, {"no", "yes"}, PPML_TASK_CLASS,
                          {0}, {0}, {0, 0, 0}, 0};
  static uint8_t bytes[2048];
  ppml_limits limits = ppml_limits_default();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_client client;
  ppml_secret_key key, back;
  ppml_input input;
  ppml_request request;
  ppml_rng rng;
  memset(&client, 0, sizeof client);
  client.spec = spec;
  client.params = two_units_params();
  client.score_unit = (uint64_t)1 << 50;
  client.score_noise = (uint64_t)6 << 50;
  client.answer_step = 128;
  client.renew_after = 1000;
  if (ppml_rng_init(&rng) != PPML_OK) return 3;
  if (ppml_secret_key_generate(&key, &client, &rng, arena) != PPML_OK) return 8;
  if (ppml_secret_key_write(&key, &writer) != PPML_OK) return 4;
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  if (ppml_secret_key_read(&back, &client, &reader, &limits, arena) != PPML_OK) return 5;
  if (key.bytes != back.bytes || memcmp(key.id, back.id, sizeof key.id) != 0) return 6;
  if (memcmp(key.glwe_bits, back.glwe_bits, key.bytes) != 0) return 6;
  uint8_t pixels[16] = {0};
  return ppml_encrypt(&input, &request, &key, pixels, &rng, arena) == PPML_OK ? 0 : 7;
}
