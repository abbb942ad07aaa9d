/* bootloader_random.h - a stand-in: the noise source, which is to be on while random numbers are drawn. */
#ifndef BOOTLOADER_RANDOM_H
#define BOOTLOADER_RANDOM_H

#ifdef __cplusplus
extern "C" {
#endif
void bootloader_random_enable(void);
void bootloader_random_disable(void);
#ifdef __cplusplus
}
#endif

#endif
