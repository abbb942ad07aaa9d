/* file.c - see file.h.  Descriptors rather than streams: stdio would keep copies of secrets. */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* realpath */
#endif

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_BYTES = 65536, OUTPUTS_MAX = 8 };

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

/* -------------------------------------------------------------------------- which file it is */

/* Where a path leads to, through links.  A file that is not there yet is its directory and a name. */
typedef struct place {
  mode_t mode; /* 0: nothing is there */
  dev_t device;
  ino_t inode;
  char name[256]; /* in that directory; "" for what is there */
} place;

/* What this process is going to write. */
static place outputs_named[OUTPUTS_MAX];
static size_t outputs_count;

static void place_of_status(place *p, const struct stat *status) {
  memset(p, 0, sizeof *p);
  p->mode = status->st_mode;
  p->device = status->st_dev;
  p->inode = status->st_ino;
}

/* A path that nothing is at: 0 if its directory is not there either, or the name is too long. */
static int place_of_absent(place *p, const char *path) {
  struct stat status;
  char directory[FILE_PATH_BYTES] = ".";
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t length = (size_t)(name - path);
  if (length >= sizeof directory || strlen(name) >= sizeof p->name) return 0;
  if (length > 0) {
    memcpy(directory, path, length);
    directory[length] = 0;
  }
  if (stat(directory, &status) != 0) return 0;
  place_of_status(p, &status);
  p->mode = 0;
  strcpy(p->name, name);
  return 1;
}

/* 0 where nothing can be: creating the file will say why. */
static int place_of(place *p, const char *path) {
  struct stat status;
  int got = is_standard(path) ? fstat(STDOUT_FILENO, &status) : stat(path, &status);
  if (got == 0) place_of_status(p, &status);
  return got == 0 || place_of_absent(p, path);
}

static int is_same_place(const place *a, const place *b) {
  return a->device == b->device && a->inode == b->inode && strcmp(a->name, b->name) == 0;
}

const char *file_name_output(const char *path) {
  static const char clash[] = "is the same file as another output (expected one for each)";
  static int standard_is_named;
  place p;
  if (is_standard(path) && standard_is_named) return clash;
  standard_is_named |= is_standard(path);
  if (!place_of(&p, path) || S_ISCHR(p.mode)) return NULL; /* /dev/null may well be named twice */
  for (size_t i = 0; i < outputs_count; i++)
    if (is_same_place(&outputs_named[i], &p)) return clash;
  if (outputs_count == OUTPUTS_MAX) return "is an output too many";
  outputs_named[outputs_count++] = p;
  return NULL;
}

/* Is this open file one that is going to be written?  One socket may be both ends. */
static int is_output(int descriptor) {
  place p;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  place_of_status(&p, &status);
  for (size_t i = 0; i < outputs_count; i++)
    if (is_same_place(&outputs_named[i], &p)) return 1;
  return 0;
}

/* ----------------------------------------------------------------------------------- input */

static int buffers_are_locked;

void file_lock_buffers(void) {
  buffers_are_locked = 1;
}

/* Pages stay locked when they are freed: others may be in them.  Nothing is read: bytes may be fresh from
 * malloc, which a pointer to const would make compilers warn of. */
static void lock_buffer(void *bytes, size_t count) {
  if (buffers_are_locked) (void)mlock(bytes, count);
}

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
  lock_buffer(bytes, wanted);
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

static void close_input(file_input *input) {
  if (input->descriptor > STDIN_FILENO) close(input->descriptor);
  input->descriptor = -1;
}

const char *file_open(file_input *input, const char *path) {
  *input = (file_input){.descriptor = STDIN_FILENO};
  if (!is_standard(path)) input->descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (input->descriptor < 0) return input_fail(input, FILE_MISSING, "cannot open it", errno);
  if (!is_output(input->descriptor)) return NULL;
  close_input(input);
  return input_fail(input, FILE_CLASH, "is to be read and written (expected another output)", 0);
}

const char *file_read(file_input *input, const char *path, size_t limit_bytes) {
  const char *reason = file_open(input, path);
  if (reason) return reason;
  reason = read_all(input, input->descriptor, limit_bytes);
  close_input(input);
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

/* --------------------------------------------------------------------------------- signals */

/* Temporary files that are there, for a signal to remove. */
static struct {
  volatile sig_atomic_t is_there;
  char path[FILE_PATH_BYTES];
} temporaries[OUTPUTS_MAX];

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
enum { DEADLY = sizeof deadly / sizeof deadly[0] };

/* Ends as if the signal had not been caught: its old action is back, and it comes again as soon as
 * this returns. */
static void remove_and_end(int number) {
  for (size_t i = 0; i < OUTPUTS_MAX; i++)
    if (temporaries[i].is_there) unlink(temporaries[i].path);
  raise(number);
}

void file_catch_signals(void) {
  struct sigaction action, before;
  memset(&action, 0, sizeof action);
  action.sa_handler = remove_and_end;
  action.sa_flags = (int)SA_RESETHAND;
  for (size_t i = 0; i < DEADLY; i++) sigaddset(&action.sa_mask, deadly[i]);
  for (size_t i = 0; i < DEADLY; i++)
    if (sigaction(deadly[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      (void)sigaction(deadly[i], &action, NULL);
}

/* Signals wait while a file appears or goes and the list above does not say so yet. */
static void hold_signals(sigset_t *before) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < DEADLY; i++) sigaddset(&set, deadly[i]);
  (void)sigprocmask(SIG_BLOCK, &set, before);
}

static void release_signals(const sigset_t *before) {
  (void)sigprocmask(SIG_SETMASK, before, NULL);
}

/* Adds a temporary to the list, or takes it off.  Signals are held. */
static void note_temporary(const char *path) {
  size_t i = 0;
  while (i + 1 < OUTPUTS_MAX && temporaries[i].is_there) i++;
  strcpy(temporaries[i].path, path);
  temporaries[i].is_there = 1;
}

static void forget_temporary(const char *path) {
  for (size_t i = 0; i < OUTPUTS_MAX; i++)
    if (strcmp(temporaries[i].path, path) == 0) temporaries[i].is_there = 0;
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

/* The n-th free name, `.ppml-PID-N.tmp`, in the target's directory: short, so that it is not refused
 * where the target's own name is allowed.  0 if the path is too long. */
static int name_beside(char path[FILE_PATH_BYTES], const char *target, unsigned n) {
  const char *slash = strrchr(target, '/');
  int directory = slash ? (int)(slash + 1 - target) : 0;
  int length =
      snprintf(path, FILE_PATH_BYTES, "%.*s.ppml-%ld-%u.tmp", directory, target, (long)getpid(), n);
  return length > 0 && length < FILE_PATH_BYTES;
}

/* Signals are held, so that one cannot come between the file and the note of it. */
static int open_noted(const char *path, unsigned mode) {
  sigset_t before;
  hold_signals(&before);
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, (mode_t)mode);
  int error = errno;
  if (descriptor >= 0) note_temporary(path);
  release_signals(&before);
  errno = error;
  return descriptor;
}

static const char *open_temporary(file_output *output, unsigned mode) {
  for (unsigned n = 0; n < 1000; n++) {
    errno = ENAMETOOLONG;
    if (!name_beside(output->temporary, output->target, n)) break;
    output->descriptor = open_noted(output->temporary, mode);
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
  lock_buffer(output->buffer, sizeof output->buffer);
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

/* Everything is written and synced; what is missing is the name. */
static const char *seal(file_output *output) {
  if (output->status != 0) return output->message;
  if (output->descriptor < 0) return write_fail(output, EBADF);
  const char *reason = flush(output);
  if (reason) return reason;
  int error = sync_output(output);
  int close_error = close_output(output);
  if (error == 0) error = close_error;
  return error == 0 ? NULL : write_fail(output, error);
}

/* --------------------------------------------------------------------------- all or nothing */

/* Gives what is at the target a second name; where the file system has no links, another name. */
static const char *keep_earlier(file_output *output) {
  for (unsigned n = 0; n < 1000; n++) {
    errno = ENAMETOOLONG;
    if (!name_beside(output->earlier, output->target, n)) break;
    if (access(output->earlier, F_OK) == 0) continue;
    if (link(output->target, output->earlier) == 0) return NULL;
    if (errno == ENOENT) break; /* nothing is there */
    if (errno != EEXIST && rename(output->target, output->earlier) == 0) return NULL;
    if (errno != EEXIST) break;
  }
  output->earlier[0] = 0;
  return errno == ENOENT ? NULL : output_fail(output, "cannot replace it", errno);
}

/* Have two names turned out to be one, where upper and lower case are the same say? */
static int is_placed(const file_output *outputs, size_t count, const char *target) {
  place there, placed;
  if (!place_of(&there, target)) return 0;
  for (size_t i = 0; i < count; i++)
    if (outputs[i].target[0] && place_of(&placed, outputs[i].target) &&
        is_same_place(&there, &placed))
      return 1;
  return 0;
}

static const char *take_place(file_output *output) {
  if (rename(output->temporary, output->target) != 0)
    return output_fail(output, "cannot replace it", errno);
  forget_temporary(output->temporary);
  output->temporary[0] = 0;
  return NULL;
}

/* Puts back what was there, or nothing. */
static void undo(file_output *output) {
  if (!output->target[0]) return;
  if (output->earlier[0]) (void)rename(output->earlier, output->target);
  else (void)unlink(output->target);
  output->earlier[0] = 0;
}

/* The new name itself reaches the disk, where directories can be synced. */
static void sync_directory(const char *target) {
  char directory[FILE_PATH_BYTES] = ".";
  const char *slash = strrchr(target, '/');
  if (slash) {
    memcpy(directory, target, (size_t)(slash + 1 - target));
    directory[slash + 1 - target] = 0;
  }
  int descriptor = open(directory, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)fsync(descriptor);
  close(descriptor);
}

static void drop_earlier(file_output *output) {
  if (output->target[0]) sync_directory(output->target);
  if (output->earlier[0]) unlink(output->earlier);
  output->earlier[0] = 0;
}

/* Renames all of them, or takes back those that were renamed.  What the last one replaces need not
 * be kept: nothing that can fail comes after it. */
static const char *take_places(file_output *outputs, size_t count, size_t *failed) {
  const char *reason = NULL;
  for (*failed = 0; *failed < count; ++*failed) {
    file_output *output = &outputs[*failed];
    if (!output->temporary[0]) continue;
    if (is_placed(outputs, *failed, output->target))
      reason = output_fail(output, "is the same file as another output", 0);
    if (!reason && *failed + 1 < count) reason = keep_earlier(output);
    if (!reason) reason = take_place(output);
    if (reason) {
      if (output->earlier[0]) (void)rename(output->earlier, output->target);
      output->earlier[0] = 0;
      for (size_t i = *failed; i-- > 0;) undo(&outputs[i]);
      return reason;
    }
  }
  for (size_t i = 0; i < count; i++) drop_earlier(&outputs[i]);
  return NULL;
}

const char *file_commit_all(file_output *outputs, size_t count, size_t *failed) {
  const char *reason = NULL;
  for (*failed = 0; *failed < count; ++*failed)
    if ((reason = seal(&outputs[*failed])) != NULL) break;
  if (!reason) {
    sigset_t before;
    hold_signals(&before);
    reason = take_places(outputs, count, failed);
    release_signals(&before);
  }
  for (size_t i = 0; reason && i < count; i++) file_abort(&outputs[i]);
  return reason;
}

const char *file_commit(file_output *output) {
  size_t failed;
  return file_commit_all(output, 1, &failed);
}

void file_abort(file_output *output) {
  sigset_t before;
  wipe(output->buffer, 0, sizeof output->buffer);
  output->held_bytes = 0;
  close_output(output);
  hold_signals(&before);
  if (output->temporary[0]) {
    unlink(output->temporary);
    forget_temporary(output->temporary);
  }
  release_signals(&before);
  output->temporary[0] = 0;
}
