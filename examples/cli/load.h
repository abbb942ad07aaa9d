/* load.h - from file names to what the library works on, and back. */
#ifndef LOAD_H
#define LOAD_H

#include <stdio.h>

#include "args.h"
#include "cli.h"
#include "dataset.h"
#include "file.h"
#include "image.h"
#include "keyring.h"
#include "npz.h"
#include "onnx.h"

/* Functions return CLI_OK, or the exit status after printing one line.  What a loader
 * allocates lives in the arena it makes; give it back with cli_arena_destroy. */

/* The header alone: what kind of file is it?  What cannot be read twice, as a pipe cannot, is held
 * for the loader that is called next. */
int load_header(ppml_header *header, const char *path);

int load_model(ppml_model *model, const char *path, ppml_arena *arena);
int load_circuit(ppml_circuit *circuit, const char *path, ppml_arena *arena);
int load_client(ppml_client *client, const char *path);

/* The process holds secrets from then on: secret.h. */
int load_secret_key(keyring *key, const char *path);
int load_input(ppml_input *input, const char *path, ppml_arena *arena);
int load_output(ppml_output *output, const char *path, ppml_arena *arena);

/* A file that is read as it is used, and is never whole in memory.
 *   file  out: stays open until stream_close */
typedef struct stream_file {
  FILE *stream;
  ppml_reader reader;
} stream_file;

int stream_open(stream_file *file, const char *path, const char *expected);
void stream_close(stream_file *file); /* harmless on zeros */

/* Reads a container of any kind through and checks its digest; prints what is wrong. */
int load_check(const char *path, const char *expected);

int load_features(ppml_features *map, const char *path, ppml_arena *arena);
int load_learnt(ppml_learnt *learnt, const char *path, ppml_arena *arena);

/* Reads the evaluation key as it is expanded, so that the file is never whole in memory; or,
 * to stream it, opens it alone, and inference reads it.
 *   file  out: stays open until stream_close */
int load_eval_key(ppml_eval_key *key, stream_file *file, const char *path,
                  const ppml_circuit *circuit, const char *backend, const ppml_parallel *parallel,
                  int stream, ppml_arena *arena);

/* A data set of an .npz; free the arena that holds its arrays. */
int load_dataset(npz_dataset *dataset, const char *path, const npz_options *options,
                 ppml_arena *arena);

/* An ONNX file's bytes, and those of the files beside it that it has weights in. */
typedef struct onnx_files {
  file_input file;
  onnx_external external[ONNX_EXTERNALS_MAX];
  file_input beside[ONNX_EXTERNALS_MAX];
  size_t externals;
} onnx_files;

/* Reads them; free them with onnx_files_free, whatever is returned.  Files are looked for in the folder
 * of the first one alone, and all of them together have an upper bound. */
int load_onnx_files(onnx_files *files, const char *path);
size_t onnx_files_bytes(const onnx_files *files); /* of all of them */
void onnx_files_free(onnx_files *files);

/* A network of layers from them; free the arena that holds its weights.
 *   output  its name, or NULL */
int load_onnx(onnx_network *network, const onnx_files *files, const char *path,
              const onnx_image *shape, const char *output, ppml_arena *arena);

/* Does the data set have images of this shape, and no class the network lacks? */
int load_check_shape(const npz_dataset *dataset, const ppml_spec *spec, const char *path);

/* A split by its name, "train", "val" or "test", which has images. */
int load_split(const npz_split **split, const npz_dataset *dataset, const char *name);

/* Takes --frame and --window out of a command's arguments: of every DICOM file that it reads. */
void load_take_view(args *a);

/* A picture file of any shape (image.h); free the arena that holds its pixels.
 *   where  behind an error's text: ", line 7 of the labels", or "" */
int load_picture(image *out, const char *path, const char *where, ppml_arena *arena);

/* Pixels for a network of this spec, from such a file or from an .npy, by the spec's range; three equal
 * channels may stand for gray.  Of a network of ready latents, floats from an .npy.
 *   fit  make it fit (resample.h), else an image of another shape is refused */
int load_image(const uint8_t **pixels, const char *path, const ppml_spec *spec, int fit,
               ppml_arena *arena);

/* Containers out: the writer appends to an output that file_create began. */
ppml_writer save_writer(file_output *output);

/* Prints what went wrong with an output. */
int save_fail(const file_output *output, const char *path);

/* Writes object with write, to path, whole or not at all. */
int save_model(const ppml_model *model, const char *path);
int save_output(const ppml_output *output, const char *path);
int save_features(const ppml_features *map, const char *path);
int save_learnt(const ppml_learnt *learnt, const char *path);

#endif
