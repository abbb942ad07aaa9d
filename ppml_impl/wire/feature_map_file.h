/* The file of a feature map: what network/features.h computes with, and the id by which training
 * sets and models name it. */
#ifndef PPMLI_WIRE_FEATURE_MAP_FILE_H
#define PPMLI_WIRE_FEATURE_MAP_FILE_H

#include "../base/bytes.h"
#include "../base/digest.h"
#include "../math/torus.h"
#include "../network/features.h"
#include "container.h"
#include "spec_file.h"

/* ------------------------------------------------------------------ file */

PPMLI_STATIC size_t ppmli_features_payload_bytes(const ppml_features *map) {
  return 12 + ppmli_spec_wire_bytes(&map->spec) + 4 * ppmli_features_frequencies(map) + map->count +
         2 * ppmli_features_weights(map->count);
}

PPMLI_STATIC void ppmli_features_put(ppmli_out *out, const ppml_features *map) {
  ppmli_out_u32(out, PPMLI_FEATURES_VERSION);
  ppmli_out_u32(out, map->count);
  ppmli_out_u32(out, map->batch);
  ppmli_spec_put(out, &map->spec);
  ppmli_out_i32s(out, map->mean, ppmli_features_frequencies(map));
  ppmli_out_bytes(out, map->shift, map->count);
  for (size_t i = 0; i < ppmli_features_weights(map->count); i++) {
    uint8_t bytes[2];
    ppmli_store16(bytes, (uint16_t)map->weight[i]);
    ppmli_out_bytes(out, bytes, sizeof bytes);
  }
}

PPMLI_STATIC void ppmli_features_set_id(ppml_features *map) {
  ppmli_out out;
  ppmli_out_begin_digest(&out);
  ppmli_features_put(&out, map);
  ppmli_digest_final(&out.digest, map->id);
}

/* Reads a map.
 *   map  out; its arrays are in arena
 * Memory: ppmli_features_bytes.  Errors: the input bytes', NOMEM. */
PPMLI_STATIC int ppmli_features_get(ppml_features *map, ppmli_in *in, const ppml_limits *limits,
                                    ppml_arena *arena) {
  memset(map, 0, sizeof *map);
  uint32_t version = ppmli_in_u32(in);
  map->count = ppmli_in_u32(in);
  map->batch = ppmli_in_u32(in);
  if (in->error) return in->error;
  if (version != PPMLI_FEATURES_VERSION) return PPML_ERR_VERSION;
  PPMLI_TRY(ppmli_spec_get(&map->spec, in, limits));
  if (!ppmli_features_shape_is_valid(map, limits)) return PPML_ERR_RANGE;
  PPMLI_TRY(ppmli_features_init(map, arena));
  ppmli_in_i32s(in, map->mean, ppmli_features_frequencies(map));
  ppmli_in_bytes(in, map->shift, map->count);
  for (size_t i = 0; i < ppmli_features_weights(map->count); i++) {
    uint8_t bytes[2];
    ppmli_in_bytes(in, bytes, sizeof bytes);
    map->weight[i] = (int16_t)(ppmli_torus_signed32(ppmli_load16(bytes) << 16) / 65536);
  }
  if (in->error) return in->error;
  for (uint32_t i = 0; i < map->count; i++)
    if (map->shift[i] > PPMLI_FEATURE_SHIFT_MAX) return PPML_ERR_RANGE;
  ppmli_features_set_id(map);
  return PPML_OK;
}

#endif
