/* image.c - see image.h.  PGM and PPM as in Netpbm's manual, PNG as in ISO/IEC 15948; JPEG is
 * in jpeg.c. */
#include "image.h"
#include "exif.h"
#include "inflate.h"
#include "jpeg.h"

#include <string.h>

static const char bad_pnm[] = "damaged PGM or PPM header (expected width, height and maxval)";
static const char bad_png[] = "damaged PNG image (expected whole chunks in order)";
static const char too_large[] = "image is empty or too large (expected sides of 1 to 4096)";
static const char short_memory[] = "too little memory for the image";

/* ------------------------------------------------------------------------------ PGM and PPM */

typedef struct pnm {
  const uint8_t *at; /* what is not read yet; the samples, after the header */
  const uint8_t *end;
  size_t width;
  size_t height;
  size_t samples;
  unsigned channels;
  unsigned maxval;
  int plain; /* samples are decimal numbers */
} pnm;

static int is_space(unsigned c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Skips white space and comments, which run from # to the end of the line. */
static void skip_spaces(pnm *p) {
  int comment = 0;
  for (; p->at < p->end && (comment || *p->at == '#' || is_space(*p->at)); p->at++)
    comment = (comment || *p->at == '#') && *p->at != '\n' && *p->at != '\r';
}

/* A decimal number of at most limit <= 4096, ended by white space, a comment or the file's end. */
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

/* After the maxval there is one white space, so that samples may begin with such a byte. */
static const char *pnm_header(pnm *p, const uint8_t *bytes, size_t count) {
  unsigned width = 0, height = 0;
  *p = (pnm){.at = bytes + 2, .end = bytes + count};
  p->plain = bytes[1] == '2' || bytes[1] == '3';
  p->channels = bytes[1] == '3' || bytes[1] == '6' ? 3 : 1;
  if (p->at == p->end || !(is_space(*p->at) || *p->at == '#')) return bad_pnm;
  if (!take_number(p, IMAGE_SIDE_MAX, &width) || !take_number(p, IMAGE_SIDE_MAX, &height) ||
      width == 0 || height == 0)
    return "bad width or height in a PGM or PPM image (expected 1 to 4096)";
  if (!take_number(p, 255, &p->maxval) || p->maxval == 0)
    return "bad maxval in a PGM or PPM image (expected 1 to 255, 8 bits per sample)";
  if (p->at == p->end || !is_space(*p->at)) return bad_pnm;
  p->at++;
  p->width = width;
  p->height = height;
  p->samples = p->width * height * p->channels;
  return NULL;
}

/* Compares what there is with what the header claims.  A plain sample takes a digit and, but for
 * the last one, a space. */
static const char *pnm_open(pnm *p, const uint8_t *bytes, size_t count) {
  const char *reason = pnm_header(p, bytes, count);
  if (reason) return reason;
  size_t left = (size_t)(p->end - p->at);
  size_t needed = p->plain ? 2 * p->samples - 1 : p->samples;
  if (left < needed) return "PGM or PPM image ends early (expected a sample for each pixel)";
  if (!p->plain && left > needed) return "bytes after the end of the PGM or PPM image";
  return NULL;
}

static uint8_t rescale(unsigned sample, unsigned maxval) {
  return (uint8_t)((sample * 255 + maxval / 2) / maxval);
}

static const char *pnm_samples(pnm *p, uint8_t *pixels) {
  for (size_t i = 0; i < p->samples; i++) {
    unsigned sample = p->plain ? 0 : *p->at++;
    if ((p->plain && !take_number(p, p->maxval, &sample)) || sample > p->maxval)
      return "bad sample in a PGM or PPM image (expected 0 to its maxval)";
    pixels[i] = rescale(sample, p->maxval);
  }
  skip_spaces(p);
  return p->at == p->end ? NULL : "bytes after the end of the PGM or PPM image";
}

static const char *pnm_measure(image *out, const uint8_t *bytes, size_t count) {
  pnm p;
  const char *reason = pnm_open(&p, bytes, count);
  if (reason) return reason;
  *out = (image){p.samples, p.width, p.height, p.channels, NULL};
  return NULL;
}

static const char *pnm_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                            size_t memory_bytes) {
  pnm p;
  const char *reason = pnm_open(&p, bytes, count);
  if (!reason && p.samples > memory_bytes) reason = short_memory;
  if (!reason) reason = pnm_samples(&p, memory);
  if (reason) return reason;
  *out = (image){p.samples, p.width, p.height, p.channels, memory};
  return NULL;
}

/* -------------------------------------------------------------------------------------- PNG */

enum { PALETTE = 3 };

/* What the chunks say. */
typedef struct png {
  const uint8_t *bytes;
  size_t count;
  size_t width;
  size_t height;
  unsigned type;          /* colour type */
  unsigned samples;       /* in a pixel as stored */
  unsigned channels;      /* as we give it back */
  const uint8_t *palette; /* [colours][3] */
  size_t colours;
  size_t data_begin;    /* of the first IDAT chunk */
  size_t data_bytes;    /* in all of them, which follow each other */
  unsigned orientation; /* exif.h; 0 until an eXIf chunk has it */
  int data_ended;
  int ended;
} png;

typedef struct chunk {
  uint32_t name; /* four letters, the first one highest */
  const uint8_t *data;
  size_t data_bytes;
} chunk;

enum {
  IHDR = 0x49484452,
  PLTE = 0x504C5445,
  IDAT = 0x49444154,
  IEND = 0x49454E44,
  EXIF = 0x65584966,
  ANCILLARY = 0x20000000, /* the first letter is a small one: may be passed over */
  CHUNK_BYTES = 12,       /* length, name and CRC */
  SIGNATURE_BYTES = 8
};

static uint32_t big_endian_32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Reads the chunk at *cursor, checks its CRC and moves on. */
static const char *next_chunk(chunk *c, const png *p, size_t *cursor) {
  const uint8_t *at = p->bytes + *cursor;
  size_t left = p->count - *cursor;
  if (left < CHUNK_BYTES) return "PNG image ends early (expected an IEND chunk)";
  uint32_t data_bytes = big_endian_32(at);
  if (data_bytes > left - CHUNK_BYTES) return "PNG chunk ends early (expected its whole length)";
  *c = (chunk){big_endian_32(at + 4), at + 8, data_bytes};
  *cursor += CHUNK_BYTES + (size_t)data_bytes;
  uint32_t stored = big_endian_32(at + 8 + data_bytes);
  if (!inflate_checksum_matches(inflate_crc32(0, at + 4, 4 + (size_t)data_bytes), stored))
    return "damaged PNG chunk (the CRC-32 does not match)";
  return NULL;
}

static const char *take_header(png *p, const chunk *c) {
  static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4};
  if (c->name != IHDR || c->data_bytes != 13) return bad_png;
  uint32_t width = big_endian_32(c->data), height = big_endian_32(c->data + 4);
  p->type = c->data[9];
  p->samples = p->type < 7 ? samples[p->type] : 0;
  if (p->samples == 0 || c->data[10] != 0 || c->data[11] != 0) return bad_png;
  if (c->data[8] != 8) return "PNG image of another bit depth (expected 8 bits per sample)";
  if (c->data[12] != 0) return "interlaced PNG image (expected one that is not)";
  if (width == 0 || height == 0 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
    return too_large;
  p->width = width;
  p->height = height;
  p->channels = p->type == 0 || p->type == 4 ? 1 : 3;
  return NULL;
}

static const char *take_palette(png *p, const chunk *c) {
  if (p->palette || p->data_begin || c->data_bytes == 0 || c->data_bytes % 3 != 0 ||
      c->data_bytes > 768)
    return "bad PNG palette (expected one of 1 to 256 colours, before the data)";
  p->palette = c->data;
  p->colours = c->data_bytes / 3;
  return NULL;
}

static const char *take_data(png *p, const chunk *c) {
  if (p->data_ended) return bad_png;
  if (p->type == PALETTE && !p->palette) return "PNG palette is missing (expected a PLTE chunk)";
  if (!p->data_begin) p->data_begin = (size_t)(c->data - p->bytes) - 8;
  p->data_bytes += c->data_bytes;
  return NULL;
}

static const char *take_chunk(png *p, const chunk *c) {
  if (c->name == IDAT) return take_data(p, c);
  p->data_ended = p->data_begin != 0;
  if (c->name == PLTE) return take_palette(p, c);
  if (c->name == EXIF && !p->orientation) p->orientation = exif_orientation(c->data, c->data_bytes);
  if (c->name == IEND) p->ended = 1;
  if (c->name == IEND && c->data_bytes == 0 && p->data_ended) return NULL;
  return c->name & ANCILLARY ? NULL : bad_png;
}

static size_t row_bytes(const png *p) {
  return 1 + p->width * p->samples; /* the filter's number comes first */
}

static const char *png_open(png *p, const uint8_t *bytes, size_t count) {
  size_t cursor = SIGNATURE_BYTES;
  chunk c;
  *p = (png){.bytes = bytes, .count = count};
  if (count < cursor || memcmp(bytes, "\x89PNG\r\n\x1A\n", SIGNATURE_BYTES) != 0) return bad_png;
  const char *reason = next_chunk(&c, p, &cursor);
  if (!reason) reason = take_header(p, &c);
  while (!reason && !p->ended) {
    reason = next_chunk(&c, p, &cursor);
    if (!reason) reason = take_chunk(p, &c);
  }
  if (p->orientation == 0) p->orientation = 1;
  if (!reason && cursor != count) reason = "bytes after the end of the PNG image";
  if (!reason && !inflate_is_possible(p->height * row_bytes(p), p->data_bytes))
    reason = "PNG image ends early (expected data for each pixel)";
  return reason;
}

/* Pixels, rows with their filters, and the data of all IDAT chunks, one after the other. */
static size_t png_memory(const png *p) {
  return p->width * p->height * p->channels + p->height * row_bytes(p) + p->data_bytes;
}

/* What was measured or read, upright. */
static image png_image(const png *p, const uint8_t *pixels) {
  int is_turned = exif_is_turned(p->orientation);
  image out = {png_memory(p), is_turned ? p->height : p->width, is_turned ? p->width : p->height,
               p->channels, pixels};
  return out;
}

static const char *png_measure(image *out, const uint8_t *bytes, size_t count) {
  png p;
  const char *reason = png_open(&p, bytes, count);
  if (reason) return reason;
  *out = png_image(&p, NULL);
  return NULL;
}

/* The one of left, up and corner that is nearest to left + up - corner. */
static unsigned paeth(unsigned left, unsigned up, unsigned corner) {
  int a = (int)up - (int)corner, b = (int)left - (int)corner;
  int to_left = a < 0 ? -a : a;
  int to_up = b < 0 ? -b : b;
  int to_corner = a + b < 0 ? -(a + b) : a + b;
  if (to_left <= to_up && to_left <= to_corner) return left;
  return to_up <= to_corner ? up : corner;
}

static unsigned predict(unsigned filter, unsigned left, unsigned up, unsigned corner) {
  if (filter == 1) return left;
  if (filter == 2) return up;
  if (filter == 3) return (left + up) / 2;
  return filter == 4 ? paeth(left, up, corner) : 0;
}

/* Undoes the filter in place.  above is the row before, NULL for the first one, which counts as
 * zeros, as do the samples before a row. */
static void unfilter(uint8_t *row, const uint8_t *above, size_t count, unsigned step,
                     unsigned filter) {
  if (filter == 0) return;
  for (size_t i = 0; i < count; i++) {
    unsigned left = i < step ? 0 : row[i - step];
    unsigned up = above ? above[i] : 0;
    unsigned corner = above && i >= step ? above[i - step] : 0;
    row[i] = (uint8_t)(row[i] + predict(filter, left, up, corner));
  }
}

static const char *unfilter_rows(const png *p, uint8_t *rows) {
  size_t stride = row_bytes(p);
  for (size_t y = 0; y < p->height; y++) {
    uint8_t *row = rows + y * stride;
    if (row[0] > 4) return "damaged PNG image (expected filters 0 to 4)";
    unfilter(row + 1, y > 0 ? row + 1 - stride : NULL, stride - 1, p->samples, row[0]);
  }
  return NULL;
}

/* Row y: colours looked up, alpha dropped, each pixel where it is in the upright picture.  0 if a
 * colour is not in the palette. */
static int convert_row(const png *p, uint8_t *pixels, const uint8_t *row, size_t y) {
  for (size_t x = 0; x < p->width; x++) {
    const uint8_t *from = row + x * p->samples;
    if (p->type == PALETTE && *from >= p->colours) return 0;
    if (p->type == PALETTE) from = p->palette + 3 * (size_t)*from;
    size_t place = exif_place(p->orientation, p->width, p->height, x, y);
    memcpy(pixels + place * p->channels, from, p->channels);
  }
  return 1;
}

static const char *convert(const png *p, uint8_t *pixels, const uint8_t *rows) {
  size_t stride = row_bytes(p);
  for (size_t y = 0; y < p->height; y++)
    if (!convert_row(p, pixels, rows + y * stride + 1, y))
      return "damaged PNG image (expected colours of its palette)";
  return NULL;
}

/* Lays the data of the IDAT chunks end to end; png_open has checked them. */
static void gather(const png *p, uint8_t *data) {
  size_t cursor = p->data_begin;
  size_t made = 0;
  while (made < p->data_bytes) {
    size_t data_bytes = big_endian_32(p->bytes + cursor);
    memcpy(data + made, p->bytes + cursor + 8, data_bytes);
    cursor += CHUNK_BYTES + data_bytes;
    made += data_bytes;
  }
}

static const char *png_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                            size_t memory_bytes) {
  png p;
  const char *reason = png_open(&p, bytes, count);
  if (!reason && png_memory(&p) > memory_bytes) reason = short_memory;
  if (reason) return reason;
  uint8_t *rows = memory + p.width * p.height * p.channels;
  uint8_t *data = rows + p.height * row_bytes(&p);
  gather(&p, data);
  reason = inflate_zlib(rows, p.height * row_bytes(&p), data, p.data_bytes);
  if (!reason) reason = unfilter_rows(&p, rows);
  if (!reason) reason = convert(&p, memory, rows);
  if (reason) return reason;
  *out = png_image(&p, memory);
  return NULL;
}

/* ------------------------------------------------------------------------------- dispatcher */

typedef enum { OTHER, PNM, PNG, JPEG, ZIP } kind;

static kind kind_of(const uint8_t *bytes, size_t count) {
  if (count >= 2 && bytes[0] == 'P' && strchr("2356", bytes[1]) && bytes[1]) return PNM;
  if (count >= 2 && bytes[0] == 0xFF && bytes[1] == 0xD8) return JPEG;
  if (count >= 4 && memcmp(bytes, "PK\3\4", 4) == 0) return ZIP;
  return count >= 2 && bytes[0] == 0x89 && bytes[1] == 'P' ? PNG : OTHER;
}

static const char unknown[] = "not a PGM, PPM, PNG or JPEG image (expected one of these)";
static const char archive[] =
    "an .npz data set (expected a picture, or --split and --index to name one of its images)";

const char *image_measure(image *out, const void *bytes, size_t count) {
  memset(out, 0, sizeof *out);
  switch (kind_of(bytes, count)) {
  case PNM:
    return pnm_measure(out, bytes, count);
  case PNG:
    return png_measure(out, bytes, count);
  case JPEG:
    return jpeg_measure(out, bytes, count);
  case ZIP:
    return archive;
  default:
    return unknown;
  }
}

const char *image_read(image *out, const void *bytes, size_t count, void *memory,
                       size_t memory_bytes) {
  memset(out, 0, sizeof *out);
  switch (kind_of(bytes, count)) {
  case PNM:
    return pnm_read(out, bytes, count, memory, memory_bytes);
  case PNG:
    return png_read(out, bytes, count, memory, memory_bytes);
  case JPEG:
    return jpeg_read(out, bytes, count, memory, memory_bytes);
  case ZIP:
    return archive;
  default:
    return unknown;
  }
}
