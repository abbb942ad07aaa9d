/* dataset.h - how the commands ask for a data set to be read, what they say of it, and what a network
 * keeps of it: the values that are black and white, and the labels that its classes had. */
#ifndef DATASET_H
#define DATASET_H

#include "args.h"
#include "npz.h"

/* Which of the options below a command takes: one that has a network takes its rules from there. */
enum { DATASET_OF_NETWORK, DATASET_BY_ITSELF };

/* Takes --data-mib, --shape and --relabel out of a command's arguments, and --range where the data set
 * is read BY_ITSELF.  A mistake is remembered by args_end. */
void dataset_options(npz_options *options, args *a, int which);

/* Adds what a network says of its images and answers. */
void dataset_for_network(npz_options *options, const ppml_spec *spec);

/* Is that what --task may be: class, grade or labels?  NULL is any of them. */
int dataset_parse_task(const char *command, const char *task);

/* Has the data set labels for that task? */
int dataset_check_task(const npz_dataset *dataset, const char *task, const char *path);

/* Puts the range that the data set was read by into a network's spec, and, where labels were numbered
 * by --relabel, these as the names of the classes. */
void dataset_keep(ppml_spec *spec, const npz_dataset *dataset);

/* Says what was not as MedMNIST has it, as lines or as members of the JSON object at hand: values that
 * were scaled, one-hot columns, labels that were numbered, validation images that were cut. */
void dataset_report(const npz_dataset *dataset, int json);

/* A value of ppml_range, as it was told. */
double dataset_range_value(int64_t stored);

#endif
