/* client.c - a client on a microcontroller: makes its keys, encrypts a built-in image, sends it, and opens
 * the answer.  `make check-firmware` builds and runs it, tests/firmware.sh says how.
 *
 *   spec.h    by `ppml export --name spec`: the client spec, which stays in flash and is never copied
 *   image.h   image[]: what the camera saw
 *
 *   -DFIRMWARE_KEYS       makes the evaluation key too, a piece at a time
 *   -DFIRMWARE_SEED=N     numbers from a known seed, for a test of bytes alone: protects nothing */
#define PPML_CLIENT_ONLY
#define PPML_SMALL
#define PPML_BACKEND_ONLY PPML_BACKEND_REF
#define PPML_ENTROPY board_entropy
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include "board.h"
#include "image.h"
#include "spec.h"

/* The secret key's bits, for good; above them what work takes. */
#ifdef FIRMWARE_KEYS
#define WORK_BYTES                                                                                 \
  (SPEC_KEY_RUN_BYTES > SPEC_ENCRYPT_TO_BYTES ? SPEC_KEY_RUN_BYTES : SPEC_ENCRYPT_TO_BYTES)
#else
#define WORK_BYTES SPEC_ENCRYPT_TO_BYTES
#endif

static unsigned char memory[SPEC_SECRET_KEY_BYTES + WORK_BYTES] PPML_ALIGNED;
static ppml_arena arena;
static ppml_secret_key secret;
static ppml_rng rng;
static ppml_request request;

/* -------------------------------------------------------------------- line */

static int send(ppml_writer *self, const void *bytes, size_t count) {
  return board_write(*(const int *)self->context, bytes, count);
}

static size_t receive(ppml_reader *self, void *bytes, size_t count) {
  return board_read(*(const int *)self->context, bytes, count);
}

/* ------------------------------------------------------------------- steps */

static int make_secret(void) {
  int error = ppml_arena_init(&arena, memory, sizeof memory);
#ifdef FIRMWARE_SEED
  ppml_rng_init_for_tests(&rng, FIRMWARE_SEED);
#else
  if (error == PPML_OK) error = ppml_rng_init(&rng);
#endif
  if (error == PPML_OK) error = ppml_secret_key_generate(&secret, &spec_constant, &rng, &arena);
  return error;
}

static int send_image(void) {
  int handle = board_open("image.ct", 1);
  ppml_writer writer = {send, &handle, 0, 0};
  if (handle < 0) return PPML_ERR_IO;
  board_begin();
  int error = ppml_encrypt_to(&writer, &request, &secret, image, &rng, &arena);
  board_end("encrypt", arena.high_bytes);
  board_close(handle);
  return error;
}

#ifdef FIRMWARE_KEYS
/* A piece at a time, so that other work may be done between two of them. */
static int send_key(void) {
  ppml_eval_key_run run;
  int handle = board_open("eval.key", 1);
  ppml_writer writer = {send, &handle, 0, 0};
  if (handle < 0) return PPML_ERR_IO;
  board_begin();
  int error = ppml_eval_key_run_begin(&run, &secret, &rng);
  while (error == PPML_OK && run.next < run.pieces)
    error = ppml_eval_key_run_make(&writer, &run, &secret, 8, &arena);
  ppml_eval_key_run_wipe(&run);
  board_end("key", arena.high_bytes);
  board_close(handle);
  return error;
}
#endif

/* Waits for the answer, and opens it as it comes in. */
static int open_answer(ppml_answer *answer) {
  const ppml_limits limits = ppml_limits_default();
  int handle;
  board_print("waiting\n");
  do handle = board_open("answer.ct", 0);
  while (handle < 0);
  ppml_reader reader = {receive, NULL, &handle, 0, 0, 0};
  board_begin();
  int error = ppml_decrypt_from(answer, &reader, &limits, &request, &secret);
  board_end("decrypt", 0);
  board_close(handle);
  return error;
}

int main(void) {
  ppml_answer answer;
  int error = make_secret();
  if (error == PPML_OK) error = send_image();
#ifdef FIRMWARE_KEYS
  if (error == PPML_OK) error = send_key();
#endif
  if (error == PPML_OK) error = open_answer(&answer);
  if (error == PPML_OK) {
    board_print("class ");
    board_print(spec_constant.spec.class_name[answer.label[0]]);
    board_print("\n");
  }
  ppml_secret_key_wipe(&secret);
  ppml_rng_wipe(&rng);
  return -error; /* the board tells it */
}
