/* board.h - what the client asks of its board.  board.c is a Cortex-M under QEMU, host.c this machine. */
#ifndef BOARD_H
#define BOARD_H

#include <stddef.h>
#include <stdint.h>

/* Fills bytes from the board's random number generator: PPML_ENTROPY of the library.  Returns nonzero,
 * and no numbers, where the generator or its health test fails: never a weak seed in their place. */
int board_entropy(void *bytes, size_t count);

/* Files stand for the line to the server.  Handles are 0 or more; write returns 0, read the bytes read. */
int board_open(const char *name, int writes);
int board_write(int handle, const void *bytes, size_t count);
size_t board_read(int handle, void *bytes, size_t count);
void board_close(int handle);

void board_print(const char *text);

/* Around a step: prints the instructions and the stack that it took, where the board can tell, and the arena
 * bytes that the caller says. */
void board_begin(void);
void board_end(const char *step, size_t arena_bytes);

#endif
