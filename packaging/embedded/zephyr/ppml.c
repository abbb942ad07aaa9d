/* The library's unit for Zephyr: a client, and the system's generator, which is cryptographically secure
 * and says so where it has nothing to give. */
#include <zephyr/random/random.h>

#if defined(CONFIG_TEST_CSPRNG_GENERATOR)
#error                                                                                             \
    "ppml: sys_csrand_get gives numbers for tests (CONFIG_TEST_CSPRNG_GENERATOR), and keys of them protect nothing"
#endif

int ppml_board_entropy(void *bytes, size_t count);

int ppml_board_entropy(void *bytes, size_t count) {
  return sys_csrand_get(bytes, count);
}

#define PPML_ENTROPY ppml_board_entropy
#define PPML_IMPLEMENTATION
#include <ppml.h>
