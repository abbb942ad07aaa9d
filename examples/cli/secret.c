#include "secret.h"

#include <sys/mman.h>
#include <sys/resource.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "file.h"

static int secrets_are_held;

/* The limit stops the kernel's own dumps; dumps that are piped to a program heed the flag alone. */
static void forbid_dumps(void) {
  const struct rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
#if defined(PR_SET_DUMPABLE)
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void secret_hold(void *bytes, size_t count) {
  if (!secrets_are_held) forbid_dumps();
  secrets_are_held = 1;
  file_lock_buffers();
  secret_lock(bytes, count);
}

/* Never unlocked: other secrets may lie in the same page, and the process ends soon. */
void secret_lock(void *bytes, size_t count) {
  if (secrets_are_held && count <= SECRET_LOCK_BYTES_MAX) (void)mlock(bytes, count);
}
