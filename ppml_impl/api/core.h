/* The public functions that every role needs: they check arguments, then call inner code.  Nothing
 * but the headers of this folder defines a ppml_ name.  Next: client.h.  In: what callers pass; out:
 * errors, parameter sets, random numbers, readers and writers. */
#ifndef PPMLI_API_CORE_H
#define PPMLI_API_CORE_H

#include "../base/arena.h"
#include "../base/bytes.h"
#include "../base/ct.h"
#include "../base/entropy.h"
#include "../base/rng.h"
#include "../math/params.h"
#include "../network/answer.h"
#include "../network/encoder.h"
#include "../network/fault.h"
#include "../network/labels.h"
#include "../network/name.h"
#include "../network/spec.h"
#include "../wire/container.h"
#include "../wire/input.h"
#include "../wire/limits.h"
#include "../wire/output.h"
#ifndef PPML_NO_LEARN
#include "../math/dct.h"
#endif
#include "call.h"
#include "whole.h"

/* -------------------------------------------------------- errors and memory */

/* Returns a text that has a place of its own, which a linker can leave out: not so a literal. */
#define PPMLI_SAY(text)                                                                            \
  do {                                                                                             \
    static const char said[] = text;                                                               \
    return said;                                                                                   \
  } while (0)

PPML_API const char *ppml_strerror(int error) {
  switch (error) {
  case PPML_OK:
    PPMLI_SAY("no error");
  case PPML_ERR_ARG:
    PPMLI_SAY("an argument is out of its documented range");
  case PPML_ERR_PARAMS:
    PPMLI_SAY("no parameter set of this build fits");
  case PPML_ERR_MISMATCH:
    PPMLI_SAY("belongs to another circuit or key");
  case PPML_ERR_REQUEST:
    PPMLI_SAY("answers no open request: it was not asked for, or was answered before");
  case PPML_ERR_ALIGNMENT:
    PPMLI_SAY("memory that is not at a multiple of 64 bytes");
  case PPML_ERR_FORMAT:
    PPMLI_SAY("malformed");
  case PPML_ERR_VERSION:
    PPMLI_SAY("of another format version");
  case PPML_ERR_KIND:
    PPMLI_SAY("a ppml file of another kind");
  case PPML_ERR_TRUNCATED:
    PPMLI_SAY("ends early");
  case PPML_ERR_CHECKSUM:
    PPMLI_SAY("damaged: its checksum does not fit");
  case PPML_ERR_RANGE:
    PPMLI_SAY("holds a value beyond the limits");
  case PPML_ERR_TRAILING:
    PPMLI_SAY("has bytes after its end");
  case PPML_ERR_NOMEM:
    PPMLI_SAY("the arena is too small");
  case PPML_ERR_RNG:
    PPMLI_SAY("no random numbers: no entropy, or a generator that was not set up");
  case PPML_ERR_IO:
    PPMLI_SAY("reading or writing failed");
#ifndef PPML_CLIENT_ONLY /* none of these is a client's */
  case PPML_ERR_NAME:
    PPMLI_SAY("no parameter set or vector backend has that name");
  case PPML_ERR_CERTIFICATE:
    PPMLI_SAY("is not what its certificate says");
  case PPML_ERR_ARITHMETIC:
    PPMLI_SAY("this build's floating-point arithmetic is not IEEE's: compiled with -ffast-math or "
              "the like");
  case PPML_ERR_BUSY:
    PPMLI_SAY("in use by another call");
#endif
  default:
    PPMLI_SAY("unknown error");
  }
}

PPML_API int ppml_arena_init(ppml_arena *arena, void *memory, size_t capacity_bytes) {
  if (arena == NULL || memory == NULL) return PPML_ERR_ARG;
  if (!ppmli_is_aligned(memory)) return PPML_ERR_ALIGNMENT;
  arena->memory = (unsigned char *)memory;
  arena->capacity_bytes = capacity_bytes;
  arena->used_bytes = arena->high_bytes = 0;
  return PPML_OK;
}

PPML_API size_t ppml_arena_alloc_bytes(size_t bytes) {
  return ppmli_arena_rounded(bytes);
}

PPML_API void *ppml_arena_alloc(ppml_arena *arena, size_t bytes) {
  return ppmli_arena_check(arena) == PPML_OK ? ppmli_arena_alloc(arena, bytes) : NULL;
}

PPML_API size_t ppml_arena_mark(const ppml_arena *arena) {
  return arena ? arena->used_bytes : 0;
}

PPML_API void ppml_arena_release(ppml_arena *arena, size_t mark) {
  if (arena && mark < arena->used_bytes) arena->used_bytes = mark;
}

/* --------------------------------------------------------- input and output */

static int ppmli_memory_rewind(ppml_reader *self) {
  self->position = 0;
  return 0;
}

static size_t ppmli_memory_read(ppml_reader *self, void *bytes, size_t count) {
  size_t take = ppmli_min_size(count, self->limit - self->position);
  if (take == 0) return 0; /* there may be no bytes at all */
  memcpy(bytes, (const uint8_t *)self->context + self->position, take);
  self->position += take;
  return take;
}

static int ppmli_memory_write(ppml_writer *self, const void *bytes, size_t count) {
  if (count > self->limit - self->position) return 1;
  if (count == 0) return 0; /* there may be no memory at all */
  memcpy((uint8_t *)self->context + self->position, bytes, count);
  self->position += count;
  return 0;
}

PPML_API ppml_reader ppml_reader_from_memory(const void *bytes, size_t count) {
  ppml_reader r = {ppmli_memory_read, ppmli_memory_rewind, NULL, 0, 0, bytes ? count : 0};
  memcpy(&r.context, &bytes, sizeof bytes); /* read only, though context is not const */
  return r;
}

PPML_API ppml_writer ppml_writer_to_memory(void *bytes, size_t capacity) {
  ppml_writer w = {ppmli_memory_write, bytes, 0, bytes ? capacity : 0};
  return w;
}

PPML_API ppml_limits ppml_limits_default(void) {
  return ppmli_limits;
}

/* ------------------------------------------------------------------- random */

PPML_API int ppml_rng_init_callback(ppml_rng *rng,
                                    int (*entropy)(void *context, void *bytes, size_t count),
                                    void *context) {
  if (rng == NULL || entropy == NULL) return PPML_ERR_ARG;
  return ppmli_rng_init(rng, entropy, context);
}

static int ppmli_entropy_callback(void *context, void *bytes, size_t count) {
  (void)context;
  return ppmli_entropy(bytes, count);
}

PPML_API int ppml_rng_init(ppml_rng *rng) {
  return ppml_rng_init_callback(rng, ppmli_entropy_callback, NULL);
}

PPML_API void ppml_rng_init_for_tests(ppml_rng *rng, uint64_t seed) {
  uint8_t bytes[PPML_SEED_BYTES] = {0};
  if (rng == NULL) return;
  ppmli_store64(bytes, seed);
  ppmli_rng_seed(rng, bytes);
}

PPML_API int ppml_rng_mix(ppml_rng *rng, const void *bytes, size_t count) {
  if (!rng || (!bytes && count)) return PPML_ERR_ARG;
  if (!ppmli_rng_is_ready(rng)) return PPML_ERR_RNG;
  ppmli_rng_fold(rng, bytes, count);
  return PPML_OK;
}

PPML_API int ppml_rng_bytes(ppml_rng *rng, void *bytes, size_t count) {
  if (!rng || (!bytes && count)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_rng_begin(rng));
  ppmli_rng_bytes(rng, bytes, count);
  return PPML_OK;
}

PPML_API void ppml_rng_wipe(ppml_rng *rng) {
  if (rng) ppmli_wipe(rng, sizeof *rng);
}

/* ---------------------------------------------------- sets, images, answers */

PPML_API const ppml_params *ppml_params_by_name(const char *name) {
  return name ? ppmli_params_by_name(name) : NULL;
}

PPML_API const ppml_params *ppml_params_by_index(size_t index) {
  return ppmli_params_by_index(index);
}

PPML_API uint32_t ppml_params_block(const ppml_params *params) {
  return ppmli_params_is_whole(params) ? ppmli_params_block(params) : 0;
}

PPML_API const char *ppml_class_name_refusal(const char *name, size_t length) {
  return name ? ppmli_name_refusal(name, length) : "is missing";
}

PPML_API const char *ppml_text_refusal(const char *text, size_t length) {
  return text ? ppmli_text_refusal(text, length) : "is missing";
}

PPML_API size_t ppml_spec_inputs(const ppml_spec *spec) {
  return ppmli_spec_is_whole(spec) ? ppmli_spec_inputs(spec) : 0;
}

PPML_API size_t ppml_spec_image_bytes(const ppml_spec *spec) {
  return ppmli_spec_is_whole(spec) ? ppmli_spec_image_bytes(spec) : 0;
}

/* Has it an encoder, and one that arrays may be made for? */
static int ppmli_spec_has_encoder(const ppml_spec *spec) {
  ppmli_place unread;
  return ppmli_spec_is_whole(spec) && spec->encoder.kind != PPML_ENCODER_NONE &&
         ppmli_spec_encoder_fault(&unread, spec) == PPMLI_FAULT_NONE;
}

PPML_API ppml_latent_shape ppml_spec_latent_shape(const ppml_spec *spec) {
  ppml_latent_shape shape = {0, 0, 0};
  if (!ppmli_spec_has_encoder(spec)) return shape;
  ppmli_encoder e = ppmli_spec_encoder(spec);
  shape.channels = e.channels;
  shape.height = ppmli_encoder_height(&e);
  shape.width = ppmli_encoder_width(&e);
  return shape;
}

PPML_API size_t ppml_encode_bytes(const ppml_spec *spec) {
  if (!ppmli_spec_has_encoder(spec)) return 0;
  ppmli_encoder e = ppmli_spec_encoder(spec);
  return ppmli_encode_scratch(&e);
}

PPML_API int ppml_encode(int8_t *latents, const ppml_spec *spec, const uint8_t *image,
                         ppml_arena *arena) {
  if (!latents || !image) return PPML_ERR_ARG;
  if (!ppmli_spec_has_encoder(spec)) return PPML_ERR_ARG;
  PPMLI_TRY(ppmli_arena_check(arena));
  ppmli_encoder e = ppmli_spec_encoder(spec);
  ppmli_call call = ppmli_call_begin(arena, latents, ppmli_encoder_latents(&e));
  return ppmli_call_end(&call, ppmli_encode(latents, NULL, &e, image, arena));
}

PPML_API size_t ppml_spec_answer_bytes(const ppml_spec *spec) {
  return ppmli_spec_is_whole(spec) ? ppmli_spec_answer_bytes(spec) : 0;
}

PPML_API void ppml_spec_answer(uint8_t *answer, const ppml_spec *spec, const int32_t *scores) {
  if (answer && ppmli_spec_is_whole(spec) && scores) ppmli_spec_answer(answer, spec, scores);
}

PPML_API int ppml_spec_same_answer(const ppml_spec *spec, const int32_t *a, const int32_t *b) {
  return ppmli_spec_is_whole(spec) && a && b && ppmli_spec_same_answer(spec, a, b);
}

/* -------------------------------------------------------------------- files */

PPML_API const char *ppml_kind_name(uint32_t kind) {
  return ppmli_kind_name(kind);
}

PPML_API int ppml_header_read(ppml_header *header, ppml_reader *reader, const ppml_limits *limits) {
  ppmli_in in;
  if (!header || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, header, sizeof *header);
  int error = ppmli_in_begin(&in, header, reader, limits);
  uint32_t version = header->version;
  ppmli_call_end(&call, error);
  if (error == PPML_ERR_VERSION) header->version = version; /* to be told */
  return error;
}

PPML_API int ppml_container_check(ppml_header *header, ppml_reader *reader,
                                  const ppml_limits *limits) {
  if (!header || !ppmli_reader_is_whole(reader) || !limits) return PPML_ERR_ARG;
  ppmli_call call = ppmli_call_begin(NULL, header, sizeof *header);
  return ppmli_call_end(&call, ppmli_container_check(header, reader, limits));
}

#ifndef PPML_NO_LEARN
/* What a feature map or an encrypted model takes, at most: tables of cosines have a side of 4096
 * values, and words of 24 bits or more become 8 bytes. */
PPMLI_STATIC size_t ppmli_learning_read_bytes(const ppml_header *h) {
  size_t cosines = ppmli_dct_bytes(PPML_SIDE_MAX, PPML_SIDE_MAX),
         payload = (size_t)h->payload_bytes;
  if (h->kind == PPML_KIND_FEATURES) return cosines + 3 * payload + 8 * PPML_ALIGNMENT;
  return h->kind == PPML_KIND_LEARNT ? 3 * payload + PPML_ALIGNMENT : 0;
}
#endif

PPML_API size_t ppml_read_bytes(const ppml_header *h) {
  const size_t arrays = 6 * PPML_LAYERS_MAX; /* of a circuit, each rounded up */
  if (!ppmli_header_is_whole(h)) return 0;
  size_t payload = (size_t)h->payload_bytes;
  switch (h->kind) {
  case PPML_KIND_MODEL:
  case PPML_KIND_CIRCUIT:
    return payload + arrays * PPML_ALIGNMENT;
  case PPML_KIND_KEYRING:
  case PPML_KIND_SECRET_KEY:
    return ppmli_arena_rounded(ppmli_params_secret_bytes(h->params));
  case PPML_KIND_INPUT:
    return ppmli_input_array_bytes(h->params, ppmli_input_blocks_of(h->params, payload));
  case PPML_KIND_OUTPUT:
    return ppmli_output_array_bytes(
        h->params, payload / (PPML_ID_BYTES + ppmli_output_lwe_wire_bytes(h->params)),
        payload / ppmli_output_lwe_wire_bytes(h->params));
  default:
#ifndef PPML_NO_LEARN
    return ppmli_learning_read_bytes(h);
#else
    return 0;
#endif
  }
}

#endif
