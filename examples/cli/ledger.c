#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"

#define HEADING "ppml requests 1\n"
#define LEDGER_BYTES_MAX ((size_t)64 << 20)
#define ID_DIGITS (2 * PPML_ID_BYTES)
#define LINE_BYTES_MAX (LEDGER_NAME_BYTES + 2 * ID_DIGITS + 16)

int ledger_path(char *path, const char *given, const char *key_path) {
  if (given == NULL && strcmp(key_path, "-") == 0)
    return cli_fail(CLI_USAGE, key_path,
                    "a key without a path has no ledger (expected --requests FILE)");
  int length = given ? snprintf(path, FILE_PATH_BYTES, "%s", given)
                     : snprintf(path, FILE_PATH_BYTES, "%s.requests", key_path);
  if (length > 0 && length < FILE_PATH_BYTES && strcmp(path, "-") != 0) return CLI_OK;
  return cli_fail(CLI_USAGE, given ? given : key_path, "not a path for a ledger");
}

/* --------------------------------------------------------------------- text */

static void put_id(char *out, const uint8_t *id) {
  for (int i = 0; i < PPML_ID_BYTES; i++) snprintf(out + 2 * i, 3, "%02x", id[i]);
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes an id and the space behind it; NULL if there is none. */
static char *take_id(uint8_t *id, char *at) {
  for (int i = 0; i < PPML_ID_BYTES; i++, at += 2) {
    int high = digit_of(at[0]), low = high < 0 ? -1 : digit_of(at[1]);
    if (low < 0) return NULL;
    id[i] = (uint8_t)(16 * high + low);
  }
  return *at == ' ' ? at + 1 : NULL;
}

/* Controls, among them those that UTF-8 writes as C2 80 to C2 9F. */
static int is_printed(const unsigned char *at, size_t before) {
  if (*at < 0x20 || *at == 0x7f || *at == '%') return 0;
  return !(*at >= 0x80 && *at < 0xa0 && before && at[-1] == 0xc2);
}

static void escape(char out[LEDGER_NAME_BYTES], const char *name) {
  const unsigned char *at = (const unsigned char *)name;
  size_t used = 0;
  for (size_t i = 0; at[i] && used + 4 < LEDGER_NAME_BYTES; i++) {
    if (is_printed(at + i, i)) out[used++] = (char)at[i];
    else used += (size_t)snprintf(out + used, 4, "%%%02X", at[i]);
  }
  if (used == 0) out[used++] = '?';
  out[used] = 0;
}

/* One line without its end.  Returns 0 if it is none of a ledger's. */
static int parse_line(ledger_line *line, char *at) {
  uint64_t count;
  memset(line, 0, sizeof *line);
  if (strncmp(at, "flooded ", 8) == 0) {
    line->state = 'f';
    line->name = take_id(line->key_id, at + 8);
    return line->name && args_parse_number(&count, line->name, 0, UINT64_MAX);
  }
  if (strncmp(at, "open ", 5) != 0 && strncmp(at, "done ", 5) != 0) return 0;
  line->state = at[0];
  at = take_id(line->digest, at + 5);
  at = at ? take_id(line->key_id, at) : NULL;
  line->name = at;
  if (at == NULL || *at == 0 || strlen(at) >= LEDGER_NAME_BYTES) return 0;
  for (size_t i = 0; at[i]; i++)
    if (at[i] != '%' && !is_printed((const unsigned char *)at + i, i)) return 0;
  return 1;
}

/* Writes a line as parse_line reads it; its length. */
static int format_line(char out[LINE_BYTES_MAX], const ledger_line *line) {
  char digest[ID_DIGITS + 1], key[ID_DIGITS + 1];
  put_id(digest, line->digest);
  put_id(key, line->key_id);
  if (line->state == 'f') return snprintf(out, LINE_BYTES_MAX, "flooded %s %s\n", key, line->name);
  return snprintf(out, LINE_BYTES_MAX, "%s %s %s %s\n", line->state == 'o' ? "open" : "done",
                  digest, key, line->name);
}

/* ------------------------------------------------------------------- locking */

static int fail(const char *path, int status, const char *what) {
  return cli_fail(status, path, "%s (%s; expected the ledger of ppml encrypt)", what,
                  strerror(errno));
}

/* Is what was opened still what the path names?  Another process may have replaced it while
 * this one waited for the lock. */
static int is_current(int descriptor, const char *path) {
  struct stat opened, named;
  return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int lock(int descriptor) {
  struct flock whole;
  memset(&whole, 0, sizeof whole);
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  int error;
  do error = fcntl(descriptor, F_SETLKW, &whole);
  while (error != 0 && errno == EINTR);
  return error;
}

/* Opens and locks; closing gives the lock back. */
static int open_locked(int *descriptor, const char *path, int flags) {
  int status = flags & O_CREAT ? CLI_NO_CREATE : CLI_MISSING;
  for (;;) {
    *descriptor = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
    if (*descriptor < 0) return fail(path, status, "cannot open it");
    if (lock(*descriptor) != 0) break;
    if (is_current(*descriptor, path)) return CLI_OK;
    close(*descriptor);
  }
  status = fail(path, CLI_IO, "cannot lock it");
  close(*descriptor);
  *descriptor = -1;
  return status;
}

/* ------------------------------------------------------------------- reading */

/* All of a locked file, with a zero behind it.  Not by file_read: closing a second descriptor
 * would give the lock back. */
static int read_text(char **text, size_t *count, int descriptor, const char *path) {
  struct stat status;
  *text = NULL;
  if (fstat(descriptor, &status) != 0) return fail(path, CLI_IO, "cannot read it");
  if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > LEDGER_BYTES_MAX)
    return cli_fail(CLI_DATA, path,
                    "no file of at most %zu bytes (expected the ledger of ppml "
                    "encrypt)",
                    LEDGER_BYTES_MAX);
  *text = (char *)calloc((size_t)status.st_size + 1, 1);
  if (*text == NULL) return cli_fail(CLI_INTERNAL, path, "no memory left to read it");
  for (*count = 0; *count < (size_t)status.st_size;) {
    ssize_t got = pread(descriptor, *text + *count, (size_t)status.st_size - *count, (off_t)*count);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(path, CLI_IO, "cannot read it");
    *count += (size_t)got;
  }
  return CLI_OK;
}

/* Bytes up to the last end of a line: what is behind was cut off while it was written, and the
 * image that belongs to it never left. */
static size_t whole_lines(const char *text, size_t count) {
  while (count && text[count - 1] != '\n') count--;
  return count;
}

static int by_digest(const void *a, const void *b) {
  const ledger_line *const *x = (const ledger_line *const *)a;
  const ledger_line *const *y = (const ledger_line *const *)b;
  int order = memcmp((*x)->digest, (*y)->digest, PPML_ID_BYTES);
  return order ? order : memcmp((*x)->key_id, (*y)->key_id, PPML_ID_BYTES);
}

static int parse_text(ledger *l, size_t count) {
  size_t heading = strlen(HEADING), lines = 0;
  count = whole_lines(l->text, count);
  l->text[count] = 0;
  if (strlen(l->text) != count || strncmp(l->text, HEADING, heading) != 0)
    return cli_fail(CLI_DATA, l->path, "no ledger (expected the one of ppml encrypt)");
  for (size_t i = 0; i < count; i++) lines += l->text[i] == '\n';
  l->line = (ledger_line *)calloc(lines + 1, sizeof *l->line);
  l->by_digest = (ledger_line **)calloc(lines + 1, sizeof(ledger_line *));
  if (!l->line || !l->by_digest)
    return cli_fail(CLI_INTERNAL, l->path, "no memory left to read it");
  for (char *at = l->text + heading; *at; l->count++) {
    char *end = strchr(at, '\n');
    *end = 0;
    if (!parse_line(&l->line[l->count], at))
      return cli_fail(CLI_DATA, l->path,
                      "line %zu is damaged (expected the ledger of ppml encrypt)", l->count + 2);
    l->by_digest[l->count] = &l->line[l->count];
    at = end + 1;
  }
  qsort(l->by_digest, l->count, sizeof(ledger_line *), by_digest);
  return CLI_OK;
}

int ledger_open(ledger *l, const char *path) {
  size_t count = 0;
  memset(l, 0, sizeof *l);
  l->path = path;
  int status = open_locked(&l->descriptor, path, 0);
  if (status == CLI_OK) status = read_text(&l->text, &count, l->descriptor, path);
  if (status || l->text == NULL) return status ? status : CLI_INTERNAL;
  return parse_text(l, count);
}

void ledger_close(ledger *l) {
  if (l->descriptor > 0) close(l->descriptor);
  free(l->text);
  free(l->line);
  free(l->by_digest);
  memset(l, 0, sizeof *l);
}

ledger_line *ledger_find(const ledger *l, const uint8_t *digest, const uint8_t *key_id) {
  ledger_line wanted, *at = &wanted;
  memset(&wanted, 0, sizeof wanted);
  memcpy(wanted.digest, digest, PPML_ID_BYTES);
  memcpy(wanted.key_id, key_id, PPML_ID_BYTES);
  if (l->count == 0) return NULL;
  ledger_line **found =
      (ledger_line **)bsearch(&at, l->by_digest, l->count, sizeof(ledger_line *), by_digest);
  return found && (*found)->state != 'f' ? *found : NULL;
}

uint64_t ledger_answered(const ledger *l, const uint8_t *key_id) {
  uint64_t answered = 0;
  for (size_t i = 0; i < l->count; i++)
    answered += l->line[i].state == 'd' && memcmp(l->line[i].key_id, key_id, PPML_ID_BYTES) == 0;
  return answered;
}

uint64_t ledger_flooded(const ledger *l, const uint8_t *key_id) {
  uint64_t flooded = 0, count;
  for (size_t i = 0; i < l->count; i++) {
    const ledger_line *line = &l->line[i];
    if (line->state != 'f' || memcmp(line->key_id, key_id, PPML_ID_BYTES) != 0) continue;
    if (args_parse_number(&count, line->name, 0, UINT64_MAX) && count > flooded) flooded = count;
  }
  return flooded;
}

/* ------------------------------------------------------------------- writing */

/* Appends to a locked file, and syncs it: the request is on the disk before the image leaves. */
static int append(int descriptor, const char *path, const char *bytes, size_t count) {
  while (count) {
    ssize_t put = write(descriptor, bytes, count);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail(path, CLI_IO, "cannot write it");
    bytes += put;
    count -= (size_t)put;
  }
  return fsync(descriptor) == 0 || errno == EINVAL ? CLI_OK : fail(path, CLI_IO, "cannot write it");
}

/* Goes to the end, behind the last whole line; of a new file, behind a heading. */
static int seek_end(int descriptor, const char *path) {
  char tail[LINE_BYTES_MAX];
  off_t size = lseek(descriptor, 0, SEEK_END),
        from = size > LINE_BYTES_MAX ? size - LINE_BYTES_MAX : 0;
  if (size == 0) return append(descriptor, path, HEADING, strlen(HEADING));
  ssize_t got = size < 0 ? -1 : pread(descriptor, tail, (size_t)(size - from), from);
  if (got < 0) return fail(path, CLI_IO, "cannot read it");
  size_t whole = whole_lines(tail, (size_t)got);
  if (whole == 0 || (from == 0 && strncmp(tail, HEADING, strlen(HEADING)) != 0))
    return cli_fail(CLI_DATA, path, "no ledger (expected the one of ppml encrypt)");
  if (ftruncate(descriptor, from + (off_t)whole) != 0 || lseek(descriptor, 0, SEEK_END) < 0)
    return fail(path, CLI_IO, "cannot write it");
  return CLI_OK;
}

int ledger_add(const char *path, const ppml_request *request, const uint8_t *key_id,
               const char *name) {
  char text[LINE_BYTES_MAX], escaped[LEDGER_NAME_BYTES];
  ledger_line line;
  int descriptor;
  memset(&line, 0, sizeof line);
  escape(escaped, name);
  line.state = 'o';
  line.name = escaped;
  memcpy(line.digest, request->digest, PPML_ID_BYTES);
  memcpy(line.key_id, key_id, PPML_ID_BYTES);
  int status = open_locked(&descriptor, path, O_CREAT), length = format_line(text, &line);
  if (status) return status;
  status = seek_end(descriptor, path);
  if (status == CLI_OK) status = append(descriptor, path, text, (size_t)length);
  close(descriptor);
  return status;
}

int ledger_commit(const ledger *l, const uint8_t *key_id, uint64_t flooded) {
  static file_output output;
  char text[LINE_BYTES_MAX], count[24];
  ledger_line last;
  memset(&last, 0, sizeof last);
  last.state = 'f';
  last.name = count;
  memcpy(last.key_id, key_id, PPML_ID_BYTES);
  snprintf(count, sizeof count, "%" PRIu64, flooded);
  if (file_create(&output, l->path, 0600) != NULL)
    return cli_fail(output.status, l->path, "%s", output.message);
  (void)file_write(&output, HEADING, strlen(HEADING)); /* an error is told by the commit */
  for (size_t i = 0; i < l->count; i++) {
    int is_old = l->line[i].state == 'f' && memcmp(l->line[i].key_id, key_id, PPML_ID_BYTES) == 0;
    if (!is_old) (void)file_write(&output, text, (size_t)format_line(text, &l->line[i]));
  }
  if (flooded) (void)file_write(&output, text, (size_t)format_line(text, &last));
  if (file_commit(&output) == NULL) return CLI_OK;
  return cli_fail(output.status, l->path, "%s", output.message);
}
