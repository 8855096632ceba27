// The metadata that describes a model, from config.json.
#pragma once

#include "engine/convert/families.h"
#include "engine/convert/folder.h"
#include "engine/convert/metadata.h"

namespace hearth {

// Linear attention: queries and keys have fewer heads than values, of one size.
struct LinearAttentionShape {
  uint32_t taps = 0, key_heads = 0, heads = 0, head_size = 0;
  Flags layers;         // which have it; empty: none
  uint32_t period = 0;  // each one that many on has full attention; 0: the layers follow no period
};

// The sizes that the layout of tensors depends on.
struct ModelShape {
  uint32_t layers = 0, width = 0, heads = 0, kv_heads = 0, head_size = 0;
  uint32_t experts = 0;                                             // 0: none
  uint32_t kv_rank = 0, plain_key = 0, turning_key = 0, value = 0;  // of latent attention
  LinearAttentionShape linear;
};

// Settings of RoPE, which files have in one of several places.
struct RopeSettings {
  Settings scaling;  // "rope_parameters" or "rope_scaling", or what of it is for full attention
  std::string type;  // "yarn"; empty for none
  std::optional<double> theta, window_theta;
};
RopeSettings rope_settings(const Settings& config);

ModelShape read_shape(const ModelFamily& family, const Settings& config);

// How many values of a head RoPE turns.
uint32_t turning_size(const ModelFamily& family, const Settings& config, const ModelShape& shape);

// Adds ARCHITECTURE.* as llama.cpp's converter writes it.
void add_model_keys(const ModelFamily& family, const ModelFolder& folder, const Settings& config, Metadata& metadata);

}  // namespace hearth
