/* The container that every file is: header, payload, digest.  docs/FORMAT.md has every byte.  Parsing is
 * bounded by the reader's limits, and allocates nothing.  The first error sticks, so that a parser
 * may check once behind a run of fields.  Next: any other header of this folder, one a kind of file.
 * In: a writer or reader, and fields; out: bytes, and back. */
#ifndef PPMLI_WIRE_CONTAINER_H
#define PPMLI_WIRE_CONTAINER_H

#include "../base/bytes.h"
#include "../base/digest.h"
#include "../math/params.h"
#include "../math/torus.h"
#include "limits.h"

#define PPMLI_HEADER_BYTES 80
#define PPMLI_HEADER_HASHED_BYTES 72 /* what its own digest, the last 8 bytes, covers */
#define PPMLI_CONTAINER_BYTES (PPMLI_HEADER_BYTES + PPML_ID_BYTES) /* besides the payload */

static const uint8_t ppmli_magic[8] = {0x89, 'P', 'P', 'M', 'L', 0x0d, 0x0a, 0x1a};

/* Kinds of learning are none in a build without it. */
PPMLI_INLINE int ppmli_kind_is_learning(uint32_t kind) {
#ifdef PPML_NO_LEARN
  (void)kind;
  return 0;
#else
  return kind >= PPML_KIND_FEATURES && kind <= PPML_KIND_CLASSIFIED;
#endif
}

PPMLI_INLINE int ppmli_kind_is_known(uint32_t kind) {
  return (kind >= PPML_KIND_MODEL && kind <= PPML_KIND_SECRET_KEY) || ppmli_kind_is_learning(kind);
}

PPMLI_STATIC const char *ppmli_kind_name(uint32_t kind) {
  static const char *const names[] = {"model",           "circuit",         "client spec",
                                      "secret key",      "evaluation key",  "encrypted image",
                                      "encrypted score", "secret key alone"};
  static const char *const learning[] = {"feature map",      "learning key", "training set",
                                         "encrypted sums",   "checkpoint",   "encrypted model",
                                         "encrypted answers"};
  if (ppmli_kind_is_learning(kind)) return learning[kind - PPML_KIND_FEATURES];
  return ppmli_kind_is_known(kind) ? names[kind - PPML_KIND_MODEL] : NULL;
}

/* Is it made in the clear, for no parameter set? */
PPMLI_INLINE int ppmli_kind_is_free_of_set(uint32_t kind) {
  return kind == PPML_KIND_MODEL || kind == PPML_KIND_FEATURES;
}

/* Is it written and read part by part, whatever its length?  Then what bounds memory is a block of rows,
 * or the run that a checkpoint is of, and the kind's own reader checks the length by that. */
PPMLI_INLINE int ppmli_kind_is_in_parts(uint32_t kind) {
  return ppmli_kind_is_learning(kind) &&
         (kind == PPML_KIND_TRAINING || kind == PPML_KIND_CLASSIFIED ||
          kind == PPML_KIND_CHECKPOINT);
}

/* Payload bytes that a container of that kind may claim. */
PPMLI_INLINE uint64_t ppmli_kind_payload_limit(uint32_t kind, const ppml_limits *limits) {
  return ppmli_kind_is_in_parts(kind) ? (uint64_t)1 << 48 : limits->payload_bytes;
}

/* Numbers of a set that are hashed: those from id to output_bits, which stand one after another. */
#define PPMLI_PARAMS_FIELDS 16

typedef char ppmli_params_fields_are_in_order[offsetof(ppml_params, output_bits) ==
                                                      offsetof(ppml_params, id) +
                                                          4 * (PPMLI_PARAMS_FIELDS - 1)
                                                  ? 1
                                                  : -1];

/* What the header says of a parameter set, beside its id: a digest of all its numbers,
 * so that two builds which differ in a set do not read each other's files. */
PPMLI_STATIC void ppmli_params_digest(uint8_t out[PPML_ID_BYTES], const ppml_params *p) {
  uint32_t fields[PPMLI_PARAMS_FIELDS];
  ppmli_digest d;
  memcpy(fields, (const uint8_t *)p + offsetof(ppml_params, id), sizeof fields);
  ppmli_digest_init(&d);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    uint8_t word[4];
    ppmli_store32(word, fields[i]);
    ppmli_digest_update(&d, word, sizeof word);
  }
  if (ppmli_params_block(p) < p->poly_size) { /* hashed for the sets alone that have them */
    uint8_t word[4];
    ppmli_store32(word, p->slots);
    ppmli_digest_update(&d, word, sizeof word);
  }
  ppmli_digest_final(&d, out);
}

/* The header's own digest: a header can be trusted before the payload was read. */
PPMLI_STATIC void ppmli_header_digest(uint8_t out[PPML_ID_BYTES], const uint8_t *header) {
  ppmli_digest d;
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, header, PPMLI_HEADER_HASHED_BYTES);
  ppmli_digest_final(&d, out);
}

/* -------------------------------------------------------------- writing */

/* A container being written.  The first error sticks, and ppmli_out_end tells it; with
 * no writer, the bytes are only counted and hashed. */
typedef struct ppmli_out {
  ppml_writer *writer;
  ppmli_digest digest;
  int error;
} ppmli_out;

PPMLI_STATIC void ppmli_out_bytes(ppmli_out *out, const void *bytes, size_t count) {
  ppmli_digest_update(&out->digest, bytes, count);
  if (out->writer == NULL || out->error) return;
  if (out->writer->write(out->writer, bytes, count) != 0) out->error = PPML_ERR_IO;
}

PPMLI_STATIC void ppmli_out_u32(ppmli_out *out, uint32_t x) {
  uint8_t b[4];
  ppmli_store32(b, x);
  ppmli_out_bytes(out, b, sizeof b);
}

PPMLI_STATIC void ppmli_out_u64(ppmli_out *out, uint64_t x) {
  uint8_t b[8];
  ppmli_store64(b, x);
  ppmli_out_bytes(out, b, sizeof b);
}

PPMLI_STATIC void ppmli_out_i32s(ppmli_out *out, const int32_t *x, size_t count) {
  for (size_t i = 0; i < count; i++) ppmli_out_u32(out, (uint32_t)x[i]);
}

#define PPMLI_OUT_WORDS 8 /* packed at a time: whole bytes, of any width */

/* Words of the torus, rounded to their upper bits and packed; calls may follow one another where count is
 * a multiple of PPMLI_OUT_WORDS. */
PPMLI_STATIC void ppmli_out_torus(ppmli_out *out, const uint64_t *words, size_t count,
                                  uint32_t bits) {
  uint64_t some[PPMLI_OUT_WORDS];
  uint8_t bytes[8 * PPMLI_OUT_WORDS];
  for (size_t i = 0; i < count; i += PPMLI_OUT_WORDS) {
    size_t take = ppmli_min_size(PPMLI_OUT_WORDS, count - i);
    for (size_t j = 0; j < take; j++) some[j] = ppmli_torus_top(words[i + j], bits);
    ppmli_pack(bytes, some, take, bits);
    ppmli_out_bytes(out, bytes, ppmli_packed_bytes(take, bits));
  }
}

/* A payload that is only hashed, to become an id. */
PPMLI_STATIC void ppmli_out_begin_digest(ppmli_out *out) {
  out->writer = NULL;
  out->error = PPML_OK;
  ppmli_digest_init(&out->digest);
}

/* The header of what belongs to a circuit, or a feature map, and a key. */
PPMLI_STATIC ppml_header ppmli_header_of(uint32_t kind, const ppml_params *p,
                                         uint64_t payload_bytes, const uint8_t *circuit_id,
                                         const uint8_t *key_id) {
  ppml_header h = {kind, PPML_FORMAT_VERSION, p, payload_bytes, {0}, {0}};
  memcpy(h.circuit_id, circuit_id, PPML_ID_BYTES);
  memcpy(h.key_id, key_id, PPML_ID_BYTES);
  return h;
}

PPMLI_STATIC void ppmli_out_begin(ppmli_out *out, ppml_writer *writer, const ppml_header *h) {
  uint8_t bytes[PPMLI_HEADER_BYTES] = {0}, digest[PPML_ID_BYTES];
  ppmli_out_begin_digest(out);
  out->writer = writer;
  if (h->payload_bytes > ppmli_kind_payload_limit(h->kind, &ppmli_limits))
    out->error = PPML_ERR_RANGE;
  memcpy(bytes, ppmli_magic, sizeof ppmli_magic);
  ppmli_store16(bytes + 8, PPML_FORMAT_VERSION);
  ppmli_store16(bytes + 10, h->kind);
  ppmli_store64(bytes + 16, h->payload_bytes);
  if (h->params) {
    ppmli_store32(bytes + 12, h->params->id);
    ppmli_params_digest(bytes + 24, h->params);
  }
  memcpy(bytes + 40, h->circuit_id, PPML_ID_BYTES);
  memcpy(bytes + 56, h->key_id, PPML_ID_BYTES);
  ppmli_header_digest(digest, bytes);
  memcpy(bytes + PPMLI_HEADER_HASHED_BYTES, digest, PPMLI_HEADER_BYTES - PPMLI_HEADER_HASHED_BYTES);
  ppmli_out_bytes(out, bytes, sizeof bytes);
}

/* Ends the container with its digest. */
PPMLI_STATIC int ppmli_out_end(ppmli_out *out) {
  uint8_t digest[PPML_ID_BYTES];
  ppmli_digest_final(&out->digest, digest);
  ppmli_out_bytes(out, digest, sizeof digest);
  return out->error;
}

/* -------------------------------------------------------------- reading */

/* A container being read.  The first error sticks; from then on zeros are read, so that
 * a parser may check once at the end of a run of fields. */
typedef struct ppmli_in {
  ppml_reader *reader;
  ppmli_digest digest;
  uint64_t remaining_bytes; /* of the payload */
  int error;
} ppmli_in;

/* Fills bytes, or fails with TRUNCATED or IO. */
PPMLI_STATIC int ppmli_reader_exact(ppml_reader *reader, void *bytes, size_t count) {
  size_t got = reader->read(reader, bytes, count);
  if (reader->failed) return PPML_ERR_IO;
  return got == count ? PPML_OK : PPML_ERR_TRUNCATED;
}

PPMLI_STATIC void ppmli_in_bytes(ppmli_in *in, void *bytes, size_t count) {
  if (in->error == PPML_OK && count > in->remaining_bytes) in->error = PPML_ERR_FORMAT;
  if (in->error == PPML_OK) in->error = ppmli_reader_exact(in->reader, bytes, count);
  if (in->error) {
    memset(bytes, 0, count);
    return;
  }
  in->remaining_bytes -= count;
  ppmli_digest_update(&in->digest, bytes, count);
}

PPMLI_STATIC uint32_t ppmli_in_u32(ppmli_in *in) {
  uint8_t b[4];
  ppmli_in_bytes(in, b, sizeof b);
  return ppmli_load32(b);
}

PPMLI_STATIC uint64_t ppmli_in_u64(ppmli_in *in) {
  uint8_t b[8];
  ppmli_in_bytes(in, b, sizeof b);
  return ppmli_load64(b);
}

PPMLI_STATIC void ppmli_in_i32s(ppmli_in *in, int32_t *x, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] = ppmli_torus_signed32(ppmli_in_u32(in));
}

PPMLI_STATIC int ppmli_header_params(ppml_header *h, const uint8_t *bytes) {
  static const uint8_t none[PPML_ID_BYTES] = {0};
  uint8_t digest[PPML_ID_BYTES];
  uint32_t id = ppmli_load32(bytes + 12);
  int has_no_key = h->kind <= PPML_KIND_CLIENT || h->kind == PPML_KIND_FEATURES;
  if (has_no_key && memcmp(h->key_id, none, sizeof none) != 0) return PPML_ERR_FORMAT;
  h->params = ppmli_params_by_id(id);
  if (ppmli_kind_is_free_of_set(h->kind))
    return id == 0 && memcmp(bytes + 24, none, sizeof none) == 0 ? PPML_OK : PPML_ERR_FORMAT;
  if (h->params == NULL) return PPML_ERR_PARAMS;
  ppmli_params_digest(digest, h->params);
  return memcmp(digest, bytes + 24, sizeof digest) == 0 ? PPML_OK : PPML_ERR_PARAMS;
}

PPMLI_STATIC int ppmli_header_parse(ppml_header *h, const uint8_t *bytes,
                                    const ppml_limits *limits) {
  uint8_t digest[PPML_ID_BYTES];
  if (memcmp(bytes, ppmli_magic, sizeof ppmli_magic) != 0) return PPML_ERR_FORMAT;
  ppmli_header_digest(digest, bytes);
  h->version = ppmli_load16(bytes + 8);
  h->kind = ppmli_load16(bytes + 10);
  h->payload_bytes = ppmli_load64(bytes + 16);
  memcpy(h->circuit_id, bytes + 40, PPML_ID_BYTES);
  memcpy(h->key_id, bytes + 56, PPML_ID_BYTES);
  if (h->version != PPML_FORMAT_VERSION) return PPML_ERR_VERSION;
  if (memcmp(digest, bytes + PPMLI_HEADER_HASHED_BYTES,
             PPMLI_HEADER_BYTES - PPMLI_HEADER_HASHED_BYTES) != 0)
    return PPML_ERR_CHECKSUM;
  if (!ppmli_kind_is_known(h->kind)) return PPML_ERR_FORMAT;
  if (h->payload_bytes > ppmli_kind_payload_limit(h->kind, limits)) return PPML_ERR_RANGE;
  return ppmli_header_params(h, bytes);
}

/* Reads and checks a header.  Errors: the input bytes', PARAMS (a set this build does
 * not have). */
PPMLI_STATIC int ppmli_in_begin(ppmli_in *in, ppml_header *h, ppml_reader *reader,
                                const ppml_limits *limits) {
  uint8_t bytes[PPMLI_HEADER_BYTES];
  memset(h, 0, sizeof *h);
  in->reader = reader;
  in->error = PPML_OK;
  ppmli_digest_init(&in->digest);
  PPMLI_TRY(ppmli_reader_exact(reader, bytes, sizeof bytes));
  PPMLI_TRY(ppmli_header_parse(h, bytes, limits));
  ppmli_digest_update(&in->digest, bytes, sizeof bytes);
  in->remaining_bytes = h->payload_bytes;
  return PPML_OK;
}

/* The same for a container that must be of one kind. */
PPMLI_STATIC int ppmli_in_begin_kind(ppmli_in *in, ppml_header *h, uint32_t kind,
                                     ppml_reader *reader, const ppml_limits *limits) {
  PPMLI_TRY(ppmli_in_begin(in, h, reader, limits));
  return h->kind == kind ? PPML_OK : PPML_ERR_KIND;
}

/* Ends a container: all of its payload was read, the digest fits, nothing follows. */
PPMLI_STATIC int ppmli_in_end(ppmli_in *in) {
  uint8_t computed[PPML_ID_BYTES], stored[PPML_ID_BYTES], extra;
  if (in->error) return in->error;
  if (in->remaining_bytes) return PPML_ERR_FORMAT;
  ppmli_digest_final(&in->digest, computed);
  PPMLI_TRY(ppmli_reader_exact(in->reader, stored, sizeof stored));
  if (memcmp(computed, stored, sizeof computed) != 0) return PPML_ERR_CHECKSUM;
  if (in->reader->read(in->reader, &extra, 1) != 0) return PPML_ERR_TRAILING;
  return in->reader->failed ? PPML_ERR_IO : PPML_OK;
}

/* Reads a container through without looking at what its payload means. */
PPMLI_STATIC int ppmli_container_check(ppml_header *h, ppml_reader *reader,
                                       const ppml_limits *limits) {
  ppmli_in in;
  uint8_t bytes[256];
  PPMLI_TRY(ppmli_in_begin(&in, h, reader, limits));
  while (in.remaining_bytes && in.error == PPML_OK)
    ppmli_in_bytes(&in, bytes,
                   in.remaining_bytes < sizeof bytes ? (size_t)in.remaining_bytes : sizeof bytes);
  return ppmli_in_end(&in);
}

#endif
