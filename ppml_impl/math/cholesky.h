/* Linear equations with a symmetric positive definite matrix A [n][n]: the triangle L of A = L L^T,
 * and solutions by it.  Only the lower triangle of A is read, row by row.  Sums have one order, so
 * all machines find the same numbers.  In: A and a right side; out: L, or the solution. Next:
 * train/logistic.h. */
#ifndef PPMLI_MATH_CHOLESKY_H
#define PPMLI_MATH_CHOLESKY_H

#include <math.h>

#include "../base/base.h"

/* Columns that are finished in all rows before those behind them are begun: so many rows stay in
 * cache. */
#define PPMLI_CHOLESKY_BLOCK 48

/* The sum of a[i] b[i]. */
PPMLI_INLINE double ppmli_cholesky_dot(const double *a, const double *b, size_t count) {
  double sum[4] = {0, 0, 0, 0}; /* four chains, for machines that add four at a time */
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; k++) sum[k] += a[i + (size_t)k] * b[i + (size_t)k];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* A = L L^T in place.  Returns 0 if A is not positive definite, as far as can be told: then a holds
 * nothing of use.
 *   a [n][n]  in: A, out: L, both in the lower triangle */
PPMLI_STATIC int ppmli_cholesky(double *a, size_t n) {
  for (size_t begin = 0; begin < n; begin += PPMLI_CHOLESKY_BLOCK) {
    size_t end = ppmli_min_size(begin + PPMLI_CHOLESKY_BLOCK, n);
    for (size_t i = begin; i < n; i++) {
      double *row = a + i * n;
      for (size_t j = begin; j < end && j <= i; j++) {
        double rest = row[j] - ppmli_cholesky_dot(row, a + j * n, j);
        if (j < i) row[j] = rest / a[j * n + j];
        else if (rest > 0) row[j] = sqrt(rest);
        else return 0;
      }
    }
  }
  return 1;
}

/* x = L^-1 x. */
PPMLI_STATIC void ppmli_cholesky_forward(double *x, const double *l, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] = (x[i] - ppmli_cholesky_dot(l + i * n, x, i)) / l[i * n + i];
}

/* x = A^-1 x, by the triangle. */
PPMLI_STATIC void ppmli_cholesky_solve(double *x, const double *l, size_t n) {
  ppmli_cholesky_forward(x, l, n);
  for (size_t i = n; i-- > 0;) {
    x[i] /= l[i * n + i];
    for (size_t j = 0; j < i; j++) x[j] -= l[i * n + j] * x[i];
  }
}

#endif
