/* The encoder: from pictures to latents, on the client, in integers only.
 *
 * Of each patch of f x f pixels, and each latent channel, the dot product with weights is taken.
 * Then, for each channel of each image on its own, the mean is taken off and what is left is
 * divided by the standard deviation ("standardised"): another machine's exposure or contrast does
 * not show.  An encoder that does not standardise takes mean and deviation of the training images
 * instead.  Last, RANGE deviations either way become integers of latent_bits bits.
 *
 * Nothing is rounded by floating point, so all machines make the same latents.
 *
 * In: pixels and a spec; out: latents.  Next: autocorr.h; client/pooled_encode.h. */
#ifndef PPMLI_NETWORK_ENCODER_H
#define PPMLI_NETWORK_ENCODER_H

#include "../base/arena.h"
#include "../base/ct.h"
#include "autocorr.h"

#define PPMLI_PATCH_MAX 16
#define PPMLI_ENCODER_COLORS_MAX 4
#define PPMLI_ENCODER_RANGE 3      /* deviations that latents hold, either way */
#define PPMLI_ENCODER_SUM_BITS 30  /* of the number of a channel's latents times the largest */
#define PPMLI_ENCODER_SCALE_MAX 40 /* of ready latents, either way */

/* An encoder with the shape of its images: of a ppml_spec by ppmli_spec_encoder, whose weights it
 * points to. */
typedef struct ppmli_encoder {
  uint32_t kind;                  /* PPML_ENCODER_PATCHES or _READY */
  uint32_t width, height, colors; /* PATCHES: of pictures; READY: of latents, colors 0 */
  uint32_t patch;                 /* f: 1, 2, 4, 8 or 16; of READY 1 */
  uint32_t channels;              /* of latents */
  uint32_t latent_bits;           /* 2..8 */
  uint32_t standardise;           /* 1: by the image's own mean and deviation */
  uint32_t regions, reach;        /* of the network behind it */
  int32_t scale_log2;             /* READY: a float x is taken as round(x 2^scale_log2) */
  const int8_t *weight;           /* PATCHES: [channels][f][f][colors] */
  const int32_t *center, *spread; /* [channels], where it does not standardise: mean and
                                     deviation of the numbers before, spread > 0 */
} ppmli_encoder;

PPMLI_STATIC ppmli_encoder ppmli_spec_encoder(const ppml_spec *s) {
  const ppml_encoder *from = &s->encoder;
  ppmli_encoder e;
  e.kind = from->kind;
  e.width = s->width, e.height = s->height;
  e.colors = from->kind == PPML_ENCODER_READY ? 0 : s->channels;
  e.patch = from->patch, e.channels = from->channels;
  e.latent_bits = s->input_bits;
  e.standardise = from->standardise;
  e.regions = from->regions, e.reach = from->reach;
  e.scale_log2 = from->scale_log2;
  e.weight = from->weight, e.center = from->center, e.spread = from->spread;
  return e;
}

/* ----------------------------------------------------------------- shapes */

PPMLI_INLINE uint32_t ppmli_encoder_width(const ppmli_encoder *e) {
  return e->width / e->patch;
}

PPMLI_INLINE uint32_t ppmli_encoder_height(const ppmli_encoder *e) {
  return e->height / e->patch;
}

/* Latents of one channel. */
PPMLI_INLINE uint32_t ppmli_encoder_plane(const ppmli_encoder *e) {
  return ppmli_encoder_width(e) * ppmli_encoder_height(e);
}

PPMLI_INLINE uint32_t ppmli_encoder_latents(const ppmli_encoder *e) {
  return ppmli_encoder_plane(e) * e->channels;
}

/* Latents, cut into the regions of the network behind. */
PPMLI_INLINE ppmli_latent_shape ppmli_encoder_latent_shape(const ppmli_encoder *e) {
  ppmli_latent_shape s = {ppmli_encoder_width(e), ppmli_encoder_height(e), e->channels, e->regions,
                          e->reach};
  return s;
}

/* Pixels of a patch, all colors. */
PPMLI_INLINE uint32_t ppmli_encoder_patch_values(const ppmli_encoder *e) {
  return e->patch * e->patch * e->colors;
}

PPMLI_INLINE int ppmli_encoder_is_patch(uint32_t f) {
  return f > 0 && f <= PPMLI_PATCH_MAX && (f & (f - 1)) == 0;
}

/* Why pictures of that shape have no such latents, as one line, or NULL.  All sizes are bounded
 * by it. */
PPMLI_STATIC const char *ppmli_encoder_shape_refusal(const ppmli_encoder *e) {
  const uint32_t side = PPML_LATENTS_MAX * PPMLI_PATCH_MAX;
  if (!ppmli_encoder_is_patch(e->patch)) return "patches have a side of 1, 2, 4, 8 or 16";
  if (e->width > side || e->height > side) return "images are too large to be cut into patches";
  if (e->width < e->patch || e->height < e->patch) return "images are smaller than a patch";
  if (e->width % e->patch || e->height % e->patch)
    return "the side of a patch does not divide width and height";
  if (e->channels == 0 || e->channels > PPML_LATENT_CHANNELS_MAX)
    return "an encoder has 1 to 16 latent channels";
  if ((uint64_t)ppmli_encoder_width(e) * ppmli_encoder_height(e) > PPML_LATENTS_MAX / e->channels)
    return "more latents than the 4096 of a ciphertext (larger patches or fewer channels)";
  if (e->kind == PPML_ENCODER_PATCHES && e->channels > ppmli_encoder_patch_values(e))
    return "more latent channels than values in a patch";
  if (ppmli_encoder_patch_values(e) * e->channels > PPML_ENCODER_WEIGHTS_MAX)
    return "an encoder has 4096 weights at most (smaller patches or fewer latent channels)";
  return NULL;
}

/* Is it an encoder, but for its weights, which are what they are? */
PPMLI_STATIC int ppmli_encoder_is_valid(const ppmli_encoder *e) {
  int is_ready = e->kind == PPML_ENCODER_READY;
  if (!is_ready && e->kind != PPML_ENCODER_PATCHES) return 0;
  if (e->colors > PPMLI_ENCODER_COLORS_MAX || (e->colors == 0) != is_ready) return 0;
  if (ppmli_encoder_shape_refusal(e) != NULL || (is_ready && e->patch != 1)) return 0;
  if (e->latent_bits < 2 || e->latent_bits > 8 || e->standardise > 1) return 0;
  if (e->scale_log2 < -PPMLI_ENCODER_SCALE_MAX || e->scale_log2 > PPMLI_ENCODER_SCALE_MAX) return 0;
  for (uint32_t c = 0; c < e->channels && !e->standardise; c++)
    if (e->spread[c] <= 0) return 0;
  return 1;
}

/* -------------------------------------------------------------- arithmetic */

/* 1 if a < b, by the sign of their difference, which is below 2^63.  CT: by way of memory, so that
 * no compiler knows the bit for one and makes a branch of what depends on it. */
PPMLI_INLINE uint64_t ppmli_encoder_is_less(int64_t a, int64_t b) {
  volatile uint64_t sign = (uint64_t)(a - b) >> 63;
  return sign;
}

/* x, or the end of low .. high that it is beyond.  CT. */
PPMLI_INLINE int64_t ppmli_encoder_clamp(int64_t x, int64_t low, int64_t high) {
  x ^= (x ^ low) & (int64_t)ppmli_ct_mask(ppmli_encoder_is_less(x, low));
  return x ^ ((x ^ high) & (int64_t)ppmli_ct_mask(ppmli_encoder_is_less(high, x)));
}

/* round(x / 2^shift), halves up; |x| < 2^39, shift < 40.  CT: x is made positive first. */
PPMLI_INLINE int32_t ppmli_encoder_shift_right(int64_t x, uint32_t shift) {
  const int64_t above = (int64_t)1 << 40;
  uint64_t positive = (uint64_t)(x + above) + (((uint64_t)1 << shift) >> 1);
  return (int32_t)((int64_t)(positive >> shift) - (above >> shift));
}

/* floor(sqrt(x)) of x below 2^62, bit by bit.  CT. */
PPMLI_STATIC uint32_t ppmli_encoder_root(uint64_t x) {
  uint64_t root = 0;
  for (uint64_t bit = (uint64_t)1 << 30; bit; bit >>= 1) {
    uint64_t tried = root | bit;
    root |= bit & ~ppmli_ct_mask(ppmli_encoder_is_less((int64_t)x, (int64_t)(tried * tried)));
  }
  return (uint32_t)root;
}

/* round(x 2^scale_log2) of a finite float by its bits, halves away from zero, at most 2^bits - 1
 * either way.  CT.
 *   bits  1..31 */
PPMLI_STATIC int32_t ppmli_encoder_fix(uint32_t float_bits, int32_t scale_log2, uint32_t bits) {
  int64_t exponent = float_bits >> 23 & 0xff;
  int64_t is_normal = (int64_t)ppmli_encoder_is_less(0, exponent);
  uint64_t mantissa = (float_bits & 0x7fffff) | (uint64_t)is_normal << 23;
  int64_t shift = exponent + (1 - is_normal) - 150 + scale_log2; /* x is mantissa 2^(.. - 150) */
  uint32_t left = (uint32_t)ppmli_encoder_clamp(shift, 0, 31);   /* 2^23 << 31 is beyond all bits */
  uint32_t right = (uint32_t)ppmli_encoder_clamp(-shift, 0, 26); /* to 0 */
  uint64_t size = ((mantissa << left) + (((uint64_t)1 << right) >> 1)) >> right;
  int32_t within = (int32_t)ppmli_encoder_clamp((int64_t)size, 0, ((int64_t)1 << bits) - 1);
  int32_t is_negative = (int32_t)(float_bits >> 31);
  return (within ^ -is_negative) + is_negative;
}

PPMLI_INLINE int ppmli_encoder_is_finite(uint32_t float_bits) {
  return (float_bits >> 23 & 0xff) != 0xff;
}

/* The largest magnitude of a channel's numbers. */
PPMLI_STATIC uint32_t ppmli_encoder_bound(const ppmli_encoder *e, uint32_t channel) {
  uint32_t values = ppmli_encoder_patch_values(e), positive = 0, negative = 0;
  const int8_t *weight = e->weight + (size_t)channel * values;
  for (uint32_t i = 0; i < values; i++) {
    int32_t w = weight[i];
    if (w > 0) positive += (uint32_t)w;
    else negative += (uint32_t)-w;
  }
  return 255 * (positive > negative ? positive : negative);
}

/* How far numbers are shifted right so that as many as a channel has are below 2^SUM_BITS in all:
 * not at all but for many large patches. */
PPMLI_STATIC uint32_t ppmli_encoder_shift(const ppmli_encoder *e, uint32_t channel) {
  uint64_t sum = (uint64_t)ppmli_encoder_bound(e, channel) * ppmli_encoder_plane(e);
  uint32_t shift = 0;
  while (sum >> shift >> PPMLI_ENCODER_SUM_BITS) shift++;
  return shift;
}

/* The same of ready latents: bits of a magnitude. */
PPMLI_STATIC uint32_t ppmli_encoder_ready_bits(const ppmli_encoder *e) {
  uint32_t bits = PPMLI_ENCODER_SUM_BITS;
  while ((uint64_t)ppmli_encoder_plane(e) << bits >> PPMLI_ENCODER_SUM_BITS) bits--;
  return bits;
}

/* ---------------------------------------------------------------- numbers */

/* The dot product of a patch.
 *   pixels  the patch's first
 *   weight  [f][f][colors] */
PPMLI_STATIC int32_t ppmli_encoder_dot(const ppmli_encoder *e, const uint8_t *pixels,
                                       const int8_t *weight) {
  uint32_t row = e->patch * e->colors;
  size_t stride = (size_t)e->width * e->colors;
  int32_t sum = 0;
  for (uint32_t y = 0; y < e->patch; y++, pixels += stride, weight += row)
    for (uint32_t x = 0; x < row; x++) sum += weight[x] * pixels[x];
  return sum;
}

/* All numbers of a channel of a picture, before they are standardised.
 *   number  [plane]  out
 *   pixels  [height][width][colors] */
PPMLI_STATIC void ppmli_encoder_project(int32_t *number, const ppmli_encoder *e, uint32_t channel,
                                        const uint8_t *pixels) {
  const int8_t *weight = e->weight + (size_t)channel * ppmli_encoder_patch_values(e);
  uint32_t shift = ppmli_encoder_shift(e, channel);
  for (uint32_t y = 0; y < ppmli_encoder_height(e); y++)
    for (uint32_t x = 0; x < ppmli_encoder_width(e); x++) {
      size_t at = ((size_t)y * e->patch * e->width + (size_t)x * e->patch) * e->colors;
      int32_t sum = ppmli_encoder_dot(e, pixels + at, weight);
      *number++ = ppmli_encoder_shift_right(sum, shift);
    }
}

/* The bits of float number i of an image, which may stand at any address. */
PPMLI_INLINE uint32_t ppmli_encoder_float_bits(const uint8_t *image, size_t i) {
  uint32_t bits;
  memcpy(&bits, image + sizeof bits * i, sizeof bits);
  return bits;
}

/* Are all of an image's floats numbers? */
PPMLI_STATIC int ppmli_encoder_has_numbers(const ppmli_encoder *e, const uint8_t *image) {
  for (size_t i = 0; i < ppmli_encoder_latents(e); i++)
    if (!ppmli_encoder_is_finite(ppmli_encoder_float_bits(image, i))) return 0;
  return 1;
}

/* All numbers of a channel of ready latents.
 *   number  [plane]  out
 *   image   [channels][plane] floats, all finite */
PPMLI_STATIC void ppmli_encoder_take(int32_t *number, const ppmli_encoder *e, uint32_t channel,
                                     const uint8_t *image) {
  uint32_t bits = ppmli_encoder_ready_bits(e);
  size_t plane = ppmli_encoder_plane(e);
  for (size_t i = 0; i < plane; i++)
    number[i] = ppmli_encoder_fix(ppmli_encoder_float_bits(image, channel * plane + i),
                                  e->scale_log2, bits);
}

/* The numbers of a channel of an image of the encoder's kind. */
PPMLI_STATIC void ppmli_encoder_numbers(int32_t *number, const ppmli_encoder *e, uint32_t channel,
                                        const uint8_t *image) {
  if (e->kind == PPML_ENCODER_READY) ppmli_encoder_take(number, e, channel, image);
  else ppmli_encoder_project(number, e, channel, image);
}

/* A channel's mean and deviation: what a number x becomes is (count x - sum) / root. */
typedef struct ppmli_encoder_moments {
  int64_t sum;
  uint32_t count, root;
} ppmli_encoder_moments;

/* Of the channel itself: root = sqrt(count sum of x^2 - sum^2) is count times the deviation, and
 * what is under it below 2^62.  Where it does not standardise, of the training images. */
PPMLI_STATIC ppmli_encoder_moments ppmli_encoder_measure(const int32_t *number,
                                                         const ppmli_encoder *e, uint32_t channel) {
  ppmli_encoder_moments m = {0, ppmli_encoder_plane(e), 0};
  uint64_t squares = 0;
  if (!e->standardise) {
    m.sum = e->center[channel], m.count = 1, m.root = (uint32_t)e->spread[channel];
    return m;
  }
  for (uint32_t i = 0; i < m.count; i++) {
    m.sum += number[i];
    squares += (uint64_t)((int64_t)number[i] * number[i]);
  }
  m.root = ppmli_encoder_root(m.count * squares - (uint64_t)(m.sum * m.sum));
  return m;
}

/* ------------------------------------------------------------------ latents */

/* A number as a latent: the nearest step, halves up, of 2^latent_bits ones that span RANGE
 * deviations either way; 0 where the whole channel is flat, whose root is 0.  Bit by bit, which
 * keeps to the steps there are and, unlike a division, takes the same time for all numbers.  CT. */
PPMLI_STATIC int8_t ppmli_encoder_quantize(int32_t number, const ppmli_encoder_moments *m,
                                           uint32_t latent_bits) {
  int64_t middle = (int64_t)1 << (latent_bits - 1), root = m->root;
  int64_t distance = (int64_t)m->count * number - m->sum;
  int64_t step = 2 * PPMLI_ENCODER_RANGE * (root + (int64_t)ppmli_encoder_is_less(root, 1));
  int64_t twice = 2 * distance * (2 * middle - 1) + (2 * middle + 1) * step, q = 0;
  for (int64_t bit = middle; bit; bit >>= 1) {
    uint64_t is_beyond = ppmli_encoder_is_less(twice, 2 * (q | bit) * step);
    q |= bit & (int64_t)~ppmli_ct_mask(is_beyond);
  }
  return (int8_t)(q - middle);
}

PPMLI_INLINE size_t ppmli_encode_scratch(const ppmli_encoder *e) {
  return ppmli_arena_rounded(ppmli_encoder_plane(e) * sizeof(int32_t));
}

/* Latents of one image.
 *   latents  [channels][height][width]  out, of the latents' height and width
 *   moments  [channels]  out, or NULL: what decode_image needs
 *   image    [height][width][colors] pixels, or [channels][height][width] floats of READY latents
 * Scratch: ppmli_encode_scratch(e) bytes, wiped.  Errors: NOMEM; RANGE for a float that is no
 * number.  CT: time and addresses depend on the shape only, but for that error. */
PPMLI_STATIC int ppmli_encode(int8_t *latents, ppmli_encoder_moments *moments,
                              const ppmli_encoder *e, const uint8_t *image, ppml_arena *arena) {
  size_t mark = arena->used_bytes, plane = ppmli_encoder_plane(e);
  if (e->kind == PPML_ENCODER_READY && !ppmli_encoder_has_numbers(e, image)) return PPML_ERR_RANGE;
  PPMLI_ALLOC(int32_t, number, arena, plane);
  for (uint32_t c = 0; c < e->channels; c++, latents += plane) {
    ppmli_encoder_numbers(number, e, c, image);
    ppmli_encoder_moments m = ppmli_encoder_measure(number, e, c);
    for (size_t i = 0; i < plane; i++)
      latents[i] = ppmli_encoder_quantize(number[i], &m, e->latent_bits);
    if (moments) moments[c] = m;
  }
  ppmli_wipe(number, plane * sizeof *number);
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
