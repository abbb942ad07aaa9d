/* ppml latents: what a client would encrypt of images, and the pictures that it amounts to. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "load.h"
#include "npz_write.h"
#include "outputs.h"
#include "split.h"

typedef struct latents_request {
  const char *model_path, *out_path, *picture_path;
  split_request images;
  int from_dataset, fit, json;
  uint64_t index; /* UINT64_MAX: all images */
} latents_request;

/* Images and what was made of them. */
typedef struct latents_work {
  const ppml_model *model;
  ppml_latent_shape shape;
  size_t each;           /* latents of an image */
  const uint8_t *images; /* [count][ppml_spec_image_bytes] */
  size_t count;
  int8_t *latents;  /* [count][each] */
  uint8_t *picture; /* of the first image; NULL where latents make none */
  uint8_t *another; /* of the image at hand */
  double squares;   /* of differences, summed over all values */
} latents_work;

static int ends_in(const char *path, const char *end) {
  size_t length = strlen(path), tail = strlen(end);
  return length >= tail && strcasecmp(path + length - tail, end) == 0;
}

static int parse(latents_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  int has_split = args_has(&a, "--split") || args_has(&a, "--count") || args_has(&a, "--index");
  r->out_path = args_output(&a, "-o");
  r->picture_path = args_has(&a, "--picture") ? args_output(&a, "--picture") : NULL;
  r->index = args_number(&a, "--index", 0, UINT32_MAX, UINT64_MAX);
  split_options(&r->images, &a);
  r->fit = args_flag(&a, "--fit");
  load_take_view(&a);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 2, 2);
  if (status) return status;
  r->model_path = a.value[0];
  r->images.path = a.value[1];
  r->from_dataset = has_split || ends_in(a.value[1], ".npz");
  if (r->from_dataset && r->fit)
    return cli_fail(CLI_USAGE, "latents", "--fit is for pictures (expected no data set)");
  return CLI_OK;
}

/* ------------------------------------------------------------------ images */

static int load_split_images(latents_work *w, const latents_request *r, ppml_arena *arena) {
  npz_split split;
  int status = split_load(&split, &r->images, &w->model->spec, arena);
  if (status) return status;
  w->images = split.images, w->count = split.count;
  if (r->index == UINT64_MAX) return CLI_OK;
  if (r->index < split.count) {
    w->images += r->index * ppml_spec_image_bytes(&w->model->spec);
    w->count = 1;
    return CLI_OK;
  }
  cli_arena_destroy(arena);
  return cli_fail(CLI_USAGE, r->images.path, "no image %llu in %s (expected 0 to %zu)",
                  (unsigned long long)r->index, r->images.name, split.count - 1);
}

static int load_images(latents_work *w, const latents_request *r, ppml_arena *arena) {
  w->count = 1;
  if (r->from_dataset) return load_split_images(w, r, arena);
  return load_image(&w->images, r->images.path, &w->model->spec, r->fit, arena);
}

/* ----------------------------------------------------------------- latents */

/* Adds how far the picture of an image's latents is from it. */
static int reconstruct(latents_work *w, size_t n, ppml_arena *arena) {
  size_t values = ppml_spec_inputs(&w->model->spec);
  const uint8_t *pixels = w->images + n * values;
  uint8_t *picture = n == 0 ? w->picture : w->another;
  int error = ppml_reconstruct(picture, w->model, pixels, arena);
  if (error) return cli_fail_ppml(error, "latents", "an encoder whose weights are independent");
  for (size_t i = 0; i < values; i++) {
    double difference = (double)picture[i] - pixels[i];
    w->squares += difference * difference;
  }
  return CLI_OK;
}

static int encode_all(latents_work *w, ppml_arena *arena) {
  const ppml_spec *spec = &w->model->spec;
  ppml_progress progress = cli_progress("images");
  size_t bytes = ppml_spec_image_bytes(spec);
  int status = CLI_OK;
  for (size_t n = 0; n < w->count && status == CLI_OK; n++) {
    int error = ppml_encode(w->latents + n * w->each, spec, w->images + n * bytes, arena);
    if (error) return cli_fail_ppml(error, "latents", "an image");
    if (w->picture) status = reconstruct(w, n, arena);
    progress.step(progress.context, n + 1, w->count);
  }
  cli_progress_end();
  return status;
}

/* -------------------------------------------------------------------- save */

static const char *write_latents(file_output *output, const latents_work *w, int from_dataset) {
  const size_t shape[] = {w->count, w->shape.channels, w->shape.height, w->shape.width};
  int skip = from_dataset ? 0 : 1;
  return npy_write(output, "|i1", shape + skip, 4 - (unsigned)skip, w->latents, w->count * w->each);
}

static const char *write_picture(file_output *output, const latents_work *w) {
  const ppml_spec *spec = &w->model->spec;
  char header[48];
  int length = snprintf(header, sizeof header, "P%d\n%u %u\n255\n", spec->channels == 3 ? 6 : 5,
                        spec->width, spec->height);
  const char *reason = file_write(output, header, (size_t)length);
  return reason ? reason : file_write(output, w->picture, ppml_spec_inputs(spec));
}

static int save(const latents_request *r, const latents_work *w) {
  static file_output outputs[2];
  const char *paths[] = {r->out_path, r->picture_path};
  size_t count = r->picture_path ? 2 : 1;
  int status = outputs_begin(&outputs[0], paths[0], 0666);
  if (status == CLI_OK && count == 2) status = outputs_begin(&outputs[1], paths[1], 0666);
  if (status == CLI_OK && write_latents(&outputs[0], w, r->from_dataset && r->index == UINT64_MAX))
    status = save_fail(&outputs[0], paths[0]);
  if (status == CLI_OK && count == 2 && write_picture(&outputs[1], w))
    status = save_fail(&outputs[1], paths[1]);
  if (status == CLI_OK) return outputs_commit(outputs, paths, count);
  for (size_t i = 0; i < 2; i++) file_abort(&outputs[i]);
  return status;
}

/* Of all images together; of equal ones 99. */
static double psnr(const latents_work *w) {
  double mean = w->squares / ((double)w->count * (double)ppml_spec_inputs(&w->model->spec));
  return mean > 0 ? fmin(99, 10 * log10(255.0 * 255.0 / mean)) : 99;
}

static void report(const latents_request *r, const latents_work *w) {
  if (!r->json) {
    printf("%zu image%s, %u x %u x %u latents of %u bits each\n", w->count, w->count > 1 ? "s" : "",
           w->shape.channels, w->shape.height, w->shape.width, w->model->spec.input_bits);
    if (w->picture) printf("pictures of them: PSNR %.2f dB\n", psnr(w));
    return;
  }
  json_begin(NULL, '{');
  json_integer("images", (int64_t)w->count);
  json_integer("latent_channels", w->shape.channels);
  json_integer("latent_height", w->shape.height);
  json_integer("latent_width", w->shape.width);
  json_integer("latent_bits", w->model->spec.input_bits);
  if (w->picture) json_real("psnr_db", psnr(w));
  json_end('}');
}

/* --------------------------------------------------------------------- run */

/* Memory for one call at a time, and for what is kept. */
static int make(latents_work *w, const latents_request *r) {
  ppml_arena arena;
  size_t values = ppml_spec_inputs(&w->model->spec);
  size_t picture = ppml_reconstruct_bytes(w->model), encode = ppml_encode_bytes(&w->model->spec);
  w->latents = (int8_t *)malloc(w->count * w->each);
  if (picture) w->picture = (uint8_t *)malloc(2 * values), w->another = w->picture + values;
  int status = w->latents && (w->picture || !picture)
                   ? cli_arena_create(&arena, picture > encode ? picture : encode)
                   : cli_fail(CLI_INTERNAL, "memory", "none left for %zu images", w->count);
  if (status == CLI_OK) {
    status = encode_all(w, &arena);
    cli_arena_destroy(&arena);
  }
  if (status == CLI_OK) status = save(r, w);
  if (status == CLI_OK) report(r, w);
  free(w->latents), free(w->picture);
  return status;
}

/* Is there an encoder, and one whose pictures may be asked for? */
static int check_model(const latents_request *r, const ppml_model *model) {
  if (model->spec.encoder.kind == PPML_ENCODER_NONE)
    return cli_fail(CLI_REFUSED, r->model_path,
                    "a network of pixels (expected one with an encoder)");
  if (r->picture_path && ppml_reconstruct_bytes(model) == 0)
    return cli_fail(CLI_REFUSED, r->model_path,
                    "latents of another program, of which there is no picture (expected no "
                    "--picture)");
  if (r->picture_path && model->spec.channels != 1 && model->spec.channels != 3)
    return cli_fail(CLI_REFUSED, r->model_path, "%u channels (expected 1 or 3 of a picture)",
                    model->spec.channels);
  return CLI_OK;
}

int cmd_latents(int argc, char **argv) {
  static latents_request r;
  ppml_model model;
  ppml_arena model_arena, image_arena;
  latents_work w = {0};
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_model(&model, r.model_path, &model_arena);
  if (status) return status;
  w.model = &model;
  w.shape = ppml_spec_latent_shape(&model.spec);
  w.each = (size_t)w.shape.channels * w.shape.height * w.shape.width;
  status = check_model(&r, &model);
  if (status == CLI_OK) status = load_images(&w, &r, &image_arena);
  if (status == CLI_OK) {
    status = make(&w, &r);
    cli_arena_destroy(&image_arena);
  }
  cli_arena_destroy(&model_arena);
  return status;
}
