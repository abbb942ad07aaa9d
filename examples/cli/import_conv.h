/* import_conv.h - ppml import of a network of one convolution with polynomials. */
#ifndef IMPORT_CONV_H
#define IMPORT_CONV_H

#include "load.h"
#include "npz.h"

typedef struct import_conv_request {
  const char *onnx_path, *data_path, *model_path, *class_names;
  const char *split; /* of the images to choose ranges by */
  const float *mean, *std;
  uint32_t latent_bits, weight_bits;
  double agreement;
  int json;
} import_conv_request;

/* Imports the network of a file that has a convolution, for images like those of the data set.
 * Returns CLI_OK, or the exit status after one line. */
int import_conv(const import_conv_request *r, const onnx_files *files, const npz_dataset *data);

#endif
