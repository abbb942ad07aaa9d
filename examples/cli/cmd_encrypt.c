/* ppml encrypt: one image, from a picture file or a data set. */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "learning.h"
#include "ledger.h"
#include "load.h"
#include "split.h"

typedef struct encrypt_request {
  const char *key_path, *image_path, *out_path, *split;
  char ledger_path[FILE_PATH_BYTES];
  uint64_t index;
  int from_dataset;
  int fit;
  npz_options data;
} encrypt_request;

static int parse(encrypt_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->key_path = args_required(&a, "--secret-key");
  r->out_path = args_output(&a, "-o");
  const char *requests = args_text(&a, "--requests");
  r->split = args_text(&a, "--split");
  r->index = args_number(&a, "--index", 0, UINT32_MAX, UINT64_MAX);
  r->fit = args_flag(&a, "--fit");
  int has_view = args_has(&a, "--window") || args_has(&a, "--frame");
  load_take_view(&a);
  dataset_options(&r->data, &a, DATASET_OF_NETWORK);
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->image_path = a.value[0];
  r->from_dataset = r->split != NULL || r->index != UINT64_MAX;
  if (r->from_dataset && (r->split == NULL || r->index == UINT64_MAX))
    return cli_fail(CLI_USAGE, "encrypt", "--split and --index go together");
  if (r->from_dataset && (r->fit || has_view))
    return cli_fail(CLI_USAGE, "encrypt", "%s for pictures (expected no --split)",
                    r->fit ? "--fit is" : "--window and --frame are");
  return ledger_path(r->ledger_path, requests, r->key_path);
}

/* Writes the image, and notes in the ledger that it was asked about before it appears: an answer
 * to an image that is not there is refused. */
static int save(const encrypt_request *r, const ppml_input *input, const ppml_request *request) {
  static file_output output;
  char name[LEDGER_NAME_BYTES];
  if (r->from_dataset)
    snprintf(name, sizeof name, "%s %s %llu", r->image_path, r->split,
             (unsigned long long)r->index);
  if (file_create(&output, r->out_path, 0666) != NULL) return save_fail(&output, r->out_path);
  ppml_writer writer = save_writer(&output);
  int status =
      ppml_input_write(input, &writer) == PPML_OK ? CLI_OK : save_fail(&output, r->out_path);
  if (status == CLI_OK)
    status =
        ledger_add(r->ledger_path, request, input->key_id, r->from_dataset ? name : r->image_path);
  if (status == CLI_OK && file_commit(&output) != NULL) status = save_fail(&output, r->out_path);
  file_abort(&output);
  return status;
}

static int encrypt(const encrypt_request *r, const ppml_secret_key *key, const uint8_t *pixels) {
  ppml_arena arena;
  ppml_input input;
  ppml_request request;
  ppml_rng rng;
  int status = cli_rng(&rng);
  if (status) return status;
  status = cli_arena_create(&arena, ppml_encrypt_bytes(key->client->params, &key->client->spec));
  if (status == CLI_OK) {
    int error = ppml_encrypt(&input, &request, key, pixels, &rng, &arena);
    status = error ? cli_fail_ppml(error, r->image_path, "an image") : save(r, &input, &request);
    cli_arena_destroy(&arena);
  }
  ppml_rng_wipe(&rng);
  return status;
}

/* Image number index of a split. */
static int pick(const uint8_t **pixels, const encrypt_request *r, const npz_split *split,
                const ppml_spec *spec) {
  if (r->index >= split->count)
    return cli_fail(CLI_USAGE, r->image_path, "no image %llu in %s (expected 0 to %zu)",
                    (unsigned long long)r->index, r->split, split->count - 1);
  *pixels = split->images + r->index * ppml_spec_image_bytes(spec);
  return CLI_OK;
}

static int load_pixels(const uint8_t **pixels, const encrypt_request *r, const ppml_spec *spec,
                       ppml_arena *arena) {
  npz_split split;
  split_request images = {r->image_path, r->split, SIZE_MAX, r->data};
  if (!r->from_dataset) return load_image(pixels, r->image_path, spec, r->fit, arena);
  int status = split_load(&split, &images, spec, arena);
  if (status) return status;
  status = pick(pixels, r, &split, spec);
  if (status) cli_arena_destroy(arena);
  return status;
}

int cmd_encrypt(int argc, char **argv) {
  static encrypt_request r;
  keyring key;
  ppml_arena arena;
  const uint8_t *pixels = NULL;
  args a = args_make(argc, argv);
  if (args_has(&a, "--training") || args_has(&a, "--features")) return learning_encrypt(argc, argv);
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_secret_key(&key, r.key_path);
  if (status) return status;
  status = load_pixels(&pixels, &r, &key.client.spec, &arena);
  if (status == CLI_OK) {
    status = encrypt(&r, &key.secret, pixels);
    cli_arena_destroy(&arena);
  }
  keyring_wipe(&key);
  return status;
}
