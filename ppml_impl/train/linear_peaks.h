/* Peaks of the scores of a model without hidden layers: what all but one in PPMLI_PEAK_SHARE
 * scores of training images, as they are and warped, stay below.  The set `linear` lays scores out by
 * them; without them it has to leave room for what no image reaches, and noise counts for more.  In: a
 * model and images; out: peaks.  Next: network/linear_set.h. */
#ifndef PPMLI_TRAIN_LINEAR_PEAKS_H
#define PPMLI_TRAIN_LINEAR_PEAKS_H

#include "../base/arena.h"
#include "../network/augment.h"
#include "../network/clear.h"
#include "../network/room.h"
#include "../network/spec.h"

#define PPMLI_PEAKS_COPIES 2 /* of each image: as it is, and warped */
#define PPMLI_PEAKS_MOST 64  /* the largest scores that are kept of each output */

PPMLI_STATIC size_t ppmli_linear_peaks_scratch(const ppml_model *m) {
  return 2 * ppmli_arena_rounded(ppmli_spec_inputs(&m->spec)) +
         ppmli_arena_rounded((size_t)m->spec.outputs * PPMLI_PEAKS_MOST * sizeof(int32_t)) +
         ppmli_quant_forward_scratch(m);
}

/* Puts a score among the largest of its output, which stand in falling order. */
PPMLI_STATIC void ppmli_linear_peaks_add(int32_t *largest, int32_t score) {
  int32_t size = score < 0 ? -score : score;
  for (size_t i = 0; i < PPMLI_PEAKS_MOST; i++)
    if (size > largest[i]) {
      int32_t smaller = largest[i];
      largest[i] = size;
      size = smaller;
    }
}

/* Peaks of a model's scores over images.
 *   peak  [outputs]  out
 *   rng   of the warps
 * Scratch: ppmli_linear_peaks_scratch.  Errors: ARG (no image, or so many that more than
 * PPMLI_PEAKS_MOST may be larger), IO, NOMEM. */
PPMLI_STATIC int ppmli_linear_peaks(int32_t *peak, const ppml_model *m,
                                    const ppml_image_source *source, ppml_rng *rng,
                                    ppml_arena *arena) {
  size_t mark = arena->used_bytes, inputs = ppmli_spec_inputs(&m->spec);
  size_t above = (size_t)ppmli_peak_exceptions(PPMLI_PEAKS_COPIES * source->count);
  ppmli_augmentation how = {1, 0};
  int32_t scores[PPML_CLASSES_MAX];
  if (source->count == 0 || above >= PPMLI_PEAKS_MOST) return PPML_ERR_ARG;
  PPMLI_ALLOC(uint8_t, pixels, arena, inputs);
  PPMLI_ALLOC(uint8_t, warped, arena, inputs);
  PPMLI_ALLOC(int32_t, largest, arena, (size_t)m->spec.outputs * PPMLI_PEAKS_MOST);
  memset(largest, 0, (size_t)m->spec.outputs * PPMLI_PEAKS_MOST * sizeof *largest);
  for (size_t n = 0; n < PPMLI_PEAKS_COPIES * source->count; n++) {
    if (source->read(source->context, n / PPMLI_PEAKS_COPIES, pixels)) return PPML_ERR_IO;
    if (n % PPMLI_PEAKS_COPIES) ppmli_augment(warped, pixels, &m->spec, &how, rng);
    PPMLI_TRY(
        ppmli_quant_forward(scores, m, n % PPMLI_PEAKS_COPIES ? warped : pixels, NULL, arena));
    for (uint32_t c = 0; c < m->spec.outputs; c++)
      ppmli_linear_peaks_add(largest + c * PPMLI_PEAKS_MOST, scores[c]);
  }
  for (uint32_t c = 0; c < m->spec.outputs; c++)
    peak[c] = largest[c * PPMLI_PEAKS_MOST + above] + 1;
  arena->used_bytes = mark;
  return PPML_OK;
}

#endif
