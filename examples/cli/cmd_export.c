/* ppml export: a circuit, client spec or model as a C header, whose arrays firmware uses in place. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "load.h"
#include "outputs.h"

#define NAME_BYTES_MAX 48
#define LINE_COLUMNS 100

typedef struct export_request {
  const char *in_path, *out_path, *name;
} export_request;

/* The header as it is written. */
typedef struct emitter {
  file_output *file;
  const char *name;           /* what all names begin with */
  char upper[NAME_BYTES_MAX]; /* the same for macros */
  int column;
} emitter;

static int name_is_valid(const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length >= NAME_BYTES_MAX || isdigit((unsigned char)name[0])) return 0;
  for (size_t i = 0; i < length; i++)
    if (!isalnum((unsigned char)name[i]) && name[i] != '_') return 0;
  return 1;
}

static int parse(export_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->out_path = args_output(&a, "-o");
  r->name = args_text(&a, "--name");
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->in_path = a.value[0];
  if (r->name && !name_is_valid(r->name))
    return cli_fail(CLI_USAGE, "export", "--name %s (expected a C name below %d characters)",
                    r->name, NAME_BYTES_MAX);
  return CLI_OK;
}

/* ------------------------------------------------------------------ writing */

/* Appends; an error is remembered by the file, which then does not commit. */
static void put(emitter *e, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static void put(emitter *e, const char *format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length > 0) (void)file_write(e->file, text, (size_t)length);
}

/* One number of an array, on a new line where it would be too long. */
static void put_number(emitter *e, int64_t number) {
  char text[32];
  int length = snprintf(text, sizeof text, " %" PRId64 ",", number);
  if (e->column + length > LINE_COLUMNS) {
    put(e, "\n ");
    e->column = 1;
  }
  put(e, "%s", text);
  e->column += length;
}

static void begin_array(emitter *e, const char *type, const char *what, uint32_t l, size_t count) {
  put(e, "static const %s %s_%s_%" PRIu32 "[%zu] = {\n ", type, e->name, what, l, count);
  e->column = 1;
}

static void end_array(emitter *e) {
  put(e, "\n};\n");
}

static void put_bytes(emitter *e, const char *what, uint32_t l, const int8_t *values,
                      size_t count) {
  begin_array(e, "int8_t", what, l, count);
  for (size_t i = 0; i < count; i++) put_number(e, values[i]);
  end_array(e);
}

static void put_words(emitter *e, const char *what, uint32_t l, const int32_t *values,
                      size_t count) {
  begin_array(e, "int32_t", what, l, count);
  for (size_t i = 0; i < count; i++) put_number(e, values[i]);
  end_array(e);
}

static void put_longs(emitter *e, const char *what, const int64_t *values, size_t count) {
  begin_array(e, "int64_t", what, 0, count);
  for (size_t i = 0; i < count; i++) put_number(e, values[i]);
  end_array(e);
}

static void put_pixels(emitter *e, const char *what, const uint8_t *values, size_t count) {
  begin_array(e, "uint8_t", what, 0, count);
  for (size_t i = 0; i < count; i++) put_number(e, values[i]);
  end_array(e);
}

/* A string literal; a '?' might begin a trigraph. */
static void put_string(emitter *e, const char *text) {
  put(e, "\"");
  for (; *text; text++) put(e, strchr("\\\"?", *text) ? "\\%c" : "%c", *text);
  put(e, "\"");
}

/* ------------------------------------------------------------------- parts */

static void put_begin(emitter *e, uint32_t kind) {
  put(e,
      "/* A ppml %s, written by `ppml export`.\n"
      " *\n"
      " * %s_init() fills the structure, which then uses the arrays below in place: they may lie\n"
      " * in flash, nothing is parsed or copied.  Include this behind ppml.h. */\n"
      "#ifndef %s_H\n#define %s_H\n\n#include <string.h>\n\n",
      ppml_kind_name(kind), e->name, e->upper, e->upper);
}

static void put_end(emitter *e) {
  put(e, "\n#endif\n");
}

/* A size as a macro, for static memory. */
static void put_size(emitter *e, const char *what, size_t bytes) {
  put(e, "#define %s_%s %zu\n", e->upper, what, bytes);
}

static void put_sizes_comment(emitter *e) {
  put(e,
      "/* Arena bytes for one thread and every vector backend, exact where pointers have %zu bits. "
      "*/\n",
      8 * sizeof(void *));
}

static void put_circuit_sizes(emitter *e, const ppml_circuit *c) {
  put_sizes_comment(e);
  put_size(e, "INFER_BYTES", ppml_infer_bytes(c, 1, 1));
  put_size(e, "EVAL_KEY_BYTES", ppml_eval_key_read_bytes(c->params, 1));
  put_size(e, "EVAL_KEY_STREAM_BYTES", ppml_eval_key_stream_bytes(c->params, 1));
  put(e, "\n");
}

/* Of reading the scores of one image; decryption itself takes none. */
static size_t output_read_bytes(const ppml_client *c) {
  enum { AROUND = 96 }; /* bytes of a container before and behind its payload, docs/FORMAT.md */
  ppml_header header = {PPML_KIND_OUTPUT, PPML_FORMAT_VERSION, c->params, 0, {0}, {0}};
  header.payload_bytes = ppml_output_wire_bytes(c->params, &c->spec, 1) - AROUND;
  return ppml_read_bytes(&header);
}

static void put_client_sizes(emitter *e, const ppml_client *c) {
  put_sizes_comment(e);
  put_size(e, "SECRET_KEY_BYTES", ppml_secret_key_generate_bytes(c->params));
  put_size(e, "KEYGEN_BYTES", ppml_eval_key_generate_bytes(c->params, 1));
  put_size(e, "ENCRYPT_BYTES", ppml_encrypt_bytes(c->params, &c->spec));
  put_size(e, "DECRYPT_BYTES", output_read_bytes(c));
  put(e, "/* The same piece by piece: ppml_eval_key_run_make, ppml_encrypt_to; ppml_decrypt_from "
         "takes none. */\n");
  put_size(e, "KEY_RUN_BYTES", ppml_eval_key_run_make_bytes(c->params));
  put_size(e, "ENCRYPT_TO_BYTES", ppml_encrypt_to_bytes(c->params, &c->spec));
  put(e, "\n/* Containers on the wire, the output of one image. */\n");
  put_size(e, "EVAL_KEY_WIRE_BYTES", ppml_eval_key_wire_bytes(c->params));
  put_size(e, "INPUT_WIRE_BYTES", ppml_input_wire_bytes(c->params, &c->spec));
  put_size(e, "OUTPUT_WIRE_BYTES", ppml_output_wire_bytes(c->params, &c->spec, 1));
  put(e, "\n");
}

static void put_id(emitter *e, const uint8_t id[PPML_ID_BYTES]) {
  put(e, "static const uint8_t %s_id[PPML_ID_BYTES] = {\n ", e->name);
  e->column = 1;
  for (int i = 0; i < PPML_ID_BYTES; i++) put_number(e, id[i]);
  end_array(e);
}

/* Values of a patch; 0 where there are none. */
static size_t patch_values(const ppml_spec *s) {
  if (s->encoder.kind != PPML_ENCODER_PATCHES) return 0;
  return (size_t)s->encoder.patch * s->encoder.patch * s->channels;
}

static void put_encoder_arrays(emitter *e, const ppml_spec *s) {
  const ppml_encoder *encoder = &s->encoder;
  if (encoder->kind == PPML_ENCODER_NONE) return;
  put(e, "\n");
  if (patch_values(s))
    put_bytes(e, "encoder_weight", 0, encoder->weight, encoder->channels * patch_values(s));
  if (encoder->standardise) return;
  put_words(e, "encoder_center", 0, encoder->center, encoder->channels);
  put_words(e, "encoder_spread", 0, encoder->spread, encoder->channels);
}

/* An array of the encoder, which has its own room for it. */
static void put_encoder_copy(emitter *e, const char *what) {
  put(e, "  memcpy(spec->encoder.%s, %s_encoder_%s_0, sizeof %s_encoder_%s_0);\n", what, e->name,
      what, e->name, what);
}

static void put_encoder(emitter *e, const ppml_spec *s) {
  const ppml_encoder *encoder = &s->encoder;
  const struct {
    const char *name;
    uint32_t value;
  } fields[] = {{"kind", encoder->kind},         {"patch", encoder->patch},
                {"channels", encoder->channels}, {"standardise", encoder->standardise},
                {"regions", encoder->regions},   {"reach", encoder->reach}};
  if (encoder->kind == PPML_ENCODER_NONE) return;
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    put(e, "  spec->encoder.%s = %" PRIu32 ";\n", fields[i].name, fields[i].value);
  put(e, "  spec->encoder.scale_log2 = %" PRId32 ";\n", encoder->scale_log2);
  if (patch_values(s)) put_encoder_copy(e, "weight");
  if (encoder->standardise) return;
  put_encoder_copy(e, "center");
  put_encoder_copy(e, "spread");
}

static void put_range(emitter *e, const ppml_range *range) {
  if (range->kind == PPML_RANGE_TYPE) return;
  put(e, "  spec->range.kind = %" PRIu32 ";\n", range->kind);
  put(e, "  spec->range.black = INT64_C(%" PRId64 ");\n", range->black);
  put(e, "  spec->range.white = INT64_C(%" PRId64 ");\n", range->white);
}

static void put_spec(emitter *e, const ppml_spec *s) {
  const struct {
    const char *name;
    uint32_t value;
  } fields[] = {{"width", s->width},           {"height", s->height},   {"channels", s->channels},
                {"input_bits", s->input_bits}, {"classes", s->classes}, {"outputs", s->outputs},
                {"score_unit", s->score_unit}, {"task", s->task},       {"decides", s->decides}};
  put_encoder_arrays(e, s);
  put(e, "\nstatic inline void %s_spec(ppml_spec *spec) {\n", e->name);
  put(e, "  memset(spec, 0, sizeof *spec);\n");
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
    put(e, "  spec->%s = %" PRIu32 ";\n", fields[i].name, fields[i].value);
  for (uint32_t k = 0; k < s->outputs; k++)
    if (s->threshold[k])
      put(e, "  spec->threshold[%" PRIu32 "] = %" PRId32 ";\n", k, s->threshold[k]);
  for (uint32_t k = 0; k < s->classes; k++) {
    put(e, "  memcpy(spec->class_name[%" PRIu32 "], ", k);
    put_string(e, s->class_name[k]);
    put(e, ", %zu);\n", strlen(s->class_name[k]));
  }
  put_encoder(e, s);
  put_range(e, &s->range);
  put(e, "}\n");
}

static void put_layer_arrays(emitter *e, const ppml_layer *layer, uint32_t l) {
  static const int8_t none = 0; /* behind features the first layer has no weights; C99 wants one */
  size_t weights = (size_t)layer->inputs * layer->outputs;
  put_bytes(e, "weight", l, weights ? layer->weight : &none, weights ? weights : 1);
  put_words(e, "bias", l, layer->bias, layer->outputs);
  if (layer->range) put_words(e, "range", l, layer->range, layer->outputs);
  if (layer->peak) put_words(e, "peak", l, layer->peak, layer->outputs);
  if (layer->table) put_bytes(e, "table", l, layer->table, PPML_TABLE_SIZE);
  if (layer->square) put_words(e, "square", l, layer->square, layer->outputs);
  if (layer->linear) put_words(e, "linear", l, layer->linear, layer->outputs);
}

static void put_layer(emitter *e, const ppml_layer *layer, uint32_t l) {
  const char *const names[] = {"weight", "bias", "range", "peak", "table", "square", "linear"};
  const int has[] = {1,
                     1,
                     layer->range != NULL,
                     layer->peak != NULL,
                     layer->table != NULL,
                     layer->square != NULL,
                     layer->linear != NULL};
  put(e, "  model->layer[%" PRIu32 "].inputs = %" PRIu32 ";\n", l, layer->inputs);
  put(e, "  model->layer[%" PRIu32 "].outputs = %" PRIu32 ";\n", l, layer->outputs);
  put(e, "  model->layer[%" PRIu32 "].activation = %" PRIu32 ";\n", l, layer->activation);
  put(e, "  model->layer[%" PRIu32 "].weight_bits = %" PRIu32 ";\n", l, layer->weight_bits);
  for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
    if (has[i])
      put(e, "  model->layer[%" PRIu32 "].%s = %s_%s_%" PRIu32 ";\n", l, names[i], e->name,
          names[i], l);
}

/* Sums that a pooled network has weights for, in all its regions. */
static size_t pooled_sums(const ppml_encoder *encoder) {
  size_t channels = encoder->channels, side = 2 * encoder->reach - 1, lags = side * side;
  size_t terms = channels * (lags + 1) / 2 + channels * (channels - 1) / 2 * lags;
  return terms * encoder->regions * encoder->regions;
}

static void put_pooled_arrays(emitter *e, const ppml_model *m) {
  const ppml_pooled *p = &m->pooled;
  ppml_latent_shape s = ppml_spec_latent_shape(&m->spec);
  size_t latents = (size_t)s.channels * s.height * s.width;
  size_t outputs = m->layer_count ? m->layer[0].outputs + p->gated : m->spec.outputs;
  put_bytes(e, "pooled_square", 0, p->square, outputs * pooled_sums(&m->spec.encoder));
  put_words(e, "pooled_linear", 0, p->linear, outputs * latents);
  put_longs(e, "pooled_bias", p->bias, outputs);
  put_longs(e, "pooled_peak", p->peak, outputs);
  if (p->mean) put_pixels(e, "pooled_mean", p->mean, patch_values(&m->spec));
  if (p->gated) put_words(e, "pooled_range", 0, p->range, p->gated);
}

static void put_pooled(emitter *e, const ppml_pooled *p) {
  const char *const names[] = {"square", "linear", "bias", "peak", "mean"};
  for (size_t i = 0; i < (p->mean ? 5 : 4); i++)
    put(e, "  model->pooled.%s = %s_pooled_%s_0;\n", names[i], e->name, names[i]);
  if (p->gated == 0) return;
  put(e, "  model->pooled.gated = %" PRIu32 ";\n", p->gated);
  put(e, "  model->pooled.range = %s_pooled_range_0;\n", e->name);
}

/* Is there a pooled network, whose features the layers take where there are any? */
static int has_pooled(const ppml_model *m) {
  return m->spec.encoder.kind != PPML_ENCODER_NONE;
}

/* Arrays and the function that fills a model, but for its id. */
static void put_model(emitter *e, const ppml_model *m) {
  for (uint32_t l = 0; l < m->layer_count; l++) put_layer_arrays(e, &m->layer[l], l);
  if (has_pooled(m)) put_pooled_arrays(e, m);
  put_spec(e, &m->spec);
  put(e, "\nstatic inline void %s_model(ppml_model *model) {\n", e->name);
  put(e, "  memset(model, 0, sizeof *model);\n  %s_spec(&model->spec);\n", e->name);
  put(e, "  model->layer_count = %" PRIu32 ";\n", m->layer_count);
  put(e, "  model->margin_p05 = %" PRIu32 ";\n", m->margin_p05);
  if (has_pooled(m)) put_pooled(e, &m->pooled);
  for (uint32_t l = 0; l < m->layer_count; l++) put_layer(e, &m->layer[l], l);
  put(e, "}\n");
}

static void put_id_of_model(emitter *e, const uint8_t id[PPML_ID_BYTES]) {
  put(e, "  static const uint8_t id[PPML_ID_BYTES] = {");
  for (int i = 0; i < PPML_ID_BYTES; i++) put(e, "%s%d", i ? ", " : "", id[i]);
  put(e, "};\n");
}

/* The parameter set, by name: the library has its numbers. */
static void put_params(emitter *e, const char *of, const ppml_params *params) {
  put(e, "  const ppml_params *params = ppml_params_by_name(\"%s\");\n", params->name);
  put(e, "  if (params == NULL || params->id != %" PRIu32 ") return PPML_ERR_PARAMS;\n",
      params->id);
  put(e, "  memset(%s, 0, sizeof *%s);\n", of, of);
  put(e, "  %s->params = params;\n", of);
}

/* ------------------------------------------------------------------- kinds */

static void put_whole_model(emitter *e, const ppml_model *m) {
  put_begin(e, PPML_KIND_MODEL);
  put_id(e, m->id);
  put_model(e, m);
  put(e, "\n/* Returns PPML_OK. */\nstatic inline int %s_init(ppml_model *model) {\n", e->name);
  put(e, "  %s_model(model);\n", e->name);
  put(e, "  memcpy(model->id, %s_id, PPML_ID_BYTES);\n  return PPML_OK;\n}\n", e->name);
  put_end(e);
}

static void put_whole_circuit(emitter *e, const ppml_circuit *c) {
  put_begin(e, PPML_KIND_CIRCUIT);
  put_circuit_sizes(e, c);
  put_id(e, c->id);
  for (uint32_t l = 0; l < c->model.layer_count; l++)
    put_words(e, "gain", l, c->gain[l], c->model.layer[l].outputs);
  put_model(e, &c->model);
  put(e,
      "\n/* Returns PPML_OK, or PPML_ERR_PARAMS if the library lacks the parameter set. */\n"
      "static inline int %s_init(ppml_circuit *circuit) {\n",
      e->name);
  put_id_of_model(e, c->model.id);
  put_params(e, "circuit", c->params);
  put(e, "  %s_model(&circuit->model);\n", e->name);
  if (c->model.layer_count == 0)
    put(e, "  circuit->unit[0] = UINT64_C(%" PRIu64 ");\n", c->unit[0]);
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    put(e, "  circuit->unit[%" PRIu32 "] = UINT64_C(%" PRIu64 ");\n", l, c->unit[l]);
    put(e, "  circuit->gain[%" PRIu32 "] = %s_gain_%" PRIu32 ";\n", l, e->name, l);
  }
  put(e, "  circuit->agreement = %.9f;\n", c->agreement);
  put(e, "  circuit->publish = %" PRIu32 ";\n", c->publish);
  put(e, "  memcpy(circuit->model.id, id, PPML_ID_BYTES);\n");
  put(e, "  memcpy(circuit->id, %s_id, PPML_ID_BYTES);\n  return PPML_OK;\n}\n", e->name);
  put_end(e);
}

/* Limits of a build that holds the spec: see PPML_CLASSES_MAX in ppml.h. */
static void put_limits(emitter *e, const ppml_spec *s) {
  put(e, "#if PPML_CLASSES_MAX < %" PRIu32, s->classes);
  if (patch_values(s))
    put(e, " || PPML_ENCODER_WEIGHTS_MAX < %zu", s->encoder.channels * patch_values(s));
  if (s->encoder.kind != PPML_ENCODER_NONE)
    put(e, " || PPML_LATENT_CHANNELS_MAX < %" PRIu32, s->encoder.channels);
  put(e, "\n#error \"%s: a limit of this build is too small\"\n#endif\n\n", e->name);
}

/* Numbers of an array within an initializer; there is one at least. */
static void put_list(emitter *e, const int32_t *values, size_t count) {
  put(e, "{");
  for (size_t i = 0; i < count; i++) put(e, "%s%" PRId32, i ? ", " : "", values[i]);
  put(e, count ? "}" : "0}");
}

static void put_constant_encoder(emitter *e, const ppml_encoder *encoder, size_t weights) {
  size_t channels = encoder->standardise ? 0 : encoder->channels;
  put(e,
      "   {%" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRId32
      ",\n    ",
      encoder->kind, encoder->patch, encoder->channels, encoder->standardise, encoder->regions,
      encoder->reach, encoder->scale_log2);
  put_list(e, encoder->center, channels);
  put(e, ", ");
  put_list(e, encoder->spread, channels);
  put(e, ",\n    {");
  e->column = 5;
  for (size_t i = 0; i < weights; i++) put_number(e, encoder->weight[i]);
  put(e, weights ? "}},\n" : "0}},\n");
}

static void put_constant_spec(emitter *e, const ppml_spec *s) {
  put(e,
      "  {%" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32 ", %" PRIu32
      ",\n   {",
      s->width, s->height, s->channels, s->input_bits, s->classes, s->outputs, s->score_unit);
  for (uint32_t k = 0; k < s->classes; k++) {
    put(e, k ? ", " : "");
    put_string(e, s->class_name[k]);
  }
  put(e, "}, %" PRIu32 ",\n   ", s->task);
  put_list(e, s->threshold, s->outputs);
  put(e, ",\n");
  put_constant_encoder(e, &s->encoder, s->encoder.channels * patch_values(s));
  put(e, "   {%" PRIu32 ", INT64_C(%" PRId64 "), INT64_C(%" PRId64 ")}, %" PRIu32 "},\n",
      s->range.kind, s->range.black, s->range.white, s->decides);
}

/* The structure itself, where the address of its set is known to the compiler. */
static void put_constant_client(emitter *e, const ppml_client *c) {
  put(e,
      "\n/* The same as constant data, which may lie in flash: in the unit with the "
      "implementation, of\n"
      " * a build for this set alone. */\n"
      "#ifdef PPML_ONLY_PARAMS\n#if PPML_PARAMS_ONLY != %" PRIu32
      "\n#error \"%s: of another set than this build\"\n#endif\n",
      c->params->id, e->name);
  put(e, "static const ppml_client %s_constant = {\n", e->name);
  put_constant_spec(e, &c->spec);
  put(e,
      "  PPML_ONLY_PARAMS, UINT64_C(%" PRIu64 "), UINT64_C(%" PRIu64 "), %" PRIu32 ", %" PRIu32
      ", UINT32_C(%" PRIu32 "),\n  ",
      c->score_unit, c->score_noise, c->answer_step, c->publish, c->renew_after);
  put_list(e, c->score_peak, c->spec.outputs);
  put(e, ",\n  {");
  for (int i = 0; i < PPML_ID_BYTES; i++) put(e, "%s%d", i ? ", " : "", c->circuit_id[i]);
  put(e, "}};\n#endif\n");
}

static void put_whole_client(emitter *e, const ppml_client *c) {
  put_begin(e, PPML_KIND_CLIENT);
  put_limits(e, &c->spec);
  put_client_sizes(e, c);
  put_id(e, c->circuit_id);
  put_spec(e, &c->spec);
  put(e,
      "\n/* Returns PPML_OK, or PPML_ERR_PARAMS if the library lacks the parameter set. */\n"
      "static inline int %s_init(ppml_client *client) {\n",
      e->name);
  put_params(e, "client", c->params);
  put(e, "  %s_spec(&client->spec);\n", e->name);
  put(e, "  client->score_unit = UINT64_C(%" PRIu64 ");\n", c->score_unit);
  put(e, "  client->score_noise = UINT64_C(%" PRIu64 ");\n", c->score_noise);
  put(e, "  client->answer_step = %" PRIu32 ";\n", c->answer_step);
  put(e, "  client->publish = %" PRIu32 ";\n", c->publish);
  put(e, "  client->renew_after = UINT32_C(%" PRIu32 ");\n", c->renew_after);
  for (uint32_t s = 0; s < c->spec.outputs; s++)
    put(e, "  client->score_peak[%" PRIu32 "] = %" PRId32 ";\n", s, c->score_peak[s]);
  put(e, "  memcpy(client->circuit_id, %s_id, PPML_ID_BYTES);\n  return PPML_OK;\n}\n", e->name);
  put_constant_client(e, c);
  put_end(e);
}

/* ---------------------------------------------------------------------- run */

/* Begins the header of an object that has been read. */
static int begin(emitter *e, file_output *file, const export_request *r, const char *name) {
  memset(e, 0, sizeof *e);
  e->file = file;
  e->name = r->name ? r->name : name;
  for (size_t i = 0; e->name[i]; i++) e->upper[i] = (char)toupper((unsigned char)e->name[i]);
  return outputs_begin(file, r->out_path, 0666);
}

static int commit(file_output *file, const export_request *r) {
  return outputs_commit(file, &r->out_path, 1);
}

static int export_model(const export_request *r, file_output *file) {
  emitter e;
  ppml_model model;
  ppml_arena arena;
  int status = load_model(&model, r->in_path, &arena);
  if (status) return status;
  status = begin(&e, file, r, "model");
  if (status == CLI_OK) {
    put_whole_model(&e, &model);
    status = commit(file, r);
  }
  cli_arena_destroy(&arena);
  return status;
}

static int export_circuit(const export_request *r, file_output *file) {
  emitter e;
  ppml_circuit circuit;
  ppml_arena arena;
  int status = load_circuit(&circuit, r->in_path, &arena);
  if (status) return status;
  status = begin(&e, file, r, "circuit");
  if (status == CLI_OK) {
    put_whole_circuit(&e, &circuit);
    status = commit(file, r);
  }
  cli_arena_destroy(&arena);
  return status;
}

static int export_client(const export_request *r, file_output *file) {
  emitter e;
  ppml_client client;
  int status = load_client(&client, r->in_path);
  if (status == CLI_OK) status = begin(&e, file, r, "client");
  if (status) return status;
  put_whole_client(&e, &client);
  return commit(file, r);
}

int cmd_export(int argc, char **argv) {
  static file_output file;
  export_request r;
  ppml_header header;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_header(&header, r.in_path);
  if (status) return status;
  if (header.kind == PPML_KIND_MODEL) return export_model(&r, &file);
  if (header.kind == PPML_KIND_CIRCUIT) return export_circuit(&r, &file);
  if (header.kind == PPML_KIND_CLIENT) return export_client(&r, &file);
  return cli_fail(CLI_DATA, r.in_path, "a %s (expected a circuit, client spec or model)",
                  ppml_kind_name(header.kind));
}
