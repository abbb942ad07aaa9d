/* The random numbers that keys and ciphertexts begin with: the board's hardware generator, never a clock, an
 * open pin or a constant.  A generator that fails, or says the same byte again and again, gives no numbers, and
 * the library makes no key (PPML_ERR_RNG).  Another board's belongs here. */
#include <stddef.h>
#include <stdint.h>

extern "C" int arduino_entropy(void *bytes, size_t count);

#if defined(ARDUINO_ARCH_ESP32)
#include <bootloader_random.h>
#include <esp_random.h>

/* Random only while the radio or the noise source that the chip starts with is on.  This sketch uses neither
 * Wi-Fi nor Bluetooth, so it is the latter; where one of them is on, leave out enable and disable. */
extern "C" int arduino_entropy(void *bytes, size_t count) {
  bootloader_random_enable();
  esp_fill_random(bytes, count);
  bootloader_random_disable();
  return 0;
}
#else

#if defined(ARDUINO_ARCH_NRF5) || defined(ARDUINO_ARCH_NRF52) || defined(NRF52_SERIES)
/* RNG of nRF51 and nRF52, its bias taken off; where no radio stack uses it. */
#define RNG_START (*(volatile uint32_t *)0x4000d000)
#define RNG_READY (*(volatile uint32_t *)0x4000d100)
#define RNG_CONFIG (*(volatile uint32_t *)0x4000d504)
#define RNG_VALUE (*(volatile uint32_t *)0x4000d508)

static void begin(void) {
  RNG_CONFIG = 1;
  RNG_START = 1;
}

static int draw_byte(void) {
  RNG_READY = 0;
  for (uint32_t patience = 0; patience < 1000000; patience++)
    if (RNG_READY) return (int)(RNG_VALUE & 255);
  return -1;
}
#else
#error                                                                                             \
    "entropy.cpp: no hardware random number generator is known of this board: write begin and draw_byte for it"
#endif

/* Repetition count test, NIST SP 800-90B 4.4.1: one byte 41 times running ends it. */
extern "C" int arduino_entropy(void *bytes, size_t count) {
  uint8_t *out = (uint8_t *)bytes;
  int last = -1, same = 0;
  begin();
  for (size_t i = 0; i < count; i++) {
    int byte = draw_byte();
    same = byte == last ? same + 1 : 1;
    if (byte < 0 || same >= 41) return 1;
    out[i] = (uint8_t)(last = byte);
  }
  return 0;
}
#endif
