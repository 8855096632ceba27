// Models of one layer, put together by hand, so that what they say is known.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/text/tokenizer/vocabulary.h"
#include "formats/gguf_writer.h"

namespace hearth {

// A byte-level vocabulary, one head of keys and values, and the weights that are not 0.
struct OneLayerModel {
  std::string name;
  uint32_t context = 0;
  uint64_t width = 0, heads = 0, head_width = 0, hidden = 0;
  uint64_t rotated = 0;             // of a head's places; 0: all
  std::vector<std::string> tokens;  // as the file holds them
  std::vector<int32_t> types;
  size_t end = 0;  // the token that ends an answer
  std::string chat_template;
  // [rows, columns]; empty: zeros
  std::vector<float> embedding, output;  // [tokens, width]
  std::vector<float> query;              // [heads * head_width, width]
  std::vector<float> key, value;         // [head_width, width]
  std::vector<float> attention;          // [width, heads * head_width]
  std::vector<float> gate, up;           // [hidden, width]
  std::vector<float> down;               // [width, hidden]

  // The token's number. A control token is unseen in text.
  size_t add_control(const std::string& text);
  size_t add_text(const std::string& text);
  void add_bytes();  // the first 256 tokens
};

// Writes a GGUF file of architecture llama; `more` may add metadata.
void write_one_layer_model(const std::filesystem::path& path, const OneLayerModel& model,
                           const std::function<void(GgufWriter&)>& more = {});

}  // namespace hearth
