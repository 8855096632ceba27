// Adapters of random matrices for a model file, and the model that has them merged into its weights.
#pragma once

#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"

namespace hearth {

// [rows x width], of `count` matrices one below the other.
struct RandomMatrix {
  uint64_t width = 0, rows = 0, count = 1;
  std::vector<float> values;
  std::vector<uint64_t> dims() const { return count == 1 ? std::vector{width, rows} : std::vector{width, rows, count}; }
};

inline RandomMatrix random_matrix(uint64_t width, uint64_t rows, uint64_t count, float size, std::mt19937& random) {
  RandomMatrix matrix{width, rows, count, std::vector<float>(width * rows * count)};
  std::normal_distribution<float> normal(0, size);
  for (float& value : matrix.values) value = normal(random);
  return matrix;
}

struct RandomAdapter {
  struct Pair {
    RandomMatrix a, b;
  };
  std::string architecture;
  float alpha = 6;
  Format format = Format::f32;
  std::map<std::string, Pair> pairs;  // by the tensor that they change
  std::map<std::string, std::string> texts = {{"general.type", "adapter"}, {"adapter.type", "lora"}};
  bool activated = false;

  // What pairs are multiplied by, where the adapter is used with this scale.
  static double factor(const Pair& pair, float alpha, double scale) {
    const double rank = static_cast<double>(pair.b.width);
    return alpha == 0 ? scale : scale * double{alpha} / rank;
  }

  void write(const std::filesystem::path& path) const {
    GgufWriter writer(path);
    writer.add("general.architecture", std::string_view(architecture));
    for (const auto& [key, text] : texts) writer.add(key, std::string_view(text));
    writer.add("adapter.lora.alpha", alpha);
    if (activated) writer.add_array<uint32_t>("adapter.alora.invocation_tokens", std::array{1u, 2u});
    std::vector<const RandomMatrix*> order;
    std::vector<Format> formats;
    const auto add = [&](const std::string& name, const RandomMatrix& matrix) {
      if (matrix.width == 0) return;
      const bool fits = matrix.width % format_info(format).block_size == 0;
      formats.push_back(fits ? format : Format::f32);
      writer.add_tensor(name, formats.back(), matrix.dims());
      order.push_back(&matrix);
    };
    for (const auto& [name, pair] : pairs) {
      add(name + ".lora_a", pair.a);
      add(name + ".lora_b", pair.b);
    }
    for (size_t i = 0; i < order.size(); ++i) {
      const FormatInfo& info = format_info(formats[i]);
      const std::vector<float>& values = order[i]->values;
      std::vector<std::byte> bytes(values.size() / info.block_size * info.block_bytes);
      info.encode(values.data(), bytes.data(), values.size());
      writer.write(bytes);
    }
    writer.finish();
  }

  // As it is in its file: rounded to the format.
  RandomAdapter rounded() const {
    RandomAdapter result = *this;
    const auto round = [&](RandomMatrix& matrix) {
      const FormatInfo& info = format_info(matrix.width % format_info(format).block_size == 0 ? format : Format::f32);
      std::vector<std::byte> bytes(matrix.values.size() / info.block_size * info.block_bytes);
      info.encode(matrix.values.data(), bytes.data(), matrix.values.size());
      info.decode(bytes.data(), matrix.values.data(), matrix.values.size());
    };
    for (auto& [name, pair] : result.pairs) {
      round(pair.a);
      round(pair.b);
    }
    return result;
  }
};

// Changes every matrix of the model that an adapter may change, and the embedding where that is not the output too.
inline RandomAdapter random_adapter(const Gguf& model, uint64_t rank, uint32_t seed) {
  std::mt19937 random(seed);
  RandomAdapter adapter{.architecture = std::string(model.find_string("general.architecture").value())};
  const auto changes = [&](std::string_view name) {
    if (name == "token_embd.weight") return model.find_tensor("output.weight") != nullptr;
    if (!name.ends_with(".weight") || name.find("norm") != name.npos || name == "position_embd.weight" ||
        name == "token_types.weight" || name.ends_with("conv1d.weight") || name.starts_with("rope_") ||
        name.ends_with("attn_sinks.weight"))
      return false;
    // Attention of a few models runs on latent vectors, with matrices for each head apart.
    return !name.ends_with("attn_k_b.weight") && !name.ends_with("attn_v_b.weight") &&
           !(name.ends_with("attn_kv_b.weight") && model.find_tensor("blk.0.attn_k_b.weight") != nullptr);
  };
  for (const GgufTensor& tensor : model.tensors()) {
    if (!changes(tensor.name)) continue;
    const uint64_t width = tensor.dims[0], rows = tensor.dims[1], count = tensor.dims[2];
    const float size = 0.5f / std::sqrt(static_cast<float>(rank));
    RandomAdapter::Pair pair;
    if (tensor.name == "token_embd.weight") {  // A is turned
      pair.a = random_matrix(rank, rows, 1, 1, random);
      pair.b = random_matrix(rank, width, 1, 0.2f * size, random);
    } else {
      pair.a = random_matrix(width, rank, count, 1 / std::sqrt(static_cast<float>(width)), random);
      pair.b = random_matrix(rank, rows, count, size, random);
    }
    adapter.pairs[std::string(tensor.name)] = std::move(pair);
  }
  return adapter;
}

// Writes the model with W + scale * B A in place of W, as F32.
inline void write_merged(const std::filesystem::path& path, const Gguf& model,
                         const std::vector<std::pair<RandomAdapter, double>>& adapters) {
  GgufWriter writer(path);
  for (const GgufEntry& entry : model.entries()) writer.add_entry(entry);
  for (const GgufTensor& tensor : model.tensors()) {
    size_t rank = 4;
    while (rank > 1 && tensor.dims[rank - 1] == 1) --rank;
    writer.add_tensor(tensor.name, Format::f32, std::span(tensor.dims, rank));
  }
  for (const GgufTensor& tensor : model.tensors()) {
    const uint64_t width = tensor.dims[0], rows = tensor.dims[1], count = width * rows * tensor.dims[2];
    std::vector<float> values(count);
    format_info(tensor.format).decode(tensor.bytes.data(), values.data(), count);
    std::vector<double> sum(values.begin(), values.end());
    for (const auto& [adapter, scale] : adapters) {
      const auto found = adapter.pairs.find(std::string(tensor.name));
      if (found == adapter.pairs.end()) continue;
      const auto& [a, b] = found->second;
      const double factor = RandomAdapter::factor(found->second, adapter.alpha, scale);
      const uint64_t small = b.width;
      const bool turned = tensor.name == "token_embd.weight";
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t column = i % width, row = i / width % rows, matrix = i / width / rows;
        for (uint64_t r = 0; r < small; ++r)
          sum[i] += factor * (turned ? double{a.values[row * small + r]} * double{b.values[column * small + r]}
                                     : double{a.values[(matrix * small + r) * width + column]} *
                                           double{b.values[(matrix * rows + row) * small + r]});
      }
    }
    std::copy(sum.begin(), sum.end(), values.begin());
    writer.write(std::as_bytes(std::span<const float>(values)));
  }
  writer.finish();
}

}  // namespace hearth
