/* Symmetric positive matrices: the triangle L of A = L L^T, and linear systems by it.
 * Only the lower triangle of A is read, row by row [n][n]. */
#ifndef PPMLI_MATH_CHOLESKY_H
#define PPMLI_MATH_CHOLESKY_H

#include <math.h>

#include "../base/base.h"

/* A = L L^T in place.  Returns 0 where A is not positive: then a holds nothing.
 *   a [n][n]  in: A, out: L, in the lower triangle */
PPMLI_STATIC int ppmli_cholesky(double *a, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j <= i; j++) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; k++) sum -= a[i * n + k] * a[j * n + k];
      if (i > j) a[i * n + j] = sum / a[j * n + j];
      else if (sum > 0) a[i * n + i] = sqrt(sum);
      else return 0;
    }
  return 1;
}

/* x = L^-1 x. */
PPMLI_STATIC void ppmli_cholesky_forward(double *x, const double *l, size_t n) {
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < i; k++) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
}

/* x = A^-1 x, by the triangle. */
PPMLI_STATIC void ppmli_cholesky_solve(double *x, const double *l, size_t n) {
  ppmli_cholesky_forward(x, l, n);
  for (size_t i = n; i--;) {
    for (size_t k = i + 1; k < n; k++) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

#endif
