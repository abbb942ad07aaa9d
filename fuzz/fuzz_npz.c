/* fuzz_npz.c - any bytes as an .npz with a MedMNIST data set.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION \
 *         -o fuzz_npz fuzz/fuzz_npz.c examples/cli/npz.c examples/cli/inflate.c
 *     mkdir -p /tmp/new && ./fuzz_npz -max_len=4096 /tmp/new fuzz/corpus/npz
 * AFL++ (which defines that macro itself):
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_npz fuzz/fuzz_npz.c examples/cli/npz.c \
 *         examples/cli/inflate.c
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
static void check_dataset(const npz_dataset *data) {
  size_t image_bytes = data->height * data->width * data->channels * data->value_bytes;
  if (data->value_bytes != 1 && image_bytes > NPZ_LATENTS_MAX * sizeof(float)) abort();
  if (image_bytes == 0 || data->classes < 2 || data->classes > NPZ_CLASSES_MAX) abort();
  for (int i = 0; i < NPZ_SPLITS; i++) {
    const npz_split *split = &data->split[i];
    if (split->count == 0) abort();
    sink = split->images[split->count * image_bytes - 1];
    for (size_t j = 0; j < split->count; j++)
      if (split->labels[j] >= data->classes) abort();
  }
}

static void read_array(const npz_archive *archive, const char *name) {
  npz_array array;
  if (npz_array_measure(&array, archive, name) || array.memory_bytes > MEMORY_MAX) return;
  size_t memory_bytes = array.memory_bytes;
  uint8_t *memory = malloc(memory_bytes);
  if (!memory) return;
  if (!npz_array_read(&array, archive, name, memory, memory_bytes)) {
    if (array.rank > NPZ_RANK_MAX ||
        array.data + array.count * array.value_bytes != memory + memory_bytes)
      abort();
  }
  free(memory);
}

static void read_dataset(const npz_archive *archive) {
  npz_dataset data;
  if (npz_dataset_measure(&data, archive, NPZ_MEMORY_DEFAULT) || data.memory_bytes > MEMORY_MAX)
    return;
  size_t memory_bytes = data.memory_bytes;
  void *memory = malloc(memory_bytes);
  if (!memory) return;
  const char *reason = npz_dataset_read(&data, archive, memory, memory_bytes);
  if (!reason) check_dataset(&data);
  if (reason && (reason != data.message || strlen(reason) >= NPZ_MESSAGE_BYTES)) abort();
  free(memory);
}

/* The same bytes as one latent in an .npy. */
static void read_latent(const uint8_t *bytes, size_t count) {
  npz_array array;
  uint8_t values[4 * NPZ_LATENTS_MAX];
  if (npz_parse_npy(&array, bytes, count) || array.value_bytes != 4) return;
  if (array.count == 0 || array.count > NPZ_LATENTS_MAX ||
      array.data + 4 * array.count != bytes + count)
    return;
  memcpy(values, array.data, 4 * array.count);
  size_t channels = array.shape[0] && array.count % array.shape[0] == 0 ? array.shape[0] : 1;
  sink = npz_order_latent(values, channels, array.count / channels, 1) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  npz_archive archive;
  read_latent(bytes, count);
  if (npz_open(&archive, bytes, count)) return 0;
  read_array(&archive, "train_images");
  read_array(&archive, "other");
  read_dataset(&archive);
  return 0;
}
