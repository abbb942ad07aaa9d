/* jpeg.c - see jpeg.h.  Names of markers and parameters are those of ITU-T T.81. */
#include "jpeg.h"
#include "exif.h"

#include <string.h>

enum {
  SOF0 = 0xC0, /* baseline; the other SOF are C1 to CF but for DHT, JPG and DAC */
  SOF2 = 0xC2, /* progressive */
  DHT = 0xC4,
  JPG = 0xC8,
  DAC = 0xCC,
  RST0 = 0xD0,
  SOI = 0xD8,
  EOI = 0xD9,
  SOS = 0xDA,
  DQT = 0xDB,
  DRI = 0xDD,
  APP0 = 0xE0,
  APP1 = 0xE1,
  APP14 = 0xEE,
  APP15 = 0xEF,
  COM = 0xFE
};

enum {
  BLOCK = 8, /* side of a block, samples */
  COEFFICIENTS = 64,
  COMPONENTS_MAX = 3,
  CODE_BITS_MAX = 16,
  DC_BITS_MAX = 11, /* of a difference, F.1.2.1.1 */
  AC_BITS_MAX = 10  /* of a coefficient, F.1.2.2.1 */
};

static const char bad_jpeg[] = "damaged JPEG image (expected whole segments in order)";
static const char ends_early[] = "JPEG image ends early (expected data for each pixel and an EOI)";
static const char bad_data[] = "damaged JPEG data (expected codes and coefficients in range)";
static const char bad_code[] = "bad JPEG Huffman table (expected at most 256 codes, none too many)";

/* A canonical Huffman code. */
typedef struct huffman {
  uint8_t count[CODE_BITS_MAX + 1]; /* of codes by length (BITS); [0] stays 0 */
  uint8_t symbol[256];              /* in the order of their codes (HUFFVAL) */
  int there;
} huffman;

typedef struct component {
  unsigned id;
  unsigned h, v; /* sampling factors, 1 or 2 */
  unsigned quantizer;
  unsigned dc_table, ac_table;
  size_t width, height; /* in blocks, as much as the image needs */
  size_t stride;        /* of the plane, samples: whole MCUs */
  size_t rows;          /* of the plane, likewise */
  uint8_t *samples;     /* [rows][stride] */
  int32_t dc;           /* the last one, quantized */
  int decoded;          /* a scan had it */
} component;

/* Entropy-coded bits, highest first; a byte FF is followed by 00. */
typedef struct bit_reader {
  const uint8_t *at;
  const uint8_t *end;
  uint32_t hold; /* the lowest held_bits of it are next */
  unsigned held_bits;
  int ended; /* more was asked for than there is; zeros were given */
} bit_reader;

typedef struct jpeg {
  const uint8_t *at; /* what is not read yet */
  const uint8_t *end;
  size_t width;
  size_t height;
  unsigned components; /* 0 until the frame header was read */
  component component[COMPONENTS_MAX];
  unsigned h_max, v_max;
  unsigned orientation;               /* exif.h; 0 until an APP1 segment has it */
  size_t restart_interval;            /* MCUs; 0: none */
  uint8_t quantizer[4][COEFFICIENTS]; /* in zigzag order */
  unsigned quantizers;                /* a bit for each that is there */
  huffman code[2][2];                 /* DC and AC; tables 0 and 1 */
} jpeg;

/* A marker and what follows it. */
typedef struct segment {
  unsigned marker;
  const uint8_t *data;
  size_t data_bytes;
} segment;

static unsigned big_endian_16(const uint8_t *at) {
  return (unsigned)at[0] << 8 | at[1];
}

/* --------------------------------------------------------------------------------- segments */

/* The marker at j->at, which may have bytes FF before it, and its data, if it is of those that have
 * any. */
static const char *next_segment(segment *s, jpeg *j) {
  if (j->at == j->end) return ends_early;
  if (*j->at != 0xFF) return bad_jpeg;
  while (j->at < j->end && *j->at == 0xFF) j->at++;
  if (j->at == j->end) return ends_early;
  *s = (segment){*j->at++, j->at, 0};
  if (s->marker == EOI) return NULL;
  if (s->marker < SOF0 || (s->marker >= RST0 && s->marker <= SOI)) return bad_jpeg;
  size_t left = (size_t)(j->end - j->at);
  if (left < 2) return ends_early;
  size_t length = big_endian_16(j->at); /* counts itself */
  if (length < 2) return bad_jpeg;
  if (length > left) return ends_early;
  s->data = j->at + 2;
  s->data_bytes = length - 2;
  j->at += length;
  return NULL;
}

/* Quantization tables, B.2.4.1: precision and number, then 64 steps in zigzag order. */
static const char *take_quantizers(jpeg *j, const segment *s) {
  const uint8_t *at = s->data;
  size_t left = s->data_bytes;
  for (; left >= 1 + COEFFICIENTS; left -= 1 + COEFFICIENTS, at += 1 + COEFFICIENTS) {
    if (at[0] > 3) return "bad JPEG quantization table (expected tables 0 to 3 of 8 bits)";
    memcpy(j->quantizer[at[0]], at + 1, COEFFICIENTS);
    j->quantizers |= 1U << at[0];
  }
  return left == 0 ? NULL : bad_jpeg;
}

/* The counts of codes by length.  Returns how many there are, 0 if that cannot be. */
static size_t take_counts(huffman *code, const uint8_t *counts) {
  size_t symbols = 0;
  int left = 1; /* codes left over by those so far */
  for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
    code->count[bits] = counts[bits - 1];
    symbols += counts[bits - 1];
    left = 2 * left - counts[bits - 1];
    if (left < 0) return 0;
  }
  return symbols <= 256 ? symbols : 0;
}

/* Huffman tables, B.2.4.2: class and number, 16 counts, the symbols. */
static const char *take_codes(jpeg *j, const segment *s) {
  enum { HEAD = 1 + CODE_BITS_MAX };
  const uint8_t *at = s->data;
  size_t left = s->data_bytes;
  while (left >= HEAD) {
    unsigned class = at[0] >> 4, number = at[0] & 15;
    if (class > 1 || number > 1) return "bad JPEG Huffman table (expected tables 0 and 1)";
    huffman *code = &j->code[class][number];
    code->there = 0;
    size_t symbols = take_counts(code, at + 1);
    if (symbols == 0) return bad_code;
    if (symbols > left - HEAD) return bad_jpeg;
    memcpy(code->symbol, at + HEAD, symbols);
    code->there = 1;
    at += HEAD + symbols;
    left -= HEAD + symbols;
  }
  return left == 0 ? NULL : bad_jpeg;
}

static const char *take_restart_interval(jpeg *j, const segment *s) {
  if (s->data_bytes != 2) return bad_jpeg;
  j->restart_interval = big_endian_16(s->data);
  return NULL;
}

/* Adobe's marker names the colours: 0 as they are, 1 YCbCr, 2 YCCK. */
static const char *take_adobe(const segment *s) {
  if (s->data_bytes < 12 || memcmp(s->data, "Adobe", 5) != 0 || s->data[11] == 1) return NULL;
  return "JPEG image in RGB or CMYK (expected gray or YCbCr)";
}

/* The first Exif segment before the first scan counts: jpeg_measure looks no further. */
static void take_exif(jpeg *j, const segment *s) {
  enum { NAME_BYTES = 6 };
  if (j->orientation || s->data_bytes < NAME_BYTES || memcmp(s->data, "Exif\0", NAME_BYTES) != 0)
    return;
  j->orientation = exif_orientation(s->data + NAME_BYTES, s->data_bytes - NAME_BYTES);
}

static size_t blocks_of(size_t samples) {
  return (samples + BLOCK - 1) / BLOCK;
}

/* Sizes of the planes: T.81, A.1.1 and A.2.4. */
static void lay_out(jpeg *j) {
  size_t across = (j->width + BLOCK * j->h_max - 1) / (BLOCK * j->h_max); /* in MCUs */
  size_t down = (j->height + BLOCK * j->v_max - 1) / (BLOCK * j->v_max);
  for (unsigned i = 0; i < j->components; i++) {
    component *c = &j->component[i];
    c->width = blocks_of((j->width * c->h + j->h_max - 1) / j->h_max);
    c->height = blocks_of((j->height * c->v + j->v_max - 1) / j->v_max);
    c->stride = across * c->h * BLOCK;
    c->rows = down * c->v * BLOCK;
  }
}

/* One component of the frame: its name, sampling factors and quantization table. */
static const char *take_component(jpeg *j, unsigned i, const uint8_t *at) {
  component *c = &j->component[i];
  *c = (component){.id = at[0], .h = at[1] >> 4, .v = at[1] & 15, .quantizer = at[2]};
  if (c->h < 1 || c->h > 2 || c->v < 1 || c->v > 2)
    return "JPEG sampling is not supported (expected factors 1 and 2)";
  if (c->quantizer > 3) return bad_jpeg;
  for (unsigned k = 0; k < i; k++)
    if (j->component[k].id == c->id) return bad_jpeg;
  if (c->h > j->h_max) j->h_max = c->h;
  if (c->v > j->v_max) j->v_max = c->v;
  return NULL;
}

static const char *check_frame(const segment *s) {
  if (s->data_bytes < 6) return bad_jpeg;
  if (s->data[0] != 8) return "JPEG image of 12 bits (expected 8 bits per sample)";
  unsigned height = big_endian_16(s->data + 1), width = big_endian_16(s->data + 3);
  if (width == 0 || height == 0 || width > IMAGE_SIDE_MAX || height > IMAGE_SIDE_MAX)
    return "image is empty or too large (expected sides of 1 to 4096)";
  if (s->data[5] != 1 && s->data[5] != 3)
    return "JPEG image neither gray nor YCbCr (expected 1 or 3 components)";
  return s->data_bytes == 6 + 3U * s->data[5] ? NULL : bad_jpeg;
}

/* The frame header, B.2.2. */
static const char *take_frame(jpeg *j, const segment *s) {
  const char *reason = j->components ? bad_jpeg : check_frame(s);
  for (unsigned i = 0; !reason && i < s->data[5]; i++)
    reason = take_component(j, i, s->data + 6 + 3 * (size_t)i);
  if (reason) return reason;
  j->height = big_endian_16(s->data + 1);
  j->width = big_endian_16(s->data + 3);
  j->components = s->data[5];
  lay_out(j);
  return NULL;
}

static const char *take_segment(jpeg *j, const segment *s) {
  switch (s->marker) {
  case SOF0:
    return take_frame(j, s);
  case SOF2:
    return "progressive JPEG image (expected a baseline one)";
  case DHT:
    return take_codes(j, s);
  case DQT:
    return take_quantizers(j, s);
  case DRI:
    return take_restart_interval(j, s);
  case APP1:
    take_exif(j, s);
    return NULL;
  case APP14:
    return take_adobe(s);
  default:
    if ((s->marker >= APP0 && s->marker <= APP15) || s->marker == COM) return NULL;
    if (s->marker > SOF0 && s->marker <= 0xCF && s->marker != JPG)
      return "extended, lossless or arithmetic JPEG image (expected a baseline one)";
    return bad_jpeg;
  }
}

/* Takes all segments up to the next scan's header or the end; s is that one. */
static const char *to_scan(segment *s, jpeg *j) {
  const char *reason = next_segment(s, j);
  while (!reason && s->marker != SOS && s->marker != EOI) {
    reason = take_segment(j, s);
    if (!reason) reason = next_segment(s, j);
  }
  return reason;
}

/* A block takes two bits at least, a code for its DC and one for its AC coefficients. */
static int data_are_possible(const jpeg *j, size_t count) {
  size_t blocks = 0;
  for (unsigned i = 0; i < j->components; i++)
    blocks += j->component[i].width * j->component[i].height;
  return blocks / 4 <= count;
}

/* Up to the first scan; s is its header. */
static const char *open_jpeg(jpeg *j, segment *s, const uint8_t *bytes, size_t count) {
  memset(j, 0, sizeof *j);
  if (count < 2 || bytes[0] != 0xFF || bytes[1] != SOI) return bad_jpeg;
  j->at = bytes + 2;
  j->end = bytes + count;
  const char *reason = to_scan(s, j);
  if (reason) return reason;
  if (s->marker != SOS || j->components == 0) return bad_jpeg;
  if (j->orientation == 0) j->orientation = 1;
  return data_are_possible(j, count) ? NULL : ends_early;
}

/* ------------------------------------------------------------------------------------- bits */

/* One byte more; at a marker or the end, zeros. */
static void refill(bit_reader *r) {
  unsigned byte = 0;
  if (r->at == r->end || (*r->at == 0xFF && (r->end - r->at < 2 || r->at[1] != 0))) r->ended = 1;
  else byte = *r->at;
  if (!r->ended) r->at += byte == 0xFF ? 2 : 1;
  r->hold = r->hold << 8 | byte;
  r->held_bits += 8;
}

/* The next count <= 11 bits as a number. */
static unsigned take_bits(bit_reader *r, unsigned count) {
  while (r->held_bits < count) refill(r);
  r->held_bits -= count;
  return r->hold >> r->held_bits & ((1U << count) - 1);
}

/* The next symbol, or -1 if no code fits.  first is the first code of the length so far, index the
 * place of its symbol. */
static int take_symbol(bit_reader *r, const huffman *code) {
  unsigned value = 0, first = 0, index = 0;
  for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
    value = value << 1 | take_bits(r, 1);
    unsigned count = code->count[bits];
    if (value - first < count) return code->symbol[index + value - first];
    index += count;
    first = (first + count) << 1;
  }
  return -1;
}

/* A number of so many bits, F.2.2.1: the lower half of what they can hold stands for negatives. */
static int32_t take_signed(bit_reader *r, unsigned bits) {
  int32_t value = (int32_t)take_bits(r, bits);
  return bits > 0 && value < 1 << (bits - 1) ? value - (1 << bits) + 1 : value;
}

/* ------------------------------------------------------------------------------ inverse DCT */

/* x / 2^bits, rounded; >> of negative numbers goes down, as on every compiler that we know. */
static int64_t descale(int64_t x, unsigned bits) {
  return (x + ((int64_t)1 << (bits - 1))) >> bits;
}

/* One dimension, of values that are step apart, in place: x[k] becomes the sum over f of
 * sqrt(8) c(f) / 2 x[f] cos((2 k + 1) f pi / 16), times 2^13 / 2^shift.  The 8 values may have 40
 * bits: sums stay below 2^58.
 *   Source: Loeffler, Ligtenberg, Moschytz, 1989, figure 1, as in libjpeg's jidctint.c. */
static void idct_line(int64_t *x, size_t step, unsigned shift) {
  int64_t x0 = x[0], x1 = x[step], x2 = x[2 * step], x3 = x[3 * step];
  int64_t x4 = x[4 * step], x5 = x[5 * step], x6 = x[6 * step], x7 = x[7 * step];
  /* Even part.  Constants are 2^13 times cosines and their sums. */
  int64_t turn = (x2 + x6) * 4433; /* 0.541196100 */
  int64_t low = turn - x6 * 15137; /* 1.847759065 */
  int64_t high = turn + x2 * 6270; /* 0.765366865 */
  int64_t sum = (x0 + x4) * 8192, difference = (x0 - x4) * 8192;
  int64_t even[4] = {sum + high, difference + low, difference - low, sum - high};
  /* Odd part. */
  int64_t all = (x7 + x3 + x5 + x1) * 9633; /* 1.175875602 */
  int64_t z1 = (x7 + x1) * -7373;           /* 0.899976223 */
  int64_t z2 = (x5 + x3) * -20995;          /* 2.562915447 */
  int64_t z3 = (x7 + x3) * -16069 + all;    /* 1.961570560 */
  int64_t z4 = (x5 + x1) * -3196 + all;     /* 0.390180644 */
  int64_t odd[4] = {x1 * 12299 + z1 + z4,   /* 1.501321110 */
                    x3 * 25172 + z2 + z3,   /* 3.072711026 */
                    x5 * 16819 + z2 + z4,   /* 2.053119869 */
                    x7 * 2446 + z1 + z3};   /* 0.298631336 */
  for (size_t k = 0; k < 4; k++) {
    x[k * step] = descale(even[k] + odd[k], shift);
    x[(7 - k) * step] = descale(even[k] - odd[k], shift);
  }
}

static uint8_t clamp(int64_t sample) {
  return (uint8_t)(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

/* [64] coefficients to samples, 128 added.  Columns come first and keep two bits more. */
static void idct(uint8_t *samples, size_t stride, int64_t *block) {
  for (size_t x = 0; x < BLOCK; x++) idct_line(block + x, BLOCK, 13 - 2);
  for (size_t y = 0; y < BLOCK; y++) {
    idct_line(block + BLOCK * y, 1, 13 + 2 + 3);
    for (size_t x = 0; x < BLOCK; x++) samples[y * stride + x] = clamp(block[BLOCK * y + x] + 128);
  }
}

/* ------------------------------------------------------------------------------------- scan */

static const uint8_t zigzag[COEFFICIENTS] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* The AC coefficients, F.2.2.2: a symbol is a run of zeros, 0 to 15, and the bits of what follows;
 * 15 and no bits are 16 zeros, 0 and no bits the end of the block. */
static const char *take_ac(int64_t *block, bit_reader *r, const huffman *code,
                           const uint8_t *quantizer) {
  for (unsigned k = 1; k < COEFFICIENTS; k++) {
    int symbol = take_symbol(r, code);
    if (symbol == 0) return NULL;
    unsigned run = (unsigned)symbol >> 4, bits = (unsigned)symbol & 15;
    if (symbol < 0 || bits > AC_BITS_MAX || (bits == 0 && run != 15)) return bad_data;
    k += run;
    if (k >= COEFFICIENTS) return bad_data;
    block[zigzag[k]] = (int64_t)take_signed(r, bits) * quantizer[k];
  }
  return NULL;
}

/* One block: decoded, dequantized, transformed.  The DC is the difference to the last one's, and
 * bounded for the transform's sake; 8 bits do not need more than 11. */
static const char *take_block(jpeg *j, component *c, bit_reader *r, uint8_t *samples) {
  const uint8_t *quantizer = j->quantizer[c->quantizer];
  int64_t block[COEFFICIENTS] = {0};
  int bits = take_symbol(r, &j->code[0][c->dc_table]);
  if (bits >= 0 && bits <= DC_BITS_MAX) c->dc += take_signed(r, (unsigned)bits);
  int in_range = bits >= 0 && bits <= DC_BITS_MAX && c->dc >= -32768 && c->dc <= 32767;
  block[0] = (int64_t)c->dc * quantizer[0];
  const char *reason = in_range ? take_ac(block, r, &j->code[1][c->ac_table], quantizer) : bad_data;
  if (r->ended) return ends_early;
  if (!reason) idct(samples, c->stride, block);
  return reason;
}

/* The component's blocks of one MCU, whose place is x, y in MCUs. */
static const char *take_mcu(jpeg *j, component *c, bit_reader *r, size_t x, size_t y) {
  const char *reason = NULL;
  for (size_t v = 0; !reason && v < c->v; v++)
    for (size_t h = 0; !reason && h < c->h; h++) {
      size_t top = (y * c->v + v) * BLOCK, left = (x * c->h + h) * BLOCK;
      reason = take_block(j, c, r, c->samples + top * c->stride + left);
    }
  return reason;
}

/* A restart, number 0 to 7: what is left of a byte is dropped and all DC begin at 0. */
static const char *restart(jpeg *j, bit_reader *r, unsigned number) {
  r->held_bits = 0;
  while (r->end - r->at > 2 && r->at[0] == 0xFF && r->at[1] == 0xFF) r->at++;
  if (r->end - r->at < 2) return ends_early;
  if (r->at[0] != 0xFF || r->at[1] != RST0 + number)
    return "damaged JPEG data (expected restart markers in order)";
  r->at += 2;
  for (unsigned i = 0; i < j->components; i++) j->component[i].dc = 0;
  return NULL;
}

/* A scan's geometry: with one component alone its MCUs are single blocks, A.2.2. */
typedef struct scan {
  component *component[COMPONENTS_MAX];
  unsigned components;
  size_t width, height; /* in MCUs */
} scan;

static const char *take_scan_mcu(const scan *n, jpeg *j, bit_reader *r, size_t mcu) {
  size_t x = mcu % n->width, y = mcu / n->width;
  const char *reason = NULL;
  component *alone = n->component[0];
  if (n->components == 1)
    return take_block(j, alone, r, alone->samples + (y * alone->stride + x) * BLOCK);
  for (unsigned i = 0; !reason && i < n->components; i++)
    reason = take_mcu(j, n->component[i], r, x, y);
  return reason;
}

static const char *take_scan_data(const scan *n, jpeg *j) {
  bit_reader r = {j->at, j->end, 0, 0, 0};
  size_t mcus = n->width * n->height, until_restart = j->restart_interval;
  unsigned restarts = 0;
  const char *reason = NULL;
  for (unsigned i = 0; i < j->components; i++) j->component[i].dc = 0;
  for (size_t mcu = 0; !reason && mcu < mcus; mcu++, until_restart--) {
    if (j->restart_interval > 0 && until_restart == 0) {
      reason = restart(j, &r, restarts++ % 8);
      until_restart = j->restart_interval;
    }
    if (!reason) reason = take_scan_mcu(n, j, &r, mcu);
  }
  j->at = r.at;
  return reason;
}

/* Chooses component and tables for the scan by their names; each is decoded once. */
static const char *choose(scan *n, jpeg *j, const uint8_t *at) {
  component *c = j->component;
  while (c < j->component + j->components && c->id != at[0]) c++;
  if (c == j->component + j->components || c->decoded) return bad_jpeg;
  c->decoded = 1;
  c->dc_table = at[1] >> 4;
  c->ac_table = at[1] & 15;
  if (c->dc_table > 1 || c->ac_table > 1 || !j->code[0][c->dc_table].there ||
      !j->code[1][c->ac_table].there)
    return "JPEG Huffman table is missing (expected a DHT segment)";
  if (!(j->quantizers >> c->quantizer & 1))
    return "JPEG quantization table is missing (expected a DQT segment)";
  n->component[n->components++] = c;
  return NULL;
}

/* The scan header, B.2.3: components and their tables; 0, 63, 0 are all that baseline has. */
static const char *take_scan_header(scan *n, jpeg *j, const segment *s) {
  const uint8_t *at = s->data + 1;
  unsigned components = s->data_bytes > 0 ? s->data[0] : 0;
  memset(n, 0, sizeof *n);
  if (components < 1 || components > j->components || s->data_bytes != 4 + 2 * components)
    return bad_jpeg;
  for (unsigned i = 0; i < components; i++, at += 2) {
    const char *reason = choose(n, j, at);
    if (reason) return reason;
  }
  if (at[0] != 0 || at[1] != COEFFICIENTS - 1 || at[2] != 0) return bad_jpeg;
  const component *c = n->component[0];
  n->width = components == 1 ? c->width : c->stride / (BLOCK * c->h);
  n->height = components == 1 ? c->height : c->rows / (BLOCK * c->v);
  return NULL;
}

/* All scans, from the header that s is to the end of the image. */
static const char *take_scans(jpeg *j, segment *s) {
  scan n;
  const char *reason = NULL;
  while (!reason && s->marker == SOS) {
    reason = take_scan_header(&n, j, s);
    if (!reason) reason = take_scan_data(&n, j);
    if (!reason) reason = to_scan(s, j);
  }
  if (reason) return reason;
  for (unsigned i = 0; i < j->components; i++)
    if (!j->component[i].decoded) return "JPEG component is missing (expected a scan of each)";
  return j->at == j->end ? NULL : "bytes after the end of the JPEG image";
}

/* ----------------------------------------------------------------------------------- pixels */

/* The component's sample for a pixel, repeated where there are fewer than pixels. */
static int32_t sample_at(const jpeg *j, unsigned i, size_t x, size_t y) {
  const component *c = &j->component[i];
  return c->samples[y * c->v / j->v_max * c->stride + x * c->h / j->h_max];
}

/* JFIF's conversion; constants are 2^16 times 1.402, 0.34414, 0.71414 and 1.772. */
static void set_rgb(uint8_t *rgb, int32_t y, int32_t cb, int32_t cr) {
  cb -= 128;
  cr -= 128;
  rgb[0] = clamp(y + descale((int64_t)91881 * cr, 16));
  rgb[1] = clamp(y + descale((int64_t)-22554 * cb - (int64_t)46802 * cr, 16));
  rgb[2] = clamp(y + descale((int64_t)116130 * cb, 16));
}

/* Colours for each pixel, which goes where it is in the upright picture. */
static void set_pixels(const jpeg *j, uint8_t *pixels) {
  for (size_t y = 0; y < j->height; y++)
    for (size_t x = 0; x < j->width; x++) {
      uint8_t *to = pixels + j->components * exif_place(j->orientation, j->width, j->height, x, y);
      int32_t luma = sample_at(j, 0, x, y);
      if (j->components == 1) to[0] = (uint8_t)luma;
      else set_rgb(to, luma, sample_at(j, 1, x, y), sample_at(j, 2, x, y));
    }
}

/* What was measured or read, upright. */
static image upright(const jpeg *j, size_t memory_bytes, const uint8_t *pixels) {
  int is_turned = exif_is_turned(j->orientation);
  image out = {memory_bytes, is_turned ? j->height : j->width, is_turned ? j->width : j->height,
               j->components, pixels};
  return out;
}

/* Pixels, then a plane for each component. */
static size_t jpeg_memory(const jpeg *j) {
  size_t bytes = j->width * j->height * j->components;
  for (unsigned i = 0; i < j->components; i++)
    bytes += j->component[i].stride * j->component[i].rows;
  return bytes;
}

static void place_planes(jpeg *j, uint8_t *memory) {
  uint8_t *at = memory + j->width * j->height * j->components;
  for (unsigned i = 0; i < j->components; i++) {
    j->component[i].samples = at;
    at += j->component[i].stride * j->component[i].rows;
  }
}

const char *jpeg_measure(image *out, const uint8_t *bytes, size_t count) {
  jpeg j;
  segment s;
  const char *reason = open_jpeg(&j, &s, bytes, count);
  if (reason) return reason;
  *out = upright(&j, jpeg_memory(&j), NULL);
  return NULL;
}

const char *jpeg_read(image *out, const uint8_t *bytes, size_t count, uint8_t *memory,
                      size_t memory_bytes) {
  jpeg j;
  segment s;
  const char *reason = open_jpeg(&j, &s, bytes, count);
  if (!reason && jpeg_memory(&j) > memory_bytes) reason = "too little memory for the image";
  if (reason) return reason;
  place_planes(&j, memory);
  reason = take_scans(&j, &s);
  if (reason) return reason;
  set_pixels(&j, memory);
  *out = upright(&j, jpeg_memory(&j), memory);
  return NULL;
}
