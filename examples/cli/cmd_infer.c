/* ppml infer: the server's work on encrypted images. */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "learning.h"
#include "load.h"
#include "pool.h"

#define BATCH_DEFAULT 8

typedef struct infer_request {
  const char *circuit_path, *key_path, *out_path, *backend;
  char **input_paths;
  size_t images, threads, batch;
  int stream;
} infer_request;

static int parse(infer_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->key_path = args_text(&a, "--eval-key");
  r->out_path = args_output(&a, "-o");
  r->backend = args_text(&a, "--backend");
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->batch = args_size(&a, "--batch", 1, 4096, BATCH_DEFAULT);
  r->stream = args_flag(&a, "--stream");
  int status = args_end(&a, 2, 1 << 16);
  if (status) return status;
  r->circuit_path = a.value[0];
  r->input_paths = a.value + 1;
  r->images = (size_t)a.count - 1;
  return CLI_OK;
}

/* Everything a run needs, loaded. */
typedef struct infer_session {
  ppml_circuit circuit;
  ppml_eval_key key;
  stream_file key_source;
  ppml_input *inputs;       /* [images] */
  ppml_arena *input_arenas; /* [images] */
  uint8_t *digest;          /* [images][PPML_ID_BYTES]: of the requests that are answered */
  uint32_t *lwe;            /* [images][outputs][words]: the answers, as one output */
  ppml_output output;
  ppml_arena circuit_arena, key_arena, scratch;
} infer_session;

/* Is a key given where one is needed, and nowhere else? */
static int check_key_path(const infer_request *r, const ppml_circuit *c) {
  int is_keyless = ppml_eval_key_wire_bytes(c->params) == 0;
  if (is_keyless && r->key_path)
    return cli_fail(CLI_USAGE, r->circuit_path,
                    "the set %s needs no evaluation key (expected no --eval-key)", c->params->name);
  if (!is_keyless && !r->key_path)
    return cli_fail(CLI_USAGE, "infer", "missing option --eval-key (see ppml infer --help)");
  return CLI_OK;
}

static int load_no_key(infer_session *s, const infer_request *r) {
  size_t bytes = ppml_eval_key_none_bytes(&s->circuit) + ppml_eval_key_prepare_bytes(&s->circuit);
  int status = cli_arena_create(&s->key_arena, bytes);
  if (status) return status;
  int error = ppml_eval_key_none(&s->key, &s->circuit, r->backend, &s->key_arena);
  if (error == PPML_OK) error = ppml_eval_key_prepare(&s->key, &s->circuit, &s->key_arena);
  if (error == PPML_ERR_NAME)
    return cli_fail_ppml(error, r->backend, "a backend that this CPU has");
  return error ? cli_fail_ppml(error, r->circuit_path, "a circuit") : CLI_OK;
}

static int load_inputs(infer_session *s, const infer_request *r) {
  s->inputs = (ppml_input *)calloc(r->images, sizeof *s->inputs);
  s->input_arenas = (ppml_arena *)calloc(r->images, sizeof *s->input_arenas);
  if (!s->inputs || !s->input_arenas)
    return cli_fail(CLI_INTERNAL, "memory", "none left for %zu images", r->images);
  for (size_t i = 0; i < r->images; i++) {
    int status = load_input(&s->inputs[i], r->input_paths[i], &s->input_arenas[i]);
    if (status) return status;
    if (s->inputs[i].params != s->circuit.params ||
        memcmp(s->inputs[i].circuit_id, s->circuit.id, PPML_ID_BYTES) != 0 ||
        memcmp(s->inputs[i].key_id, r->key_path ? s->key.key_id : s->inputs[0].key_id,
               PPML_ID_BYTES) != 0)
      return cli_fail(CLI_REFUSED, r->input_paths[i],
                      "belongs to another circuit or key (expected an image encrypted for these)");
  }
  return CLI_OK;
}

/* Runs one batch and appends its answers to the output. */
static int run_batch(infer_session *s, const infer_request *r, const ppml_parallel *parallel,
                     size_t first) {
  ppml_output part;
  size_t count = r->images - first < r->batch ? r->images - first : r->batch;
  size_t mark = ppml_arena_mark(&s->scratch);
  int error =
      ppml_infer(&part, &s->circuit, s->inputs + first, count, &s->key, parallel, &s->scratch);
  if (error && r->stream) /* the images were checked; what is read meanwhile is the key */
    return cli_fail_ppml(error, r->key_path, "the evaluation key of this circuit");
  if (error) return cli_fail_ppml(error, r->input_paths[first], "an image for this circuit");
  size_t words = ppml_output_lwe_words(part.params) * part.outputs;
  if (s->lwe == NULL) s->lwe = (uint32_t *)calloc(r->images * words, sizeof *s->lwe);
  if (s->digest == NULL) s->digest = (uint8_t *)calloc(r->images, PPML_ID_BYTES);
  if (s->lwe == NULL || s->digest == NULL)
    return cli_fail(CLI_INTERNAL, "memory", "none left for the answers");
  memcpy(s->lwe + first * words, part.lwe, count * words * sizeof *s->lwe);
  memcpy(s->digest + first * PPML_ID_BYTES, part.digest, count * PPML_ID_BYTES);
  s->output = part;
  ppml_arena_release(&s->scratch, mark);
  return CLI_OK;
}

/* As many of so many threads as there is memory for, one at least. */
static size_t threads_that_fit(const infer_request *r, const ppml_circuit *c) {
  enum { AROUND_BYTES = 5 << 20 }; /* blocks that begin at a multiple of 2 MB, images, answers */
  size_t threads = r->threads;
  for (; threads > 1; threads /= 2) {
    size_t key = r->stream ? ppml_eval_key_stream_bytes(c->params, threads)
                           : ppml_eval_key_read_bytes(c->params, threads);
    size_t infer = ppml_infer_bytes(c, r->batch, threads);
    void *probe = malloc(key + infer + threads * POOL_STACK_BYTES + AROUND_BYTES);
    free(probe);
    if (probe) break;
  }
  return threads;
}

static int run(infer_session *s, const infer_request *r, const ppml_parallel *parallel) {
  int status = CLI_OK;
  if (r->key_path == NULL) status = load_no_key(s, r);
  if (status == CLI_OK && r->key_path)
    status = load_eval_key(&s->key, &s->key_source, r->key_path, &s->circuit, r->backend, parallel,
                           r->stream, &s->key_arena);
  if (status == CLI_OK) status = load_inputs(s, r);
  if (status == CLI_OK)
    status =
        cli_arena_create(&s->scratch, ppml_infer_bytes(&s->circuit, r->batch, parallel->threads));
  ppml_progress progress = cli_progress("images");
  for (size_t first = 0; first < r->images && status == CLI_OK; first += r->batch) {
    status = run_batch(s, r, parallel, first);
    if (status == CLI_OK)
      progress.step(progress.context, first + r->batch < r->images ? first + r->batch : r->images,
                    r->images);
  }
  if (status) return status;
  s->output.images = (uint32_t)r->images;
  s->output.digest = s->digest;
  s->output.lwe = s->lwe;
  return save_output(&s->output, r->out_path);
}

static void close_session(infer_session *s, size_t images) {
  for (size_t i = 0; s->input_arenas && i < images; i++) cli_arena_destroy(&s->input_arenas[i]);
  free(s->inputs);
  free(s->input_arenas);
  free(s->digest);
  free(s->lwe);
  stream_close(&s->key_source);
  cli_arena_destroy(&s->scratch);
  cli_arena_destroy(&s->key_arena);
  cli_arena_destroy(&s->circuit_arena);
}

/* A model that stays encrypted, and all images in one file. */
static int infer_learnt(const infer_request *r) {
  if (r->key_path == NULL)
    return cli_fail(CLI_USAGE, "infer", "missing option --eval-key (see ppml infer --help)");
  if (r->images != 1)
    return cli_fail(CLI_USAGE, "infer", "%zu files of images (expected one, for %s)", r->images,
                    r->circuit_path);
  return learning_infer(r->circuit_path, r->key_path, r->input_paths[0], r->out_path, r->backend,
                        r->threads);
}

int cmd_infer(int argc, char **argv) {
  infer_request r;
  infer_session s;
  pool threads;
  ppml_header header;
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_header(&header, r.circuit_path);
  if (status) return status;
  if (header.kind == PPML_KIND_LEARNT) return infer_learnt(&r);
  memset(&s, 0, sizeof s);
  if (r.batch > r.images) r.batch = r.images;
  status = load_circuit(&s.circuit, r.circuit_path, &s.circuit_arena);
  if (status == CLI_OK) status = check_key_path(&r, &s.circuit);
  if (status == CLI_OK) status = pool_start(&threads, threads_that_fit(&r, &s.circuit));
  if (status == CLI_OK) {
    status = run(&s, &r, &threads.parallel);
    pool_stop(&threads);
  }
  close_session(&s, r.images);
  return status;
}
