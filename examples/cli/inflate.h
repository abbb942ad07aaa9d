/* inflate.h - DEFLATE (RFC 1951) and zlib (RFC 1950) streams, from memory to memory.
 *
 * No allocation, no recursion, no globals: the decoder lives on the stack (8 KiB).  Work is linear
 * in the bytes read and made, whatever the bytes are: at most 64 steps for a byte that is read (a
 * code length, a table's entry, a symbol), as tests/test_limits.c counts.
 *
 * Errors: functions return NULL when done, or else one static line of English, "what is wrong (what
 * was expected)", for a caller that prints `ppml: FILE: ` before it.  Exit status: 65. */
#ifndef INFLATE_H
#define INFLATE_H

#include <stddef.h>
#include <stdint.h>

/* Decodes one raw DEFLATE stream that makes exactly out_bytes.
 *   out         [out_bytes]; must not overlap in; wiped on an error
 *   used_bytes  bytes of in that belong to the stream; may be NULL, and then all of them must
 * Refuses truncated input, more or less output than out_bytes, distances before the start, and
 * code sets that are over-subscribed or incomplete (but for the lone one-bit distance code that
 * RFC 1951, 3.2.7 allows). */
const char *inflate_raw(void *out, size_t out_bytes, const void *in, size_t in_bytes,
                        size_t *used_bytes);

/* How many bytes one raw DEFLATE stream makes, which may have bytes behind it; refuses more than
 * limit_bytes, and what inflate_raw refuses. */
const char *inflate_raw_measure(size_t *out_bytes, size_t limit_bytes, const void *in,
                                size_t in_bytes);

/* Decodes the beginning of a raw stream: all that it makes, or more than out_bytes - 258 bytes of it.
 *   made_bytes  out */
const char *inflate_begin(void *out, size_t out_bytes, size_t *made_bytes, const void *in,
                          size_t in_bytes);

/* Decodes one whole zlib stream that makes exactly out_bytes, and checks its Adler-32.  Preset
 * dictionaries and bytes after the end are refused; out is wiped on an error. */
const char *inflate_zlib(void *out, size_t out_bytes, const void *in, size_t in_bytes);

/* Whether in_bytes of DEFLATE could make out_bytes at all: to be asked before memory is found for
 * what a file claims. */
int inflate_is_possible(size_t out_bytes, size_t in_bytes);

/* The CRC-32 of zip and PNG.  crc is 0 at first, then the last result to continue with. */
uint32_t inflate_crc32(uint32_t crc, const void *bytes, size_t count);

/* The Adler-32 of zlib.  adler is 1 at first, then the last result to continue with. */
uint32_t inflate_adler32(uint32_t adler, const void *bytes, size_t count);

/* Whether a computed checksum is the stored one.  Always true in a build for fuzzing alone
 * (FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION), where mutations have to get past it. */
int inflate_checksum_matches(uint32_t computed, uint32_t stored);

#endif
