/* Key switches of GLWE ciphertexts with one mask polynomial: back to the key s from a polynomial in s
 * that an operation left behind.
 *
 *   automorphism    C(X^g) is a ciphertext under s(X^g):   source -s(X^g), for its mask
 *   tensor product  has a part that s^2 belongs to:        source s^2
 *
 * Row l of a switch encrypts source g_l, g_l = 2^-(base_log2 (l + 1)) of a turn.  Digits of what is
 * multiplied by the source, times the rows, give its product as a ciphertext under s.  Rows stand on
 * a torus of 80 bits, so that their noise is no matter beside that of images: the digits need not be
 * small, and there are few of them.  Here are the sizes; glweswitch_make.h encrypts rows,
 * glweswitch_apply.h switches.  Source: [BGV12] key switching; raised modulus: [GHS12] section 3.1;
 * automorphisms and traces: [CDKS21].
 *
 * In: a parameter set; out: sizes, and which automorphism a step is.  Next: glweswitch_make.h. */
#ifndef PPMLI_CIPHER_GLWESWITCH_H
#define PPMLI_CIPHER_GLWESWITCH_H

#include "../math/fft/backend.h"
#include "../math/params.h"

#define PPMLI_SWITCH_COLUMNS 4 /* mask, high and low part, and body likewise */
/* Words' upper bits, times digits of 15 bits: sums over 4 rows of N = 2^12 are at most 2^55 steps of
 * 2^-28, and of words and digits that are uniform, as key streams are, 2^46.4 in standard
 * deviation; the FFT leaves 3.8 2^-53 of that, 0.04 steps, where half a step would be wrong. */
#define PPMLI_SWITCH_HIGH_BITS 28

/* ------------------------------------------------------------------ sizes */

/* The gadget of a GLWE key switch.  A set with switches has no bootstrap, and keeps these numbers where
 * others keep those of the bootstrap. */
PPMLI_INLINE uint32_t ppmli_switch_levels(const ppml_params *p) {
  return p->pbs_levels;
}

PPMLI_INLINE uint32_t ppmli_switch_base_log2(const ppml_params *p) {
  return p->pbs_base_log2;
}

/* A row has the tops of all its words, then the tails. */
PPMLI_INLINE size_t ppmli_switch_row_wire_bytes(const ppml_params *p) {
  return (size_t)p->poly_size * PPMLI_LONG_TORUS_BITS / 8;
}

PPMLI_INLINE size_t ppmli_switch_wire_bytes(const ppml_params *p) {
  return ppmli_switch_levels(p) * ppmli_switch_row_wire_bytes(p);
}

/* Doubles of a switch in memory: [group][row][column][GROUP]. */
PPMLI_INLINE size_t ppmli_switch_doubles(const ppml_params *p) {
  return ppmli_fft_doubles(p->poly_size, ppmli_switch_levels(p) * PPMLI_SWITCH_COLUMNS);
}

/* The automorphism of step t of a trace, X -> X^g; together they fix X^(N / slots). */
PPMLI_INLINE uint32_t ppmli_trace_exponent(const ppml_params *p, size_t step) {
  return 1 + (p->poly_size >> step);
}

/* The step behind s^2, of a pooled network: reversal. */
PPMLI_INLINE size_t ppmli_switch_reversal(const ppml_params *p) {
  return (size_t)ppmli_params_trace_steps(p) + 1;
}

/* The exponent g of an automorphism's step. */
PPMLI_INLINE uint32_t ppmli_switch_exponent(const ppml_params *p, size_t step) {
  return step == ppmli_switch_reversal(p) ? 2 * p->poly_size - 1 : ppmli_trace_exponent(p, step);
}

#endif
