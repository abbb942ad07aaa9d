/* foreign.c - see foreign.h.  Each format is told by the bytes that its specification begins with. */
#include "foreign.h"

#include <string.h>

#define READ "PNG, JPEG, PGM, PPM, PBM, PAM or DICOM"
#define CONVERT(what, command, package)                                                            \
  what " (expected " READ "; " command " of the Debian package " package " converts it)"

/* So many bytes at this place of the file. */
typedef struct signature {
  size_t at;
  const char *text;
  size_t text_bytes;
  const char *reason;
} signature;

#define AT(place, text, reason)                                                                    \
  { place, text, sizeof text - 1, reason }

static const char tiff[] = CONVERT("a TIFF image", "tifftopnm IN.tif > OUT.pnm", "netpbm");
static const char jpeg_2000[] =
    CONVERT("a JPEG 2000 image", "opj_decompress -i IN.jp2 -o OUT.png", "libopenjp2-tools");
static const char jpeg_xl[] = CONVERT("a JPEG XL image", "djxl IN.jxl OUT.png", "libjxl-tools");
static const char heic[] =
    CONVERT("a HEIC image", "heif-convert IN.heic OUT.png", "libheif-examples");
static const char avif[] =
    CONVERT("an AVIF image", "heif-convert IN.avif OUT.png", "libheif-examples");
static const char nifti[] = CONVERT("a NIfTI volume", "medcon -f IN.nii -c png", "medcon");
static const char pfm[] = CONVERT("a PFM image", "pfmtopam IN.pfm > OUT.pam", "netpbm");

static const signature known[] = {
    AT(0, "II*\0", tiff),
    AT(0, "MM\0*", tiff),
    AT(0, "II+\0", tiff),
    AT(0, "MM\0+", tiff),
    AT(8, "WEBPVP8", CONVERT("a WebP image", "dwebp IN.webp -o OUT.png", "webp")),
    AT(0, "GIF8", CONVERT("a GIF image", "giftopnm IN.gif > OUT.pnm", "netpbm")),
    AT(0, "\0\0\0\x0CjP  \r\n\x87\n", jpeg_2000),
    AT(0, "\xFF\x4F\xFF\x51", jpeg_2000),
    AT(0, "\0\0\0\x0CJXL \r\n\x87\n", jpeg_xl),
    AT(0, "\xFF\x0A", jpeg_xl),
    AT(4, "ftypavif", avif),
    AT(4, "ftypavis", avif),
    AT(4, "ftyphei", heic),
    AT(4, "ftyphev", heic),
    AT(4, "ftypmif1", heic),
    AT(4, "ftypmsf1", heic),
    AT(344, "n+1\0", nifti),
    AT(344, "ni1\0", nifti),
    AT(4, "n+2\0\r\n\x1A\n", nifti),
    AT(4, "ni2\0\r\n\x1A\n", nifti),
    AT(0, "Pf", pfm),
    AT(0, "PF", pfm),
    AT(0, "8BPS", "a Photoshop document (expected " READ ")"),
    AT(0, "%PDF-", CONVERT("a PDF document", "pdftoppm -png IN.pdf OUT", "poppler-utils")),
    AT(0, "\x1F\x8B", "a file packed by gzip (expected " READ "; gunzip unpacks it)"),
    AT(0, "PK\3\4",
       "an .npz data set (expected a picture, or --split and --index to name one of "
       "its images)"),
    AT(0, "\x93NUMPY", "an .npy array (expected " READ ")"),
};

static int is_one(const signature *s, const uint8_t *bytes, size_t count) {
  return count >= s->at + s->text_bytes && memcmp(bytes + s->at, s->text, s->text_bytes) == 0;
}

/* BM alone would be many a text: its header's size says more. */
static int is_bmp(const uint8_t *bytes, size_t count) {
  static const uint8_t header_bytes[] = {12, 16, 40, 52, 56, 64, 108, 124};
  return count >= 18 && bytes[0] == 'B' && bytes[1] == 'M' &&
         memchr(header_bytes, bytes[14], sizeof header_bytes) && !bytes[15] && !bytes[16];
}

const char *foreign_reason(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (is_one(&known[i], bytes, count)) return known[i].reason;
  if (is_bmp(bytes, count)) return CONVERT("a BMP image", "bmptopnm IN.bmp > OUT.pnm", "netpbm");
  return count == 0 ? "an empty file (expected " READ ")" : "not a picture (expected " READ ")";
}
