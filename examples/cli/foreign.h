/* foreign.h - files that are no pictures we read: what they are, and what makes one of them. */
#ifndef FOREIGN_H
#define FOREIGN_H

#include <stddef.h>
#include <stdint.h>

/* One line of English, "a TIFF image (expected ...: COMMAND converts it, Debian package P)"; for
 * bytes that are nothing known, that they are no picture. */
const char *foreign_reason(const uint8_t *bytes, size_t count);

#endif
