#include "outputs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one path at which a secret key may be replaced; NULL if there is none. */
static const char *replaceable;

/* By the first 12 bytes, of any version and in whatever state the rest is: docs/FORMAT.md. */
static int is_secret_key(const char *path) {
  static const uint8_t magic[8] = {0x89, 'P', 'P', 'M', 'L', 0x0d, 0x0a, 0x1a};
  uint8_t bytes[12];
  struct stat status;
  if (strcmp(path, "-") == 0 || stat(path, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0; /* nor can it be replaced */
  ssize_t got = read(descriptor, bytes, sizeof bytes);
  close(descriptor);
  return got == (ssize_t)sizeof bytes && memcmp(bytes, magic, sizeof magic) == 0 &&
         (bytes[10] == PPML_KIND_KEYRING || bytes[10] == PPML_KIND_SECRET_KEY) && bytes[11] == 0;
}

static int refuse_key(const char *path) {
  int may_replace = replaceable && strcmp(path, replaceable) == 0;
  if (may_replace || !is_secret_key(path)) return CLI_OK;
  return cli_fail(CLI_REFUSED, path, "is a secret key (expected another path, or keygen --force)");
}

int outputs_name(const char *path, int replaces_key) {
  const char *reason = file_name_output(path);
  if (reason) return cli_fail(CLI_USAGE, path, "%s", reason);
  if (replaces_key) replaceable = path;
  return refuse_key(path);
}

int outputs_begin(file_output *output, const char *path, unsigned mode) {
  *output = (file_output){.descriptor = -1};
  int status = refuse_key(path);
  if (status) return status;
  if (file_create(output, path, mode) == NULL) return CLI_OK;
  return cli_fail(output->status, path, "%s", output->message);
}

int outputs_commit(file_output *outputs, const char *const *paths, size_t count) {
  size_t failed = 0;
  int status = CLI_OK;
  for (size_t i = 0; i < count && status == CLI_OK; i++) status = refuse_key(paths[i]);
  if (status == CLI_OK) {
    if (file_commit_all(outputs, count, &failed) == NULL) return CLI_OK;
    return cli_fail(outputs[failed].status, paths[failed], "%s", outputs[failed].message);
  }
  for (size_t i = 0; i < count; i++) file_abort(&outputs[i]);
  return status;
}
