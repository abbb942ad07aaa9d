/* dicom_file.c - see dicom_file.h.  Names of elements are those of PS3.6. */
#include "dicom_file.h"

#include <stdlib.h>
#include <string.h>

#include "inflate.h"
#include "pixel.h"

enum { PREAMBLE_BYTES = 128, MAGIC_BYTES = 4, ITEM_BYTES = 8 };

static const char bad_dicom[] = "damaged DICOM file (expected whole data elements)";
static const char ends_early[] = "DICOM file ends early (expected whole data elements)";
static const char bad_fragments[] = "damaged DICOM pixel data (expected fragments for each frame)";

/* ------------------------------------------------------------------------- transfer syntaxes */

#define READ "uncompressed, deflated, RLE, baseline JPEG or lossless JPEG"
#define OTHER(what) "DICOM transfer syntax " what " (expected " READ ")"
#define CONVERT(what, command, package)                                                            \
  "DICOM transfer syntax " what " (expected " READ "; " command " IN.dcm OUT.dcm of the Debian "   \
  "package " package " converts it)"
#define JPEG_OLD(what) CONVERT(what, "dcmdjpeg", "dcmtk")
#define JPEG_2000(what) CONVERT(what, "gdcmconv --raw", "libgdcm-tools")

/* By the end of its UID, 1.2.840.10008.1.2 being that of all. */
typedef struct syntax {
  const char *uid;
  dicom_coding coding;
  const char *reason; /* why it is refused */
} syntax;

static const char uid_root[] = "1.2.840.10008.1.2";
static const char uid_deflated[] = ".1.99";
static const char uid_explicit[] = ".1";

static const syntax syntaxes[] = {
    {"", DICOM_IMPLICIT, NULL},
    {uid_explicit, DICOM_EXPLICIT, NULL},
    {uid_deflated, DICOM_DEFLATED, NULL},
    {".5", DICOM_RLE, NULL},
    {".4.50", DICOM_JPEG, NULL},
    {".4.57", DICOM_JPEG_LOSSLESS, NULL},
    {".4.70", DICOM_JPEG_LOSSLESS, NULL},
    {".1.98", 0, OTHER("Encapsulated Uncompressed Explicit VR Little Endian")},
    {".2", 0, CONVERT("Explicit VR Big Endian", "dcmconv +te", "dcmtk")},
    {".4.51", 0, JPEG_OLD("JPEG Extended (Process 2 and 4)")},
    {".4.52", 0, JPEG_OLD("JPEG Extended (Process 3 and 5)")},
    {".4.53", 0, JPEG_OLD("JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)")},
    {".4.54", 0, JPEG_OLD("JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)")},
    {".4.55", 0, JPEG_OLD("JPEG Full Progression, Non-Hierarchical (Process 10 and 12)")},
    {".4.56", 0, JPEG_OLD("JPEG Full Progression, Non-Hierarchical (Process 11 and 13)")},
    {".4.58", 0, OTHER("JPEG Lossless, Non-Hierarchical (Process 15)")},
    {".4.80", 0, CONVERT("JPEG-LS Lossless", "dcmdjpls", "dcmtk")},
    {".4.81", 0, CONVERT("JPEG-LS Near-Lossless", "dcmdjpls", "dcmtk")},
    {".4.90", 0, JPEG_2000("JPEG 2000 Lossless")},
    {".4.91", 0, JPEG_2000("JPEG 2000")},
    {".4.92", 0, JPEG_2000("JPEG 2000 Part 2 Lossless")},
    {".4.93", 0, JPEG_2000("JPEG 2000 Part 2")},
    {".4.94", 0, OTHER("JPIP Referenced")},
    {".4.95", 0, OTHER("JPIP Referenced Deflate")},
    {".4.100", 0, OTHER("MPEG2 Main Profile / Main Level")},
    {".4.101", 0, OTHER("MPEG2 Main Profile / High Level")},
    {".4.102", 0, OTHER("MPEG-4 AVC/H.264 High Profile / Level 4.1")},
    {".4.103", 0, OTHER("MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1")},
    {".4.104", 0, OTHER("MPEG-4 AVC/H.264 High Profile / Level 4.2 for 2D Video")},
    {".4.105", 0, OTHER("MPEG-4 AVC/H.264 High Profile / Level 4.2 for 3D Video")},
    {".4.106", 0, OTHER("MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2")},
    {".4.107", 0, OTHER("HEVC/H.265 Main Profile / Level 5.1")},
    {".4.108", 0, OTHER("HEVC/H.265 Main 10 Profile / Level 5.1")},
    {".4.110", 0, OTHER("JPEG XL Lossless")},
    {".4.111", 0, OTHER("JPEG XL JPEG Recompression")},
    {".4.112", 0, OTHER("JPEG XL")},
    {".4.201", 0, OTHER("High-Throughput JPEG 2000 Lossless")},
    {".4.202", 0, OTHER("High-Throughput JPEG 2000 with RPCL Options Lossless")},
    {".4.203", 0, OTHER("High-Throughput JPEG 2000")},
};

/* ------------------------------------------------------------------------------ data elements */

enum {
  TRANSFER_SYNTAX = 0x00020010,
  SAMPLES_PER_PIXEL = 0x00280002,
  PHOTOMETRIC_INTERPRETATION = 0x00280004,
  PLANAR_CONFIGURATION = 0x00280006,
  NUMBER_OF_FRAMES = 0x00280008,
  ROWS = 0x00280010,
  COLUMNS = 0x00280011,
  BITS_ALLOCATED = 0x00280100,
  BITS_STORED = 0x00280101,
  HIGH_BIT = 0x00280102,
  PIXEL_REPRESENTATION = 0x00280103,
  WINDOW_CENTER = 0x00281050,
  WINDOW_WIDTH = 0x00281051,
  RESCALE_INTERCEPT = 0x00281052,
  RESCALE_SLOPE = 0x00281053,
  VOI_LUT_FUNCTION = 0x00281056,
  PALETTE_DESCRIPTOR = 0x00281101, /* of red; green and blue follow */
  PALETTE_DATA = 0x00281201,       /* likewise */
  PALETTE_SEGMENTED = 0x00281221,  /* likewise */
  MODALITY_LUT_SEQUENCE = 0x00283000,
  PIXEL_VALUE_TRANSFORMATION = 0x00289145,
  SHARED_GROUPS = 0x52009229,
  GROUPS_OF_FRAMES = 0x52009230
};

#define FLOAT_PIXEL_DATA 0x7FE00008U
#define DOUBLE_PIXEL_DATA 0x7FE00009U
#define PIXEL_DATA 0x7FE00010U
#define ITEM 0xFFFEE000U
#define ITEM_END 0xFFFEE00DU
#define SEQUENCE_END 0xFFFEE0DDU
#define UNDEFINED 0xFFFFFFFFU

typedef struct reader {
  const uint8_t *at;
  const uint8_t *end;
} reader;

typedef struct element {
  uint32_t tag;  /* group and number */
  uint8_t vr[2]; /* type; zeros if it is not told */
  const uint8_t *data;
  size_t bytes; /* of data; 0 if the length is not told, and then what follows is the value */
  int is_undefined;
} element;

static unsigned number_16(const uint8_t *at) {
  return at[0] | (unsigned)at[1] << 8;
}

static uint32_t number_32(const uint8_t *at) {
  return number_16(at) | (uint32_t)number_16(at + 2) << 16;
}

/* Types whose length has four bytes, behind two that are reserved. */
static int is_long(const uint8_t vr[2]) {
  static const char names[] = "OBODOFOLOVOWSQSVUCUNURUTUV";
  for (const char *name = names; *name; name += 2)
    if (vr[0] == name[0] && vr[1] == name[1]) return 1;
  return 0;
}

static int is_type(const uint8_t vr[2]) {
  return vr[0] >= 'A' && vr[0] <= 'Z' && vr[1] >= 'A' && vr[1] <= 'Z';
}

/* Tag, type if the elements have one, and length.  Items of sequences never have a type. */
static const char *take_element_head(element *e, uint32_t *bytes, reader *r, int is_explicit) {
  if (r->end - r->at < 8) return ends_early;
  *e = (element){.tag = (uint32_t)number_16(r->at) << 16 | number_16(r->at + 2)};
  if (!is_explicit || e->tag >> 16 == 0xFFFE) {
    *bytes = number_32(r->at + 4);
    r->at += 8;
    return NULL;
  }
  memcpy(e->vr, r->at + 4, 2);
  if (!is_type(e->vr)) return bad_dicom;
  *bytes = number_16(r->at + 6);
  r->at += 8;
  if (!is_long(e->vr)) return NULL;
  if (r->end - r->at < 4) return ends_early;
  *bytes = number_32(r->at);
  r->at += 4;
  return NULL;
}

/* The next element; the reader is then behind its value, if that has a length. */
static const char *take_element(element *e, reader *r, int is_explicit) {
  uint32_t bytes = 0;
  const char *reason = take_element_head(e, &bytes, r, is_explicit);
  if (reason) return reason;
  e->data = r->at;
  e->is_undefined = bytes == UNDEFINED;
  if (e->is_undefined) return NULL;
  if (bytes > (size_t)(r->end - r->at)) return ends_early;
  e->bytes = bytes;
  r->at += bytes;
  return NULL;
}

static int is_unknown(const element *e) {
  return e->vr[0] == 'U' && e->vr[1] == 'N';
}

/* Passes over the value of an element that has no length: items up to the end of the sequence, whose
 * elements may again be such.  Sequences and items that are open are counted, one within the other:
 * within an odd number of them items stand, within an even one elements.  What is within an element
 * of unknown type has no types, PS3.5, 6.2.2.
 *   kind  IN_SEQUENCE, or IN_ITEM for the elements of an item that has no length */
enum { IN_SEQUENCE = 1, IN_ITEM = 2 };
static const char *skip_value(reader *r, int is_explicit, int is_unknown_value, size_t kind) {
  size_t open = kind, untyped = is_unknown_value ? 1 : 0;
  while (open >= kind) {
    element e;
    const char *reason = take_element(&e, r, is_explicit && untyped == 0);
    if (reason) return reason;
    int in_sequence = open % 2 == 1;
    if (in_sequence && e.tag != ITEM && e.tag != SEQUENCE_END) return bad_dicom;
    if (e.tag == (in_sequence ? SEQUENCE_END : ITEM_END)) open--;
    else if (e.is_undefined) open++;
    if (untyped > open) untyped = 0;
    if (e.is_undefined && is_unknown(&e) && untyped == 0) untyped = open;
  }
  return NULL;
}

/* ------------------------------------------------------------------------------------- values */

/* Text without the white space and zeros around it; the first of several values. */
typedef struct text {
  const char *at;
  size_t bytes;
} text;

static text text_of(const element *e) {
  text t = {(const char *)e->data, e->bytes};
  const char *bar = t.bytes > 0 ? memchr(t.at, '\\', t.bytes) : NULL;
  if (bar) t.bytes = (size_t)(bar - t.at);
  while (t.bytes > 0 && (t.at[t.bytes - 1] == ' ' || t.at[t.bytes - 1] == 0)) t.bytes--;
  for (; t.bytes > 0 && *t.at == ' '; t.bytes--) t.at++;
  return t;
}

static int is_text(const text *t, const char *expected) {
  return t->bytes == strlen(expected) && memcmp(t->at, expected, t->bytes) == 0;
}

/* A decimal number of at most 32 characters; 0 if it is none. */
static int real_of(double *out, const element *e) {
  char copy[33], *end = copy;
  text t = text_of(e);
  if (t.bytes == 0 || t.bytes >= sizeof copy) return 0;
  for (size_t i = 0; i < t.bytes; i++)
    if (t.at[i] == 0 || !strchr("0123456789+-.eE", t.at[i])) return 0;
  memcpy(copy, t.at, t.bytes);
  copy[t.bytes] = 0;
  *out = strtod(copy, &end);
  return end == copy + t.bytes && *out > -1e30 && *out < 1e30;
}

/* An empty value is none. */
static const char *take_short(unsigned *out, const element *e) {
  if (e->bytes == 0) return NULL;
  if (e->bytes < 2) return "bad DICOM value (expected a number of 16 bits)";
  *out = number_16(e->data);
  return NULL;
}

static const char *take_side(size_t *out, const element *e) {
  unsigned value = 0;
  const char *reason = take_short(&value, e);
  *out = value;
  return reason;
}

static const char *take_real(double *out, const element *e) {
  if (e->bytes == 0) return NULL;
  return real_of(out, e) ? NULL : "bad DICOM value (expected a decimal number)";
}

/* An empty number of frames, or 0, is one. */
static const char *take_frames(dicom_file *f, const element *e) {
  double frames = 1;
  const char *reason = take_real(&frames, e);
  if (reason || !(frames >= 0 && frames <= 4294967295.0)) return "bad DICOM number of frames";
  f->frames = frames < 1 ? 1 : (size_t)frames;
  return NULL;
}

static const char *take_colours(dicom_file *f, const element *e) {
  static const char *const name[] = {"",    "MONOCHROME1", "MONOCHROME2", "PALETTE COLOR",
                                     "RGB", "YBR_FULL",    "YBR_FULL_422"};
  text t = text_of(e);
  for (unsigned i = DICOM_MONOCHROME1; i <= DICOM_YBR_FULL_422; i++)
    if (is_text(&t, name[i])) f->colours = (dicom_colours)i;
  return f->colours ? NULL
                    : "DICOM photometric interpretation that is not read (expected MONOCHROME1, "
                      "MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL or YBR_FULL_422)";
}

static const char *take_function(dicom_file *f, const element *e) {
  text t = text_of(e);
  f->function = is_text(&t, "LINEAR_EXACT") ? DICOM_LINEAR_EXACT
                : is_text(&t, "SIGMOID")    ? DICOM_SIGMOID
                                            : DICOM_LINEAR;
  if (t.bytes == 0 || is_text(&t, "LINEAR") || f->function != DICOM_LINEAR) return NULL;
  return "DICOM window of another function (expected LINEAR, LINEAR_EXACT or SIGMOID)";
}

/* Entries, the first value, bits: the first value is signed if pixels are. */
static const char *take_descriptor(dicom_palette *p, const element *e, int is_signed) {
  if (e->bytes < 6) return "bad DICOM palette (expected three numbers for each colour)";
  unsigned entries = number_16(e->data), first = number_16(e->data + 2);
  p->entries = entries == 0 ? 65536 : entries;
  p->first = is_signed && first >= 32768 ? (int32_t)first - 65536 : (int32_t)first;
  p->bits = number_16(e->data + 4);
  return p->bits == 8 || p->bits == 16 ? NULL : "bad DICOM palette (expected 8 or 16 bits)";
}

static const char *take_palette(dicom_file *f, const element *e) {
  if (e->tag >= PALETTE_SEGMENTED)
    return "DICOM palette in segments (expected one that has its entries)";
  if (e->tag < PALETTE_DATA)
    return take_descriptor(&f->palette[e->tag - PALETTE_DESCRIPTOR], e, f->is_signed);
  f->palette[e->tag - PALETTE_DATA].data = e->data;
  f->palette[e->tag - PALETTE_DATA].data_bytes = e->bytes;
  return NULL;
}

static int is_palette(uint32_t tag) {
  return (tag >= PALETTE_DESCRIPTOR && tag < PALETTE_DESCRIPTOR + 3) ||
         (tag >= PALETTE_DATA && tag < PALETTE_DATA + 3) ||
         (tag >= PALETTE_SEGMENTED && tag < PALETTE_SEGMENTED + 3);
}

/* What the values are and how they are shown.  1 of has_window stands for its center, 2 for its
 * width. */
static const char *take_display(dicom_file *f, const element *e) {
  switch (e->tag) {
  case WINDOW_CENTER:
    f->has_window |= real_of(&f->center, e) ? 1 : 0;
    return NULL;
  case WINDOW_WIDTH:
    f->has_window |= real_of(&f->window_width, e) ? 2 : 0;
    return NULL;
  case RESCALE_INTERCEPT:
    return take_real(&f->intercept, e);
  case RESCALE_SLOPE:
    return take_real(&f->slope, e);
  case VOI_LUT_FUNCTION:
    return take_function(f, e);
  case MODALITY_LUT_SEQUENCE:
    return "DICOM image with a modality lookup table (expected rescale slope and intercept)";
  default:
    return is_palette(e->tag) ? take_palette(f, e) : NULL;
  }
}

static const char *take_value(dicom_file *f, const element *e) {
  unsigned number = 0;
  const char *reason = NULL;
  switch (e->tag) {
  case SAMPLES_PER_PIXEL:
    return take_short(&f->samples, e);
  case PHOTOMETRIC_INTERPRETATION:
    return take_colours(f, e);
  case PLANAR_CONFIGURATION:
    reason = take_short(&number, e);
    f->is_planar = number != 0;
    return reason;
  case NUMBER_OF_FRAMES:
    return take_frames(f, e);
  case ROWS:
    return take_side(&f->height, e);
  case COLUMNS:
    return take_side(&f->width, e);
  case BITS_ALLOCATED:
    return take_short(&f->bits_allocated, e);
  case BITS_STORED:
    return take_short(&f->bits_stored, e);
  case HIGH_BIT:
    return take_short(&f->high_bit, e);
  case PIXEL_REPRESENTATION:
    reason = take_short(&number, e);
    f->is_signed = number != 0;
    return reason;
  default:
    return take_display(f, e);
  }
}

/* ---------------------------------------------------------------------------------- data set */

/* The value of encapsulated pixel data is all items up to the end of the sequence. */
static const char *take_pixels(dicom_file *f, const element *e, reader *r) {
  f->pixels = e->data;
  f->pixel_bytes = e->bytes;
  f->is_encapsulated = e->is_undefined;
  if (!e->is_undefined) return NULL;
  const char *reason = skip_value(r, 1, 0, IN_SEQUENCE);
  f->pixel_bytes = (size_t)(r->at - e->data);
  return reason;
}

/* Which item of a sequence is looked at, and whether that is one of functional groups, within which
 * stands the sequence of the rescaling; in an item of that one only elements do. */
typedef struct wanted {
  size_t item;
  int is_group;
} wanted;

static const char *take_items(dicom_file *f, const element *e, reader *outer, int is_explicit,
                              wanted which);

static const char *take_item_of(dicom_file *f, const element *item, reader *outer, int is_explicit,
                                int is_group) {
  reader inner = item->is_undefined ? *outer : (reader){item->data, item->data + item->bytes};
  wanted rescaling = {0, 0};
  const char *reason = NULL;
  while (!reason && inner.at < inner.end) {
    element e;
    reason = take_element(&e, &inner, is_explicit);
    if (reason || e.tag == ITEM_END) break;
    if (is_group && e.tag == PIXEL_VALUE_TRANSFORMATION)
      reason = take_items(f, &e, &inner, is_explicit, rescaling);
    else if (!is_group && (e.tag == RESCALE_SLOPE || e.tag == RESCALE_INTERCEPT))
      reason = take_display(f, &e);
    else if (e.is_undefined) reason = skip_value(&inner, is_explicit, is_unknown(&e), IN_SEQUENCE);
  }
  if (item->is_undefined) outer->at = inner.at;
  return reason;
}

static const char *take_items(dicom_file *f, const element *e, reader *outer, int is_explicit,
                              wanted which) {
  reader inner = e->is_undefined ? *outer : (reader){e->data, e->data + e->bytes};
  const char *reason = NULL;
  for (size_t i = 0; !reason && inner.at < inner.end; i++) {
    element item;
    reason = take_element(&item, &inner, is_explicit);
    if (reason || item.tag == SEQUENCE_END) break;
    if (item.tag != ITEM) reason = bad_dicom;
    else if (i == which.item) reason = take_item_of(f, &item, &inner, is_explicit, which.is_group);
    else if (item.is_undefined) reason = skip_value(&inner, is_explicit, 0, IN_ITEM);
  }
  if (e->is_undefined) outer->at = inner.at;
  return reason;
}

/* A sequence: the rescaling that all frames share, or the frame's own, is taken from within. */
static const char *take_sequence(dicom_file *f, const element *e, reader *r, int is_explicit,
                                 size_t frame) {
  wanted which = {e->tag == SHARED_GROUPS ? 0 : frame, 1};
  if (e->tag == SHARED_GROUPS || e->tag == GROUPS_OF_FRAMES)
    return take_items(f, e, r, is_explicit, which);
  return e->is_undefined ? skip_value(r, is_explicit, is_unknown(e), IN_SEQUENCE) : NULL;
}

/* Elements up to the pixel data, which come behind all that describes them. */
static const char *take_elements(dicom_file *f, size_t frame) {
  reader r = {f->bytes + f->begin, f->bytes + f->count};
  int is_explicit = f->coding != DICOM_IMPLICIT;
  while (r.at < r.end) {
    element e;
    const char *reason = take_element(&e, &r, is_explicit);
    if (reason) return reason;
    if (e.tag == PIXEL_DATA) return take_pixels(f, &e, &r);
    if (e.tag == FLOAT_PIXEL_DATA || e.tag == DOUBLE_PIXEL_DATA)
      return "DICOM pixel data in floating point (expected integers of 8 or 16 bits)";
    reason = take_sequence(f, &e, &r, is_explicit, frame);
    if (!reason) reason = take_value(f, &e);
    if (reason) return reason;
  }
  return "DICOM file without pixel data (expected an image)";
}

static const char *check_bits(const dicom_file *f) {
  if (f->bits_allocated != 8 && f->bits_allocated != 16)
    return "DICOM image of another depth (expected 8 or 16 bits allocated)";
  if (f->bits_stored < 1 || f->bits_stored > f->bits_allocated ||
      f->high_bit >= f->bits_allocated || f->high_bit + 1 < f->bits_stored)
    return "damaged DICOM image (expected the bits stored within those allocated)";
  return NULL;
}

/* The colours that so many samples can be; YBR has eight bits. */
static const char *check_colours(const dicom_file *f) {
  unsigned samples = f->colours <= DICOM_PALETTE ? 1 : 3;
  if (f->colours == DICOM_COLOURS_MISSING || f->samples != samples)
    return "damaged DICOM image (expected a photometric interpretation and its samples per pixel)";
  if (f->colours >= DICOM_YBR_FULL && f->bits_stored != 8)
    return "DICOM image in YBR of another depth (expected 8 bits)";
  for (unsigned i = 0; f->colours == DICOM_PALETTE && i < 3; i++) {
    const dicom_palette *p = &f->palette[i];
    size_t least = p->bits == 8 ? p->entries : 2 * p->entries;
    if (p->entries == 0 || p->data_bytes < least)
      return "bad DICOM palette (expected entries for red, green and blue)";
  }
  return NULL;
}

const char *dicom_take(dicom_file *f, size_t frame) {
  f->frames = 1;
  f->slope = 1;
  const char *reason = take_elements(f, frame);
  if (!reason) reason = pixel_check_sides(f->width, f->height);
  if (!reason) reason = check_bits(f);
  if (!reason) reason = check_colours(f);
  if (reason) return reason;
  f->has_window = f->has_window == 3 && f->window_width >= (f->function == DICOM_LINEAR ? 1 : 1e-6);
  if (f->is_encapsulated != (f->coding >= DICOM_RLE))
    return "damaged DICOM image (expected pixel data as its transfer syntax has them)";
  return NULL;
}

/* --------------------------------------------------------------------------- meta information */

static int has_preamble(const uint8_t *bytes, size_t count) {
  return count >= PREAMBLE_BYTES + MAGIC_BYTES &&
         memcmp(bytes + PREAMBLE_BYTES, "DICM", MAGIC_BYTES) == 0;
}

/* Do the elements at these bytes have types?  Without them a length stands in their place, and the
 * first element's is too small to look like two letters. */
static int has_types(const uint8_t *at) {
  return is_type(at + 4);
}

/* Files of old have no preamble: they begin with the first element of group 2 or 8. */
int dicom_is(const uint8_t *bytes, size_t count) {
  if (has_preamble(bytes, count)) return 1;
  if (count < 2 * ITEM_BYTES || (bytes[0] != 2 && bytes[0] != 8) || bytes[1] || bytes[3]) return 0;
  return has_types(bytes) || number_32(bytes + 4) <= 64;
}

static const char *take_syntax(dicom_file *f, const element *e) {
  size_t root = sizeof uid_root - 1;
  text t = text_of(e);
  if (t.bytes >= root && memcmp(t.at, uid_root, root) == 0) {
    text rest = {t.at + root, t.bytes - root};
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++)
      if (is_text(&rest, syntaxes[i].uid)) {
        f->coding = syntaxes[i].coding;
        return syntaxes[i].reason;
      }
  }
  return "DICOM transfer syntax of a UID that the standard does not have (expected " READ ")";
}

/* Elements of group 2, which have types, whatever those behind them have. */
static const char *take_meta(dicom_file *f, element *syntax_element) {
  size_t begin = has_preamble(f->bytes, f->count) ? PREAMBLE_BYTES + MAGIC_BYTES : 0;
  reader r = {f->bytes + begin, f->bytes + f->count};
  *syntax_element = (element){0};
  while (r.end - r.at >= 8 && number_16(r.at) == 2) {
    element e;
    const char *reason = take_element(&e, &r, 1);
    if (!reason && e.is_undefined) reason = bad_dicom;
    if (reason) return reason;
    if (e.tag == TRANSFER_SYNTAX) *syntax_element = e;
  }
  f->begin = (size_t)(r.at - f->bytes);
  return NULL;
}

/* Without a transfer syntax elements are as they look. */
static const char *guess_syntax(dicom_file *f) {
  if (f->count - f->begin < ITEM_BYTES) return ends_early;
  f->coding = has_types(f->bytes + f->begin) ? DICOM_EXPLICIT : DICOM_IMPLICIT;
  return NULL;
}

const char *dicom_open(dicom_file *f, const uint8_t *bytes, size_t count) {
  element e;
  memset(f, 0, sizeof *f);
  f->bytes = bytes;
  f->count = count;
  const char *reason = take_meta(f, &e);
  if (reason) return reason;
  return e.data ? take_syntax(f, &e) : guess_syntax(f);
}

/* ---------------------------------------------------------------------------------- fragments */

/* The next item of encapsulated pixel data: 0 where they end. */
static int take_item(element *e, reader *r) {
  return take_element(e, r, 0) == NULL && e->tag == ITEM && !e->is_undefined;
}

/* The offset of a frame as the table has it, in bytes from the first fragment's item. */
static size_t offset_of(const element *table, size_t frame) {
  return 4 * frame + 4 <= table->bytes ? number_32(table->data + 4 * frame) : SIZE_MAX;
}

/* What tells which fragments are a frame's. */
typedef struct fragment_map {
  element table;    /* offsets of the frames; may be empty */
  size_t fragments; /* in all */
  size_t begun;     /* so many fragments so far begin as JPEG data do */
} fragment_map;

/* Is fragment i, which begins at offset, the frame's?  By the table of offsets; else all are if there
 * is one frame, or each is one if there are as many; else frames begin where JPEG data do. */
static int is_of_frame(const dicom_file *f, const fragment_map *m, size_t frame, size_t i,
                       size_t offset) {
  if (f->frames == 1) return 1;
  if (m->table.bytes / 4 >= f->frames)
    return offset >= offset_of(&m->table, frame) && offset < offset_of(&m->table, frame + 1);
  return m->fragments == f->frames ? i == frame : f->coding >= DICOM_JPEG && m->begun == frame + 1;
}

static int begins_jpeg(const element *e) {
  return e->bytes >= 2 && e->data[0] == 0xFF && e->data[1] == 0xD8;
}

static size_t count_fragments(reader r) {
  size_t fragments = 0;
  for (element e; take_item(&e, &r);) fragments++;
  return fragments;
}

const char *dicom_find_frame(dicom_fragments *out, const dicom_file *f, size_t frame) {
  reader r = {f->pixels, f->pixels + f->pixel_bytes};
  fragment_map m = {.begun = 0};
  element e;
  memset(out, 0, sizeof *out);
  if (!take_item(&m.table, &r)) return bad_fragments;
  m.fragments = count_fragments(r);
  const uint8_t *first = r.at, *at = r.at;
  for (size_t i = 0; take_item(&e, &r); i++, at = r.at) {
    if (begins_jpeg(&e)) m.begun++;
    if (!is_of_frame(f, &m, frame, i, (size_t)(at - first))) continue;
    if (out->fragments++ == 0) out->at = at;
    out->bytes += e.bytes;
  }
  return out->bytes > 0 ? NULL : bad_fragments;
}

const uint8_t *dicom_gather(const dicom_fragments *from, uint8_t *memory) {
  const uint8_t *at = from->at;
  if (from->fragments == 1) return at + ITEM_BYTES;
  size_t made = 0;
  for (size_t i = 0; i < from->fragments; i++) {
    size_t bytes = number_32(at + 4);
    memcpy(memory + made, at + ITEM_BYTES, bytes);
    made += bytes;
    at += ITEM_BYTES + bytes;
  }
  return memory;
}

/* ----------------------------------------------------------------------------------- deflated */

const char *dicom_unpacked_bytes(size_t *out_bytes, const dicom_file *f, size_t limit_bytes) {
  size_t made = 0;
  const char *reason =
      inflate_raw_measure(&made, limit_bytes - f->begin, f->bytes + f->begin, f->count - f->begin);
  *out_bytes = f->begin + made;
  return reason;
}

const char *dicom_unpack(uint8_t *out, size_t out_bytes, const dicom_file *f) {
  dicom_file copy = *f;
  element e;
  size_t used = 0, root = sizeof uid_root - 1, rest = sizeof uid_deflated - 1;
  memcpy(out, f->bytes, f->begin);
  copy.bytes = out;
  copy.count = f->begin;
  const char *reason = take_meta(&copy, &e);
  if (reason) return reason;
  uint8_t *uid = out + (e.data - out) + root; /* the same bytes, to be written */
  memset(uid, 0, rest);
  memcpy(uid, uid_explicit, sizeof uid_explicit - 1);
  return inflate_raw(out + f->begin, out_bytes - f->begin, f->bytes + f->begin, f->count - f->begin,
                     &used);
}
