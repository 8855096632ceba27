// Writes folders as they are on Hugging Face: safetensors, JSON and SentencePiece files.
#pragma once

#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "quant/half.h"
#include "tests/formats/gguf_bytes.h"

namespace hearth {

struct HfTensor {
  std::string type;  // "F32"
  std::vector<uint64_t> shape;
  std::string bytes;
};
using HfTensors = std::map<std::string, HfTensor>;

inline HfTensor f32_tensor(std::vector<uint64_t> shape, std::span<const float> values) {
  return {"F32", std::move(shape), std::string(reinterpret_cast<const char*>(values.data()), values.size_bytes())};
}

inline HfTensor bf16_tensor(std::vector<uint64_t> shape, std::span<const float> values) {
  std::string bytes;
  for (const float value : values) {
    const uint16_t half = f32_to_bf16(value);
    bytes.append(reinterpret_cast<const char*>(&half), sizeof half);
  }
  return {"BF16", std::move(shape), bytes};
}

inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
}

inline std::string safetensors_of(const HfTensors& tensors) {
  nlohmann::json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const size_t begin = data.size();
    data += tensor.bytes;
    header[name] = {{"dtype", tensor.type}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return safetensors_bytes(text, data);
}

// A protocol buffer as SentencePiece writes it, as far as it matters.
struct SentencePieceFile {
  static std::string varint(uint64_t value) {
    std::string bytes;
    for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
    return bytes + static_cast<char>(value);
  }
  static std::string number(int field, uint64_t value) {
    return varint(static_cast<uint64_t>(field) << 3) + varint(value);
  }
  static std::string text(int field, const std::string& value) {
    return varint((static_cast<uint64_t>(field) << 3) | 2) + varint(value.size()) + value;
  }
  static std::string real(int field, float value) {
    return varint((static_cast<uint64_t>(field) << 3) | 5) + std::string(reinterpret_cast<const char*>(&value), 4);
  }

  void piece(const std::string& piece, float score, int kind) {
    bytes += text(1, text(1, piece) + real(2, score) + (kind == 1 ? "" : number(3, static_cast<uint64_t>(kind))));
  }
  void trainer(uint64_t kind) { bytes += text(2, number(3, kind)); }
  void normalizer(bool dummy_prefix) { bytes += text(3, text(1, "identity") + number(3, dummy_prefix ? 1 : 0)); }

  std::string bytes;
};

// A folder with a config.json, weights and a tokenizer, each of which a test can change before it is written.
struct HfFolder {
  nlohmann::json config;
  HfTensors tensors;
  std::map<std::string, std::string> files;  // others, by name

  void write(const std::filesystem::path& folder) const {
    std::filesystem::create_directories(folder);
    write_text(folder / "config.json", config.dump(1));
    write_text(folder / "model.safetensors", safetensors_of(tensors));
    for (const auto& [name, text] : files) {
      std::filesystem::create_directories((folder / name).parent_path());
      write_text(folder / name, text);
    }
  }
};

}  // namespace hearth
