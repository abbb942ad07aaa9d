/* fuzz_dicom.c - any bytes as a DICOM file, in each window and frame, unpacked first if it is packed.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -o fuzz_dicom fuzz/fuzz_dicom.c \
 *         examples/cli/{dicom*,jpeg*,exif,inflate}.c -lm
 *     mkdir -p /tmp/new && ./fuzz_dicom -max_len=4096 /tmp/new fuzz/corpus/dicom
 * AFL++:
 *     afl-clang-fast -g -O1 -fsanitize=fuzzer -o fuzz_dicom fuzz/fuzz_dicom.c \
 *         examples/cli/{dicom*,jpeg*,exif,inflate}.c -lm
 *     afl-fuzz -i fuzz/corpus/dicom -o /tmp/afl -- ./fuzz_dicom
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/dicom.h"
#include "pictures.h"

#include <stdlib.h>

enum { MEMORY_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check(const image_view *view, const uint8_t *bytes, size_t count) {
  image measured, got = {0};
  if (dicom_measure(&measured, view, bytes, count) || measured.memory_bytes > MEMORY_MAX) return;
  uint8_t *memory = malloc(measured.memory_bytes);
  if (!memory) return;
  if (!dicom_read(&got, view, bytes, count, memory, measured.memory_bytes))
    check_image(&measured, &got, memory);
  else if (got.pixels) abort();
  free(memory);
}

static void check_views(const uint8_t *bytes, size_t count) {
  static const image_view views[] = {{0, IMAGE_WINDOW_FILE, 0, 0},
                                     {1, IMAGE_WINDOW_FULL, 0, 0},
                                     {2, IMAGE_WINDOW_GIVEN, -10.5, 3}};
  for (size_t i = 0; i < sizeof views / sizeof *views; i++) check(&views[i], bytes, count);
}

/* What is unpacked is as long as was told, and no packed file any more. */
static void check_packed(const uint8_t *bytes, size_t count, size_t unpacked) {
  size_t again = 0;
  uint8_t *plain = malloc(unpacked);
  if (!plain) return;
  if (!dicom_unpack_file(plain, unpacked, bytes, count)) {
    if (dicom_packed_bytes(&again, plain, unpacked) == NULL && again > 0) abort();
    check_views(plain, unpacked);
  }
  free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  size_t unpacked = 0;
  if (!dicom_is(bytes, count)) return 0;
  check_views(bytes, count);
  if (!dicom_packed_bytes(&unpacked, bytes, count) && unpacked > 0 && unpacked <= MEMORY_MAX)
    check_packed(bytes, count, unpacked);
  return 0;
}
