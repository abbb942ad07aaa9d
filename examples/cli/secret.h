/* secret.h - what the system can do for a process that holds secrets. */
#ifndef SECRET_H
#define SECRET_H

#include <stddef.h>

/* Call it before the first secret comes into memory.  As far as the system can and lets it: the
 * process leaves no core dump and other processes of the same user cannot look into it; these
 * bytes, files read from now on, and arenas below SECRET_LOCK_BYTES_MAX stay out of swap space. */
void secret_hold(void *bytes, size_t count);

/* The same for further memory, if secrets are held; else nothing. */
void secret_lock(void *bytes, size_t count);

/* More is not locked: users may lock a few megabytes only. */
#define SECRET_LOCK_BYTES_MAX ((size_t)1 << 20)

#endif
