/* onnx_run.h - an ONNX file's own arithmetic on one image: steps one after the other, as ONNX defines
 * them, integers and rounding included.  onnx_graph.c writes the steps down, onnx_layers.c makes layers
 * of the same steps; what the layers answer is compared with this. */
#ifndef ONNX_RUN_H
#define ONNX_RUN_H

#include <stddef.h>
#include <stdint.h>

typedef enum onnx_op {
  ONNX_OP_NONE,
  ONNX_OP_INPUT,  /* the image */
  ONNX_OP_DENSE,  /* p[0] x W: Gemm, MatMul; in[1] is W */
  ONNX_OP_GATHER, /* result i is value index[i] of in[0], and beyond its end of in[1] */
  ONNX_OP_SOFTMAX,
  ONNX_OP_ARGMAX, /* these two are never run: layers end before them */
  /* of each value alone, from here on */
  ONNX_OP_ADD,
  ONNX_OP_SUB,
  ONNX_OP_MUL,
  ONNX_OP_DIV,
  ONNX_OP_AFFINE, /* x a + b */
  ONNX_OP_POW,
  ONNX_OP_MAX,
  ONNX_OP_MIN,
  ONNX_OP_EQUAL,
  ONNX_OP_GREATER,
  ONNX_OP_LESS,
  ONNX_OP_GREATER_EQUAL,
  ONNX_OP_LESS_EQUAL,
  ONNX_OP_AND,
  ONNX_OP_OR,
  ONNX_OP_PRELU,      /* x for x >= 0, else x a */
  ONNX_OP_WHERE,      /* x ? a : b */
  ONNX_OP_QUANTIZE,   /* min(max(rint(x / a) + b, p[0]), p[1]), halves to even */
  ONNX_OP_DEQUANTIZE, /* (x - b) a */
  ONNX_OP_CLIP,       /* min(max(x, p[0]), p[1]) */
  ONNX_OP_RELU,
  ONNX_OP_LEAKY_RELU,       /* p[0] x for x < 0 */
  ONNX_OP_ELU,              /* p[0] (e^x - 1) for x < 0 */
  ONNX_OP_SELU,             /* p[1] times x, or p[0] (e^x - 1) for x < 0 */
  ONNX_OP_CELU,             /* p[0] (e^(x / p[0]) - 1) for x < 0 */
  ONNX_OP_THRESHOLDED_RELU, /* x for x > p[0], else 0 */
  ONNX_OP_HARD_SIGMOID,     /* p[0] x + p[1], from 0 to 1 */
  ONNX_OP_HARD_SWISH,
  ONNX_OP_SIGMOID,
  ONNX_OP_TANH,
  ONNX_OP_SWISH, /* x sigmoid(p[0] x) */
  ONNX_OP_GELU,  /* by tanh if p[0] */
  ONNX_OP_MISH,
  ONNX_OP_SOFTPLUS,
  ONNX_OP_SOFTSIGN,
  ONNX_OP_SHRINK, /* p[0] lambda, p[1] bias */
  ONNX_OP_ERF,
  ONNX_OP_SIGN,
  ONNX_OP_ABS,
  ONNX_OP_NEG,
  ONNX_OP_EXP,
  ONNX_OP_LOG,
  ONNX_OP_SQRT,
  ONNX_OP_RECIPROCAL,
  ONNX_OP_FLOOR,
  ONNX_OP_CEIL,
  ONNX_OP_ROUND,
  ONNX_OP_SIN,
  ONNX_OP_COS,
  ONNX_OP_NOT,
  ONNX_OP_TRUNCATE /* Cast to integers */
} onnx_op;

/* What a step takes: another step's results, or constants. */
typedef struct onnx_operand {
  int step;           /* -1: constants */
  const float *value; /* [count] of constants */
  size_t count;       /* 1: the same for all values */
} onnx_operand;

typedef struct onnx_step {
  onnx_op op;
  unsigned operands;
  onnx_operand in[3];
  float p[2];
  size_t count;          /* of results */
  const uint32_t *index; /* [count] of GATHER */
  size_t inputs;         /* DENSE: W is [count][inputs] if by_rows, else [inputs][count] */
  int by_rows;
  uint32_t type; /* of the results, as ONNX numbers it: float16 and bfloat16 are rounded to */
  unsigned node; /* that it is of */
  int is_needed; /* for the scores */
  size_t at;     /* where its results are, of what is needed */
} onnx_step;

/* The steps of a file that its scores need. */
typedef struct onnx_program {
  const onnx_step *step; /* [steps], step 0 being the image */
  size_t steps;
  size_t scores; /* the step that they are the results of */
  size_t floats; /* memory for all results */
} onnx_program;

/* Marks what a step needs and gives each needed step its place.  0 if that takes more than most
 * floats.
 *   step  [steps]  in and out */
int onnx_program_make(onnx_program *program, onnx_step *step, size_t steps, size_t scores,
                      size_t most);

/* Runs all needed steps behind `from`, whose results are there.
 *   memory  [program->floats]  in and out */
void onnx_run_from(float *memory, const onnx_program *program, size_t from);

/* Runs the program on one image.
 *   memory  [program->floats]
 *   image   [count of step 0]
 * Returns the scores. */
const float *onnx_run(float *memory, const onnx_program *program, const float *image);

/* A step of each value alone, of one value: op(x, a, b). */
float onnx_apply(const onnx_step *step, float x, float a, float b);

/* The number of that type that is nearest. */
float onnx_round_to(uint32_t type, float x);

#endif
