/* Classify: an image is encrypted on the board, a computer that never sees it runs the network, the board reads
 * the answer.  The network tells pictures that are bright above from such that are bright below; it has the
 * set linear, which needs no evaluation key.
 *
 * On the computer, which has the command ppml, and circuit.ppml of this folder:
 *
 *     stty -F /dev/ttyACM0 115200 raw -echo
 *     head -c INPUT_BYTES /dev/ttyACM0 >in.ct &    # INPUT_BYTES: CLIENT_INPUT_WIRE_BYTES of client.h
 *     printf i >/dev/ttyACM0; wait                 # i: an image, please
 *     ppml infer circuit.ppml in.ct -o out.ct
 *     head -n 1 /dev/ttyACM0 &
 *     (printf a; cat out.ct) >/dev/ttyACM0; wait   # a: the answer; prints "above" or "below"
 *
 * For a network of your own: ppml export client.ppml -o client.h.  Keys are lost with the power; where they are
 * to be kept, ppml_secret_key_write writes them, and whoever reads them reads the images. */
#define PPML_CLIENT_ONLY
#define PPML_LINEAR_ONLY
#define PPML_SMALL
#define PPML_BACKEND_ONLY PPML_BACKEND_REF
#define PPML_ENTROPY arduino_entropy /* entropy.cpp: the board's random number generator */
#define PPML_IMPLEMENTATION
#include <ppml.h>

#include "client.h"
#include "image.h"

static unsigned char memory[CLIENT_ENCRYPT_TO_BYTES] PPML_ALIGNED;
static unsigned char bits[CLIENT_SECRET_KEY_BYTES] PPML_ALIGNED; /* of the key */
static ppml_client client;
static ppml_secret_key secret; /* refers to client */
static ppml_request request;
static ppml_rng rng;
static int error;

static int send_bytes(ppml_writer *self, const void *bytes, size_t count) {
  (void)self;
  return Serial.write((const uint8_t *)bytes, count) != count;
}

static size_t receive_bytes(ppml_reader *self, void *bytes, size_t count) {
  (void)self;
  return Serial.readBytes((char *)bytes, count);
}

void setup() {
  ppml_arena own;
  Serial.begin(115200);
  Serial.setTimeout(1000); /* an answer ends where nothing comes any more */
  error = client_init(&client);
  if (!error) error = ppml_rng_init(&rng);
  if (!error) error = ppml_arena_init(&own, bits, sizeof bits);
  if (!error) error = ppml_secret_key_generate(&secret, &client, &rng, &own);
}

static int send_image() {
  ppml_arena arena;
  ppml_writer writer = {send_bytes, NULL, 0, 0};
  int failed = ppml_arena_init(&arena, memory, sizeof memory);
  if (!failed) failed = ppml_encrypt_to(&writer, &request, &secret, image, &rng, &arena);
  return failed;
}

static int read_answer() {
  const ppml_limits limits = ppml_limits_default();
  ppml_reader reader = {receive_bytes, NULL, NULL, 0, 0, 0};
  ppml_answer answer;
  int failed = ppml_decrypt_from(&answer, &reader, &limits, &request, &secret);
  if (!failed) Serial.println(client.spec.class_name[answer.label[0]]);
  return failed;
}

void loop() {
  int asked = Serial.read();
  if (!error && asked == 'i') error = send_image();
  else if (!error && asked == 'a') error = read_answer();
  if (!error) return;
  Serial.println(ppml_strerror(error));
  for (;;) delay(1000);
}
