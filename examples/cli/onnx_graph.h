/* onnx_graph.h - the values of an ONNX graph while it is read: constants, which are worked out, and what
 * becomes of one image, which is written down as steps (onnx_run.h) with their meaning.
 *
 * The meaning of a step is what makes layers possible.  Each of its values is
 *
 *     scale x + shift,   x a value of its core
 *
 * and a core is the image itself, a dense layer's result, or a function of single values of a dense
 * layer's result: a clip, or any other.  Adding, multiplying and normalizing change scale and shift;
 * moving values about changes which value of the core is meant; an activation begins a new core.
 * onnx_layers.c folds scales and shifts into the dense layers before and behind.
 *
 * A value that cannot be read is not an error until the scores turn out to need it: it carries its
 * reason along.  All memory is one block, and all work is counted against the file's size.
 *
 * Files: onnx_graph.c has memory, names and constants, onnx_meaning.c meanings, onnx_nodes.c what
 * each op does, onnx_layers.c what the scores are made of, onnx.c the model around it. */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "onnx.h"
#include "onnx_file.h"
#include "onnx_run.h"

enum {
  GRAPH_VALUES_MAX = 8192,
  GRAPH_NAMES = 16384, /* places for names, a power of two, of which at most a half is taken */
  GRAPH_STEPS_MAX = 4096,
  GRAPH_NODES_MAX = 4096,   /* those of functions counted as often as they are called */
  GRAPH_DEPTH_MAX = 8,      /* functions that call one another */
  GRAPH_COUNT_MAX = 1 << 22 /* values of a step */
};

/* Which kind of value. */
typedef enum graph_kind {
  GRAPH_NOTHING, /* not made yet */
  GRAPH_BAD,     /* cannot be read: reason */
  GRAPH_TENSOR,  /* a constant that nobody has looked at yet */
  GRAPH_CONSTANT,
  GRAPH_DATA /* what becomes of the image */
} graph_kind;

typedef struct graph_value {
  graph_kind kind;
  uint32_t type; /* as ONNX numbers it */
  unsigned rank;
  size_t side[ONNX_RANK_MAX]; /* a batch is one image */
  size_t count;
  const float *value; /* [count] of CONSTANT */
  protobuf tensor;    /* of TENSOR */
  size_t step;        /* of DATA: whose results it is */
  const char *reason; /* of BAD */
} graph_value;

/* What the values of a step are: scale x + shift, x being value index of the core. */
typedef struct graph_meaning {
  int core;
  const uint32_t *index;      /* [count], or NULL for 0, 1, 2 ... */
  const float *scale, *shift; /* [scales], [shifts] */
  size_t scales, shifts;      /* 1: the same for all values; else count */
} graph_meaning;

typedef enum graph_core_kind {
  CORE_IMAGE,
  CORE_DENSE,    /* a dense layer's result, of arg */
  CORE_CLIP,     /* arg, held between low and high */
  CORE_FUNCTION, /* any other function of a dense layer's single values, of which arg is one */
  CORE_SOFTMAX,  /* of arg, whose order it keeps */
  CORE_ARGMAX    /* the number of arg's largest */
} graph_core_kind;

typedef struct graph_core {
  graph_core_kind kind;
  int base;          /* the core of the dense layer that it is a function of; itself for that */
  size_t step;       /* where it is computed; not of CLIP */
  size_t count;      /* of values */
  graph_meaning arg; /* not of IMAGE */
  const float *low, *high; /* [count] of CLIP */
  const char *made_by;     /* "node 3, name: op Relu" */
  protobuf op;
} graph_core;

typedef struct graph_name {
  uint64_t hash; /* 0: a free place */
  uint32_t scope, value;
  protobuf name;
} graph_name;

typedef struct onnx_graph {
  onnx_network *network;
  protobuf model;
  const onnx_external *external;
  size_t externals;
  graph_name *name;       /* [GRAPH_NAMES] */
  graph_value *value;     /* [GRAPH_VALUES_MAX] */
  onnx_step *step;        /* [GRAPH_STEPS_MAX] */
  graph_meaning *meaning; /* [GRAPH_STEPS_MAX] of those steps */
  graph_core *core;       /* [GRAPH_STEPS_MAX] */
  size_t values, steps;
  int cores;
  unsigned nodes;  /* that were read */
  unsigned node;   /* which one is at work: its place in the graph */
  uint32_t scope;  /* names of a function are its own: whose are looked for */
  uint32_t scopes; /* that were opened */
  size_t batch;    /* images at once that the file declares; 1 if any number */
  int is_spent;    /* no memory, or no work, is left */
  unsigned char *memory;
  size_t memory_bytes;
  size_t work; /* values that may still be looked at */
} onnx_graph;

/* A node at work. */
typedef struct graph_call {
  const onnx_node *node;
  graph_value *in[ONNX_INPUTS_MAX]; /* NULL: not given */
  graph_value out[ONNX_OUTPUTS_MAX];
} graph_call;

/* ------------------------------------------------------------------ memory */

/* These return NULL, and set is_spent, if there is no more. */
void *graph_take(onnx_graph *g, size_t bytes);
float *graph_take_floats(onnx_graph *g, size_t count);
uint32_t *graph_take_index(onnx_graph *g, size_t count);

extern const char graph_spent[]; /* the reason then */

/* ------------------------------------------------------------------- names */

/* The value of that name in the scope; NULL if there is none. */
graph_value *graph_find(onnx_graph *g, const protobuf *name);

/* A new value under that name.  NULL, with *reason set, if there are too many, or two of one name. */
graph_value *graph_add(onnx_graph *g, const protobuf *name, const char **reason);

/* Another name for a value that is there, in the scope at work. */
const char *graph_bind(onnx_graph *g, const protobuf *name, const graph_value *value);

/* A name from the file, cut short and made printable. */
const char *graph_shown(char text[64], const protobuf *name);

/* "node 3, name: op Conv: " and that reason, in memory of its own. */
const char *graph_refusal(onnx_graph *g, const onnx_node *node, const char *reason);

/* A text in memory of its own, and one behind it. */
const char *graph_text(onnx_graph *g, const char *text, const char *more);

/* ------------------------------------------------------------------ values */

/* Decodes a constant that is going to be looked at. */
const char *graph_decode(onnx_graph *g, graph_value *value);

/* A constant of that shape, its values to be set. */
float *graph_make_constant(onnx_graph *g, graph_value *out, uint32_t type, unsigned rank,
                           const size_t *side);

int graph_is_integer(uint32_t type);

/* ---------------------------------------------------------------- meanings */

/* A new step that makes count values; NULL if there are too many. */
onnx_step *graph_add_step(onnx_graph *g, onnx_op op, size_t count, uint32_t type);

/* The next core; NULL if there are too many. */
graph_core *graph_add_core(onnx_graph *g, graph_core_kind kind, const onnx_node *node,
                           size_t count);

float graph_scale(const graph_meaning *m, size_t i);
float graph_shift(const graph_meaning *m, size_t i);
size_t graph_index(const graph_meaning *m, size_t i);

/* The meaning of values index[0], index[1] ... of m.
 *   index  [count], or NULL for m itself */
const char *graph_pick(onnx_graph *g, graph_meaning *out, const graph_meaning *m,
                       const uint32_t *index, size_t count);

/* Works out the meaning of the last step, which is one of single values. */
const char *graph_derive(onnx_graph *g, const onnx_node *node);

/* That step has a core of its own, whose argument is m. */
const char *graph_begin_core(onnx_graph *g, graph_core_kind kind, const onnx_node *node,
                             const graph_meaning *m);

/* ------------------------------------------------------------------- nodes */

/* Works a node out, whose inputs are readable: fills call->out.  A reason why it cannot be read. */
const char *graph_apply(onnx_graph *g, graph_call *call);

/* ------------------------------------------------------------------ layers */

/* The layers of the scores, which are a step's values, and its program, into g->network. */
const char *graph_make_layers(onnx_graph *g, size_t scores, const onnx_image *image);

/* How far an output is from logits: 0 for these, more behind activations; -1 for what cannot be
 * scores, with *reason.
 *   scores  out: the step of the logits */
int graph_rate_output(onnx_graph *g, const graph_value *output, size_t *scores,
                      const char **reason);

#endif
