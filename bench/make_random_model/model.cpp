// The tensors of the presets.
#include "bench/make_random_model/model.h"

#include <cctype>
#include <cmath>
#include <map>
#include <numbers>

#include "bench/make_random_model/random_blocks.h"

namespace hearth {
namespace {

// The format that llama.cpp's quantiser takes instead where a row is not a whole number of blocks.
Format fallback(Format format) {
  switch (format) {
    case Format::q2_k:
    case Format::q3_k:
    case Format::iq4_xs:
      return Format::iq4_nl;
    case Format::q4_k:
      return Format::q5_0;
    case Format::q5_k:
      return Format::q5_1;
    case Format::q6_k:
      return Format::q8_0;
    default:
      return Format::f16;
  }
}

// The frequency divisors of Llama 3.1's RoPE: 1 for short waves, the factor for long ones, and a smooth way between
// (low_freq_factor 1, high_freq_factor 4), as transformers computes them and as GGUF files carry them.
std::vector<float> rope_factors(const Preset& preset) {
  const uint32_t head = preset.width / preset.heads;
  std::vector<float> factors;
  for (uint32_t i = 0; i < head; i += 2) {
    const double wave = 2 * std::numbers::pi * std::pow(preset.rope_base, static_cast<double>(i) / head);
    const double turns = preset.rope_original / wave;
    const double smooth = (turns - 1) / 3;
    if (turns > 4)
      factors.push_back(1.0f);
    else if (turns < 1)
      factors.push_back(preset.rope_factor);
    else
      factors.push_back(static_cast<float>(1 / ((1 - smooth) / preset.rope_factor + smooth)));
  }
  return factors;
}

class Planner {
 public:
  Planner(const Preset& preset, const Storage& storage, uint64_t seed)
      : preset_(preset), storage_(storage), seed_(seed) {}

  PlannedModel plan() {
    const double depth = std::sqrt(2.0 * preset_.layers);
    const uint32_t width = preset_.width, kv = width / preset_.heads * preset_.kv_heads;
    matrix("token_embd.weight", width, preset_.vocabulary, 2.0, storage_.mixed && preset_.tied);
    if (!preset_.tied) matrix("output.weight", width, preset_.vocabulary, 2.0, storage_.mixed);
    random_vector("output_norm.weight", width, 1.0f, 0.05f);
    if (preset_.rope_factor != 0.0f) add_vector("rope_freqs.weight", rope_factors(preset_));
    for (uint32_t layer = 0; layer < preset_.layers; ++layer) {
      const std::string at = "blk." + std::to_string(layer) + ".";
      const bool more = storage_.mixed && has_more_bits(layer, preset_.layers);
      random_vector(at + "attn_norm.weight", width, 1.0f, 0.05f);
      matrix(at + "attn_q.weight", width, width, 1.0, false);
      matrix(at + "attn_k.weight", width, kv, 1.0, false);
      matrix(at + "attn_v.weight", width, kv, 1.0, more);
      if (preset_.qkv_bias) {
        random_vector(at + "attn_q.bias", width, 0.0f, 0.1f);
        random_vector(at + "attn_k.bias", kv, 0.0f, 0.1f);
        random_vector(at + "attn_v.bias", kv, 0.0f, 0.1f);
      }
      matrix(at + "attn_output.weight", width, width, 1.0 / depth, false);
      random_vector(at + "ffn_norm.weight", width, 1.0f, 0.05f);
      matrix(at + "ffn_gate.weight", width, preset_.ffn, 1.0, false);
      matrix(at + "ffn_up.weight", width, preset_.ffn, 1.0, false);
      matrix(at + "ffn_down.weight", preset_.ffn, width, 1.0 / depth, more);
    }
    for (const auto& [note, count] : forced_) {
      model_.notes.push_back(note + " (" + std::to_string(count) + (count == 1 ? " tensor)" : " tensors)"));
    }
    return std::move(model_);
  }

 private:
  void matrix(std::string name, uint32_t row, uint32_t rows, double gain, bool more_bits) {
    const Format wanted = more_bits ? Format::q6_k : storage_.format;
    Format format = wanted;
    while (row % format_info(format).block_size != 0) format = fallback(format);
    if (format != wanted) {
      ++forced_["rows of " + std::to_string(row) + " values are not a whole number of " + format_info(wanted).name +
                " blocks: " + format_info(format).name + " instead"];
    }
    model_.tensors.push_back({std::move(name), format, {row, rows}, gain / std::sqrt(row), {}});
  }

  void random_vector(std::string name, uint32_t size, float mean, float deviation) {
    RandomWords random(seed_ ^ 0x766563746f72, model_.tensors.size() << 32);
    std::vector<float> values(size);
    for (float& value : values) value = mean + deviation * roughly_normal(random.next());
    add_vector(std::move(name), std::move(values));
  }

  void add_vector(std::string name, std::vector<float> values) {
    const uint64_t size = values.size();
    model_.tensors.push_back({std::move(name), Format::f32, {size}, 0.0, std::move(values)});
  }

  const Preset& preset_;
  const Storage& storage_;
  uint64_t seed_;
  PlannedModel model_;
  std::map<std::string, int> forced_;
};

}  // namespace

const std::vector<Storage>& storages() {
  static const std::vector<Storage> all = [] {
    // general.file_type as llama.cpp numbers it; it names a file and decides nothing.
    const std::map<Format, uint32_t> file_types = {
        {Format::f32, 0},     {Format::f16, 1},     {Format::q4_0, 2},  {Format::q4_1, 3},
        {Format::q8_0, 7},    {Format::q5_0, 8},    {Format::q5_1, 9},  {Format::q2_k, 10},
        {Format::q3_k, 11},   {Format::q4_k, 14},   {Format::q5_k, 16}, {Format::q6_k, 18},
        {Format::iq4_nl, 25}, {Format::iq4_xs, 30}, {Format::bf16, 32}, {Format::mxfp4, 38}};
    std::vector<Storage> result;
    for (const FormatInfo& info : formats())
      result.push_back({info.name, info.format, false, file_types.at(info.format)});
    result.push_back({"Q4_K_M", Format::q4_k, true, 15});
    result.push_back({"Q5_K_M", Format::q5_k, true, 17});
    return result;
  }();
  return all;
}

const Storage* find_storage(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const Storage& storage : storages())
    if (storage.name == upper) return &storage;
  return nullptr;
}

bool has_more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

PlannedModel plan_model(const Preset& preset, const Storage& storage, uint64_t seed) {
  return Planner(preset, storage, seed).plan();
}

}  // namespace hearth
