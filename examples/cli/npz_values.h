/* npz_values.h - from an array's numbers to the bytes of images, or to latents.
 *
 * npz.c asks for a layout, how the sides of an image lie in the array, and for a scale, which values
 * are black and white; then values are put in order and scaled, in place where they come to lie
 * before where they lay.
 *
 * Errors: as in npz.h; the reason lives in the message given. */
#ifndef NPZ_VALUES_H
#define NPZ_VALUES_H

#include "npz.h"

/* Images in an array, and how far apart their values are, in values. */
typedef struct npz_layout {
  size_t count, height, width;
  unsigned channels;
  size_t image_step, row_step, pixel_step, channel_step;
  int is_latent;
} npz_layout;

/* Do floats of this array stand for latents? */
int npz_is_latent(const npy_array *array, const npz_options *options);

/* How the array's images lie. */
const char *npz_layout_of(npz_layout *layout, const npy_array *array, const npz_options *options,
                          char message[NPZ_MESSAGE_BYTES]);

/* The same of an array that is one image. */
const char *npz_layout_of_image(npz_layout *layout, const npy_array *array,
                                const npz_options *options, char message[NPZ_MESSAGE_BYTES]);

/* Bytes that the images come to. */
size_t npz_layout_bytes(const npz_layout *layout);

/* Do they come to lie where later ones still lay? */
int npz_layout_needs_room(const npz_layout *layout, const npy_array *array);

/* Chooses the rule by the first images that are seen, and checks others by it: that values are
 * finite, and within what the rule takes.
 *   told  in, out: kind 0 before the first images */
const char *npz_check_values(npz_told *told, const npy_array *array, const uint8_t *data,
                             const npz_options *options, char message[NPZ_MESSAGE_BYTES]);

/* Latents: that they are finite. */
const char *npz_check_latents(const npy_array *array, const uint8_t *data,
                              char message[NPZ_MESSAGE_BYTES]);

/* Puts the values in order, as bytes or floats.
 *   to    [npz_layout_bytes]  out: before data, or apart where npz_layout_needs_room
 *   data  the array's, of count values */
void npz_put_images(uint8_t *to, const npz_layout *layout, const npy_array *array,
                    const uint8_t *data, const npz_told *told);

#endif
