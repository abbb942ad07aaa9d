/* The bridge from a leveled set to one that bootstraps: its shape.
 *
 * The leveled ring has N = M n coefficients, that of the other set n.  With Y = X^M, a polynomial
 * A is a sum of X^t A_t(Y), t < M, and so is the key s.  The part of A s at powers of Y is
 *
 *   A_0 s_0 + sum over t = 1 .. M - 1 of  Y A_t s_(M - t)
 *
 * so a ciphertext (A, B) holds one of M mask polynomials over n coefficients, with the same
 * message at powers of Y.  A key switch, whose rows encrypt -s_u g_l under the other set's key,
 * makes it a ciphertext of that set.  Coefficient M j of the message comes over as coefficient j.
 *
 * Two digits a mask polynomial; their base balances the rows' noise and what the digits leave
 * over.  Source: [BGV12] key switching.
 *
 * In: two sets; out: sizes and the gadget.  Next: bridge_make.h, bridge_apply.h;
 * plan/bridge_noise.h. */
#ifndef PPMLI_CIPHER_BRIDGE_H
#define PPMLI_CIPHER_BRIDGE_H

#include "../math/params.h"
#include "../math/torus.h"

#define PPMLI_BRIDGE_LEVELS 2
#define PPMLI_BRIDGE_NOISY ((uint32_t)1 << 24) /* a noise bound above that of all but fast sets */

/* From the leveled set `from` to the set `to`, whose polynomials are no longer. */
typedef struct ppmli_bridge {
  const ppml_params *from, *to;
} ppmli_bridge;

/* The bridge within a bridged set. */
PPMLI_INLINE ppmli_bridge ppmli_bridge_of(const ppml_params *p) {
  ppmli_bridge b = {ppmli_params_input_set(p), p};
  return b;
}

/* ------------------------------------------------------------------ sizes */

/* M. */
PPMLI_INLINE uint32_t ppmli_bridge_parts(const ppmli_bridge *b) {
  return b->from->poly_size / b->to->poly_size;
}

PPMLI_INLINE size_t ppmli_bridge_rows(const ppmli_bridge *b) {
  return ppmli_bridge_parts(b) * (size_t)PPMLI_BRIDGE_LEVELS;
}

PPMLI_INLINE size_t ppmli_bridge_row_wire_bytes(const ppmli_bridge *b) {
  return b->to->poly_size * sizeof(uint64_t);
}

PPMLI_INLINE size_t ppmli_bridge_wire_bytes(const ppmli_bridge *b) {
  return ppmli_bridge_rows(b) * ppmli_bridge_row_wire_bytes(b);
}

PPMLI_INLINE ppmli_gadget ppmli_bridge_gadget(const ppmli_bridge *b) {
  uint32_t base_log2 = b->to->glwe_noise_bound > PPMLI_BRIDGE_NOISY ? 12 : 16;
  return ppmli_gadget_make(base_log2, PPMLI_BRIDGE_LEVELS, 64);
}

#endif
