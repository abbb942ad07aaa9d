/* The size of a learning key: what its owner and the server have to agree on.  In: a set and a purpose;
 * out: bytes.  Next: client/learning_key_make.h. */
#ifndef PPMLI_WIRE_LEARNING_KEY_H
#define PPMLI_WIRE_LEARNING_KEY_H

#include "container.h"
#include "key_layout.h"
#include "packing_key.h"

/* A packing key, then the container of an evaluation key for the same map and secret key. */
PPMLI_INLINE uint64_t ppmli_learning_key_payload_bytes(const ppml_params *p) {
  return ppmli_packing_payload_bytes(p) + PPMLI_CONTAINER_BYTES + ppmli_key_payload_bytes(p);
}

#endif
