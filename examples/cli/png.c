/* png.c - see png.h.  Names of chunks and fields are those of ISO/IEC 15948. */
#include "png.h"

#include <string.h>

#include "exif.h"
#include "inflate.h"
#include "pixel.h"

static const char bad_png[] = "damaged PNG image (expected whole chunks in order)";
static const char bad_type[] = "damaged PNG image (expected a colour type with a depth of its own)";
static const char bad_transparency[] =
    "bad PNG transparency (expected one tRNS chunk, behind a palette, before the data)";

enum { GRAY = 0, RGB = 2, PALETTE = 3, GRAY_ALPHA = 4, RGBA = 6 };
enum { COLOURS_MAX = 256, PASSES = 7, SIGNATURE_BYTES = 8 };

static const uint8_t signature[SIGNATURE_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

/* What the chunks say. */
typedef struct png {
  const uint8_t *bytes;
  size_t count;
  size_t width;
  size_t height;
  unsigned type;          /* colour type */
  unsigned depth;         /* bits of a sample as stored */
  unsigned samples;       /* in a pixel as stored */
  unsigned channels;      /* as we give it back */
  int is_interlaced;      /* in seven passes */
  const uint8_t *palette; /* [colours][3] */
  size_t colours;
  const uint8_t *transparency; /* of a palette: alphas of its first colours; else one colour */
  size_t transparency_bytes;
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
  TRNS = 0x74524E53,
  IDAT = 0x49444154,
  IEND = 0x49454E44,
  EXIF = 0x65584966,
  ANCILLARY = 0x20000000, /* the first letter is a small one: may be passed over */
  CHUNK_BYTES = 12        /* length, name and CRC */
};

int png_is(const uint8_t *bytes, size_t count) {
  return count >= 2 && bytes[0] == signature[0] && bytes[1] == signature[1];
}

/* -------------------------------------------------------------------------------------- chunks */

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

/* Does this colour type come in this depth?  Bit d of its mask stands for depth d. */
static int is_depth_of(unsigned type, unsigned depth) {
  static const uint32_t depths[7] = {1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16,
                                     0,
                                     1 << 8 | 1 << 16,
                                     1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
                                     1 << 8 | 1 << 16,
                                     0,
                                     1 << 8 | 1 << 16};
  return type < 7 && depth <= 16 && (depths[type] >> depth & 1);
}

static const char *take_header(png *p, const chunk *c) {
  static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4};
  if (c->name != IHDR || c->data_bytes != 13) return bad_png;
  uint32_t width = big_endian_32(c->data), height = big_endian_32(c->data + 4);
  p->depth = c->data[8];
  p->type = c->data[9];
  if (!is_depth_of(p->type, p->depth)) return bad_type;
  if (c->data[10] != 0 || c->data[11] != 0 || c->data[12] > 1) return bad_png;
  p->is_interlaced = c->data[12];
  p->samples = samples[p->type];
  p->channels = p->type == GRAY || p->type == GRAY_ALPHA ? 1 : 3;
  p->width = width;
  p->height = height;
  return pixel_check_sides(width, height);
}

/* There may be more colours than the depth can name: writers make 256 of them whatever the depth. */
static const char *take_palette(png *p, const chunk *c) {
  if (p->palette || p->data_begin || c->data_bytes == 0 || c->data_bytes % 3 != 0 ||
      c->data_bytes > 3 * (size_t)COLOURS_MAX)
    return "bad PNG palette (expected one of 1 to 256 colours, before the data)";
  p->palette = c->data;
  p->colours = c->data_bytes / 3;
  return NULL;
}

/* Alphas of the first colours of a palette, or the one colour, of 16 bits a sample, that counts as
 * transparent. */
static const char *take_transparency(png *p, const chunk *c) {
  if (p->transparency || p->data_begin || p->type >= GRAY_ALPHA) return bad_transparency;
  int fits = p->type == PALETTE ? c->data_bytes <= p->colours : c->data_bytes == 2 * p->samples;
  if (!fits) return bad_transparency;
  p->transparency = c->data;
  p->transparency_bytes = c->data_bytes;
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
  if (c->name == TRNS) return take_transparency(p, c);
  if (c->name == EXIF && !p->orientation) p->orientation = exif_orientation(c->data, c->data_bytes);
  if (c->name == IEND) p->ended = 1;
  if (c->name == IEND && c->data_bytes == 0 && p->data_ended) return NULL;
  return c->name & ANCILLARY ? NULL : bad_png;
}

/* -------------------------------------------------------------------------------------- passes */

/* The pixels of one pass: every step_x-th of every step_y-th row, from left and top on. */
typedef struct pass {
  size_t left, top, step_x, step_y;
  size_t width, height; /* either may be 0: then the pass has no bytes */
  size_t stride;        /* bytes of a row; its filter's number comes first */
} pass;

static size_t steps(size_t side, size_t first, size_t step) {
  return side > first ? (side - first + step - 1) / step : 0;
}

/* Pass i of an interlaced image, ISO/IEC 15948, 8.2; of another one there is pass 0 alone. */
static pass pass_of(const png *p, unsigned i) {
  static const uint8_t left[PASSES] = {0, 4, 0, 2, 0, 1, 0}, top[PASSES] = {0, 0, 4, 0, 2, 0, 1};
  static const uint8_t step_x[PASSES] = {8, 8, 4, 4, 2, 2, 1},
                       step_y[PASSES] = {8, 8, 8, 4, 4, 2, 2};
  pass s = {0, 0, 1, 1, p->width, p->height, 0};
  if (p->is_interlaced) {
    s = (pass){left[i], top[i], step_x[i], step_y[i], 0, 0, 0};
    s.width = steps(p->width, s.left, s.step_x);
    s.height = steps(p->height, s.top, s.step_y);
  }
  if (s.width == 0) s.height = 0;
  s.stride = 1 + (s.width * p->samples * p->depth + 7) / 8;
  return s;
}

static unsigned passes_of(const png *p) {
  return p->is_interlaced ? PASSES : 1;
}

/* Bytes of all rows: what the data unpack to. */
static size_t rows_bytes(const png *p) {
  size_t bytes = 0;
  for (unsigned i = 0; i < passes_of(p); i++) {
    pass s = pass_of(p, i);
    bytes += s.height * s.stride;
  }
  return bytes;
}

static const char *open_png(png *p, const uint8_t *bytes, size_t count) {
  size_t cursor = SIGNATURE_BYTES;
  chunk c;
  *p = (png){.bytes = bytes, .count = count};
  if (count < cursor || memcmp(bytes, signature, SIGNATURE_BYTES) != 0) return bad_png;
  const char *reason = next_chunk(&c, p, &cursor);
  if (!reason) reason = take_header(p, &c);
  while (!reason && !p->ended) {
    reason = next_chunk(&c, p, &cursor);
    if (!reason) reason = take_chunk(p, &c);
  }
  if (p->orientation == 0) p->orientation = 1;
  if (!reason && !inflate_is_possible(rows_bytes(p), p->data_bytes))
    reason = "PNG image ends early (expected data for each pixel)";
  return reason;
}

/* Pixels, rows with their filters, and the data of all IDAT chunks, one after the other. */
static size_t png_memory(const png *p) {
  return p->width * p->height * p->channels + rows_bytes(p) + p->data_bytes;
}

/* What was measured or read, upright. */
static image png_image(const png *p, const uint8_t *pixels) {
  int is_turned = exif_is_turned(p->orientation);
  image out = {png_memory(p), is_turned ? p->height : p->width, is_turned ? p->width : p->height,
               p->channels, pixels};
  return out;
}

const char *png_measure(image *out, const uint8_t *bytes, size_t count) {
  png p;
  const char *reason = open_png(&p, bytes, count);
  if (reason) return reason;
  *out = png_image(&p, NULL);
  return NULL;
}

/* ------------------------------------------------------------------------------------- filters */

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
 * zeros, as do the bytes before a row; step is a pixel's bytes, 1 at least. */
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

static const char *unfilter_pass(const png *p, const pass *s, uint8_t *rows) {
  unsigned step = (p->samples * p->depth + 7) / 8;
  for (size_t y = 0; y < s->height; y++) {
    uint8_t *row = rows + y * s->stride;
    if (row[0] > 4) return "damaged PNG image (expected filters 0 to 4)";
    unfilter(row + 1, y > 0 ? row + 1 - s->stride : NULL, s->stride - 1, step, row[0]);
  }
  return NULL;
}

/* -------------------------------------------------------------------------------------- pixels */

/* Sample i of a row, of 1 to 16 bits, the highest bits first. */
static unsigned sample_of(const png *p, const uint8_t *row, size_t i) {
  if (p->depth == 8) return row[i];
  if (p->depth == 16) return (unsigned)row[2 * i] << 8 | row[2 * i + 1];
  size_t bit = i * p->depth;
  return (unsigned)row[bit / 8] >> (8 - p->depth - bit % 8) & ((1U << p->depth) - 1);
}

/* Is the pixel the colour that counts as transparent? */
static int is_transparent(const png *p, const unsigned *sample) {
  for (unsigned i = 0; i < p->samples; i++)
    if (sample[i] != ((unsigned)p->transparency[2 * i] << 8 | p->transparency[2 * i + 1])) return 0;
  return 1;
}

/* 0 if the colour is not in the palette. */
static int set_colour(const png *p, uint8_t *to, unsigned colour) {
  if (colour >= p->colours) return 0;
  unsigned alpha = colour < p->transparency_bytes ? p->transparency[colour] : 255;
  for (unsigned i = 0; i < 3; i++)
    to[i] = (uint8_t)pixel_on_black(p->palette[3 * colour + i], alpha, 255);
  return 1;
}

/* Pixel x of a row: laid on black at its own depth, then scaled. */
static int set_pixel(const png *p, uint8_t *to, const uint8_t *row, size_t x) {
  unsigned sample[4] = {0}, max = (1U << p->depth) - 1;
  for (unsigned i = 0; i < p->samples; i++) sample[i] = sample_of(p, row, x * p->samples + i);
  if (p->type == PALETTE) return set_colour(p, to, sample[0]);
  unsigned alpha = p->samples > p->channels ? sample[p->channels] : max;
  if (p->transparency && is_transparent(p, sample)) alpha = 0;
  for (unsigned i = 0; i < p->channels; i++)
    to[i] = pixel_scale(alpha == max ? sample[i] : pixel_on_black(sample[i], alpha, max), max);
  return 1;
}

/* All pixels of a pass, each where it is in the upright picture. */
static const char *set_pass(const png *p, const pass *s, uint8_t *pixels, const uint8_t *rows) {
  for (size_t y = 0; y < s->height; y++)
    for (size_t x = 0; x < s->width; x++) {
      size_t place = exif_place(p->orientation, p->width, p->height, s->left + x * s->step_x,
                                s->top + y * s->step_y);
      if (!set_pixel(p, pixels + place * p->channels, rows + y * s->stride + 1, x))
        return "damaged PNG image (expected colours of its palette)";
    }
  return NULL;
}

static const char *set_pixels(const png *p, uint8_t *pixels, uint8_t *rows) {
  const char *reason = NULL;
  for (unsigned i = 0; !reason && i < passes_of(p); i++) {
    pass s = pass_of(p, i);
    reason = unfilter_pass(p, &s, rows);
    if (!reason) reason = set_pass(p, &s, pixels, rows);
    rows += s.height * s.stride;
  }
  return reason;
}

/* Lays the data of the IDAT chunks end to end; open_png has checked them. */
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

const char *png_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                     size_t memory_bytes) {
  png p;
  const char *reason = open_png(&p, bytes, count);
  if (!reason && png_memory(&p) > memory_bytes) reason = "too little memory for the image";
  if (reason) return reason;
  uint8_t *rows = memory + p.width * p.height * p.channels;
  uint8_t *data = rows + rows_bytes(&p);
  gather(&p, data);
  reason = inflate_zlib(rows, rows_bytes(&p), data, p.data_bytes);
  if (!reason) reason = set_pixels(&p, memory, rows);
  if (reason) return reason;
  *out = png_image(&p, memory);
  return NULL;
}
