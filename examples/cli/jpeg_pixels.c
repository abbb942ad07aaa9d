/* jpeg_pixels.c - see jpeg_pixels.h. */
#include "jpeg_pixels.h"

#include "exif.h"

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
void jpeg_idct(uint8_t *samples, size_t stride, int64_t *block) {
  for (size_t x = 0; x < JPEG_BLOCK; x++) idct_line(block + x, JPEG_BLOCK, 13 - 2);
  for (size_t y = 0; y < JPEG_BLOCK; y++) {
    idct_line(block + JPEG_BLOCK * y, 1, 13 + 2 + 3);
    for (size_t x = 0; x < JPEG_BLOCK; x++)
      samples[y * stride + x] = clamp(block[JPEG_BLOCK * y + x] + 128);
  }
}

/* ------------------------------------------------------------------------------- upsampling */

/* Samples that there are half as many of are interpolated, as libjpeg's "fancy upsampling" does it:
 * three quarters of the nearer sample and one of the farther, rounded up and down by turns.  At the
 * borders a sample is its own neighbour.  All that is in jdsample.c's order, for equal values. */

/* Twice as many across: three of the nearer and one of the farther, which add up to 2^shift. */
static void blend_across(uint8_t *row, const uint16_t *sums, size_t count, unsigned shift) {
  unsigned down = shift == 2 ? 1 : 8, up = shift == 2 ? 2 : 7;
  for (size_t x = 0; x < count; x++) {
    unsigned left = sums[x > 0 ? x - 1 : 0], right = sums[x + 1 < count ? x + 1 : x];
    row[2 * x] = (uint8_t)((3U * sums[x] + left + down) >> shift);
    row[2 * x + 1] = (uint8_t)((3U * sums[x] + right + up) >> shift);
  }
}

/* The row of a plane that output row y lies in, and the one that is next nearest. */
static const uint8_t *near_row(const jpeg_component *c, size_t y, const uint8_t **far) {
  size_t near = y / 2, next = y % 2 ? near + 1 : near > 0 ? near - 1 : 0;
  if (next >= c->down) next = c->down - 1;
  *far = c->samples + next * c->stride;
  return c->samples + near * c->stride;
}

/* Half as many rows, as many columns. */
static void blend_down(uint8_t *row, const jpeg_component *c, size_t y) {
  const uint8_t *far, *near = near_row(c, y, &far);
  unsigned rounding = y % 2 == 0 ? 1 : 2;
  for (size_t x = 0; x < c->across; x++)
    row[x] = (uint8_t)((3U * near[x] + far[x] + rounding) >> 2);
}

/* As many rows or half of them, half as many columns. */
static void blend(uint8_t *row, uint16_t *sums, const jpeg_component *c, size_t y, int is_half) {
  const uint8_t *near = c->samples + y * c->stride, *far = near;
  if (is_half) near = near_row(c, y, &far);
  for (size_t x = 0; x < c->across; x++)
    sums[x] = (uint16_t)(is_half ? 3U * near[x] + far[x] : near[x]);
  blend_across(row, sums, c->across, is_half ? 4 : 2);
}

/* Any other ratio: each sample is repeated. */
static void repeat(uint8_t *row, const jpeg_file *j, const jpeg_component *c, size_t y) {
  const uint8_t *from = c->samples + y * c->v / j->v_max * c->stride;
  for (size_t x = 0; x < j->width; x++) row[x] = from[x * c->h / j->h_max];
}

/* One row of a component, a sample for each pixel. */
static void upsample(uint8_t *row, uint16_t *sums, const jpeg_file *j, const jpeg_component *c,
                     size_t y) {
  int is_half_across = 2 * c->h == j->h_max && c->across > 2, is_half_down = 2 * c->v == j->v_max;
  if (is_half_across && (is_half_down || c->v == j->v_max)) blend(row, sums, c, y, is_half_down);
  else if (c->h == j->h_max && is_half_down) blend_down(row, c, y);
  else repeat(row, j, c, y);
}

/* ---------------------------------------------------------------------------------- colours */

typedef enum kind { GRAY, YCC, RGB, CMYK, YCCK } kind;

/* As libjpeg tells it: JFIF has YCbCr; then Adobe's marker counts; then the components' names. */
static kind kind_of(const jpeg_file *j, jpeg_colours colours) {
  if (j->components == 1) return GRAY;
  if (j->components == 4) return j->adobe == 2 ? YCCK : CMYK;
  if (colours != JPEG_AS_MARKED) return colours == JPEG_AS_RGB ? RGB : YCC;
  if (j->has_jfif) return YCC;
  if (j->adobe >= 0) return j->adobe == 0 ? RGB : YCC;
  const jpeg_component *c = j->component;
  return c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B' ? RGB : YCC;
}

const char *jpeg_check_colours(const jpeg_file *j, jpeg_colours colours) {
  if (colours != JPEG_AS_MARKED && j->components == 4)
    return "JPEG image of 4 components within a DICOM file (expected 1 or 3)";
  if (j->components == 4 && j->adobe != 0 && j->adobe != 2)
    return "JPEG image of 4 components without Adobe's marker (expected it to say CMYK or YCCK)";
  return NULL;
}

/* JFIF's conversion, in place; constants are 2^16 times 1.402, 0.34414, 0.71414 and 1.772. */
static void to_rgb(uint8_t rgb[3]) {
  int32_t y = rgb[0], cb = rgb[1] - 128, cr = rgb[2] - 128;
  rgb[0] = clamp(y + descale((int64_t)91881 * cr, 16));
  rgb[1] = clamp(y + descale((int64_t)-22554 * cb - (int64_t)46802 * cr, 16));
  rgb[2] = clamp(y + descale((int64_t)116130 * cb, 16));
}

/* One pixel of samples: from inks to light if there is a fourth. */
static void set_pixel(uint8_t *to, const uint8_t *sample, kind colours) {
  if (colours == GRAY) {
    to[0] = sample[0];
    return;
  }
  for (unsigned i = 0; i < 3; i++) to[i] = sample[i];
  if (colours == YCC || colours == YCCK) to_rgb(to);
  if (colours == YCC || colours == RGB) return;
  for (unsigned i = 0; i < 3; i++) {
    unsigned ink = colours == YCCK ? 255U - to[i] : to[i];
    to[i] = (uint8_t)((ink * sample[3] + 127) / 255);
  }
}

/* A row of an interpolated component is one sample longer where the width is odd; the sums are of
 * 16 bits. */
static size_t row_bytes(const jpeg_file *j) {
  return (j->width + 2) / 2 * 2;
}

size_t jpeg_rows_bytes(const jpeg_file *j) {
  return (j->components + 2) * row_bytes(j) + 1; /* and one to align the sums */
}

void jpeg_set_pixels(const jpeg_file *j, jpeg_colours colours, uint8_t *pixels, uint8_t *rows) {
  kind is = kind_of(j, colours);
  unsigned orientation = colours == JPEG_AS_MARKED ? j->orientation : 1;
  unsigned channels = is == GRAY ? 1 : 3;
  size_t bytes = row_bytes(j);
  rows += (uintptr_t)rows % 2;
  uint16_t *sums = (uint16_t *)(void *)(rows + j->components * bytes);
  for (size_t y = 0; y < j->height; y++) {
    for (unsigned i = 0; i < j->components; i++)
      upsample(rows + i * bytes, sums, j, &j->component[i], y);
    for (size_t x = 0; x < j->width; x++) {
      uint8_t sample[JPEG_COMPONENTS_MAX] = {0};
      for (unsigned i = 0; i < j->components; i++) sample[i] = rows[i * bytes + x];
      size_t place = exif_place(orientation, j->width, j->height, x, y);
      set_pixel(pixels + place * channels, sample, is);
    }
  }
}
