/* learning.h - what the commands of learning from encrypted images share.  Those that other commands hand
 * over to take the whole command line. */
#ifndef LEARNING_H
#define LEARNING_H

#include "args.h"
#include "load.h"
#include "split.h"

/* Takes --method out of a command's arguments: descent, gram or sums.
 *   fallback  where it is not there; 0: told as 0 */
uint32_t learning_method(args *a, uint32_t fallback);

/* The name of a method, "descent" say. */
const char *learning_method_name(uint32_t method);

/* Takes --method, --passes, --copies and --ridge out. */
void learning_options(ppml_learn_options *o, args *a);

/* Images in memory, one after the other, as a source of them. */
typedef struct learning_images {
  ppml_image_source source;
  const uint8_t *pixels; /* [count][inputs] */
  size_t inputs;
} learning_images;

/*   images  out: refers to itself, so it must not move
 *   labels  NULL where none are asked for */
void learning_images_of(learning_images *images, const uint8_t *pixels, const uint8_t *labels,
                        size_t count, size_t inputs);

/* The ordinary model that weights of features are; free its arena. */
int learning_model(ppml_model *model, const ppml_features *map, const double *weights,
                   const char *path, ppml_arena *arena);

/* Says what of the plan's errors can be meant.  Returns the exit status. */
int learning_plan_fail(int error, const char *path);

/* The evaluation key's part of `ppml keygen MAP`: writes the learning key. */
int learning_write_key(file_output *output, const char *path, const ppml_secret_key *key,
                       size_t threads, ppml_rng *rng);

/* A learning key, and the file that it is in.
 *   arena  out: of the key */
int learning_load_key(ppml_learning_key *key, const char *path, int with_bootstraps,
                      const char *backend, const ppml_parallel *parallel, ppml_arena *arena);

/* ppml encrypt with --training or --features. */
int learning_encrypt(int argc, char **argv);
/* ppml decrypt with -o: an encrypted model becomes an ordinary one. */
int learning_open(int argc, char **argv);
/* ppml infer of an encrypted model. */
int learning_infer(const char *model_path, const char *key_path, const char *images_path,
                   const char *out_path, const char *backend, size_t threads);
/* ppml verify and simulate with --learn. */
int learning_verify(int argc, char **argv);
int learning_simulate(int argc, char **argv);

#endif
