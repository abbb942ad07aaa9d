/* file.c - see file.h.  Descriptors rather than streams: stdio would keep copies of secrets. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BYTES = 65536 };

/* A call through a volatile pointer is one that the compiler cannot leave out. */
static void *(*const volatile wipe)(void *, int, size_t) = memset;

static int is_standard(const char *path) {
  return strcmp(path, "-") == 0;
}

/* `what (why)`, why being errno's text unless error is 0. */
static const char *describe(char message[FILE_MESSAGE_BYTES], const char *what, int error) {
  if (error != 0) snprintf(message, FILE_MESSAGE_BYTES, "%s (%s)", what, strerror(error));
  else snprintf(message, FILE_MESSAGE_BYTES, "%s", what);
  return message;
}

/* ----------------------------------------------------------------------------------- input */

static const char *input_fail(file_input *input, int status, const char *what, int error) {
  input->status = status;
  return describe(input->message, what, error);
}

static const char *input_too_large(file_input *input, size_t limit_bytes) {
  input->status = FILE_TOO_LARGE;
  snprintf(input->message, sizeof input->message, "too large (expected at most %zu bytes)",
           limit_bytes);
  return input->message;
}

/* read(), again if a signal came first. */
static ssize_t read_some(int descriptor, unsigned char *bytes, size_t count) {
  ssize_t got;
  do got = read(descriptor, bytes, count);
  while (got < 0 && errno == EINTR);
  return got;
}

/* realloc() that wipes what it leaves. */
static int grow(file_input *input, size_t *capacity, size_t wanted) {
  unsigned char *bytes = malloc(wanted);
  if (!bytes) return 0;
  if (input->count > 0) memcpy(bytes, input->bytes, input->count);
  file_free(&(file_input){.bytes = input->bytes, .count = input->count});
  input->bytes = bytes;
  *capacity = wanted;
  return 1;
}

/* The next capacity: a regular file's size and one byte to see the end with, else twice as much. */
static size_t next_capacity(int descriptor, size_t capacity, size_t limit_bytes) {
  struct stat status;
  size_t wanted = capacity > 0 ? capacity : FIRST_BYTES / 2;
  wanted = wanted > limit_bytes / 2 ? limit_bytes : 2 * wanted;
  if (capacity == 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
      status.st_size > 0 && (unsigned long long)status.st_size < limit_bytes)
    wanted = (size_t)status.st_size + 1;
  return wanted > 0 ? wanted : 1;
}

/* Reads to the end.  Full at the limit, one more byte is tried for: there must be none. */
static const char *read_all(file_input *input, int descriptor, size_t limit_bytes) {
  size_t capacity = 0;
  for (;;) {
    unsigned char spare;
    int full = input->count == limit_bytes;
    if (input->count == capacity && !(full && capacity > 0) &&
        !grow(input, &capacity, next_capacity(descriptor, capacity, limit_bytes)))
      return input_fail(input, FILE_NO_MEMORY, "not enough memory to read it", 0);
    size_t room = full ? 1 : capacity - input->count;
    ssize_t got = read_some(descriptor, full ? &spare : input->bytes + input->count, room);
    if (got < 0)
      return input_fail(input, errno == EISDIR ? FILE_MISSING : FILE_IO, "cannot read it", errno);
    if (got == 0) return NULL;
    if (full) return input_too_large(input, limit_bytes);
    input->count += (size_t)got;
  }
}

const char *file_read(file_input *input, const char *path, size_t limit_bytes) {
  *input = (file_input){0};
  int descriptor = is_standard(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return input_fail(input, FILE_MISSING, "cannot open it", errno);
  const char *reason = read_all(input, descriptor, limit_bytes);
  if (!is_standard(path)) close(descriptor);
  if (reason) file_free(input);
  return reason;
}

void file_free(file_input *input) {
  if (!input->bytes) return;
  wipe(input->bytes, 0, input->count);
  free(input->bytes);
  input->bytes = NULL;
  input->count = 0;
}

/* ---------------------------------------------------------------------------------- output */

/* A full or broken disk is told from a place where nothing may be created. */
static const char *output_fail(file_output *output, const char *what, int error) {
  int disk = error == ENOSPC || error == EDQUOT || error == EIO || error == EFBIG;
  output->status = disk ? FILE_IO : FILE_NO_CREATE;
  return describe(output->message, what, error);
}

static const char *write_fail(file_output *output, int error) {
  output->status = FILE_IO;
  return describe(output->message, "cannot write it", error);
}

/* Opens the temporary, `.ppml-PID-N.tmp` in the target's directory: short, so that it is not
 * refused where the target's own name is allowed. */
static const char *open_temporary(file_output *output, unsigned mode) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const char *slash = strrchr(output->target, '/');
  int directory = slash ? (int)(slash + 1 - output->target) : 0;
  for (unsigned n = 0; n < 1000; n++) {
    int length = snprintf(output->temporary, FILE_PATH_BYTES, "%.*s.ppml-%ld-%u.tmp", directory,
                          output->target, (long)getpid(), n);
    errno = ENAMETOOLONG;
    if (length < 0 || length >= FILE_PATH_BYTES) break;
    output->descriptor = open(output->temporary, flags, (mode_t)mode);
    if (output->descriptor >= 0) return NULL;
    if (errno != EEXIST) break;
  }
  output->temporary[0] = 0;
  return output_fail(output, "cannot create it", errno);
}

static const char *open_in_place(file_output *output, const char *path) {
  output->descriptor = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  return output->descriptor >= 0 ? NULL : output_fail(output, "cannot open it", errno);
}

/* Prepares to replace a regular file: where links lead to, if it may be written. */
static const char *resolve(file_output *output, const char *path) {
  char *real = access(path, W_OK) == 0 ? realpath(path, NULL) : NULL;
  if (!real) return output_fail(output, "cannot replace it", errno);
  size_t length = strlen(real);
  if (length < FILE_PATH_BYTES) memcpy(output->target, real, length + 1);
  free(real);
  return length < FILE_PATH_BYTES ? NULL : output_fail(output, "cannot replace it", ENAMETOOLONG);
}

/* A path that nothing is at.  It must be a file's name now, not only when it is renamed to. */
static const char *keep_path(file_output *output, const char *path) {
  size_t length = strlen(path);
  if (length == 0 || path[length - 1] == '/')
    return output_fail(output, "not a file's name (expected a path or -)", 0);
  if (length >= FILE_PATH_BYTES) return output_fail(output, "cannot create it", ENAMETOOLONG);
  memcpy(output->target, path, length + 1);
  return NULL;
}

const char *file_create(file_output *output, const char *path, unsigned mode) {
  struct stat status;
  const char *reason = NULL;
  *output = (file_output){.descriptor = -1};
  if (is_standard(path)) {
    output->descriptor = STDOUT_FILENO;
    return fflush(stdout) == 0 ? NULL : write_fail(output, errno);
  }
  int there = stat(path, &status) == 0;
  if (!there && errno != ENOENT) return output_fail(output, "cannot create it", errno);
  if (there && !S_ISREG(status.st_mode)) return open_in_place(output, path);
  if (there) mode &= (unsigned)status.st_mode & 0777U;
  reason = there ? resolve(output, path) : keep_path(output, path);
  return reason ? reason : open_temporary(output, mode);
}

/* write() until all is written.  0 or errno. */
static int write_all(int descriptor, const unsigned char *bytes, size_t count) {
  while (count > 0) {
    ssize_t put = write(descriptor, bytes, count);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    bytes += put;
    count -= (size_t)put;
  }
  return 0;
}

static const char *flush(file_output *output) {
  int error = write_all(output->descriptor, output->buffer, output->held_bytes);
  wipe(output->buffer, 0, output->held_bytes);
  output->held_bytes = 0;
  return error == 0 ? NULL : write_fail(output, error);
}

const char *file_write(file_output *output, const void *bytes, size_t count) {
  const char *reason = NULL;
  if (output->status != 0) return output->message;
  if (output->descriptor < 0) return write_fail(output, EBADF);
  if (count > FILE_BUFFER_BYTES - output->held_bytes) reason = flush(output);
  if (reason) return reason;
  if (count >= FILE_BUFFER_BYTES) {
    int error = write_all(output->descriptor, bytes, count);
    return error == 0 ? NULL : write_fail(output, error);
  }
  if (count > 0) memcpy(output->buffer + output->held_bytes, bytes, count);
  output->held_bytes += count;
  return NULL;
}

/* Standard output stays open: it is not ours. */
static int close_output(file_output *output) {
  int descriptor = output->descriptor;
  output->descriptor = -1;
  if (descriptor < 0 || descriptor == STDOUT_FILENO) return 0;
  return close(descriptor) == 0 || errno == EINTR ? 0 : errno;
}

/* Some file systems cannot sync and say EINVAL. */
static int sync_output(const file_output *output) {
  if (!output->temporary[0] || fsync(output->descriptor) == 0 || errno == EINVAL) return 0;
  return errno;
}

static const char *finish(file_output *output) {
  const char *reason = flush(output);
  if (reason) return reason;
  int error = sync_output(output);
  int close_error = close_output(output);
  if (error == 0) error = close_error;
  if (error != 0) return write_fail(output, error);
  if (output->temporary[0] && rename(output->temporary, output->target) != 0)
    return output_fail(output, "cannot replace it", errno);
  output->temporary[0] = 0;
  return NULL;
}

const char *file_commit(file_output *output) {
  const char *reason = output->status != 0 ? output->message : NULL;
  if (!reason && output->descriptor < 0) reason = write_fail(output, EBADF);
  if (!reason) reason = finish(output);
  if (reason) file_abort(output);
  return reason;
}

void file_abort(file_output *output) {
  wipe(output->buffer, 0, sizeof output->buffer);
  output->held_bytes = 0;
  close_output(output);
  if (output->temporary[0]) unlink(output->temporary);
  output->temporary[0] = 0;
}
