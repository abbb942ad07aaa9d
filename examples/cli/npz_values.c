/* npz_values.c - see npz_values.h. */
#include "npz_values.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *fail_shape(const npy_array *array, const char *what, const char *expected,
                              char message[NPZ_MESSAGE_BYTES]) {
  char text[NPY_SHAPE_BYTES];
  snprintf(message, NPZ_MESSAGE_BYTES, "%s: %s of %s (expected %s)", what, npy_shape(text, array),
           npy_dtype(array), expected);
  return message;
}

/* --------------------------------------------------------------------------------------- layout */

int npz_is_latent(const npy_array *array, const npz_options *options) {
  return array->kind == 'f' && options->takes_latents;
}

/* The dimensions that height, width and channels are; channels may be none. */
static void place_sides(npz_layout *layout, const size_t *shape, const size_t *stride, unsigned y,
                        unsigned x, int c) {
  layout->height = shape[y], layout->row_step = stride[y];
  layout->width = shape[x], layout->pixel_step = stride[x];
  layout->channels = c < 0 ? 1 : (unsigned)shape[c];
  layout->channel_step = c < 0 ? 0 : stride[c];
}

/* Four dimensions, of which the last one or the second has the channels. */
static void place_four(npz_layout *layout, const size_t *shape, const size_t *stride, int is_last) {
  if (is_last) place_sides(layout, shape, stride, 1, 2, 3);
  else place_sides(layout, shape, stride, 2, 3, 1);
}

static int is_channels(size_t side) {
  return side == 1 || side == 3;
}

/* Are these the sides of the network's images? */
static int is_wanted(const npz_options *o, size_t height, size_t width, size_t channels) {
  return o->classes && height == o->height && width == o->width && channels == o->channels;
}

/* The sides that were told, or those of a gray network, behind a first one.  Returns how many. */
static unsigned told_sides(size_t shape[4], const npy_array *array, const npz_options *o) {
  shape[0] = array->shape[0];
  for (unsigned i = 0; i < o->sides; i++) shape[i + 1] = o->side[i];
  if (o->sides || !o->classes || o->channels != 1) return o->sides;
  shape[1] = o->height, shape[2] = o->width;
  return 2;
}

/* Has the array these sides, or a row of their product?
 *   stride  out */
static int sides_fit(size_t stride[4], const size_t shape[4], unsigned sides,
                     const npy_array *array) {
  size_t step[NPY_RANK_MAX], values = 1;
  npy_strides(step, array);
  for (unsigned i = 1; i <= sides; i++) values *= shape[i];
  stride[0] = step[0];
  if (array->rank == sides + 1) {
    memcpy(stride, step, array->rank * sizeof *step);
    return memcmp(shape, array->shape, array->rank * sizeof *shape) == 0;
  }
  size_t each = array->rank > 1 ? step[1] : 1;
  for (unsigned i = sides; i > 0; each *= shape[i--])
    stride[i] = each; /* in Fortran order a row has its values N apart */
  return array->rank == 2 && sides > 0 && array->shape[1] == values;
}

static const char *told_layout(npz_layout *layout, const npy_array *array, const npz_options *o,
                               char message[NPZ_MESSAGE_BYTES]) {
  size_t shape[4] = {0}, stride[4] = {0};
  unsigned sides = told_sides(shape, array, o);
  if (!sides_fit(stride, shape, sides, array))
    return fail_shape(array, o->sides ? "images of another shape than --shape" : "flat images",
                      o->sides ? "(N, H, W) or (N, H*W) of H,W, or of H,W,C or C,H,W"
                               : "(N, H, W), or how they lie by --shape H,W",
                      message);
  if (sides == 2) place_sides(layout, shape, stride, 1, 2, -1);
  else place_four(layout, shape, stride, is_channels(shape[3]));
  return NULL;
}

static const char *picture_layout(npz_layout *layout, const npy_array *array, const npz_options *o,
                                  char message[NPZ_MESSAGE_BYTES]) {
  size_t stride[NPY_RANK_MAX];
  const size_t *side = array->shape;
  npy_strides(stride, array);
  if (array->rank == 3) {
    place_sides(layout, side, stride, 1, 2, -1);
    return NULL;
  }
  /* Where both may be channels, the larger one is a side, or else the last one has channels. */
  if (array->rank == 4 && (is_channels(side[3]) || is_channels(side[1]))) {
    int is_first = is_channels(side[1]) && (!is_channels(side[3]) || side[3] > side[1] ||
                                            is_wanted(o, side[2], side[3], side[1]));
    place_four(layout, side, stride, !is_first);
    return NULL;
  }
  return fail_shape(array, "neither gray nor RGB images",
                    "(N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W)", message);
}

static const char *latent_layout(npz_layout *layout, const npy_array *array, const npz_options *o,
                                 char message[NPZ_MESSAGE_BYTES]) {
  size_t stride[NPY_RANK_MAX];
  const size_t *side = array->shape;
  npy_strides(stride, array);
  layout->is_latent = 1;
  if (array->rank == 3) {
    place_sides(layout, side, stride, 1, 2, -1);
  } else if (array->rank == 4) {
    int is_last = side[3] < side[1];
    if (is_wanted(o, side[2], side[3], side[1])) is_last = 0;
    else if (is_wanted(o, side[1], side[2], side[3])) is_last = 1;
    place_four(layout, side, stride, is_last);
  } else {
    return fail_shape(array, "latents of a wrong shape", "(N, C, H, W), (N, H, W, C) or (N, H, W)",
                      message);
  }
  if (layout->channels > NPZ_LATENT_CHANNELS_MAX)
    return fail_shape(array, "too many latent channels", "up to 16", message);
  if (array->count / side[0] > NPZ_LATENTS_MAX)
    return fail_shape(array, "too many latents an image", "up to 4096", message);
  return NULL;
}

const char *npz_layout_of(npz_layout *layout, const npy_array *array, const npz_options *options,
                          char message[NPZ_MESSAGE_BYTES]) {
  size_t stride[NPY_RANK_MAX] = {0};
  memset(layout, 0, sizeof *layout);
  if (array->rank < 2)
    return fail_shape(array, "neither gray nor RGB images", "(N, H, W) or (N, H, W, 3)", message);
  if (array->count == 0) return fail_shape(array, "no images", "at least one", message);
  npy_strides(stride, array);
  layout->count = array->shape[0];
  layout->image_step = stride[0];
  if (npz_is_latent(array, options)) return latent_layout(layout, array, options, message);
  if (options->sides || array->rank == 2) return told_layout(layout, array, options, message);
  return picture_layout(layout, array, options, message);
}

/* The array with a dimension of 1 before the others. */
static npy_array with_one(const npy_array *array) {
  npy_array one = *array;
  if (one.rank == NPY_RANK_MAX) return one;
  for (unsigned i = one.rank; i > 0; i--) one.shape[i] = one.shape[i - 1];
  one.shape[0] = 1;
  one.rank++;
  return one;
}

const char *npz_layout_of_image(npz_layout *layout, const npy_array *array,
                                const npz_options *options, char message[NPZ_MESSAGE_BYTES]) {
  npy_array one = with_one(array);
  char expected[64];
  const npz_options *o = options;
  snprintf(expected, sizeof expected, "%zux%zux%u values", o->width, o->height, o->channels);
  for (int tries = 0; tries < 2; tries++) {
    const npy_array *as = tries ? array : &one;
    if (as->rank == 0 || as->shape[0] != 1 || npz_layout_of(layout, as, options, message)) continue;
    if (is_wanted(o, layout->height, layout->width, layout->channels)) return NULL;
  }
  return fail_shape(
      array, npz_is_latent(array, o) ? "a latent of another shape" : "an image of another shape",
      expected, message);
}

size_t npz_layout_bytes(const npz_layout *l) {
  return l->count * l->height * l->width * l->channels * (l->is_latent ? sizeof(float) : 1);
}

int npz_layout_needs_room(const npz_layout *l, const npy_array *array) {
  size_t channel = 1, pixel = l->channels, row = l->width * pixel;
  if (l->is_latent) pixel = 1, row = l->width, channel = row * l->height;
  if (array->value_bytes < (l->is_latent ? sizeof(float) : 1)) return 1;
  return (l->channels > 1 && l->channel_step != channel) ||
         (l->width > 1 && l->pixel_step != pixel) || (l->height > 1 && l->row_step != row) ||
         (l->count > 1 && l->image_step != l->height * l->width * l->channels);
}

/* ---------------------------------------------------------------------------------------- scale */

/* Rounded and cut off, without floor(), which is a call on most machines. */
static int level_of(const npz_range *range, double value) {
  double level = (value - range->black) * 255 / (range->white - range->black) + 0.5;
  return level < 1 ? 0 : level < 255 ? (int)level : 255;
}

/* The least and the largest of bytes, which most data sets have. */
static int extent_of_bytes(double *least, double *most, const uint8_t *data, size_t count) {
  uint8_t low = 255, high = 0;
  for (size_t i = 0; i < count; i++) {
    low = data[i] < low ? data[i] : low;
    high = data[i] > high ? data[i] : high;
  }
  *least = low, *most = high;
  return 1;
}

/* The same of any values; 0 where one is not a number, or infinite. */
static int extent_of(double *least, double *most, const npy_array *array, const uint8_t *data) {
  if (array->kind == 'u' && array->value_bytes == 1)
    return extent_of_bytes(least, most, data, array->count);
  *least = *most = npy_value(array, data);
  for (size_t i = 0; i < array->count; i++) {
    double value = npy_value(array, data + i * array->value_bytes);
    if (!isfinite(value)) return 0;
    if (value < *least) *least = value;
    if (value > *most) *most = value;
  }
  return 1;
}

static const char *fail_values(const npy_array *array, double least, double most,
                               const char *expected, char message[NPZ_MESSAGE_BYTES]) {
  snprintf(message, NPZ_MESSAGE_BYTES, "%s values from %g to %g (expected %s)", npy_dtype(array),
           least, most, expected);
  return message;
}

static const char *fail_finite(const npy_array *array, char message[NPZ_MESSAGE_BYTES]) {
  snprintf(message, NPZ_MESSAGE_BYTES,
           "a value of %s that is not finite (expected numbers, no NaN and no infinity: "
           "numpy.nan_to_num)",
           npy_dtype(array));
  return message;
}

const char *npz_check_latents(const npy_array *array, const uint8_t *data,
                              char message[NPZ_MESSAGE_BYTES]) {
  double least, most;
  return extent_of(&least, &most, array, data) ? NULL : fail_finite(array, message);
}

/* Floats have no range of their own but 0 to 1; half a level beyond is a rounding of theirs. */
static int is_within_type(const npy_array *array, double least, double most) {
  return array->kind != 'f' || (least >= -1.0 / 510 && most <= 1 + 1.0 / 510);
}

/* The type's own range: what it cannot be good for is refused.
 *   least, most  of these images */
static const char *check_type(const npy_array *array, const npz_options *o, double least,
                              double most, char message[NPZ_MESSAGE_BYTES]) {
  if (o->is_full_range && array->kind == 'i')
    return fail_values(array, least, most,
                       "what the network was trained on, uint8, uint16 or floats of 0 to 1: "
                       ".astype('uint8') if these are 0 to 255",
                       message);
  if (!is_within_type(array, least, most))
    return fail_values(array, least, most,
                       o->is_full_range
                           ? "0 to 1, as the network was trained on the whole range"
                           : "0 to 1, or --range LO,HI for black and white; --range data: these",
                       message);
  if (array->kind == 'i' && array->value_bytes == 8)
    return fail_values(array, least, most,
                       "--range LO,HI for black and white, or .astype('uint8') for 0 to 255",
                       message);
  return NULL;
}

/* Images that differ must not all become the same level. */
static const char *check_levels(const npz_told *told, const npy_array *array,
                                char message[NPZ_MESSAGE_BYTES]) {
  const npz_range *range = &told->range;
  if (told->least >= told->most) return NULL;
  if (level_of(range, told->least) != level_of(range, told->most)) return NULL;
  snprintf(message, NPZ_MESSAGE_BYTES,
           "%s values from %.10g to %.10g, of one gray level where %.10g is black and %.10g white "
           "(expected --range %.10g,%.10g, or .astype('uint8'))",
           npy_dtype(array), told->least, told->most, range->black, range->white, told->least,
           told->most);
  return message;
}

/* The rule for all images, from the first ones. */
static const char *choose_range(npz_told *told, const npy_array *array, const npz_options *o,
                                char message[NPZ_MESSAGE_BYTES]) {
  npz_range *range = &told->range;
  *range = o->range;
  told->kind = array->kind;
  told->value_bytes = array->value_bytes;
  if (range->kind == NPZ_RANGE_TYPE)
    range->black = npy_least(array), range->white = npy_most(array);
  if (range->kind == NPZ_RANGE_DATA) range->black = told->least, range->white = told->most;
  if (!(range->black < range->white))
    return fail_values(array, told->least, told->most, "values that differ, for --range data",
                       message);
  return check_levels(told, array, message);
}

const char *npz_check_values(npz_told *told, const npy_array *array, const uint8_t *data,
                             const npz_options *options, char message[NPZ_MESSAGE_BYTES]) {
  double least, most;
  const char *reason = NULL;
  int is_first = told->kind == 0;
  if (!is_first && (told->kind != array->kind || told->value_bytes != array->value_bytes)) {
    npy_array before = *array;
    before.kind = told->kind, before.value_bytes = told->value_bytes;
    snprintf(message, NPZ_MESSAGE_BYTES,
             "values of %s, of %s before (expected one type for all images)", npy_dtype(array),
             npy_dtype(&before));
    return message;
  }
  if (!extent_of(&least, &most, array, data)) return fail_finite(array, message);
  if (options->range.kind == NPZ_RANGE_TYPE)
    reason = check_type(array, options, least, most, message);
  if (reason || !is_first) return reason;
  told->least = least, told->most = most;
  return choose_range(told, array, options, message);
}

/* --------------------------------------------------------------------------------------- images */

/* Where value i of an image comes from: bytes have the channel last, latents first. */
static void put_image(uint8_t *to, const npz_layout *l, const npy_array *array,
                      const uint8_t *image, const npz_range *range) {
  for (size_t y = 0; y < l->height; y++)
    for (size_t x = 0; x < l->width; x++)
      for (unsigned c = 0; c < l->channels; c++) {
        size_t at = y * l->row_step + x * l->pixel_step + c * l->channel_step;
        double value = npy_value(array, image + at * array->value_bytes);
        *to++ = (uint8_t)level_of(range, value);
      }
}

static void put_latent(uint8_t *to, const npz_layout *l, const npy_array *array,
                       const uint8_t *image) {
  for (unsigned c = 0; c < l->channels; c++)
    for (size_t y = 0; y < l->height; y++)
      for (size_t x = 0; x < l->width; x++, to += sizeof(float)) {
        size_t at = y * l->row_step + x * l->pixel_step + c * l->channel_step;
        float value = (float)npy_value(array, image + at * array->value_bytes);
        memcpy(to, &value, sizeof value);
      }
}

void npz_put_images(uint8_t *to, const npz_layout *layout, const npy_array *array,
                    const uint8_t *data, const npz_told *told) {
  size_t each = npz_layout_bytes(layout) / layout->count;
  int is_plain = array->kind == 'u' && array->value_bytes == 1 &&
                 told->range.kind == NPZ_RANGE_TYPE && !npz_layout_needs_room(layout, array);
  if (is_plain) {
    memmove(to, data, array->count);
    return;
  }
  for (size_t n = 0; n < layout->count; n++, to += each) {
    const uint8_t *image = data + n * layout->image_step * array->value_bytes;
    if (layout->is_latent) put_latent(to, layout, array, image);
    else put_image(to, layout, array, image, &told->range);
  }
}
