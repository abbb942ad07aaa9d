/* plan.h - from a model to a circuit, with what the user asks of it. */
#ifndef PLAN_H
#define PLAN_H

#include "args.h"
#include "cli.h"

#define PLAN_AGREEMENT_OF_TASK -1.0 /* ppml_compile_options_default's, which the model decides */

/* Takes --params out: a set, NULL for auto or where it was not there. */
int plan_params(const ppml_params **params, args *a);

/* Takes --publish out: scores to be published under one key. */
uint32_t plan_publish(args *a);

/* Takes --params and --agreement out of a command's arguments.  An explicit set without an
 * explicit agreement promises nothing. */
int plan_options(ppml_compile_options *options, args *a);

/* Takes --agreement out: a share, 0 to 1; fallback if it was not there. */
double plan_agreement(args *a, double fallback);

/* Plans a circuit; where none is possible, says why in one line.
 *   path   of the model
 *   arena  out: of the circuit */
int plan_circuit(ppml_circuit *circuit, const ppml_model *model, const ppml_compile_options *wanted,
                 const char *path, ppml_arena *arena);

#endif
