/* make_container_corpus.c - writes the seeds of the containers' fuzz targets, from the root:
 *
 *     cc -I. -D_DEFAULT_SOURCE -o /tmp/make_corpus tests/gen/make_container_corpus.c -lm
 *     /tmp/make_corpus fuzz/corpus
 *
 * fuzz/corpus/ENTRY/NAME: a valid container of each kind, of the evaluation key its beginning, and
 * some that are broken behind right digests. */
#include "../containers.h"

#include <stdio.h>
#include <sys/stat.h>

#define TEST_STATIC static PPMLI_UNUSED
#include "../unchecked.h"

static const char *const entries[] = {NULL,       "model", "circuit", "client",    "secret_key",
                                      "eval_key", "input", "output",  "secret_key"};

static const char *root;

static void save(uint32_t kind, const char *name, const uint8_t *bytes, size_t count) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", root, entries[kind]);
  mkdir(path, 0755);
  int is_alone = kind == PPML_KIND_SECRET_KEY; /* in the folder of those with a client spec */
  snprintf(path, sizeof path, "%s/%s/%s%s", root, entries[kind], name, is_alone ? "_alone" : "");
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
    perror(path);
    exit(1);
  }
}

/* The container with one 32-bit word changed and its digests mended. */
static void save_changed(uint32_t kind, const char *name, const uint8_t *bytes, size_t count,
                         size_t at, uint32_t word) {
  uint8_t copy[CONTAINERS_BYTES_MAX];
  memcpy(copy, bytes, count);
  ppmli_store32(copy + at, word);
  if (kind == PPML_KIND_EVAL_KEY) container_mend_digests(copy, count);
  else container_mend(copy, count);
  save(kind, name, copy, count);
}

static void save_kind(const containers *c, uint32_t kind) {
  uint8_t bytes[CONTAINERS_BYTES_MAX], damaged[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, kind == PPML_KIND_EVAL_KEY ? 1000 : sizeof bytes, c, kind);
  save(kind, kind == PPML_KIND_EVAL_KEY ? "bad_truncated" : "valid", bytes, count);
  save(kind, "bad_empty", bytes, 0);
  save(kind, "bad_header_only", bytes, PPMLI_HEADER_BYTES);
  memcpy(damaged, bytes, count);
  damaged[count - 1] ^= 1;
  save(kind, "bad_checksum", damaged, count);
  memcpy(damaged, bytes, count);
  damaged[count] = 0;
  save(kind, "bad_trailing", damaged, count + 1);
  save_changed(kind, "bad_version", bytes, count, 8, 99 | kind << 16);
  save_changed(kind, "bad_kind", bytes, count, 8, PPML_FORMAT_VERSION | (kind % 7 + 1) << 16);
  save_changed(kind, "bad_params", bytes, count, 12, 99);
  save_changed(kind, "bad_first_word", bytes, count, PPMLI_HEADER_BYTES, 0xffffffff);
}

/* Counts and widths that a parser must not believe; offsets from docs/FORMAT.md. */
static void save_hostile(const containers *c, uint32_t kind) {
  static const struct {
    const char *name;
    size_t at;
    uint32_t word;
  } spec[] = {{"bad_width_huge", 0, 0xffffffff},
              {"bad_height_zero", 4, 0},
              {"bad_input_bits", 12, 9},
              {"bad_classes_huge", 16, 0x7fffffff},
              {"bad_outputs", 20, 2},
              {"bad_name", 28, 0x01020304}},
    model[] = {{"bad_task", 76, 3},
               {"bad_threshold", 80, 0x80000000},
               {"bad_layers_huge", 84, 0xffff},
               {"bad_layers_none", 84, 0},
               {"bad_inputs_huge", 92, 0xffff},
               {"bad_neurons_huge", 96, 4096},
               {"bad_activation", 100, 6},
               {"bad_weight_bits", 104, 1},
               {"bad_weight", 108, 0x7f7f7f7f},
               {"bad_bias", 120, 0x80000000},
               {"bad_range", 128, 0},
               {"bad_peak", 136, 0x7fffffff}};
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, sizeof bytes, c, kind);
  for (size_t i = 0; i < sizeof spec / sizeof spec[0]; i++)
    save_changed(kind, spec[i].name, bytes, count, PPMLI_HEADER_BYTES + spec[i].at, spec[i].word);
  if (kind != PPML_KIND_MODEL && kind != PPML_KIND_CIRCUIT) return;
  for (size_t i = 0; i < sizeof model / sizeof model[0]; i++)
    save_changed(kind, model[i].name, bytes, count, PPMLI_HEADER_BYTES + model[i].at,
                 model[i].word);
}

static void save_circuit(const char *name, const ppml_circuit *circuit) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  if (unchecked_circuit_write(circuit, &writer)) abort();
  save(PPML_KIND_CIRCUIT, name, bytes, writer.position);
}

/* A promise beyond 1, one that cannot be kept, and noise other than certified. */
static void save_certificates(const containers *c) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, sizeof bytes, c, PPML_KIND_CIRCUIT);
  size_t at = PPMLI_HEADER_BYTES + ppmli_circuit_wire_bytes(&c->objects.circuit);
  save_changed(PPML_KIND_CIRCUIT, "bad_promise", bytes, count, at, 0xffffffff);
  save_changed(PPML_KIND_CIRCUIT, "bad_promise_kept", bytes, count, at, 1000000000);
  save_changed(PPML_KIND_CIRCUIT, "bad_certificate", bytes, count, at + 16, 12345);
  save_changed(PPML_KIND_CIRCUIT, "bad_budget", bytes, count, at + 4, PPML_PUBLISH_MAX + 1);
}

/* Scores of two gains, of which a client knows one: nothing but the check of gains refuses it. */
static void save_unequal_gains(containers *c) {
  static const int8_t last[] = {7, -3, 2, 5, -1, 4};
  static const int32_t shift[] = {-5, 0, 9};
  ppml_model m = c->objects.model;
  ppml_circuit circuit;
  m.spec.classes = m.spec.outputs = 3;
  memcpy(m.spec.class_name[2], "unknown", sizeof "unknown");
  m.layer[1].outputs = 3;
  m.layer[1].weight = last;
  m.layer[1].bias = shift;
  if (container_compile(&circuit, &m, ppml_params_by_name("fast"), &c->arena)) abort();
  int32_t gain[] = {2, 1, 2};
  circuit.gain[1] = gain;
  circuit.unit[1] /= 2;
  ppmli_circuit_set_id(&circuit);
  save_circuit("bad_gains", &circuit);
}

/* Two neurons with ranges that exact inference can carry. */
static void save_exact(containers *c) {
  static const int32_t range[] = {127, 127}, peak[] = {250, 200};
  ppml_model m = c->objects.model;
  ppml_circuit circuit;
  m.layer[0].activation = PPML_ACTIVATION_RELU;
  m.layer[0].table = NULL;
  m.layer[0].range = range;
  m.layer[0].peak = peak;
  if (container_compile(&circuit, &m, ppml_params_by_name("exact"), &c->arena)) abort();
  save_circuit("exact", &circuit);
}

static void save_ciphertexts(const containers *c) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, sizeof bytes, c, PPML_KIND_INPUT);
  save_changed(PPML_KIND_INPUT, "bad_blocks_none", bytes, count, 112, 0);
  save_changed(PPML_KIND_INPUT, "bad_blocks_two", bytes, count, 112, 2);
  save_changed(PPML_KIND_INPUT, "bad_blocks_huge", bytes, count, 112, 0xffffffff);
  count = containers_write(bytes, sizeof bytes, c, PPML_KIND_OUTPUT);
  save_changed(PPML_KIND_OUTPUT, "bad_images_none", bytes, count, 80, 0);
  save_changed(PPML_KIND_OUTPUT, "bad_outputs_huge", bytes, count, 84, 0x80000001);
  count = containers_write(bytes, sizeof bytes, c, PPML_KIND_CLIENT);
  save_changed(PPML_KIND_CLIENT, "bad_unit", bytes, count, count - 48 + 4, 0x100);
  save_changed(PPML_KIND_CLIENT, "bad_noise", bytes, count, count - 40 + 4, 0);
  save_changed(PPML_KIND_CLIENT, "bad_step", bytes, count, count - 32, 1);
  save_changed(PPML_KIND_CLIENT, "bad_publish", bytes, count, count - 28, PPML_PUBLISH_MAX + 1);
}

/* ---------------------------------------------------------- leveled sets */

/* Every kind, and of the evaluation key its beginning. */
static void save_leveled_kinds(const containers *c) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_SECRET_KEY; kind++) {
    int is_key = kind == PPML_KIND_EVAL_KEY;
    size_t count = containers_write(bytes, is_key ? 1000 : sizeof bytes, c, kind);
    save(kind, is_key ? "bad_leveled_truncated" : "leveled", bytes, count);
  }
}

/* Polynomials and peaks beyond their bounds; behind them, in a circuit, units and gains. */
static void save_leveled_hostile(const containers *c, uint32_t kind) {
  static const struct {
    const char *name;
    size_t at;
    uint32_t word;
  } field[] = {{"bad_leveled_square", 128, 128},
               {"bad_leveled_square_least", 128, 0x80000000},
               {"bad_leveled_linear", 136, 0x20000001},
               {"bad_leveled_linear_least", 136, 0x80000000},
               {"bad_leveled_behind", 152, PPML_ACTIVATION_POLYNOMIAL},
               {"bad_leveled_shift", 162, 0x80000000},
               {"bad_leveled_peak_none", 166, 0},
               {"bad_leveled_peak_huge", 166, 0x7fffffff},
               {"bad_leveled_unit", 170, 1},
               {"bad_leveled_gain", 178, 2},
               {"bad_leveled_score_gain", 194, 2}};
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, sizeof bytes, c, kind);
  size_t end = PPMLI_HEADER_BYTES + ppmli_model_wire_bytes(&c->objects.model);
  for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
    if (kind == PPML_KIND_CIRCUIT || PPMLI_HEADER_BYTES + field[i].at < end)
      save_changed(kind, field[i].name, bytes, count, PPMLI_HEADER_BYTES + field[i].at,
                   field[i].word);
}

/* The network with other numbers in its polynomials, each for both neurons. */
static void save_polynomials(const containers *c, const char *name, const int32_t *bias,
                             const int32_t *square, const int32_t *linear, int32_t peak) {
  static const int32_t shift[] = {1 << 30};
  static const int8_t last[] = {1, -1};
  ppml_model m = c->objects.model;
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  m.layer[0].bias = bias;
  m.layer[0].square = square;
  m.layer[0].linear = linear;
  m.layer[1].weight = last;
  m.layer[1].weight_bits = 2;
  m.layer[1].bias = shift;
  m.layer[1].peak = &peak;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  if (ppml_model_write(&m, &writer)) abort();
  save(PPML_KIND_MODEL, name, bytes, writer.position);
}

/* The largest sums that a valid network may have, 2^62: of the largest accumulators, which fit
 * no leveled set, and of the largest squares, with scores that fit all of them. */
static void save_extremes(const containers *c) {
  static const int32_t bias[] = {(1 << 30) - 120, 120 - (1 << 30)}, square[] = {1, -1};
  static const int32_t none[] = {0, 0}, most[] = {127, 127}, linear[] = {0, 1 << 29};
  static const int32_t less[] = {(1 << 27) - 120, 0};
  save_polynomials(c, "leveled_extreme", bias, square, none, 1 << 30);
  save_polynomials(c, "leveled_squares", less, most, linear, 1);
}

static void save_leveled(void) {
  containers c;
  containers_make_leveled(&c);
  save_leveled_kinds(&c);
  save_leveled_hostile(&c, PPML_KIND_MODEL);
  save_leveled_hostile(&c, PPML_KIND_CIRCUIT);
  save_extremes(&c);
  containers_free(&c);
}

/* ------------------------------------------------------------------ range */

/* A model with a range in its spec, and ranges that no reader may believe. */
static void save_range(const containers *c) {
  ppml_model m = c->objects.model;
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  m.spec.range.kind = PPML_RANGE_VALUES;
  m.spec.range.black = -((int64_t)1024 << 20);
  m.spec.range.white = (int64_t)3071 << 20;
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  if (ppml_model_write(&m, &writer)) abort();
  size_t at = PPMLI_HEADER_BYTES + ppmli_spec_wire_bytes(&m.spec) - PPMLI_RANGE_WIRE_BYTES;
  save(PPML_KIND_MODEL, "range", bytes, writer.position);
  save_changed(PPML_KIND_MODEL, "bad_range_kind", bytes, writer.position, at, 3);
  save_changed(PPML_KIND_MODEL, "bad_range_none", bytes, writer.position, at, 0);
  save_changed(PPML_KIND_MODEL, "bad_range_huge", bytes, writer.position, at + 16, 0x7fffffff);
  save_changed(PPML_KIND_MODEL, "bad_range_below", bytes, writer.position, at + 16, 0x80000000);
}

/* ------------------------------------------------------------- linear set */

/* Every kind, there being no evaluation key; and peaks, units, gains and words that no reader may believe. */
static void save_linear(void) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  containers c;
  containers_make_linear(&c);
  size_t end = PPMLI_HEADER_BYTES + ppmli_model_wire_bytes(&c.objects.model);
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_SECRET_KEY; kind++) {
    if (kind == PPML_KIND_EVAL_KEY) continue;
    size_t count = containers_write(bytes, sizeof bytes, &c, kind);
    save(kind, "linear", bytes, count);
    if (kind == PPML_KIND_MODEL)
      save_changed(kind, "linear_peak_unknown", bytes, count, end - 4, 0);
    if (kind == PPML_KIND_MODEL || kind == PPML_KIND_CIRCUIT)
      save_changed(kind, "bad_linear_peak_huge", bytes, count, end - 4, 0x7fffffff);
    if (kind == PPML_KIND_CIRCUIT) {
      save_changed(kind, "bad_linear_unit", bytes, count, end, 1);
      save_changed(kind, "bad_linear_gain", bytes, count, end + 8, 2);
    }
    if (kind == PPML_KIND_CLIENT) {
      save_changed(kind, "bad_linear_unit", bytes, count, count - 48, 1);
      save_changed(kind, "bad_linear_unit_small", bytes, count, count - 48 + 4, 0);
    }
    if (kind == PPML_KIND_INPUT) {
      save_changed(kind, "bad_linear_words_none", bytes, count, 112, 0);
      save_changed(kind, "bad_linear_words_more", bytes, count, 112, CONTAINERS_PIXELS + 1);
      save_changed(kind, "bad_linear_words_huge", bytes, count, 112, 0xffffffff);
    }
  }
  containers_free(&c);
}

/* ----------------------------------------------------------- pooled sets */

/* Encoders and networks that no reader may believe; the circuit's unit behind them. */
static void save_pooled_hostile(const containers *c, uint32_t kind) {
  static const struct {
    const char *name;
    size_t at;
    uint32_t word;
  } field[] = {{"bad_pooled_no_encoder", 76, 0},
               {"bad_pooled_kind", 84, 3},
               {"bad_pooled_patch", 88, 16},
               {"bad_pooled_channels_huge", 92, 0xffffffff},
               {"bad_pooled_standardise", 96, 2},
               {"bad_pooled_regions_none", 100, 0},
               {"bad_pooled_reach_huge", 104, 0x7fffffff},
               {"bad_pooled_scale", 108, 99},
               {"bad_pooled_layers", 113, 1},
               {"bad_pooled_bias_huge", 142, 0x7fffffff},
               {"bad_pooled_peak_none", 146, 0},
               {"bad_pooled_unit", 155, 1}};
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  size_t count = containers_write(bytes, sizeof bytes, c, kind);
  size_t end = PPMLI_HEADER_BYTES + (kind == PPML_KIND_CIRCUIT ? 163
                                     : kind == PPML_KIND_MODEL ? 155
                                                               : 113);
  for (size_t i = 0; i < sizeof field / sizeof field[0]; i++)
    if (PPMLI_HEADER_BYTES + field[i].at < end)
      save_changed(kind, field[i].name, bytes, count, PPMLI_HEADER_BYTES + field[i].at,
                   field[i].word);
}

static void save_pooled(void) {
  uint8_t bytes[CONTAINERS_BYTES_MAX];
  containers c;
  containers_make_pooled(&c);
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_KEYRING; kind++) {
    size_t count = containers_write(bytes, sizeof bytes, &c, kind);
    save(kind, "pooled", bytes, count);
    save_pooled_hostile(&c, kind);
  }
  containers_free(&c);
}

int main(int argc, char **argv) {
  containers c;
  if (argc != 2) {
    fprintf(stderr, "usage: make_container_corpus FOLDER\n");
    return 2;
  }
  root = argv[1];
  containers_make(&c);
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_SECRET_KEY; kind++) save_kind(&c, kind);
  for (uint32_t kind = PPML_KIND_MODEL; kind <= PPML_KIND_KEYRING; kind++) save_hostile(&c, kind);
  save_certificates(&c);
  save_ciphertexts(&c);
  save_unequal_gains(&c);
  save_exact(&c);
  save_range(&c);
  containers_free(&c);
  save_leveled();
  save_linear();
  save_pooled();
  return 0;
}
