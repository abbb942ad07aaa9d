/* ppml demo: the whole path on built-in data; needs no file. */
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "cli.h"
#include "demo_data.h"
#include "json.h"
#include "plan.h"
#include "score.h"
#include "session.h"

typedef struct demo_request {
  const ppml_params *params;
  const char *backend;
  size_t threads;
  int json;
} demo_request;

static int parse(demo_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  int chosen = plan_params(&r->params, &a);
  r->backend = args_text(&a, "--backend");
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 0, 0);
  if (status || chosen) return status ? status : chosen;
  if (r->params && r->params->slots)
    return cli_fail(CLI_REFUSED, r->params->name,
                    "a leveled set (expected one with the bootstraps of the built-in network)");
  return CLI_OK;
}

static void print_setting(const session *s) {
  const ppml_circuit *c = s->circuit;
  const ppml_params *p = c->params;
  printf("network        %u pixels", c->model.layer[0].inputs);
  for (uint32_t l = 0; l < c->model.layer_count; l++) printf(" - %u", c->model.layer[l].outputs);
  printf(", %zu bootstraps an image\n", ppml_circuit_pbs_count(c));
  printf("parameters     %s, %.1f bits of security: n = %u, N = %u, k = %u\n", p->name,
         ppml_params_security_bits(p), p->lwe_dim, p->poly_size, p->glwe_dim);
  printf("on the wire    evaluation key %.2f MB, image %zu bytes, answer %zu bytes\n",
         (double)ppml_eval_key_wire_bytes(p) / 1e6, ppml_input_wire_bytes(p, &c->model.spec),
         ppml_output_wire_bytes(p, &c->model.spec, 1));
  printf("in memory      server %.1f MB\n",
         (double)(s->key_arena.capacity_bytes + s->server_arena.capacity_bytes) / 1e6);
  printf("keys           made in %.0f ms, expanded in %.0f ms; %zu threads, %s\n\n", s->keygen_ms,
         s->load_ms, s->threads.parallel.threads, s->backend);
  printf("%-19s %-9s %-9s %-9s %9s %9s %9s\n", "image", "is", "clear", "encrypted", "encrypt",
         "infer", "decrypt");
}

typedef struct demo_result {
  int wrong;       /* encrypted answers that are not the sample's class */
  double infer_ms; /* over all samples */
} demo_result;

static int run_sample(session *s, size_t i, demo_result *result, int json, ppml_arena *arena) {
  const ppml_spec *spec = &s->circuit->model.spec;
  int32_t clear[PPML_CLASSES_MAX], encrypted[PPML_CLASSES_MAX];
  int error = ppml_model_predict(clear, &s->circuit->model, demo_pixels[i], arena);
  if (error) return cli_fail_ppml(error, "demo", "a valid network");
  int status = session_run(s, encrypted, demo_pixels[i], 1);
  if (status) return status;
  uint8_t answer, clear_answer;
  ppml_spec_answer(&answer, spec, encrypted);
  ppml_spec_answer(&clear_answer, spec, clear);
  result->wrong += answer != demo_labels[i];
  result->infer_ms += s->infer_ms;
  if (json) return CLI_OK;
  printf("%-19s %-9s %-9s %-9s %6.2f ms %6.1f ms %6.3f ms\n", demo_names[i],
         spec->class_name[demo_labels[i]], spec->class_name[clear_answer], spec->class_name[answer],
         s->encrypt_ms, s->infer_ms, s->decrypt_ms);
  return CLI_OK;
}

static void report(const session *s, const demo_result *result, int json) {
  double infer_ms = result->infer_ms / DEMO_SAMPLES;
  if (!json) {
    printf("\n%d of %d right under encryption, %.1f ms an image on the server\n",
           DEMO_SAMPLES - result->wrong, DEMO_SAMPLES, infer_ms);
    return;
  }
  json_begin(NULL, '{');
  json_integer("images", DEMO_SAMPLES);
  json_integer("right", DEMO_SAMPLES - result->wrong);
  json_real("infer_ms", infer_ms);
  json_real("keygen_ms", s->keygen_ms);
  json_text("params", s->circuit->params->name);
  json_real("security_bits", ppml_params_security_bits(s->circuit->params));
  json_integer("pbs_per_image", (int64_t)ppml_circuit_pbs_count(s->circuit));
  json_integer("eval_key_wire_bytes", (int64_t)ppml_eval_key_wire_bytes(s->circuit->params));
  json_text("backend", s->backend);
  json_end('}');
}

static int run_samples(session *s, int json) {
  ppml_arena arena;
  demo_result result = {0, 0};
  int status = cli_arena_create(&arena, ppml_model_predict_bytes(&s->circuit->model));
  if (status) return status;
  if (!json) print_setting(s);
  for (size_t i = 0; i < DEMO_SAMPLES && status == CLI_OK; i++)
    status = run_sample(s, i, &result, json, &arena);
  cli_arena_destroy(&arena);
  if (status) return status;
  report(s, &result, json);
  return result.wrong ? cli_fail(CLI_INTERNAL, "demo", "%d answers are wrong", result.wrong)
                      : CLI_OK;
}

static int demo(const demo_request *r, ppml_arena *arena) {
  ppml_model model;
  ppml_circuit circuit;
  session s;
  ppml_limits limits = ppml_limits_default();
  ppml_reader reader = ppml_reader_from_memory(demo_model, sizeof demo_model);
  int error = ppml_model_read(&model, &reader, &limits, arena);
  if (error == PPML_OK) error = ppml_compile(&circuit, &model, r->params, arena);
  if (error) return cli_fail_ppml(error, "demo", "the built-in network");
  int status = session_open(&s, &circuit, r->threads, 1, r->backend);
  if (status) return status;
  status = run_samples(&s, r->json);
  session_close(&s);
  return status;
}

int cmd_demo(int argc, char **argv) {
  demo_request r;
  ppml_arena arena;
  int status = parse(&r, argc, argv);
  if (status) return status;
  status = cli_arena_create(&arena, 4 * sizeof demo_model); /* the network, its gains */
  if (status) return status;
  status = demo(&r, &arena);
  cli_arena_destroy(&arena);
  return status;
}
