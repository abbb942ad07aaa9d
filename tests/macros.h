/* macros.h - what <windows.h>, <complex.h> and old headers define: names that the library must not use.
 * Included before it by tests/build_matrix.sh. */
#define far
#define near
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define small char
#define interface struct
#define I _Complex_I
#define complex _Complex
#define ERROR 0
#define IN
#define OUT
