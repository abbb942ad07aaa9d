#include "plan.h"

#include <string.h>

double plan_agreement(args *a, double fallback) {
  return args_real(a, "--agreement", 0, 1, fallback);
}

uint32_t plan_publish(args *a) {
  return (uint32_t)args_number(a, "--publish", 1, PPML_PUBLISH_MAX, 0);
}

int plan_params(const ppml_params **params, args *a) {
  const char *name = args_text(a, "--params");
  *params = NULL;
  if (name == NULL || strcmp(name, "auto") == 0) return CLI_OK;
  *params = ppml_params_by_name(name);
  if (*params) return CLI_OK;
  return cli_fail(CLI_USAGE, name,
                  "no such parameter set (expected auto or one of ppml info --params)");
}

int plan_options(ppml_compile_options *options, args *a) {
  memset(options, 0, sizeof *options);
  int status = plan_params(&options->params, a);
  options->agreement = plan_agreement(a, options->params ? 0 : PLAN_AGREEMENT_OF_TASK);
  return status;
}

/* The set asked for is for the other kind of network. */
static int refuse_kind(const ppml_params *params, const char *path) {
  if (params->kind == PPML_SET_POOLED || params->kind == PPML_SET_COMPACT)
    return cli_fail(CLI_REFUSED, path, "%s is for pooled networks (expected another set)",
                    params->name);
  if (params->kind == PPML_SET_LINEAR)
    return cli_fail(CLI_REFUSED, path,
                    "%s is for models without hidden layers (expected another set)", params->name);
  if (params->kind == PPML_SET_LEVELED)
    return cli_fail(CLI_REFUSED, path,
                    "%s has no bootstrap, which these activations need (expected one hidden layer "
                    "of polynomials)",
                    params->name);
  return cli_fail(CLI_REFUSED, path,
                  "%s has no products, which polynomials need (expected a leveled set)",
                  params->name);
}

/* Noise of the scores alone changes too many answers. */
static int refuse_scores(const ppml_refusal *r, const ppml_compile_options *options,
                         const char *path) {
  return cli_fail(CLI_REFUSED, path,
                  "predicted agreement %.4f with %s, %s; scores are too noisy for their margins "
                  "(expected %.4f)",
                  r->agreement, r->params->name,
                  options->params ? "the set asked for" : "the closest set", options->agreement);
}

/* Why there is no circuit of a set of the right kind. */
static int refuse_polynomial(const ppml_refusal *r, const ppml_compile_options *options,
                             const ppml_model *model, const char *path) {
  const char *reason = ppml_leveled_refusal(model);
  uint32_t neurons = model->layer[0].outputs;
  if (reason) return cli_fail(CLI_REFUSED, path, "%s", reason);
  if (options->params && neurons > options->params->slots)
    return cli_fail(CLI_REFUSED, path, "%u hidden neurons (expected %u at most for %s)", neurons,
                    options->params->slots, options->params->name);
  if (r->params == NULL) return cli_fail(CLI_REFUSED, path, "%s", r->reason);
  return refuse_scores(r, options, path);
}

/* Why the exact set cannot carry a network. */
static const char *exact_reason(const ppml_model *model) {
  const char *reason = ppml_exact_refusal(model);
  return reason ? reason : "with so many neurons or bits exact scores would fail too often";
}

/* Why there is no circuit with bootstraps: of all sets what came closest, and why not the exact
 * one. */
static int refuse_bootstraps(const ppml_refusal *r, const ppml_compile_options *options,
                             const ppml_model *model, const char *path) {
  const char *exact = exact_reason(model), *link = "; ";
  if (options->params && options->params->kind == PPML_SET_EXACT)
    return cli_fail(CLI_REFUSED, path, "%s", exact);
  if (options->params) exact = link = "";
  if (r->params == NULL)
    return cli_fail(CLI_REFUSED, path,
                    "neuron %u of layer %u does not fit the torus: its peak is too large beside "
                    "its weights%s%s (expected a network whose accumulators have room)",
                    r->neuron, r->layer + 1, link, exact);
  if (r->params->kind == PPML_SET_LINEAR || model->spec.decides)
    return refuse_scores(r, options, path);
  return cli_fail(CLI_REFUSED, path,
                  "predicted agreement %.4f with %s, %s; noise is largest at neuron %u of layer "
                  "%u, %.2g of its activation's width%s%s (expected %.4f)",
                  r->agreement, r->params->name,
                  options->params ? "the set asked for" : "the closest set", r->neuron,
                  r->layer + 1, r->layer_noise, link, exact, options->agreement);
}

/* No set carries the network within the limits of those who would read it. */
static int refuse_size(const ppml_refusal *r, const ppml_model *model, const char *path) {
  ppml_limits limits = ppml_limits_default();
  return cli_fail(CLI_REFUSED, path,
                  "too large for %s: an encrypted image has %zu bytes, or a circuit or the memory "
                  "for an image is beyond the limits (expected at most %llu MiB, and %llu MiB of "
                  "memory)",
                  r->too_large->name, ppml_input_wire_bytes(r->too_large, &model->spec),
                  (unsigned long long)(limits.payload_bytes >> 20),
                  (unsigned long long)(limits.infer_bytes >> 20));
}

/* Why there is no circuit of a pooled network. */
static int refuse_pooled(const ppml_refusal *r, const ppml_compile_options *options,
                         const char *path) {
  if (options->params && options->params->kind != PPML_SET_POOLED &&
      options->params->kind != PPML_SET_COMPACT)
    return cli_fail(CLI_REFUSED, path,
                    "%s has no latents, which pooled networks need (expected a pooled set)",
                    options->params->name);
  if (r->params == NULL) return cli_fail(CLI_REFUSED, path, "%s", r->reason);
  return cli_fail(CLI_REFUSED, path,
                  "predicted agreement %.4f with %s; scores are too noisy for their margins "
                  "(expected %.4f)",
                  r->agreement, r->params->name, options->agreement);
}

/* Why there is no circuit of layers behind a pooled network. */
static int refuse_bridged(const ppml_refusal *r, const ppml_compile_options *options,
                          const char *path) {
  if (options->params && options->params->kind != PPML_SET_BRIDGED)
    return cli_fail(CLI_REFUSED, path, "%s has no bridge from latents (expected a bridged set)",
                    options->params->name);
  if (r->params == NULL) return cli_fail(CLI_REFUSED, path, "%s", r->reason);
  return cli_fail(
      CLI_REFUSED, path,
      "predicted agreement %.4f with %s; noise changes too many answers (expected %.4f)",
      r->agreement, r->params->name, options->agreement);
}

/* A valid network has polynomials in its one hidden layer, or nowhere. */
static int refuse(const ppml_refusal *r, const ppml_compile_options *options,
                  const ppml_model *model, const char *path) {
  int is_polynomial = model->layer[0].activation == PPML_ACTIVATION_POLYNOMIAL;
  if (r->too_large && r->params == NULL) return refuse_size(r, model, path);
  if (r->params && r->agreement >= options->agreement)
    return cli_fail(CLI_REFUSED, path, "%s (expected no --publish)", r->reason);
  if (model->layer_count == 0) return refuse_pooled(r, options, path);
  if (model->spec.encoder.kind != PPML_ENCODER_NONE) return refuse_bridged(r, options, path);
  if (options->params && options->params->kind == PPML_SET_BRIDGED)
    return cli_fail(CLI_REFUSED, path, "%s is for layers behind latents (expected another set)",
                    options->params->name);
  if (options->params &&
      ((options->params->kind == PPML_SET_LEVELED) != is_polynomial ||
       options->params->kind == PPML_SET_POOLED || options->params->kind == PPML_SET_COMPACT ||
       (options->params->kind == PPML_SET_LINEAR && model->layer_count > 1)))
    return refuse_kind(options->params, path);
  return is_polynomial ? refuse_polynomial(r, options, model, path)
                       : refuse_bootstraps(r, options, model, path);
}

int plan_circuit(ppml_circuit *circuit, const ppml_model *model, const ppml_compile_options *wanted,
                 const char *path, ppml_arena *arena) {
  ppml_refusal refusal;
  ppml_compile_options options = *wanted;
  if (options.agreement < 0)
    options.agreement = ppml_compile_options_default(&model->spec).agreement;
  options.automatic = options.params == NULL; /* a name that is none was refused by plan_params */
  int status = cli_arena_create(arena, ppml_compile_bytes(model));
  if (status) return status;
  int error = ppml_compile(circuit, model, &options, &refusal, arena);
  if (error == PPML_OK) return CLI_OK;
  cli_arena_destroy(arena);
  if (error == PPML_ERR_PARAMS) return refuse(&refusal, &options, model, path);
  return cli_fail_ppml(error, path, "a valid network");
}
