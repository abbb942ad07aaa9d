/* Random changes to training images.  Small warps and other exposures stand in
 * for other patients, machines and hospitals; without them a network of this size learns
 * the training set's framing by heart (docs/DESIGN.md "Training").  In: an image and a generator; out: a
 * changed image.  Next: train/train.h. */
#ifndef PPMLI_NETWORK_AUGMENT_H
#define PPMLI_NETWORK_AUGMENT_H

#include "../base/rng.h"

#define PPMLI_AUGMENT_WARP 0.1f        /* each entry of a 2x2 map, off the identity */
#define PPMLI_AUGMENT_SHIFT 0.03f      /* of width and height */
#define PPMLI_AUGMENT_CONTRAST 0.25f   /* of 1 */
#define PPMLI_AUGMENT_BRIGHTNESS 12.0f /* of 255 */

/* The size of an image. */
typedef struct ppmli_picture {
  uint32_t width, height, channels;
} ppmli_picture;

PPMLI_INLINE ppmli_picture ppmli_picture_of(const ppml_spec *spec) {
  ppmli_picture size = {spec->width, spec->height, spec->channels};
  return size;
}

/* How images are changed: all of the above times strength, and which ways they may be
 * mirrored: 1 left to right, 2 top to bottom. */
typedef struct ppmli_augmentation {
  float strength;
  uint32_t flip;
} ppmli_augmentation;

/* Uniform on [-1, 1) in steps of 2^-23, so exact in a float on every machine. */
PPMLI_STATIC float ppmli_rng_symmetric(ppml_rng *rng) {
  int32_t steps = (int32_t)(ppmli_rng_u64(rng) >> 40) - (1 << 23);
  return (float)steps / 8388608.0f;
}

/* Close to standard normal: a sum of eight bytes, less its mean and over its deviation,
 * 8 * 255 / 2 and sqrt(8 (256^2 - 1) / 12). */
PPMLI_STATIC float ppmli_rng_normal_float(ppml_rng *rng) {
  uint64_t bytes = ppmli_rng_u64(rng);
  uint32_t sum = 0;
  for (; bytes; bytes >>= 8) sum += bytes & 255;
  return ((float)sum - 1020.0f) / 209.0211f;
}

/* Pixel (x, y) of the new image is taken from (xx x + xy y + x0, yx x + yy y + y0) of the
 * old one, and its value v becomes contrast v + brightness. */
typedef struct ppmli_warp {
  float xx, xy, x0, yx, yy, y0;
  float contrast, brightness;
} ppmli_warp;

/* Rotations, shears and scalings together: any map near the identity, about the center. */
PPMLI_STATIC void ppmli_warp_draw(ppmli_warp *w, const ppmli_picture *size,
                                  const ppmli_augmentation *how, ppml_rng *rng) {
  float x_center = 0.5f * (float)(size->width - 1), y_center = 0.5f * (float)(size->height - 1);
  float warp = how->strength * PPMLI_AUGMENT_WARP, shift = how->strength * PPMLI_AUGMENT_SHIFT;
  uint32_t flips = (uint32_t)(ppmli_rng_u64(rng) >> 62) & how->flip;
  float x_sign = flips & 1 ? -1.0f : 1.0f, y_sign = flips & 2 ? -1.0f : 1.0f;
  w->xx = x_sign * (1 + warp * ppmli_rng_symmetric(rng));
  w->xy = warp * ppmli_rng_symmetric(rng);
  w->yx = warp * ppmli_rng_symmetric(rng);
  w->yy = y_sign * (1 + warp * ppmli_rng_symmetric(rng));
  float x_shift = shift * (float)size->width * ppmli_rng_symmetric(rng);
  float y_shift = shift * (float)size->height * ppmli_rng_symmetric(rng);
  w->x0 = x_center + x_shift - w->xx * x_center - w->xy * y_center;
  w->y0 = y_center + y_shift - w->yx * x_center - w->yy * y_center;
  w->contrast = 1 + how->strength * PPMLI_AUGMENT_CONTRAST * ppmli_rng_symmetric(rng);
  w->brightness = how->strength * PPMLI_AUGMENT_BRIGHTNESS * ppmli_rng_symmetric(rng) +
                  127.5f * (1 - w->contrast);
}

/* A position between two neighbours; beyond the border, the border. */
typedef struct ppmli_tap {
  uint32_t low, high;
  float fraction; /* of high */
} ppmli_tap;

PPMLI_INLINE ppmli_tap ppmli_tap_at(float position, uint32_t size) {
  ppmli_tap tap;
  float last = (float)(size - 1), inside = position < 0 ? 0 : position > last ? last : position;
  tap.low = (uint32_t)inside;
  tap.high = tap.low + 1 < size ? tap.low + 1 : tap.low;
  tap.fraction = inside - (float)tap.low;
  return tap;
}

PPMLI_INLINE float ppmli_tap_between(float low, float high, float fraction) {
  return low + fraction * (high - low);
}

PPMLI_INLINE uint8_t ppmli_tone(const ppmli_warp *w, float value) {
  float v = w->contrast * value + w->brightness;
  return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5f);
}

/* A changed copy of an image.
 *   out, pixels  [height][width][channels]  not overlapping */
PPMLI_STATIC void ppmli_augment(uint8_t *out, const uint8_t *pixels, const ppmli_picture *size,
                                const ppmli_augmentation *how, ppml_rng *rng) {
  uint32_t width = size->width, height = size->height, channels = size->channels;
  ppmli_warp w;
  ppmli_warp_draw(&w, size, how, rng);
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++) {
      ppmli_tap u = ppmli_tap_at(w.xx * (float)x + w.xy * (float)y + w.x0, width);
      ppmli_tap v = ppmli_tap_at(w.yx * (float)x + w.yy * (float)y + w.y0, height);
      const uint8_t *top = pixels + (size_t)v.low * width * channels;
      const uint8_t *bottom = pixels + (size_t)v.high * width * channels;
      for (uint32_t c = 0; c < channels; c++) {
        size_t left = (size_t)u.low * channels + c, right = (size_t)u.high * channels + c;
        float above = ppmli_tap_between(top[left], top[right], u.fraction);
        float below = ppmli_tap_between(bottom[left], bottom[right], u.fraction);
        *out++ = ppmli_tone(&w, ppmli_tap_between(above, below, v.fraction));
      }
    }
}

#endif
