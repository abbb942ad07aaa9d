/* Linear equations with a positive definite symmetric matrix, by Cholesky's
 * factorization.  Sums have one order, so all machines find the same numbers. */
#ifndef PPMLI_MATH_SYMMETRIC_H
#define PPMLI_MATH_SYMMETRIC_H

#include <math.h>

#include "../base/base.h"

/* Rows that are finished before those below are told of them: so many stay in cache. */
#define PPMLI_SYMMETRIC_BLOCK 48

/* row[first .. ] of the factor so far: takes the products with rows above off element (i, j). */
PPMLI_INLINE double ppmli_symmetric_dot(const double *a, const double *b, size_t count) {
  double sum[4] = {0, 0, 0, 0}; /* four chains, for machines that add four at a time */
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int k = 0; k < 4; k++) sum[k] += a[i + (size_t)k] * b[i + (size_t)k];
  for (; i < count; i++) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* Replaces the lower triangle of a by that of L, a = L L^T; the rest is not looked at.
 *   a  [n][n]
 * Returns 0 if a is not positive definite, as far as can be told. */
PPMLI_STATIC int ppmli_symmetric_factor(double *a, size_t n) {
  for (size_t begin = 0; begin < n; begin += PPMLI_SYMMETRIC_BLOCK) {
    size_t end = ppmli_min_size(begin + PPMLI_SYMMETRIC_BLOCK, n);
    for (size_t i = begin; i < n; i++) {
      double *row = a + i * n;
      for (size_t j = begin; j < end && j <= i; j++) {
        double rest = row[j] - ppmli_symmetric_dot(row, a + j * n, j);
        if (j < i) row[j] = rest / a[j * n + j];
        else if (rest > 0) row[j] = sqrt(rest);
        else return 0;
      }
    }
  }
  return 1;
}

/* x = a^-1 x.
 *   x       [n]
 *   factor  [n][n]  of ppmli_symmetric_factor */
PPMLI_STATIC void ppmli_symmetric_solve(double *x, const double *factor, size_t n) {
  for (size_t i = 0; i < n; i++)
    x[i] = (x[i] - ppmli_symmetric_dot(factor + i * n, x, i)) / factor[i * n + i];
  for (size_t i = n; i-- > 0;) {
    x[i] /= factor[i * n + i];
    for (size_t j = 0; j < i; j++) x[j] -= factor[i * n + j] * x[i];
  }
}

#endif
