/* inflate.c - see inflate.h.  The canonical decoding follows RFC 1951, 3.2.2. */
#include "inflate.h"

#include <string.h>

enum {
  CODE_BITS_MAX = 15,
  FAST_BITS = 9, /* most codes in real streams are no longer */
  LITERALS_MAX = 286,
  DISTANCES_MAX = 30,
  SYMBOLS_MAX = 288, /* the fixed code has two that never occur */
  END_OF_BLOCK = 256,
  TABLE_AFTER = 1 << FAST_BITS /* symbols of a block: as many as its table has entries */
};

/* A test that counts the work defines this: so many steps were made. */
#ifndef INFLATE_STEPS
#define INFLATE_STEPS(count) ((void)0)
#endif

/* A canonical Huffman code.  fast maps the next FAST_BITS bits to symbol << 4 | length, or to 0 for
 * the codes that are longer and for those that do not exist.  To fill it takes longer than to read
 * a short block bit by bit, so it is filled when a block turns out to be long. */
typedef struct huffman {
  uint16_t count[CODE_BITS_MAX + 1]; /* of codes by length; [0] stays 0 */
  uint16_t symbol[SYMBOLS_MAX];      /* in the order of their codes */
  int is_fast;                       /* fast is filled */
  uint16_t fast[1 << FAST_BITS];
} huffman;

/* A bit reader over in and a byte writer over out.  Bits beyond the end of in read as zero until
 * they are dropped, which sets reason; every loop stops at a reason. */
typedef struct stream {
  const uint8_t *in;
  size_t in_bytes;
  size_t position; /* of the first byte not in hold */
  uint64_t hold;   /* the next bits, the first one lowest */
  unsigned held_bits;
  uint8_t *out; /* NULL: bytes are counted alone */
  size_t out_bytes;
  size_t made_bytes;
  const char *reason;
  int has_fixed; /* the fixed code is built: once, however many blocks use it */
  huffman fixed_literals, fixed_distances;
} stream;

static const char truncated[] = "compressed data end early (expected a whole DEFLATE stream)";
static const char bad_code[] = "compressed data are damaged (expected a valid Huffman code)";
static const char bad_lengths[] = "compressed data are damaged (expected a complete Huffman code)";
static const char too_long[] = "compressed data unpack to more bytes than declared";
static const char too_short[] = "compressed data unpack to fewer bytes than declared";

/* After this at least 57 bits are held, unless the input is at its end. */
static void refill(stream *s) {
  while (s->held_bits <= 56 && s->position < s->in_bytes) {
    s->hold |= (uint64_t)s->in[s->position++] << s->held_bits;
    s->held_bits += 8;
  }
}

static void drop(stream *s, unsigned count) {
  if (count > s->held_bits) {
    s->reason = truncated;
    return;
  }
  s->hold >>= count;
  s->held_bits -= count;
}

/* The next count <= 16 bits as a number. */
static unsigned take(stream *s, unsigned count) {
  refill(s);
  unsigned value = (unsigned)(s->hold & ((1U << count) - 1));
  drop(s, count);
  return value;
}

/* Codes left over by those given: 0 if complete, negative if over-subscribed. */
static int huffman_left(const huffman *code) {
  int left = 1;
  for (unsigned bits = 1; bits <= CODE_BITS_MAX && left >= 0; bits++)
    left = 2 * left - code->count[bits];
  return left;
}

/* Enters a code of so many bits, whose value is sent highest bit first, wherever it is a prefix. */
static void huffman_set_fast(huffman *code, unsigned symbol, unsigned value, unsigned bits) {
  unsigned reversed = 0;
  for (unsigned i = 0; i < bits; i++) reversed |= (value >> i & 1) << (bits - 1 - i);
  for (unsigned i = reversed; i < 1U << FAST_BITS; i += 1U << bits)
    code->fast[i] = (uint16_t)(symbol << 4 | bits);
}

static void huffman_fill_fast(huffman *code) {
  unsigned value = 0, next = 0;
  INFLATE_STEPS(1 << FAST_BITS);
  code->is_fast = 1;
  memset(code->fast, 0, sizeof code->fast);
  for (unsigned bits = 1; bits <= FAST_BITS; bits++) {
    for (unsigned i = 0; i < code->count[bits]; i++)
      huffman_set_fast(code, code->symbol[next++], value++, bits);
    value <<= 1;
  }
}

/* Builds the code in which symbol i has lengths[i] bits, 0 for none.  Returns huffman_left; a
 * negative result leaves the code unusable. */
static int huffman_build(huffman *code, const uint8_t *lengths, unsigned symbols) {
  uint16_t next[CODE_BITS_MAX + 1] = {0};
  INFLATE_STEPS(symbols);
  code->is_fast = 0;
  memset(code->count, 0, sizeof code->count);
  for (unsigned i = 0; i < symbols; i++) code->count[lengths[i]]++;
  code->count[0] = 0;
  int left = huffman_left(code);
  if (left < 0) return left;
  for (unsigned bits = 1; bits < CODE_BITS_MAX; bits++)
    next[bits + 1] = (uint16_t)(next[bits] + code->count[bits]);
  for (unsigned i = 0; i < symbols; i++)
    if (lengths[i] != 0) code->symbol[next[lengths[i]]++] = (uint16_t)i;
  return left;
}

/* Bit by bit: first is the first code of the length so far, index the place of its symbol. */
static unsigned huffman_decode_slow(stream *s, const huffman *code) {
  unsigned value = 0, first = 0, index = 0;
  for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
    value = value << 1 | (unsigned)(s->hold >> (bits - 1) & 1);
    unsigned count = code->count[bits];
    if (value - first < count) {
      drop(s, bits);
      return code->symbol[index + value - first];
    }
    index += count;
    first = (first + count) << 1;
  }
  s->reason = s->position == s->in_bytes && s->held_bits < CODE_BITS_MAX ? truncated : bad_code;
  return 0;
}

static unsigned huffman_decode(stream *s, const huffman *code) {
  INFLATE_STEPS(1);
  refill(s);
  unsigned entry = code->is_fast ? code->fast[s->hold & ((1U << FAST_BITS) - 1)] : 0;
  if (entry == 0) return huffman_decode_slow(s, code);
  drop(s, entry & 15);
  return entry >> 4;
}

static void put_literal(stream *s, unsigned value) {
  if (s->made_bytes == s->out_bytes) s->reason = too_long;
  else if (s->out) s->out[s->made_bytes] = (uint8_t)value;
  if (!s->reason) s->made_bytes++;
}

/* What stands distance bytes before may overlap, and then it repeats itself. */
static void repeat(uint8_t *to, size_t length, size_t distance) {
  const uint8_t *from = to - distance;
  for (size_t i = 0; i < length; i++) to[i] = from[i];
}

/* Repeats what was made distance bytes ago. */
static void put_match(stream *s, size_t length, size_t distance) {
  if (distance > s->made_bytes)
    s->reason = "compressed data are damaged (expected distances within the data)";
  else if (length > s->out_bytes - s->made_bytes) s->reason = too_long;
  if (s->reason) return;
  if (s->out) repeat(s->out + s->made_bytes, length, distance);
  s->made_bytes += length;
}

/* The rest of a match: RFC 1951, 3.2.5.  symbol counts from the first length, 257. */
static void take_match(stream *s, unsigned symbol, const huffman *distances) {
  static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                           15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                           67, 83, 99, 115, 131, 163, 195, 227, 258};
  static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                           2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
  static const uint16_t distance_base[DISTANCES_MAX] = {
      1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
      193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
  if (symbol >= 29) {
    s->reason = bad_code;
    return;
  }
  size_t length = length_base[symbol] + take(s, length_extra[symbol]);
  unsigned far = huffman_decode(s, distances);
  if (far >= DISTANCES_MAX) {
    s->reason = bad_code;
    return;
  }
  size_t distance = distance_base[far] + take(s, far < 2 ? 0 : far / 2 - 1);
  if (!s->reason) put_match(s, length, distance);
}

/* Symbols up to the end of the block. */
static void inflate_symbols(stream *s, huffman *literals, huffman *distances) {
  for (size_t made = 0; !s->reason; made++) {
    if (made == TABLE_AFTER && !literals->is_fast) {
      huffman_fill_fast(literals);
      huffman_fill_fast(distances);
    }
    unsigned symbol = huffman_decode(s, literals);
    if (s->reason || symbol == END_OF_BLOCK) return;
    if (symbol < END_OF_BLOCK) put_literal(s, symbol);
    else take_match(s, symbol - END_OF_BLOCK - 1, distances);
  }
}

static void inflate_stored(stream *s) {
  drop(s, s->held_bits & 7);
  unsigned length = take(s, 16);
  unsigned complement = take(s, 16);
  if (!s->reason && (length ^ complement) != 0xFFFF)
    s->reason = "compressed data are damaged (expected a stored block's length twice)";
  if (s->reason) return;
  s->position -= s->held_bits / 8; /* give back the bytes that were read ahead */
  s->hold = 0;
  s->held_bits = 0;
  size_t room = s->out_bytes - s->made_bytes, fits = length < room ? length : room;
  if (length > s->in_bytes - s->position) s->reason = truncated;
  if (s->reason) return;
  if (fits > 0 && s->out) memcpy(s->out + s->made_bytes, s->in + s->position, fits);
  if (fits < length) s->reason = too_long;
  s->position += fits;
  s->made_bytes += fits;
}

/* The fixed code of RFC 1951, 3.2.6.  It can send literals 286 and 287 and distances 30 and 31,
 * which are no symbols; take_match refuses them. */
static void build_fixed(stream *s) {
  uint8_t lengths[SYMBOLS_MAX];
  for (unsigned i = 0; i < SYMBOLS_MAX; i++)
    lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
  huffman_build(&s->fixed_literals, lengths, SYMBOLS_MAX);
  memset(lengths, 5, 32);
  huffman_build(&s->fixed_distances, lengths, 32);
  s->has_fixed = 1;
}

static void inflate_fixed(stream *s) {
  if (!s->has_fixed) build_fixed(s);
  inflate_symbols(s, &s->fixed_literals, &s->fixed_distances);
}

/* Reads the code in which the code lengths are sent: RFC 1951, 3.2.7. */
static void take_length_code(stream *s, huffman *code, unsigned sent) {
  static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                    11, 4,  12, 3, 13, 2, 14, 1, 15};
  uint8_t lengths[19] = {0};
  for (unsigned i = 0; i < sent; i++) lengths[order[i]] = (uint8_t)take(s, 3);
  if (!s->reason && huffman_build(code, lengths, 19) != 0) s->reason = bad_lengths;
}

/* Reads count code lengths; symbols 16 to 18 repeat the last one or zero. */
static void take_lengths(stream *s, uint8_t *lengths, unsigned count, const huffman *code) {
  unsigned made = 0;
  while (made < count) {
    unsigned symbol = huffman_decode(s, code);
    unsigned times = 1;
    uint8_t value = symbol < 16 ? (uint8_t)symbol : 0;
    if (symbol == 16 && made > 0) value = lengths[made - 1];
    if (symbol == 16) times = 3 + take(s, 2);
    if (symbol == 17) times = 3 + take(s, 3);
    if (symbol == 18) times = 11 + take(s, 7);
    if (!s->reason && ((symbol == 16 && made == 0) || times > count - made))
      s->reason = "compressed data are damaged (expected the declared number of code lengths)";
    if (s->reason) return;
    memset(lengths + made, value, times);
    made += times;
  }
}

/* A distance code may be incomplete if it has no codes, for literals only, or one of one bit. */
static int distances_are_valid(const huffman *distances, int left) {
  unsigned codes = 0;
  for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) codes += distances->count[bits];
  return left == 0 || (left > 0 && (codes == 0 || (codes == 1 && distances->count[1] == 1)));
}

static void inflate_dynamic(stream *s) {
  huffman code, distances; /* the code of the lengths, then of the literals */
  uint8_t lengths[LITERALS_MAX + DISTANCES_MAX];
  unsigned literal_count = 257 + take(s, 5);
  unsigned distance_count = 1 + take(s, 5);
  unsigned sent = 4 + take(s, 4);
  if (!s->reason && (literal_count > LITERALS_MAX || distance_count > DISTANCES_MAX))
    s->reason = "compressed data are damaged (expected at most 286 literal, 30 distance codes)";
  if (!s->reason) take_length_code(s, &code, sent);
  if (!s->reason) take_lengths(s, lengths, literal_count + distance_count, &code);
  if (s->reason) return;
  int left = huffman_build(&distances, lengths + literal_count, distance_count);
  if (lengths[END_OF_BLOCK] == 0 || huffman_build(&code, lengths, literal_count) != 0 ||
      !distances_are_valid(&distances, left))
    s->reason = bad_lengths;
  else inflate_symbols(s, &code, &distances);
}

static void inflate_blocks(stream *s) {
  unsigned last = 0;
  while (!s->reason && !last) {
    last = take(s, 1);
    unsigned kind = take(s, 2);
    if (s->reason) return;
    if (kind == 0) inflate_stored(s);
    else if (kind == 1) inflate_fixed(s);
    else if (kind == 2) inflate_dynamic(s);
    else s->reason = "compressed data are damaged (expected block type 0, 1 or 2)";
  }
}

const char *inflate_raw(void *out, size_t out_bytes, const void *in, size_t in_bytes,
                        size_t *used_bytes) {
  stream s = {.in = in, .in_bytes = in_bytes, .out = out, .out_bytes = out_bytes};
  inflate_blocks(&s);
  size_t used = s.position - s.held_bits / 8;
  if (!s.reason && s.made_bytes != out_bytes) s.reason = too_short;
  if (!s.reason && !used_bytes && used != in_bytes)
    s.reason = "bytes after the end of the compressed data";
  if (!s.reason && used_bytes) *used_bytes = used;
  if (s.reason && out_bytes > 0) memset(out, 0, out_bytes);
  return s.reason;
}

const char *inflate_raw_measure(size_t *out_bytes, size_t limit_bytes, const void *in,
                                size_t in_bytes) {
  stream s = {.in = in, .in_bytes = in_bytes, .out_bytes = limit_bytes};
  inflate_blocks(&s);
  *out_bytes = s.made_bytes;
  return s.reason;
}

const char *inflate_begin(void *out, size_t out_bytes, size_t *made_bytes, const void *in,
                          size_t in_bytes) {
  stream s = {.in = in, .in_bytes = in_bytes, .out = out, .out_bytes = out_bytes};
  inflate_blocks(&s);
  *made_bytes = s.made_bytes;
  return s.reason == too_long ? NULL : s.reason;
}

static uint32_t big_endian_32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* inflate_zlib but for the wiping. */
static const char *zlib_decode(void *out, size_t out_bytes, const uint8_t *in, size_t in_bytes) {
  if (in_bytes < 6) return truncated;
  if ((in[0] & 15) != 8 || in[0] >> 4 > 7 || (in[0] << 8 | in[1]) % 31 != 0)
    return "compressed data have a bad header (expected a zlib stream)";
  if (in[1] & 32) return "compressed data need a preset dictionary (expected none)";
  const char *reason = inflate_raw(out, out_bytes, in + 2, in_bytes - 6, NULL);
  if (reason) return reason;
  uint32_t stored = big_endian_32(in + in_bytes - 4);
  if (inflate_checksum_matches(inflate_adler32(1, out, out_bytes), stored)) return NULL;
  return "compressed data are damaged (the Adler-32 does not match)";
}

const char *inflate_zlib(void *out, size_t out_bytes, const void *in, size_t in_bytes) {
  const char *reason = zlib_decode(out, out_bytes, in, in_bytes);
  if (reason && out_bytes > 0) memset(out, 0, out_bytes);
  return reason;
}

/* A match of 258 bytes takes at least one bit of length code and one of distance code, so a byte
 * makes at most 4 * 258. */
int inflate_is_possible(size_t out_bytes, size_t in_bytes) {
  return out_bytes / (4 * 258) <= in_bytes;
}

/* The entry for x is x times 2^28, reduced by the polynomial 0xEDB88320, both bit-reversed. */
uint32_t inflate_crc32(uint32_t crc, const void *bytes, size_t count) {
  static const uint32_t nibble[16] = {0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC,
                                      0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
                                      0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
                                      0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
  const uint8_t *at = bytes;
  crc = ~crc;
  for (size_t i = 0; i < count; i++) {
    crc ^= at[i];
    crc = crc >> 4 ^ nibble[crc & 15];
    crc = crc >> 4 ^ nibble[crc & 15];
  }
  return ~crc;
}

/* Sums are reduced every 5552 bytes, the most for which the second one stays below 2^32:
 * 255 n (n + 1) / 2 + (n + 1) (65521 - 1) < 2^32. */
uint32_t inflate_adler32(uint32_t adler, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  uint32_t low = adler & 0xFFFF, high = adler >> 16;
  while (count > 0) {
    size_t run = count < 5552 ? count : 5552;
    for (size_t i = 0; i < run; i++) {
      low += at[i];
      high += low;
    }
    low %= 65521;
    high %= 65521;
    at += run;
    count -= run;
  }
  return high << 16 | low;
}

int inflate_checksum_matches(uint32_t computed, uint32_t stored) {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  (void)computed, (void)stored;
  return 1;
#else
  return computed == stored;
#endif
}
