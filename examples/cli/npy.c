/* npy.c - see npy.h.  As in NumPy's format.py. */
#include "npy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NPY_BYTES_MIN 10 /* magic, version and the shorter header length */
#define DTYPE_BYTES 24

static unsigned little_16(const uint8_t *at) {
  return at[0] | (unsigned)at[1] << 8;
}

static uint32_t little_32(const uint8_t *at) {
  return (uint32_t)little_16(at) | (uint32_t)little_16(at + 2) << 16;
}

static const char *fail(npy_array *array, const char *what, const char *which,
                        const char *expected) {
  snprintf(array->message, sizeof array->message, "%s%s (expected %s)", what, which, expected);
  return array->message;
}

static const char *bad_header(npy_array *array) {
  return fail(array, "a damaged NPY header", "", "descr, fortran_order and shape");
}

/* ----------------------------------------------------------------------------- Python's literals */

typedef struct scanner {
  const char *at;
  const char *end;
} scanner;

static int is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f';
}

static void skip_spaces(scanner *s) {
  while (s->at < s->end && is_space(*s->at)) s->at++;
}

static int scan_char(scanner *s, char wanted) {
  skip_spaces(s);
  if (s->at == s->end || *s->at != wanted) return 0;
  s->at++;
  return 1;
}

static int scan_word(scanner *s, const char *word) {
  size_t length = strlen(word);
  skip_spaces(s);
  if ((size_t)(s->end - s->at) < length || memcmp(s->at, word, length) != 0) return 0;
  s->at += length;
  return 1;
}

/* A quoted string without escapes, shorter than capacity; Python 2 wrote u'...' as well. */
static int scan_string(scanner *s, char *text, size_t capacity) {
  char quote = '\'';
  size_t length = 0;
  skip_spaces(s);
  if (s->end - s->at > 1 && (*s->at == 'u' || *s->at == 'b') &&
      (s->at[1] == '\'' || s->at[1] == '"'))
    s->at++;
  if (!scan_char(s, quote)) {
    quote = '"';
    if (!scan_char(s, quote)) return 0;
  }
  while (s->at < s->end && *s->at != quote && length + 1 < capacity) text[length++] = *s->at++;
  text[length] = 0;
  if (s->at == s->end || *s->at != quote) return 0;
  s->at++;
  return 1;
}

/* Digits, with underscores among them perhaps, and an L behind them as Python 2 wrote. */
static int scan_number(scanner *s, size_t *number) {
  size_t value = 0;
  skip_spaces(s);
  const char *begin = s->at;
  for (; s->at < s->end && ((*s->at >= '0' && *s->at <= '9') || (*s->at == '_' && s->at > begin));
       s->at++) {
    if (*s->at == '_') continue;
    size_t digit = (size_t)(*s->at - '0');
    if (value > (SIZE_MAX - digit) / 10) return 0;
    value = 10 * value + digit;
  }
  *number = value;
  if (s->at == begin) return 0;
  if (s->at < s->end && *s->at == 'L') s->at++;
  return 1;
}

/* ---------------------------------------------------------------------------------------- dtype */

static const char numbers[] =
    "bool, integers or floats of 16 to 64 bits, as .astype('uint8') makes them";
static const char no_texts[] = "numbers, as numpy.unique(labels, return_inverse=True)[1] has them";

/* NumPy's names of types: as it prints them, as C has them, and its letters. */
static const struct {
  const char *name;
  char kind;
  unsigned value_bytes;
} types[] = {{"bool", 'b', 1},     {"bool_", 'b', 1},  {"?", 'b', 1},      {"b1", 'b', 1},
             {"u1", 'u', 1},       {"uint8", 'u', 1},  {"ubyte", 'u', 1},  {"B", 'u', 1},
             {"u2", 'u', 2},       {"uint16", 'u', 2}, {"ushort", 'u', 2}, {"H", 'u', 2},
             {"u4", 'u', 4},       {"uint32", 'u', 4}, {"uintc", 'u', 4},  {"I", 'u', 4},
             {"u8", 'u', 8},       {"uint64", 'u', 8}, {"uint", 'u', 8},   {"ulonglong", 'u', 8},
             {"Q", 'u', 8},        {"L", 'u', 8},      {"uintp", 'u', 8},  {"P", 'u', 8},
             {"i1", 'i', 1},       {"int8", 'i', 1},   {"byte", 'i', 1},   {"b", 'i', 1},
             {"i2", 'i', 2},       {"int16", 'i', 2},  {"short", 'i', 2},  {"h", 'i', 2},
             {"i4", 'i', 4},       {"int32", 'i', 4},  {"intc", 'i', 4},   {"i", 'i', 4},
             {"i8", 'i', 8},       {"int64", 'i', 8},  {"int_", 'i', 8},   {"int", 'i', 8},
             {"longlong", 'i', 8}, {"long", 'i', 8},   {"q", 'i', 8},      {"l", 'i', 8},
             {"intp", 'i', 8},     {"p", 'i', 8},      {"f2", 'f', 2},     {"float16", 'f', 2},
             {"half", 'f', 2},     {"e", 'f', 2},      {"f4", 'f', 4},     {"float32", 'f', 4},
             {"single", 'f', 4},   {"f", 'f', 4},      {"f8", 'f', 8},     {"float64", 'f', 8},
             {"double", 'f', 8},   {"float", 'f', 8},  {"float_", 'f', 8}, {"d", 'f', 8}};

/* What is no number that is read here, by the dtype's first letter and otherwise as it stands. */
static const char *refuse_dtype(npy_array *array, const char *text) {
  const char *kind = text[0] && strchr("|<>=", text[0]) ? text + 1 : text;
  char which[DTYPE_BYTES + 40];
  const char *what = strchr("OSUaVMmcG", *kind) == NULL ? ""
                     : *kind == 'O'                     ? ", pickled objects"
                     : *kind == 'V'                     ? ", bytes of no number's type"
                     : *kind == 'M' || *kind == 'm'     ? ", dates"
                     : *kind == 'c' || *kind == 'G'     ? ", complex numbers"
                                                        : ", texts";
  snprintf(which, sizeof which, "%s%s", text, *kind ? what : "");
  int is_text = *kind && strchr("OSUaM", *kind) != NULL;
  return fail(array, "an array of dtype ", which, is_text ? no_texts : numbers);
}

/* A structured or odd dtype: its beginning is shown. */
static const char *refuse_structure(npy_array *array, const scanner *s) {
  char text[DTYPE_BYTES];
  size_t length = 0;
  for (const char *at = s->at; at < s->end && length + 1 < sizeof text; at++)
    if (*at >= ' ' && *at <= '~') text[length++] = *at;
  text[length] = 0;
  return fail(array, "an array of a structured dtype ", text, numbers);
}

static const char *parse_dtype(npy_array *array, scanner *s) {
  char text[DTYPE_BYTES];
  skip_spaces(s);
  scanner before = *s;
  if (s->at == s->end) return bad_header(array);
  if (!scan_string(s, text, sizeof text))
    return strchr("[(", *before.at) ? refuse_structure(array, &before) : bad_header(array);
  const char *kind = text[0] && strchr("|<>=", text[0]) ? text + 1 : text;
  for (const char *c = text; *c; c++)
    if (*c < ' ' || *c > '~') return bad_header(array);
  array->is_big_endian = text[0] == '>';
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp(kind, types[i].name) == 0) {
      array->kind = types[i].kind;
      array->value_bytes = types[i].value_bytes;
      return NULL;
    }
  return refuse_dtype(array, text);
}

const char *npy_dtype(const npy_array *array) {
  static const char *const names[3][4] = {{"uint8", "uint16", "uint32", "uint64"},
                                          {"int8", "int16", "int32", "int64"},
                                          {"float8", "float16", "float32", "float64"}};
  unsigned size = array->value_bytes == 1   ? 0
                  : array->value_bytes == 2 ? 1
                  : array->value_bytes == 4 ? 2
                                            : 3;
  if (array->kind == 'b') return "bool";
  return names[array->kind == 'u' ? 0 : array->kind == 'i' ? 1 : 2][size];
}

/* --------------------------------------------------------------------------------------- header */

/* A tuple of numbers: (), (3,), (3, 4) or (3, 4,). */
static const char *parse_shape(npy_array *array, scanner *s) {
  int comma = 1;
  array->rank = 0;
  if (!scan_char(s, '(')) return bad_header(array);
  while (!scan_char(s, ')')) {
    if (array->rank == NPY_RANK_MAX)
      return fail(array, "an array of more than 6 dimensions", "", "at most 4");
    if (!comma || !scan_number(s, &array->shape[array->rank])) return bad_header(array);
    array->rank++;
    comma = scan_char(s, ',');
  }
  return array->rank == 1 && !comma ? bad_header(array) : NULL;
}

static const char *parse_order(npy_array *array, scanner *s) {
  array->is_fortran = scan_word(s, "True");
  return array->is_fortran || scan_word(s, "False") ? NULL : bad_header(array);
}

/* One `key: value`; *seen has a bit for each key that there may be, once. */
static const char *parse_item(npy_array *array, scanner *s, unsigned *seen) {
  static const char *const keys[3] = {"descr", "fortran_order", "shape"};
  char key[16];
  unsigned i = 0;
  if (!scan_string(s, key, sizeof key) || !scan_char(s, ':')) return bad_header(array);
  while (i < 3 && strcmp(key, keys[i]) != 0) i++;
  if (i == 3 || *seen & 1U << i) return bad_header(array);
  *seen |= 1U << i;
  return i == 0 ? parse_dtype(array, s) : i == 1 ? parse_order(array, s) : parse_shape(array, s);
}

/* The header is a Python literal: {'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), } */
static const char *parse_header(npy_array *array, const uint8_t *text, size_t count) {
  scanner s = {(const char *)text, (const char *)text + count};
  unsigned seen = 0;
  int comma = 1;
  if (!scan_char(&s, '{')) return bad_header(array);
  while (!scan_char(&s, '}')) {
    const char *reason = comma ? parse_item(array, &s, &seen) : bad_header(array);
    if (reason) return reason;
    comma = scan_char(&s, ',');
  }
  skip_spaces(&s);
  return seen == 7 && s.at == s.end ? NULL : bad_header(array);
}

/* Sets count from the shape; data_bytes must be just that. */
static const char *check_size(npy_array *array, size_t data_bytes) {
  char text[NPY_SHAPE_BYTES];
  int is_whole = data_bytes % array->value_bytes == 0, is_void = 0;
  array->count = 1;
  for (unsigned i = 0; i < array->rank; i++) is_void |= array->shape[i] == 0;
  for (unsigned i = 0; i < array->rank && !is_void; i++) {
    if (array->count > SIZE_MAX / array->shape[i])
      return fail(array, "a shape overflows: ", npy_shape(text, array), "the size of its data");
    array->count *= array->shape[i];
  }
  if (is_void) array->count = 0;
  if (is_whole && array->count == data_bytes / array->value_bytes) return NULL;
  snprintf(array->message, sizeof array->message,
           "a shape does not fit: %s of %s in %zu bytes (expected %zu values; is it cut short?)",
           npy_shape(text, array), npy_dtype(array), data_bytes, array->count);
  return array->message;
}

static const char *refuse_version(npy_array *array, const uint8_t *bytes) {
  char which[16];
  snprintf(which, sizeof which, "%u.%u", bytes[6], bytes[7]);
  return fail(array, "unknown NPY version ", which, "1.0, 2.0 or 3.0");
}

static const char *parse(npy_array *array, const uint8_t *bytes, size_t have, size_t whole_bytes) {
  if (have < NPY_BYTES_MIN || memcmp(bytes, "\x93NUMPY", 6) != 0)
    return fail(array, "not an NPY array", "", "one that NumPy made");
  if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0) return refuse_version(array, bytes);
  size_t begin = bytes[6] == 1 ? 10 : 12;
  if (have < begin) return bad_header(array);
  size_t header_bytes = bytes[6] == 1 ? little_16(bytes + 8) : little_32(bytes + 8);
  if (header_bytes > whole_bytes - begin) return bad_header(array);
  if (header_bytes > NPY_HEADER_BYTES_MAX)
    return fail(array, "an NPY header of more than 10,000 bytes", "", "what numpy.load takes");
  if (header_bytes > have - begin) return bad_header(array);
  const char *reason = parse_header(array, bytes + begin, header_bytes);
  array->begin = begin + header_bytes;
  return reason ? reason : check_size(array, whole_bytes - array->begin);
}

const char *npy_parse(npy_array *array, const void *bytes, size_t have, size_t whole_bytes) {
  memset(array, 0, sizeof *array);
  return parse(array, (const uint8_t *)bytes, have < whole_bytes ? have : whole_bytes, whole_bytes);
}

const char *npy_shape(char text[NPY_SHAPE_BYTES], const npy_array *array) {
  size_t used = 1;
  strcpy(text, "(");
  for (unsigned i = 0; i < array->rank && used + 24 < NPY_SHAPE_BYTES; i++)
    used += (size_t)snprintf(text + used, NPY_SHAPE_BYTES - used, "%s%zu", i ? ", " : "",
                             array->shape[i]);
  snprintf(text + used, NPY_SHAPE_BYTES - used, array->rank == 1 ? ",)" : ")");
  return text;
}

/* --------------------------------------------------------------------------------------- values */

/* Is it an integer below 0? */
static int is_negative(const npy_array *array, const uint8_t *at) {
  unsigned top = array->is_big_endian ? 0 : array->value_bytes - 1;
  return array->kind == 'i' && at[top] & 0x80;
}

/* The bits of a value, whatever the machine's byte order; those above it are copies of its sign. */
static uint64_t bits_of(const npy_array *array, const uint8_t *at) {
  uint64_t bits = is_negative(array, at) ? UINT64_MAX : 0;
  unsigned count = array->value_bytes;
  if (array->is_big_endian)
    for (unsigned i = 0; i < count; i++) bits = bits << 8 | at[i];
  else
    for (unsigned i = count; i > 0; i--) bits = bits << 8 | at[i - 1];
  return bits;
}

/* IEEE 754 binary16. */
static double half_of(unsigned bits) {
  int exponent = (int)(bits >> 10 & 31);
  double fraction = bits & 1023;
  double size = exponent == 31  ? (fraction > 0 ? (double)NAN : (double)INFINITY)
                : exponent == 0 ? ldexp(fraction, -24)
                                : ldexp(fraction + 1024, exponent - 25);
  return bits >> 15 ? -size : size;
}

static double float_of(uint64_t bits, unsigned value_bytes) {
  uint32_t narrow = (uint32_t)bits;
  float single;
  double wide;
  if (value_bytes == 2) return half_of((unsigned)bits);
  memcpy(&single, &narrow, sizeof single);
  memcpy(&wide, &bits, sizeof wide);
  return value_bytes == 4 ? (double)single : wide;
}

double npy_value(const npy_array *array, const uint8_t *at) {
  if (array->kind == 'b') return *at != 0;
  if (array->kind == 'u' && array->value_bytes == 1) return *at;
  uint64_t bits = bits_of(array, at);
  if (array->kind == 'f') return float_of(bits, array->value_bytes);
  return is_negative(array, at) ? -(double)(~bits + 1) : (double)bits;
}

double npy_least(const npy_array *array) {
  return array->kind == 'i' ? -ldexp(1, (int)(8 * array->value_bytes) - 1) : 0;
}

double npy_most(const npy_array *array) {
  if (array->kind == 'b' || array->kind == 'f') return 1;
  return ldexp(1, (int)(8 * array->value_bytes) - (array->kind == 'i')) - 1;
}

void npy_strides(size_t stride[NPY_RANK_MAX], const npy_array *array) {
  size_t step = 1;
  for (unsigned i = 0; i < array->rank; i++) {
    unsigned dimension = array->is_fortran ? i : array->rank - 1 - i;
    stride[dimension] = step;
    step *= array->shape[dimension];
  }
}
