/* jpeg_file.c - see jpeg_file.h. */
#include "jpeg_file.h"

#include <string.h>

#include "exif.h"
#include "pixel.h"

const char jpeg_is_damaged[] = "damaged JPEG image (expected whole segments in order)";
const char jpeg_ends_early[] = "JPEG image ends early (expected data for each pixel and an EOI)";
const char jpeg_has_bad_data[] = "damaged JPEG data (expected codes and coefficients in range)";
const char jpeg_lacks_codes[] = "JPEG Huffman table is missing (expected a DHT segment)";
static const char bad_code[] = "bad JPEG Huffman table (expected at most 256 codes, none too many)";
static const char arithmetic[] =
    "arithmetic-coded JPEG image (expected Huffman codes; djpeg IN.jpg > OUT.ppm of the Debian "
    "package libjpeg-turbo-progs converts it)";

static unsigned big_endian_16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

/* --------------------------------------------------------------------------------- segments */

/* The marker at j->at, which may have bytes FF before it, and its data, if it is of those that have
 * any. */
static const char *next_segment(jpeg_segment *s, jpeg_file *j) {
  if (j->at == j->end) return jpeg_ends_early;
  if (*j->at != 0xFF) return jpeg_is_damaged;
  while (j->at < j->end && *j->at == 0xFF) j->at++;
  if (j->at == j->end) return jpeg_ends_early;
  *s = (jpeg_segment){*j->at++, j->at, 0};
  if (s->marker == JPEG_EOI) return NULL;
  if (s->marker < JPEG_SOF0 || (s->marker >= JPEG_RST0 && s->marker <= JPEG_SOI))
    return jpeg_is_damaged;
  size_t left = (size_t)(j->end - j->at);
  if (left < 2) return jpeg_ends_early;
  size_t length = big_endian_16(j->at); /* counts itself */
  if (length < 2) return jpeg_is_damaged;
  if (length > left) return jpeg_ends_early;
  s->data = j->at + 2;
  s->data_bytes = length - 2;
  j->at += length;
  return NULL;
}

/* Quantization tables, B.2.4.1: precision and number, then 64 steps in zigzag order. */
static const char *take_quantizers(jpeg_file *j, const jpeg_segment *s) {
  const uint8_t *at = s->data;
  size_t left = s->data_bytes;
  while (left > 0) {
    unsigned number = at[0] & 15, bytes = 1 + (at[0] >> 4);
    if (number >= JPEG_TABLES_MAX || bytes > 2)
      return "bad JPEG quantization table (expected tables 0 to 3 of 8 or 16 bits)";
    if (left < 1 + bytes * JPEG_COEFFICIENTS) return jpeg_is_damaged;
    for (unsigned k = 0; k < JPEG_COEFFICIENTS; k++)
      j->quantizer[number][k] =
          (uint16_t)(bytes == 1 ? at[1 + k] : big_endian_16(at + 1 + 2 * (size_t)k));
    j->quantizers |= 1U << number;
    at += 1 + bytes * JPEG_COEFFICIENTS;
    left -= 1 + bytes * JPEG_COEFFICIENTS;
  }
  return NULL;
}

/* The counts of codes by length.  Returns how many there are, -1 if that cannot be.  There may be
 * none: libjpeg reads a table that is named and not used. */
static int take_counts(jpeg_huffman *code, const uint8_t *counts) {
  int symbols = 0;
  int left = 1; /* codes left over by those so far */
  for (unsigned bits = 1; bits <= JPEG_CODE_BITS_MAX; bits++) {
    code->count[bits] = counts[bits - 1];
    symbols += counts[bits - 1];
    left = 2 * left - counts[bits - 1];
    if (left < 0) return -1;
  }
  return symbols <= 256 ? symbols : -1;
}

/* Huffman tables, B.2.4.2: class and number, 16 counts, the symbols. */
static const char *take_codes(jpeg_file *j, const jpeg_segment *s) {
  enum { HEAD = 1 + JPEG_CODE_BITS_MAX };
  const uint8_t *at = s->data;
  size_t left = s->data_bytes;
  while (left >= HEAD) {
    unsigned class = at[0] >> 4, number = at[0] & 15;
    if (class > 1 || number >= JPEG_TABLES_MAX)
      return "bad JPEG Huffman table (expected tables 0 to 3)";
    jpeg_huffman *code = &j->code[class][number];
    code->there = 0;
    int counted = take_counts(code, at + 1);
    if (counted < 0) return bad_code;
    size_t symbols = (size_t)counted;
    if (symbols > left - HEAD) return jpeg_is_damaged;
    memcpy(code->symbol, at + HEAD, symbols);
    code->there = 1;
    at += HEAD + symbols;
    left -= HEAD + symbols;
  }
  return left == 0 ? NULL : jpeg_is_damaged;
}

static const char *take_restart_interval(jpeg_file *j, const jpeg_segment *s) {
  if (s->data_bytes != 2) return jpeg_is_damaged;
  j->restart_interval = big_endian_16(s->data);
  return NULL;
}

/* Adobe's marker names the colours: 0 as they are, 1 YCbCr, 2 YCCK. */
static void take_adobe(jpeg_file *j, const jpeg_segment *s) {
  if (s->data_bytes >= 12 && memcmp(s->data, "Adobe", 5) == 0) j->adobe = s->data[11];
}

static void take_jfif(jpeg_file *j, const jpeg_segment *s) {
  if (s->data_bytes >= 14 && memcmp(s->data, "JFIF", 5) == 0) j->has_jfif = 1;
}

/* The first Exif segment before the first scan counts: jpeg_measure looks no further. */
static void take_exif(jpeg_file *j, const jpeg_segment *s) {
  enum { NAME_BYTES = 6 };
  if (j->orientation || s->data_bytes < NAME_BYTES || memcmp(s->data, "Exif\0", NAME_BYTES) != 0)
    return;
  j->orientation = exif_orientation(s->data + NAME_BYTES, s->data_bytes - NAME_BYTES);
}

static size_t parts_of(size_t whole, size_t part) {
  return (whole + part - 1) / part;
}

/* Sizes of the planes: T.81, A.1.1 and A.2.4. */
static void lay_out(jpeg_file *j) {
  size_t across = parts_of(j->width, JPEG_BLOCK * j->h_max); /* in MCUs */
  size_t down = parts_of(j->height, JPEG_BLOCK * j->v_max);
  for (unsigned i = 0; i < j->components; i++) {
    jpeg_component *c = &j->component[i];
    c->across = parts_of(j->width * c->h, j->h_max);
    c->down = parts_of(j->height * c->v, j->v_max);
    c->width = parts_of(c->across, JPEG_BLOCK);
    c->height = parts_of(c->down, JPEG_BLOCK);
    c->stride = across * c->h * JPEG_BLOCK;
    c->rows = down * c->v * JPEG_BLOCK;
  }
}

/* One component of the frame: its name, sampling factors and quantization table. */
static const char *take_component(jpeg_file *j, unsigned i, const uint8_t *at) {
  jpeg_component *c = &j->component[i];
  *c = (jpeg_component){.id = at[0], .h = at[1] >> 4, .v = at[1] & 15, .quantizer = at[2]};
  memset(c->precision, -1, sizeof c->precision);
  if (c->h < 1 || c->h > 4 || c->v < 1 || c->v > 4)
    return "bad JPEG sampling (expected factors 1 to 4)";
  if (c->quantizer >= JPEG_TABLES_MAX) return jpeg_is_damaged;
  for (unsigned k = 0; k < i; k++)
    if (j->component[k].id == c->id) return jpeg_is_damaged;
  if (c->h > j->h_max) j->h_max = c->h;
  if (c->v > j->v_max) j->v_max = c->v;
  return NULL;
}

static const char *check_frame(const jpeg_segment *s) {
  if (s->data_bytes < 6) return jpeg_is_damaged;
  unsigned components = s->data[5], height = big_endian_16(s->data + 1);
  if (s->marker != JPEG_SOF3 && s->data[0] != 8)
    return "JPEG image of another depth than 8 bits per sample, 12 perhaps (expected 8)";
  if (s->data[0] < 2 || s->data[0] > 16) return jpeg_is_damaged;
  if (height == 0)
    return "JPEG image whose height is told behind its data (expected it in the frame header)";
  if (components != 1 && components != 3 && components != 4)
    return "JPEG image of 2 or of more than 4 components (expected 1, 3 or 4)";
  if (s->data_bytes != 6 + 3 * components) return jpeg_is_damaged;
  return pixel_check_sides(big_endian_16(s->data + 3), height);
}

/* The frame header, B.2.2. */
static const char *take_frame(jpeg_file *j, const jpeg_segment *s) {
  const char *reason = j->components ? jpeg_is_damaged : check_frame(s);
  for (unsigned i = 0; !reason && i < s->data[5]; i++)
    reason = take_component(j, i, s->data + 6 + 3 * (size_t)i);
  if (reason) return reason;
  j->frame = s->marker;
  j->precision = s->data[0];
  j->height = big_endian_16(s->data + 1);
  j->width = big_endian_16(s->data + 3);
  j->components = s->data[5];
  lay_out(j);
  return NULL;
}

/* What no reader of ours takes, by its name. */
static const char *refuse_frame(unsigned marker) {
  if (marker >= JPEG_SOF9 || marker == JPEG_DAC) return arithmetic;
  return "hierarchical JPEG image (expected a baseline, extended or progressive one)";
}

static const char *take_segment(jpeg_file *j, const jpeg_segment *s) {
  switch (s->marker) {
  case JPEG_SOF0:
  case JPEG_SOF1:
  case JPEG_SOF2:
  case JPEG_SOF3:
    return take_frame(j, s);
  case JPEG_DHT:
    return take_codes(j, s);
  case JPEG_DQT:
    return take_quantizers(j, s);
  case JPEG_DRI:
    return take_restart_interval(j, s);
  case JPEG_APP0:
    take_jfif(j, s);
    return NULL;
  case JPEG_APP1:
    take_exif(j, s);
    return NULL;
  case JPEG_APP14:
    take_adobe(j, s);
    return NULL;
  case JPEG_DNL: /* the height once more */
    return NULL;
  case JPEG_SOF55:
    return "JPEG-LS image (expected a baseline, extended or progressive JPEG)";
  default:
    if ((s->marker >= JPEG_APP0 && s->marker <= JPEG_APP15) || s->marker == JPEG_COM) return NULL;
    return s->marker <= 0xCF && s->marker != JPEG_JPG ? refuse_frame(s->marker) : jpeg_is_damaged;
  }
}

const char *jpeg_to_scan(jpeg_segment *s, jpeg_file *j) {
  const char *reason = next_segment(s, j);
  while (!reason && s->marker != JPEG_SOS && s->marker != JPEG_EOI) {
    reason = take_segment(j, s);
    if (!reason) reason = next_segment(s, j);
  }
  return reason;
}

const char *jpeg_open(jpeg_file *j, jpeg_segment *s, const uint8_t *bytes, size_t count) {
  memset(j, 0, sizeof *j);
  j->adobe = -1;
  if (count < 2 || bytes[0] != 0xFF || bytes[1] != JPEG_SOI) return jpeg_is_damaged;
  j->at = bytes + 2;
  j->end = bytes + count;
  const char *reason = jpeg_to_scan(s, j);
  if (reason) return reason;
  if (s->marker != JPEG_SOS || j->components == 0) return jpeg_is_damaged;
  if (j->orientation == 0) j->orientation = 1;
  return NULL;
}

/* ------------------------------------------------------------------------------------- bits */

/* One byte more; at a marker or the end, zeros. */
static void refill(jpeg_bits *r) {
  unsigned byte = 0;
  if (r->at == r->end || (*r->at == 0xFF && (r->end - r->at < 2 || r->at[1] != 0))) r->ended = 1;
  else byte = *r->at;
  if (!r->ended) r->at += byte == 0xFF ? 2 : 1;
  r->hold = r->hold << 8 | byte;
  r->held_bits += 8;
}

unsigned jpeg_take_bits(jpeg_bits *r, unsigned count) {
  while (r->held_bits < count) refill(r);
  r->held_bits -= count;
  return r->hold >> r->held_bits & ((1U << count) - 1);
}

/* first is the first code of the length so far, index the
 * place of its symbol. */
int jpeg_take_symbol(jpeg_bits *r, const jpeg_huffman *code) {
  unsigned value = 0, first = 0, index = 0;
  for (unsigned bits = 1; bits <= JPEG_CODE_BITS_MAX; bits++) {
    value = value << 1 | jpeg_take_bits(r, 1);
    unsigned count = code->count[bits];
    if (value - first < count) return code->symbol[index + value - first];
    index += count;
    first = (first + count) << 1;
  }
  return -1;
}

int32_t jpeg_take_signed(jpeg_bits *r, unsigned bits) {
  int32_t value = (int32_t)jpeg_take_bits(r, bits);
  return bits > 0 && value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
}

const char *jpeg_take_restart(jpeg_bits *r, unsigned number) {
  r->held_bits = 0;
  while (r->end - r->at > 2 && r->at[0] == 0xFF && r->at[1] == 0xFF) r->at++;
  if (r->end - r->at < 2) return jpeg_ends_early;
  if (r->at[0] != 0xFF || r->at[1] != JPEG_RST0 + number)
    return "damaged JPEG data (expected restart markers in order)";
  r->at += 2;
  return NULL;
}
