/* esp_random.h - a stand-in: this machine's generator in place of the chip's. */
#ifndef ESP_RANDOM_H
#define ESP_RANDOM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C"
#endif
    void
    esp_fill_random(void *bytes, size_t count);

#endif
