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

// The weights of linear attention in the layer of GGUF's `block`, "blk.0.", into the folder `front`, "model.layers.0.".
void add_hf_linear_attention(const Gguf& file, const std::string& block, const std::string& front, HfTensors& made);

// Whether GGUF has the gains plus 1, which rounds. `tensor`: a name of GGUF, with its ending.
bool is_shifted_norm(std::string_view architecture, std::string_view tensor);

}  // namespace hearth
