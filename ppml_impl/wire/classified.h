/* The size of an answer by an encrypted model: what server and key holder have to agree on.  In: numbers
 * of rows and outputs; out: bytes.  Next: server/classify.h. */
#ifndef PPMLI_WIRE_CLASSIFIED_H
#define PPMLI_WIRE_CLASSIFIED_H

#include "../base/bytes.h"

#define PPMLI_CLASSIFY_VERSION 1
#define PPMLI_CLASSIFY_BITS 24 /* of a word of the answer */

/* ------------------------------------------------------------------ answer */

PPMLI_INLINE uint64_t ppmli_classify_payload_bytes(uint64_t blocks, uint32_t outputs,
                                                   const ppml_params *p) {
  return 20 + PPML_ID_BYTES +
         blocks * outputs * 2 * ppmli_packed_bytes(p->poly_size, PPMLI_CLASSIFY_BITS);
}

#endif
