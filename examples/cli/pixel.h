/* pixel.h - what the readers of pictures share: bounds, and samples of any depth as 8 bits. */
#ifndef PIXEL_H
#define PIXEL_H

#include "image.h"

/* NULL where sides are in bounds. */
static inline const char *pixel_check_sides(uint64_t width, uint64_t height) {
  if (width >= 1 && width <= IMAGE_SIDE_MAX && height >= 1 && height <= IMAGE_SIDE_MAX &&
      width * height <= IMAGE_PIXELS_MAX)
    return NULL;
  return "image is empty or too large (expected sides of 1 to 16384 and at most 67108864 pixels)";
}

/* sample of 0 to max as 0 to 255, rounded; max <= 65535. */
static inline uint8_t pixel_scale(uint32_t sample, uint32_t max) {
  return (uint8_t)((sample * 255 + max / 2) / max);
}

/* sample laid on black, as much as alpha of max covers it, rounded; max <= 65535. */
static inline uint32_t pixel_on_black(uint32_t sample, uint32_t alpha, uint32_t max) {
  return (uint32_t)(((uint64_t)sample * alpha + max / 2) / max);
}

#endif
