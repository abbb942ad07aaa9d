/* dicom.c - see dicom.h. */
#include "dicom.h"

#include <math.h>
#include <string.h>

#include "dicom_rle.h"
#include "jpeg.h"
#include "jpeg_lossless.h"
#include "pixel.h"

#define UNPACKED_BYTES_MAX ((size_t)512 << 20)

enum { VALUES = 65536 }; /* of 16 bits */

static const char ends_early[] = "DICOM pixel data end early (expected a value for each pixel)";

/* The frame that is wanted, and the parts of the memory. */
typedef struct frame {
  dicom_file file;
  size_t number; /* counted from 0 */
  dicom_fragments fragments;
  size_t pixels;     /* of the picture */
  unsigned channels; /* of the picture */
  /* Sizes and places, one behind the other: */
  size_t picture_bytes; /* [height][width][channels] */
  size_t work_bytes;    /* what decoding takes: samples of 16 bits, or what JPEG does */
  size_t gathered_bytes;
  size_t table_bytes; /* of gray: what each value of 16 bits is shown as */
  uint8_t *picture, *work, *gathered, *table;
} frame;

/* Samples as they are stored, pixel by pixel: of 8 bits, or of 16 as this machine has them. */
typedef struct stored {
  const uint8_t *at;
  unsigned sample_bytes;
  int is_rgb; /* the decoder made them so */
} stored;

static int is_gray(const dicom_file *f) {
  return f->colours == DICOM_MONOCHROME1 || f->colours == DICOM_MONOCHROME2;
}

/* -------------------------------------------------------------------------------------- sizes */

/* Bytes of an uncompressed frame: of YBR_FULL_422 two pixels share their colour. */
static size_t native_bytes(const dicom_file *f) {
  if (f->colours == DICOM_YBR_FULL_422) return (f->width + 1) / 2 * 4 * f->height;
  return f->width * f->height * f->samples * (f->bits_allocated / 8);
}

/* Could so many bytes be this frame at all?  JPEG takes two bits a block, of the luma at least;
 * lossless JPEG a bit a sample, run lengths two bytes for 128. */
static int is_possible(const frame *w) {
  size_t bytes = w->fragments.bytes, samples = w->pixels * w->file.samples;
  switch (w->file.coding) {
  case DICOM_JPEG:
    return w->pixels / 256 <= bytes;
  case DICOM_JPEG_LOSSLESS:
    return samples / 8 <= bytes;
  case DICOM_RLE:
    return samples * (w->file.bits_allocated / 8) / 64 <= bytes;
  default:
    return 1;
  }
}

static const char *find(frame *w) {
  const dicom_file *f = &w->file;
  if (f->is_encapsulated) {
    const char *reason = dicom_find_frame(&w->fragments, f, w->number);
    if (reason) return reason;
    return is_possible(w) ? NULL : ends_early;
  }
  size_t whole = native_bytes(f);
  return f->pixel_bytes / whole > w->number ? NULL : ends_early;
}

static const char *check_frame(const frame *w, const image_view *view) {
  if (view == NULL || view->frame == 0) {
    if (w->file.frames == 1) return NULL;
    return "a DICOM file of several frames (expected --frame N to name one, counted from 1)";
  }
  if (view->frame <= w->file.frames) return NULL;
  return "no such frame in the DICOM file (expected --frame 1 to its number of frames)";
}

static void measure_parts(frame *w) {
  const dicom_file *f = &w->file;
  w->pixels = f->width * f->height;
  w->channels = is_gray(f) ? 1 : 3;
  w->picture_bytes = w->pixels * w->channels;
  w->work_bytes = f->coding == DICOM_JPEG ? jpeg_memory_bound(f->width, f->height, f->samples)
                                          : 2 * w->pixels * f->samples + 1; /* one to align them */
  w->table_bytes = is_gray(f) ? VALUES : 0;
}

static size_t memory_bytes_of(const frame *w) {
  return w->picture_bytes + w->work_bytes + w->gathered_bytes + w->table_bytes;
}

static const char *open_frame(frame *w, const image_view *view, const uint8_t *bytes,
                              size_t count) {
  memset(w, 0, sizeof *w);
  const char *reason = dicom_open(&w->file, bytes, count);
  if (!reason && w->file.coding == DICOM_DEFLATED) reason = "DICOM file that was not unpacked";
  w->number = view && view->frame > 0 ? view->frame - 1 : 0;
  if (!reason) reason = dicom_take(&w->file, w->number);
  if (!reason) reason = check_frame(w, view);
  if (reason) return reason;
  measure_parts(w);
  reason = find(w);
  w->gathered_bytes = w->fragments.fragments > 1 ? w->fragments.bytes : 0;
  return reason;
}

static void place_parts(frame *w, uint8_t *memory) {
  w->picture = memory;
  w->work = w->picture + w->picture_bytes;
  w->gathered = w->work + w->work_bytes;
  w->table = w->gathered + w->gathered_bytes;
}

/* ------------------------------------------------------------------------------------ samples */

/* Sample number i of an uncompressed frame, in the order of its bytes. */
static uint16_t native_sample(const dicom_file *f, const uint8_t *from, size_t i) {
  if (f->bits_allocated == 8) return from[i];
  return (uint16_t)(from[2 * i] | (unsigned)from[2 * i + 1] << 8);
}

/* Two pixels and their colour: Y, Y, Cb, Cr. */
static void take_pairs(uint16_t *to, const dicom_file *f, const uint8_t *from) {
  size_t pairs = (f->width + 1) / 2;
  for (size_t y = 0; y < f->height; y++)
    for (size_t x = 0; x < f->width; x++) {
      const uint8_t *pair = from + 4 * (y * pairs + x / 2);
      uint16_t *pixel = to + 3 * (y * f->width + x);
      pixel[0] = pair[x % 2];
      pixel[1] = pair[2];
      pixel[2] = pair[3];
    }
}

static void take_native(uint16_t *to, const frame *w) {
  const dicom_file *f = &w->file;
  const uint8_t *from = f->pixels + w->number * native_bytes(f);
  if (f->colours == DICOM_YBR_FULL_422) {
    take_pairs(to, f, from);
    return;
  }
  for (size_t i = 0; i < w->pixels; i++)
    for (unsigned k = 0; k < f->samples; k++)
      to[i * f->samples + k] =
          native_sample(f, from, f->is_planar ? k * w->pixels + i : i * f->samples + k);
}

/* Baseline JPEG of 8 bits: colours become RGB if the file says that they are not. */
static const char *take_jpeg(stored *out, frame *w, const uint8_t *bytes) {
  const dicom_file *f = &w->file;
  jpeg_colours colours = f->colours >= DICOM_YBR_FULL ? JPEG_AS_YCC : JPEG_AS_RGB;
  image got;
  const char *reason = jpeg_measure_as(&got, colours, bytes, w->fragments.bytes);
  if (reason) return reason;
  if (got.width != f->width || got.height != f->height || got.channels != f->samples)
    return "JPEG image of another size than the DICOM file says (expected the same)";
  if (got.memory_bytes > w->work_bytes)
    return "progressive JPEG image in a DICOM file (expected a baseline one)";
  reason = jpeg_read_as(&got, colours, bytes, w->fragments.bytes, w->work, w->work_bytes);
  if (reason) return reason;
  *out = (stored){got.pixels, 1, 1};
  return NULL;
}

static const char *take_samples(stored *out, frame *w) {
  const dicom_file *f = &w->file;
  uint16_t *words = (uint16_t *)(void *)(w->work + (uintptr_t)w->work % 2);
  const uint8_t *bytes = f->is_encapsulated ? dicom_gather(&w->fragments, w->gathered) : NULL;
  *out = (stored){(const uint8_t *)words, 2, 0};
  if (f->coding == DICOM_JPEG) return take_jpeg(out, w, bytes);
  if (f->coding == DICOM_JPEG_LOSSLESS)
    return jpeg_lossless_read(words, f->width, f->height, f->samples, bytes, w->fragments.bytes);
  if (f->coding == DICOM_RLE)
    return dicom_rle_read(words, w->pixels, f->samples, f->bits_allocated / 8, bytes,
                          w->fragments.bytes);
  take_native(words, w);
  return NULL;
}

/* The bits of a sample that are stored. */
static unsigned bits_of(const dicom_file *f, unsigned sample) {
  return sample >> (f->high_bit + 1 - f->bits_stored) & ((1U << f->bits_stored) - 1);
}

static unsigned sample_at(const stored *s, size_t i) {
  uint16_t word = 0;
  if (s->sample_bytes == 1) return s->at[i];
  memcpy(&word, s->at + 2 * i, 2);
  return word;
}

/* --------------------------------------------------------------------------------------- gray */

/* A number that stored bits stand for. */
static int32_t number_of(const dicom_file *f, unsigned bits) {
  int is_negative = f->is_signed && bits >> (f->bits_stored - 1) & 1;
  return is_negative ? (int32_t)bits - ((int32_t)1 << f->bits_stored) : (int32_t)bits;
}

static uint8_t gray(double share) {
  if (!(share > 0)) return 0;
  return share >= 1 ? 255 : (uint8_t)floor(255 * share + 0.5);
}

/* A rescaled value as the window shows it, PS3.3, C.11.2.1.2 and C.11.2.1.3. */
static uint8_t through_window(double value, double center, double width, dicom_function function) {
  if (function == DICOM_SIGMOID) return gray(1 / (1 + exp(-4 * (value - center) / width)));
  if (function == DICOM_LINEAR_EXACT) return gray((value - center) / width + 0.5);
  double low = center - 0.5 - (width - 1) / 2;
  if (value <= low) return 0;
  return value > low + width - 1 ? 255 : gray((value - low) / (width - 1));
}

/* A rescaled value as its place in the range of all that the stored bits can be. */
static uint8_t in_full_range(const dicom_file *f, double value) {
  unsigned top = (1U << f->bits_stored) - 1, sign = 1U << (f->bits_stored - 1);
  double one = number_of(f, f->is_signed ? sign : 0) * f->slope + f->intercept;
  double other = number_of(f, f->is_signed ? sign - 1 : top) * f->slope + f->intercept;
  double least = one < other ? one : other, most = one < other ? other : one;
  return most > least ? gray((value - least) / (most - least)) : 0;
}

/* Rescaled values are whole numbers for dcmtk, what is behind the point being cut; so they are here,
 * for the same picture. */
static uint8_t show(const dicom_file *f, const image_view *view, int32_t number) {
  image_window window = view ? view->window : IMAGE_WINDOW_FILE;
  double value = trunc(number * f->slope + f->intercept);
  if (window == IMAGE_WINDOW_GIVEN)
    return through_window(value, view->center, view->width, f->function);
  if (window == IMAGE_WINDOW_FILE && f->has_window)
    return through_window(value, f->center, f->window_width, f->function);
  return in_full_range(f, value);
}

/* What each value of the stored bits is shown as, worked out once. */
static void set_gray(frame *w, const image_view *view, const stored *s) {
  const dicom_file *f = &w->file;
  for (unsigned bits = 0; bits < 1U << f->bits_stored; bits++) {
    uint8_t shown = show(f, view, number_of(f, bits));
    w->table[bits] = f->colours == DICOM_MONOCHROME1 ? (uint8_t)(255 - shown) : shown;
  }
  for (size_t i = 0; i < w->pixels; i++) w->picture[i] = w->table[bits_of(f, sample_at(s, i))];
}

/* ------------------------------------------------------------------------------------- colours */

/* Entry i of a palette: bytes, or words of which 8 bits are the lower ones. */
static uint8_t palette_entry(const dicom_palette *p, size_t i) {
  if (p->data_bytes < 2 * p->entries) return p->data[i];
  unsigned word = p->data[2 * i] | (unsigned)p->data[2 * i + 1] << 8;
  return p->bits == 8 ? (uint8_t)word : pixel_scale(word, 65535);
}

/* Values before the first entry are the first colour, those behind the last one the last. */
static void set_palette(frame *w, const stored *s) {
  const dicom_file *f = &w->file;
  for (size_t i = 0; i < w->pixels; i++)
    for (unsigned k = 0; k < 3; k++) {
      const dicom_palette *p = &f->palette[k];
      int32_t number = number_of(f, bits_of(f, sample_at(s, i))) - p->first;
      size_t entry = number < 0 ? 0 : (size_t)number;
      w->picture[3 * i + k] = palette_entry(p, entry < p->entries ? entry : p->entries - 1);
    }
}

/* 10000 times a sample, rounded up. */
static uint8_t round_up(int32_t sum) {
  return (uint8_t)(sum <= 0 ? 0 : sum >= 255 * 10000 ? 255 : (sum + 9999) / 10000);
}

/* From YBR, in place.  The center of the colours is 127.5, as dcmtk has it, and not 128, as PS3.3 and
 * JFIF have it.  dcmtk cuts the sums of YBR_FULL_422 and the products of YBR_FULL: what is rounded up
 * is within one of both. */
static void to_rgb(uint8_t sample[3]) {
  int32_t y = 10000 * sample[0], cb = sample[1], cr = sample[2];
  sample[0] = round_up(y + 14020 * cr - 7010 * 255);
  sample[1] = round_up(y - 3441 * cb - 7141 * cr + 5291 * 255);
  sample[2] = round_up(y + 17720 * cb - 8859 * 255);
}

static void set_colours(frame *w, const stored *s) {
  const dicom_file *f = &w->file;
  for (size_t i = 0; i < w->pixels; i++) {
    uint8_t *to = w->picture + 3 * i;
    for (unsigned k = 0; k < 3; k++)
      to[k] = pixel_scale(bits_of(f, sample_at(s, 3 * i + k)), (1U << f->bits_stored) - 1);
    if (f->colours >= DICOM_YBR_FULL && !s->is_rgb) to_rgb(to);
  }
}

/* ---------------------------------------------------------------------------------------- file */

const char *dicom_packed_bytes(size_t *out_bytes, const uint8_t *bytes, size_t count) {
  dicom_file f;
  *out_bytes = 0;
  const char *reason = dicom_open(&f, bytes, count);
  if (reason || f.coding != DICOM_DEFLATED) return reason;
  return dicom_unpacked_bytes(out_bytes, &f, UNPACKED_BYTES_MAX + f.begin);
}

const char *dicom_unpack_file(uint8_t *out, size_t out_bytes, const uint8_t *bytes, size_t count) {
  dicom_file f;
  const char *reason = dicom_open(&f, bytes, count);
  return reason ? reason : dicom_unpack(out, out_bytes, &f);
}

static image picture_of(const frame *w, const uint8_t *pixels) {
  image out = {memory_bytes_of(w), w->file.width, w->file.height, w->channels, pixels};
  return out;
}

const char *dicom_measure(image *out, const image_view *view, const uint8_t *bytes, size_t count) {
  frame w;
  const char *reason = open_frame(&w, view, bytes, count);
  if (reason) return reason;
  *out = picture_of(&w, NULL);
  return NULL;
}

const char *dicom_read(image *out, const image_view *view, const uint8_t *bytes, size_t count,
                       uint8_t *memory, size_t memory_bytes) {
  frame w;
  stored s;
  const char *reason = open_frame(&w, view, bytes, count);
  if (!reason && memory_bytes_of(&w) > memory_bytes) reason = "too little memory for the image";
  if (reason) return reason;
  place_parts(&w, memory);
  reason = take_samples(&s, &w);
  if (reason) return reason;
  if (is_gray(&w.file)) set_gray(&w, view, &s);
  else if (w.file.colours == DICOM_PALETTE) set_palette(&w, &s);
  else set_colours(&w, &s);
  *out = picture_of(&w, memory);
  return NULL;
}
