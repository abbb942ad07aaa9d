/* ppml bench: what each step costs on this machine. */
#include <string.h>

#include "args.h"
#include "bench.h"
#include "cli.h"

/* Does this CPU have the backend?  No name stands for the best one. */
static int has_backend(const char *name) {
  const char *known;
  for (size_t i = 0; name && (known = ppml_backend_name(i)) != NULL; i++)
    if (strcmp(name, known) == 0) return 1;
  return name == NULL;
}

static int parse(bench_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  const char *params = args_text(&a, "--params");
  r->params = ppml_params_by_name(params ? params : "fast");
  r->backend = args_text(&a, "--backend");
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 0, 0);
  if (status) return status;
  if (r->params == NULL)
    return cli_fail(CLI_USAGE, params, "no such parameter set (see ppml info --params)");
  if (r->params->kind == PPML_SET_COMPACT)
    return cli_fail(CLI_USAGE, params,
                    "is pooled-64 and a switch of the scores (expected pooled-64)");
  if (!has_backend(r->backend))
    return cli_fail(CLI_USAGE, r->backend, "no such backend on this CPU");
  return CLI_OK;
}

int cmd_bench(int argc, char **argv) {
  bench_request r;
  pool threads;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK && r.params->kind == PPML_SET_LINEAR) return bench_linear(&r);
  if (status == CLI_OK) status = pool_start(&threads, r.threads);
  if (status) return status;
  int has_products = r.params->kind == PPML_SET_LEVELED || r.params->kind == PPML_SET_POOLED;
  status = has_products ? bench_leveled(&r, &threads) : bench_bootstraps(&r, &threads);
  pool_stop(&threads);
  return status;
}
