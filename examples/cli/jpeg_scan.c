/* jpeg_scan.c - see jpeg_scan.h.  Names of parameters are those of ITU-T T.81. */
#include "jpeg_scan.h"

#include <string.h>

#include "jpeg_pixels.h"

enum {
  BLOCK = JPEG_BLOCK,
  COEFFICIENTS = JPEG_COEFFICIENTS,
  DC_BITS_MAX = 11, /* of a difference, F.1.2.1.1 */
  AC_BITS_MAX = 10, /* of a coefficient, F.1.2.2.1 */
  LOW_BIT_MAX = 13  /* Al, G.1.1.1 */
};

static const uint8_t zigzag[COEFFICIENTS] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* A scan's header; with one component alone its MCUs are single blocks, A.2.2. */
typedef struct scan {
  jpeg_component *component[JPEG_COMPONENTS_MAX];
  unsigned components;
  size_t width, height;  /* in MCUs */
  unsigned first, last;  /* Ss and Se: coefficients in zigzag order */
  unsigned before, low;  /* Ah and Al: the lowest bit known before, 0 if none was, and after */
  unsigned blocks_ended; /* EOBRUN: blocks yet to come that have nothing in this scan */
} scan;

/* ------------------------------------------------------------------------------- sequential */

/* The DC is sent as the difference to the last one's, and bounded for the transform's sake. */
static const char *take_dc(jpeg_file *j, jpeg_component *c, jpeg_bits *r) {
  int bits = jpeg_take_symbol(r, &j->code[0][c->dc_table]);
  if (bits < 0 || bits > DC_BITS_MAX) return jpeg_has_bad_data;
  c->dc += jpeg_take_signed(r, (unsigned)bits);
  return c->dc >= -32768 && c->dc <= 32767 ? NULL : jpeg_has_bad_data;
}

/* The AC coefficients, F.2.2.2: a symbol is a run of zeros, 0 to 15, and the bits of what follows;
 * 15 and no bits are 16 zeros, 0 and no bits the end of the block. */
static const char *take_ac(int64_t *block, jpeg_bits *r, const jpeg_huffman *code,
                           const uint16_t *steps) {
  for (unsigned k = 1; k < COEFFICIENTS; k++) {
    int symbol = jpeg_take_symbol(r, code);
    if (symbol == 0) return NULL;
    unsigned run = (unsigned)symbol >> 4, bits = (unsigned)symbol & 15;
    if (symbol < 0 || bits > AC_BITS_MAX || (bits == 0 && run != 15)) return jpeg_has_bad_data;
    k += run;
    if (k >= COEFFICIENTS) return jpeg_has_bad_data;
    block[zigzag[k]] = (int64_t)jpeg_take_signed(r, bits) * steps[k];
  }
  return NULL;
}

/* One block: decoded, dequantized, transformed. */
static const char *take_sequential(jpeg_file *j, jpeg_component *c, jpeg_bits *r,
                                   uint8_t *samples) {
  int64_t block[COEFFICIENTS] = {0};
  const char *reason = take_dc(j, c, r);
  block[0] = (int64_t)c->dc * c->steps[0];
  if (!reason) reason = take_ac(block, r, &j->code[1][c->ac_table], c->steps);
  if (r->ended) return jpeg_ends_early;
  if (!reason) jpeg_idct(samples, c->stride, block);
  return reason;
}

/* ------------------------------------------------------------------------------ progressive */

/* The first scan of the DC coefficient, G.1.2.1, and a later one, a bit for each block. */
static const char *take_dc_bits(const scan *n, jpeg_file *j, jpeg_component *c, jpeg_bits *r,
                                int16_t *block) {
  if (n->before > 0) {
    block[0] = (int16_t)(block[0] | (int)jpeg_take_bits(r, 1) << n->low);
    return NULL;
  }
  const char *reason = take_dc(j, c, r);
  int32_t value = c->dc * ((int32_t)1 << n->low);
  if (!reason && (value < -32768 || value > 32767)) reason = jpeg_has_bad_data;
  if (!reason) block[0] = (int16_t)value;
  return reason;
}

/* A symbol without bits and with a run below 15: 2^run blocks and so many more as the next run bits
 * say end here, this one among them. */
static void end_blocks(scan *n, jpeg_bits *r, unsigned run) {
  n->blocks_ended = (1U << run) + jpeg_take_bits(r, run);
}

/* The first scan of AC coefficients, G.1.2.2. */
static const char *take_ac_first(scan *n, jpeg_bits *r, const jpeg_huffman *code, int16_t *block) {
  for (unsigned k = n->first; n->blocks_ended == 0 && k <= n->last; k++) {
    int symbol = jpeg_take_symbol(r, code);
    unsigned run = (unsigned)symbol >> 4, bits = (unsigned)symbol & 15;
    if (symbol < 0 || bits + n->low > 15) return jpeg_has_bad_data;
    if (bits == 0 && run < 15) end_blocks(n, r, run);
    k += run;
    if (bits == 0) continue;
    if (k > n->last) return jpeg_has_bad_data;
    block[zigzag[k]] = (int16_t)(jpeg_take_signed(r, bits) * (1 << n->low));
  }
  if (n->blocks_ended > 0) n->blocks_ended--;
  return NULL;
}

/* One bit more of a coefficient that is known already, away from zero. */
static void correct(int16_t *coefficient, const scan *n, jpeg_bits *r) {
  int bit = 1 << n->low;
  if (!jpeg_take_bits(r, 1) || (*coefficient & bit)) return;
  *coefficient = (int16_t)(*coefficient + (*coefficient > 0 ? bit : -bit));
}

/* Corrects known coefficients from k on, up to the one behind run that are still zero, or up to the
 * last one.  Returns its place, more than last if there is none. */
static unsigned correct_run(const scan *n, jpeg_bits *r, int16_t *block, unsigned k, unsigned run) {
  for (; k <= n->last; k++) {
    int16_t *coefficient = &block[zigzag[k]];
    if (*coefficient != 0) correct(coefficient, n, r);
    else if (run-- == 0) break;
  }
  return k;
}

/* A later scan of AC coefficients, G.1.2.3: new ones are 1 or -1 at this bit. */
static const char *take_ac_again(scan *n, jpeg_bits *r, const jpeg_huffman *code, int16_t *block) {
  unsigned k = n->first;
  for (; n->blocks_ended == 0 && k <= n->last; k++) {
    int symbol = jpeg_take_symbol(r, code);
    unsigned run = (unsigned)symbol >> 4, bits = (unsigned)symbol & 15;
    if (symbol < 0 || bits > 1) return jpeg_has_bad_data;
    if (bits == 0 && run < 15) {
      end_blocks(n, r, run);
      break;
    }
    int is_positive = bits > 0 && jpeg_take_bits(r, 1);
    k = correct_run(n, r, block, k, run);
    if (bits == 0) continue;
    if (k > n->last) return jpeg_has_bad_data;
    block[zigzag[k]] = (int16_t)(is_positive ? 1 << n->low : -(1 << n->low));
  }
  if (n->blocks_ended == 0) return NULL;
  correct_run(n, r, block, k, COEFFICIENTS);
  n->blocks_ended--;
  return NULL;
}

static const char *take_progressive(scan *n, jpeg_file *j, jpeg_component *c, jpeg_bits *r,
                                    int16_t *block) {
  const jpeg_huffman *code = &j->code[1][c->ac_table];
  const char *reason = n->first == 0    ? take_dc_bits(n, j, c, r, block)
                       : n->before == 0 ? take_ac_first(n, r, code, block)
                                        : take_ac_again(n, r, code, block);
  return r->ended ? jpeg_ends_early : reason;
}

/* All blocks of a component, once all bits of them are known. */
static void transform(jpeg_component *c) {
  for (size_t y = 0; y < c->rows / BLOCK; y++)
    for (size_t x = 0; x < c->stride / BLOCK; x++) {
      const int16_t *from = c->coefficients + (y * (c->stride / BLOCK) + x) * COEFFICIENTS;
      int64_t block[COEFFICIENTS];
      for (unsigned k = 0; k < COEFFICIENTS; k++)
        block[zigzag[k]] = (int64_t)from[zigzag[k]] * c->steps[k];
      jpeg_idct(c->samples + (y * c->stride + x) * BLOCK, c->stride, block);
    }
}

/* ------------------------------------------------------------------------------------- scan */

/* A block by its place in the plane, in blocks. */
static const char *take_block(scan *n, jpeg_file *j, jpeg_component *c, jpeg_bits *r, size_t x,
                              size_t y) {
  if (j->frame != JPEG_SOF2)
    return take_sequential(j, c, r, c->samples + (y * c->stride + x) * BLOCK);
  size_t place = y * (c->stride / BLOCK) + x;
  return take_progressive(n, j, c, r, c->coefficients + place * COEFFICIENTS);
}

/* The component's blocks of one MCU, whose place is x, y in MCUs. */
static const char *take_mcu(scan *n, jpeg_file *j, jpeg_component *c, jpeg_bits *r, size_t x,
                            size_t y) {
  const char *reason = NULL;
  for (size_t v = 0; !reason && v < c->v; v++)
    for (size_t h = 0; !reason && h < c->h; h++)
      reason = take_block(n, j, c, r, x * c->h + h, y * c->v + v);
  return reason;
}

static const char *take_scan_mcu(scan *n, jpeg_file *j, jpeg_bits *r, size_t mcu) {
  size_t x = mcu % n->width, y = mcu / n->width;
  const char *reason = NULL;
  if (n->components == 1) return take_block(n, j, n->component[0], r, x, y);
  for (unsigned i = 0; !reason && i < n->components; i++)
    reason = take_mcu(n, j, n->component[i], r, x, y);
  return reason;
}

/* After a restart all DC begin at 0, and no block has ended. */
static void begin_interval(scan *n, jpeg_file *j) {
  for (unsigned i = 0; i < j->components; i++) j->component[i].dc = 0;
  n->blocks_ended = 0;
}

static const char *take_scan_data(scan *n, jpeg_file *j) {
  jpeg_bits r = {j->at, j->end, 0, 0, 0};
  size_t mcus = n->width * n->height, until_restart = j->restart_interval;
  unsigned restarts = 0;
  const char *reason = NULL;
  begin_interval(n, j);
  for (size_t mcu = 0; !reason && mcu < mcus; mcu++, until_restart--) {
    if (j->restart_interval > 0 && until_restart == 0) {
      reason = jpeg_take_restart(&r, restarts++ % 8);
      begin_interval(n, j);
      until_restart = j->restart_interval;
    }
    if (!reason) reason = take_scan_mcu(n, j, &r, mcu);
  }
  j->at = r.at;
  return reason;
}

/* Does the scan need a table of this class?  Later scans of the DC are bits without codes. */
static int needs_codes(const scan *n, const jpeg_file *j, unsigned class) {
  if (j->frame != JPEG_SOF2) return 1;
  return class == 0 ? n->first == 0 && n->before == 0 : n->first > 0;
}

/* Chooses component and tables for the scan by their names. */
static const char *choose(scan *n, jpeg_file *j, const uint8_t *at) {
  jpeg_component *c = j->component;
  while (c < j->component + j->components && c->id != at[0]) c++;
  if (c == j->component + j->components) return jpeg_is_damaged;
  for (unsigned i = 0; i < n->components; i++)
    if (n->component[i] == c) return jpeg_is_damaged;
  c->dc_table = needs_codes(n, j, 0) ? at[1] >> 4 : 0;
  c->ac_table = needs_codes(n, j, 1) ? at[1] & 15 : 0;
  for (unsigned class = 0; class < 2; class ++) {
    unsigned table = class == 0 ? c->dc_table : c->ac_table;
    if (table >= JPEG_TABLES_MAX || (needs_codes(n, j, class) && !j->code[class][table].there))
      return jpeg_lacks_codes;
  }
  if (!(j->quantizers >> c->quantizer & 1))
    return "JPEG quantization table is missing (expected a DQT segment)";
  n->component[n->components++] = c;
  return NULL;
}

/* The component's first scan fixes its quantization table.  A sequential component is decoded once;
 * of a progressive one each coefficient's bits come from the highest to the lowest. */
static const char *begin_component(const scan *n, const jpeg_file *j, jpeg_component *c) {
  if (!c->decoded) memcpy(c->steps, j->quantizer[c->quantizer], sizeof c->steps);
  if (j->frame != JPEG_SOF2 && c->decoded) return jpeg_is_damaged;
  c->decoded = 1;
  for (unsigned k = n->first; k <= n->last; k++) {
    int known = c->precision[k];
    if (n->before == 0 ? known >= 0 : known != (int)n->before || n->low + 1 != n->before)
      return "damaged JPEG image (expected each bit of a coefficient once, in order)";
    c->precision[k] = (int8_t)n->low;
  }
  return NULL;
}

/* The last three bytes of a scan header.  0, 63, 0 are all that sequential scans have; a progressive
 * one has the DC or AC coefficients, and AC of one component alone. */
static const char *take_range(scan *n, const jpeg_file *j, const uint8_t *at, unsigned components) {
  n->first = at[0];
  n->last = at[1];
  n->before = at[2] >> 4;
  n->low = at[2] & 15;
  if (j->frame != JPEG_SOF2)
    return n->first == 0 && n->last == COEFFICIENTS - 1 && at[2] == 0 ? NULL : jpeg_is_damaged;
  int is_range = n->first == 0 ? n->last == 0
                               : n->first <= n->last && n->last < COEFFICIENTS && components == 1;
  return is_range && n->low <= LOW_BIT_MAX ? NULL : jpeg_is_damaged;
}

/* The scan header, B.2.3: components and their tables, the range of coefficients. */
static const char *take_scan_header(scan *n, jpeg_file *j, const jpeg_segment *s) {
  unsigned components = s->data_bytes > 0 ? s->data[0] : 0;
  memset(n, 0, sizeof *n);
  if (++j->scans > JPEG_SCANS_MAX) return "JPEG image of more than 100 scans (expected fewer)";
  if (components < 1 || components > j->components || s->data_bytes != 4 + 2 * components)
    return jpeg_is_damaged;
  const char *reason = take_range(n, j, s->data + 1 + 2 * (size_t)components, components);
  for (unsigned i = 0; !reason && i < components; i++)
    reason = choose(n, j, s->data + 1 + 2 * (size_t)i);
  for (unsigned i = 0; !reason && i < components; i++)
    reason = begin_component(n, j, n->component[i]);
  if (reason) return reason;
  const jpeg_component *c = n->component[0];
  n->width = components == 1 ? c->width : c->stride / (BLOCK * c->h);
  n->height = components == 1 ? c->height : c->rows / (BLOCK * c->v);
  return NULL;
}

static const char *check_whole(const jpeg_file *j) {
  for (unsigned i = 0; i < j->components; i++) {
    if (!j->component[i].decoded) return "JPEG component is missing (expected a scan of each)";
    for (unsigned k = 0; k < COEFFICIENTS; k++)
      if (j->component[i].precision[k] != 0)
        return "progressive JPEG image is not whole (expected scans of all its coefficients)";
  }
  return NULL;
}

const char *jpeg_take_scans(jpeg_file *j, jpeg_segment *s) {
  scan n;
  const char *reason = NULL;
  while (!reason && s->marker == JPEG_SOS) {
    reason = take_scan_header(&n, j, s);
    if (!reason) reason = take_scan_data(&n, j);
    if (!reason) reason = jpeg_to_scan(s, j);
  }
  if (!reason) reason = check_whole(j);
  for (unsigned i = 0; !reason && j->frame == JPEG_SOF2 && i < j->components; i++)
    transform(&j->component[i]);
  return reason;
}
