/* replay.c - runs a fuzz target over files, without a fuzzer.
 *
 *     cc -Wall -o fuzz_npz fuzz/replay.c fuzz/fuzz_npz.c examples/cli/npz.c examples/cli/inflate.c
 *     ./fuzz_npz fuzz/corpus/npz [FILE|FOLDER]...
 *
 * Prints `fuzz_npz: 37 inputs replayed`.  Fails if an input cannot be read or there is none; what
 * the target finds ends the program, so build with sanitizers. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const char *program;

static void die(const char *path) {
  fprintf(stderr, "%s: ", program);
  perror(path);
  exit(1);
}

/* The block is just as long as the file, so that a sanitizer sees a read beyond it. */
static void replay_file(const char *path, size_t count) {
  uint8_t *bytes = malloc(count > 0 ? count : 1);
  FILE *file = fopen(path, "rb");
  if (!bytes || !file || fread(bytes, 1, count, file) != count) die(path);
  fclose(file);
  LLVMFuzzerTestOneInput(bytes, count);
  free(bytes);
}

/* A file, or the files of a folder and not those below it.  How many they were. */
static unsigned replay(const char *path, int depth) {
  struct stat status;
  unsigned inputs = 0;
  if (stat(path, &status) != 0) die(path);
  if (!S_ISDIR(status.st_mode)) {
    replay_file(path, (size_t)status.st_size);
    return 1;
  }
  DIR *folder = depth == 0 ? opendir(path) : NULL;
  if (!folder && depth == 0) die(path);
  for (struct dirent *item; folder && (item = readdir(folder)) != NULL;) {
    char name[4096];
    snprintf(name, sizeof name, "%s/%s", path, item->d_name);
    if (item->d_name[0] != '.') inputs += replay(name, depth + 1);
  }
  if (folder) closedir(folder);
  return inputs;
}

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/');
  unsigned inputs = 0;
  program = slash ? slash + 1 : argv[0];
  for (int i = 1; i < argc; i++) inputs += replay(argv[i], 0);
  printf("%s: %u inputs replayed\n", program, inputs);
  return inputs == 0;
}
