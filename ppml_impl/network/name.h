/* Names of classes: UTF-8 that can be shown on a terminal as it is.  In: bytes; out: whether they are a
 * name, or why not.  Next: spec.h. */
#ifndef PPMLI_NETWORK_NAME_H
#define PPMLI_NETWORK_NAME_H

#include "../base/base.h"

/* The code point that begins at text, of at most length > 0 bytes.  RFC 3629: the shortest form
 * alone, no surrogates, at most 10FFFF.
 *   bytes  out: how many it has; 0 if there is none */
PPMLI_STATIC uint32_t ppmli_name_code(size_t *bytes, const uint8_t *text, size_t length) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t lead = text[0];
  size_t count = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t code = count < 2 ? lead : lead & (0x7Fu >> count);
  *bytes = 0;
  if (count == 0 || count > length || lead >= 0xF8) return 0;
  for (size_t i = 1; i < count; i++) {
    if ((text[i] & 0xC0) != 0x80) return 0;
    code = code << 6 | (text[i] & 0x3Fu);
  }
  if (code < least[count] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  *bytes = count;
  return code;
}

/* Does it change how what follows is shown?  C0, DEL and C1 controls, line and paragraph ends, the
 * byte order mark, and the marks, embeddings and isolates of bidirectional text. */
PPMLI_STATIC int ppmli_name_is_control(uint32_t code) {
  if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return 1;
  if (code == 0x61C || code == 0x200E || code == 0x200F || code == 0xFEFF) return 1;
  return (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

/* What is wrong with text, of length bytes, as text to be shown; NULL: nothing. */
PPMLI_STATIC const char *ppmli_text_refusal(const char *text, size_t length) {
  const uint8_t *at = (const uint8_t *)text;
  size_t bytes;
  for (size_t i = 0; i < length; i += bytes) {
    uint32_t code = ppmli_name_code(&bytes, at + i, length - i);
    if (bytes == 0) return "is not valid UTF-8";
    if (ppmli_name_is_control(code)) return "has a control character";
  }
  return NULL;
}

/* The same of a class's name. */
PPMLI_STATIC const char *ppmli_name_refusal(const char *name, size_t length) {
  if (length == 0) return "is empty";
  if (length >= PPML_CLASS_NAME_BYTES) return "has more than 23 bytes";
  return ppmli_text_refusal(name, length);
}

#endif
