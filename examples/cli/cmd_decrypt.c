/* ppml decrypt: the answers in an output, in words: to images that were asked about, once each. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "cli.h"
#include "json.h"
#include "learning.h"
#include "ledger.h"
#include "load.h"

typedef struct decrypt_request {
  const char *key_path, *out_path;
  char ledger_path[FILE_PATH_BYTES];
  int scores, flooded, json;
} decrypt_request;

static int parse(decrypt_request *r, int argc, char **argv) {
  args a = args_make(argc, argv);
  r->key_path = args_required(&a, "--secret-key");
  const char *requests = args_text(&a, "--requests");
  r->scores = args_flag(&a, "--scores");
  r->flooded = args_flag(&a, "--flooded-scores");
  r->json = args_flag(&a, "--json");
  int status = args_end(&a, 1, 1);
  if (status) return status;
  r->out_path = a.value[0];
  if (r->scores && r->flooded)
    return cli_fail(CLI_USAGE, "decrypt",
                    "--scores and --flooded-scores (expected one: the former undo the latter)");
  return ledger_path(r->ledger_path, requests, r->key_path);
}

/* One image's answer. */
typedef struct result {
  ledger_line *line;
  uint64_t number; /* of the image, where the line is about several */
  int is_numbered;
  ppml_answer answer;
  int32_t scores[PPML_CLASSES_MAX]; /* where they were asked for */
} result;

/* ----------------------------------------------------------------- printing */

/*   name  [LEDGER_NAME_BYTES + 24]  out */
static void image_name(char *name, const result *of) {
  if (of->is_numbered)
    snprintf(name, LEDGER_NAME_BYTES + 24, "%s %" PRIu64, of->line->name, of->number);
  else snprintf(name, LEDGER_NAME_BYTES + 24, "%s", of->line->name);
}

/* The labels that apply, by number and by name. */
static void print_labels(const ppml_spec *spec, const ppml_answer *answer) {
  json_begin("labels", '[');
  for (uint32_t c = 0; c < spec->classes; c++)
    if (answer->label[c]) json_integer(NULL, c);
  json_end(']');
  json_begin("names", '[');
  for (uint32_t c = 0; c < spec->classes; c++)
    if (answer->label[c]) json_text(NULL, spec->class_name[c]);
  json_end(']');
}

static void print_scores(const char *name, const ppml_spec *spec, const int32_t *scores) {
  json_begin(name, '[');
  for (uint32_t s = 0; s < spec->outputs; s++) json_integer(NULL, scores[s]);
  json_end(']');
}

static void print_json(const result *of, const ppml_spec *spec, const decrypt_request *r) {
  const ppml_answer *answer = &of->answer;
  static char name[LEDGER_NAME_BYTES + 24];
  image_name(name, of);
  json_text("image", name);
  if (spec->task == PPML_TASK_LABELS) {
    print_labels(spec, answer);
  } else {
    json_integer("class", answer->label[0]);
    json_text("name", spec->class_name[answer->label[0]]);
  }
  if (answer->unseen) json_integer("unseen", 1);
  if (r->scores) print_scores("scores", spec, of->scores);
  if (r->flooded) print_scores("flooded_scores", spec, of->scores);
  if (spec->decides) return; /* and no probability is told */
  json_begin("probabilities", '[');
  for (uint32_t c = 0; c < spec->classes; c++) json_real(NULL, answer->percent[c] / 100.0);
  json_end(']');
}

/* One image: its members; several: an array of such objects, "results". */
static void print_all_json(const result *results, size_t images, const ppml_spec *spec,
                           const decrypt_request *r) {
  json_begin(NULL, '{');
  if (images > 1) json_begin("results", '[');
  for (size_t i = 0; i < images; i++) {
    if (images > 1) json_begin(NULL, '{');
    print_json(&results[i], spec, r);
    if (images > 1) json_end('}');
  }
  if (images > 1) json_end(']');
  json_end('}');
}

static void print_line_of_labels(const ppml_spec *spec, const ppml_answer *answer) {
  const char *separator = "";
  for (uint32_t c = 0; c < spec->classes; c++) {
    if (!answer->label[c]) continue;
    printf("%s%s", separator, spec->class_name[c]);
    if (!spec->decides) printf(" %u %%", answer->percent[c]);
    separator = ", ";
  }
  if (*separator == 0) printf("none of the labels");
}

static void print_line(const result *of, const ppml_spec *spec, const decrypt_request *r) {
  uint32_t label = of->answer.label[0];
  static char name[LEDGER_NAME_BYTES + 24];
  image_name(name, of);
  printf("%-32s ", name);
  if (spec->task == PPML_TASK_LABELS) print_line_of_labels(spec, &of->answer);
  else printf("%5u  %-*s ", label, PPML_CLASS_NAME_BYTES - 1, spec->class_name[label]);
  if (spec->task != PPML_TASK_LABELS && !spec->decides) printf("%9u %%", of->answer.percent[label]);
  if (r->scores || r->flooded) printf("  ");
  for (uint32_t s = 0; (r->scores || r->flooded) && s < spec->outputs; s++)
    printf(" %" PRId32, of->scores[s]);
  printf("\n");
  if (of->answer.unseen) printf("  (unlike the images of training: do not rely on it)\n");
}

static void print_all_lines(const result *results, size_t images, const ppml_spec *spec,
                            const decrypt_request *r) {
  const char *scores = r->scores ? "   scores" : r->flooded ? "   flooded scores" : "";
  if (spec->task == PPML_TASK_LABELS)
    printf("%-32s labels%s%s\n", "image", spec->decides ? "" : ", with their probability", scores);
  else
    printf("%-32s %5s  %-*s %s%s\n", "image", "class", PPML_CLASS_NAME_BYTES - 1, "name",
           spec->decides ? "" : "probability", scores);
  for (size_t i = 0; i < images; i++) print_line(&results[i], spec, r);
}

/* Once, on standard error: what may be done with what follows. */
static void print_warning(const ledger *l, const decrypt_request *r, const ppml_secret_key *key) {
  uint64_t answered = ledger_answered(l, key->id);
  cli_fail(CLI_OK, r->out_path,
           "do not send what is printed here back to the server that made this file: answers to "
           "files of its making can tell it your secret key");
  if (r->scores)
    cli_fail(CLI_OK, r->out_path,
             "the scores are for you alone: some thousand of them, published, are the secret key");
  if (answered > key->client->renew_after)
    cli_fail(CLI_OK, r->key_path,
             "%" PRIu64 " answers were given under this key; if they were published, make new keys "
             "(expected at most %" PRIu32 ")",
             answered, key->client->renew_after);
}

/* ---------------------------------------------------------------- decryption */

/* Finds the open request of every image. */
static int find_requests(result *results, const ppml_output *output, const ledger *l,
                         const decrypt_request *r, const ppml_secret_key *key) {
  for (size_t i = 0; i < output->images; i++) {
    results[i].line = ledger_find(l, output->digest + i * PPML_ID_BYTES, key->id);
    if (results[i].line == NULL)
      return cli_fail(CLI_REFUSED, r->out_path,
                      "image %zu of %" PRIu32 " was not asked for (expected answers to images in "
                      "%s alone)",
                      i + 1, output->images, l->path);
    if (results[i].line->state != 'o')
      return cli_fail(CLI_REFUSED, r->out_path,
                      "image %zu of %" PRIu32 ", %s, was answered before (expected an image not "
                      "yet answered)",
                      i + 1, output->images, results[i].line->name);
  }
  return CLI_OK;
}

static int decrypt_image(result *of, const ppml_output *output, size_t i, const decrypt_request *r,
                         const ppml_secret_key *key, ppml_rng *rng) {
  ppml_request request;
  if (of->line == NULL) return CLI_INTERNAL; /* all were found */
  memset(&request, 0, sizeof request);
  memcpy(request.digest, of->line->digest, PPML_ID_BYTES);
  request.open = of->line->state == 'o';
  int error = r->scores    ? ppml_decrypt_scores_for_owner(of->scores, output, i, &request, key)
              : r->flooded ? ppml_decrypt_scores_flooded(of->scores, output, i, &request, key, rng)
                           : ppml_decrypt(&of->answer, output, i, &request, key);
  if (error)
    return cli_fail_ppml(error, r->out_path, "one answer for each image that was asked for");
  if (r->scores || r->flooded) ppml_client_answer(&of->answer, key->client, of->scores);
  return CLI_OK;
}

/* Flooded scores that will have been published under the key, if there is room for them. */
static int spend(uint64_t *flooded, const ppml_output *output, const ledger *l,
                 const decrypt_request *r, const ppml_secret_key *key) {
  uint64_t wanted = r->flooded ? (uint64_t)output->images * output->outputs : 0;
  *flooded = ledger_flooded(l, key->id) + wanted;
  if (!r->flooded || *flooded <= key->client->publish) return CLI_OK;
  if (key->client->publish == 0)
    return cli_fail(CLI_REFUSED, r->key_path,
                    "its client spec lets no score be published (expected one of ppml compile "
                    "--publish N)");
  return cli_fail(CLI_REFUSED, r->key_path,
                  "%" PRIu64 " of %" PRIu32 " flooded scores were published under this key, and "
                  "%" PRIu64 " more are wanted (expected new keys)",
                  *flooded - wanted, key->client->publish, wanted);
}

/* All answers; then they are told to be answered, before any is printed. */
static int decrypt_all(result *results, const ppml_output *output, ledger *l,
                       const decrypt_request *r, const ppml_secret_key *key) {
  ppml_rng rng;
  uint64_t flooded;
  int status = find_requests(results, output, l, r, key);
  if (status == CLI_OK) status = spend(&flooded, output, l, r, key);
  if (status == CLI_OK) status = cli_rng(&rng);
  if (status) return status;
  for (size_t i = 0; i < output->images && status == CLI_OK; i++)
    status = decrypt_image(&results[i], output, i, r, key, &rng);
  ppml_rng_wipe(&rng);
  if (status) return status;
  for (size_t i = 0; i < output->images; i++) results[i].line->state = 'd';
  return ledger_commit(l, key->id, flooded);
}

static int decrypt(const decrypt_request *r, const ppml_output *output,
                   const ppml_secret_key *key) {
  ledger l;
  result *results = (result *)calloc(output->images, sizeof *results);
  if (results == NULL) return cli_fail(CLI_INTERNAL, "memory", "none left for the answers");
  int status = ledger_open(&l, r->ledger_path);
  if (status == CLI_OK) status = decrypt_all(results, output, &l, r, key);
  if (status == CLI_OK) {
    print_warning(&l, r, key);
    if (r->json) print_all_json(results, output->images, &key->client->spec, r);
    else print_all_lines(results, output->images, &key->client->spec, r);
  }
  ledger_close(&l);
  free(results);
  return status;
}

/* Before the ledger is looked at: a file that is not for this key is no attack, but a mistake. */
static int check_output(const decrypt_request *r, const ppml_output *output,
                        const ppml_secret_key *key) {
  ppml_request none = {{0}, 0};
  ppml_answer answer;
  int error = ppml_decrypt(&answer, output, 0, &none, key);
  return error == PPML_ERR_MISMATCH
             ? cli_fail_ppml(error, r->out_path, "scores for this secret key")
             : CLI_OK;
}

/* ------------------------------------------- answers by an encrypted model */

/* All images are one request, which has one line of the ledger. */
typedef struct classified {
  ledger_line *asked;
  result *results; /* [count] */
  size_t count, capacity;
  int is_short; /* there was no memory for all */
} classified;

static int grow(classified *c) {
  size_t capacity = c->capacity ? 2 * c->capacity : 1024;
  result *results = (result *)realloc(c->results, capacity * sizeof *results);
  if (results == NULL) return 0;
  c->results = results;
  c->capacity = capacity;
  return 1;
}

static void take_answer(void *context, uint64_t number, const ppml_answer *answer) {
  classified *c = (classified *)context;
  if (c->is_short || (c->count == c->capacity && !grow(c))) {
    c->is_short = 1;
    return;
  }
  result *of = &c->results[c->count++];
  memset(of, 0, sizeof *of);
  of->line = c->asked;
  of->number = number;
  of->is_numbered = 1;
  of->answer = *answer;
}

static int read_answers(classified *c, stream_file *file, ppml_request *request,
                        const decrypt_request *r, const ppml_secret_key *key) {
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena;
  int status = cli_arena_create(&arena, ppml_classified_decrypt_bytes());
  if (status) return status;
  int error = ppml_classified_decrypt(&file->reader, &limits, request, key, take_answer, c, &arena);
  cli_arena_destroy(&arena);
  if (error) return cli_fail_ppml(error, r->out_path, "answers for this secret key");
  return c->is_short ? cli_fail(CLI_INTERNAL, "memory", "none left for the answers") : CLI_OK;
}

/* The open line of the ledger that the file answers. */
static int find_asked(ledger_line **line, ppml_request *request, const ledger *l, stream_file *file,
                      const decrypt_request *r, const ppml_secret_key *key) {
  ppml_limits limits = ppml_limits_default();
  int error = ppml_classified_digest(request->digest, &file->reader, &limits);
  if (error) return cli_fail_ppml(error, r->out_path, "answers by an encrypted model");
  if (file->reader.rewind(&file->reader) != 0)
    return cli_fail(CLI_IO, r->out_path, "cannot be read twice (expected a file)");
  *line = ledger_find(l, request->digest, key->id);
  if (*line == NULL)
    return cli_fail(CLI_REFUSED, r->out_path,
                    "was not asked for (expected answers to images in %s alone)", l->path);
  if ((*line)->state != 'o')
    return cli_fail(CLI_REFUSED, r->out_path,
                    "answers %s, which was answered before (expected images not yet answered)",
                    (*line)->name);
  request->open = 1;
  return CLI_OK;
}

static int decrypt_answers(classified *c, ledger *l, stream_file *file, const decrypt_request *r,
                           const ppml_secret_key *key) {
  ledger_line *line = NULL;
  ppml_request request;
  int status = find_asked(&line, &request, l, file, r, key);
  if (status || line == NULL) return status;
  c->asked = line;
  status = read_answers(c, file, &request, r, key);
  if (status) return status;
  line->state = 'd';
  status = ledger_commit(l, key->id, ledger_flooded(l, key->id));
  if (status) return status;
  print_warning(l, r, key);
  if (r->json) print_all_json(c->results, c->count, &key->client->spec, r);
  else print_all_lines(c->results, c->count, &key->client->spec, r);
  return CLI_OK;
}

static int decrypt_classified(const decrypt_request *r, const ppml_secret_key *key) {
  classified c = {0};
  stream_file file;
  ledger l;
  if (r->scores || r->flooded)
    return cli_fail(CLI_USAGE, "decrypt",
                    "scores of an encrypted model are not given out (expected neither --scores nor "
                    "--flooded-scores)");
  int status = stream_open(&file, r->out_path, "answers");
  if (status) return status;
  status = ledger_open(&l, r->ledger_path);
  if (status == CLI_OK) status = decrypt_answers(&c, &l, &file, r, key);
  free(c.results);
  ledger_close(&l);
  stream_close(&file);
  return status;
}

/* ------------------------------------------------------------------- command */

static int decrypt_output(const decrypt_request *r, const ppml_secret_key *key) {
  ppml_output output;
  ppml_arena arena;
  int status = load_output(&output, r->out_path, &arena);
  if (status) return status;
  status = check_output(r, &output, key);
  if (status == CLI_OK) status = decrypt(r, &output, key);
  cli_arena_destroy(&arena);
  return status;
}

int cmd_decrypt(int argc, char **argv) {
  static decrypt_request r;
  keyring key;
  ppml_header header;
  args a = args_make(argc, argv);
  if (args_has(&a, "-o")) return learning_open(argc, argv);
  int status = parse(&r, argc, argv);
  if (status == CLI_OK) status = load_secret_key(&key, r.key_path);
  if (status) return status;
  status = load_header(&header, r.out_path);
  if (status == CLI_OK)
    status = header.kind == PPML_KIND_CLASSIFIED ? decrypt_classified(&r, &key.secret)
                                                 : decrypt_output(&r, &key.secret);
  keyring_wipe(&key);
  return status;
}
