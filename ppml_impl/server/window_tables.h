/* Windows of an exact circuit on the server: the table that a job's bootstrap looks up, the ciphertext that it
 * bootstraps, and the activation as the sum of outputs.  In: a job or a neuron's jobs (network/windows.h) and
 * ciphertexts; out: tables and ciphertexts.  Next: rounds.h, which runs the jobs. */
#ifndef PPMLI_SERVER_WINDOW_TABLES_H
#define PPMLI_SERVER_WINDOW_TABLES_H

#include "../cipher/lwe.h"
#include "../network/windows.h"

/* The table of a job.
 *   table [N]  out */
PPMLI_STATIC void ppmli_exact_table(uint64_t *table, const ppmli_exact_job *job, uint32_t N) {
  for (uint32_t i = 0; i < N; i++) {
    if (job->radix) { /* the nearest of v / radix, and of v / radix + 1/2 with the sign turned */
      int64_t r = job->radix, u = (2 * (int64_t)i * r + N) / (2 * (int64_t)N);
      table[i] = (uint64_t)(u % 2 == 0 ? u / 2 : (r - u) / 2) * job->unit;
    } else {
      uint64_t dead = job->dead;
      table[i] = dead && (i * dead < N || (N - i) * dead <= N) ? 0 : job->unit;
    }
  }
}

/* The ciphertext that a job bootstraps.
 *   out          [k N + 1]        out; no alias
 *   accumulator  [k N + 1]
 *   outputs      [jobs][k N + 1]  of the same neuron, the earlier ones there */
PPMLI_STATIC void ppmli_exact_phase(uint64_t *out, const ppmli_exact_job *job,
                                    const uint64_t *accumulator, const uint64_t *outputs,
                                    size_t words) {
  memset(out, 0, words * sizeof *out);
  ppmli_lwe_muladd(out, accumulator, job->gain, words);
  for (uint32_t t = 0; t < 2; t++)
    if (job->factor[t])
      ppmli_lwe_muladd(out, outputs + job->from[t] * words, (uint64_t)job->factor[t], words);
  out[words - 1] += job->constant;
}

/* The activation of a neuron: the sum of the outputs that are parts of it. */
PPMLI_STATIC void ppmli_exact_activation(uint64_t *out, const ppmli_exact_plan *plan,
                                         const uint64_t *outputs, size_t words) {
  memset(out, 0, words * sizeof *out);
  for (uint32_t i = 0; i < plan->count; i++)
    if (plan->job[i].is_scored) ppmli_lwe_muladd(out, outputs + i * words, 1, words);
}

#endif
