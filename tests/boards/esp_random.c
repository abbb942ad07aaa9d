/* esp_random.c - the stand-in's functions: no numbers but while the noise source is on. */
#include "esp_random.h"

#include <stdio.h>
#include <stdlib.h>

#include "bootloader_random.h"

static int is_on;

void bootloader_random_enable(void) {
  is_on = 1;
}

void bootloader_random_disable(void) {
  is_on = 0;
}

void esp_fill_random(void *bytes, size_t count) {
  FILE *source = fopen("/dev/urandom", "rb");
#if defined(CONFIG_PPML_RADIO_IS_ON)
  is_on = 1;
#endif
  if (!is_on || source == NULL || fread(bytes, 1, count, source) != count) abort();
  fclose(source);
}
