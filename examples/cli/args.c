#include "args.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "outputs.h"

args args_make(int argc, char **argv) {
  args a = {argv[0], argv + 1, argc - 1, 0};
  return a;
}

static void fail(args *a, const char *what, const char *which) {
  if (!a->failed)
    a->failed =
        cli_fail(CLI_USAGE, a->command, "%s %s (see ppml %s --help)", what, which, a->command);
}

static void take(args *a, int at, int count) {
  memmove(a->value + at, a->value + at + count, (size_t)(a->count - at - count) * sizeof *a->value);
  a->count -= count;
}

static int find(const args *a, const char *name) {
  for (int i = 0; i < a->count; i++)
    if (strcmp(a->value[i], name) == 0) return i;
  return -1;
}

int args_has(const args *a, const char *name) {
  return find(a, name) >= 0;
}

int args_flag(args *a, const char *name) {
  int at = find(a, name);
  if (at < 0) return 0;
  take(a, at, 1);
  return 1;
}

const char *args_text(args *a, const char *name) {
  int at = find(a, name);
  if (at < 0) return NULL;
  if (at + 1 >= a->count) {
    fail(a, "no value after", name);
    take(a, at, 1);
    return NULL;
  }
  const char *text = a->value[at + 1];
  take(a, at, 2);
  if (find(a, name) >= 0) fail(a, "given twice:", name);
  return text;
}

const char *args_required(args *a, const char *name) {
  const char *text = args_text(a, name);
  if (text == NULL) fail(a, "missing option", name);
  return text;
}

const char *args_key_output(args *a, const char *name, int force) {
  const char *path = args_required(a, name);
  if (path && !a->failed) a->failed = outputs_name(path, force);
  return path;
}

const char *args_output(args *a, const char *name) {
  return args_key_output(a, name, 0);
}

int args_parse_number(uint64_t *out, const char *text, uint64_t least, uint64_t most) {
  uint64_t number = 0;
  if (*text == 0) return 0;
  for (; *text; text++) {
    if (*text < '0' || *text > '9' || number > (UINT64_MAX - 9) / 10) return 0;
    number = 10 * number + (uint64_t)(*text - '0');
  }
  *out = number;
  return number >= least && number <= most;
}

uint64_t args_number(args *a, const char *name, uint64_t least, uint64_t most, uint64_t fallback) {
  uint64_t number;
  const char *text = args_text(a, name);
  if (text == NULL) return fallback;
  if (args_parse_number(&number, text, least, most)) return number;
  fail(a, "not a number in range:", name);
  return fallback;
}

size_t args_size(args *a, const char *name, size_t least, size_t most, size_t fallback) {
  return (size_t)args_number(a, name, least, most, fallback);
}

/* Digits, with a point among them perhaps; no sign, no exponent, no locale. */
static int parse_real(double *out, const char *text) {
  double number = 0, place = 0; /* place: of the next digit behind the point */
  int digits = 0;
  for (; *text; text++) {
    if (*text == '.' && place == 0) {
      place = 0.1;
      continue;
    }
    if (*text < '0' || *text > '9') return 0;
    number = place > 0 ? number + place * (*text - '0') : 10 * number + (*text - '0');
    place /= 10;
    digits++;
  }
  *out = number;
  return digits > 0;
}

int args_parse_real(double *out, const char *text, double least, double most) {
  return parse_real(out, text) && *out >= least && *out <= most;
}

double args_real(args *a, const char *name, double least, double most, double fallback) {
  double number;
  const char *text = args_text(a, name);
  if (text == NULL) return fallback;
  if (args_parse_real(&number, text, least, most)) return number;
  fail(a, "not a number in range:", name);
  return fallback;
}

int args_end(args *a, int least, int most) {
  for (int i = 0; i < a->count; i++)
    if (a->value[i][0] == '-' && a->value[i][1] != 0) fail(a, "unknown option", a->value[i]);
  if (a->count < least) fail(a, "missing", "operand");
  if (a->count > most) fail(a, "unexpected", a->value[most]);
  return a->failed;
}
