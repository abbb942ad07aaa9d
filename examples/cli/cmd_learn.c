/* ppml learn: the server's work on encrypted training rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"
#include "learning.h"
#include "outputs.h"
#include "pool.h"

typedef struct learn_request {
  const char *key_path, *out_path, *backend;
  char checkpoint_path[FILE_PATH_BYTES]; /* "": none is kept */
  char **set_paths;
  size_t sets, threads;
  double every_ms; /* between two checkpoints */
  ppml_learn_options options;
  int json;
} learn_request;

/* Beside the result, unless it was named. */
static int name_checkpoint(learn_request *r, const char *given) {
  int is_named = given != NULL, has_place = strcmp(r->out_path, "-") != 0;
  if (is_named && strcmp(given, "-") == 0)
    return cli_fail(CLI_USAGE, "learn", "--checkpoint - (expected a file)");
  if (!is_named && !has_place) return CLI_OK;
  int length = snprintf(r->checkpoint_path, sizeof r->checkpoint_path, "%s%s",
                        is_named ? given : r->out_path, is_named ? "" : ".checkpoint");
  if (length < 0 || (size_t)length >= sizeof r->checkpoint_path)
    return cli_fail(CLI_USAGE, "learn", "--checkpoint: the path is too long");
  return CLI_OK;
}

static int parse(learn_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->key_path = args_text(&a, "--eval-key");
  r->out_path = args_output(&a, "-o");
  r->backend = args_text(&a, "--backend");
  r->threads = args_size(&a, "--threads", 1, POOL_THREADS_MAX, pool_processors());
  r->every_ms = 1e3 * args_real(&a, "--every", 0, 1e6, 30);
  const char *checkpoint = args_text(&a, "--checkpoint");
  r->options = ppml_learn_options_default();
  r->options.method = learning_method(&a, 0);
  r->options.passes = (uint32_t)args_number(&a, "--passes", 1, 1000, 1);
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1 << 12);
  if (status) return status;
  r->set_paths = a.value;
  r->sets = (size_t)a.count;
  return name_checkpoint(r, checkpoint);
}

/* ------------------------------------------------------------------- session */

typedef struct learn_session {
  const learn_request *request;
  ppml_learning_key key;
  stream_file *files;     /* [sets] */
  ppml_reader *readers;   /* [sets] */
  ppml_training first;    /* what all sets are alike in */
  stream_file checkpoint; /* to go on from; closed where there is none */
  pool threads;
  ppml_arena key_arena, arena;
  ppml_progress progress;
  uint64_t resumed_at;
  int is_begun; /* a step was done */
  double began_ms, began_cpu_ms, saved_ms;
  int status; /* of a checkpoint that could not be written */
} learn_session;

/* All of a set is read once before any work is done: it is undamaged, and belongs to the others. */
static int check_set(learn_session *s, size_t i) {
  const char *path = s->request->set_paths[i];
  ppml_limits limits = ppml_limits_default();
  ppml_training set;
  ppml_header header;
  ppml_reader *reader = &s->files[i].reader;
  int error = ppml_training_read(&set, reader, &limits);
  if (error == PPML_OK && reader->rewind(reader) != 0)
    return cli_fail(CLI_IO, path, "cannot be read twice (expected a file)");
  if (error == PPML_OK) error = ppml_container_check(&header, reader, &limits);
  if (error == PPML_OK && reader->rewind(reader) != 0) error = PPML_ERR_IO;
  if (error) return cli_fail_ppml(error, path, "a training set");
  if (set.outputs == 0)
    return cli_fail(CLI_DATA, path, "images without labels (expected a training set)");
  if (i == 0) s->first = set;
  if (memcmp(set.key_id, s->first.key_id, PPML_ID_BYTES) != 0 ||
      memcmp(set.map_id, s->first.map_id, PPML_ID_BYTES) != 0)
    return cli_fail(CLI_REFUSED, path,
                    "is of another secret key or feature map than %s (expected the same)",
                    s->request->set_paths[0]);
  if (set.method != s->first.method)
    return cli_fail(CLI_REFUSED, path, "was encrypted for --method %s (expected %s, as %s)",
                    learning_method_name(set.method), learning_method_name(s->first.method),
                    s->request->set_paths[0]);
  return CLI_OK;
}

static int open_sets(learn_session *s) {
  const learn_request *r = s->request;
  s->files = (stream_file *)calloc(r->sets, sizeof *s->files);
  s->readers = (ppml_reader *)calloc(r->sets, sizeof *s->readers);
  if (!s->files || !s->readers)
    return cli_fail(CLI_INTERNAL, "memory", "none left for %zu sets", r->sets);
  for (size_t i = 0; i < r->sets; i++) {
    int status = stream_open(&s->files[i], r->set_paths[i], "a training set");
    if (status == CLI_OK) status = check_set(s, i);
    if (status) return status;
    s->readers[i] = s->files[i].reader;
  }
  if (r->options.method && r->options.method != s->first.method)
    return cli_fail(CLI_REFUSED, r->set_paths[0], "was encrypted for --method %s (expected %s)",
                    learning_method_name(s->first.method), learning_method_name(r->options.method));
  return CLI_OK;
}

static int load_key(learn_session *s) {
  const learn_request *r = s->request;
  if (s->first.method == PPML_LEARN_SUMS) return CLI_OK;
  if (r->key_path == NULL)
    return cli_fail(CLI_USAGE, "learn", "missing option --eval-key (see ppml learn --help)");
  int status = learning_load_key(&s->key, r->key_path, s->first.method == PPML_LEARN_DESCENT,
                                 r->backend, &s->threads.parallel, &s->key_arena);
  if (status) return status;
  if (memcmp(s->key.key_id, s->first.key_id, PPML_ID_BYTES) == 0 &&
      memcmp(s->key.map_id, s->first.map_id, PPML_ID_BYTES) == 0)
    return CLI_OK;
  return cli_fail(CLI_REFUSED, r->set_paths[0],
                  "is of another secret key or feature map than %s (expected rows of the same)",
                  r->key_path);
}

/* ---------------------------------------------------------------- checkpoints */

/* The checkpoint of a run that was interrupted, if there is one; then its path is named as an
 * output, whole ones take its place. */
static int open_checkpoint(learn_session *s) {
  const char *path = s->request->checkpoint_path;
  struct stat status;
  if (*path == 0 || s->first.method != PPML_LEARN_DESCENT) return CLI_OK;
  if (stat(path, &status) == 0) {
    int error = load_check(path, "a checkpoint");
    if (error == CLI_OK) error = stream_open(&s->checkpoint, path, "a checkpoint");
    if (error) return error;
  }
  return outputs_name(path, 0);
}

static int save_checkpoint(learn_session *s, const ppml_learn_run *run) {
  static file_output output;
  const char *path = s->request->checkpoint_path;
  int status = outputs_begin(&output, path, 0666);
  if (status) return status;
  ppml_writer writer = save_writer(&output);
  if (ppml_checkpoint_write(run, &writer) == PPML_OK) return outputs_commit(&output, &path, 1);
  file_abort(&output);
  return save_fail(&output, path);
}

/* After each step. */
static int told(void *context, const ppml_learn_run *run) {
  learn_session *s = (learn_session *)context;
  double now = cli_now_ms();
  if (!s->is_begun) s->resumed_at = run->done - 1;
  s->is_begun = 1;
  s->progress.step(s->progress.context, (size_t)run->done, (size_t)run->steps);
  if (s->request->checkpoint_path[0] == 0 || run->descent == NULL || run->done == run->steps)
    return PPML_OK;
  if (now - s->saved_ms < s->request->every_ms) return PPML_OK;
  s->saved_ms = now;
  s->status = save_checkpoint(s, run);
  return s->status ? PPML_ERR_IO : PPML_OK;
}

/* ----------------------------------------------------------------------- run */

/* The sets and the key were found to belong together: what does not is the checkpoint. */
static int fail(const learn_session *s, int error) {
  const learn_request *r = s->request;
  if (s->status) return s->status;
  if (error == PPML_ERR_MISMATCH && s->checkpoint.stream)
    return cli_fail(CLI_REFUSED, r->checkpoint_path,
                    "is the checkpoint of another run (expected these sets and passes, or no such "
                    "file)");
  if (error == PPML_ERR_KIND && s->checkpoint.stream)
    return cli_fail_ppml(error, r->checkpoint_path, "a checkpoint");
  if (error == PPML_ERR_PARAMS)
    return cli_fail(CLI_DATA, r->set_paths[0], "has more rows than second moments have room for");
  return cli_fail_ppml(error, r->set_paths[0], "training sets of one key and one feature map");
}

static void report(const learn_session *s, const ppml_learnt *learnt) {
  double seconds = (cli_now_ms() - s->began_ms) / 1e3;
  const char *name = learning_method_name(learnt->method);
  if (s->request->json) {
    json_begin(NULL, '{');
    json_text("method", name);
    json_integer("features", learnt->features - 1);
    json_integer("outputs", learnt->outputs);
    json_integer("rows", (int64_t)learnt->rows);
    json_integer("steps", (int64_t)learnt->steps);
    json_integer("resumed_at", (int64_t)s->resumed_at);
    json_real("seconds", seconds);
    json_real("cpu_seconds", (cli_cpu_ms() - s->began_cpu_ms) / 1e3);
    json_integer("threads", (int64_t)s->request->threads);
    json_integer("arena_bytes", (int64_t)s->arena.high_bytes);
    json_integer("peak_rss_bytes", (int64_t)cli_peak_rss_bytes());
    json_end('}');
    return;
  }
  printf("%llu rows of %u features, %u outputs, by %s", (unsigned long long)learnt->rows,
         learnt->features - 1, learnt->outputs, name);
  if (learnt->steps) printf(": %llu steps", (unsigned long long)learnt->steps);
  if (s->resumed_at) printf(", from %llu on", (unsigned long long)s->resumed_at);
  printf("\n%.1f s\n", seconds);
}

static int learn(learn_session *s) {
  const learn_request *r = s->request;
  ppml_limits limits = ppml_limits_default();
  ppml_learn_watch watch = {told, s};
  ppml_learn_options options = r->options;
  ppml_learnt learnt;
  ppml_reader *from = s->checkpoint.stream ? &s->checkpoint.reader : NULL;
  options.method = s->first.method;
  int status = cli_arena_create(&s->arena, ppml_learn_bytes(&s->first, r->sets, r->threads));
  if (status) return status;
  s->progress = cli_progress("learning");
  s->began_ms = s->saved_ms = cli_now_ms();
  s->began_cpu_ms = cli_cpu_ms();
  int error = ppml_learn(&learnt, s->readers, r->sets, &s->key, &options, &limits, from, &watch,
                         &s->threads.parallel, &s->arena);
  if (error) return fail(s, error);
  status = save_learnt(&learnt, r->out_path);
  if (status) return status;
  if (r->checkpoint_path[0]) (void)unlink(r->checkpoint_path);
  if (strcmp(r->out_path, "-") != 0) report(s, &learnt);
  return CLI_OK;
}

int cmd_learn(int argc, char **argv) {
  static learn_request r;
  static learn_session s;
  int status = parse(&r, argc, argv);
  if (status) return status;
  s.request = &r;
  status = pool_start(&s.threads, r.threads);
  if (status) return status;
  status = open_sets(&s);
  if (status == CLI_OK) status = load_key(&s);
  if (status == CLI_OK) status = open_checkpoint(&s);
  if (status == CLI_OK) status = learn(&s);
  for (size_t i = 0; s.files && i < r.sets; i++) stream_close(&s.files[i]);
  stream_close(&s.checkpoint);
  free(s.files);
  free(s.readers);
  cli_arena_destroy(&s.arena);
  cli_arena_destroy(&s.key_arena);
  pool_stop(&s.threads);
  return status;
}
