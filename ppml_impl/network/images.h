/* Where images come from when there are too many for memory: one at a time, by a callback. */
#ifndef PPMLI_NETWORK_IMAGES_H
#define PPMLI_NETWORK_IMAGES_H

#include "../base/base.h"

/* Where images come from, one at a time, so that they need not be in memory.
 *   read    the pixels of image number `index`; returns 0, or nonzero where that failed
 *   labels  [count][ppmli_spec_answer_bytes()], or NULL where none are asked for */
typedef struct ppmli_image_source {
  int (*read)(void *context, size_t index, uint8_t *pixels);
  void *context;
  const uint8_t *labels;
  size_t count;
} ppmli_image_source;

#endif
