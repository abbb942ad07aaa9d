#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif
#include "load.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "outputs.h"
#include "resample.h"

#define CONTAINER_BYTES_MAX ((size_t)64 << 20)
#define ONNX_FILE_BYTES_MAX ((size_t)64 << 20)
#define IMAGE_FILE_BYTES_MAX ((size_t)512 << 20)

static int is_standard(const char *path) {
  return strcmp(path, "-") == 0;
}

/* ------------------------------------------------- files that are not read whole */

static size_t read_stream(ppml_reader *self, void *bytes, size_t count) {
  FILE *stream = (FILE *)self->context;
  size_t got = fread(bytes, 1, count, stream);
  self->failed = ferror(stream);
  return got;
}

static int rewind_stream(ppml_reader *self) {
  return fseek((FILE *)self->context, 0, SEEK_SET);
}

int stream_open(stream_file *file, const char *path, const char *expected) {
  file_input input;
  memset(file, 0, sizeof *file);
  if (file_open(&input, path)) return cli_fail(input.status, path, "%s", input.message);
  file->stream = is_standard(path) ? stdin : fdopen(input.descriptor, "rb");
  if (file->stream == NULL)
    return cli_fail(CLI_MISSING, path, "%s (expected %s)", strerror(errno), expected);
  ppml_reader reader = {read_stream, rewind_stream, file->stream, 0, 0, 0};
  file->reader = reader;
  return CLI_OK;
}

void stream_close(stream_file *file) {
  if (file->stream && file->stream != stdin) fclose(file->stream);
  file->stream = NULL;
}

/* -------------------------------------------------------------- containers */

/* A pipe, once its header was looked at: it cannot be read again. */
static file_input held;
static const char *held_path;

static int is_held(const char *path) {
  return held.bytes && strcmp(held_path, path) == 0;
}

/* All bytes of a container, those that are held if they are its own; the caller frees them. */
static const char *read_container(file_input *file, const char *path) {
  if (!is_held(path)) return file_read(file, path, CONTAINER_BYTES_MAX);
  *file = held;
  memset(&held, 0, sizeof held);
  return NULL;
}

/* What a header could not be read for: a file of another version is told from a damaged one. */
static int fail_header(int error, const ppml_header *header, const char *path,
                       const char *expected) {
  if (error != PPML_ERR_VERSION) return cli_fail_ppml(error, path, expected);
  return cli_fail(CLI_DATA, path,
                  "of format version %u, this build reads %d (expected %s made anew)",
                  header->version, PPML_FORMAT_VERSION, expected);
}

/* The file's bytes and an arena for what its header announces. */
static int open_container(file_input *file, ppml_header *header, const char *path,
                          const char *expected, ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  memset(arena, 0, sizeof *arena);
  if (read_container(file, path) != NULL) return cli_fail(file->status, path, "%s", file->message);
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  int error = ppml_header_read(header, &reader, &limits);
  if (error == PPML_OK) return cli_arena_create(arena, ppml_read_bytes(header));
  file_free(file);
  return fail_header(error, header, path, expected);
}

/* Ends what open_container began. */
static int close_container(file_input *file, int error, const char *path, const char *expected,
                           ppml_arena *arena) {
  file_free(file);
  if (error == PPML_OK) return CLI_OK;
  cli_arena_destroy(arena);
  return cli_fail_ppml(error, path, expected);
}

/* A loader for one kind: what it reads and what it expects differ, nothing else does. */
#define LOAD_CONTAINER(read, expected)                                                             \
  do {                                                                                             \
    file_input file;                                                                               \
    ppml_header header;                                                                            \
    ppml_limits limits = ppml_limits_default();                                                    \
    int status = open_container(&file, &header, path, expected, arena);                            \
    if (status) return status;                                                                     \
    ppml_reader reader = ppml_reader_from_memory(file.bytes, file.count);                          \
    return close_container(&file, read, path, expected, arena);                                    \
  } while (0)

static int parse_header(ppml_header *header, const void *bytes, size_t count, const char *path) {
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(bytes, count);
  int error = ppml_header_read(header, &reader, &limits);
  return error ? fail_header(error, header, path, "a ppml file") : CLI_OK;
}

/* Holds all of a pipe for whatever reads it next. */
static int hold_header(ppml_header *header, const char *path) {
  held_path = path;
  if (file_read(&held, path, CONTAINER_BYTES_MAX) != NULL)
    return cli_fail(held.status, path, "%s", held.message);
  int status = parse_header(header, held.bytes, held.count, path);
  if (status) file_free(&held);
  return status;
}

static int is_regular(const char *path) {
  struct stat status;
  return !is_standard(path) && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int load_header(ppml_header *header, const char *path) {
  uint8_t bytes[256];
  stream_file file;
  if (!is_regular(path)) return hold_header(header, path);
  int status = stream_open(&file, path, "a ppml file");
  if (status) return status;
  size_t count = fread(bytes, 1, sizeof bytes, file.stream);
  int failed = ferror(file.stream);
  stream_close(&file);
  if (failed) return cli_fail(CLI_IO, path, "cannot be read (expected a ppml file)");
  return parse_header(header, bytes, count, path);
}

int load_model(ppml_model *model, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_model_read(model, &reader, &limits, arena), "a ppml model");
}

int load_circuit(ppml_circuit *circuit, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_circuit_read(circuit, &reader, &limits, arena), "a ppml circuit");
}

int load_input(ppml_input *input, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_input_read(input, &reader, &limits, arena), "an encrypted image");
}

int load_output(ppml_output *output, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_output_read(output, &reader, &limits, arena), "encrypted scores");
}

int load_features(ppml_features *map, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_features_read(map, &reader, &limits, arena), "a feature map");
}

int load_learnt(ppml_learnt *learnt, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_learnt_read(learnt, &reader, &limits, arena), "an encrypted model");
}

/* It holds no arrays, so its arena is empty. */
static int read_client(ppml_client *client, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(ppml_client_read(client, &reader, &limits), "a ppml client spec");
}

/* Its bits are in the keyring, which is locked; the arena is of no use. */
static int read_secret_key(keyring *key, const char *path, ppml_arena *arena) {
  LOAD_CONTAINER(keyring_read(key, &reader, &limits),
                 "a secret key with its client spec, as ppml keygen writes it");
}

int load_client(ppml_client *client, const char *path) {
  ppml_arena empty;
  int status = read_client(client, path, &empty);
  if (status == CLI_OK) cli_arena_destroy(&empty);
  return status;
}

int load_secret_key(keyring *key, const char *path) {
  ppml_arena unused;
  keyring_hold(key);
  int status = read_secret_key(key, path, &unused);
  if (status == CLI_OK) cli_arena_destroy(&unused);
  return status;
}

/* ---------------------------------------------------------- evaluation key */

/* Memory for the key as it is used, and the key in it. */
static int read_key(ppml_eval_key *key, stream_file *file, const ppml_circuit *circuit,
                    const char *backend, const ppml_parallel *parallel, int stream,
                    ppml_arena *arena) {
  ppml_limits limits = ppml_limits_default();
  if (stream)
    return ppml_eval_key_stream(key, &file->reader, &limits, circuit, backend, parallel->threads,
                                arena);
  int error = ppml_eval_key_read(key, &file->reader, &limits, circuit, backend, parallel, arena);
  return error ? error : ppml_eval_key_prepare(key, circuit, arena);
}

/* Of another version, the header is read again, to say which. */
static int fail_key(int error, stream_file *file, const char *path) {
  ppml_header header;
  ppml_limits limits = ppml_limits_default();
  int is_told = error == PPML_ERR_VERSION && rewind_stream(&file->reader) == 0 &&
                ppml_header_read(&header, &file->reader, &limits) == PPML_ERR_VERSION;
  if (is_told) return fail_header(error, &header, path, "the evaluation key of this circuit");
  return cli_fail_ppml(error, path, "the evaluation key of this circuit");
}

int load_eval_key(ppml_eval_key *key, stream_file *file, const char *path,
                  const ppml_circuit *circuit, const char *backend, const ppml_parallel *parallel,
                  int stream, ppml_arena *arena) {
  const ppml_params *p = circuit->params;
  size_t bytes = stream ? ppml_eval_key_stream_bytes(p, parallel->threads)
                        : ppml_eval_key_read_bytes(p, parallel->threads) +
                              ppml_eval_key_prepare_bytes(circuit);
  int status = stream_open(file, path, "an evaluation key");
  if (status == CLI_OK) status = cli_arena_create(arena, bytes);
  if (status) return status;
  int error = read_key(key, file, circuit, backend, parallel, stream, arena);
  return error ? fail_key(error, file, path) : CLI_OK;
}

/* Checks the file that is held. */
static int check_held(const char *path, const char *expected) {
  file_input file;
  ppml_header header;
  ppml_limits limits = ppml_limits_default();
  if (read_container(&file, path) != NULL) return cli_fail(file.status, path, "%s", file.message);
  ppml_reader reader = ppml_reader_from_memory(file.bytes, file.count);
  int error = ppml_container_check(&header, &reader, &limits);
  file_free(&file);
  return error ? cli_fail_ppml(error, path, expected) : CLI_OK;
}

int load_check(const char *path, const char *expected) {
  stream_file file;
  ppml_header header;
  ppml_limits limits = ppml_limits_default();
  if (is_held(path)) return check_held(path, expected);
  int status = stream_open(&file, path, expected);
  if (status) return status;
  int error = ppml_container_check(&header, &file.reader, &limits);
  stream_close(&file);
  return error ? fail_header(error, &header, path, expected) : CLI_OK;
}

/* ---------------------------------------------------------------- data set */

static int is_npy(const file_input *file) {
  return file->count >= 6 && memcmp(file->bytes, "\x93NUMPY", 6) == 0;
}

/* What else a data set's file may be. */
static const char *other_format(const file_input *file) {
  static const struct {
    const char *begin;
    size_t length;
    const char *reason;
  } formats[] = {
      {"\x93NUMPY", 6, "one array of an .npy (expected an .npz of images and labels: numpy.savez)"},
      {"\x89HDF", 4, "an HDF5 file (expected an .npz of its arrays: numpy.savez)"},
      {"MATLAB 5", 8, "a MATLAB file (expected an .npz of its arrays: numpy.savez)"},
      {"\x1F\x8B", 2, "a gzip file (expected an .npz; gunzip unpacks what is in it)"},
      {"\x80\x04", 2, "a pickle (expected an .npz of its arrays: numpy.savez)"}};
  if (file->count == 0) return "an empty file (expected an .npz)";
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
    if (file->count >= formats[i].length &&
        memcmp(file->bytes, formats[i].begin, formats[i].length) == 0)
      return formats[i].reason;
  return NULL;
}

/* Decodes an archive in memory. */
static int read_dataset(npz_dataset *dataset, const file_input *file, const char *path,
                        const npz_options *options, ppml_arena *arena) {
  zip_archive archive;
  const char *reason = other_format(file);
  if (reason == NULL) reason = zip_open(&archive, file->bytes, file->count);
  if (reason == NULL) reason = npz_dataset_measure(dataset, &archive, options);
  if (reason) return cli_fail(CLI_DATA, path, "%s", reason);
  int status = cli_arena_create(arena, dataset->memory_bytes);
  if (status) return status;
  size_t bytes = dataset->memory_bytes;
  reason = npz_dataset_read(dataset, &archive, options, arena->memory, bytes);
  if (reason == NULL) return CLI_OK;
  status = cli_fail(CLI_DATA, path, "%s", reason);
  cli_arena_destroy(arena);
  return status;
}

int load_dataset(npz_dataset *dataset, const char *path, const npz_options *options,
                 ppml_arena *arena) {
  file_input file;
  if (file_read(&file, path, options->limit_bytes) != NULL)
    return cli_fail(file.status, path, "%s%s", file.message,
                    file.status == FILE_TOO_LARGE ? "; --data-mib sets the limit" : "");
  int status = read_dataset(dataset, &file, path, options, arena);
  file_free(&file);
  return status;
}

int load_check_shape(const npz_dataset *dataset, const ppml_spec *spec, const char *path) {
  int is_ready = spec->encoder.kind == PPML_ENCODER_READY;
  if ((dataset->value_bytes > 1) != is_ready)
    return cli_fail(CLI_DATA, path, "%s (expected %s)", is_ready ? "pictures" : "latents of floats",
                    is_ready ? "latents of floats" : "pictures");
  if (dataset->width != spec->width || dataset->height != spec->height ||
      dataset->channels != spec->channels)
    return cli_fail(CLI_DATA, path, "images of %zux%zux%u (expected %ux%ux%u)", dataset->width,
                    dataset->height, dataset->channels, spec->width, spec->height, spec->channels);
  if (dataset->labels_per_image != ppml_spec_answer_bytes(spec))
    return cli_fail(CLI_DATA, path, "%u labels an image (expected %zu)", dataset->labels_per_image,
                    ppml_spec_answer_bytes(spec));
  if (dataset->classes > spec->classes)
    return cli_fail(CLI_DATA, path, "%u classes (expected at most %u)", dataset->classes,
                    spec->classes);
  return CLI_OK;
}

int load_split(const npz_split **split, const npz_dataset *dataset, const char *name) {
  int index = npz_split_index(name);
  if (index < 0) return cli_fail(CLI_USAGE, name, "no such split (expected train, val or test)");
  *split = &dataset->split[index];
  if ((*split)->count) return CLI_OK;
  int other = dataset->split[NPZ_TRAIN].count ? NPZ_TRAIN
              : dataset->split[NPZ_VAL].count ? NPZ_VAL
                                              : NPZ_TEST;
  return cli_fail(CLI_DATA, name, "no such images in the data set (expected --split %s)",
                  npz_split_name(other));
}

/* -------------------------------------------------------------------- ONNX */

/* A file that an ONNX file names: its name as text, if it is one of a file below the same folder. */
static int external_name(char name[FILE_PATH_BYTES], const protobuf *location) {
  size_t count = protobuf_count(location);
  if (count == 0 || count >= 1024 || location->at[0] == '/') return 0;
  for (size_t i = 0; i < count; i++) {
    if (location->at[i] < 0x20 || location->at[i] == '\\') return 0;
    name[i] = (char)location->at[i];
  }
  name[count] = 0;
  for (const char *part = name; part; part = strchr(part, '/')) {
    part += *part == '/';
    if (strcmp(part, "..") == 0 || strncmp(part, "../", 3) == 0) return 0;
  }
  return 1;
}

/* Where the file is: beside `path`, and not by a link elsewhere. */
static int external_path(char out[FILE_PATH_BYTES], const char *path, const char *name) {
  char folder[FILE_PATH_BYTES];
  const char *slash = strrchr(path, '/');
  int length = slash ? (int)(slash - path) + 1 : 0;
  if (snprintf(out, FILE_PATH_BYTES, "%.*s%s", length, path, name) >= FILE_PATH_BYTES) return 0;
  if (snprintf(folder, sizeof folder, "%.*s.", length, path) >= (int)sizeof folder) return 0;
  char *real_folder = realpath(folder, NULL), *real = realpath(out, NULL);
  size_t prefix = real_folder ? strlen(real_folder) : 0;
  int is_inside = real == NULL || (real_folder && strncmp(real, real_folder, prefix) == 0 &&
                                   (real[prefix] == '/' || real_folder[prefix - 1] == '/'));
  free(real_folder);
  free(real);
  return is_inside; /* what is not there is told by whoever opens it */
}

static int load_external(onnx_files *files, size_t i, const char *path, size_t *left) {
  char name[FILE_PATH_BYTES], beside[FILE_PATH_BYTES];
  onnx_external *external = &files->external[i];
  if (!external_name(name, &external->location) || !external_path(beside, path, name))
    return cli_fail(CLI_DATA, path,
                    "weights in a file of another folder (expected it beside this one)");
  if (file_read(&files->beside[i], beside, *left) != NULL)
    return cli_fail(files->beside[i].status, beside,
                    "%s; the weights of %s are in it (expected both in one folder, or one file by "
                    "torch.onnx.export(..., external_data=False))",
                    files->beside[i].message, path);
  *left -= files->beside[i].count;
  external->bytes = protobuf_of(files->beside[i].bytes, files->beside[i].count);
  return CLI_OK;
}

int load_onnx_files(onnx_files *files, const char *path) {
  size_t left = ONNX_FILE_BYTES_MAX;
  protobuf graph;
  memset(files, 0, sizeof *files);
  if (file_read(&files->file, path, left) != NULL)
    return cli_fail(files->file.status, path, "%s", files->file.message);
  left -= files->file.count;
  const char *reason = onnx_graph_find(&graph, files->file.bytes, files->file.count);
  if (reason == NULL) reason = onnx_externals_find(files->external, &files->externals, graph);
  if (reason) return cli_fail(CLI_DATA, path, "%s", reason);
  int status = CLI_OK;
  for (size_t i = 0; i < files->externals && status == CLI_OK; i++)
    status = load_external(files, i, path, &left);
  return status;
}

size_t onnx_files_bytes(const onnx_files *files) {
  size_t bytes = files->file.count;
  for (size_t i = 0; i < files->externals; i++) bytes += files->beside[i].count;
  return bytes;
}

void onnx_files_free(onnx_files *files) {
  file_free(&files->file);
  for (size_t i = 0; i < files->externals; i++) file_free(&files->beside[i]);
}

int load_onnx(onnx_network *network, const onnx_files *files, const char *path,
              const onnx_image *shape, const char *output, ppml_arena *arena) {
  onnx_request request = {
      files->file.bytes, files->file.count, files->external, files->externals, *shape, output};
  size_t bytes = onnx_memory_bytes(onnx_files_bytes(files));
  int status = cli_arena_create(arena, bytes);
  if (status == CLI_OK && onnx_read(network, &request, arena->memory, bytes)) {
    status = cli_fail(CLI_DATA, path, "%s", network->message);
    cli_arena_destroy(arena);
  }
  return status;
}

/* ------------------------------------------------------------------- image */

/* What of DICOM files is wanted: all that a command reads are read alike. */
static image_view picture_view;

/* Two decimal numbers with a comma between them, the second one 1 or more; nothing else. */
static int parse_window(image_view *view, const char *text) {
  char rest = 0;
  if (strspn(text, "0123456789+-.,eE") != strlen(text)) return 0;
  int found = sscanf(text, "%lf,%lf%c", &view->center, &view->width, &rest);
  int is_window = found == 2 && view->width >= 1 && view->width < 1e30 && view->center > -1e30 &&
                  view->center < 1e30;
  if (is_window) view->window = IMAGE_WINDOW_GIVEN;
  return is_window;
}

void load_take_view(args *a) {
  const char *window = args_text(a, "--window");
  picture_view.frame = (unsigned)args_number(a, "--frame", 1, UINT32_MAX, 0);
  if (window == NULL) return;
  if (strcmp(window, "full") == 0) picture_view.window = IMAGE_WINDOW_FULL;
  else if (!parse_window(&picture_view, window) && !a->failed)
    a->failed = cli_fail(CLI_USAGE, a->command,
                         "bad --window %s (expected C,W, its center and its "
                         "width of 1 or more, or full)",
                         window);
}

/* A patient's image: all of the memory is wiped when it is given back. */
static void wipe_later(ppml_arena *arena) {
  arena->high_bytes = arena->capacity_bytes;
}

/* Decodes an image in memory. */
static int decode_image(image *out, const uint8_t *bytes, size_t count, const char *path,
                        const char *where, ppml_arena *arena) {
  const char *reason = image_measure(out, &picture_view, bytes, count);
  if (reason) return cli_fail(CLI_DATA, path, "%s%s", reason, where);
  int status = cli_arena_create(arena, out->memory_bytes);
  if (status) return status;
  wipe_later(arena);
  reason = image_read(out, &picture_view, bytes, count, arena->memory, out->memory_bytes);
  if (reason == NULL) return CLI_OK;
  cli_arena_destroy(arena);
  return cli_fail(CLI_DATA, path, "%s%s", reason, where);
}

/* The same of a file in memory, which is unpacked first if it is a deflated DICOM file. */
static int read_image(image *out, const file_input *file, const char *path, const char *where,
                      ppml_arena *arena) {
  ppml_arena unpacked;
  size_t bytes = 0;
  const char *reason = image_unpacked_bytes(&bytes, file->bytes, file->count);
  if (reason) return cli_fail(CLI_DATA, path, "%s%s", reason, where);
  if (bytes == 0) return decode_image(out, file->bytes, file->count, path, where, arena);
  int status = cli_arena_create(&unpacked, bytes);
  if (status) return status;
  wipe_later(&unpacked);
  reason = image_unpack(unpacked.memory, bytes, file->bytes, file->count);
  status = reason ? cli_fail(CLI_DATA, path, "%s%s", reason, where)
                  : decode_image(out, unpacked.memory, bytes, path, where, arena);
  cli_arena_destroy(&unpacked);
  return status;
}

int load_picture(image *out, const char *path, const char *where, ppml_arena *arena) {
  file_input file;
  if (file_read(&file, path, IMAGE_FILE_BYTES_MAX) != NULL)
    return cli_fail(file.status, path, "%s%s", file.message, where);
  int status = read_image(out, &file, path, where, arena);
  file_free(&file);
  return status;
}

/* Makes the image fit, in an arena that takes the place of its own. */
static int fit_image(image *out, const ppml_spec *spec, ppml_arena *arena) {
  ppml_arena fitted;
  int status = cli_arena_create(&fitted, ppml_spec_inputs(spec));
  if (status == CLI_OK) {
    uint8_t *pixels = (uint8_t *)fitted.memory;
    resample_fit(pixels, spec->height, spec->width, spec->channels, out);
    wipe_later(&fitted);
    *out = (image){ppml_spec_inputs(spec), spec->width, spec->height, spec->channels, pixels};
  }
  cli_arena_destroy(arena);
  *arena = fitted;
  return status;
}

/* Is it gray, though it has three channels? */
static int has_no_colour(const image *in) {
  const uint8_t *at = in->pixels, *end = at + 3 * in->width * in->height;
  for (; in->channels == 3 && at < end; at += 3)
    if (at[0] != at[1] || at[0] != at[2]) return 0;
  return 1;
}

/* Puts the image of an .npy file into an arena: bytes, or the latents of a network of these.
 *   values  out: in arena */
static int take_array(const uint8_t **values, const file_input *file, const char *path,
                      const ppml_spec *spec, ppml_arena *arena) {
  npz_dataset read;
  npz_options options = npz_options_default();
  dataset_for_network(&options, spec);
  int status = cli_arena_create(arena, ppml_spec_image_bytes(spec));
  if (status) return status;
  wipe_later(arena);
  *values = arena->memory;
  const char *reason = npz_read_image(arena->memory, &read, &options, file->bytes, file->count);
  if (reason == NULL) return CLI_OK;
  cli_arena_destroy(arena);
  return cli_fail(CLI_DATA, path, "%s", reason);
}

/* A picture's bytes by the range of the network: whether they are such values, is known. */
static void apply_range(uint8_t *pixels, const ppml_spec *spec) {
  double black = dataset_range_value(spec->range.black);
  double white = dataset_range_value(spec->range.white);
  for (size_t i = 0; i < ppml_spec_inputs(spec); i++) {
    double level = floor((pixels[i] - black) * 255 / (white - black) + 0.5);
    pixels[i] = (uint8_t)(level < 0 ? 0 : level > 255 ? 255 : level);
  }
}

static int refuse_picture(const char *path, const ppml_spec *spec) {
  return cli_fail(CLI_DATA, path,
                  "a picture, whose bytes are no values of %g to %g (expected an .npy of such "
                  "values, as the network was trained on)",
                  dataset_range_value(spec->range.black), dataset_range_value(spec->range.white));
}

static int refuse_size(const image *picture, const char *path, const ppml_spec *spec) {
  return cli_fail(CLI_DATA, path,
                  "an image of %zux%zux%u (expected %ux%ux%u; --fit cuts, scales%s)",
                  picture->width, picture->height, picture->channels, spec->width, spec->height,
                  spec->channels, spec->channels == 1 ? " and makes gray" : "");
}

/* Puts a picture into an arena. */
static int take_picture(const uint8_t **pixels, const file_input *file, const char *path,
                        const ppml_spec *spec, int fit, ppml_arena *arena) {
  image out = {0};
  int status = read_image(&out, file, path, "", arena);
  if (status) return status;
  wipe_later(arena);
  int same_size = out.width == spec->width && out.height == spec->height;
  int same_colours = out.channels == spec->channels || (spec->channels == 1 && has_no_colour(&out));
  if (spec->range.kind == PPML_RANGE_VALUES) status = refuse_picture(path, spec);
  else if (!fit && !(same_size && same_colours)) status = refuse_size(&out, path, spec);
  if (status) {
    cli_arena_destroy(arena);
    return status;
  }
  if (out.channels != spec->channels || !same_size) status = fit_image(&out, spec, arena);
  if (status == CLI_OK && spec->range.kind == PPML_RANGE_BYTES) apply_range(arena->memory, spec);
  *pixels = out.pixels;
  return status;
}

int load_image(const uint8_t **pixels, const char *path, const ppml_spec *spec, int fit,
               ppml_arena *arena) {
  file_input file;
  int is_ready = spec->encoder.kind == PPML_ENCODER_READY;
  if (file_read(&file, path, IMAGE_FILE_BYTES_MAX) != NULL)
    return cli_fail(file.status, path, "%s", file.message);
  int status = is_ready || is_npy(&file) ? take_array(pixels, &file, path, spec, arena)
                                         : take_picture(pixels, &file, path, spec, fit, arena);
  file_free(&file);
  return status;
}

/* -------------------------------------------------------------------- save */

static int write_output(ppml_writer *self, const void *bytes, size_t count) {
  return file_write((file_output *)self->context, bytes, count) != NULL;
}

ppml_writer save_writer(file_output *output) {
  ppml_writer writer = {write_output, output, 0, 0};
  return writer;
}

int save_fail(const file_output *output, const char *path) {
  return cli_fail(output->status, path, "%s", output->message);
}

/* Begins an output, calls `write`, and commits. */
#define SAVE_CONTAINER(write)                                                                      \
  do {                                                                                             \
    file_output output;                                                                            \
    int status = outputs_begin(&output, path, 0666);                                               \
    if (status) return status;                                                                     \
    ppml_writer writer = save_writer(&output);                                                     \
    if ((write) == PPML_OK) return outputs_commit(&output, &path, 1);                              \
    file_abort(&output);                                                                           \
    return save_fail(&output, path);                                                               \
  } while (0)

int save_model(const ppml_model *model, const char *path) {
  SAVE_CONTAINER(ppml_model_write(model, &writer));
}

int save_output(const ppml_output *output_ct, const char *path) {
  SAVE_CONTAINER(ppml_output_write(output_ct, &writer));
}

int save_features(const ppml_features *map, const char *path) {
  SAVE_CONTAINER(ppml_features_write(map, &writer));
}

int save_learnt(const ppml_learnt *learnt, const char *path) {
  SAVE_CONTAINER(ppml_learnt_write(learnt, &writer));
}
