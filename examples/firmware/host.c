/* host.c - the board that this machine is: the same client as a program, whose bytes a test compares with
 * the boards'. */
#include "board.h"

#include <stdio.h>

static FILE *files[8];

int board_entropy(void *bytes, size_t count) {
  FILE *source = fopen("/dev/urandom", "rb");
  if (source == NULL) return 1;
  size_t got = fread(bytes, 1, count, source);
  fclose(source);
  return got != count;
}

int board_open(const char *name, int writes) {
  for (int handle = 0; handle < 8; handle++) {
    if (files[handle]) continue;
    files[handle] = fopen(name, writes ? "wb" : "rb");
    return files[handle] ? handle : -1;
  }
  return -1;
}

int board_write(int handle, const void *bytes, size_t count) {
  return fwrite(bytes, 1, count, files[handle]) != count;
}

size_t board_read(int handle, void *bytes, size_t count) {
  return fread(bytes, 1, count, files[handle]);
}

void board_close(int handle) {
  fclose(files[handle]);
  files[handle] = NULL;
}

void board_print(const char *text) {
  fputs(text, stdout);
  fflush(stdout);
}

void board_begin(void) {
}

void board_end(const char *step, size_t arena_bytes) {
  printf("%s arena %zx\n", step, arena_bytes);
}
