/* A client alone: makes keys for a circuit, encrypts one image, and reads the answer.  The secret key
 * and the request never leave its memory.  It is built without server, planning and training, needs no
 * libm, and has the memory of one ciphertext besides the answer's.
 *
 *     cc -I. examples/client.c -o client
 *     ./client CLIENT.ppml PIXELS EVAL.key IN.ct OUT.ct
 *
 * CLIENT.ppml is what `ppml compile` writes for clients, PIXELS are the bytes of an image, channels
 * last.  It writes the evaluation key EVAL.key and the encrypted image IN.ct, for a server to run
 *
 *     ppml infer CIRCUIT.ppml --eval-key EVAL.key IN.ct -o OUT.ct
 *
 * waits for a line on standard input, which says that OUT.ct is there, and prints the answer. */
#define PPML_CLIENT_ONLY
#define PPML_IMPLEMENTATION
#include "ppml.h"

#include <stdio.h>
#include <stdlib.h>

/* All that a client has. */
typedef struct client {
  ppml_client knows;      /* of the circuit: no weight */
  ppml_secret_key secret; /* refers to it */
  unsigned char
      bits[PPML_SECRET_KEY_BYTES_MAX] PPML_ALIGNED; /* of the key, whichever set it is of */
  ppml_rng rng;
  ppml_request request;
  uint8_t *pixels; /* [pixel_bytes] */
  size_t pixel_bytes;
  void *block; /* what arena lies in */
  ppml_arena arena;
} client;

/* ------------------------------------------------------------------- files */

static size_t file_read(ppml_reader *self, void *bytes, size_t count) {
  FILE *file = (FILE *)self->context;
  size_t got = fread(bytes, 1, count, file);
  if (ferror(file)) self->failed = 1;
  return got;
}

static int file_write(ppml_writer *self, const void *bytes, size_t count) {
  return fwrite(bytes, 1, count, (FILE *)self->context) != count;
}

static ppml_reader reader_of(FILE *file) {
  ppml_reader reader = {file_read, NULL, file, 0, 0, 0};
  return reader;
}

/* Closes a file that was written: what is left in its buffer may not fit either.  One that was not
 * finished is no use to a server, and is removed. */
static int finish(FILE *file, const char *path, int error) {
  if (fclose(file) != 0 && !error) error = PPML_ERR_IO;
  if (error) remove(path);
  return error;
}

/* ------------------------------------------------------------------- steps */

/* An arena of that many bytes in place of the one before. */
static int take_memory(client *c, size_t bytes) {
  free(c->block);
  c->block = malloc(bytes + PPML_ALIGNMENT);
  if (c->block == NULL) return PPML_ERR_NOMEM;
  uintptr_t past = (uintptr_t)c->block % PPML_ALIGNMENT;
  return ppml_arena_init(&c->arena, (char *)c->block + (PPML_ALIGNMENT - past), bytes);
}

static int read_circuit(client *c, const char *path) {
  const ppml_limits limits = ppml_limits_default();
  FILE *file = fopen(path, "rb");
  if (file == NULL) return PPML_ERR_IO;
  ppml_reader reader = reader_of(file);
  int error = ppml_client_read(&c->knows, &reader, &limits);
  fclose(file);
  return error;
}

static int read_pixels(client *c, const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return PPML_ERR_IO;
  c->pixel_bytes = ppml_spec_image_bytes(&c->knows.spec);
  c->pixels = (uint8_t *)malloc(c->pixel_bytes);
  setvbuf(file, NULL, _IONBF, 0); /* no copy of an image in a buffer that is not wiped */
  int error = PPML_OK;
  if (c->pixels == NULL) error = PPML_ERR_NOMEM;
  else if (fread(c->pixels, 1, c->pixel_bytes, file) != c->pixel_bytes) error = PPML_ERR_TRUNCATED;
  else if (fgetc(file) != EOF) error = PPML_ERR_TRAILING;
  fclose(file);
  return error;
}

static int make_secret(client *c) {
  ppml_arena arena;
  int error = ppml_arena_init(&arena, c->bits, sizeof c->bits);
  if (!error) error = ppml_rng_init(&c->rng);
  return error ? error : ppml_secret_key_generate(&c->secret, &c->knows, &c->rng, &arena);
}

static int write_key(client *c, const char *path) {
  int error = take_memory(c, ppml_eval_key_generate_bytes(c->knows.params, 1));
  FILE *file = error ? NULL : fopen(path, "wb");
  if (file == NULL) return error ? error : PPML_ERR_IO;
  ppml_writer writer = {file_write, file, 0, 0};
  return finish(file, path,
                ppml_eval_key_generate(&writer, &c->secret, &c->rng, NULL, NULL, &c->arena));
}

static int write_image(client *c, const char *path) {
  int error = take_memory(c, ppml_encrypt_to_bytes(c->knows.params, &c->knows.spec));
  FILE *file = error ? NULL : fopen(path, "wb");
  if (file == NULL) return error ? error : PPML_ERR_IO;
  ppml_writer writer = {file_write, file, 0, 0};
  return finish(file, path,
                ppml_encrypt_to(&writer, &c->request, &c->secret, c->pixels, &c->rng, &c->arena));
}

/* Reads the answer to the request, once. */
static int read_answer(client *c, ppml_answer *answer, const char *path) {
  const ppml_limits limits = ppml_limits_default();
  ppml_header header;
  ppml_output output;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return PPML_ERR_IO;
  ppml_reader reader = reader_of(file);
  int error = ppml_header_read(&header, &reader, &limits);
  if (!error) error = take_memory(c, ppml_read_bytes(&header));
  rewind(file);
  if (!error) error = ppml_output_read(&output, &reader, &limits, &c->arena);
  if (!error) error = ppml_decrypt(answer, &output, 0, &c->request, &c->secret);
  fclose(file);
  return error;
}

/* --------------------------------------------------------------------- all */

/* The names of the class, grade or labels that the image has, and how likely each is. */
static void print_answer(const ppml_answer *answer, const ppml_spec *spec) {
  if (answer->unseen) printf("unlike the images of training: the answer says nothing\n");
  for (uint32_t k = 0; k < spec->classes; k++) {
    int has = spec->task == PPML_TASK_LABELS ? answer->label[k] : k == answer->label[0];
    if (has && spec->decides) printf("%s\n", spec->class_name[k]);
    else if (has) printf("%s %d %%\n", spec->class_name[k], answer->percent[k]);
  }
}

/* Returns the first step's error; at names the file it was about. */
static int run(client *c, ppml_answer *answer, char **path, const char **at) {
  int error = read_circuit(c, *at = path[0]);
  if (!error) error = read_pixels(c, *at = path[1]);
  if (!error) error = make_secret(c);
  if (!error) error = write_key(c, *at = path[2]);
  if (!error) error = write_image(c, *at = path[3]);
  if (error) return error;
  fprintf(stderr, "client: waiting for %s\n", path[4]);
  while (getchar() != '\n' && !feof(stdin)) continue;
  return read_answer(c, answer, *at = path[4]);
}

/* A store that the compiler keeps, though nothing reads it any more. */
static void wipe(void *bytes, size_t count) {
  volatile uint8_t *p = (volatile uint8_t *)bytes;
  while (count--) *p++ = 0;
}

/* However far the client came, its secrets end here. */
static void end(client *c) {
  ppml_secret_key_wipe(&c->secret);
  ppml_rng_wipe(&c->rng);
  if (c->pixels) wipe(c->pixels, c->pixel_bytes);
  free(c->pixels);
  free(c->block); /* what the library had in it of secrets, it has wiped */
}

int main(int argc, char **argv) {
  static client c; /* zeros: nothing is secret yet */
  const char *at = "";
  ppml_answer answer;
  if (argc != 6) {
    fprintf(stderr, "client: expected CLIENT.ppml PIXELS EVAL.key IN.ct OUT.ct\n");
    return 64;
  }
  int error = run(&c, &answer, argv + 1, &at);
  if (error) fprintf(stderr, "client: %s: %s\n", at, ppml_strerror(error));
  else print_answer(&answer, &c.knows.spec);
  wipe(&answer, sizeof answer);
  end(&c);
  return error ? 1 : 0;
}
