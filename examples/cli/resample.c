/* resample.c - see resample.h. */
#include "resample.h"

enum { UNIT = 1000 }; /* what a pixel's channels weigh together */

/* The part of the image that is used. */
typedef struct window {
  const image *from;
  size_t top, left, height, width;
} window;

static window central(const image *in, size_t height, size_t width) {
  window w = {in, 0, 0, in->height, in->width};
  if (in->width * height > in->height * width) w.width = in->height * width / height;
  else w.height = in->width * height / width;
  if (w.width == 0) w.width = 1;
  if (w.height == 0) w.height = 1;
  w.top = (in->height - w.height) / 2;
  w.left = (in->width - w.width) / 2;
  return w;
}

/* UNIT times channel c, of so many, of a pixel. */
static uint32_t weigh(const uint8_t *pixel, unsigned in_channels, unsigned channels, unsigned c) {
  if (in_channels == 1) return UNIT * (uint32_t)pixel[0];
  if (channels == 3) return UNIT * (uint32_t)pixel[c];
  return 299 * (uint32_t)pixel[0] + 587 * (uint32_t)pixel[1] + 114 * (uint32_t)pixel[2];
}

/* How much of pixel i of n lies in pixel o of m along one side; a whole pixel of the n is m, one of
 * the m is n. */
static uint64_t overlap(size_t i, size_t n, size_t o, size_t m) {
  size_t begin = i * m > o * n ? i * m : o * n;
  size_t end = (i + 1) * m < (o + 1) * n ? (i + 1) * m : (o + 1) * n;
  return end - begin;
}

/* UNIT times the sum over one row of the window, as far as it lies in pixel x of width.  At most
 * 255 UNIT 2^14 < 2^32. */
static uint64_t sum_row(const window *w, size_t row, size_t x, size_t width, unsigned channels,
                        unsigned c) {
  const image *in = w->from;
  uint64_t sum = 0;
  const uint8_t *at = in->pixels + ((w->top + row) * in->width + w->left) * in->channels;
  for (size_t i = x * w->width / width; i * width < (x + 1) * w->width; i++)
    sum += overlap(i, w->width, x, width) * weigh(at + i * in->channels, in->channels, channels, c);
  return sum;
}

/* The mean over one pixel of the output: overlaps add up to w->height down and w->width across. */
static uint8_t mean(const window *w, size_t y, size_t height, size_t x, size_t width,
                    unsigned channels, unsigned c) {
  uint64_t sum = 0, whole = (uint64_t)UNIT * w->height * w->width;
  for (size_t i = y * w->height / height; i * height < (y + 1) * w->height; i++)
    sum += overlap(i, w->height, y, height) * sum_row(w, i, x, width, channels, c);
  return (uint8_t)((sum + whole / 2) / whole);
}

void resample_fit(uint8_t *out, size_t height, size_t width, unsigned channels, const image *in) {
  window w = central(in, height, width);
  for (size_t y = 0; y < height; y++)
    for (size_t x = 0; x < width; x++)
      for (unsigned c = 0; c < channels; c++) *out++ = mean(&w, y, height, x, width, channels, c);
}
