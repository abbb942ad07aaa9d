/* picture.c - prints the picture of a file as the command reads it, as binary PGM or PPM:
 *
 *     picture FILE [--frame N] [--window full|C,W] > OUT.pnm
 *
 * tests/pictures.sh compares it with what other programs make of the file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../examples/cli/file.h"
#include "../examples/cli/image.h"

static int fail(const char *path, const char *reason) {
  fprintf(stderr, "ppml: %s: %s\n", path, reason);
  return 65;
}

/* Puts the unpacked file in the place of a deflated one. */
static const char *unpack(file_input *file) {
  size_t bytes = 0;
  const char *reason = image_unpacked_bytes(&bytes, file->bytes, file->count);
  if (reason || bytes == 0) return reason;
  unsigned char *out = malloc(bytes);
  if (out == NULL) return "too little memory";
  reason = image_unpack(out, bytes, file->bytes, file->count);
  free(file->bytes);
  file->bytes = out;
  file->count = bytes;
  return reason;
}

static int print(const image *picture) {
  printf("P%d\n%zu %zu\n255\n", picture->channels == 1 ? 5 : 6, picture->width, picture->height);
  size_t count = picture->width * picture->height * picture->channels;
  return fwrite(picture->pixels, 1, count, stdout) != count || fflush(stdout) != 0;
}

int main(int argc, char **argv) {
  static file_input file;
  image picture;
  image_view view = {0};
  for (int i = 2; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--frame") == 0) view.frame = (unsigned)strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i + 1], "full") == 0) view.window = IMAGE_WINDOW_FULL;
    else if (sscanf(argv[i + 1], "%lf,%lf", &view.center, &view.width) == 2)
      view.window = IMAGE_WINDOW_GIVEN;
  }
  if (argc < 2) return 64;
  if (file_read(&file, argv[1], (size_t)1 << 30)) return fail(argv[1], file.message);
  const char *reason = unpack(&file);
  if (reason) return fail(argv[1], reason);
  reason = image_measure(&picture, &view, file.bytes, file.count);
  if (reason) return fail(argv[1], reason);
  void *memory = malloc(picture.memory_bytes);
  if (memory == NULL) return fail(argv[1], "too little memory");
  reason = image_read(&picture, &view, file.bytes, file.count, memory, picture.memory_bytes);
  return reason ? fail(argv[1], reason) : print(&picture);
}
