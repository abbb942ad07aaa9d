/* Exact circuits: how the activation of a neuron is taken apart into bootstraps whose answers are right
 * but for a stated probability.
 *
 * Accumulator z is an integer linear form of the encrypted pixels, so any "window" z / P modulo 1 is a
 * multiple of one ciphertext.  With P a product of odd radices, digits balanced around 0 are peeled off
 * from the least significant one:
 *
 *   z = d_0 + r_0 d_1 + r_0 r_1 d_2 + ...,  |d_i| <= (r_i - 1) / 2
 *
 * The window of d_i, z / (r_0 ... r_i), less the one or two digits before it, stands near d_i / r_i: within
 * 1 / (2 r_i r_{i-1}), or less.  A bootstrap rounds that, so noise does not add up from digit to digit.
 *
 *   RELU  range = 127 m, so that a = round(z / m) while |z / m| < 127.5.  Radices are m's, then 15 and
 *         17: digits g and h have a = g + 15 h.  What is beyond them is bootstrapped to o = 127 sign or 0.
 *         A bootstrap of g + o's half turn gives -g where o != 0, else g; so
 *         a = o + (g + +-g) / 2 + 15 (h + +-h) / 2.
 *   SIGN  radices until the sign alone is left, which is a bootstrap with half a turn.
 *
 * The server runs these windows (server/rounds.h), the planner says how often they fail
 * (plan/failure.h).  Source: digits by windows of one input are this library's own. */
#ifndef PPMLI_NETWORK_WINDOWS_H
#define PPMLI_NETWORK_WINDOWS_H

#include <math.h>

#include "../math/digits.h"
#include "../math/torus.h"
#include "model.h"
#include "room.h"

#define PPMLI_EXACT_LOW 15 /* 15 * 17 = 255 values of an activation */
#define PPMLI_EXACT_HIGH 17
#define PPMLI_EXACT_OVER 15      /* radix of the digit beyond those, where one is needed */
#define PPMLI_EXACT_PARTS 18     /* positions of a sign's window in a half turn, at most */
#define PPMLI_EXACT_JOBS 12      /* bootstraps of a neuron, at most */
#define PPMLI_EXACT_TURNS 509    /* 2 kappa of these make a turn: near 4 * 127 and 2 * 255 */
#define PPMLI_EXACT_RELU_PARTS 5 /* outputs that a relu's activation is the sum of; a sign is one */

/* One bootstrap of a neuron:
 *
 *   phase = gain z 2^-30 + constant + sum_t factor_t output(from_t)
 *
 * which stands within margin of where it should be, noise aside from what may move it.
 * radix r: output v unit at v / r, |v| <= (r - 1) / 2.  radix 0: output unit on the upper
 * half turn, -unit on the lower one, 0 within 1 / (2 dead) of 0 and of 1/2. */
typedef struct ppmli_exact_job {
  uint64_t gain, constant, unit;
  uint32_t from[2]; /* earlier jobs of the neuron */
  int64_t factor[2];
  uint32_t radix, dead; /* dead 0: no such zone */
  uint32_t round;       /* jobs of one round do not depend on one another */
  uint32_t is_scored;   /* its output is a part of the activation */
  double margin;        /* turns */
} ppmli_exact_job;

typedef struct ppmli_exact_plan {
  int64_t bound; /* |z| <= bound for any image */
  int64_t lower; /* product of the radices so far */
  uint32_t count, rounds;
  ppmli_exact_job job[PPMLI_EXACT_JOBS];
} ppmli_exact_plan;

/* What the plans of a circuit have in common.  Activation a stands at a unit; with
 * unit = 2 / (509 kappa) of a turn, all that later bootstraps take of outputs is an
 * integer multiple: kappa 127 unit is a half turn and kappa 15 unit is 1/17, each within
 * 0.2 %. */
typedef struct ppmli_exact_layout {
  uint64_t unit;
  int64_t kappa;
  uint32_t parts;    /* half the positions of the last window */
  uint32_t has_over; /* a digit stands between 17 and the last window */
} ppmli_exact_layout;

/* ------------------------------------------------------------------ layout */

PPMLI_STATIC int64_t ppmli_exact_bound(const ppml_model *m, uint32_t j) {
  return ppmli_layer_bound(&m->layer[0], j, ppmli_layer_input_max(m, 0));
}

/* Product of all radices but the last window's: m 15 17. */
PPMLI_INLINE int64_t ppmli_exact_activation_radices(int32_t range) {
  return (int64_t)range / PPML_ACTIVATION_MAX * (PPMLI_EXACT_LOW * PPMLI_EXACT_HIGH);
}

/* Largest |round(z / lower)| of any neuron's z, lower being `factor` times its radices. */
PPMLI_STATIC int64_t ppmli_exact_excess(const ppml_model *m, int64_t factor) {
  int64_t most = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) {
    int64_t lower = factor * ppmli_exact_activation_radices(m->layer[0].range[j]);
    int64_t excess = (ppmli_exact_bound(m, j) + (lower - 1) / 2) / lower;
    if (excess > most) most = excess;
  }
  return most;
}

/* Why a model cannot be laid out exactly, or NULL. */
PPMLI_STATIC const char *ppmli_exact_refusal(const ppml_model *m) {
  if (m->layer_count > 2) return "exact inference is for at most one hidden layer";
  if (m->layer_count < 2) return NULL;
  const ppml_layer *layer = &m->layer[0];
  if (!ppmli_activation_is_odd(layer->activation))
    return "exact inference has the activations relu and sign alone";
  if (layer->activation == PPML_ACTIVATION_SIGN) return NULL;
  for (uint32_t j = 0; j < layer->outputs; j++)
    if (layer->range[j] % PPML_ACTIVATION_MAX != 0 ||
        !ppmli_digits_is_product(layer->range[j] / PPML_ACTIVATION_MAX))
      return "exact inference needs ranges of 127 times odd numbers up to 19";
  if (ppmli_exact_excess(m, PPMLI_EXACT_OVER) >= PPMLI_EXACT_PARTS)
    return "an accumulator may reach too many of its ranges for exact inference";
  return NULL;
}

/* The smallest kappa, of those that make all factors integers, that lets scores fit. */
PPMLI_STATIC void ppmli_exact_layout_make(ppmli_exact_layout *x, const ppml_model *m) {
  const uint64_t turn = UINT64_MAX / PPMLI_EXACT_TURNS;
  uint64_t step = 1, kappa;
  memset(x, 0, sizeof *x);
  if (m->layer[0].activation == PPML_ACTIVATION_RELU) {
    int64_t excess = ppmli_exact_excess(m, 1);
    x->has_over = excess >= PPMLI_EXACT_PARTS;
    if (x->has_over) excess = ppmli_exact_excess(m, PPMLI_EXACT_OVER);
    x->parts = (uint32_t)excess + 1;
    step = x->has_over ? PPMLI_EXACT_OVER : x->parts;
  }
  kappa = step * (1 + 2 * turn / ppmli_layer_least_capacity(m, 1) / step);
  x->kappa = (int64_t)kappa;
  x->unit = 2 * (turn / kappa);
}

/* ----------------------------------------------------------- building a plan */

/* A job that looks at outputs alone.  reach: from where its phase should be to where
 * another output begins. */
PPMLI_STATIC ppmli_exact_job *ppmli_exact_push(ppmli_exact_plan *plan, double reach) {
  PPMLI_ASSERT(plan->count < PPMLI_EXACT_JOBS);
  ppmli_exact_job *job = &plan->job[plan->count++];
  memset(job, 0, sizeof *job);
  job->round = plan->rounds++;
  job->margin = reach;
  return job;
}

/* Adds factor times the output of job `from`, whose 1 should be `wanted` turns then. */
PPMLI_STATIC void ppmli_exact_take(const ppmli_exact_plan *plan, ppmli_exact_job *job,
                                   uint32_t from, int64_t factor, double wanted) {
  const ppmli_exact_job *source = &plan->job[from];
  uint32_t slot = job->factor[0] != 0, most = source->radix ? (source->radix - 1) / 2 : 1;
  uint64_t is = (uint64_t)factor * source->unit;
  job->from[slot] = from;
  job->factor[slot] = factor;
  job->margin -= most * fabs(ldexp((double)ppmli_torus_signed(is), -64) - wanted);
}

/* Window z / (lower parts) keeps what digits below the last `radices` amount to. */
PPMLI_STATIC void ppmli_exact_leave(const ppmli_exact_plan *plan, ppmli_exact_job *job,
                                    uint32_t radices, uint32_t parts) {
  double digits = (double)(plan->lower / radices - 1) / 2;
  job->margin -= digits / ((double)plan->lower * parts);
}

/* Takes the two digits before window z / (lower parts) off it, whose outputs serve nothing
 * else: their units are chosen for that.  What is left is 1 / (2 parts) of three radices. */
PPMLI_STATIC void ppmli_exact_take_free(ppmli_exact_plan *plan, ppmli_exact_job *job,
                                        uint32_t parts) {
  uint32_t last = plan->count - 2, radices = plan->job[last].radix;
  plan->job[last].unit = UINT64_MAX / (radices * parts);
  ppmli_exact_take(plan, job, last, -1, -1.0 / (radices * parts));
  if (last > 0) { /* at the last digit's window its output is wanted parts times as large */
    radices *= plan->job[last - 1].radix;
    plan->job[last - 1].unit /= parts;
    plan->job[last].factor[0] *= parts;
    ppmli_exact_take(plan, job, last - 1, -1, -1.0 / (radices * parts));
  }
  ppmli_exact_leave(plan, job, radices, parts);
}

/* The window z / (lower parts), less the digit that the job before it found: `factor`
 * times its output, 0 where that output serves nothing else. */
PPMLI_STATIC ppmli_exact_job *ppmli_exact_window(ppmli_exact_plan *plan, uint32_t parts,
                                                 double reach, int64_t factor) {
  ppmli_exact_job *job = ppmli_exact_push(plan, reach);
  uint64_t divisor = (uint64_t)plan->lower * parts;
  job->gain = (((uint64_t)1 << PPMLI_EXACT_SCALE_LOG2) + divisor / 2) / divisor;
  job->margin -= (double)plan->bound *
                 fabs(ldexp((double)job->gain, -PPMLI_EXACT_SCALE_LOG2) - 1 / (double)divisor);
  if (plan->count == 1) return job;
  if (factor == 0) {
    ppmli_exact_take_free(plan, job, parts);
  } else {
    uint32_t radix = job[-1].radix;
    ppmli_exact_take(plan, job, plan->count - 2, -factor, -1.0 / (radix * parts));
    ppmli_exact_leave(plan, job, radix, parts);
  }
  return job;
}

/* The next digit, of an odd radix. */
PPMLI_STATIC ppmli_exact_job *ppmli_exact_digit(ppmli_exact_plan *plan, uint32_t radix,
                                                int64_t factor) {
  ppmli_exact_job *job = ppmli_exact_window(plan, radix, 0.25 / radix, factor);
  job->radix = radix;
  plan->lower *= radix;
  return job;
}

/* o: 127 unit where z is above the range, -127 unit below it, 0 within.  Of the digit
 * beyond 17 and of the sign behind that, the higher one that is not 0 decides. */
PPMLI_STATIC ppmli_exact_job *ppmli_exact_outside(ppmli_exact_plan *plan,
                                                  const ppmli_exact_layout *x) {
  const uint32_t parts = 2 * x->parts, over = PPMLI_EXACT_OVER, half = (over + 1) / 2;
  if (!x->has_over) {
    ppmli_exact_job *job = ppmli_exact_window(plan, parts, 0.5 / parts, x->kappa / x->parts);
    job->dead = parts;
    return job;
  }
  ppmli_exact_job *digit = ppmli_exact_digit(plan, over, 2 * x->kappa / over);
  digit->unit = UINT64_MAX / (4 * half * over * x->parts); /* digit / 32 is 15 parts of it */
  ppmli_exact_job *sign = ppmli_exact_window(plan, parts, 0.5 / parts, 2 * half);
  sign->dead = parts;
  sign->unit = (uint64_t)1 << 62;
  ppmli_exact_job *job = ppmli_exact_push(plan, 0.125 / half);
  ppmli_exact_take(plan, job, plan->count - 3, over * x->parts, 0.25 / half);
  ppmli_exact_take(plan, job, plan->count - 2, 1, 0.25);
  job->dead = 4 * half;
  return job;
}

/* The digit that job `from` found, negated where job `outside` is not 0. */
PPMLI_STATIC void ppmli_exact_gate(ppmli_exact_plan *plan, const ppmli_exact_layout *x,
                                   uint32_t from, int64_t factor, uint32_t outside) {
  const ppmli_exact_job *digit = &plan->job[from];
  ppmli_exact_job *job = ppmli_exact_push(plan, 0.25 / digit->radix);
  ppmli_exact_take(plan, job, from, factor, 1.0 / digit->radix);
  ppmli_exact_take(plan, job, outside, x->kappa, 0.5);
  job->radix = digit->radix;
  job->unit = digit->unit;
}

PPMLI_STATIC void ppmli_exact_plan_relu(ppmli_exact_plan *plan, const ppmli_exact_layout *x,
                                        int32_t range) {
  uint32_t radix[PPMLI_DIGITS_MAX];
  int digits = ppmli_digits_factor(radix, range / PPML_ACTIVATION_MAX);
  for (int i = 0; i < digits; i++) ppmli_exact_digit(plan, radix[i], 0);
  uint32_t low = plan->count, high = low + 1;
  ppmli_exact_digit(plan, PPMLI_EXACT_LOW, 0)->unit = x->unit / 2;
  ppmli_exact_digit(plan, PPMLI_EXACT_HIGH, 2 * x->kappa)->unit = PPMLI_EXACT_LOW * (x->unit / 2);
  ppmli_exact_outside(plan, x)->unit = PPML_ACTIVATION_MAX * x->unit;
  uint32_t outside = plan->count - 1;
  ppmli_exact_gate(plan, x, low, 2 * PPMLI_EXACT_HIGH * x->kappa, outside);
  plan->rounds--;
  ppmli_exact_gate(plan, x, high, 2 * x->kappa, outside);
  plan->job[low].is_scored = plan->job[high].is_scored = 1;
  for (uint32_t i = outside; i < plan->count; i++) plan->job[i].is_scored = 1;
}

/* The fewest digits, of the smallest radix, that leave the sign at most 18 positions on a
 * side.  They are of z - (lower - 1) / 2, so that z >= 0 is where the rest is >= 0. */
PPMLI_STATIC void ppmli_exact_plan_sign(ppmli_exact_plan *plan, const ppmli_exact_layout *x) {
  int64_t most = PPMLI_EXACT_PARTS, lower = 1;
  uint32_t digits = 0, radix = 1;
  while (most <= plan->bound && digits < PPMLI_DIGITS_MAX) most *= PPMLI_RADIX_MAX, digits++;
  for (most = 0; digits && most <= plan->bound && radix < PPMLI_RADIX_MAX;) {
    radix += 2, lower = 1;
    for (uint32_t i = 0; i < digits; i++) lower *= radix;
    most = PPMLI_EXACT_PARTS * lower;
  }
  for (uint32_t i = 0; i < digits; i++) ppmli_exact_digit(plan, radix, 0);
  uint32_t parts = 2 * (uint32_t)(plan->bound / lower + 1);
  ppmli_exact_job *job = ppmli_exact_window(plan, parts, 0.5 / parts, 0);
  job->unit = PPML_ACTIVATION_MAX * x->unit;
  job->is_scored = 1;
  for (uint32_t i = 0, step = 1; i < plan->count; i++, step *= radix) { /* lower constant */
    uint32_t places = plan->job[i].radix ? radix : parts;
    uint64_t place = UINT64_MAX / ((uint64_t)step * places) / 2; /* of half a z */
    plan->job[i].constant = 0 - place * (uint64_t)(lower - 1);
  }
  job->constant += UINT64_MAX / parts / 2;
}

/* How many outputs the activation is the sum of: as many as jobs have is_scored set. */
PPMLI_INLINE uint32_t ppmli_exact_scored_parts(uint32_t activation) {
  return activation == PPML_ACTIVATION_RELU ? PPMLI_EXACT_RELU_PARTS : 1;
}

/* Has neuron j a weight in any score? */
PPMLI_STATIC int ppmli_exact_is_used(const ppml_model *m, uint32_t j) {
  const ppml_layer *last = &m->layer[1];
  for (uint32_t s = 0; s < last->outputs; s++)
    if (last->weight[(size_t)s * last->inputs + j] != 0) return 1;
  return 0;
}

/* How many neurons of the hidden layer have. */
PPMLI_STATIC size_t ppmli_exact_used(const ppml_model *m) {
  size_t used = 0;
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) used += (size_t)ppmli_exact_is_used(m, j);
  return used;
}

/* The bootstraps of neuron j of the hidden layer; none where no score asks for it. */
PPMLI_STATIC void ppmli_exact_plan_make(ppmli_exact_plan *plan, const ppmli_exact_layout *x,
                                        const ppml_model *m, uint32_t j) {
  memset(plan, 0, sizeof *plan);
  if (!ppmli_exact_is_used(m, j)) return;
  plan->bound = ppmli_exact_bound(m, j);
  plan->lower = 1;
  if (m->layer[0].activation == PPML_ACTIVATION_SIGN) ppmli_exact_plan_sign(plan, x);
  else ppmli_exact_plan_relu(plan, x, m->layer[0].range[j]);
}

/* Bootstraps of an image, of all neurons. */
typedef struct ppmli_exact_count {
  uint32_t rounds; /* of the neuron that has most */
  size_t bootstraps;
} ppmli_exact_count;

PPMLI_STATIC ppmli_exact_count ppmli_exact_count_of(const ppml_model *m) {
  ppmli_exact_count count = {0, 0};
  ppmli_exact_layout layout;
  ppmli_exact_plan plan;
  if (m->layer_count < 2) return count;
  ppmli_exact_layout_make(&layout, m);
  for (uint32_t j = 0; j < m->layer[0].outputs; j++) {
    ppmli_exact_plan_make(&plan, &layout, m, j);
    count.bootstraps += plan.count;
    if (plan.rounds > count.rounds) count.rounds = plan.rounds;
  }
  return count;
}

#endif
