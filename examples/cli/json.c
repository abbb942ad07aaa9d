#include "json.h"

#include <math.h>
#include <stdio.h>

static int json_depth, json_needs_comma;

static void start(const char *name) {
  if (json_needs_comma) fputs(", ", stdout);
  if (name) printf("\"%s\": ", name);
  json_needs_comma = 1;
}

void json_begin(const char *name, char bracket) {
  start(name);
  putchar(bracket);
  json_depth++;
  json_needs_comma = 0;
}

void json_end(char bracket) {
  putchar(bracket);
  json_needs_comma = 1;
  if (--json_depth > 0) return;
  putchar('\n');
  json_needs_comma = 0;
}

void json_text(const char *name, const char *text) {
  start(name);
  putchar('"');
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

void json_integer(const char *name, int64_t number) {
  start(name);
  printf("%lld", (long long)number);
}

void json_real(const char *name, double number) {
  start(name);
  if (isfinite(number)) printf("%.6g", number);
  else fputs("null", stdout);
}
