/* board.c - a Cortex-M under QEMU without an operating system or C library: vector table, start-up,
 * the four memory functions that compilers call, random numbers, and semihosting as the line out.
 *
 * For a board of your own keep the vector table and reset_handler, put your radio or serial line in the
 * place of semihosting, and in board_entropy your part's random number generator with its error flags. */
#include "board.h"

extern uint32_t board_data_load[], board_data[], board_data_end[], board_bss[], board_bss_end[];
extern uint32_t board_stack[], board_stack_end[];

int main(void);
void reset_handler(void);

/* ------------------------------------------------------- line: semihosting */

enum {
  SEMI_OPEN = 1,
  SEMI_CLOSE = 2,
  SEMI_PUT = 4,
  SEMI_WRITE = 5,
  SEMI_READ = 6,
  SEMI_EXIT = 0x18
};
enum { SEMI_FINISHED = 0x20026, SEMI_FAILED = 0x20023, OPEN_READ = 1, OPEN_WRITE = 5 };

static int semi(int operation, const void *argument) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static void leave(int reason) {
  for (;;) semi(SEMI_EXIT, (const void *)(uintptr_t)reason);
}

void board_print(const char *text) {
  semi(SEMI_PUT, text);
}

int board_open(const char *name, int writes) {
  uint32_t length = 0;
  while (name[length]) length++;
  const uint32_t block[3] = {(uint32_t)(uintptr_t)name, writes ? OPEN_WRITE : OPEN_READ, length};
  return semi(SEMI_OPEN, block);
}

void board_close(int handle) {
  const uint32_t block[1] = {(uint32_t)handle};
  semi(SEMI_CLOSE, block);
}

int board_write(int handle, const void *bytes, size_t count) {
  const uint32_t block[3] = {(uint32_t)handle, (uint32_t)(uintptr_t)bytes, count};
  return semi(SEMI_WRITE, block); /* bytes that were not written */
}

size_t board_read(int handle, void *bytes, size_t count) {
  const uint32_t block[3] = {(uint32_t)handle, (uint32_t)(uintptr_t)bytes, count};
  return count - (size_t)semi(SEMI_READ, block);
}

/* ---------------------------------------------------------- random numbers */

#ifdef BOARD_NRF51
/* The nRF51's generator, on the micro:bit: reference manual, chapter 21. */
#define RNG_START (*(volatile uint32_t *)0x4000d000)
#define RNG_READY (*(volatile uint32_t *)0x4000d100)
#define RNG_CONFIG (*(volatile uint32_t *)0x4000d504)
#define RNG_VALUE (*(volatile uint32_t *)0x4000d508)

/* 8 bits of it, the bias taken off; -1 where it does not come. */
static int draw_byte(void) {
  RNG_READY = 0;
  for (uint32_t patience = 0; patience < 1000000; patience++)
    if (RNG_READY) return (int)(RNG_VALUE & 255);
  return -1;
}

/* Repetition count test, NIST SP 800-90B 4.4.1: one byte C times running ends it.  With half a bit of
 * entropy in a byte, C = 1 + 20 / 0.5 is passed by a good generator but for once in 2^20 draws. */
int board_entropy(void *bytes, size_t count) {
  enum { CUTOFF = 41 };
  uint8_t *out = bytes;
  int last = -1, same = 0;
  RNG_CONFIG = 1;
  RNG_START = 1;
  for (size_t i = 0; i < count; i++) {
    int byte = draw_byte();
    same = byte == last ? same + 1 : 1;
    if (byte < 0 || same >= CUTOFF) return 1;
    out[i] = (uint8_t)(last = byte);
  }
  return 0;
}
#else
/* These machines have no generator in QEMU: the host's stands for the part's own. */
int board_entropy(void *bytes, size_t count) {
  int handle = board_open("/dev/urandom", 0);
  if (handle < 0) return 1;
  size_t got = board_read(handle, bytes, count);
  board_close(handle);
  return got != count;
}
#endif

/* ---------------------------------------------------- instructions, stack */

#define STACK_PAINT 0xa5a5a5a5u

#ifdef BOARD_NRF51
/* TIMER0 of the nRF51, which has no SysTick: 32 bits at 16 MHz. */
#define TIMER_START (*(volatile uint32_t *)0x40008000)
#define TIMER_CAPTURE (*(volatile uint32_t *)0x40008040)
#define TIMER_BITS (*(volatile uint32_t *)0x40008508)
#define TIMER_PRESCALER (*(volatile uint32_t *)0x40008510)
#define TIMER_COUNT (*(volatile uint32_t *)0x40008540)

static void systick_handler(void) {
}

static void start_ticks(void) {
  TIMER_BITS = 3;
  TIMER_PRESCALER = 0;
  TIMER_START = 1;
}

static uint64_t ticks(void) {
  TIMER_CAPTURE = 1;
  return TIMER_COUNT;
}
#else
#define SYSTICK_CONTROL (*(volatile uint32_t *)0xe000e010)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xe000e014)
#define SYSTICK_NOW (*(volatile uint32_t *)0xe000e018)
#define TICKS 0x1000000u /* of the counter, which counts down */

static volatile uint32_t wraps;

static void systick_handler(void) {
  wraps++;
}

static void start_ticks(void) {
  SYSTICK_RELOAD = TICKS - 1;
  SYSTICK_NOW = 0;
  SYSTICK_CONTROL = 7; /* the core's clock, with interrupts */
  while (SYSTICK_NOW == 0) {
  } /* until it is loaded */
}

static uint64_t ticks(void) {
  uint32_t before, now;
  do {
    before = wraps;
    now = SYSTICK_NOW;
  } while (before != wraps);
  return (uint64_t)before * TICKS + (TICKS - 1 - now);
}
#endif

static uint32_t instructions_a_tick; /* in sixteenths */
static uint64_t began;

/* Under -icount an instruction takes a nanosecond, and a tick as many as a loop of known length says. */
static void measure_tick(void) {
  uint32_t count = 1000000;
  start_ticks();
  uint64_t from = ticks();
  __asm__ volatile("1: sub %0, %0, #1\n cmp %0, #0\n bne 1b\n" : "+r"(count) : : "cc");
  instructions_a_tick = 3u * 1000000 * 16 / ((uint32_t)(ticks() - from) + 1);
}

/* In hexadecimal, which takes no division. */
static void print_number(const char *step, const char *what, uint64_t number) {
  char text[17];
  for (int i = 0; i < 16; i++) text[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
  text[16] = 0;
  board_print(step);
  board_print(what);
  board_print(text);
  board_print("\n");
}

static size_t stack_bytes(void) {
  const uint32_t *word = board_stack;
  while (word < board_stack_end && *word == STACK_PAINT) word++;
  return (size_t)(board_stack_end - word) * sizeof *word;
}

void board_begin(void) {
  uint32_t *top;
  __asm__ volatile("mov %0, sp" : "=r"(top));
  for (uint32_t *word = board_stack; word < top - 8; word++) *word = STACK_PAINT;
  began = ticks();
}

void board_end(const char *step, size_t arena_bytes) {
  uint64_t taken = ticks() - began;
  size_t stack = stack_bytes();
  print_number(step, " instructions ", taken * instructions_a_tick / 16);
  print_number(step, " stack ", stack);
  print_number(step, " arena ", arena_bytes);
}

/* ---------------------------------------------------------------- start-up */

static void fault_handler(void) {
  board_print("fault\n");
  leave(SEMI_FAILED);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)board_stack_end,
    reset_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    NULL,
    NULL,
    NULL,
    NULL,
    fault_handler,
    fault_handler,
    NULL,
    fault_handler,
    systick_handler};

void reset_handler(void) {
  const uint32_t *from = board_data_load;
  for (uint32_t *to = board_data; to < board_data_end;) *to++ = *from++;
  for (uint32_t *to = board_bss; to < board_bss_end;) *to++ = 0;
  measure_tick();
  int status = main();
  if (status) print_number("client", " error -", (uint64_t)status);
  leave(status ? SEMI_FAILED : SEMI_FINISHED);
}

/* ------------------------------------------------- what compilers may call */

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  uint8_t *out = to;
  for (const uint8_t *in = from; count--;) *out++ = *in++;
  return to;
}

void *memset(void *to, int byte, size_t count) {
  for (uint8_t *out = to; count--;) *out++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *x, const void *y, size_t count) {
  const uint8_t *a = x, *b = y;
  for (; count--; a++, b++)
    if (*a != *b) return *a < *b ? -1 : 1;
  return 0;
}
