/* describe.h - what files hold, in words for people or as JSON. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "../../ppml.h"

/* Each prints one JSON object on one line if json is set, else a few lines.
 *   predicted_ms  of a circuit on this machine; below 0: not known */
void describe_model(const ppml_model *model, int json);
void describe_circuit(const ppml_circuit *circuit, double predicted_ms, int json);
void describe_client(const ppml_client *client, uint32_t kind, int json);
void describe_input(const ppml_input *input, int json);
void describe_output(const ppml_output *output, int json);
void describe_eval_key(const ppml_header *header, int json);
void describe_features(const ppml_features *map, int json);
void describe_training(const ppml_training *training, uint32_t kind, int json);
void describe_learnt(const ppml_learnt *learnt, int json);
/* A learning key, a checkpoint, or answers by an encrypted model. */
void describe_of_learning(const ppml_header *header, int json);

/* What a client uses, in short, for its operator to compare: ids, set, bits, assumption. */
void describe_key(const ppml_secret_key *key);

/* Of one without its client spec, what the header says. */
void describe_lone_key(const ppml_header *header, int json);

/* Members of the JSON object at hand: classes, inputs, layers. */
void describe_network_json(const ppml_model *model);

/* Every parameter set there is. */
void describe_params_table(int json);

/* The name of an activation. */
const char *describe_activation(uint32_t activation);

#endif
