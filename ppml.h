/* ppml.h - encrypted neural-network inference in one C header.
 *
 * A client encrypts an image under a compact variant of TFHE, a server runs a
 * quantized fully connected network on the ciphertext, the client decrypts the
 * class.  The server never sees the image; the client never sees the weights.
 *
 * Use:      #include "ppml.h" wherever the API is needed, and in exactly one
 *           translation unit
 *
 *               #define PPML_IMPLEMENTATION
 *               #include "ppml.h"
 *
 * Example:  examples/minimal.c, from key generation to the class; examples/client.c,
 *           a client alone.
 *
 * Parts:    core, what all roles need | client, keys, encryption and decryption |
 *           server, inference | planning, from a network to a circuit |
 *           training | learning from encrypted images.  Each of the last four can be
 *           left out.
 *
 * Options, defined before the implementation is included:
 *   PPML_API            linkage of the public functions (default: extern);
 *                       static: every unit has an implementation of its own
 *   PPML_ENTROPY        name of  int f(void *bytes, size_t count)  that fills
 *                       bytes with entropy and returns 0, with C linkage;
 *                       needed where there is neither getrandom nor
 *                       /dev/urandom.  On a board it reads the random number
 *                       generator; see also ppml_rng_mix
 *   PPML_NO_SERVER      leave out what a server does
 *   PPML_NO_PLAN        leave out planning: compilation, certificates, simulation
 *   PPML_NO_TRAIN       leave out training and ppml_quantize
 *   PPML_CLIENT_ONLY    all three: a client makes keys, encrypts and decrypts
 *   PPML_NO_LEARN       leave out learning from encrypted images, which needs client,
 *                       server and planning, and is left out where one of these is
 *   PPML_NO_LEVELED     leave out the sets that have no bootstrap, leveled, pooled and
 *                       linear, and what they need
 *   PPML_PARAMS_ONLY    id of a set, 1 for fast say (ppml info tells it): leave out all
 *                       others
 *   PPML_LINEAR_ONLY    leave out all sets but linear: the smallest client
 *   PPML_NO_TRANSFORM   make evaluation keys by additions, in room for two polynomials: some
 *                       fifteen times the time; with PPML_NO_LEVELED no transform is left
 *   PPML_NARROW         a client's products in words of 32 bits: where products of 64 by 64 bits are dear.
 *                       Images of sets with a bootstrap are then made in a third of the time, and in
 *                       more memory than exported sizes say: ask ppml_encrypt_to_bytes.  What
 *                       WebAssembly has
 *   PPML_SMALL          less code and stack, for microcontrollers and pages: nothing is inlined by
 *                       force, texts of what a set assumes are empty, and as PPML_CHACHA_LANES=1
 *   PPML_CHACHA_LANES   blocks of random numbers made at a time, 128 bytes of stack each (8; with
 *                       WebAssembly's SIMD128 4)
 *   PPML_CLASSES_MAX, PPML_ENCODER_WEIGHTS_MAX, PPML_LATENT_CHANNELS_MAX
 *                       smaller limits make smaller structures: files beyond them are refused.
 *                       These three and the sets that are left out must be the same in all units
 *   PPML_BACKEND_ONLY   one of PPML_BACKEND_REF, _AVX2, _AVX512, _NEON: build
 *                       that vector backend alone and choose nothing at run time
 *   PPML_ASSERT(x)      check of internal invariants (default: none)
 *
 * Conventions:
 *   - Functions that can fail return PPML_OK (0) or a negative PPML_ERR_*.
 *     On an error, outputs are unchanged or wiped (bytes that a writer took
 *     are its own) and the arena is given back.
 *   - An object that is NULL, zeroed, wiped or half set up is PPML_ERR_ARG; of
 *     it, size queries are 0, predictions zeros, names NULL.
 *   - Arguments come as: outputs, inputs, keys, rng, arena.
 *   - All memory is the caller's, handed over as a ppml_arena; what ppml_X needs
 *     of it is told exactly by ppml_X_bytes, and of the readers of files by
 *     ppml_read_bytes.  Every call that takes an arena refuses one whose memory
 *     is not aligned with PPML_ERR_ALIGNMENT.  No malloc, no mutable globals, no
 *     recursion; the calls are reentrant.
 *   - The torus is R/Z, held as a 64-bit integer t for t / 2^64 (32-bit after a
 *     key switch).  Noise is given as a standard deviation relative to 1.
 *   - CT: time and memory addresses do not depend on secrets where a comment
 *     says so; docs/DESIGN.md "Timing" has the whole list.
 *
 * Licence: MIT, see LICENSE. */
#ifndef PPML_H
#define PPML_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PPML_VERSION "0.2.0"
#define PPML_VERSION_NUMBER 200 /* 10000 major + 100 minor + patch, for #if */

#ifndef PPML_API
#define PPML_API extern
#endif

/* A client alone is what is left without the other roles, however that is asked for. */
#ifdef PPML_CLIENT_ONLY
#undef PPML_NO_SERVER
#undef PPML_NO_PLAN
#undef PPML_NO_TRAIN
#define PPML_NO_SERVER
#define PPML_NO_PLAN
#define PPML_NO_TRAIN
#elif defined(PPML_NO_SERVER) && defined(PPML_NO_PLAN) && defined(PPML_NO_TRAIN)
#define PPML_CLIENT_ONLY
#endif
#if defined(PPML_LINEAR_ONLY) && !defined(PPML_NO_LEVELED)
#define PPML_NO_LEVELED
#endif
#if (defined(PPML_NO_SERVER) || defined(PPML_NO_PLAN)) && !defined(PPML_NO_LEARN)
#define PPML_NO_LEARN
#endif

/* With -DPPML_API=static, what a unit does not call is no mistake of its own. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#endif

#if defined(__GNUC__)
#define PPML_MUST_CHECK __attribute__((warn_unused_result))
#define PPML_ALIGNED __attribute__((aligned(64)))
#else
#define PPML_MUST_CHECK
#define PPML_ALIGNED
#endif

/* Limits of the formats and of the structures below. */
#define PPML_SIDE_MAX 4096    /* of an image, in pixels */
#define PPML_INPUTS_MAX 65536 /* values of an image, where ppml_limits says nothing else */
#define PPML_NEURONS_MAX 4096 /* outputs of a layer, likewise */
#define PPML_LAYERS_MAX 8
#ifndef PPML_CLASSES_MAX
#define PPML_CLASSES_MAX 64
#endif
#define PPML_CLASS_NAME_BYTES 24
#define PPML_ID_BYTES 16
#define PPML_SEED_BYTES 32
/* Memory of the longest secret key of the sets that are built, ppml_secret_key_generate_bytes, for who
 * has room for any. */
#if defined(PPML_LINEAR_ONLY)
#define PPML_SECRET_KEY_BYTES_MAX 128
#elif defined(PPML_NO_LEVELED)
#define PPML_SECRET_KEY_BYTES_MAX 384
#else
#define PPML_SECRET_KEY_BYTES_MAX 1280 /* of a bridged set: its own, and its latents' */
#endif
#define PPML_ALIGNMENT 64     /* of every arena block, in bytes */
#define PPML_THREADS_MAX 4096 /* of a ppml_parallel, and that a size may be asked for */
#define PPML_LATENTS_MAX 4096 /* of an image: what one ciphertext holds */
#ifndef PPML_LATENT_CHANNELS_MAX
#define PPML_LATENT_CHANNELS_MAX 16
#endif
#ifndef PPML_ENCODER_WEIGHTS_MAX
#if defined(PPML_CLIENT_ONLY) && defined(PPML_NO_LEVELED)
#define PPML_ENCODER_WEIGHTS_MAX 1 /* no set that is left has an encoder */
#else
#define PPML_ENCODER_WEIGHTS_MAX 4096
#endif
#endif

/* ======================================================================== core
  What every role needs: errors, memory, reading and writing, random numbers,
 * parameter sets, what images and answers look like, the network and its layout
 * as structures, and the container that every file is. */

/* ------------------------------------------------------------------ errors */

enum {
  PPML_OK = 0,
  /* the caller's */
  PPML_ERR_ARG = -1,      /* an argument breaks the documented contract */
  PPML_ERR_PARAMS = -2,   /* no such parameter set, or it cannot carry this network */
  PPML_ERR_MISMATCH = -3, /* a key, ciphertext and circuit that do not belong together */
  PPML_ERR_REQUEST =
      -4,             /* an output that answers no open request: not asked for, or given before */
  PPML_ERR_NAME = -5, /* no parameter set or vector backend has the name that was given */
  PPML_ERR_ALIGNMENT = -6, /* memory that does not begin at a multiple of PPML_ALIGNMENT */
  /* the input bytes' */
  PPML_ERR_FORMAT = -10,      /* not a ppml container, or malformed */
  PPML_ERR_VERSION = -11,     /* a container of another format version */
  PPML_ERR_KIND = -12,        /* a container of another kind */
  PPML_ERR_TRUNCATED = -13,   /* ends early */
  PPML_ERR_CHECKSUM = -14,    /* damaged */
  PPML_ERR_RANGE = -15,       /* a value beyond the reader's limits */
  PPML_ERR_TRAILING = -16,    /* bytes after the end */
  PPML_ERR_CERTIFICATE = -17, /* a circuit that is not what its certificate says */
  /* the machine's */
  PPML_ERR_NOMEM = -20,      /* the arena is too small */
  PPML_ERR_RNG = -21,        /* no entropy, or a generator that was not set up */
  PPML_ERR_IO = -22,         /* a reader's or writer's callback failed */
  PPML_ERR_ARITHMETIC = -23, /* this build's floating-point arithmetic is not IEEE's: compiled
                                with -ffast-math or the like */
  PPML_ERR_BUSY = -24 /* in use by another call: a streamed key, which serves one at a time */
};

/* One line of English for an error; never NULL. */
PPML_API const char *ppml_strerror(int error);

/* ------------------------------------------------------------------ memory */

/* A block of the caller's memory, handed out from the bottom. */
typedef struct ppml_arena {
  unsigned char *memory; /* aligned to PPML_ALIGNMENT */
  size_t capacity_bytes;
  size_t used_bytes;
  size_t high_bytes; /* the most that was ever used */
} ppml_arena;

/* Takes over memory.  Memory that is not aligned is refused rather than padded, so that the size
 * queries stay exact.  Errors: ARG (NULL), ALIGNMENT. */
PPML_API int ppml_arena_init(ppml_arena *arena, void *memory,
                             size_t capacity_bytes) PPML_MUST_CHECK;

/* A block of the arena, aligned to PPML_ALIGNMENT; NULL where it is full, or not whole.
 * Memory: ppml_arena_alloc_bytes, which rounds up to the alignment; SIZE_MAX for what no arena has. */
PPML_API size_t ppml_arena_alloc_bytes(size_t bytes);
PPML_API void *ppml_arena_alloc(ppml_arena *arena, size_t bytes);

/* Mark and release are LIFO: everything allocated since the mark is given back.  A mark that is
 * not of this arena's use, above what is used, is ignored.
 * Released memory is not wiped; code that held secrets in it has done so. */
PPML_API size_t ppml_arena_mark(const ppml_arena *arena);
PPML_API void ppml_arena_release(ppml_arena *arena, size_t mark);

/* ------------------------------------------------------ input and output */

/* Where a parser reads from: read() stores up to count bytes and returns how
 * many; fewer than count means the end, or a failure, which makes failed nonzero. */
typedef struct ppml_reader {
  size_t (*read)(struct ppml_reader *self, void *bytes, size_t count);
  int (*rewind)(struct ppml_reader *self); /* back to the start, 0 if done; NULL: cannot */
  void *context;
  int failed;
  size_t position; /* used by ppml_reader_from_memory */
  size_t limit;    /* likewise */
} ppml_reader;

/* Where a serializer writes to: write() returns 0, or nonzero on failure. */
typedef struct ppml_writer {
  int (*write)(struct ppml_writer *self, const void *bytes, size_t count);
  void *context;
  size_t position; /* bytes written; used by ppml_writer_to_memory */
  size_t limit;    /* likewise */
} ppml_writer;

PPML_API ppml_reader ppml_reader_from_memory(const void *bytes, size_t count);
PPML_API ppml_writer ppml_writer_to_memory(void *bytes, size_t capacity);

/* Called now and then during long work, from the thread that asked for it. */
typedef struct ppml_progress {
  void (*step)(void *context, size_t done, size_t total);
  void *context;
} ppml_progress;

/* Runs independent tasks, on as many threads as the caller likes, and returns when
 * all are done.  Where a ppml_parallel may be NULL, NULL stands for the calling thread. */
typedef struct ppml_parallel {
  void (*run)(void *context, size_t tasks, void (*task)(void *argument, size_t index),
              void *argument);
  void *context;
  size_t threads; /* how many tasks to split work into */
} ppml_parallel;

/* What a reader accepts at most; a file that claims more is refused with RANGE
 * before anything is allocated for it. */
typedef struct ppml_limits {
  uint64_t payload_bytes; /* of one container; of a training set and the answers to one, which are
                             read block by block, of a block; not of a checkpoint, whose length
                             the run tells */
  uint32_t inputs;        /* values of one image, and inputs of one layer */
  uint32_t neurons;       /* outputs of one layer */
  uint32_t images;        /* results in one output container */
  uint64_t infer_bytes;   /* memory for one image, on one thread, that a circuit may ask for */
} ppml_limits;

/* 64 MiB, 65,536 values, 4,096 neurons, 65,536 images, 1 GiB.  Writers keep to these, and refuse
 * with RANGE what a reader that has them would refuse. */
PPML_API ppml_limits ppml_limits_default(void);

/* ------------------------------------------------------------------ random */

/* A ChaCha20 generator with fast key erasure: a state that leaks does not give away what was
 * drawn before.  Each function that draws from it folds fresh entropy in first, so that a state
 * that was copied (a struct, a fork, a snapshot of a virtual machine) does not draw the same
 * twice.  A generator that was never set up, whose setting up failed or that was wiped gives
 * PPML_ERR_RNG and no numbers.  Not for two threads at a time. */
typedef struct ppml_rng {
  uint8_t key[PPML_SEED_BYTES];
  uint64_t counter;
  uint8_t buffer[256];
  uint32_t buffered; /* unused bytes at the end of buffer */
  uint32_t ready;    /* a magic word once it is set up */
  uint64_t process;  /* that used it last, where there are processes */
  int (*entropy)(void *context, void *bytes, size_t count); /* fresh, asked at each use */
  void *context;                                            /* the entropy function's */
} ppml_rng;

/* Seeds from the operating system, or from PPML_ENTROPY.  Errors: ARG, RNG. */
PPML_API int ppml_rng_init(ppml_rng *rng) PPML_MUST_CHECK;

/* Seeds from the caller's entropy callback, which returns 0 when it has filled bytes.  It is
 * called again at each use of the generator, so it and its context must outlive it; a use fails
 * with RNG where the callback does.  Errors: ARG, RNG. */
PPML_API int ppml_rng_init_callback(ppml_rng *rng,
                                    int (*entropy)(void *context, void *bytes, size_t count),
                                    void *context) PPML_MUST_CHECK;

/* The same numbers every time, without any entropy.  For tests and training only: keys and
 * ciphertexts made from a known seed protect nothing. */
PPML_API void ppml_rng_init_for_tests(ppml_rng *rng, uint64_t seed);

/* Folds bytes of the caller's into the state: for machines whose entropy is one seed in flash, a
 * boot counter and a message counter, say, before each key and each image.  They need be neither
 * secret nor random, only different each time.  Errors: ARG, RNG. */
PPML_API int ppml_rng_mix(ppml_rng *rng, const void *bytes, size_t count) PPML_MUST_CHECK;

/* Errors: ARG, RNG; bytes are then unchanged. */
PPML_API int ppml_rng_bytes(ppml_rng *rng, void *bytes, size_t count) PPML_MUST_CHECK;
PPML_API void ppml_rng_wipe(ppml_rng *rng);

/* -------------------------------------------------------------- parameters */

/* How the circuits of a set compute. */
enum {
  PPML_SET_ROUNDED =
      0, /* a bootstrap for each hidden neuron, which rounds part of the noise away */
  PPML_SET_EXACT =
      1, /* several bootstraps for each, on digits of its accumulator: no noise is left */
  PPML_SET_LEVELED = 2, /* no bootstrap: products of ciphertexts.  GLWE key switches have the
                           bootstrap's gadget, and noise on a torus of 80 bits */
  PPML_SET_POOLED = 3,  /* likewise, of the latents of a pooled network */
  PPML_SET_LINEAR = 4,  /* sums alone, of models without hidden layers: there is no evaluation key.
                           Noise is on a torus of 32 bits */
  PPML_SET_BRIDGED = 5, /* a pooled network's features under the set pooled-64, then layers by
                           bootstraps: the numbers are those of the bootstraps */
  PPML_SET_COMPACT = 6  /* a pooled network's scores under the set pooled-64, which leave under a
                           smaller key: the numbers are that one's */
};

/* One named set.  Read-only: the library has its own table and files name an
 * entry of it, so a file cannot bring weaker parameters along. */
typedef struct ppml_params {
  const char *name;
  uint32_t id;             /* as files carry it */
  uint32_t lwe_dim;        /* n */
  uint32_t glwe_dim;       /* k */
  uint32_t poly_size;      /* N */
  uint32_t key_block;      /* key bits a blind-rotation step takes */
  uint32_t key_block_ones; /* 1: at most one 1 in a block (block-binary keys); 0: uniform binary */
  uint32_t shared_prefix;  /* 1: the LWE key is the first n coefficients of the GLWE key */
  uint32_t pbs_base_log2, pbs_levels;
  uint32_t ks_base_log2, ks_levels;
  uint32_t lwe_noise_bound;  /* B: uniform on [-B, B] on the 32-bit torus */
  uint32_t glwe_noise_bound; /* the same on the 64-bit torus */
  uint32_t input_wire_bits;  /* bits kept of a fresh ciphertext's body coefficient */
  uint32_t bsk_wire_bits;    /* bits kept of a bootstrapping key's body coefficient */
  uint32_t output_bits;      /* log2 of the modulus of a result */
  uint32_t kind;             /* PPML_SET_*: how circuits of the set compute */
  uint32_t slots;         /* places in a ciphertext.  LEVELED: for neurons, so the hidden layer has
                             no more; a ciphertext then holds N / slots pixels.  POOLED: for the
                             latents of one region of one channel.  Sets with bootstraps: 0 */
  const char *assumption; /* what the security rests on; "" with PPML_SMALL */
} ppml_params;

/* Errors: none; NULL if there is no such set. */
PPML_API const ppml_params *ppml_params_by_name(const char *name);
PPML_API const ppml_params *ppml_params_by_index(size_t index);

/* Values of an image that one ciphertext of the set holds; 0 of NULL. */
PPML_API uint32_t ppml_params_block(const ppml_params *params);

/* ------------------------------------------------------- images and answers */

/* What is asked of an image. */
enum {
  PPML_TASK_CLASS = 0,  /* which of the classes it is */
  PPML_TASK_LABELS = 1, /* of each class, whether it applies; any number may */
  PPML_TASK_GRADE = 2   /* which of the classes it is, these being in an order */
};

/* What a client makes of an image before it encrypts it. */
enum {
  PPML_ENCODER_NONE = 0,    /* nothing: pixels are encrypted */
  PPML_ENCODER_PATCHES = 1, /* latents of patches of pixels */
  PPML_ENCODER_READY = 2    /* latents that another program made: the image is these, as floats */
};

/* An encoder, in integers: the same latents on every machine.  An image is cut into patches of
 * patch x patch pixels; latent channel i of a patch is the sum of its bytes times weight_i.  Then
 * mean and deviation, of all latents of channel i, are taken off, and what is up to 3 deviations
 * either way becomes an integer of spec.input_bits bits.  READY latents are taken as
 * round(x 2^scale_log2) and go on likewise. */
typedef struct ppml_encoder {
  uint32_t kind;
  uint32_t patch;       /* 1, 2, 4, 8 or 16, and a divisor of width and height; of READY 1 */
  uint32_t channels;    /* of latents; of READY those of the spec */
  uint32_t standardise; /* 1: by the image's own means and deviations; 0: by center and spread */
  uint32_t regions;     /* that the network behind it pools over, along a side: 1..16, a divisor of
                           the latents' width and height.  These two lay latents out */
  uint32_t reach;       /* the side of its kernel: 1..8 */
  int32_t scale_log2;   /* of READY: -40..40; else 0 */
  int32_t center[PPML_LATENT_CHANNELS_MAX], spread[PPML_LATENT_CHANNELS_MAX]; /* > 0 */
  int8_t weight[PPML_ENCODER_WEIGHTS_MAX]; /* [channels][patch][patch][spec.channels] of PATCHES */
} ppml_encoder;

/* Which values of an image that is not bytes are black and white, where that is not the whole range of
 * its type: who makes bytes of such an image for the network makes 0 of black, 255 of white, rounds
 * what is between them and cuts off what is beyond.  The library carries it and does not use it. */
enum {
  PPML_RANGE_TYPE = 0,   /* the whole range: 0 to the largest of an unsigned type, or 0 to 1 */
  PPML_RANGE_VALUES = 1, /* black to white */
  PPML_RANGE_BYTES = 2   /* the same, and the bytes of a picture are such values */
};

typedef struct ppml_range {
  uint32_t kind;
  int64_t black, white; /* times 2^20; -2^62 <= black < white <= 2^62; of TYPE both 0 */
} ppml_range;

/* What an image and an answer look like. */
typedef struct ppml_spec {
  uint32_t width, height, channels; /* channels: 1..4; of READY latents 1..16 */
  uint32_t
      input_bits; /* a byte p enters as round(p (2^input_bits - 1) / 255); or of latents, 2..8 */
  uint32_t classes;
  uint32_t outputs;    /* scores, see ppml_spec_answer */
  uint32_t score_unit; /* (score - its threshold) / score_unit is a logit */
  char class_name[PPML_CLASSES_MAX][PPML_CLASS_NAME_BYTES];
  uint32_t task;
  int32_t threshold[PPML_CLASSES_MAX]; /* [outputs], 0 where several scores are compared */
  ppml_encoder encoder;
  ppml_range range; /* of READY latents TYPE */
  uint32_t
      decides; /* 1: each score is 127 or -127, a decision that the network itself took: an answer
                       tells the class and no more, see ppml_decide; 0: scores */
} ppml_spec;

/* What is wrong with a name of a class, of length bytes: it has 1 to 23 bytes of UTF-8, none of
 * them control characters.  One line of English, "is empty" say; NULL if nothing is. */
PPML_API const char *ppml_class_name_refusal(const char *name, size_t length);

/* The same of any text that is to be shown, whose length is free. */
PPML_API const char *ppml_text_refusal(const char *text, size_t length);

/* Values of one image: width * height * channels. */
PPML_API size_t ppml_spec_inputs(const ppml_spec *spec);

/* Bytes of one image, wherever one is handed over as pixels: one a value, channels last; of READY
 * latents four a value, which are 32-bit floats of this machine, channels first. */
PPML_API size_t ppml_spec_image_bytes(const ppml_spec *spec);

/* Latents of one image, and their shape; 0 where the spec has no encoder. */
typedef struct ppml_latent_shape {
  uint32_t channels, height, width;
} ppml_latent_shape;

PPML_API ppml_latent_shape ppml_spec_latent_shape(const ppml_spec *spec);

/* What a client encrypts of an image.
 *   latents [channels][height][width]   out: input_bits bits each, signed
 *   image   [ppml_spec_image_bytes()]
 * Scratch: ppml_encode_bytes.  Errors: ARG, NOMEM; RANGE for a float that is not finite.
 * CT: time depends on the shape only, but for that error. */
PPML_API size_t ppml_encode_bytes(const ppml_spec *spec);
PPML_API int ppml_encode(int8_t *latents, const ppml_spec *spec, const uint8_t *image,
                         ppml_arena *arena) PPML_MUST_CHECK;

/* Bytes of an answer, and of an image's labels: classes for LABELS, else 1. */
PPML_API size_t ppml_spec_answer_bytes(const ppml_spec *spec);

/* The answer that scores stand for.
 *   answer [ppml_spec_answer_bytes()]  out: LABELS 0 or 1 for each class, else the class
 *   scores [spec->outputs]
 *
 *   task    outputs      answer
 *   CLASS   1            score > threshold, of two classes
 *   CLASS   classes      the class with the largest score, the first of equals
 *   LABELS  classes      for each class, score > threshold
 *   GRADE   classes - 1  how many scores are > threshold */
PPML_API void ppml_spec_answer(uint8_t *answer, const ppml_spec *spec, const int32_t *scores);

/* 1 if two sets of scores of an image stand for the same answer; what agreement counts. */
PPML_API int ppml_spec_same_answer(const ppml_spec *spec, const int32_t *a, const int32_t *b);

/* ------------------------------------------------------------------ network */

enum {
  PPML_ACTIVATION_NONE = 0, /* the last layer: its accumulators are the scores */
  PPML_ACTIVATION_RELU = 1, /* clipped ReLU */
  PPML_ACTIVATION_SIGN = 2, /* +1 for z >= 0, else -1 */
  PPML_ACTIVATION_CLIPPED_SQUARE = 3,
  PPML_ACTIVATION_TABLE = 4,     /* any function, sampled at PPML_TABLE_SIZE points */
  PPML_ACTIVATION_POLYNOMIAL = 5 /* of degree 2: needs no bootstrap, see leveled sets */
};

#define PPML_ACTIVATION_MAX 127  /* activations but POLYNOMIAL are integers in [-127, 127] */
#define PPML_ACTIVATION_WRONG 16 /* an activation further off than this is counted as wrong */
#define PPML_TABLE_SIZE 256

/* A dense layer with its activation, in integers:
 *
 *   z_j = bias_j + sum_i weight_ji x_i
 *   RELU    a_j = round(127 clamp(z_j / range_j, -1, 1))
 *   SIGN    a_j = z_j >= 0 ? 127 : -127
 *   CLIPPED_SQUARE  a_j = round(254 min(z_j / range_j, 1)^2) - 127, z_j by its magnitude
 *   TABLE   a_j = table[floor(128 (clamp(z_j / range_j, -1, 1) + 1))], index at most 255
 *   POLYNOMIAL  a_j = z_j (square_j z_j + linear_j), of the only hidden layer
 *
 * Scores behind POLYNOMIAL are computed in 64 bits and clamped to 2^31 - 1 either way.
 *
 * RELU is clip(u, 0, 1) = 1/2 + 1/2 hardtanh(2u - 1) without its constants: they
 * are part of this layer's and the next layer's bias. */
typedef struct ppml_layer {
  uint32_t inputs, outputs;
  uint32_t activation;
  uint32_t weight_bits; /* |weight| < 2^(weight_bits - 1), 2..8 */
  const int8_t *weight; /* [outputs][inputs] */
  const int32_t *bias;  /* [outputs] */
  const int32_t *range; /* [outputs], > 0: where the activation saturates; not of POLYNOMIAL */
  const int32_t *peak;  /* [outputs], >= range: the |z_j| that training hardly ever saw exceeded;
                           not of POLYNOMIAL, but of the scores behind it */
  const int8_t *table;  /* [PPML_TABLE_SIZE], TABLE only */
  const int32_t *square, *linear; /* [outputs], POLYNOMIAL only; |square_j| <= 127 */
} ppml_layer;

/* A network of one convolution with polynomials of degree 2, the means of which over regions are
 * the inputs of a dense layer; as linear weights of the latents and of their autocorrelations,
 * whatever the number of filters (docs/DESIGN.md "Latents and pooled networks"):
 *
 *   score_c = bias_c + sum of square_crt A_rt over regions r, terms t + sum of linear_cl m_l
 *
 * A_rt is the sum of m_i(y, x) m_j(y + dy, x + dx) over region r, zeros being around it.  Terms are
 * pairs of channels i <= j, each with lags (dy, dx) in order of rows, |dy| and |dx| < reach; of
 * i = j from (0, 0) on.
 *
 * With layers behind, such sums are no scores but features: first the accumulators of layer 0,
 * which has no inputs and no weights of its own, then `gated` features P_j.  The activations G_j of
 * the layer before the scores are gates for those (squeeze and excitation), and the scores' inputs
 *
 *   x_j = round((G_j + 127) clamp(P_j, -range_j, range_j) / (2 range_j)) */
typedef struct ppml_pooled {
  const int8_t *square;  /* [outputs][regions^2][terms] */
  const int32_t *linear; /* [outputs][latent channels][height][width] */
  const int64_t *bias;   /* [outputs] magnitude up to 2^31 */
  const int64_t *peak;  /* [outputs], 1..2^31: the |score| that training hardly ever saw exceeded */
  uint32_t gated;       /* of a network with layers behind: features that gates multiply, else 0 */
  const int32_t *range; /* [gated], > 0: where a gated feature saturates */
  const uint8_t *mean;  /* [patch][patch][spec.channels] the mean patch of training, to show what
                            latents hold; of PATCHES only */
} ppml_pooled;

/* A trained network, in the clear. */
typedef struct ppml_model {
  ppml_spec spec;
  uint32_t layer_count; /* the last one has ACTIVATION_NONE and spec.outputs outputs; 0: the
                           scores are the pooled network's, behind spec.encoder */
  ppml_layer layer[PPML_LAYERS_MAX];
  ppml_pooled pooled;        /* where there is an encoder */
  uint32_t margin_p05;       /* 5 % of the validation images have their two best scores
                               (or a score and its threshold) closer than this */
  uint8_t id[PPML_ID_BYTES]; /* digest of all the above; compile and write make it anew */
} ppml_model;

/* A model laid out for encryption under one parameter set; what the server holds.
 * Value x of layer l's input stands on the torus as x unit[l]; accumulator j of the
 * layer as z_j unit[l] gain[l][j].  A score of a pooled network stands as its score times unit[0]. */
typedef struct ppml_circuit {
  ppml_model model;
  const ppml_params *params;
  uint64_t unit[PPML_LAYERS_MAX];
  const int32_t *gain[PPML_LAYERS_MAX]; /* [outputs], > 0 */
  uint8_t id[PPML_ID_BYTES];            /* digest of all the above */
  double agreement;                     /* promised when it was compiled; 0: nothing was */
  uint32_t publish; /* scores that may be published under one key, flooded; 0: none */
} ppml_circuit;

#ifndef PPML_CLIENT_ONLY
/* Scores of one image in the clear.
 *   scores [spec.outputs]               out
 *   pixels [ppml_spec_image_bytes()]
 * Scratch: ppml_model_predict_bytes.  Errors: ARG, NOMEM; RANGE for a latent that is not finite. */
PPML_API size_t ppml_model_predict_bytes(const ppml_model *model);
PPML_API int ppml_model_predict(int32_t *scores, const ppml_model *model, const uint8_t *pixels,
                                ppml_arena *arena) PPML_MUST_CHECK;

/* The picture that the latents of an image amount to, at best: what whoever could decrypt them
 * would see.
 *   picture [height][width][channels]   out
 *   pixels  [ppml_spec_image_bytes()]   the image
 * Scratch: ppml_reconstruct_bytes, 0 where there is none: of networks without an encoder of
 * PATCHES.  Errors: ARG, NOMEM; RANGE for weights that are linearly dependent. */
PPML_API size_t ppml_reconstruct_bytes(const ppml_model *model);
PPML_API int ppml_reconstruct(uint8_t *picture, const ppml_model *model, const uint8_t *pixels,
                              ppml_arena *arena) PPML_MUST_CHECK;

/* What is wrong with a network that was made by hand. */
typedef struct ppml_fault {
  const char *reason; /* one line of English that names the field: "layer.bias is NULL", say */
  uint32_t layer,
      index; /* the layer of such a field, and the neuron, weight, class or entry of it */
} ppml_fault;

/* Are shapes, arrays and numbers of the network as they should be, and its sizes within
 * ppml_limits_default()?  Pointers that are not NULL are taken to be as long as the shapes say.
 *   fault  out, of the first rule that it breaks; may be NULL
 * Errors: ARG. */
PPML_API int ppml_model_check(const ppml_model *model, ppml_fault *fault) PPML_MUST_CHECK;

/* A network as a file: see "files" below. */
PPML_API int ppml_model_write(const ppml_model *model, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_model_read(ppml_model *model, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) PPML_MUST_CHECK;
#endif

/* -------------------------------------------------------------------- files */

/* Every file is one container, specified in docs/FORMAT.md. */
enum {
  PPML_KIND_MODEL = 1,
  PPML_KIND_CIRCUIT = 2,
  PPML_KIND_CLIENT = 3,
  PPML_KIND_KEYRING = 4, /* a client spec, and a secret key that refers to it */
  PPML_KIND_EVAL_KEY = 5,
  PPML_KIND_INPUT = 6,
  PPML_KIND_OUTPUT = 7,
  PPML_KIND_SECRET_KEY = 8, /* alone: it names its client spec */
  /* learning */
  PPML_KIND_FEATURES = 16,
  PPML_KIND_LEARNING_KEY = 17,
  PPML_KIND_TRAINING = 18, /* also images that are to be classified by an encrypted model */
  PPML_KIND_SUMS = 19,
  PPML_KIND_CHECKPOINT = 20,
  PPML_KIND_LEARNT = 21,
  PPML_KIND_CLASSIFIED = 22
};

/* The only version of the format that is read and written. */
#define PPML_FORMAT_VERSION 3

/* What a container says of itself before its payload is read. */
typedef struct ppml_header {
  uint32_t kind;
  uint32_t version;
  const ppml_params *params; /* NULL for a model and a feature map */
  uint64_t payload_bytes;
  uint8_t circuit_id[PPML_ID_BYTES]; /* the model's own digest for a model; of what belongs to
                                        learning, the feature map's */
  uint8_t key_id[PPML_ID_BYTES];     /* zero for model, circuit, client and feature map */
} ppml_header;

/* Name of a kind, "model" say; NULL if there is none. */
PPML_API const char *ppml_kind_name(uint32_t kind);

/* Reads a header alone. Errors: input bytes'; on VERSION, header->version says which. */
PPML_API int ppml_header_read(ppml_header *header, ppml_reader *reader,
                              const ppml_limits *limits) PPML_MUST_CHECK;

/* Reads a container of any kind through: its length and digest fit and nothing follows.
 * What the payload means is not looked at.  Errors: input bytes', IO. */
PPML_API int ppml_container_check(ppml_header *header, ppml_reader *reader,
                                  const ppml_limits *limits) PPML_MUST_CHECK;

/* Memory that reading a container with this header takes: exact for encrypted images and one
 * image's scores, secret keys and keyrings, at most that much for models, circuits, more scores, feature
 * maps and encrypted models, 0 for client specs.
 * For an evaluation key ask ppml_eval_key_read_bytes. */
PPML_API size_t ppml_read_bytes(const ppml_header *header);

/* Each kind of file has a writer and a reader, with the role that uses it: ppml_model_write and
 * ppml_model_read, say.  Readers check everything before they return, including that nothing
 * follows; what they allocate is in arena.  Errors: input bytes', NOMEM, IO; of writers IO, and RANGE
 * for what is beyond ppml_limits_default() or no valid object. */

/* ====================================================================== client
  Makes the keys, encrypts images and decrypts answers.  It needs no weight of
 * the network, no floating point and little memory.  PPML_CLIENT_ONLY leaves
 * out all that comes after it. */

/* ------------------------------------------------------ what a client knows */

/* What the client holds of it: how to encrypt and how to read the answer, no weight.  A reader
 * refuses a client spec whose unit, noise and step would let answers tell more of the key than
 * docs/NOISE.md "What an answer tells" has it. */
typedef struct ppml_client {
  ppml_spec spec;
  const ppml_params *params;
  uint64_t score_unit;  /* a score of 1 on the torus */
  uint64_t score_noise; /* predicted standard deviation of a score's noise, in 2^-64 of a turn */
  uint32_t answer_step; /* scores that give the same probability; a power of two */
  uint32_t publish;     /* as ppml_circuit has it */
  uint32_t renew_after; /* answers after which the key is to be renewed, if they were published;
                           UINT32_MAX: they tell nothing */
  int32_t score_peak[PPML_CLASSES_MAX]; /* [outputs], as ppml_circuit_score_peak has it: an answer
                                           from a score beyond it is marked as unseen */
  uint8_t circuit_id[PPML_ID_BYTES];
} ppml_client;

#define PPML_PUBLISH_MAX 65536

/* One id of all that a client uses: the spec, the parameter set's numbers, unit, noise, step and
 * budgets, and the circuit's id.  Two client specs with this id read answers alike.
 *   id [PPML_ID_BYTES]  out */
PPML_API void ppml_client_id(uint8_t *id, const ppml_client *client);

PPML_API int ppml_client_write(const ppml_client *client, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_client_read(ppml_client *client, ppml_reader *reader,
                              const ppml_limits *limits) PPML_MUST_CHECK;

/* 1 if a score is beyond what training saw.  Of a leveled circuit such an answer says nothing: the
 * image is unlike those of training, and its scores may have wrapped.
 *   scores, peaks  [outputs]; NULL: 0 */
PPML_API int ppml_scores_are_unseen(const int32_t *scores, const int32_t *peaks, uint32_t outputs);

/* --------------------------------------------------------------------- keys */

/* Client's; wipe it after use, before its memory is used for anything else.  It refers to the client spec
 * that it was made for, and has no copy of it: the spec stays where and as it is while the key is used.
 * A copy of the structure is the same key, not another one.  Making and reading one leave zeros where
 * they fail, of which there is nothing to wipe. */
typedef struct ppml_secret_key {
  const ppml_client *client;
  uint8_t id[PPML_ID_BYTES]; /* random; names the key in what belongs to it */
  size_t bytes;              /* of both arrays, which follow one another in the caller's arena */
  uint8_t *glwe_bits;        /* coefficient i is bit i; of a leveled set, bit i less bit N + i */
  uint8_t *lwe_bits; /* of a bridged set the key of its latents, as that of a leveled set; its
                         LWE key begins glwe_bits */
} ppml_secret_key;

/* Memory: ppml_secret_key_generate_bytes, as long as the set's key needs.
 * Errors: ARG, RNG, NOMEM.  CT: up to what rejection sampling throws away. */
PPML_API size_t ppml_secret_key_generate_bytes(const ppml_params *params);
PPML_API int ppml_secret_key_generate(ppml_secret_key *key, const ppml_client *client,
                                      ppml_rng *rng, ppml_arena *arena) PPML_MUST_CHECK;
PPML_API void ppml_secret_key_wipe(ppml_secret_key *key);

/* The key's own file, which names its client spec by ppml_client_id: for a device, say, that has the spec
 * in its program.  The memory of reading is that of making the key.
 *   client  that it was made for; the key will refer to it
 * Errors: of reading also MISMATCH, for a key of another client spec. */
PPML_API int ppml_secret_key_write(const ppml_secret_key *key, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_secret_key_read(ppml_secret_key *key, const ppml_client *client,
                                  ppml_reader *reader, const ppml_limits *limits,
                                  ppml_arena *arena) PPML_MUST_CHECK;

/* Key and client spec in one file, for who keeps the keys of many specs: what `ppml keygen` writes.
 *   client  out; the key refers to it */
PPML_API int ppml_keyring_write(const ppml_secret_key *key, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_keyring_read(ppml_secret_key *key, ppml_client *client, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) PPML_MUST_CHECK;

/* Makes the evaluation key and writes it as it goes.
 * Memory: ppml_eval_key_generate_bytes, which does not grow with the key.
 * Errors: ARG, RNG, NOMEM, IO.  CT: time does not depend on the secret key. */
PPML_API size_t ppml_eval_key_generate_bytes(const ppml_params *params, size_t threads);
PPML_API int ppml_eval_key_generate(ppml_writer *writer, const ppml_secret_key *key, ppml_rng *rng,
                                    const ppml_parallel *parallel, const ppml_progress *progress,
                                    ppml_arena *arena) PPML_MUST_CHECK;

/* The same file, made piece by piece: by a device with memory for a few polynomials, in slices by a page
 * or a real-time system, over a line that breaks.  A run is a secret as the key is: keep it as safely, to
 * go on after a reset, and wipe it after use. */
typedef struct ppml_eval_key_run {
  const ppml_params *params;
  uint64_t pieces;     /* that the file has: its beginning, groups of rows, rows, its end */
  uint64_t next, made; /* the piece that comes next, and the first that was never made */
  uint64_t skip;       /* bytes from the next piece on that are there already */
  uint8_t mask_seed[PPML_SEED_BYTES], noise_seed[PPML_SEED_BYTES];
  uint8_t key_id[PPML_ID_BYTES];
  uint8_t digest[128]; /* of the pieces that were made but for the end */
} ppml_eval_key_run;

/* Begins one.  Errors: ARG, RNG, PARAMS (a set that has no evaluation key). */
PPML_API int ppml_eval_key_run_begin(ppml_eval_key_run *run, const ppml_secret_key *key,
                                     ppml_rng *rng) PPML_MUST_CHECK;

/* Makes and writes up to so many pieces; the file is whole when run->next is run->pieces.
 * Memory: ppml_eval_key_run_make_bytes, all of it given back.
 * Errors: ARG, MISMATCH (another key), NOMEM, IO: pieces that were written whole are done, and the run
 * stands at the one that was not.  CT: time depends on the set and the pieces alone. */
PPML_API size_t ppml_eval_key_run_make_bytes(const ppml_params *params);
PPML_API int ppml_eval_key_run_make(ppml_writer *writer, ppml_eval_key_run *run,
                                    const ppml_secret_key *key, uint64_t pieces,
                                    ppml_arena *arena) PPML_MUST_CHECK;

/* Goes to where what is written next begins with that byte of the file: the number of bytes that have
 * arrived.  Of a run that was saved before they were made, the pieces between are made again, not
 * written again.  Errors: ARG (a byte beyond the file). */
PPML_API int ppml_eval_key_run_seek(ppml_eval_key_run *run, uint64_t byte) PPML_MUST_CHECK;
PPML_API void ppml_eval_key_run_wipe(ppml_eval_key_run *run);

/* Bytes of an evaluation key's file. */
PPML_API size_t ppml_eval_key_wire_bytes(const ppml_params *params);

/* --------------------------------------------------------------- encryption */

/* An encrypted image: GLWE ciphertexts whose masks come from a public seed. */
typedef struct ppml_input {
  const ppml_params *params;
  uint8_t circuit_id[PPML_ID_BYTES];
  uint8_t key_id[PPML_ID_BYTES];
  uint8_t seed[PPML_SEED_BYTES];
  uint32_t blocks;      /* GLWE ciphertexts: inputs / (poly_size / slots or poly_size), up */
  uint32_t words;       /* of body that travel: all of them; of LINEAR sets one for each value */
  const uint64_t *body; /* [blocks][poly_size] */
  const uint8_t *tail;  /* [blocks][poly_size] of a leveled set: 8 bits more of each word */
} ppml_input;

/* What the client keeps of an image that it encrypted, until the answer came.  A server that may
 * choose what is decrypted learns the key from the answers alone, so an output is decrypted only
 * for a request that is open, and closes it.  Zeros are a closed request. */
typedef struct ppml_request {
  uint8_t digest[PPML_ID_BYTES]; /* of the image's mask seed, circuit id and key id */
  uint32_t open;                 /* 1 until an answer to it was given */
} ppml_request;

/* Encrypts an image.
 *   request  out: open; keep it for ppml_decrypt
 * Its seeds are digests of what rng draws, the secret key and the pixels
 * together: docs/DESIGN.md "Randomness".
 * Memory: ppml_encrypt_bytes.  Errors: ARG, RNG, NOMEM.
 * CT: time depends on the shape of the image alone. */
PPML_API size_t ppml_encrypt_bytes(const ppml_params *params, const ppml_spec *spec);
PPML_API int ppml_encrypt(ppml_input *input, ppml_request *request, const ppml_secret_key *key,
                          const uint8_t *pixels, ppml_rng *rng, ppml_arena *arena) PPML_MUST_CHECK;

/* Encrypts an image as its file, ciphertext after ciphertext, so that there need not be room for all of
 * them: the bytes that ppml_encrypt and ppml_input_write make of the same numbers of rng.
 *   request  out: open, where all of the file was written
 * Memory: ppml_encrypt_to_bytes, all of it given back; of a leveled set most of it is the key's.
 * Errors: ARG, RNG, NOMEM, RANGE, IO.  CT: as ppml_encrypt. */
PPML_API size_t ppml_encrypt_to_bytes(const ppml_params *params, const ppml_spec *spec);
PPML_API int ppml_encrypt_to(ppml_writer *writer, ppml_request *request, const ppml_secret_key *key,
                             const uint8_t *pixels, ppml_rng *rng,
                             ppml_arena *arena) PPML_MUST_CHECK;

/* The digest by which a request and the answer to it find each other.
 *   digest [PPML_ID_BYTES]  out */
PPML_API void ppml_input_digest(uint8_t *digest, const ppml_input *input);

/* Bytes of an encrypted image's file. */
PPML_API size_t ppml_input_wire_bytes(const ppml_params *params, const ppml_spec *spec);
PPML_API int ppml_input_write(const ppml_input *input, ppml_writer *writer) PPML_MUST_CHECK;

/* --------------------------------------------------------------- decryption */

/* Encrypted scores: LWE ciphertexts modulo 2^output_bits, each word below that. */
typedef struct ppml_output {
  const ppml_params *params;
  uint8_t circuit_id[PPML_ID_BYTES];
  uint8_t key_id[PPML_ID_BYTES];
  uint32_t images, outputs;
  const uint8_t *digest; /* [images][PPML_ID_BYTES]: of the request that each image answers */
  const uint32_t *lwe;   /* [images][outputs][k N + 1], the body last */
} ppml_output;

/* Words of one LWE ciphertext of an output: k N + 1. */
PPML_API size_t ppml_output_lwe_words(const ppml_params *params);

/* Bytes of the file of so many images' scores. */
PPML_API size_t ppml_output_wire_bytes(const ppml_params *params, const ppml_spec *spec,
                                       size_t images);
PPML_API int ppml_output_read(ppml_output *output, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) PPML_MUST_CHECK;

/* An answer, as rounded as it may be shown to others than the key's owner.  Label and probabilities
 * are functions of where each score lies between steps of client.answer_step, and the border
 * between two labels is such a step: they never contradict each other. */
typedef struct ppml_answer {
  uint8_t label[PPML_CLASSES_MAX];   /* as ppml_spec_answer gives it: of CLASS and GRADE label[0] */
  uint8_t percent[PPML_CLASSES_MAX]; /* [classes]: probability of each class or label, in whole
                                        multiples of 5; of the answer percent[label[0]].  All 0 where
                                        spec.decides: no probability is told */
  uint8_t
      unseen; /* 1: a score is beyond what training saw, by a whole answer_step or more; the image
                     is unlike those of training, and the answer says nothing */
} ppml_answer;

/* The answer that scores stand for.
 *   scores [client->spec.outputs] */
PPML_API void ppml_client_answer(ppml_answer *answer, const ppml_client *client,
                                 const int32_t *scores);

/* The answer to one of the images of an output.
 *   request  of that image; closed before the answer is given, so that none is given twice
 * Errors: ARG (no such image), MISMATCH, REQUEST (not the answer to this request, which stays as
 * it was; a request that is not open; an output with two images for one request).
 * CT: up to where scores lie between steps. */
PPML_API int ppml_decrypt(ppml_answer *answer, const ppml_output *output, size_t image,
                          ppml_request *request, const ppml_secret_key *key) PPML_MUST_CHECK;

/* The answer to the image of a request, from the file of an output as it is read: for a device that has no
 * memory for it.  Any number of images may be in the file.
 * Errors: ARG, the input bytes', MISMATCH, REQUEST, IO; the request then stays as it was.  No answer is
 * given before the file was found in order to its end.
 * CT: up to where scores lie between steps. */
PPML_API int ppml_decrypt_from(ppml_answer *answer, ppml_reader *reader, const ppml_limits *limits,
                               ppml_request *request, const ppml_secret_key *key) PPML_MUST_CHECK;

/* The scores themselves, for the key's owner alone: some thousand published scores give the
 * secret key away, docs/SECURITY.md.  Otherwise like ppml_decrypt.
 *   scores [key->client->spec.outputs]  out
 * CT: up to the scores. */
PPML_API int ppml_decrypt_scores_for_owner(int32_t *scores, const ppml_output *output, size_t image,
                                           ppml_request *request,
                                           const ppml_secret_key *key) PPML_MUST_CHECK;

/* Scores that may be published, up to client.publish of them under one key, which the caller
 * counts: fresh noise is added that hides the noise of encryption, so that all of them together
 * tell at most one bit of the key.  An answer that is published beside them must be made of them,
 * by ppml_client_answer.  Of a circuit whose scores are free of noise none is added.
 * Errors: as ppml_decrypt, ARG also where client.publish is 0. */
PPML_API int ppml_decrypt_scores_flooded(int32_t *scores, const ppml_output *output, size_t image,
                                         ppml_request *request, const ppml_secret_key *key,
                                         ppml_rng *rng) PPML_MUST_CHECK;

#if !defined(PPML_NO_SERVER) || !defined(PPML_NO_PLAN) /* a plan tells what the key takes */
/* Server's: the evaluation key, expanded for one vector backend. */
typedef struct ppml_eval_key {
  const ppml_params *params;
  uint8_t circuit_id[PPML_ID_BYTES];
  uint8_t key_id[PPML_ID_BYTES];
  struct ppmli_fft *fft;
  double *bootstrap_key;           /* [steps][groups][terms][rows][columns], transformed; of a set
                                      without bootstraps: its GLWE key switches */
  uint32_t *key_switch_key;        /* [blocks of 16 columns][rows][16] */
  struct ppmli_key_stream *stream; /* instead of the two, for a key that is streamed */
  const double *weights;           /* of a leveled circuit, transformed by ppml_eval_key_prepare */
  struct ppmli_fft *latent_fft;    /* of a bridged set, for the latents' polynomials */
  double *latent_key, *bridge_key; /* of a bridged set: GLWE key switches, and the way from them */
} ppml_eval_key;
#endif

#ifndef PPML_NO_SERVER
/* ====================================================================== server
  Runs a circuit on encrypted images, with an evaluation key. */

/* Reads a circuit, and computes anew what its certificate says; with PPML_NO_PLAN there is nothing
 * to compute it with: then only that the circuit can be run is checked, so take circuits from a place
 * that you trust.  Errors: input bytes', CERTIFICATE, NOMEM, IO. */
PPML_API int ppml_circuit_read(ppml_circuit *circuit, ppml_reader *reader,
                               const ppml_limits *limits, ppml_arena *arena) PPML_MUST_CHECK;

/* The vector backends of this machine, best first; NULL behind the last one. */
PPML_API const char *ppml_backend_name(size_t index);

/* Bytes of an expanded key alone. */
PPML_API size_t ppml_eval_key_memory_bytes(const ppml_params *params);

/* Reads and expands an evaluation key.
 *   backend   one of ppml_backend_name, NULL for the best
 * Memory: ppml_eval_key_read_bytes.  Errors: input bytes', NOMEM, ARG, NAME (no such backend),
 * MISMATCH (not of this circuit; circuit may be NULL to accept any), ARITHMETIC. */
PPML_API size_t ppml_eval_key_read_bytes(const ppml_params *params, size_t threads);
PPML_API int ppml_eval_key_read(ppml_eval_key *key, ppml_reader *reader, const ppml_limits *limits,
                                const ppml_circuit *circuit, const char *backend,
                                const ppml_parallel *parallel, ppml_arena *arena) PPML_MUST_CHECK;

/* Opens an evaluation key without expanding it: ppml_infer then reads it in order, a few
 * steps at a time, once for each hidden layer and call, of an exact circuit once for each
 * round of its bootstraps, and memory does not grow with the key.  The reader must outlive
 * the key, and needs rewind for more than one reading; the key's digest is checked at the end
 * of each, before any result is given.  One ppml_infer at a time may use the key, whose reader
 * has one position: a second one, of another thread or from a callback, gets BUSY.  (Where the
 * compiler has no atomic exchange the second thread is not noticed: ppml_impl/base/busy.h.)
 *   threads  as the ppml_parallel of ppml_infer has, at most
 * Memory: ppml_eval_key_stream_bytes.  Errors: as ppml_eval_key_read. */
PPML_API size_t ppml_eval_key_stream_bytes(const ppml_params *params, size_t threads);
PPML_API int ppml_eval_key_stream(ppml_eval_key *key, ppml_reader *reader,
                                  const ppml_limits *limits, const ppml_circuit *circuit,
                                  const char *backend, size_t threads,
                                  ppml_arena *arena) PPML_MUST_CHECK;

/* Of a circuit that needs no evaluation key, whose set is a LINEAR one: what takes its place in ppml_infer
 * and ppml_eval_key_prepare, for the images of any client.
 * Memory: ppml_eval_key_none_bytes, 0 for a circuit that needs a key.
 * Errors: ARG, NAME, PARAMS (a circuit that needs a key), NOMEM, ARITHMETIC. */
PPML_API size_t ppml_eval_key_none_bytes(const ppml_circuit *circuit);
PPML_API int ppml_eval_key_none(ppml_eval_key *key, const ppml_circuit *circuit,
                                const char *backend, ppml_arena *arena) PPML_MUST_CHECK;

/* Optional, after reading: transforms a leveled circuit's weights once, which every ppml_infer
 * does otherwise, in a sixth of its time for one image.  Does nothing for other circuits.
 * Memory: ppml_eval_key_prepare_bytes; the weights stay, their scratch is given back.
 * Errors: ARG, MISMATCH (not the key's circuit), NOMEM. */
PPML_API size_t ppml_eval_key_prepare_bytes(const ppml_circuit *circuit);
PPML_API int ppml_eval_key_prepare(ppml_eval_key *key, const ppml_circuit *circuit,
                                   ppml_arena *arena) PPML_MUST_CHECK;

PPML_API int ppml_input_read(ppml_input *input, ppml_reader *reader, const ppml_limits *limits,
                             ppml_arena *arena) PPML_MUST_CHECK;
PPML_API int ppml_output_write(const ppml_output *output, ppml_writer *writer) PPML_MUST_CHECK;

/* Runs the circuit on encrypted images.
 *   output  out; in arena
 *   inputs  [images]
 * Memory: ppml_infer_bytes; what is above the output itself is scratch, given back.  A key
 * that was prepared takes less.
 * Errors: ARG, MISMATCH, NOMEM; of a streamed key also BUSY, IO and the input bytes'. */
PPML_API size_t ppml_infer_bytes(const ppml_circuit *circuit, size_t images, size_t threads);
PPML_API int ppml_infer(ppml_output *output, const ppml_circuit *circuit, const ppml_input *inputs,
                        size_t images, const ppml_eval_key *key, const ppml_parallel *parallel,
                        ppml_arena *arena) PPML_MUST_CHECK;

/* ---------------------------------------------------------- what steps cost */

/* For programs that time the steps of inference: what a step takes does not depend on its data, so
 * ciphertexts are noise, and keys may be. */

/* Steps of a set with a bootstrap, each on a batch of samples, then those of a leveled set. */
enum {
  PPML_STEP_KEY_SWITCH = 0,       /* of each sample */
  PPML_STEP_BOOTSTRAP = 1,        /* of each sample, with its key switch */
  PPML_STEP_EXTERNAL_PRODUCT = 2, /* a step of a blind rotation of each sample: with its transforms,
                                     one external product for each GGSW ciphertext of the step */
  PPML_STEP_GLWE_SWITCH = 3,      /* a key switch of a GLWE ciphertext */
  PPML_STEP_TRACE = 4,            /* an automorphism and such a key switch */
  PPML_STEP_PRODUCT = 5           /* a product of two ciphertexts, with its relinearization */
};

/* Ciphertexts to work on: for one thread at a time. */
typedef struct ppml_steps {
  const ppml_eval_key *key;
  size_t samples;
  struct ppmli_steps *work;
} ppml_steps;

/* Takes a batch of samples, one at least, for steps with key, which is not a streamed one.
 * Memory: ppml_steps_init_bytes.  Errors: ARG, NOMEM. */
PPML_API size_t ppml_steps_init_bytes(const ppml_params *params, size_t samples);
PPML_API int ppml_steps_init(ppml_steps *steps, const ppml_eval_key *key, size_t samples,
                             ppml_arena *arena) PPML_MUST_CHECK;

/* How many times a run on so many samples does what the step's name says; 0 where the set has no
 * such step. */
PPML_API size_t ppml_steps_count(const ppml_params *params, uint32_t step, size_t samples);

/* Takes a step on the first samples of the batch.  Errors: ARG (also for a step that the set does
 * not have, and more samples than there are). */
PPML_API int ppml_steps_run(ppml_steps *steps, uint32_t step, size_t samples) PPML_MUST_CHECK;

/* A key of numbers that mean nothing, whose ids are zeros.
 *   backend  one of ppml_backend_name, NULL for the best
 * Memory: ppml_eval_key_mimic_bytes.  Errors: ARG, NAME, NOMEM, ARITHMETIC. */
PPML_API size_t ppml_eval_key_mimic_bytes(const ppml_params *params);
PPML_API int ppml_eval_key_mimic(ppml_eval_key *key, const ppml_params *params, const char *backend,
                                 ppml_arena *arena) PPML_MUST_CHECK;

/* The transforms of polynomials of N = 2 points coefficients: points is a power of two, 128 to
 * 2048.  For one thread at a time. */
typedef struct ppml_transform {
  struct ppmli_transform *work;
} ppml_transform;

/* Memory: ppml_transform_init_bytes, 0 for what is no size.  Errors: ARG, NAME, NOMEM. */
PPML_API size_t ppml_transform_init_bytes(size_t points);
PPML_API int ppml_transform_init(ppml_transform *transform, size_t points, const char *backend,
                                 ppml_arena *arena) PPML_MUST_CHECK;

/*   is_inverse  0: a polynomial's digit into a spectrum, else a spectrum onto a polynomial
 * Errors: ARG. */
PPML_API int ppml_transform_run(ppml_transform *transform, int is_inverse) PPML_MUST_CHECK;
#endif

#ifndef PPML_NO_PLAN
/* ==================================================================== planning
  Lays a network out for a parameter set, says what comes of it, and simulates
 * it without keys. */

/* Bits of security of the weaker of the two keys, by docs/NOISE.md "Security". */
PPML_API double ppml_params_security_bits(const ppml_params *params);

/* ------------------------------------------------------------------ circuit */

/* Bits that all answers under one key should tell of it together, at most.  A key that may be
 * guessed so many times more easily is still far above 96 bits of security. */
#define PPML_KEY_LEAK_BITS 32

/* What a circuit is asked for. */
typedef struct ppml_compile_options {
  const ppml_params *params; /* the set, or NULL where automatic is 1 */
  double agreement;          /* share of images whose answer encryption must not change, as
                                predicted; 0: whatever comes of it */
  uint32_t publish;          /* scores that are to be published under one key, each with noise
                                added to hide the key: PPML_PUBLISH_MAX at most; 0: none, as of
                                spec.decides */
  uint32_t automatic;        /* 1: the fastest standard set that will do, exact the last */
} ppml_compile_options;

/* Neither params nor automatic, of which the caller sets one; agreement 0.995, to the power of the
 * labels where an image has several; no score to be published. */
PPML_API ppml_compile_options ppml_compile_options_default(const ppml_spec *spec);

/* That set, whatever agreement comes of it; no score to be published.  NULL, as of a mistyped name,
 * is told by ppml_compile. */
PPML_API ppml_compile_options ppml_compile_options_for(const ppml_params *params);

/* The network that tells the answer of another one in place of its scores: its last layer gets a sign
 * that is looked up by a bootstrap, of scores that are compared one for each two of them, and what comes out is
 * spec.decides.  Who decrypts an answer of it learns the class and nothing of how near it was.  The network in
 * the clear gives the same answers as before; margin_p05 is still that of the scores before the sign.
 *   decided  out: a whole network, to be compiled as any other.  It shares the model's arrays; what is new is
 *            in arena
 *   reason   out: on PARAMS why there is none, one line of English; else NULL.  May be NULL
 * Memory: ppml_decide_bytes; 0 of what is no model.
 * Errors: ARG (not a valid model), PARAMS, NOMEM. */
PPML_API size_t ppml_decide_bytes(const ppml_model *model);
PPML_API int ppml_decide(ppml_model *decided, const ppml_model *model, const char **reason,
                         ppml_arena *arena) PPML_MUST_CHECK;

/* Why ppml_compile made no circuit: of the sets that it tried, the one that came closest to what was asked
 * for, and the neuron to blame.  ppml_exact_refusal tells why not the exact set, where others were tried. */
typedef struct ppml_refusal {
  const char *reason;           /* one line of English */
  const ppml_params *params;    /* that set; NULL if a neuron has no room on the torus with any */
  uint32_t layer;               /* the one that has no room, or that makes most of the noise */
  uint32_t neuron;              /* of that layer */
  double layer_noise;           /* std of that accumulator, relative to its activation's width */
  double agreement;             /* what the set is predicted to reach */
  const ppml_params *too_large; /* a set under which the circuit, an image or the memory for one
                                   is beyond ppml_limits_default(); NULL: none of those tried */
} ppml_refusal;

/* Lays out model for a set that is predicted to keep what options ask for.
 *   circuit  out; shares the model's arrays, its own are in arena
 *   refusal  out on PARAMS; may be NULL
 * Memory: ppml_compile_bytes.
 * Errors: ARG (of a model: ppml_model_check says what is wrong with it), NAME (no set, and none is
 * to be chosen: what a mistyped name comes to), PARAMS (the set, or no set, can do it), NOMEM. */
PPML_API size_t ppml_compile_bytes(const ppml_model *model);
PPML_API int ppml_compile(ppml_circuit *circuit, const ppml_model *model,
                          const ppml_compile_options *options, ppml_refusal *refusal,
                          ppml_arena *arena) PPML_MUST_CHECK;

PPML_API int ppml_circuit_write(const ppml_circuit *circuit, ppml_writer *writer) PPML_MUST_CHECK;

/* What the client holds of a circuit. */
PPML_API void ppml_client_from_circuit(ppml_client *client, const ppml_circuit *circuit);

/* Why a model that is valid cannot be laid out exactly, as one line of English, or NULL.
 * Where it is NULL and ppml_compile still refuses, the network is too wide: the probability
 * of a wrong score would be above 2^-64. */
PPML_API const char *ppml_exact_refusal(const ppml_model *model);

/* The same of leveled sets, for a network of polynomials.  Where it is NULL and ppml_compile still
 * refuses, the set has fewer slots than there are neurons, or the noise is too large. */
PPML_API const char *ppml_leveled_refusal(const ppml_model *model);

/* log2 of the probability that a score of one image differs from ppml_model_predict's, at
 * most: -64 or less for an exact set, 0 for the others.  docs/NOISE.md "Exact inference". */
PPML_API double ppml_circuit_failure_log2(const ppml_circuit *circuit);

/* Programmable bootstraps of one image, and rounds of them, each of which needs the one before. */
PPML_API size_t ppml_circuit_pbs_count(const ppml_circuit *circuit);
PPML_API size_t ppml_circuit_pbs_rounds(const ppml_circuit *circuit);

/* Predicted noise, as standard deviations; formulas in docs/NOISE.md. */
typedef struct ppml_noise {
  double bootstrap;              /* of a bootstrap's output, relative to the torus */
  double layer[PPML_LAYERS_MAX]; /* at the worst accumulator, where it is rounded, relative
                                      to the width 2 range of its activation; for an exact
                                      set, relative to what changes a digit */
  double score;                  /* of a score, in score units */
  double changed_answers;        /* expected share of answers that differ from clear ones */
} ppml_noise;

PPML_API void ppml_circuit_noise(ppml_noise *noise, const ppml_circuit *circuit);

/* What is certified of a layer.  Noise as standard deviations relative to a turn, at the
 * worst of its accumulators; formulas in docs/NOISE.md. */
typedef struct ppml_layer_certificate {
  int64_t accumulator_bound; /* the largest |z| that any input leads to */
  int64_t accumulator_peak;  /* the largest peak of its neurons; 0 for scores */
  double dense_std;          /* of the accumulators before anything else */
  double key_switch_std;     /* that a key switch adds; 0 for scores, which have none */
  double rounding_std;       /* that the switch to 2 N positions adds, of scores to output_bits */
  double bootstrap_std;      /* of the activations; 0 for scores */
  double relative_std;       /* all that is rounded, relative to the activation's width */
  double wrong_activation;   /* probability, see PPML_ACTIVATION_WRONG */
} ppml_layer_certificate;

/* All that a circuit promises.  It follows from the circuit alone; its file carries it, and a
 * reader refuses a file whose certificate is not what it computes itself. */
typedef struct ppml_certificate {
  double agreement_wanted;    /* 0: nothing was */
  double agreement_predicted; /* the changed answers within a factor of two or three */
  double score_std;           /* noise of a score, in score units */
  uint64_t score_noise;       /* as the client spec has it */
  uint32_t answer_step;       /* likewise */
  uint32_t publish;           /* likewise */
  /* Bits that one answer tells of the key, on average over images like those of training: by
   * what it says, and by its probability at most besides.  0 where scores are free of noise but
   * for a failure; docs/NOISE.md "What an answer tells". */
  double answer_leak_bits, probability_leak_bits;
  uint32_t renew_after; /* PPML_KEY_LEAK_BITS over the sum of the two, as the client spec has it */
  double flooded_std;   /* of a score that is flooded for the budget, in score units */
  double flooded_agreement; /* of answers read off flooded scores, as predicted; 0 budget: 0 */
  double lwe_security_bits, glwe_security_bits;
  const char *security_estimate; /* how those were estimated */
  uint64_t bootstraps;           /* of one image */
  uint64_t eval_key_wire_bytes, input_wire_bytes, output_wire_bytes;
  uint64_t eval_key_bytes, infer_bytes; /* server's arenas: one thread, one image; of this build, */
  uint64_t keygen_bytes, encrypt_bytes; /* client's                           not in the file */
  uint32_t layer_count;
  ppml_layer_certificate layer[PPML_LAYERS_MAX];
  int64_t score_room; /* a score, with its noise, beyond this wraps to another; no image does that
                         where it is above the last layer's accumulator_bound */
} ppml_certificate;

PPML_API void ppml_circuit_certificate(ppml_certificate *certificate, const ppml_circuit *circuit);

/* The largest |score| of that output that training saw, but for one image in 4000; INT32_MAX
 * where scores do not tell, since they never wrap: of circuits with bootstraps; or there is no such
 * score. */
PPML_API int32_t ppml_circuit_score_peak(const ppml_circuit *circuit, uint32_t output);

/* -------------------------------------------------------------- simulation */

/* Scores of one image under draws of the noise that encryption is predicted to have: every
 * step of an encrypted run but the ciphertexts.
 *   scores [draws][spec.outputs]  out
 * Scratch: ppml_simulate_bytes.  Errors: ARG, RNG, NOMEM. */
PPML_API size_t ppml_simulate_bytes(const ppml_model *model);
PPML_API int ppml_simulate(int32_t *scores, const ppml_circuit *circuit, const uint8_t *pixels,
                           size_t draws, ppml_rng *rng, ppml_arena *arena) PPML_MUST_CHECK;

/* A number that every image adds to and noise makes random, of which draws are known: draw
 * for each draw of an image, then next.  Begin with zeros. */
typedef struct ppml_expectation {
  size_t images, least_draws;   /* least_draws: of any image */
  double mean, variance, third; /* of the sum over the images; central moments */
  size_t draws;                 /* of the image at hand, and their sums */
  double sum, squares, cubes;
} ppml_expectation;

/* How far off the noise formulas may be, as a share of a standard deviation. */
#define PPML_FORMULA_SHARE 0.05

/* What is expected, and where one encrypted run stays with some probability. */
typedef struct ppml_interval {
  double expected, low, high;
} ppml_interval;

PPML_API void ppml_expectation_draw(ppml_expectation *expectation, double value);
PPML_API void ppml_expectation_next(ppml_expectation *expectation);

/* Of the sum over the images.
 *   unit   size of the smallest event: 1 of a count
 *   slack  by how much the expectation itself may be wrong */
PPML_API ppml_interval ppml_expectation_interval(const ppml_expectation *expectation, double unit,
                                                 double slack, double confidence);

/* What to expect of an encrypted run over a set of images.  Begin with zeros. */
typedef struct ppml_outlook {
  ppml_expectation changed;       /* 1 where the answer is not the clear one */
  ppml_expectation squared_error; /* of an image's scores against the clear ones, summed */
  size_t scores;
} ppml_outlook;

/* Adds an image: its clear scores and those under draws of the noise. */
PPML_API void ppml_outlook_add(ppml_outlook *outlook, const ppml_spec *spec, const int32_t *clear,
                               const int32_t *scores, size_t draws);

/* Share of answers that are the clear ones, and standard deviation of the scores. */
PPML_API ppml_interval ppml_outlook_agreement(const ppml_outlook *outlook, double confidence);
PPML_API ppml_interval ppml_outlook_score_error(const ppml_outlook *outlook, double confidence);
#endif

#ifndef PPML_NO_TRAIN
/* ==================================================================== training
  Makes a network: trains one, or quantizes one that was trained elsewhere. */

/* ----------------------------------------------------------------- training */

/* Images and labels, in the caller's memory. */
typedef struct ppml_images {
  const uint8_t *pixels; /* [count][height][width][channels]; or as ppml_spec_image_bytes has it */
  const uint8_t *labels; /* [count][ppml_spec_answer_bytes()], as answers are */
  size_t count;
} ppml_images;

typedef struct ppml_train_options {
  uint32_t width, height, channels, classes;
  uint32_t task;
  uint32_t hidden[PPML_LAYERS_MAX - 1]; /* neurons of each hidden layer */
  uint32_t hidden_count;                /* 0: a linear model */
  uint32_t activation;       /* RELU, SIGN or CLIPPED_SQUARE; of one hidden layer POLYNOMIAL */
  uint32_t learn_polynomial; /* POLYNOMIAL: 0: z^2, 1: a z^2 + b z, learnt */
  uint32_t input_bits, weight_bits; /* weight_bits 2 is ternary; behind POLYNOMIAL it is 3 */
  uint32_t epochs;
  uint32_t patience; /* epochs of a seed without a better one, after which it ends; 0: never */
  uint32_t seeds;    /* networks that are trained, from `seed` on; the best is kept */
  uint64_t seed;
  double rate;  /* of the steps, at its highest */
  double decay; /* share of itself that a weight loses in a step, times the rate: of models without
                     hidden layers alone, as normalization holds the weights of others */
  double balance; /* 0: images weigh the same, 1: classes do */
  double warp;    /* strength of the changes to images, 1: augment.h's; 0: none */
  uint32_t flip;  /* 1: images may be mirrored left to right, 2: top to bottom, 3: both */
  const ppml_params *params; /* whose noise to train under; of POLYNOMIAL not looked at */
  uint32_t noiseless;        /* 1: under none, and params is NULL */
} ppml_train_options;

/* 16 squares (hidden {16}, POLYNOMIAL, not learnt), 4-bit inputs, ternary weights, 60 epochs,
 * patience 0, seeds 1 and 2, rate 0.005, balance 1, warp 1, no flips.  For another activation
 * give weight_bits 4 as well; the noise of "precise" is there for it. */
PPML_API ppml_train_options ppml_train_options_default(void);

/* Told after every epoch. */
typedef struct ppml_train_epoch {
  uint64_t seed;
  size_t epoch, epochs; /* done, and to do unless patience ends first */
  size_t run, runs;     /* of as many seeds */
  double loss;          /* mean over the epoch's images, weighted as classes are */
  double validation;    /* what the epochs are compared by, larger is better */
} ppml_train_epoch;

typedef struct ppml_train_watch {
  void (*epoch)(void *context, const ppml_train_epoch *epoch);
  void *context;
} ppml_train_watch;

/* Trains with quantization and noise in the loop, batch normalization and changed images,
 * and keeps the epoch and the seed that do best on validation: on changed copies of its
 * images, the same for all candidates, since the images as they are reward a network for
 * learning one hospital's framing.  What counts is the share of right answers, weighted as
 * the classes are; for LABELS it is minus the cross entropy.  The same seed gives the same
 * model, byte for byte, whatever the number of threads; and whatever the machine, where floats are
 * IEEE's, each operation is rounded to its own type (FLT_EVAL_METHOD 0, which -std=c99 does not have
 * on s390x nor on i386 without SSE2: gcc -fexcess-precision=fast, -msse2 -mfpmath=sse), and the
 * compiler contracts no two into one (-ffp-contract=off; no -ffast-math).  Elsewhere the seed gives
 * the same model on the same machine and build alone.
 *   model  out; its arrays live in arena
 * parallel and watch may be NULL.  ppml_train_bytes is 0 for options that ppml_train refuses.
 * Errors: ARG, NAME (params is NULL where there is noise to train under: what a mistyped name comes
 * to), NOMEM. */
PPML_API size_t ppml_train_bytes(const ppml_train_options *options, size_t train_count,
                                 size_t validation_count, size_t threads);
PPML_API int ppml_train(ppml_model *model, const ppml_train_options *options,
                        const ppml_images *train, const ppml_images *validation,
                        const ppml_parallel *parallel, const ppml_train_watch *watch,
                        ppml_arena *arena) PPML_MUST_CHECK;

/* A pooled network behind an encoder, and how it is trained. */
typedef struct ppml_pooled_options {
  uint32_t width, height, channels, classes; /* of images; of ready latents, theirs */
  uint32_t task;
  uint32_t encoder;        /* PPML_ENCODER_PATCHES or PPML_ENCODER_READY */
  uint32_t patch, latents; /* the encoder's patch and channels; of READY 1 and channels */
  uint32_t latent_bits;    /* 2..8 */
  uint32_t standardise;    /* as the encoder has it */
  uint32_t regions, reach; /* as the encoder has them */
  uint32_t linear;         /* linear weights that a channel has: 0: none; n: one for each of n x n
                               cells, 64 at most; PPML_POOLED_LINEAR_ALL: one for each latent */
  uint32_t weight_bits;    /* of squares, 2..8 */
  uint32_t copies;         /* changed ones of each training image, beside itself: up to 31; of
                               READY 0 */
  uint64_t seed;           /* of their changes */
  double warp;             /* strength of those, 0..3; 1: augment.h's */
  uint32_t flip;           /* as ppml_train_options has it */
  double balance;          /* 0: images weigh the same, 1: classes do */
  uint32_t gates;          /* channels of squeeze and excitation behind, 0 for none; GATES_MAX */
  uint32_t hidden;         /* clipped ReLU behind, 0 for none; not with gates */
} ppml_pooled_options;

#define PPML_GATES_MAX 48
#define PPML_POOLED_LINEAR_ALL UINT32_MAX

/* Patches of 8 x 8, 2 latents of 5 bits, standardised; 4 x 4 regions, reach 3, all linear weights,
 * 5-bit squares; 4 changed copies, seed 1, warp 1, no flips, balance 1. */
PPML_API ppml_pooled_options ppml_pooled_options_default(void);

/* Why there is no such network, or none that can be encrypted, as one line of English; NULL if
 * there is one.
 *   is_shape  out, or NULL: 1 where the encoder and the images do not fit each other */
PPML_API const char *ppml_pooled_refusal(const ppml_pooled_options *options, int *is_shape);

/* Told as training goes on. */
typedef struct ppml_pooled_told {
  size_t done, total;      /* samples made features; then penalties tried */
  double penalty;          /* 0 while there are samples to come */
  double loss, validation; /* cross entropies of training, with the penalty, and of validation */
  int is_head;             /* of what comes behind: epochs, of which there is no loss */
} ppml_pooled_told;

typedef struct ppml_pooled_watch {
  void (*step)(void *context, const ppml_pooled_told *told);
  void *context;
} ppml_pooled_watch;

/* Learns an encoder from the training images and trains a pooled network on its latents: logistic
 * regression, which has one answer, for a series of penalties on large weights, of which the one is
 * kept that does best on validation, as ppml_train has it; of ready latents on the validation
 * images as they are.  The same model, byte for byte, whatever the number of threads.
 *   model  out; its arrays live in arena
 * parallel and watch may be NULL.  ppml_train_pooled_bytes is 0 for options that are refused.
 * Errors: ARG, NOMEM; RANGE where all images are alike, and for a latent that is not finite. */
PPML_API size_t ppml_train_pooled_bytes(const ppml_pooled_options *options, size_t train_count,
                                        size_t validation_count, size_t threads);
PPML_API int ppml_train_pooled(ppml_model *model, const ppml_pooled_options *options,
                               const ppml_images *train, const ppml_images *validation,
                               const ppml_parallel *parallel, const ppml_pooled_watch *watch,
                               ppml_arena *arena) PPML_MUST_CHECK;

/* A network of one convolution with polynomials that was trained elsewhere.  Of values x of an image,
 * bytes as p / 255:
 *
 *   z_j     = bias_j + sum over channels i of kernel_ji * (x_i - mean_i) / std_i
 *   a_j     = mean over all places of  square_j z_j^2 + linear_j z_j + constant_j
 *   logit_c = dense_bias_c + sum over j of dense_cj a_j
 *
 * Places are all those that a kernel touches the image from, zeros being around it: a padding of
 * reach - 1 on each side. */
typedef struct ppml_convolution {
  uint32_t filters;                        /* 1..4096 */
  const float *kernel;                     /* [filters][channels][reach][reach] */
  const float *bias;                       /* [filters] */
  const float *square, *linear, *constant; /* [filters] */
  const float *dense;                      /* [outputs][filters] */
  const float *dense_bias;                 /* [outputs] */
  float mean[PPML_LATENT_CHANNELS_MAX], std[PPML_LATENT_CHANNELS_MAX];
} ppml_convolution;

/* The pooled network that comes closest to net, whose latents are the images' values, rounded.
 *   model    out; its arrays live in arena, whose rest is scratch, given back
 *   options  the shape of the images, the task, latent_bits, weight_bits and reach; patch 1, latents
 *            channels, regions 1, standardise 0, copies 0, linear ALL
 *   images   some hundreds or more, like those to come: weights are rounded by their features
 * ppml_quantize_convolution_bytes is 0 for what is refused.
 * Errors: ARG (also for values that are not finite), NOMEM; RANGE where all images are alike. */
PPML_API size_t ppml_quantize_convolution_bytes(const ppml_convolution *net,
                                                const ppml_pooled_options *options,
                                                size_t image_count);
PPML_API int ppml_quantize_convolution(ppml_model *model, const ppml_convolution *net,
                                       const ppml_pooled_options *options,
                                       const ppml_images *images,
                                       ppml_arena *arena) PPML_MUST_CHECK;

/* ------------------------------------------------------------ quantization */

/* A function of one value, which ppml_quantize samples wherever a network's values lie.  Returns a
 * number: what is infinite or none there is refused. */
typedef float (*ppml_float_function)(const void *context, float y);

/* A dense layer of floats:  y_j = bias_j + sum_i weight_ji a_i, and its activation
 *   0, RELU         a_j = clip(y_j, low, high)
 *   SIGN            a_j = 1 for y_j >= 0, else -1
 *   CLIPPED_SQUARE  a_j = y_j^2
 *   TABLE           a_j = function(y_j), of which the integer network has a table
 * The last layer has none: its results are logits. */
typedef struct ppml_float_layer {
  uint32_t inputs, outputs;
  const float *weight; /* [outputs][inputs] */
  const float *bias;   /* [outputs] */
  float low, high;     /* low < high; -INFINITY and INFINITY where there is no bound.  ReLU has
                          low = 0.  Of a clip alone */
  const float *lows, *highs; /* [outputs] instead, where neurons differ; NULL: they do not */
  uint32_t activation;
  ppml_float_function function; /* of TABLE */
  const void *context;          /* given to function */
  int is_homogeneous; /* function(c y) = c function(y) for all c > 0, as of a leaky ReLU: then
                         every neuron has a range of its own */
} ppml_float_layer;

/* A network that was trained elsewhere. */
typedef struct ppml_float_model {
  uint32_t width, height, channels, classes;
  uint32_t task;         /* as ppml_spec has it */
  float mean[4], std[4]; /* a byte p of channel c enters as (p / 255 - mean[c]) / std[c] */
  uint32_t layer_count;  /* the last one has the task's outputs, or 2 for two classes */
  ppml_float_layer layer[PPML_LAYERS_MAX]; /* the first one takes pixels channels last */
} ppml_float_model;

/* Logits of one image, with the network's own floats.
 *   logits [spec.outputs that ppml_quantize would set]  out; of two classes' the difference
 *   pixels [height][width][channels]
 * Scratch: ppml_float_predict_bytes.  Errors: ARG, NOMEM. */
PPML_API size_t ppml_float_predict_bytes(const ppml_float_model *net);
PPML_API int ppml_float_predict(float *logits, const ppml_float_model *net, const uint8_t *pixels,
                                ppml_arena *arena) PPML_MUST_CHECK;

/* The integer network that comes closest to net on these images, layer by layer.  Classes are
 * called by their numbers.  The same arguments give the same model.
 *   model  out; its arrays live in arena, whose rest is scratch, given back
 *   input_bits, weight_bits  as ppml_spec and ppml_layer have them; with 8 and 8 hardly an
 *                            answer changes
 *   images                   some hundreds or more, like those to come; labels are not looked at
 * ppml_quantize_bytes is 0 for a network that ppml_quantize refuses.
 * Errors: ARG (also for values that are not finite, and more inputs than 32-bit accumulators
 * take), NOMEM. */
PPML_API size_t ppml_quantize_bytes(const ppml_float_model *net, size_t image_count);
PPML_API int ppml_quantize(ppml_model *model, const ppml_float_model *net, uint32_t input_bits,
                           uint32_t weight_bits, const ppml_images *images,
                           ppml_arena *arena) PPML_MUST_CHECK;
#endif

#ifndef PPML_NO_LEARN
/* ==================================================================== learning
 * Linear models learnt by a server from images and labels that stay encrypted, docs/DESIGN.md
 * "Learning from encrypted images".  Who holds what:
 *
 *   owner   fits a feature map, which is public; makes a secret key and a learning key; encrypts
 *           training rows; opens the model that comes back
 *   server  has the learning key and the encrypted rows, and gives an encrypted model
 *
 * Everything that is made with a key is under one parameter set, ppml_learning_params. */

/* How a model is learnt. */
enum {
  PPML_LEARN_DESCENT = 1, /* the server learns, by steps of descent with bootstraps */
  PPML_LEARN_GRAM = 2, /* the server makes second moments, the key's owner solves for the model */
  PPML_LEARN_SUMS = 3  /* each owner makes second moments in the clear, the server adds them up: it
                             is aggregation, not learning from encrypted images */
};

/* Images that are read one at a time, so that they need not be in memory.
 *   read    the pixels of image number `index`; returns 0, or nonzero where that failed
 *   labels  [count][ppml_spec_answer_bytes()], or NULL where none are asked for */
typedef struct ppml_image_source {
  int (*read)(void *context, size_t index, uint8_t *pixels);
  void *context;
  const uint8_t *labels;
  size_t count;
} ppml_image_source;

/* The feature map: which whole numbers from -7 to 7 an image is to a learner. */
typedef struct ppml_features {
  ppml_spec spec; /* shape, classes and task; bits and thresholds are not looked at */
  uint32_t count; /* features but for the constant one, at most PPML_FEATURES_MAX */
  uint32_t batch; /* rows of a step of descent: a power of two */
  struct ppmli_frequency *frequency; /* [channels + count]  means of the channels first */
  int32_t *mean;                     /* [channels + count]  of the frequencies */
  uint8_t *shift;                    /* [count] */
  int16_t *weight;                   /* lower triangle: row i has i + 1 weights */
  struct ppmli_dct *dct;             /* tables of cosines */
  uint8_t id[PPML_ID_BYTES]; /* digest of all the above: names the map in what belongs to it */
} ppml_features;

#define PPML_FEATURES_MAX 256

#ifndef PPML_NO_TRAIN
/* Fits a map to images, whose labels are not looked at.  The map tells whoever has it the mean and
 * the covariance of these images' low frequencies, of no single image.
 *   map         out; its arrays live in arena
 *   spec        width, height, channels, classes and task; and the classes' names, numbers where the
 *               first one is empty
 *   count       features
 *   fit_images  how many images are looked at, at most all there are; 500 will do
 *   rng         of the changes to images.  Nothing secret: the same generator gives the same map
 * Memory: ppml_features_fit_bytes, 0 for a shape that ppml_features_fit refuses.
 * Errors: ARG (no images, a shape that cannot be), RANGE (images that are all alike), RNG, IO (an
 * image cannot be read), NOMEM. */
PPML_API size_t ppml_features_fit_bytes(const ppml_spec *spec, uint32_t count);
PPML_API int ppml_features_fit(ppml_features *map, const ppml_spec *spec, uint32_t count,
                               const ppml_image_source *images, size_t fit_images, ppml_rng *rng,
                               ppml_arena *arena) PPML_MUST_CHECK;
#endif

PPML_API int ppml_features_write(const ppml_features *map, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_features_read(ppml_features *map, ppml_reader *reader, const ppml_limits *limits,
                                ppml_arena *arena) PPML_MUST_CHECK;

/* ---- keys */

/* The parameter set of everything here. */
PPML_API const ppml_params *ppml_learning_params(void);

/* The client spec that a secret key for a map is made with: ppml_secret_key_generate.  Zeros where
 * map is not whole. */
PPML_API void ppml_client_from_features(ppml_client *client, const ppml_features *map);

/* The learning key: what the server needs to learn, and to classify by an encrypted model.
 * Memory: ppml_learning_key_generate_bytes.  Errors: ARG, RNG, NOMEM, IO.  CT. */
PPML_API size_t ppml_learning_key_wire_bytes(void);
PPML_API size_t ppml_learning_key_generate_bytes(size_t threads);
PPML_API int ppml_learning_key_generate(ppml_writer *writer, const ppml_secret_key *key,
                                        ppml_rng *rng, const ppml_parallel *parallel,
                                        const ppml_progress *progress,
                                        ppml_arena *arena) PPML_MUST_CHECK;

typedef struct ppml_learning_key {
  uint8_t map_id[PPML_ID_BYTES];
  uint8_t key_id[PPML_ID_BYTES];
  struct ppmli_packing_key *packing;
  ppml_eval_key eval; /* zeros where bootstraps were not asked for */
} ppml_learning_key;

/* Reads a learning key.
 *   with_bootstraps  1: all of it, for PPML_LEARN_DESCENT, 90 MB; 0: what the other methods and
 *                    classifying take, 2 MB
 *   backend          one of ppml_backend_name, NULL for the best
 * Memory: ppml_learning_key_read_bytes.  Errors: ARG, input bytes', NOMEM, ARITHMETIC. */
PPML_API size_t ppml_learning_key_read_bytes(int with_bootstraps, size_t threads);
PPML_API int ppml_learning_key_read(ppml_learning_key *key, ppml_reader *reader,
                                    const ppml_limits *limits, int with_bootstraps,
                                    const char *backend, const ppml_parallel *parallel,
                                    ppml_arena *arena) PPML_MUST_CHECK;

/* ---- training sets */

typedef struct ppml_learn_options {
  uint32_t method;
  uint32_t passes; /* of DESCENT, over all rows */
  double copies;   /* rows an image; 0: 1.5 where classes are balanced, 1 where images have several
                      labels */
  double ridge;    /* of GRAM and SUMS, in squared deviations of a feature */
} ppml_learn_options;

/* DESCENT, one pass, copies 0, ridge 0.001. */
PPML_API ppml_learn_options ppml_learn_options_default(void);

/* Which image each row of a training set is, and in which order.  Classes have the same number of
 * rows each, where an image has one class: its images as they are, then warped copies.  How many
 * rows there are follows from the number of images alone, never from their labels. */
typedef struct ppml_training_plan {
  uint32_t method;
  uint32_t features, outputs, batch; /* features with the constant one; outputs 0: no labels */
  uint64_t rows;
  const struct ppmli_training_plan *plan; /* in arena */
} ppml_training_plan;

/* Plans a set.
 *   plan     out
 *   source   with labels; with labels NULL: images that are to be classified, in their order
 *   options  method and copies
 * Memory: ppml_training_plan_make_bytes.  Errors: ARG (no images, too many, a label beyond the classes,
 * one class alone), RNG, NOMEM. */
PPML_API size_t ppml_training_plan_make_bytes(const ppml_features *map,
                                              const ppml_image_source *source,
                                              const ppml_learn_options *options);
PPML_API int ppml_training_plan_make(ppml_training_plan *plan, const ppml_features *map,
                                     const ppml_image_source *source,
                                     const ppml_learn_options *options, ppml_rng *rng,
                                     ppml_arena *arena) PPML_MUST_CHECK;

/* Encrypts a set, block by block: memory does not grow with the number of images.
 *   request  out, open: of images that are to be classified; may be NULL
 *   key      made with ppml_client_from_features of this map
 *   source   the one that the plan was made for
 * Memory: ppml_training_encrypt_bytes.  Errors: ARG, MISMATCH (the key is of another map), RNG,
 * NOMEM, IO.  CT: encryption's time depends on sizes alone. */
PPML_API size_t ppml_training_wire_bytes(const ppml_training_plan *plan);
PPML_API size_t ppml_training_encrypt_bytes(const ppml_training_plan *plan,
                                            const ppml_features *map, size_t threads);
PPML_API int ppml_training_encrypt(ppml_writer *writer, ppml_request *request,
                                   const ppml_training_plan *plan, const ppml_features *map,
                                   const ppml_image_source *source, const ppml_secret_key *key,
                                   ppml_rng *rng, const ppml_parallel *parallel,
                                   const ppml_progress *progress,
                                   ppml_arena *arena) PPML_MUST_CHECK;

/* What the file of a training set, or of an owner's sums, says of itself. */
typedef struct ppml_training {
  uint32_t method;
  uint32_t features, outputs, batch;
  uint64_t rows;
  uint8_t id[PPML_ID_BYTES]; /* of the set; of sums zeros */
  uint8_t map_id[PPML_ID_BYTES], key_id[PPML_ID_BYTES];
} ppml_training;

/* Reads the beginning of such a file.  Errors: ARG, input bytes'. */
PPML_API int ppml_training_read(ppml_training *training, ppml_reader *reader,
                                const ppml_limits *limits) PPML_MUST_CHECK;

/* ---- on the server */

/* What learning gives, encrypted: weights of DESCENT, second moments of the others. */
typedef struct ppml_learnt {
  const ppml_params *params;
  uint32_t method;
  uint32_t features, outputs, batch;
  uint64_t rows;      /* that it was learnt from, once each */
  uint64_t steps;     /* of descent, else 0 */
  uint32_t unit_log2; /* a value of 1 is 2^-unit_log2 of a turn */
  uint64_t *glwe;     /* [ciphertexts][2][N] */
  uint8_t map_id[PPML_ID_BYTES], key_id[PPML_ID_BYTES];
} ppml_learnt;

/* A run of learning, as its watch sees it. */
typedef struct ppml_learn_run {
  uint64_t done, steps;                /* steps of descent, blocks of GRAM, files of SUMS */
  uint64_t bootstraps_left;            /* of descent */
  const struct ppmli_descent *descent; /* NULL for the other methods */
  uint8_t run_id[PPML_ID_BYTES];       /* digest of the sets and the schedule */
} ppml_learn_run;

/* Told after each step, from the thread that called ppml_learn.  What it returns, if not PPML_OK,
 * ends the run with that error.  Of DESCENT ppml_checkpoint_write may be called here. */
typedef struct ppml_learn_watch {
  int (*step)(void *context, const ppml_learn_run *run);
  void *context;
} ppml_learn_watch;

/* Learns.
 *   learnt      out; in arena
 *   sets        [count] readers at the beginnings of training sets (of SUMS: of owners' sums), with
 *               rewind for DESCENT of several passes.  All under one key and of one map
 *   key         for DESCENT with bootstraps; for SUMS not looked at, and may be NULL
 *   options     method and passes
 *   checkpoint  NULL, or of a run of the same sets and options that was interrupted: it goes on from
 *               there, and ends with the same model bit for bit on the same backend
 *   watch       may be NULL
 * Memory: ppml_learn_bytes of the first set, which does not grow with the rows; beyond what the
 * result takes it is scratch, given back.
 * Errors: ARG, MISMATCH (sets of another key, map, method or shape; a checkpoint of another run),
 * PARAMS (more rows than GRAM has room for), the input bytes', NOMEM, IO, the watch's. */
PPML_API size_t ppml_learn_bytes(const ppml_training *first, size_t count, size_t threads);
PPML_API int ppml_learn(ppml_learnt *learnt, ppml_reader *sets, size_t count,
                        const ppml_learning_key *key, const ppml_learn_options *options,
                        const ppml_limits *limits, ppml_reader *checkpoint,
                        const ppml_learn_watch *watch, const ppml_parallel *parallel,
                        ppml_arena *arena) PPML_MUST_CHECK;

/* Saves a run of descent.  Errors: ARG, IO. */
PPML_API int ppml_checkpoint_write(const ppml_learn_run *run, ppml_writer *writer) PPML_MUST_CHECK;

PPML_API int ppml_learnt_write(const ppml_learnt *learnt, ppml_writer *writer) PPML_MUST_CHECK;
PPML_API int ppml_learnt_read(ppml_learnt *learnt, ppml_reader *reader, const ppml_limits *limits,
                              ppml_arena *arena) PPML_MUST_CHECK;

/* Classifies encrypted images by a model that stays encrypted, and writes the answer block by block.
 *   learnt  by DESCENT
 *   images  a reader at the beginning of a set without labels
 * Memory: ppml_classify_bytes.  Errors: ARG, MISMATCH, input bytes', NOMEM, IO. */
PPML_API size_t ppml_classify_bytes(const ppml_learnt *learnt);
PPML_API int ppml_classify(ppml_writer *writer, const ppml_learnt *learnt, ppml_reader *images,
                           const ppml_learning_key *key, const ppml_limits *limits,
                           ppml_arena *arena) PPML_MUST_CHECK;

/* ---- the owner again */

/* The weights that were learnt: a score is the sum of weights times features, 1 and -1 what labels
 * are.  They are approximate, and their last bits tell of the key: they stay with its owner, and
 * ppml_features_model rounds them.
 *   weights  [outputs][features]  out
 *   ridge    as ppml_learn_options has it
 * Scratch: ppml_learnt_weights_bytes.  Errors: ARG, MISMATCH, RANGE (moments that are none), NOMEM.
 * CT: up to the weights. */
PPML_API size_t ppml_learnt_weights_bytes(const ppml_learnt *learnt);
PPML_API int ppml_learnt_weights(double *weights, const ppml_learnt *learnt,
                                 const ppml_secret_key *key, double ridge,
                                 ppml_arena *arena) PPML_MUST_CHECK;

#ifndef PPML_NO_TRAIN
/* The ordinary model without hidden layers that weights of features are.
 *   model    out; its arrays live in arena
 *   weights  [outputs][count + 1]
 * Memory: ppml_features_model_bytes.  Errors: ARG (weights that are not finite, or beyond what 8
 * bits and biases hold), NOMEM. */
PPML_API size_t ppml_features_model_bytes(const ppml_features *map);
PPML_API int ppml_features_model(ppml_model *model, const ppml_features *map, const double *weights,
                                 ppml_arena *arena) PPML_MUST_CHECK;
#endif

/* Answers to images that an encrypted model classified, once the whole file was found in order.
 *   request  of these images; closed before the first answer
 *   take     called for each image in turn
 *   reader   must have rewind: the file is read twice
 * Memory: ppml_classified_decrypt_bytes.  Errors: ARG, MISMATCH, REQUEST, input bytes', NOMEM, IO.
 * CT: up to where scores lie between steps. */
PPML_API size_t ppml_classified_decrypt_bytes(void);
PPML_API int ppml_classified_decrypt(ppml_reader *reader, const ppml_limits *limits,
                                     ppml_request *request, const ppml_secret_key *key,
                                     void (*take)(void *context, uint64_t image,
                                                  const ppml_answer *answer),
                                     void *context, ppml_arena *arena) PPML_MUST_CHECK;

/* The digest of the request that a file of such answers is to, without its answers being read.
 *   digest [PPML_ID_BYTES]  out
 * Errors: ARG, input bytes'. */
PPML_API int ppml_classified_digest(uint8_t *digest, ppml_reader *reader,
                                    const ppml_limits *limits) PPML_MUST_CHECK;

/* What a run gives in the clear, or with the noise that its encrypted run is predicted to have.
 *   weights  [draws][outputs][features]  out
 *   plan     of the rows, with labels
 *   options  method, passes and ridge
 *   draws    runs, each with noise of its own; 1 where there is none
 *   rng      of the noise; NULL: none
 * Memory: ppml_learn_simulate_bytes; it grows with the rows.  Errors: ARG, RANGE, RNG, IO, NOMEM. */
PPML_API size_t ppml_learn_simulate_bytes(const ppml_training_plan *plan, const ppml_features *map);
PPML_API int ppml_learn_simulate(double *weights, const ppml_training_plan *plan,
                                 const ppml_features *map, const ppml_image_source *source,
                                 const ppml_learn_options *options, size_t draws, ppml_rng *rng,
                                 ppml_arena *arena) PPML_MUST_CHECK;
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* PPML_H: the API ends here */

#if defined(PPML_IMPLEMENTATION) && !defined(PPML_IMPLEMENTED)
#define PPML_IMPLEMENTED
#include "ppml_impl/api/api.h"

/* The address of the only set, as a constant: an exported client spec is constant data with it. */
#ifdef PPML_PARAMS_ONLY
#define PPML_ONLY_PARAMS (&ppmli_params_table[0])
#endif
#endif
