#include <stdint.h>
#define DEMO_SAMPLES 1
#define DEMO_PIXELS 784
static const char *const demo_names[1]={"x"};
static const uint8_t demo_labels[1]={0};
static const uint8_t demo_pixels[1][784]={{0}};
static const uint8_t demo_model[]={0};
