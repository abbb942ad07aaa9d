/* train_pooled.h - ppml train of a pooled network behind an encoder. */
#ifndef TRAIN_POOLED_H
#define TRAIN_POOLED_H

/* Do a command's arguments ask for one: by --encoder, --latents, --regions or --kernel? */
int train_is_pooled(int argc, char **argv);

/* Returns the exit status. */
int train_pooled(int argc, char **argv);

#endif
