/* test_exact.c - exact circuits: plans on plain integers, then on ciphertexts, where every score
 * is the clear one.
 *
 * The bootstrapping key takes seconds to make, so its steps share a few encryptions of 0 and of
 * 1; noise is as in a real key, since the digits that it meets differ from step to step.
 * PPML_TEST_LONG makes all of it, and streams it. */
#define PPML_IMPLEMENTATION
#include "support.h"
#include "unchecked.h"

enum { IMAGES = 2, SCORES_MAX = 3, PIXELS_MAX = 784, N = 2048 };

static test_keys keys;

/* GGSW encryptions of both bits, of which the steps have copies. */
static void share_steps(const ppml_params *p, ppml_rng *rng) {
  enum { EACH = 6 };
  size_t step_doubles = ppmli_bsk_step_doubles(p), expand = ppmli_ggsw_expand_scratch(p);
  uint8_t *wire = test_memory(ppmli_ggsw_wire_bytes(p));
  ppmli_seeds seeds;
  ppmli_glwe_key key;
  ppml_arena products = test_arena(ppmli_glwe_key_bytes(p));
  double *of_bit = test_memory(2 * EACH * step_doubles * sizeof *of_bit);
  ppml_arena scratch = test_arena(ppmli_max_size(ppmli_ggsw_encrypt_scratch(p), expand));
  ck_assert_int_eq(ppmli_glwe_key_init(&key, p, keys.secret.glwe_bits, &products), PPML_OK);
  ppmli_rng_bytes(rng, (uint8_t *)&seeds, sizeof seeds);
  for (size_t i = 0; i < 2 * EACH; i++) {
    ck_assert_int_eq(ppmli_ggsw_encrypt(wire, p, i / EACH, &key, &seeds, i, &scratch), PPML_OK);
    ck_assert_int_eq(ppmli_ggsw_expand(of_bit + i * step_doubles, step_doubles / (N / 2 / 8), wire,
                                       p, &(ppmli_mask){seeds.mask, PPMLI_STREAM_BSK_MASK, i},
                                       keys.eval.fft, &scratch),
                     PPML_OK);
  }
  for (size_t step = 0; step < ppmli_params_steps(p); step++)
    memcpy(keys.eval.bootstrap_key + step * step_doubles,
           of_bit + (ppmli_bit(keys.secret.lwe_bits, step) * EACH + step % EACH) * step_doubles,
           step_doubles * sizeof *of_bit);
  test_arena_free(&products);
  test_arena_free(&scratch);
  free(of_bit);
  free(wire);
}

static void make_switch_key(const ppml_params *p, ppml_rng *rng) {
  uint8_t wire[4];
  ppmli_seeds seeds;
  uint32_t *mask = test_memory(p->lwe_dim * sizeof *mask);
  ppmli_rng_bytes(rng, (uint8_t *)&seeds, sizeof seeds);
  for (size_t row = 0; row < ppmli_ksk_rows(p); row++) {
    ppmli_store32(
        wire, ppmli_ksk_encrypt_row(p, row, keys.secret.glwe_bits, keys.secret.lwe_bits, &seeds));
    ppmli_ksk_expand_row(&(ppmli_ksk_rows_slab){keys.eval.key_switch_key, ppmli_ksk_rows(p), 0},
                         row, wire, p, seeds.mask, mask, keys.eval.fft);
  }
  free(mask);
}

static void make_keys(void) {
  ppml_client client = test_client("exact");
  const ppml_params *p = client.params;
  const ppmli_backend *backend = ppmli_backend_by_name(test_backend());
  ppml_rng rng = test_rng(300);
  if (keys.arena.memory) return;
  if (getenv("PPML_TEST_LONG")) {
    test_keys_make(&keys, &client, 300);
    return;
  }
  test_secret_key(&keys.secret, &client, &rng);
  keys.arena = test_arena(ppmli_fft_bytes(p->poly_size) + ppmli_eval_key_expanded_bytes(p));
  ck_assert_int_eq(ppmli_eval_key_alloc(&keys.eval, p, backend, &keys.arena), PPML_OK);
  keys.eval.params = p;
  memcpy(keys.eval.key_id, keys.secret.id, PPML_ID_BYTES);
  share_steps(p, &rng);
  make_switch_key(p, &rng);
}

/* A network whose ranges exact inference can carry, as peaks over `share`. */
static void make_net(test_net *net, uint32_t width, uint32_t height, uint32_t neurons,
                     uint32_t activation, uint32_t classes, double share, uint64_t seed) {
  test_net_make(net, width, height, &neurons, neurons ? 1 : 0, activation, classes, seed);
  for (uint32_t j = 0; j < neurons; j++) {
    if (net->weight[1][j] == 0) net->weight[1][j] = 1;
    net->range[0][j] = ppmli_radices_range(net->peak[0][j] / share);
    if (net->peak[0][j] < net->range[0][j]) net->peak[0][j] = net->range[0][j];
  }
  ppmli_model_id(net->model.id, &net->model);
}

/* ------------------------------------------------------------ plain integers */

/* Runs a plan on the phase alone: each job's phase is moved by `push` of what its margin says it
 * stands, and rounded to 2 N positions. */
static uint64_t run_plan(const ppmli_exact_jobs *plan, int64_t z, double push,
                         uint64_t table[][N]) {
  uint64_t outputs[PPMLI_EXACT_JOBS], accumulator = (uint64_t)z << 34, sum;
  for (uint32_t i = 0; i < plan->count; i++) {
    uint64_t phase;
    ppmli_exact_phase(&phase, &plan->job[i], &accumulator, outputs, 1);
    phase += (uint64_t)(int64_t)(push * plan->job[i].margin * 0x1p62) * 4;
    uint32_t at = ppmli_torus_switch(phase, 12);
    outputs[i] = at < N ? table[i][at] : 0 - table[i][at - N];
  }
  ppmli_exact_activation(&sum, plan, outputs, 1);
  return sum;
}

/* Every z that any image can lead to has the clear activation. */
static void check_plan(const test_net *net, uint32_t j, int64_t step) {
  static uint64_t table[PPMLI_EXACT_JOBS][N];
  const double pushes[] = {-0.95, 0, 0.95};
  const ppml_layer *layer = &net->model.layer[0];
  ppmli_exact_layout layout;
  ppmli_exact_jobs plan;
  ppmli_exact_layout_make(&layout, &net->model);
  ppmli_exact_jobs_make(&plan, &layout, &net->model, j);
  uint32_t scored = 0;
  for (uint32_t i = 0; i < plan.count; i++) {
    ck_assert_double_gt(plan.job[i].margin, 0.0105);
    ppmli_exact_table(table[i], &plan.job[i], N);
    scored += plan.job[i].is_scored;
  }
  ck_assert_uint_eq(scored, ppmli_exact_scored_parts(layer->activation));
  for (int64_t z = -plan.bound; z <= plan.bound; z += z < -400 || z > 400 ? step : 1) {
    int32_t a = ppmli_quant_activation(layer->activation, z, layer->range[j], NULL);
    for (int push = 0; push < 3; push++) {
      uint64_t got = run_plan(&plan, z, pushes[push], table);
      ck_assert_msg(got == (uint64_t)(int64_t)a * layout.unit, "z = %d, range %d: %g, not %d",
                    (int)z, layer->range[j], (double)ppmli_torus_signed(got) / (double)layout.unit,
                    a);
    }
  }
}

static void check_plans(uint32_t side, uint32_t activation, double share, uint32_t classes) {
  test_net *net = test_memory(sizeof *net);
  make_net(net, side, side, 3, activation, classes, share, side);
  ck_assert_ptr_null(ppml_exact_refusal(&net->model));
  for (uint32_t j = 0; j < 3; j++) check_plan(net, j, side > 10 ? 7 : 1);
  free(net);
}

/* Shares from that of a single window beyond the range to that of a digit and a sign; m of no
 * digit, of one and of two. */
START_TEST(a_plan_gives_the_clear_relu_of_every_accumulator) {
  check_plans(1, PPML_ACTIVATION_RELU, 1, 2);
  check_plans(5, PPML_ACTIVATION_RELU, 2, 2);
  check_plans(28, PPML_ACTIVATION_RELU, 1.5, 3);
  check_plans(28, PPML_ACTIVATION_RELU, 15, 2);
  check_plans(28, PPML_ACTIVATION_RELU, 60, 3);
  check_plans(28, PPML_ACTIVATION_RELU, 250, 2);
}
END_TEST

START_TEST(a_plan_gives_the_sign_of_every_accumulator) {
  for (uint32_t side = 1; side <= 28; side += 3) check_plans(side, PPML_ACTIVATION_SIGN, 2, 2);
}
END_TEST

/* A phase may pass its margin by what half a position is, not by much more. */
START_TEST(margins_are_not_smaller_than_need_be) {
  static uint64_t table[PPMLI_EXACT_JOBS][N];
  test_net *net = test_memory(sizeof *net);
  ppmli_exact_layout layout;
  ppmli_exact_jobs plan;
  uint32_t wrong = 0;
  make_net(net, 28, 28, 1, PPML_ACTIVATION_RELU, 2, 15, 3);
  ppmli_exact_layout_make(&layout, &net->model);
  ppmli_exact_jobs_make(&plan, &layout, &net->model, 0);
  for (uint32_t i = 0; i < plan.count; i++) ppmli_exact_table(table[i], &plan.job[i], N);
  for (int64_t z = -plan.bound; z <= plan.bound; z++) {
    int32_t a = ppmli_quant_activation(PPML_ACTIVATION_RELU, z, net->range[0][0], NULL);
    wrong += run_plan(&plan, z, 1.3, table) != (uint64_t)(int64_t)a * layout.unit;
  }
  ck_assert_uint_gt(wrong, 0);
  free(net);
}
END_TEST

/* Of a bound: more than a normal distribution would have, even with a deviation 5 % larger. */
START_TEST(a_miss_is_bounded_beyond_a_normal_distribution) {
  for (double margin = 0.5; margin < 16; margin += 0.5)
    ck_assert_double_gt(ppmli_exact_miss(margin, 1), erfc(margin / 1.05 * sqrt(0.5)));
  ck_assert(fabs(log2(ppmli_exact_miss(10.5, 1)) + 71.13475) < 1e-4); /* 2 exp(-50) */
  ck_assert(ppmli_exact_miss(0, 1) == 1);
}
END_TEST

START_TEST(simulating_no_draws_writes_nothing) {
  test_net *net = test_memory(sizeof *net);
  ppml_circuit c;
  uint8_t pixels[25] = {0};
  int32_t scores[2] = {-12345, -12345};
  ppml_rng rng = test_rng(1);
  make_net(net, 5, 5, 2, PPML_ACTIVATION_RELU, 2, 2, 1);
  ppml_arena arena = test_arena(1 << 16);
  test_circuit_make(&c, net, "exact", &arena);
  ck_assert_int_eq(ppml_simulate(scores, &c, pixels, 0, &rng, &arena), PPML_OK);
  ck_assert_int_eq(scores[0], -12345);
  ck_assert_int_eq(ppml_simulate(scores, &c, pixels, 1, &rng, &arena), PPML_OK);
  ck_assert_int_ne(scores[0], -12345);
  ck_assert_int_eq(scores[1], -12345);
  test_arena_free(&arena);
  free(net);
}
END_TEST

START_TEST(a_neuron_without_weights_needs_no_bootstrap) {
  test_net *net = test_memory(sizeof *net);
  ppml_circuit c;
  make_net(net, 5, 5, 4, PPML_ACTIVATION_RELU, 2, 2, 1);
  ppml_arena arena = test_arena(2 * ppml_compile_bytes(&net->model));
  for (int j = 0; j < 4; j++) net->weight[1][j] = 3;
  test_circuit_make(&c, net, "exact", &arena);
  size_t count = ppml_circuit_pbs_count(&c);
  net->weight[1][2] = 0;
  test_circuit_make(&c, net, "exact", &arena);
  ck_assert_uint_lt(ppml_circuit_pbs_count(&c), count);
  ck_assert_uint_ge(ppml_circuit_pbs_count(&c), 3 * 5);
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* Every ciphertext of a digit that is not there would be 16 KB more. */
START_TEST(a_neuron_without_weights_takes_no_memory_for_digits) {
  test_net *net = test_memory(sizeof *net);
  ppml_circuit c;
  make_net(net, 5, 5, 4, PPML_ACTIVATION_RELU, 2, 2, 1);
  ppml_arena arena = test_arena(2 * ppml_compile_bytes(&net->model));
  for (int j = 0; j < 4; j++) net->weight[1][j] = 3;
  test_circuit_make(&c, net, "exact", &arena);
  size_t bytes = ppml_infer_bytes(&c, 100, 1), bootstraps = ppml_circuit_pbs_count(&c);
  net->weight[1][2] = 0;
  test_circuit_make(&c, net, "exact", &arena);
  size_t fewer = bootstraps - ppml_circuit_pbs_count(&c), digit = (2048 + 1) * sizeof(uint64_t);
  ck_assert_uint_le(ppml_infer_bytes(&c, 100, 1), bytes - 100 * fewer * digit);
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* A circuit that asks for more than the reader allows is refused before anything else. */
START_TEST(a_circuit_beyond_the_memory_limit_is_refused) {
  static uint8_t bytes[1 << 14];
  test_net *net = test_memory(sizeof *net);
  ppml_limits limits = ppml_limits_default();
  ppml_writer writer = ppml_writer_to_memory(bytes, sizeof bytes);
  ppml_circuit c, back;
  make_net(net, 5, 5, 4, PPML_ACTIVATION_RELU, 2, 2, 1);
  ppml_arena arena = test_arena(1 << 15);
  test_circuit_make(&c, net, "exact", &arena);
  ck_assert_int_eq(ppml_circuit_write(&c, &writer), PPML_OK);
  for (int less = 0; less < 2; less++) {
    ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
    limits.infer_bytes = ppml_infer_bytes(&c, 1, 1) - (uint64_t)less;
    ck_assert_int_eq(ppml_circuit_read(&back, &reader, &limits, &arena),
                     less ? PPML_ERR_RANGE : PPML_OK);
  }
  test_arena_free(&arena);
  free(net);
}
END_TEST

/* ----------------------------------------------------------- ciphertexts */

typedef struct bench {
  test_net net;
  ppml_circuit circuit;
  ppml_secret_key secret;
  ppml_eval_key key;
  uint8_t pixels[IMAGES][PIXELS_MAX];
  ppml_input inputs[IMAGES];
  ppml_arena arena;
} bench;

static bench *bench_make(uint32_t side, uint32_t neurons, uint32_t activation, uint32_t classes,
                         double share) {
  bench *b = test_memory(sizeof *b);
  ppml_rng rng = test_rng(side);
  make_net(&b->net, side, side, neurons, activation, classes, share, side + classes);
  b->arena = test_arena(1 << 20);
  test_circuit_make(&b->circuit, &b->net, "exact", &b->arena);
  test_secret_key_copy(&b->secret, &keys.secret);
  ppml_client_from_circuit(test_client_of(&b->secret), &b->circuit);
  b->key = keys.eval;
  memcpy(b->key.circuit_id, b->circuit.id, PPML_ID_BYTES);
  for (int i = 0; i < IMAGES; i++) {
    test_pixels(b->pixels[i], ppml_spec_inputs(&b->net.model.spec), &rng);
    ck_assert_int_eq(
        ppml_encrypt(&b->inputs[i], &test_request, &b->secret, b->pixels[i], &rng, &b->arena),
        PPML_OK);
  }
  return b;
}

static void bench_free(bench *b) {
  test_arena_free(&b->arena);
  free(b);
}

static ppml_output infer(const bench *b, size_t first, size_t images, const ppml_eval_key *key,
                         size_t threads, ppml_arena *arena) {
  ppml_output output;
  ppml_parallel parallel = test_parallel(threads);
  *arena = test_arena(ppml_infer_bytes(&b->circuit, images, threads));
  ck_assert_int_eq(
      ppml_infer(&output, &b->circuit, b->inputs + first, images, key, &parallel, arena), PPML_OK);
  ck_assert_uint_eq(arena->high_bytes, arena->capacity_bytes);
  return output;
}

/* Decrypted and simulated scores are the clear ones. */
static void check_scores(const bench *b, const ppml_output *output, size_t first) {
  ppml_arena arena = test_arena(ppml_model_predict_bytes(&b->net.model));
  ppml_rng rng = test_rng(1);
  for (size_t i = 0; i < output->images; i++) {
    int32_t got[SCORES_MAX], clear[SCORES_MAX], simulated[SCORES_MAX];
    const uint8_t *pixels = b->pixels[first + i];
    ck_assert_int_eq(ppmli_decrypt_scores(got, output, i, &b->secret), PPML_OK);
    ck_assert_int_eq(ppml_model_predict(clear, &b->net.model, pixels, &arena), PPML_OK);
    ck_assert_int_eq(ppml_simulate(simulated, &b->circuit, pixels, 1, &rng, &arena), PPML_OK);
    for (uint32_t s = 0; s < b->net.model.spec.outputs; s++) {
      ck_assert_int_eq(got[s], clear[s]);
      ck_assert_int_eq(simulated[s], clear[s]);
    }
  }
  test_arena_free(&arena);
}

static void check_network(uint32_t side, uint32_t neurons, uint32_t activation, uint32_t classes,
                          double share) {
  bench *b = bench_make(side, neurons, activation, classes, share);
  ppml_arena arena;
  ck_assert_double_le(ppml_circuit_failure_log2(&b->circuit), -64);
  ppml_output output = infer(b, 0, IMAGES, &b->key, 1, &arena);
  check_scores(b, &output, 0);
  test_arena_free(&arena);
  bench_free(b);
}

START_TEST(scores_of_relu_networks_are_the_clear_ones) {
  check_network(28, 2, PPML_ACTIVATION_RELU, 2, 20);
  check_network(12, 3, PPML_ACTIVATION_RELU, 3, 2);
}
END_TEST

START_TEST(scores_of_sign_networks_are_the_clear_ones) {
  check_network(28, 3, PPML_ACTIVATION_SIGN, 2, 1);
  check_network(5, 3, PPML_ACTIVATION_SIGN, 3, 1);
}
END_TEST

START_TEST(scores_of_linear_networks_are_the_clear_ones) {
  check_network(28, 0, PPML_ACTIVATION_RELU, 2, 1);
  check_network(28, 0, PPML_ACTIVATION_RELU, 3, 1);
}
END_TEST

static size_t output_bytes(const bench *b, size_t images) {
  return images * b->net.model.spec.outputs * ppml_output_lwe_words(b->circuit.params) *
         sizeof(uint32_t);
}

START_TEST(the_result_does_not_depend_on_threads_or_batches) {
  bench *b = bench_make(5, 1, PPML_ACTIVATION_RELU, 3, 2);
  ppml_arena arena, other;
  ppml_output whole = infer(b, 0, IMAGES, &b->key, 1, &arena);
  ppml_output three = infer(b, 0, IMAGES, &b->key, 3, &other);
  ck_assert_mem_eq(three.lwe, whole.lwe, output_bytes(b, IMAGES));
  test_arena_free(&other);
  ppml_output last = infer(b, IMAGES - 1, 1, &b->key, 1, &other);
  ck_assert_mem_eq(last.lwe, (const uint8_t *)whole.lwe + output_bytes(b, IMAGES - 1),
                   output_bytes(b, 1));
  test_arena_free(&other);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

/* Writes the circuit's id into the header of the key on the wire. */
static void set_wire_circuit(const uint8_t *circuit_id) {
  uint8_t digest[PPML_ID_BYTES];
  ppmli_digest d;
  memcpy(keys.wire + 40, circuit_id, PPML_ID_BYTES);
  ppmli_header_digest(digest, keys.wire);
  memcpy(keys.wire + 72, digest, 8);
  ppmli_digest_init(&d);
  ppmli_digest_update(&d, keys.wire, keys.wire_bytes - PPML_ID_BYTES);
  ppmli_digest_final(&d, keys.wire + keys.wire_bytes - PPML_ID_BYTES);
}

START_TEST(a_streamed_key_gives_the_same_result) {
  bench *b = bench_make(1, 1, PPML_ACTIVATION_SIGN, 2, 1);
  ppml_reader reader = ppml_reader_from_memory(keys.wire, keys.wire_bytes);
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena, other, stream = test_arena(ppml_eval_key_stream_bytes(b->circuit.params, 1));
  ppml_eval_key key;
  ppml_output whole = infer(b, 0, 1, &b->key, 1, &arena), output;
  set_wire_circuit(b->circuit.id);
  ck_assert_int_eq(ppml_eval_key_stream(&key, &reader, &limits, NULL, test_backend(), 1, &stream),
                   PPML_OK);
  output = infer(b, 0, 1, &key, 1, &other);
  ck_assert_mem_eq(output.lwe, whole.lwe, output_bytes(b, 1));
  test_arena_free(&other);
  test_arena_free(&stream);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

START_TEST(a_circuit_that_is_written_reads_back) {
  bench *b = bench_make(12, 3, PPML_ACTIVATION_RELU, 3, 20);
  uint8_t *bytes = test_memory(1 << 16);
  ppml_writer writer = ppml_writer_to_memory(bytes, 1 << 16);
  ck_assert_int_eq(ppml_circuit_write(&b->circuit, &writer), PPML_OK);
  ppml_reader reader = ppml_reader_from_memory(bytes, writer.position);
  ppml_limits limits = ppml_limits_default();
  ppml_arena arena = test_arena(1 << 17);
  ppml_circuit c;
  ck_assert_int_eq(ppml_circuit_read(&c, &reader, &limits, &arena), PPML_OK);
  ck_assert_mem_eq(c.id, b->circuit.id, PPML_ID_BYTES);
  ck_assert_uint_eq(ppml_circuit_pbs_count(&c), ppml_circuit_pbs_count(&b->circuit));
  ck_assert(ppml_circuit_failure_log2(&c) == ppml_circuit_failure_log2(&b->circuit));
  b->circuit.unit[1] /= 2; /* a layout, but not the one of an exact circuit */
  writer = ppml_writer_to_memory(bytes, 1 << 16);
  ppmli_circuit_set_id(&b->circuit);
  ck_assert_int_eq(unchecked_circuit_write(&b->circuit, &writer), PPML_OK);
  reader = ppml_reader_from_memory(bytes, writer.position);
  ck_assert_int_eq(ppml_circuit_read(&c, &reader, &limits, &arena), PPML_ERR_RANGE);
  check_writer_agrees(circuit, &b->circuit, PPML_ERR_RANGE);
  test_arena_free(&arena);
  free(bytes);
  bench_free(b);
}
END_TEST

/* ----------------------------------------------------------------- bounds */

/* All of inference, with what it leaves in memory. */
static void layers_init(ppmli_layers *x, const bench *b, ppml_arena *arena) {
  *arena = test_arena(ppml_infer_bytes(&b->circuit, IMAGES, 1));
  ck_assert_int_eq(ppmli_layers_init(x, &b->circuit, b->inputs, IMAGES, &b->key, 1, arena),
                   PPML_OK);
}

/* Accumulators of 2 images and 56 neurons; 112 samples, whose variance has a deviation of 13 %. */
START_TEST(the_noise_of_accumulators_matches_the_formula) {
  bench *b = bench_make(28, 56, PPML_ACTIVATION_SIGN, 2, 1);
  const ppml_layer *layer = &b->net.model.layer[0];
  static int32_t pixel[PIXELS_MAX], z[64];
  ppml_arena arena;
  ppmli_layers x;
  test_moments m = {0, 0, 0, 0};
  layers_init(&x, b, &arena);
  ppmli_first_layer_run(&x.first, NULL);
  for (size_t s = 0; s < IMAGES * 56; s++) {
    uint32_t j = (uint32_t)(s % 56);
    for (uint32_t i = 0; i < layer->inputs; i++)
      pixel[i] = ppmli_quant_pixel(b->pixels[s / 56][i], 4);
    ppmli_quant_dense(z, layer, pixel);
    uint64_t phase = test_phase(x.accumulators + s * (N + 1), b->secret.glwe_bits, N);
    double std = sqrt(ppmli_exact_accumulator_variance(&b->circuit, j));
    test_moments_add(&m, test_turns(phase - ((uint64_t)(int64_t)z[j] << 34)) / std);
  }
  test_assert_near(m.squares / (double)m.count, 1, 0.25);
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

/* All coefficients of the accumulators of the last round: 2 images, 2 neurons with 2 jobs each.
 * Their tables hold multiples of a unit. */
START_TEST(the_noise_of_bootstraps_matches_the_formula) {
  enum { JOBS = 4 };
  bench *b = bench_make(28, 2, PPML_ACTIVATION_RELU, 2, 60);
  const ppml_params *p = b->circuit.params;
  static uint64_t phase[N];
  ppml_arena arena;
  ppmli_layers x;
  test_moments m = {0, 0, 0, 0};
  layers_init(&x, b, &arena);
  ck_assert_int_eq(ppmli_layers_run(&x, NULL), PPML_OK);
  for (size_t s = 0; s < IMAGES * JOBS; s++) {
    const ppmli_exact_job *job = ppmli_round_job(&x.rounds, s % JOBS);
    ck_assert(job->radix != 0 && job->gain == 0);
    test_glwe_phase(phase, x.work.acc + s * 2 * N, p, b->secret.glwe_bits);
    for (size_t i = 0; i < N; i++) {
      int64_t is = ppmli_torus_signed(phase[i]), unit = (int64_t)job->unit;
      test_moments_add(&m, ldexp((double)(is - ppmli_quant_nearest(is, unit) * unit), -64));
    }
  }
  double expected = ppmli_noise_blind_rotation(p), got = m.squares / (double)m.count;
  if (getenv("PPML_TEST_LONG")) printf("exact: variance / formula: %.4f\n", got / expected);
  test_assert_near(got, expected, 0.20);
  ck_assert_double_lt(m.most, 7 * sqrt(expected));
  test_arena_free(&arena);
  bench_free(b);
}
END_TEST

START_TEST(inference_takes_exactly_what_is_said) {
  bench *b = bench_make(5, 1, PPML_ACTIVATION_RELU, 2, 2);
  size_t bytes = ppml_infer_bytes(&b->circuit, 2, 2);
  ppml_parallel parallel = test_parallel(2);
  for (size_t less = 1; less <= bytes; less = 3 * less + 61) {
    ppml_output output;
    ppml_arena arena = test_arena(bytes - less);
    memset(&output, 0, sizeof output);
    ck_assert_int_eq(ppml_infer(&output, &b->circuit, b->inputs, 2, &b->key, &parallel, &arena),
                     PPML_ERR_NOMEM);
    ck_assert_uint_eq(arena.used_bytes, 0);
    ck_assert_ptr_null(output.lwe);
    test_arena_free(&arena);
  }
  bench_free(b);
}
END_TEST

/* ------------------------------------------------------------------ error */

static int compile(const test_net *net) {
  ppml_circuit c;
  ppml_arena arena = test_arena(ppml_compile_bytes(&net->model));
  int error = test_compile(&c, &net->model, ppml_params_by_name("exact"), &arena);
  test_arena_free(&arena);
  return error;
}

static void check_refusal(const test_net *net, const char *word) {
  const char *reason = ppml_exact_refusal(&net->model);
  ck_assert_msg(reason != NULL && strstr(reason, word), "%s: %s", word, reason ? reason : "none");
  ck_assert_int_eq(compile(net), PPML_ERR_PARAMS);
}

START_TEST(networks_that_do_not_fit_are_refused) {
  const uint32_t hidden[] = {3, 3};
  test_net *net = test_memory(sizeof *net);
  test_net_make(net, 4, 4, hidden, 2, PPML_ACTIVATION_SIGN, 2, 1);
  check_refusal(net, "one hidden layer");
  make_net(net, 4, 4, 3, PPML_ACTIVATION_CLIPPED_SQUARE, 2, 2, 1);
  check_refusal(net, "relu and sign");
  make_net(net, 4, 4, 3, PPML_ACTIVATION_TABLE, 2, 2, 1);
  check_refusal(net, "relu and sign");
  make_net(net, 28, 28, 3, PPML_ACTIVATION_RELU, 2, 2, 1);
  ck_assert_ptr_null(ppml_exact_refusal(&net->model));
  ck_assert_int_eq(compile(net), PPML_OK);
  net->range[0][1]++;
  check_refusal(net, "ranges of 127");
  net->range[0][1] = 127 * 23;
  check_refusal(net, "ranges of 127");
  make_net(net, 28, 28, 3, PPML_ACTIVATION_RELU, 2, 1000, 1);
  for (int i = 0; i < 784; i++) net->weight[0][i] = 127;
  net->model.layer[0].weight_bits = 8;
  net->peak[0][0] = 127 * 784 * 15;
  check_refusal(net, "too many of its ranges");
  net->model.layer_count = 0;
  ck_assert_ptr_nonnull(strstr(ppml_exact_refusal(&net->model), "valid"));
  free(net);
}
END_TEST

/* 64 neurons whose weights are all large: their sum leaves a score too little room. */
START_TEST(networks_that_would_fail_too_often_are_refused) {
  test_net *net = test_memory(sizeof *net);
  make_net(net, 5, 5, 32, PPML_ACTIVATION_RELU, 2, 2, 1);
  ck_assert_int_eq(compile(net), PPML_OK);
  make_net(net, 5, 5, 64, PPML_ACTIVATION_RELU, 2, 2, 1);
  for (int j = 0; j < 64; j++) net->weight[1][j] = j % 2 ? 7 : -7;
  ck_assert_ptr_null(ppml_exact_refusal(&net->model));
  ck_assert_int_eq(compile(net), PPML_ERR_PARAMS);
  free(net);
}
END_TEST

START_TEST(other_sets_promise_nothing) {
  const uint32_t hidden[] = {3};
  test_net *net = test_memory(sizeof *net);
  ppml_circuit c;
  test_net_make(net, 4, 4, hidden, 1, PPML_ACTIVATION_SIGN, 2, 1);
  ppml_arena arena = test_arena(ppml_compile_bytes(&net->model));
  test_circuit_make(&c, net, "finest", &arena);
  ck_assert(ppml_circuit_failure_log2(&c) == 0);
  ck_assert_uint_eq(ppml_circuit_pbs_count(&c), 3);
  test_arena_free(&arena);
  free(net);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("exact");
  TCase *plain = test_case(suite, "plain"), *law = test_case(suite, "law");
  TCase *bounds = test_case(suite, "bounds"), *error = test_case(suite, "error");
  TCase *oom = test_case(suite, "oom"), *cases[] = {law, bounds, oom};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    tcase_add_unchecked_fixture(cases[i], make_keys, NULL);
  tcase_add_test(plain, a_plan_gives_the_clear_relu_of_every_accumulator);
  tcase_add_test(plain, a_plan_gives_the_sign_of_every_accumulator);
  tcase_add_test(plain, margins_are_not_smaller_than_need_be);
  tcase_add_test(plain, a_neuron_without_weights_needs_no_bootstrap);
  tcase_add_test(plain, a_neuron_without_weights_takes_no_memory_for_digits);
  tcase_add_test(plain, a_circuit_beyond_the_memory_limit_is_refused);
  tcase_add_test(plain, a_miss_is_bounded_beyond_a_normal_distribution);
  tcase_add_test(plain, simulating_no_draws_writes_nothing);
  tcase_add_test(law, scores_of_relu_networks_are_the_clear_ones);
  tcase_add_test(law, scores_of_sign_networks_are_the_clear_ones);
  tcase_add_test(law, scores_of_linear_networks_are_the_clear_ones);
  tcase_add_test(law, the_result_does_not_depend_on_threads_or_batches);
  if (getenv("PPML_TEST_LONG")) tcase_add_test(law, a_streamed_key_gives_the_same_result);
  tcase_add_test(law, a_circuit_that_is_written_reads_back);
  tcase_add_test(bounds, the_noise_of_accumulators_matches_the_formula);
  tcase_add_test(bounds, the_noise_of_bootstraps_matches_the_formula);
  tcase_add_test(error, networks_that_do_not_fit_are_refused);
  tcase_add_test(error, networks_that_would_fail_too_often_are_refused);
  tcase_add_test(error, other_sets_promise_nothing);
  tcase_add_test(oom, inference_takes_exactly_what_is_said);
  int failed = test_run(suite);
  if (keys.arena.memory) test_keys_free(&keys);
  return failed;
}
