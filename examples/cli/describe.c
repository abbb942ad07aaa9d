#include "describe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "learning.h"

/* A description is written once, as members of an object; for people the same members
 * come out as lines, nested names joined by a space. */
static int as_json;
static int indent;

static void open_object(const char *name) {
  if (as_json) json_begin(name, '{');
  else if (name) printf("%*s%s\n", indent, "", name);
  indent += name ? 2 : 0;
}

static void close_object(const char *name) {
  if (as_json) json_end('}');
  indent -= name ? 2 : 0;
}

/* A text behind `column` columns, broken between words so that lines stay within 80. */
static void print_wrapped(const char *text, int column) {
  const int room = 80 - column;
  int length = (int)strlen(text);
  while (length > room) {
    int at = room;
    while (at > 1 && text[at] != ' ') at--;
    if (text[at] != ' ') break;
    printf("%.*s\n%*s", at, text, column, "");
    text += at + 1;
    length -= at + 1;
  }
  printf("%s\n", text);
}

static void put_text(const char *name, const char *text) {
  if (as_json) {
    json_text(name, text);
    return;
  }
  printf("%*s%-22s ", indent, "", name);
  print_wrapped(text, indent + 23);
}

static void put_integer(const char *name, int64_t number) {
  if (as_json) json_integer(name, number);
  else printf("%*s%-22s %lld\n", indent, "", name, (long long)number);
}

static void put_real(const char *name, double number) {
  if (as_json) json_real(name, number);
  else printf("%*s%-22s %.4g\n", indent, "", name, number);
}

static void put_id(const char *name, const uint8_t id[PPML_ID_BYTES]) {
  char text[2 * PPML_ID_BYTES + 1];
  for (int i = 0; i < PPML_ID_BYTES; i++) snprintf(text + 2 * i, 3, "%02x", id[i]);
  put_text(name, text);
}

const char *describe_activation(uint32_t activation) {
  static const char *const names[] = {"none",           "relu",  "sign",
                                      "clipped-square", "table", "polynomial"};
  return activation < sizeof names / sizeof names[0] ? names[activation] : "unknown";
}

/* ------------------------------------------------------------- members */

/* Of the LWE key, the blind rotation and the key switch. */
static void put_bootstrap_params(const ppml_params *p) {
  put_integer("lwe_dim", p->lwe_dim);
  put_integer("key_block", p->key_block);
  put_integer("key_block_ones", p->key_block_ones);
  put_integer("shared_prefix", p->shared_prefix);
  put_integer("pbs_base_log2", p->pbs_base_log2);
  put_integer("pbs_levels", p->pbs_levels);
  put_integer("ks_base_log2", p->ks_base_log2);
  put_integer("ks_levels", p->ks_levels);
  put_integer("lwe_noise_bound", p->lwe_noise_bound);
  put_integer("bsk_wire_bits", p->bsk_wire_bits);
  put_integer("exact", p->kind == PPML_SET_EXACT);
}

/* Is it of products, without bootstraps? */
static int has_products(const ppml_params *p) {
  return p->kind == PPML_SET_LEVELED || p->kind == PPML_SET_POOLED;
}

/* Of the GLWE key switches, which a leveled set has instead. */
static void put_leveled_params(const ppml_params *p) {
  put_integer("slots", p->slots);
  put_integer("block_size", ppml_params_block(p));
  put_integer("switch_base_log2", p->pbs_base_log2);
  put_integer("switch_levels", p->pbs_levels);
  put_integer("switch_wire_bits", p->bsk_wire_bits);
}

static void put_params(const ppml_params *p) {
  open_object("params");
  put_text("name", p->name);
  put_integer("glwe_dim", p->glwe_dim);
  put_integer("poly_size", p->poly_size);
  put_integer("glwe_noise_bound", p->glwe_noise_bound);
  if (has_products(p)) put_leveled_params(p);
  else if (p->kind != PPML_SET_COMPACT) put_bootstrap_params(p);
  if (p->kind == PPML_SET_BRIDGED || p->kind == PPML_SET_COMPACT) put_text("latents", "pooled-64");
  put_integer("input_wire_bits", p->input_wire_bits);
  put_integer("output_bits", p->output_bits);
  put_text("assumption", p->assumption);
  close_object("params");
  put_real("security_bits", ppml_params_security_bits(p));
}

/* t: scores are multiples of 2^-t of a turn. */
static int modulus_log2(uint64_t score_unit) {
  return 64 - (int)log2((double)score_unit);
}

/* Ciphertexts of an image. */
static size_t input_blocks(const ppml_params *p, const ppml_spec *spec) {
  if (spec->encoder.kind != PPML_ENCODER_NONE) return 1;
  return (ppml_spec_inputs(spec) + ppml_params_block(p) - 1) / ppml_params_block(p);
}

/* How an image of a leveled circuit, or of one whose scores are, is laid out; nothing of others. */
static void put_leveled(const ppml_params *p, const ppml_spec *spec, uint64_t score_unit) {
  if (!has_products(p) && p->kind != PPML_SET_COMPACT) return;
  put_integer("plaintext_modulus_log2", modulus_log2(score_unit));
  put_integer("input_ciphertexts", (int64_t)input_blocks(p, spec));
}

/* What the client makes of an image; nothing where it encrypts pixels. */
static void put_encoder(const ppml_spec *spec) {
  ppml_latent_shape shape = ppml_spec_latent_shape(spec);
  if (spec->encoder.kind == PPML_ENCODER_NONE) return;
  open_object("encoder");
  put_text("kind", spec->encoder.kind == PPML_ENCODER_READY ? "ready" : "patches");
  put_integer("patch", spec->encoder.patch);
  put_integer("latent_channels", shape.channels);
  put_integer("latent_height", shape.height);
  put_integer("latent_width", shape.width);
  put_integer("standardise", spec->encoder.standardise);
  close_object("encoder");
}

static void put_value(const char *name, int64_t stored) {
  char text[40];
  snprintf(text, sizeof text, "%.12g", dataset_range_value(stored));
  if (as_json) json_real(name, dataset_range_value(stored));
  else put_text(name, text);
}

/* Which values of images that are no bytes are black and white; nothing for a whole range. */
static void put_values(const ppml_range *range) {
  if (range->kind == PPML_RANGE_TYPE) return;
  open_object("values");
  put_value("black", range->black);
  put_value("white", range->white);
  put_integer("bytes_are_values", range->kind == PPML_RANGE_BYTES);
  close_object("values");
}

static void put_spec(const ppml_spec *spec) {
  put_integer("width", spec->width);
  put_integer("height", spec->height);
  put_integer("channels", spec->channels);
  put_integer("input_bits", spec->input_bits);
  put_encoder(spec);
  put_values(&spec->range);
  put_integer("classes", spec->classes);
  put_text("output", spec->decides ? "class" : "scores");
  if (as_json) json_begin("class_names", '[');
  for (uint32_t c = 0; c < spec->classes; c++) put_text(as_json ? NULL : "", spec->class_name[c]);
  if (as_json) json_end(']');
}

/* Largest |z_j| that training saw, over a layer; of scores where polynomials are before them. */
static int64_t peak_of(const ppml_layer *layer) {
  int64_t peak = 0;
  for (uint32_t j = 0; layer->peak && j < layer->outputs; j++)
    if (layer->peak[j] > peak) peak = layer->peak[j];
  return peak;
}

static void put_std(const char *name, double std) {
  if (std > 0) put_real(name, log2(std));
}

/* Of all that is rounded, relative to the activation's width; scores and polynomials have none
 * that their noise could be relative to, so theirs is in turns. */
static double layer_noise(const ppml_layer_certificate *layer) {
  if (layer->bootstrap_std > 0) return layer->relative_std;
  return hypot(layer->dense_std, layer->rounding_std);
}

static void put_layer_noise(const ppml_layer_certificate *layer) {
  put_integer("accumulator_bound", layer->accumulator_bound);
  put_std("noise_std_log2", layer_noise(layer));
  put_std("dense_std_log2", layer->dense_std);
  put_std("key_switch_std_log2", layer->key_switch_std);
  put_std("rounding_std_log2", layer->rounding_std);
  put_std("bootstrap_std_log2", layer->bootstrap_std);
  if (layer->bootstrap_std > 0) put_real("wrong_activation", layer->wrong_activation);
}

/* Where training sees no peaks, the range is what any input can lead to.
 *   noise  may be NULL */
static void put_range(const ppml_layer *layer, const ppml_layer_certificate *noise) {
  if (layer->peak) put_integer("accumulator_range", peak_of(layer));
  else if (noise) put_integer("accumulator_range", noise->accumulator_bound);
}

/* A pooled network as the one layer that it is. */
static void put_pooled(const ppml_model *model, const ppml_certificate *certificate) {
  ppml_latent_shape shape = ppml_spec_latent_shape(&model->spec);
  int64_t peak = 0;
  uint32_t outputs =
      model->layer_count ? model->layer[0].outputs + model->pooled.gated : model->spec.outputs;
  for (uint32_t c = 0; c < outputs; c++)
    if (model->pooled.peak[c] > peak) peak = model->pooled.peak[c];
  open_object(as_json ? NULL : "layer");
  put_text("kind", "pooled");
  put_integer("inputs", (int64_t)shape.channels * shape.height * shape.width);
  put_integer("outputs", outputs);
  if (model->pooled.gated) put_integer("gated", model->pooled.gated);
  put_text("activation", "polynomial");
  put_integer("regions", model->spec.encoder.regions);
  put_integer("kernel", model->spec.encoder.reach);
  put_integer("accumulator_range", peak);
  if (certificate && model->layer_count == 0) put_layer_noise(&certificate->layer[0]);
  close_object(as_json ? NULL : "layer");
}

/* certificate may be NULL: of a model that is not compiled nothing is known yet. */
static void put_layers(const ppml_model *model, const ppml_certificate *certificate) {
  if (as_json) json_begin("layers", '[');
  if (model->spec.encoder.kind != PPML_ENCODER_NONE) put_pooled(model, certificate);
  for (uint32_t l = 0; l < model->layer_count; l++) {
    const ppml_layer *layer = &model->layer[l];
    open_object(as_json ? NULL : "layer");
    put_text("kind", "dense");
    put_integer("inputs", layer->inputs);
    put_integer("outputs", layer->outputs);
    put_text("activation", describe_activation(layer->activation));
    put_integer("weight_bits", layer->weight_bits);
    put_range(layer, certificate ? &certificate->layer[l] : NULL);
    if (certificate) put_layer_noise(&certificate->layer[l]);
    close_object(as_json ? NULL : "layer");
  }
  if (as_json) json_end(']');
}

static void put_sizes(const ppml_params *p, const ppml_spec *spec) {
  put_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(p));
  put_integer("eval_key_bytes", (int64_t)ppml_eval_key_read_bytes(p, 1));
  put_integer("input_bytes", (int64_t)ppml_input_wire_bytes(p, spec));
  put_integer("output_bytes", (int64_t)ppml_output_wire_bytes(p, spec, 1));
}

static void put_client_arena(const ppml_params *p, const ppml_spec *spec) {
  open_object("arena_bytes_client");
  put_integer("keygen", (int64_t)ppml_eval_key_generate_bytes(p, 1));
  put_integer("encrypt", (int64_t)ppml_encrypt_bytes(p, spec));
  close_object("arena_bytes_client");
}

static void begin(int json, uint32_t kind) {
  as_json = json;
  indent = 0;
  open_object(NULL);
  put_text("kind", ppml_kind_name(kind));
  put_integer("version", PPML_FORMAT_VERSION);
}

static void end(void) {
  close_object(NULL);
}

void describe_network_json(const ppml_model *model) {
  as_json = 1;
  put_integer("classes", model->spec.classes);
  put_integer("inputs", (int64_t)ppml_spec_inputs(&model->spec));
  put_integer("input_bits", model->spec.input_bits);
  put_layers(model, NULL);
}

/* --------------------------------------------------------------- files */

void describe_model(const ppml_model *model, int json) {
  begin(json, PPML_KIND_MODEL);
  put_id("model_id", model->id);
  put_spec(&model->spec);
  put_integer("score_unit", model->spec.score_unit);
  put_integer("margin_p05", model->margin_p05);
  put_layers(model, NULL);
  end();
}

static void put_client_id(const ppml_client *client) {
  uint8_t id[PPML_ID_BYTES];
  ppml_client_id(id, client);
  put_id("client_id", id);
}

/* How answers are rounded, and how many there may be; limits that there are not are left out. */
static void put_rounding(const ppml_client *client) {
  put_integer("answer_step", client->answer_step);
  put_std("score_noise_log2", ldexp((double)client->score_noise, -64));
  put_integer("publish", client->publish);
  if (client->renew_after < UINT32_MAX) put_integer("renew_after", client->renew_after);
}

/* What answers tell of the key, and what it costs to publish scores. */
static void put_leaks(const ppml_certificate *c) {
  put_real("answer_leak_bits", c->answer_leak_bits);
  put_real("probability_leak_bits", c->probability_leak_bits);
  if (c->publish == 0) return;
  put_real("flooded_score_std", c->flooded_std);
  put_real("flooded_agreement", c->flooded_agreement);
}

/* What was promised and what is predicted of it. */
static void put_promise(const ppml_certificate *c, double predicted_ms) {
  put_real("agreement_wanted", c->agreement_wanted);
  put_real("agreement_predicted", c->agreement_predicted);
  put_real("changed_answers", 1 - c->agreement_predicted);
  put_real("score_error_std", c->score_std);
  put_std("pbs_error_std_log2", c->layer[0].bootstrap_std);
  put_integer("pbs_per_image", (int64_t)c->bootstraps);
  if (predicted_ms >= 0) put_real("predicted_ms", predicted_ms);
}

static void put_security(const ppml_certificate *c, const ppml_params *p) {
  if (!has_products(p)) put_real("lwe_security_bits", c->lwe_security_bits);
  put_real("glwe_security_bits", c->glwe_security_bits);
  put_text("security_estimate", c->security_estimate);
}

static void put_server_arena(const ppml_certificate *c) {
  open_object("arena_bytes_server");
  put_integer("eval_key", (int64_t)c->eval_key_bytes);
  put_integer("infer", (int64_t)c->infer_bytes);
  close_object("arena_bytes_server");
}

/* Everything, under the names that scripts rely on. */
static void describe_circuit_json(const ppml_circuit *c, const ppml_certificate *certificate,
                                  double predicted_ms) {
  ppml_client client;
  ppml_client_from_circuit(&client, c);
  begin(1, PPML_KIND_CIRCUIT);
  put_id("circuit_id", c->id);
  put_client_id(&client);
  put_params(c->params);
  put_security(certificate, c->params);
  put_spec(&c->model.spec);
  put_leveled(c->params, &c->model.spec, client.score_unit);
  put_integer("score_room", certificate->score_room);
  put_promise(certificate, predicted_ms);
  put_real("failure_log2", ppml_circuit_failure_log2(c));
  put_rounding(&client);
  put_leaks(certificate);
  put_layers(&c->model, certificate);
  put_server_arena(certificate);
  put_client_arena(c->params, &c->model.spec);
  put_sizes(c->params, &c->model.spec);
  end();
}

static void print_log2(double std, int columns) {
  if (std > 0) printf(" %*.2f", columns, log2(std));
  else printf(" %*s", columns, "-");
}

/* Layers as a table. */
static void print_layers(const ppml_circuit *c, const ppml_certificate *certificate) {
  printf("%-13s %-9s %8s %8s %6s %6s %6s %6s %8s\n", "layer", "", "bound", "peak", "dense",
         "switch", "round", "boot", "wrong");
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    const ppml_layer *layer = &c->model.layer[l];
    const ppml_layer_certificate *noise = &certificate->layer[l];
    char shape[32];
    snprintf(shape, sizeof shape, "%u -> %u", layer->inputs, layer->outputs);
    printf("%-13s %-9.9s %8lld %8lld", shape, describe_activation(layer->activation),
           (long long)noise->accumulator_bound, (long long)noise->accumulator_peak);
    print_log2(noise->dense_std, 6);
    print_log2(noise->key_switch_std, 6);
    print_log2(noise->rounding_std, 6);
    print_log2(noise->bootstrap_std, 6);
    printf(" %8.2g\n", noise->wrong_activation);
  }
}

static void print_bytes(const ppml_certificate *c) {
  const double kilo = 1e3, mega = 1e6;
  printf("travels    key %.2f MB, image %.1f KB, scores %.1f KB\n",
         (double)c->eval_key_wire_bytes / mega, (double)c->input_wire_bytes / kilo,
         (double)c->output_wire_bytes / kilo);
  printf("server     key %.1f MB, inference %.1f MB of memory (one thread, one image)\n",
         (double)c->eval_key_bytes / mega, (double)c->infer_bytes / mega);
  printf("client     keys %.2f MB, encryption %.1f KB of memory\n", (double)c->keygen_bytes / mega,
         (double)c->encrypt_bytes / kilo);
}

static void print_agreement(const ppml_certificate *c) {
  printf("agreement  %.4f predicted", c->agreement_predicted);
  if (c->agreement_wanted > 0) printf(", %.4f promised", c->agreement_wanted);
  printf("; score noise %.3g\n", c->score_std);
}

/* How finely an answer tells how near the score was. */
static void print_steps(const ppml_client *client) {
  if (client->spec.decides) printf("\nanswers    the class alone, and no probability\n");
  else
    printf("\nanswers    probabilities in steps of %u scores (%.2g logits)\n", client->answer_step,
           (double)client->answer_step / client->spec.score_unit);
}

/* The client's id, and what its answers tell. */
static void print_answers(const ppml_circuit *c, const ppml_certificate *certificate) {
  uint8_t id[PPML_ID_BYTES];
  ppml_client client;
  ppml_client_from_circuit(&client, c);
  ppml_client_id(id, &client);
  printf("client id  ");
  for (int i = 0; i < PPML_ID_BYTES; i++) printf("%02x", id[i]);
  print_steps(&client);
  if (client.renew_after == UINT32_MAX)
    printf("           scores are free of noise, so that answers tell nothing of the key\n");
  else if (client.spec.decides)
    printf("           one tells %.2g bits of the key at most; if they are published,\n"
           "           renew the key after %u answers (%d bits)\n",
           certificate->answer_leak_bits, client.renew_after, PPML_KEY_LEAK_BITS);
  else
    printf("           one tells %.2g bits of the key, its probability %.2g more at\n"
           "           most; if they are published, renew the key after %u answers\n"
           "           (%d bits)\n",
           certificate->answer_leak_bits, certificate->probability_leak_bits, client.renew_after,
           PPML_KEY_LEAK_BITS);
  if (client.publish)
    printf("           %u scores may be published under a key, flooded: deviation\n"
           "           %.3g (%.2g logits), agreement %.4f\n",
           client.publish, certificate->flooded_std,
           certificate->flooded_std / client.spec.score_unit, certificate->flooded_agreement);
}

static void print_time(const ppml_certificate *c, double predicted_ms) {
  printf("time       %llu bootstraps", (unsigned long long)c->bootstraps);
  if (predicted_ms >= 0) printf(", about %.1f ms on this machine and one thread", predicted_ms);
  printf("\n");
}

/* The same in short, for people; noise as log2 of a share of a turn. */
static void describe_circuit_lines(const ppml_circuit *c, const ppml_certificate *certificate,
                                   double predicted_ms) {
  printf("circuit    set %s, %.1f bits of security (LWE %.1f, GLWE %.1f)\n", c->params->name,
         ppml_params_security_bits(c->params), certificate->lwe_security_bits,
         certificate->glwe_security_bits);
  printf("assuming   ");
  print_wrapped(c->params->assumption, 11);
  print_agreement(certificate);
  if (c->params->kind == PPML_SET_EXACT)
    printf("failure    2^%.1f an image, at most\n", ppml_circuit_failure_log2(c));
  print_answers(c, certificate);
  print_layers(c, certificate);
  print_bytes(certificate);
  print_time(certificate, predicted_ms);
}

/* ------------------------------------------------------ leveled circuits */

/* Polynomials saturate nowhere, so training keeps no peaks of theirs. */
static void print_leveled_layers(const ppml_circuit *c, const ppml_certificate *certificate) {
  printf("%-13s %-10s %11s %9s %10s %10s %10s\n", "layer", "", "bound", "peak", "result", "switch",
         "rounding");
  for (uint32_t l = 0; l < c->model.layer_count; l++) {
    const ppml_layer *layer = &c->model.layer[l];
    const ppml_layer_certificate *noise = &certificate->layer[l];
    char shape[32], peak[32];
    snprintf(shape, sizeof shape, "%u -> %u", layer->inputs, layer->outputs);
    snprintf(peak, sizeof peak, "%lld", (long long)noise->accumulator_peak);
    printf("%-13s %-10s %11lld %9s", shape, describe_activation(layer->activation),
           (long long)noise->accumulator_bound, noise->accumulator_peak ? peak : "-");
    print_log2(noise->dense_std, 10);
    print_log2(noise->key_switch_std, 10);
    print_log2(noise->rounding_std, 10);
    printf("\n");
  }
}

/* How far scores may go before they wrap: beside those of training, and beside all there are. */
static void print_room(const ppml_circuit *c, const ppml_certificate *certificate) {
  const ppml_layer_certificate *scores = &certificate->layer[certificate->layer_count - 1];
  ppml_client client;
  ppml_client_from_circuit(&client, c);
  double room = (double)certificate->score_room, bound = (double)scores->accumulator_bound;
  printf("scores     modulo T = 2^%d: room for %.3g, %.1f times what training saw",
         modulus_log2(client.score_unit), room, room / (double)scores->accumulator_peak);
  if (bound < room) printf(";\n           no image wraps\n");
  else
    printf("\n           (%.2g %% of %.3g, which no image exceeds: one unlike those of\n"
           "           training may wrap, and is answered wrongly)\n",
           100 * room / bound, bound);
}

static void describe_leveled_lines(const ppml_circuit *c, const ppml_certificate *certificate,
                                   double predicted_ms) {
  const ppml_params *p = c->params;
  size_t blocks = input_blocks(p, &c->model.spec);
  printf("circuit    set %s, %.1f bits of security\n", p->name, ppml_params_security_bits(p));
  printf("assuming   ");
  print_wrapped(p->assumption, 11);
  printf("layout     %zu values in %zu ciphertext%s of %u, %u neurons in %u slots\n",
         ppml_spec_inputs(&c->model.spec), blocks, blocks > 1 ? "s" : "", ppml_params_block(p),
         c->model.layer[0].outputs, p->slots);
  print_room(c, certificate);
  print_agreement(certificate);
  print_answers(c, certificate);
  print_leveled_layers(c, certificate);
  print_bytes(certificate);
  print_time(certificate, predicted_ms);
}

/* -------------------------------------------------------- pooled circuits */

static void print_pooled_layer(const ppml_circuit *c, const ppml_certificate *certificate) {
  const ppml_layer_certificate *noise = &certificate->layer[0];
  ppml_latent_shape s = ppml_spec_latent_shape(&c->model.spec);
  char shape[32];
  printf("%-13s %-10s %11s %9s %10s %10s %10s\n", "layer", "", "bound", "peak", "result", "switch",
         "rounding");
  snprintf(shape, sizeof shape, "%u -> %u", s.channels * s.height * s.width, c->model.spec.outputs);
  printf("%-13s %-10s %11lld %9lld", shape, "pooled", (long long)noise->accumulator_bound,
         (long long)noise->accumulator_peak);
  print_log2(noise->dense_std, 10);
  print_log2(noise->key_switch_std, 10);
  print_log2(noise->rounding_std, 10);
  printf("\n");
}

static void describe_pooled_lines(const ppml_circuit *c, const ppml_certificate *certificate,
                                  double predicted_ms) {
  const ppml_params *p = c->params;
  const ppml_encoder *e = &c->model.spec.encoder;
  ppml_latent_shape s = ppml_spec_latent_shape(&c->model.spec);
  printf("circuit    set %s, %.1f bits of security\n", p->name, ppml_params_security_bits(p));
  printf("assuming   ");
  print_wrapped(p->assumption, 11);
  if (e->kind == PPML_ENCODER_PATCHES)
    printf("encoder    patches of %u x %u to %u latents of %u bits\n", e->patch, e->patch,
           s.channels, c->model.spec.input_bits);
  printf("layout     %u x %u x %u latents in 1 ciphertext, %u x %u regions, kernel %u\n",
         s.channels, s.height, s.width, e->regions, e->regions, e->reach);
  print_room(c, certificate);
  print_agreement(certificate);
  print_answers(c, certificate);
  print_pooled_layer(c, certificate);
  print_bytes(certificate);
  print_time(certificate, predicted_ms);
}

void describe_circuit(const ppml_circuit *c, double predicted_ms, int json) {
  ppml_certificate certificate;
  ppml_circuit_certificate(&certificate, c);
  if (json) describe_circuit_json(c, &certificate, predicted_ms);
  else if (c->params->kind == PPML_SET_LEVELED)
    describe_leveled_lines(c, &certificate, predicted_ms);
  else if (c->model.layer_count == 0) describe_pooled_lines(c, &certificate, predicted_ms);
  else describe_circuit_lines(c, &certificate, predicted_ms);
}

void describe_client(const ppml_client *client, uint32_t kind, int json) {
  begin(json, kind);
  put_id("circuit_id", client->circuit_id);
  put_client_id(client);
  put_params(client->params);
  put_spec(&client->spec);
  put_leveled(client->params, &client->spec, client->score_unit);
  put_rounding(client);
  put_client_arena(client->params, &client->spec);
  put_sizes(client->params, &client->spec);
  end();
}

void describe_key(const ppml_secret_key *key) {
  const ppml_params *p = key->client->params;
  as_json = 0;
  indent = 0;
  put_id("key_id", key->id);
  put_client_id(key->client);
  put_id("circuit_id", key->client->circuit_id);
  put_text("params", p->name);
  put_real("security_bits", ppml_params_security_bits(p));
  put_text("assumption", p->assumption);
}

void describe_lone_key(const ppml_header *header, int json) {
  begin(json, PPML_KIND_SECRET_KEY);
  put_id("circuit_id", header->circuit_id);
  put_id("key_id", header->key_id);
  put_params(header->params);
  put_integer("secret_key_bytes", (int64_t)ppml_read_bytes(header));
  end();
}

void describe_input(const ppml_input *input, int json) {
  begin(json, PPML_KIND_INPUT);
  put_id("circuit_id", input->circuit_id);
  put_id("key_id", input->key_id);
  put_params(input->params);
  put_integer("blocks", input->blocks);
  end();
}

void describe_output(const ppml_output *output, int json) {
  begin(json, PPML_KIND_OUTPUT);
  put_id("circuit_id", output->circuit_id);
  put_id("key_id", output->key_id);
  put_params(output->params);
  put_integer("images", output->images);
  put_integer("scores", output->outputs);
  end();
}

/* ------------------------------------------------------------------ learning */

void describe_features(const ppml_features *map, int json) {
  begin(json, PPML_KIND_FEATURES);
  put_id("map_id", map->id);
  put_integer("features", map->count);
  put_integer("batch", map->batch);
  put_spec(&map->spec);
  end();
}

void describe_training(const ppml_training *training, uint32_t kind, int json) {
  begin(json, kind);
  put_id("map_id", training->map_id);
  put_id("key_id", training->key_id);
  put_params(ppml_learning_params());
  put_text("method", learning_method_name(training->method));
  put_integer("features", training->features - 1);
  put_integer("outputs", training->outputs);
  put_integer("rows", (int64_t)training->rows);
  put_integer("batch", training->batch);
  end();
}

void describe_learnt(const ppml_learnt *learnt, int json) {
  begin(json, PPML_KIND_LEARNT);
  put_id("map_id", learnt->map_id);
  put_id("key_id", learnt->key_id);
  put_params(learnt->params);
  put_text("method", learning_method_name(learnt->method));
  put_integer("features", learnt->features - 1);
  put_integer("outputs", learnt->outputs);
  put_integer("rows", (int64_t)learnt->rows);
  put_integer("steps", (int64_t)learnt->steps);
  end();
}

void describe_of_learning(const ppml_header *header, int json) {
  begin(json, header->kind);
  put_id("map_id", header->circuit_id);
  put_id("key_id", header->key_id);
  put_params(header->params);
  put_integer("payload_bytes", (int64_t)header->payload_bytes);
  end();
}

/* ------------------------------------------------------------ evaluation key */

void describe_eval_key(const ppml_header *header, int json) {
  begin(json, PPML_KIND_EVAL_KEY);
  put_id("circuit_id", header->circuit_id);
  put_id("key_id", header->key_id);
  put_params(header->params);
  put_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(header->params));
  put_integer("eval_key_bytes", (int64_t)ppml_eval_key_read_bytes(header->params, 1));
  end();
}

void describe_params_table(int json) {
  const ppml_params *p;
  as_json = json;
  indent = 0;
  open_object(NULL);
  if (as_json) json_begin("sets", '[');
  for (size_t i = 0; (p = ppml_params_by_index(i)) != NULL; i++) {
    open_object(as_json ? NULL : p->name);
    put_params(p);
    put_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(p));
    close_object(as_json ? NULL : p->name);
  }
  if (as_json) json_end(']');
  end();
}
