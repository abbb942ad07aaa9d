/* What readers accept where nothing else is said; writers write no more than that.  In: nothing; out: a
 * ppml_limits.  Next: container.h. */
#ifndef PPMLI_WIRE_LIMITS_H
#define PPMLI_WIRE_LIMITS_H

#include "../base/base.h"

PPMLI_STATIC const ppml_limits ppmli_limits = {(uint64_t)64 << 20, PPML_INPUTS_MAX,
                                               PPML_NEURONS_MAX, 1u << 16, (uint64_t)1 << 30};

#endif
