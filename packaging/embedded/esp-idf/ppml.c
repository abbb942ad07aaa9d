/* The library's unit for ESP-IDF: a client, and the chip's random number generator. */
#include <bootloader_random.h>
#include <esp_random.h>
#include <sdkconfig.h>
#include <stddef.h>

int ppml_board_entropy(void *bytes, size_t count);

int ppml_board_entropy(void *bytes, size_t count) {
#if !defined(CONFIG_PPML_RADIO_IS_ON)
  bootloader_random_enable();
#endif
  esp_fill_random(bytes, count);
#if !defined(CONFIG_PPML_RADIO_IS_ON)
  bootloader_random_disable();
#endif
  return 0;
}

#define PPML_ENTROPY ppml_board_entropy
#define PPML_IMPLEMENTATION
#include "ppml.h"
