#include "split.h"

void split_options(split_request *r, args *a) {
  const char *name = args_text(a, "--split");
  r->path = NULL;
  r->name = name ? name : "test";
  r->count = args_size(a, "--count", 1, SIZE_MAX, SIZE_MAX);
  dataset_options(&r->options, a, DATASET_OF_NETWORK);
}

int split_load(npz_split *split, const split_request *r, const ppml_spec *spec, ppml_arena *arena) {
  npz_dataset data;
  const npz_split *whole;
  npz_options options = r->options;
  dataset_for_network(&options, spec);
  if (npz_split_index(r->name) == NPZ_VAL) options.cuts = 1;
  int status = load_dataset(&data, r->path, &options, arena);
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
