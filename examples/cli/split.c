#include "split.h"

void split_options(split_request *r, args *a) {
  const char *name = args_text(a, "--split");
  r->path = NULL;
  r->name = name ? name : "test";
  r->count = args_size(a, "--count", 1, SIZE_MAX, SIZE_MAX);
  r->limit_bytes = load_dataset_limit(a);
}

int split_load(npz_split *split, const split_request *r, const ppml_spec *spec, ppml_arena *arena) {
  npz_dataset data;
  const npz_split *whole;
  int status = load_dataset(&data, r->path, r->limit_bytes, arena);
  if (status) return status;
  status = load_check_shape(&data, spec, r->path);
  if (status == CLI_OK) status = load_split(&whole, &data, r->name);
  if (status) {
    cli_arena_destroy(arena);
    return status;
  }
  *split = *whole;
  if (split->count > r->count) split->count = r->count;
  return CLI_OK;
}
