/* test_dense.c - dense layers on ciphertexts beside their cleartext twins, and lookup tables. */
#define PPML_IMPLEMENTATION
#include "support.h"

static const uint32_t activations[] = {PPML_ACTIVATION_RELU, PPML_ACTIVATION_SIGN,
                                       PPML_ACTIVATION_CLIPPED_SQUARE, PPML_ACTIVATION_TABLE};

static const uint32_t hidden[] = {5, 4};

typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  ppml_arena arena;
} bench;

static bench *bench_make(uint32_t width, uint32_t height, size_t layers, uint32_t activation,
                         uint32_t classes, uint64_t seed) {
  bench *b = test_memory(sizeof *b);
  test_net_make(&b->net, width, height, hidden, layers, activation, classes, seed);
  b->arena = test_arena(ppml_compile_bytes(&b->net.model));
  test_circuit_make(&b->circuit, &b->net, "fast", &b->arena);
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->arena);
  free(b);
}

/* ------------------------------------------------------------------ table */

/* What a blind rotation by `phase` leaves in the constant coefficient. */
static uint64_t looked_up(const uint64_t *table, uint32_t phase, uint32_t N) {
  return phase < N ? table[phase] : 0 - table[phase - N];
}

/* A position where the accumulator's nearest integer is in doubt may give either. */
static int fits(const ppml_circuit *c, uint32_t l, uint32_t j, double z, uint64_t value,
                uint64_t unit) {
  const ppml_layer *layer = &c->model.layer[l];
  for (double side = -1e-9; side <= 1e-9; side += 1e-9) {
    int32_t a = ppmli_quant_activation(layer->activation, (int64_t)floor(z + side + 0.5),
                                       layer->range[j], layer->table);
    if ((uint64_t)(int64_t)a * unit == value) return 1;
  }
  return 0;
}

/* Everywhere the accumulator may stand, the table holds the activation of the nearest z. */
static void check_table(const ppml_circuit *c, uint32_t l, uint32_t j) {
  static uint64_t table[4096];
  const ppml_layer *layer = &c->model.layer[l];
  uint32_t N = c->params->poly_size;
  double scale = ldexp((double)ppmli_circuit_scale(c, l, j), -64);
  double reach = ppmli_activation_is_odd(layer->activation) ? 0.5 - layer->range[j] * scale : 0.25;
  uint64_t unit = c->unit[l + 1];
  if (ppmli_tables_have_weights(c, l))
    unit = ppmli_circuit_score_unit(c) * (uint64_t)(int64_t)c->model.layer[l + 1].weight[j];
  ppmli_dense_table(table, c, l, j);
  for (uint32_t phase = 0; phase < 2 * N; phase++) {
    double turns = (phase < N ? phase : (double)phase - 2 * N) / (2 * N);
    if (fabs(turns) >= reach) continue;
    if (!fits(c, l, j, turns / scale, looked_up(table, phase, N), unit))
      ck_abort_msg("activation %u, layer %u, neuron %u, phase %u: z = %g gives %g",
                   layer->activation, l, j, phase, turns / scale,
                   (double)ppmli_torus_signed(looked_up(table, phase, N)) / (double)unit);
  }
}

static void check_tables(uint32_t width, uint32_t height, uint32_t activation, uint32_t classes) {
  bench *b = bench_make(width, height, 2, activation, classes, activation);
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t j = 0; j < hidden[l]; j++) check_table(&b->circuit, l, j);
  bench_free(b);
}

START_TEST(a_table_holds_the_activation_of_the_nearest_accumulator) {
  for (size_t a = 0; a < 4; a++) {
    check_tables(20, 20, activations[a], 3);
    check_tables(2, 1, activations[a], 3); /* accumulators so coarse that z = 1 is many entries */
    check_tables(5, 5, activations[a], 2); /* folded */
  }
}
END_TEST

/* ------------------------------------------------------- LWE ciphertexts */

/* Phases follow the layer's integers exactly: the code adds multiples, and nothing else. */
static void check_lwe(bench *b, uint32_t l, const uint8_t *bits) {
  const ppml_circuit *c = &b->circuit;
  const ppml_layer *layer = &c->model.layer[l];
  size_t dim = ppmli_params_long_dim(c->params), words = dim + 1;
  uint64_t *in = test_memory(layer->inputs * words * sizeof *in);
  uint64_t *out = test_memory(words * sizeof *out);
  ppml_rng rng = test_rng(20);
  test_random_words(&rng, in, layer->inputs * words);
  for (uint32_t j = 0; j < layer->outputs; j++) {
    uint64_t expected = (uint64_t)(int64_t)layer->bias[j] * ppmli_circuit_scale(c, l, j);
    for (uint32_t i = 0; i < layer->inputs; i++) {
      int64_t factor = ppmli_tables_have_weights(c, l - 1)
                           ? 1
                           : (int64_t)c->gain[l][j] * layer->weight[j * layer->inputs + i];
      expected += (uint64_t)factor * test_phase(in + i * words, bits, dim);
    }
    ppmli_dense_lwe(out, c, l, j, in);
    ck_assert(test_phase(out, bits, dim) == expected);
  }
  free(in);
  free(out);
}

START_TEST(a_dense_layer_on_ciphertexts_is_one_on_phases) {
  uint8_t lwe_bits[TEST_KEY_BITS_MAX / 8], glwe_bits[TEST_KEY_BITS_MAX / 8];
  ppml_rng rng = test_rng(21);
  ppmli_client_draw_key(lwe_bits, glwe_bits, ppml_params_by_name("fast"), &rng);
  for (uint32_t classes = 2; classes <= 3; classes++) {
    bench *b = bench_make(4, 4, 2, PPML_ACTIVATION_RELU, classes, classes);
    check_lwe(b, 1, glwe_bits);
    check_lwe(b, 2, glwe_bits);
    bench_free(b);
  }
}
END_TEST

/* Trivial ciphertexts of the clear activations give the clear accumulators. */
START_TEST(trivial_activations_give_the_clear_accumulators) {
  bench *b = bench_make(4, 4, 2, PPML_ACTIVATION_RELU, 3, 22);
  const ppml_circuit *c = &b->circuit;
  size_t dim = ppmli_params_long_dim(c->params), words = dim + 1;
  uint64_t *in = test_memory(5 * words * sizeof *in), *out = test_memory(words * sizeof *out);
  const int32_t x[5] = {127, -127, 3, 0, -64};
  int32_t z[4];
  ppmli_quant_dense(z, &c->model.layer[1], x);
  memset(in, 0, 5 * words * sizeof *in);
  for (int i = 0; i < 5; i++) in[(size_t)i * words + dim] = (uint64_t)(int64_t)x[i] * c->unit[1];
  for (uint32_t j = 0; j < 4; j++) {
    ppmli_dense_lwe(out, c, 1, j, in);
    ck_assert(out[dim] == (uint64_t)(int64_t)z[j] * ppmli_circuit_scale(c, 1, j));
  }
  free(in);
  free(out);
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------ packed image */

/* 1,100 pixels: three blocks of which the last is not full. */
START_TEST(weights_times_pixels_have_the_accumulator_as_constant_coefficient) {
  enum { WIDTH = 44, HEIGHT = 25, INPUTS = WIDTH * HEIGHT, BLOCKS = 3 };
  bench *b = bench_make(WIDTH, HEIGHT, 1, PPML_ACTIVATION_RELU, 2, 23);
  const ppml_circuit *c = &b->circuit;
  size_t N = c->params->poly_size;
  static uint64_t body[BLOCKS * 512], weights[512], sum[512];
  static int32_t x[INPUTS];
  int32_t z[5];
  ppml_rng rng = test_rng(24);
  memset(body, 0, sizeof body);
  for (int i = 0; i < INPUTS; i++) {
    x[i] = (int32_t)test_below(&rng, 16);
    body[i] = (uint64_t)x[i] * c->unit[0];
  }
  ppmli_quant_dense(z, &c->model.layer[0], x);
  for (uint32_t j = 0; j < 5; j++) {
    uint64_t expected = (uint64_t)(int64_t)z[j] * ppmli_circuit_scale(c, 0, j);
    memset(sum, 0, sizeof sum);
    for (size_t block = 0; block < BLOCKS; block++) {
      ppmli_dense_weight_poly(weights, c, j, block);
      test_multiply_add(sum, weights, body + block * N, N);
    }
    ck_assert(sum[0] + ppmli_dense_bias(c, 0, j) == expected);
    ck_assert(ppmli_dense_body(c, j, body) == expected);
  }
  bench_free(b);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("dense");
  TCase *law = test_case(suite, "law");
  tcase_add_test(law, a_table_holds_the_activation_of_the_nearest_accumulator);
  tcase_add_test(law, a_dense_layer_on_ciphertexts_is_one_on_phases);
  tcase_add_test(law, trivial_activations_give_the_clear_accumulators);
  tcase_add_test(law, weights_times_pixels_have_the_accumulator_as_constant_coefficient);
  return test_run(suite);
}
