/* jpeg_file.h - segments, Huffman codes and bits of a JPEG file (ITU-T T.81): what jpeg.c and
 * jpeg_lossless.c share.  Names of markers and parameters are those of the standard.
 *
 * Errors: as in image.h. */
#ifndef JPEG_FILE_H
#define JPEG_FILE_H

#include <stddef.h>
#include <stdint.h>

enum {
  JPEG_SOF0 = 0xC0, /* baseline; the other SOF are C1 to CF but for DHT, JPG and DAC */
  JPEG_SOF1 = 0xC1, /* extended sequential */
  JPEG_SOF2 = 0xC2, /* progressive */
  JPEG_SOF3 = 0xC3, /* lossless */
  JPEG_DHT = 0xC4,
  JPEG_JPG = 0xC8,
  JPEG_SOF9 = 0xC9, /* from here on with arithmetic codes */
  JPEG_DAC = 0xCC,
  JPEG_RST0 = 0xD0,
  JPEG_SOI = 0xD8,
  JPEG_EOI = 0xD9,
  JPEG_SOS = 0xDA,
  JPEG_DQT = 0xDB,
  JPEG_DNL = 0xDC,
  JPEG_DRI = 0xDD,
  JPEG_APP0 = 0xE0,
  JPEG_APP1 = 0xE1,
  JPEG_APP14 = 0xEE,
  JPEG_APP15 = 0xEF,
  JPEG_SOF55 = 0xF7, /* JPEG-LS, ITU-T T.87 */
  JPEG_COM = 0xFE
};

enum {
  JPEG_BLOCK = 8, /* side of a block, samples */
  JPEG_COEFFICIENTS = 64,
  JPEG_COMPONENTS_MAX = 4,
  JPEG_TABLES_MAX = 4,
  JPEG_CODE_BITS_MAX = 16
};

extern const char jpeg_is_damaged[];
extern const char jpeg_ends_early[];
extern const char jpeg_has_bad_data[];
extern const char jpeg_lacks_codes[];

/* A canonical Huffman code. */
typedef struct jpeg_huffman {
  uint8_t count[JPEG_CODE_BITS_MAX + 1]; /* of codes by length (BITS); [0] stays 0 */
  uint8_t symbol[256];                   /* in the order of their codes (HUFFVAL) */
  int there;
} jpeg_huffman;

typedef struct jpeg_component {
  unsigned id;
  unsigned h, v; /* sampling factors, 1 to 4 */
  unsigned quantizer;
  unsigned dc_table, ac_table;
  size_t across, down;   /* samples that the image needs */
  size_t width, height;  /* the same in blocks */
  size_t stride;         /* of the plane, samples: whole MCUs */
  size_t rows;           /* of the plane, likewise */
  uint8_t *samples;      /* [rows][stride] */
  int16_t *coefficients; /* progressive: [rows / 8][stride / 8][64], not yet dequantized */
  uint16_t steps[JPEG_COEFFICIENTS]; /* the quantization table of its first scan, in zigzag order */
  int8_t precision[JPEG_COEFFICIENTS]; /* progressive: the lowest bit known so far; -1: none */
  int32_t dc;                          /* the last one, quantized */
  int decoded;                         /* a scan had it */
} jpeg_component;

/* A parsed file: what its segments said so far. */
typedef struct jpeg_file {
  const uint8_t *at; /* what is not read yet */
  const uint8_t *end;
  size_t width;
  size_t height;
  unsigned frame;      /* marker of the frame header that was read; 0: none yet */
  unsigned precision;  /* bits of a sample */
  unsigned components; /* likewise 0 */
  jpeg_component component[JPEG_COMPONENTS_MAX];
  unsigned h_max, v_max;
  unsigned orientation;    /* exif.h; 0 until an APP1 segment has it */
  int has_jfif;            /* an APP0 segment of that name */
  int adobe;               /* the colours that Adobe's marker names, -1: no such marker */
  size_t restart_interval; /* MCUs; 0: none */
  uint16_t quantizer[JPEG_TABLES_MAX][JPEG_COEFFICIENTS]; /* in zigzag order */
  unsigned quantizers;                                    /* a bit for each that is there */
  jpeg_huffman code[2][JPEG_TABLES_MAX];                  /* DC and AC */
  unsigned scans;
} jpeg_file;

/* A marker and what follows it. */
typedef struct jpeg_segment {
  unsigned marker;
  const uint8_t *data;
  size_t data_bytes;
} jpeg_segment;

/* Reads up to the first scan; s is its header. */
const char *jpeg_open(jpeg_file *j, jpeg_segment *s, const uint8_t *bytes, size_t count);

/* Takes all segments up to the next scan's header or the end; s is that one. */
const char *jpeg_to_scan(jpeg_segment *s, jpeg_file *j);

/* Entropy-coded bits, highest first; a byte FF is followed by 00. */
typedef struct jpeg_bits {
  const uint8_t *at;
  const uint8_t *end;
  uint32_t hold; /* the lowest held_bits of it are next */
  unsigned held_bits;
  int ended; /* more was asked for than there is; zeros were given */
} jpeg_bits;

/* The next count <= 16 bits as a number. */
unsigned jpeg_take_bits(jpeg_bits *r, unsigned count);

/* The next symbol, or -1 if no code fits. */
int jpeg_take_symbol(jpeg_bits *r, const jpeg_huffman *code);

/* A number of so many bits, at most 16, F.2.2.1: the lower half of what they can hold stands for
 * negatives. */
int32_t jpeg_take_signed(jpeg_bits *r, unsigned bits);

/* A restart marker, of number 0 to 7: what is left of a byte is dropped. */
const char *jpeg_take_restart(jpeg_bits *r, unsigned number);

#endif
