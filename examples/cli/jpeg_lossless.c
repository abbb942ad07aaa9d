/* jpeg_lossless.c - see jpeg_lossless.h.  Names of parameters are those of ITU-T T.81, Annex H. */
#include "jpeg_lossless.h"

#include <string.h>

#include "jpeg_file.h"

enum { ALL_BITS = 16, SELECTIONS = 7 };

/* A scan: some components, their samples one behind the other. */
typedef struct scan {
  unsigned component[JPEG_COMPONENTS_MAX]; /* by their places in the frame */
  unsigned components;
  unsigned selection; /* Ss: which neighbours predict */
  unsigned low;       /* Al: bits that were left out at the low end */
} scan;

/* Where samples go. */
typedef struct plane {
  uint16_t *samples; /* [height][width][components], without the bits that were left out */
  size_t width, height;
  unsigned components;
} plane;

/* Table H.1: from the samples to the left, above, and above to the left. */
static unsigned predict(unsigned selection, unsigned left, unsigned up, unsigned corner) {
  int a = (int)left, b = (int)up, c = (int)corner;
  switch (selection) {
  case 1:
    return left;
  case 2:
    return up;
  case 3:
    return corner;
  case 4:
    return (unsigned)(a + b - c);
  case 5:
    return (unsigned)(a + (b - c) / 2 - ((b - c) % 2 < 0));
  case 6:
    return (unsigned)(b + (a - c) / 2 - ((a - c) % 2 < 0));
  default:
    return (left + up) / 2;
  }
}

/* What the sample at x of a row is likely to be.  The first row behind a restart, or of all, knows
 * only its left neighbours, and its first sample none; the first of other rows has one above it. */
static unsigned expect(const plane *p, const scan *n, const uint16_t *at, size_t x,
                       int is_first_row, unsigned precision) {
  if (is_first_row && x == 0) return 1U << (precision - n->low - 1);
  if (is_first_row) return at[-(ptrdiff_t)p->components];
  const uint16_t *up = at - p->width * p->components;
  if (x == 0) return *up;
  return predict(n->selection, at[-(ptrdiff_t)p->components], *up, up[-(ptrdiff_t)p->components]);
}

/* A difference, H.1.2.2: of 16 bits there is one value, without any that follow. */
static const char *take_difference(int32_t *difference, jpeg_bits *r, const jpeg_huffman *code) {
  int bits = jpeg_take_symbol(r, code);
  if (r->ended) return jpeg_ends_early;
  if (bits < 0 || bits > ALL_BITS) return jpeg_has_bad_data;
  *difference = bits == ALL_BITS ? 32768 : jpeg_take_signed(r, (unsigned)bits);
  return r->ended ? jpeg_ends_early : NULL;
}

/* A row of the scan's components; sums are modulo 2^16. */
static const char *take_row(plane *p, const scan *n, const jpeg_file *j, jpeg_bits *r, size_t y,
                            int is_first_row) {
  uint16_t *row = p->samples + y * p->width * p->components;
  for (size_t x = 0; x < p->width; x++)
    for (unsigned i = 0; i < n->components; i++) {
      unsigned place = n->component[i];
      uint16_t *at = row + x * p->components + place;
      int32_t difference = 0;
      const char *reason =
          take_difference(&difference, r, &j->code[0][j->component[place].dc_table]);
      if (reason) return reason;
      unsigned expected = expect(p, n, at, x, is_first_row, j->precision);
      *at = (uint16_t)(expected + (uint32_t)difference);
    }
  return NULL;
}

/* A restart interval is of whole rows, H.1.1. */
static const char *take_scan_data(plane *p, const scan *n, jpeg_file *j) {
  jpeg_bits r = {j->at, j->end, 0, 0, 0};
  size_t rows = j->restart_interval / p->width;
  unsigned restarts = 0;
  const char *reason = NULL;
  if (j->restart_interval % p->width != 0)
    return "damaged JPEG image (expected restart intervals of whole rows)";
  for (size_t y = 0; !reason && y < p->height; y++) {
    int is_restart = y > 0 && rows > 0 && y % rows == 0;
    if (is_restart) reason = jpeg_take_restart(&r, restarts++ % 8);
    if (!reason) reason = take_row(p, n, j, &r, y, y == 0 || is_restart);
  }
  j->at = r.at;
  return reason;
}

/* Chooses a component by its name. */
static const char *choose(scan *n, jpeg_file *j, const uint8_t *at) {
  unsigned i = 0;
  while (i < j->components && j->component[i].id != at[0]) i++;
  if (i == j->components || j->component[i].decoded) return jpeg_is_damaged;
  j->component[i].decoded = 1;
  j->component[i].dc_table = at[1] >> 4;
  if (at[1] >> 4 >= JPEG_TABLES_MAX || !j->code[0][at[1] >> 4].there) return jpeg_lacks_codes;
  n->component[n->components++] = i;
  return NULL;
}

static const char *take_scan_header(scan *n, jpeg_file *j, const jpeg_segment *s) {
  unsigned components = s->data_bytes > 0 ? s->data[0] : 0;
  memset(n, 0, sizeof *n);
  if (components < 1 || components > j->components || s->data_bytes != 4 + 2 * components)
    return jpeg_is_damaged;
  for (unsigned i = 0; i < components; i++) {
    const char *reason = choose(n, j, s->data + 1 + 2 * (size_t)i);
    if (reason) return reason;
  }
  const uint8_t *end = s->data + 1 + 2 * (size_t)components;
  n->selection = end[0];
  n->low = end[2];
  int is_known = n->selection >= 1 && n->selection <= SELECTIONS && n->low < j->precision;
  return is_known ? NULL : "bad lossless JPEG scan (expected selection values 1 to 7)";
}

/* The bits that were left out, as zeros. */
static void scale(plane *p, const scan *n) {
  for (size_t i = 0; n->low > 0 && i < p->width * p->height; i++)
    for (unsigned k = 0; k < n->components; k++) {
      uint16_t *at = &p->samples[i * p->components + n->component[k]];
      *at = (uint16_t)(*at << n->low);
    }
}

static const char *take_scans(plane *p, jpeg_file *j, jpeg_segment *s) {
  scan n;
  const char *reason = NULL;
  while (!reason && s->marker == JPEG_SOS) {
    reason = take_scan_header(&n, j, s);
    if (!reason) reason = take_scan_data(p, &n, j);
    if (!reason) scale(p, &n);
    if (!reason) reason = jpeg_to_scan(s, j);
  }
  for (unsigned i = 0; !reason && i < j->components; i++)
    if (!j->component[i].decoded) reason = "JPEG component is missing (expected a scan of each)";
  return reason;
}

/* A difference takes a bit at least. */
static const char *check_frame(const jpeg_file *j, const plane *p, size_t count) {
  if (j->frame != JPEG_SOF3) return "JPEG image of another process (expected lossless JPEG)";
  if (j->width != p->width || j->height != p->height || j->components != p->components)
    return "JPEG image of another size than the DICOM file says (expected the same)";
  for (unsigned i = 0; i < j->components; i++)
    if (j->component[i].h != j->h_max || j->component[i].v != j->v_max)
      return "lossless JPEG image with sampling (expected components of one size)";
  return p->width * p->height / 8 * p->components <= count ? NULL : jpeg_ends_early;
}

const char *jpeg_lossless_read(uint16_t *samples, size_t width, size_t height, unsigned components,
                               const uint8_t *bytes, size_t count) {
  jpeg_file j;
  jpeg_segment s;
  plane p = {samples, width, height, components};
  const char *reason = jpeg_open(&j, &s, bytes, count);
  if (!reason) reason = check_frame(&j, &p, count);
  return reason ? reason : take_scans(&p, &j, &s);
}
