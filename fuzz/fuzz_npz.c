/* fuzz_npz.c - any bytes as an .npz with a data set, read in several ways, and as an .npy.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
 *         -o fuzz_npz fuzz/fuzz_npz.c examples/cli/{npz,npz_values,npz_labels,npy,zip,inflate}.c
 *     mkdir -p /tmp/new && ./fuzz_npz -max_len=4096 /tmp/new fuzz/corpus/npz
 * AFL++ (which defines that macro itself):
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_npz fuzz/fuzz_npz.c \
 *         examples/cli/{npz,npz_values,npz_labels,npy,zip,inflate}.c
 *     afl-fuzz -i fuzz/corpus/npz -o /tmp/afl -- ./fuzz_npz
 * Corpus alone: fuzz/replay.c in place of the fuzzer.
 *
 * The macro lets mutations past the CRC-32. */
#include "../examples/cli/npz.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static volatile unsigned sink;

/* Reads the last byte of everything, for a sanitizer to see, and checks what npz.h promises. */
static void check_dataset(const npz_dataset *data, const npz_options *options) {
  size_t image_bytes = data->height * data->width * data->channels * data->value_bytes;
  size_t images = 0;
  if (data->value_bytes != 1 && image_bytes > NPZ_LATENTS_MAX * sizeof(float)) abort();
  if (image_bytes == 0 || data->classes < 2 || data->classes > NPZ_CLASSES_MAX) abort();
  for (int i = 0; i < NPZ_SPLITS; i++) {
    const npz_split *split = &data->split[i];
    images += split->count;
    if (split->count == 0) continue;
    sink = split->images[split->count * image_bytes - 1];
    for (size_t j = 0; j < split->count * data->labels_per_image; j++)
      if (split->labels[j] >= (data->labels_per_image > 1 ? 2 : data->classes)) abort();
  }
  if (images == 0) abort();
  if (options->trains && (!data->split[NPZ_TRAIN].count || !data->split[NPZ_VAL].count)) abort();
}

static void read_dataset(const zip_archive *archive, const npz_options *options) {
  npz_dataset data;
  if (npz_dataset_measure(&data, archive, options)) return;
  size_t memory_bytes = data.memory_bytes;
  void *memory = malloc(memory_bytes);
  if (!memory) return;
  const char *reason = npz_dataset_read(&data, archive, options, memory, memory_bytes);
  if (!reason) check_dataset(&data, options);
  if (reason && (reason != data.message || strlen(reason) >= NPZ_MESSAGE_BYTES)) abort();
  free(memory);
}

/* A network of 5 x 3 pixels or of 2 x 6 x 6 latents, as some seeds have. */
static npz_options of_network(int takes_latents) {
  npz_options options = npz_options_default();
  options.limit_bytes = MEMORY_MAX;
  options.takes_latents = takes_latents;
  options.classes = 3;
  options.height = takes_latents ? 6 : 5;
  options.width = takes_latents ? 6 : 3;
  options.channels = takes_latents ? 2 : 1;
  options.is_full_range = 1;
  return options;
}

/* The same bytes as one image in an .npy: of exactly its size, for a sanitizer to see. */
static void read_image(const uint8_t *bytes, size_t count, const npz_options *options) {
  npz_dataset read;
  size_t image_bytes = options->height * options->width * options->channels *
                       (options->takes_latents ? sizeof(float) : 1);
  uint8_t *image = malloc(image_bytes);
  if (!image) return;
  sink = npz_read_image(image, &read, options, bytes, count) != NULL;
  free(image);
}

/* As commands have them: for no network, to train by, and in all other ways at once. */
static void read_all_ways(const zip_archive *archive) {
  npz_options plain = npz_options_default(), trains, told;
  plain.limit_bytes = MEMORY_MAX;
  trains = told = plain;
  trains.trains = trains.cuts = trains.relabels = trains.takes_latents = 1;
  told.sides = 2, told.side[0] = 5, told.side[1] = 3;
  told.range.kind = NPZ_RANGE_DATA;
  told.has_columns = told.cuts = 1;
  read_dataset(archive, &plain);
  read_dataset(archive, &trains);
  read_dataset(archive, &told);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  zip_archive archive;
  npz_options pixels = of_network(0), latents = of_network(1);
  read_image(bytes, count, &pixels);
  read_image(bytes, count, &latents);
  if (zip_open(&archive, bytes, count)) return 0;
  read_all_ways(&archive);
  latents.relabels = 1;
  read_dataset(&archive, &pixels);
  read_dataset(&archive, &latents);
  return 0;
}
