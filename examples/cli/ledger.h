/* ledger.h - the client's record of the images that it asked about: which are still to be answered,
 * and what they were called.  An answer that is not to an open line of it is refused.
 *
 * Text, a line each, in a file that only its owner reads (mode 0600):
 *
 *     ppml requests 1
 *     open DIGEST KEY NAME        asked, not answered; DIGEST and KEY are 32 hexadecimal digits
 *     done DIGEST KEY NAME        answered
 *     flooded KEY COUNT           flooded scores that were published under a key
 *
 * In NAME, what could not be printed, and %, is %XX.  The file is locked while it is used (fcntl);
 * lines are appended and synced, changes replace the file whole. */
#ifndef LEDGER_H
#define LEDGER_H

#include "cli.h"
#include "file.h"

#define LEDGER_NAME_BYTES 4096 /* of a name, escaped, with its end */

typedef struct ledger_line {
  uint8_t digest[PPML_ID_BYTES], key_id[PPML_ID_BYTES]; /* digest: zeros of a flooded line */
  char state;                                           /* 'o' open, 'd' done, 'f' flooded */
  const char *name;                                     /* escaped; of a flooded line its count */
} ledger_line;

typedef struct ledger {
  const char *path;
  int descriptor; /* open and locked */
  char *text;
  ledger_line *line;       /* [count] */
  ledger_line **by_digest; /* [count] the same, in order */
  size_t count;
} ledger;

/* The ledger that goes with a secret key: `KEY.requests`, unless another path was given.
 *   path  [FILE_PATH_BYTES]  out */
int ledger_path(char *path, const char *given, const char *key_path);

/* Appends an open request; makes the file where there is none.
 *   name  of the image; escaped here, and cut where it is too long */
int ledger_add(const char *path, const ppml_request *request, const uint8_t *key_id,
               const char *name);

/* Opens and locks.  Close it in any case. */
int ledger_open(ledger *l, const char *path);
void ledger_close(ledger *l);

/* NULL if there is no such line. */
ledger_line *ledger_find(const ledger *l, const uint8_t *digest, const uint8_t *key_id);

/* Answers that were given under a key, and flooded scores that were published. */
uint64_t ledger_answered(const ledger *l, const uint8_t *key_id);
uint64_t ledger_flooded(const ledger *l, const uint8_t *key_id);

/* Writes the changed lines back, with a new count of flooded scores of a key. */
int ledger_commit(const ledger *l, const uint8_t *key_id, uint64_t flooded);

#endif
