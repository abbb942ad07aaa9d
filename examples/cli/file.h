/* file.h - whole files in, and files out that appear whole or not at all.
 *
 * The path "-" is standard input or output.
 *
 * What is going to be written is named first (file_name_output): no two outputs may then be one
 * file, under whatever names, and none may be read.
 *
 * Errors: functions return NULL when done, or else one line of English, "what is wrong (why)", for
 * a caller that prints `ppml: FILE: ` before it; then status is the exit status that goes with it.
 * The line lives in the structure.
 *
 * Secrets: buffers are wiped before they are given back. */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>

#define FILE_MESSAGE_BYTES 160
#define FILE_PATH_BYTES 4096
#define FILE_BUFFER_BYTES 4096

/* Exit statuses, those of sysexits.h. */
enum {
  FILE_CLASH = 64,     /* one file for two purposes */
  FILE_TOO_LARGE = 65, /* bad input data: more bytes than the reader takes */
  FILE_MISSING = 66,   /* an input that cannot be opened */
  FILE_NO_MEMORY = 70,
  FILE_NO_CREATE = 73, /* an output that cannot be created or replaced */
  FILE_IO = 74         /* reading or writing failed; a full disk */
};

typedef struct file_input {
  unsigned char *bytes; /* [count]; never NULL after a success, even if count is 0 */
  size_t count;
  int descriptor; /* while it is open */
  int status;
  char message[FILE_MESSAGE_BYTES];
} file_input;

/* Opens a file to read from input->descriptor, which the caller closes unless it is standard input.
 * A file that is named as an output is refused. */
const char *file_open(file_input *input, const char *path);

/* Opens a file, reads it to its end and closes it.  On an error nothing is held: bytes is NULL. */
const char *file_read(file_input *input, const char *path, size_t limit_bytes);

/* Wipes and frees what file_read holds; harmless if it is nothing. */
void file_free(file_input *input);

/* From now on buffers are kept out of swap space, as far as the system lets them. */
void file_lock_buffers(void);

/* ---------------------------------------------------------------------------------- output */

/* Names a path that this process is going to write, before it opens anything.  Refuses a path that
 * leads to the same file as one that was named before: by another name, through a link, or not
 * there yet. */
const char *file_name_output(const char *path);

/* From now on signals that end the process (INT, TERM, HUP, PIPE) remove its temporary files
 * first.  A signal that is ignored stays so.  Threads that are started must block signals. */
void file_catch_signals(void);

typedef struct file_output {
  int descriptor; /* -1: not open */
  int status;
  size_t held_bytes; /* in buffer */
  unsigned char buffer[FILE_BUFFER_BYTES];
  char target[FILE_PATH_BYTES];    /* where commit renames to; symbolic links resolved */
  char temporary[FILE_PATH_BYTES]; /* beside target; "" if written in place or gone */
  char earlier[FILE_PATH_BYTES];   /* what was at target, while it may have to come back; or "" */
  char message[FILE_MESSAGE_BYTES];
} file_output;

/* Begins an output.  A regular file is written under another name in the same directory, with
 * permissions mode (0600 for secrets, else 0666; less the umask, and less what the file it replaces
 * did not have).  Standard output, devices and pipes are written in place. */
const char *file_create(file_output *output, const char *path, unsigned mode);

/* Appends.  After an error all that follow fail too. */
const char *file_write(file_output *output, const void *bytes, size_t count);

/* Writes out what is held, syncs it, and renames it to its path, replacing what was there.  The
 * output is closed afterwards; on an error it is aborted too. */
const char *file_commit(file_output *output);

/* The same for several outputs: all of them replace what was there, or none does.  What is written
 * in place cannot be taken back.  They appear in this order; a machine that stops in between leaves
 * the first ones.  On an error all are aborted.
 *   failed  out: which output the reason is about */
const char *file_commit_all(file_output *outputs, size_t count, size_t *failed);

/* Closes and removes the output; what was at its path stays.  Harmless after file_commit, or after
 * a file_create that failed. */
void file_abort(file_output *output);

#endif
