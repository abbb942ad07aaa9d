/* The x86 intrinsics, and which of them this CPU can run.  In: a CPU; out: yes or no.  Next: avx2.h,
 * avx512.h. */
#ifndef PPMLI_FFT_X86_H
#define PPMLI_FFT_X86_H

/* As C++, GCC 12's own header sets off its warnings of uninitialized values (GCC bug 105593). */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#else
#include <immintrin.h>
#endif

/* A build for one backend asks nothing, and does not need the compiler's run-time library. */
#if defined(PPML_BACKEND_ONLY)
#define PPMLI_X86_HAS(feature) 1
#else
#define PPMLI_X86_HAS(feature) (__builtin_cpu_supports(feature) != 0)
#endif

#endif
