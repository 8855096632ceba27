// The way back: a folder in Hugging Face's layout from a GGUF file, by what the files there look like.
#pragma once

#include "formats/gguf.h"
#include "tests/engine/convert/hf_folder.h"

namespace hearth {

// The parts of hf_folder_of.
nlohmann::json hf_config_of(const Gguf& file);
HfTensors hf_tensors_of(const Gguf& file);
void add_hf_tokenizer(const Gguf& file, HfFolder& folder);

HfFolder hf_folder_of(const Gguf& file);

// Whether GGUF has gains of norms plus 1, which rounds.
bool has_shifted_norms(std::string_view architecture);

}  // namespace hearth
