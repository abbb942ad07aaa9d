/* The one translation unit that holds the library. */
#define PPML_IMPLEMENTATION
#include "../../ppml.h"
