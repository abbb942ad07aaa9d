/* pnm.c - see pnm.h.  Netpbm's manual: pbm(5), pgm(5), ppm(5), pam(5). */
#include "pnm.h"

#include <string.h>

#include "pixel.h"

static const char bad_header[] =
    "damaged PBM, PGM, PPM or PAM header (expected width, height and maxval)";
static const char bad_tuples[] = "PAM image of other tuples (expected BLACKANDWHITE, GRAYSCALE or "
                                 "RGB, or one of them and _ALPHA, with their depth)";
static const char bad_sample[] = "bad sample in a PBM, PGM or PPM image (expected 0 to its maxval)";
static const char bytes_after[] =
    "bytes after the end of the PBM, PGM, PPM or PAM image (expected one image and no more)";

enum { MAXVAL_MAX = 65535 };

typedef struct pnm {
  const uint8_t *at; /* what is not read yet; the samples, after the header */
  const uint8_t *end;
  size_t width;
  size_t height;
  unsigned samples; /* in a pixel as stored */
  unsigned maxval;
  int is_plain;      /* samples are decimal numbers */
  int is_bitmap;     /* P1 and P4: one bit each, 1 is black */
  int is_alpha;      /* the last sample of a pixel */
  unsigned channels; /* as we give it back */
} pnm;

int pnm_is(const uint8_t *bytes, size_t count) {
  return count >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7';
}

static int is_space(unsigned c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static int ends_line(unsigned c) {
  return c == '\n' || c == '\r';
}

/* Skips white space and comments, which run from # to the end of the line. */
static void skip_spaces(pnm *p) {
  int comment = 0;
  for (; p->at < p->end && (comment || *p->at == '#' || is_space(*p->at)); p->at++)
    comment = (comment || *p->at == '#') && !ends_line(*p->at);
}

/* A decimal number of at most limit <= 65535, ended by white space, a comment or the file's end. */
static int take_number(pnm *p, unsigned limit, unsigned *number) {
  unsigned value = 0;
  skip_spaces(p);
  const uint8_t *begin = p->at;
  for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
    value = 10 * value + (*p->at - (unsigned)'0');
    if (value > limit) return 0;
  }
  *number = value;
  return p->at > begin && (p->at == p->end || is_space(*p->at) || *p->at == '#');
}

/* A side of the image; what is no number up to the largest that is read is refused. */
static int take_side(pnm *p, size_t *side) {
  unsigned value = 0;
  int is_number = take_number(p, IMAGE_SIDE_MAX, &value);
  *side = is_number ? value : 0;
  return is_number;
}

/* Bytes that the samples take at least: plain ones are a digit each and, but for the last one and
 * for bits, a space. */
static uint64_t needed_bytes(const pnm *p) {
  uint64_t row = (uint64_t)p->width * p->samples;
  if (p->is_plain) return p->is_bitmap ? row * p->height : 2 * row * p->height - 1;
  if (p->is_bitmap) return (row + 7) / 8 * p->height;
  return row * p->height * (p->maxval > 255 ? 2 : 1);
}

/* Do CR and LF end a line between these? */
static int has_crlf(const uint8_t *at, const uint8_t *end) {
  for (; end - at >= 2; at++)
    if (at[0] == '\r' && at[1] == '\n') return 1;
  return 0;
}

/* Behind the header of a binary file is one white space, so that samples may begin with such a
 * byte; a comment may come before it.  CR and LF are one end of a line if an earlier line ends so,
 * or else if enough bytes for the samples are left behind both. */
static const char *end_header(pnm *p, const uint8_t *begin) {
  const uint8_t *end = p->at;
  if (p->at < p->end && *p->at == '#')
    while (p->at < p->end && !ends_line(*p->at)) p->at++;
  if (p->at == p->end || !is_space(*p->at)) return bad_header;
  int is_both = has_crlf(p->at, p->end - p->at > 2 ? p->at + 2 : p->end) &&
                (has_crlf(begin, end) || (uint64_t)(p->end - p->at - 2) >= needed_bytes(p));
  p->at += is_both ? 2 : 1;
  return NULL;
}

static const char *take_header(pnm *p, unsigned kind) {
  p->is_plain = kind <= 3;
  p->is_bitmap = kind == 1 || kind == 4;
  p->samples = p->channels = kind == 3 || kind == 6 ? 3 : 1;
  if (p->at == p->end || !(is_space(*p->at) || *p->at == '#')) return bad_header;
  if (!take_side(p, &p->width) || !take_side(p, &p->height))
    return "bad width or height in a PBM, PGM or PPM image (expected 1 to 16384)";
  p->maxval = 1;
  if (!p->is_bitmap && (!take_number(p, MAXVAL_MAX, &p->maxval) || p->maxval == 0))
    return "bad maxval in a PGM or PPM image (expected 1 to 65535)";
  return NULL;
}

/* ---------------------------------------------------------------------------------- PAM header */

/* A line of a PAM header: a word, and what stands behind it. */
typedef struct pam_line {
  const char *word, *rest;
  size_t word_bytes, rest_bytes;
} pam_line;

/* The next line that is neither empty nor a comment; 0 at the file's end. */
static int take_line(pnm *p, pam_line *line) {
  skip_spaces(p);
  const uint8_t *begin = p->at, *end = begin;
  while (p->at < p->end && !ends_line(*p->at)) p->at++;
  while (end < p->at && !is_space(*end)) end++;
  line->word = (const char *)begin;
  line->word_bytes = (size_t)(end - begin);
  while (end < p->at && is_space(*end)) end++;
  line->rest = (const char *)end;
  line->rest_bytes = (size_t)(p->at - end);
  while (line->rest_bytes > 0 && is_space((unsigned char)line->rest[line->rest_bytes - 1]))
    line->rest_bytes--;
  return p->at < p->end;
}

static int is_text(const char *text, size_t bytes, const char *expected) {
  return strlen(expected) == bytes && memcmp(text, expected, bytes) == 0;
}

/* The number behind the word; 0 if there is none. */
static int take_value(unsigned *value, const pam_line *line, unsigned limit) {
  pnm number = {.at = (const uint8_t *)line->rest};
  number.end = number.at + line->rest_bytes;
  return take_number(&number, limit, value) && number.at == number.end;
}

typedef struct pam_header {
  unsigned width, height, depth, maxval;
  const char *tuples;
  size_t tuples_bytes;
} pam_header;

/* One of the four numbers, or the name of the tuples, once. */
static const char *take_pam_line(pam_header *h, const pam_line *line) {
  static const char bad_side[] = "bad width or height in a PAM image (expected 1 to 16384)";
  static const char bad_maxval[] = "bad maxval in a PAM image (expected 1 to 65535)";
  const struct {
    const char *word;
    unsigned limit;
    unsigned *value;
    const char *reason;
  } number[4] = {{"WIDTH", IMAGE_SIDE_MAX, &h->width, bad_side},
                 {"HEIGHT", IMAGE_SIDE_MAX, &h->height, bad_side},
                 {"DEPTH", 4, &h->depth, bad_tuples},
                 {"MAXVAL", MAXVAL_MAX, &h->maxval, bad_maxval}};
  for (unsigned i = 0; i < 4; i++)
    if (is_text(line->word, line->word_bytes, number[i].word))
      return take_value(number[i].value, line, number[i].limit) ? NULL : number[i].reason;
  if (!is_text(line->word, line->word_bytes, "TUPLTYPE")) return bad_header;
  if (h->tuples) return bad_tuples;
  h->tuples = line->rest;
  h->tuples_bytes = line->rest_bytes;
  return NULL;
}

/* What a pixel's samples are; without a name, one is gray and three are RGB. */
static const char *take_tuples(pnm *p, const pam_header *h) {
  static const char *const name[3] = {"BLACKANDWHITE", "GRAYSCALE", "RGB"};
  static const char alpha[] = "_ALPHA";
  size_t bytes = h->tuples_bytes, alpha_bytes = sizeof alpha - 1;
  p->samples = h->depth;
  p->channels = h->depth < 3 ? 1 : 3;
  p->is_alpha = p->channels != p->samples;
  if (!h->tuples) return p->is_alpha ? bad_tuples : NULL;
  if (p->is_alpha) {
    if (bytes < alpha_bytes || memcmp(h->tuples + bytes - alpha_bytes, alpha, alpha_bytes) != 0)
      return bad_tuples;
    bytes -= alpha_bytes;
  }
  for (unsigned i = 0; i < 3; i++)
    if (is_text(h->tuples, bytes, name[i]) && p->channels == (i < 2 ? 1 : 3)) return NULL;
  return bad_tuples;
}

static const char *take_pam_header(pnm *p) {
  pam_header h = {0};
  pam_line line;
  for (;;) {
    if (!take_line(p, &line)) return bad_header;
    if (is_text(line.word, line.word_bytes, "ENDHDR")) break;
    const char *reason = take_pam_line(&h, &line);
    if (reason) return reason;
  }
  if (h.width == 0 || h.height == 0 || h.depth == 0 || h.maxval == 0) return bad_header;
  p->width = h.width;
  p->height = h.height;
  p->maxval = h.maxval;
  return take_tuples(p, &h);
}

/* ------------------------------------------------------------------------------------- samples */

/* Compares what there is with what the header claims. */
static const char *open_pnm(pnm *p, const uint8_t *bytes, size_t count) {
  *p = (pnm){.at = bytes + 2, .end = bytes + count};
  const char *reason = bytes[1] == '7' ? take_pam_header(p) : take_header(p, bytes[1] - '0');
  if (!reason) reason = pixel_check_sides(p->width, p->height);
  if (!reason) reason = end_header(p, bytes);
  if (reason) return reason;
  return (uint64_t)(p->end - p->at) >= needed_bytes(p)
             ? NULL
             : "PBM, PGM, PPM or PAM image ends early (expected a sample for each pixel)";
}

/* A plain bit need not be apart from the next one. */
static int take_plain(pnm *p, unsigned *sample) {
  if (!p->is_bitmap) return take_number(p, p->maxval, sample);
  skip_spaces(p);
  *sample = p->at < p->end ? *p->at++ - (unsigned)'0' : 2;
  return 1;
}

static int take_sample(pnm *p, unsigned *sample) {
  if (p->is_plain) return take_plain(p, sample) && *sample <= p->maxval;
  *sample = *p->at++;
  if (p->maxval > 255) *sample = *sample << 8 | *p->at++;
  return *sample <= p->maxval;
}

static const char *take_pixel(pnm *p, uint8_t *to) {
  unsigned sample[4] = {0};
  for (unsigned i = 0; i < p->samples; i++)
    if (!take_sample(p, &sample[i])) return bad_sample;
  for (unsigned i = 0; i < p->channels; i++) {
    if (p->is_bitmap) sample[i] = !sample[i];
    if (p->is_alpha) sample[i] = pixel_on_black(sample[i], sample[p->channels], p->maxval);
    to[i] = pixel_scale(sample[i], p->maxval);
  }
  return NULL;
}

/* Rows of whole bytes, the highest bit first; 1 is black. */
static void take_bits(pnm *p, uint8_t *pixels) {
  for (size_t y = 0; y < p->height; y++, p->at += (p->width + 7) / 8)
    for (size_t x = 0; x < p->width; x++) *pixels++ = p->at[x / 8] >> (7 - x % 8) & 1 ? 0 : 255;
}

static const char *take_pixels(pnm *p, uint8_t *pixels) {
  const char *reason = NULL;
  size_t count = p->width * p->height;
  for (size_t i = 0; !reason && i < count; i++) reason = take_pixel(p, pixels + i * p->channels);
  return reason;
}

/* All samples, and what may stand behind them: white space, of plain ones comments too. */
static const char *take_samples(pnm *p, uint8_t *pixels) {
  const char *reason = NULL;
  if (p->is_bitmap && !p->is_plain) take_bits(p, pixels);
  else reason = take_pixels(p, pixels);
  if (reason) return reason;
  if (p->is_plain) skip_spaces(p);
  while (p->at < p->end && is_space(*p->at)) p->at++;
  return p->at == p->end ? NULL : bytes_after;
}

const char *pnm_measure(image *out, const uint8_t *bytes, size_t count) {
  pnm p;
  const char *reason = open_pnm(&p, bytes, count);
  if (reason) return reason;
  *out = (image){p.width * p.height * p.channels, p.width, p.height, p.channels, NULL};
  return NULL;
}

const char *pnm_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                     size_t memory_bytes) {
  pnm p;
  const char *reason = open_pnm(&p, bytes, count);
  if (reason) return reason;
  size_t needed = p.width * p.height * p.channels;
  if (needed > memory_bytes) return "too little memory for the image";
  reason = take_samples(&p, memory);
  if (reason) return reason;
  *out = (image){needed, p.width, p.height, p.channels, memory};
  return NULL;
}
