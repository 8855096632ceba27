// The model classes of Hugging Face's transformers that are converted, and how they store what GGUF stores otherwise.
#pragma once

#include <string>
#include <string_view>

#include "engine/convert/settings.h"

namespace hearth {

struct ModelFamily {
  const char* hf_class;         // as in "architectures" of config.json
  const char* architecture;     // as in general.architecture
  bool pairs = false;           // values of q and k that RoPE turns together stand half a head apart; GGUF wants pairs
  bool shifted_norms = false;   // gains of norms are stored less 1, but those of linear attention
  bool transposed = false;      // matrices of layers are stored as [input x output]
  bool grouped_qkv = false;     // fused q, k and v are stored head by head
  bool tied = false;            // there is no output matrix, whatever the weights hold
  const char* defaults = "{}";  // what config.json leaves out, as transformers fills it in
};

// The family that config.json names. Throws FileError naming the class where it is not converted.
const ModelFamily& family_of(const Settings& config);

// All settings in one object: those of the text model, where there is one for images too, above the others, and the
// defaults below.
Settings merged(const ModelFamily& family, const Settings& config);

// Throws FileError where a setting asks for what neither GGUF nor the engine has a place for.
void require_known_settings(const ModelFamily& family, const Settings& config);

// "LlamaForCausalLM, MistralForCausalLM, ..."
std::string family_names();

}  // namespace hearth
