/* read_file KIND FILE: reads FILE with the reader of that kind, and says how that went.  For
 * tools/limits.py, which measures it.  `read_file make-KIND FILE BYTES` writes containers that only
 * the library can lay out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PPML_IMPLEMENTATION
#include "../ppml.h"

#include "../examples/cli/csv.h"
#include "../examples/cli/file.h"
#include "../examples/cli/image.h"
#include "../examples/cli/npz.h"
#include "../examples/cli/onnx.h"

static void *block(size_t bytes) {
  void *memory = NULL;
  if (posix_memalign(&memory, PPML_ALIGNMENT, bytes ? bytes : 1) != 0) exit(70);
  return memory;
}

static const char *read_image(const file_input *file) {
  image got;
  const char *reason = image_measure(&got, file->bytes, file->count);
  if (reason) return reason;
  return image_read(&got, file->bytes, file->count, block(got.memory_bytes), got.memory_bytes);
}

static const char *read_npz(const file_input *file) {
  static npz_dataset data;
  npz_archive archive;
  const char *reason = npz_open(&archive, file->bytes, file->count);
  if (!reason) reason = npz_dataset_measure(&data, &archive, NPZ_MEMORY_DEFAULT);
  if (reason) return reason;
  size_t bytes = data.memory_bytes;
  return npz_dataset_read(&data, &archive, block(bytes), bytes);
}

static const char *read_csv(const file_input *file) {
  csv table;
  const char *reason = NULL;
  csv_open(&table, file->bytes, file->count);
  do reason = csv_next(&table);
  while (!reason && table.fields);
  return reason;
}

static const char *read_onnx(const file_input *file) {
  static onnx_network network;
  const onnx_request request = {file->bytes, file->count, NULL, 0, {28, 28, 1, 0}, NULL};
  size_t bytes = onnx_memory_bytes(file->count);
  return onnx_read(&network, &request, block(bytes), bytes);
}

/* Any container. */
static const char *read_container(const file_input *file) {
  ppml_limits limits = ppml_limits_default();
  ppml_header h;
  static union {
    ppml_model model;
    ppml_circuit circuit;
    ppml_input input;
    ppml_output output;
  } o;
  ppml_arena arena;
  ppml_reader reader = ppml_reader_from_memory(file->bytes, file->count);
  int error = ppml_header_read(&h, &reader, &limits);
  if (error) return ppml_strerror(error);
  reader = ppml_reader_from_memory(file->bytes, file->count);
  size_t bytes = ppml_read_bytes(&h);
  if (ppml_arena_init(&arena, block(bytes), bytes) != PPML_OK) return "no arena";
  if (h.kind == PPML_KIND_MODEL) error = ppml_model_read(&o.model, &reader, &limits, &arena);
  if (h.kind == PPML_KIND_CIRCUIT) error = ppml_circuit_read(&o.circuit, &reader, &limits, &arena);
  if (h.kind == PPML_KIND_INPUT) error = ppml_input_read(&o.input, &reader, &limits, &arena);
  if (h.kind == PPML_KIND_OUTPUT) error = ppml_output_read(&o.output, &reader, &limits, &arena);
  return error ? ppml_strerror(error) : NULL;
}

/* As many blocks or images, of zeros, as a file of that many bytes has. */
static int make(const char *kind, const char *path, size_t bytes) {
  size_t capacity = bytes + 4096;
  ppml_writer writer = ppml_writer_to_memory(block(capacity), capacity);
  const ppml_params *p = ppml_params_by_name("leveled-64");
  ppml_limits limits = ppml_limits_default();
  int error = PPML_OK;
  if (strcmp(kind, "make-input") == 0) {
    ppml_input input = {.params = p, .body = calloc(bytes / 8, 8), .tail = calloc(bytes / 8, 1)};
    while (ppmli_input_payload_bytes(p, input.blocks + 1) + 200 < bytes &&
           ppmli_input_fits(p, input.blocks + 1, &limits))
      input.blocks++;
    error = ppml_input_write(&input, &writer);
  } else {
    ppml_output output = {.params = p, .outputs = 1, .lwe = calloc(bytes, 4)};
    while (ppmli_output_payload_bytes(p, output.images + 1, 1) + 200 < bytes) output.images++;
    error = ppml_output_write(&output, &writer);
  }
  FILE *file = fopen(path, "wb");
  if (error || !file) return 70;
  fwrite(writer.context, 1, writer.position, file);
  return fclose(file) ? 74 : 0;
}

/* The most memory that was resident, in KB: of this program alone, as Linux tells. */
static long peak_kb(void) {
  char line[128];
  long kb = 0;
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "VmHWM: %ld", &kb) == 1) break;
  if (status) fclose(status);
  return kb;
}

int main(int argc, char **argv) {
  static const struct {
    const char *kind, *(*read)(const file_input *file);
  } readers[] = {{"image", read_image},
                 {"npz", read_npz},
                 {"csv", read_csv},
                 {"onnx", read_onnx},
                 {"container", read_container}};
  file_input file;
  if (argc == 4) return make(argv[1], argv[2], (size_t)strtoull(argv[3], NULL, 10));
  if (argc != 3) return 64;
  const char *reason = file_read(&file, argv[2], (size_t)1 << 30);
  for (size_t i = 0; !reason && i < sizeof readers / sizeof readers[0]; i++)
    if (strcmp(argv[1], readers[i].kind) == 0) {
      reason = readers[i].read(&file);
      printf("%ld %s\n", peak_kb(), reason ? reason : "read");
      return 0;
    }
  return 66;
}
