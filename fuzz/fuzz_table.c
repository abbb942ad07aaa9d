/* fuzz_table.c - any bytes as the table of `ppml pack`, read in several ways and shared out.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE -o fuzz_table \
 *         fuzz/fuzz_table.c examples/cli/{table,table_split,csv,npz,npz_values,npz_labels,npy,zip,inflate}.c -lm
 *     mkdir -p /tmp/new && ./fuzz_table -max_len=4096 /tmp/new fuzz/corpus/table
 * Corpus alone: fuzz/replay.c in place of the fuzzer. */
#include "../examples/cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* What table.c and table_split.c take of cli.c, beside cli_fail, and of the library. */
int cli_arena_create(ppml_arena *arena, size_t bytes) {
  memset(arena, 0, sizeof *arena);
  arena->memory = (unsigned char *)malloc(bytes ? bytes : 1);
  return arena->memory ? CLI_OK : CLI_INTERNAL;
}

void cli_arena_destroy(ppml_arena *arena) {
  free(arena->memory);
  memset(arena, 0, sizeof *arena);
}

const char *ppml_text_refusal(const char *text, size_t length) {
  return length > 0 && text[0] == '?' ? "is odd" : NULL;
}

/* Every item is in one split, and its labels are among those that there are. */
static void check_items(const table *t) {
  size_t in_split[NPZ_SPLITS] = {0};
  feed_require(t->count > 0 && t->count <= t->capacity && t->classes <= NPZ_CLASSES_MAX);
  for (size_t n = 0; n < t->count; n++) {
    const table_item *i = &t->item[n];
    feed_require(i->split < NPZ_SPLITS && i->file.length > 0);
    feed_require(t->has_several || i->label < t->classes);
    feed_require(t->classes == 64 || i->flags >> t->classes == 0);
    in_split[i->split]++;
  }
  for (int s = 0; s < NPZ_SPLITS; s++) feed_require(in_split[s] == t->in_split[s]);
}

static void read_as(const table_request *r, const uint8_t *bytes, size_t count) {
  static table t;
  const double share[NPZ_SPLITS] = {0.5, 0.25, 0.25};
  file_input file;
  memset(&file, 0, sizeof file);
  file.bytes = (unsigned char *)malloc(count ? count : 1);
  file.count = count;
  feed_require(file.bytes != NULL);
  if (count) memcpy(file.bytes, bytes, count);
  if (table_read(&t, r, &file) == CLI_OK) {
    check_items(&t);
    feed_require(t.in_split[NPZ_TRAIN] > 0);
    if (table_divide(&t, r, share, count) == CLI_OK) check_items(&t);
    feed_require(table_check(&t, r) == CLI_OK || t.in_split[NPZ_TRAIN] == 0);
    table_free(&t);
  }
  free(file.bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  static const char *const labels[] = {NULL, "No Finding,Pneumonia", NULL, "1,2"};
  for (int way = 0; way < 4; way++) {
    table_request r = {"table",
                       {NULL, labels[way], NULL, way > 1 ? "patient" : NULL},
                       way == 2 ? "a,b,c" : NULL,
                       way,
                       (size_t)64 << 20};
    read_as(&r, bytes, count);
  }
  return 0;
}
