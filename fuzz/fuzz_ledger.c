/* fuzz_ledger.c - any bytes as the ledger of requests, and as the name of an image in one.
 *
 * libFuzzer:
 *     clang -g -O1 -fsanitize=fuzzer,address,undefined -D_DEFAULT_SOURCE -o fuzz_ledger \
 *         fuzz/fuzz_ledger.c examples/cli/args.c examples/cli/file.c
 *     mkdir -p /tmp/new && ./fuzz_ledger -max_len=4096 /tmp/new fuzz/corpus/ledger
 * Corpus alone: fuzz/replay.c in place of the fuzzer.
 *
 * The ledger's own source is included: its parser takes text, and reading a file at each input
 * would be most of the time. */
#include "../examples/cli/ledger.c"

#include "../examples/cli/outputs.h"
#include "cli.h"
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* What args.c and ledger.c take of other files, beside cli_fail. */
int outputs_name(const char *path, int force) {
  (void)path, (void)force;
  return CLI_OK;
}

/* Every line is written as it was read, and found again by what it says. */
static void ledger_check(const ledger *l, const char *text, size_t count) {
  char line[LINE_BYTES_MAX];
  feed_require(count >= strlen(HEADING) && memcmp(text, HEADING, strlen(HEADING)) == 0);
  const char *at = text + strlen(HEADING);
  for (size_t i = 0; i < l->count; i++) {
    const ledger_line *is = &l->line[i];
    int length = format_line(line, is);
    feed_require(length > 0 && length < LINE_BYTES_MAX);
    feed_require(memcmp(line, at, (size_t)length) == 0);
    at += length;
    feed_require(is->state == 'f' || ledger_find(l, is->digest, is->key_id) != NULL);
    feed_require(ledger_answered(l, is->key_id) <= l->count);
    (void)ledger_flooded(l, is->key_id);
  }
  feed_require(at == text + whole_lines(text, count));
}

static void ledger_parse(const uint8_t *bytes, size_t count) {
  ledger l;
  memset(&l, 0, sizeof l);
  l.path = "ledger";
  l.text = (char *)calloc(count + 1, 1);
  feed_require(l.text != NULL);
  if (count) memcpy(l.text, bytes, count);
  if (parse_text(&l, count) == CLI_OK) ledger_check(&l, (const char *)bytes, count);
  ledger_close(&l);
}

/* Whatever an image is called, its line can be read back. */
static void ledger_name(const uint8_t *bytes, size_t count) {
  char escaped[LEDGER_NAME_BYTES], text[LINE_BYTES_MAX];
  char *name = (char *)calloc(count + 1, 1);
  ledger_line line, again;
  feed_require(name != NULL);
  if (count) memcpy(name, bytes, count);
  escape(escaped, name);
  memset(&line, 0x5a, sizeof line);
  line.state = 'o';
  line.name = escaped;
  int length = format_line(text, &line);
  feed_require(length > 0 && length < LINE_BYTES_MAX && text[length - 1] == '\n');
  text[length - 1] = 0;
  feed_require(parse_line(&again, text));
  feed_require(strcmp(again.name, escaped) == 0 && again.state == 'o');
  feed_require(memcmp(again.digest, line.digest, PPML_ID_BYTES) == 0);
  free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  ledger_parse(bytes, count);
  ledger_name(bytes, count);
  return 0;
}
