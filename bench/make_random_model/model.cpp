// The tensors of the presets.
#include "bench/make_random_model/model.h"

#include <cctype>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>

#include "bench/make_random_model/random_blocks.h"

namespace hearth {
namespace {

// The frequency divisors of Llama 3.1's RoPE: 1 for short waves, the factor for long ones, and a smooth way between
// (low_freq_factor 1, high_freq_factor 4), as transformers computes them and as GGUF files carry them.
std::vector<float> rope_factors(const Preset& preset) {
  const uint32_t head = preset.head();
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
      : preset_(preset), storage_(storage), seed_(seed) {
    shape_ = {.architecture = preset.architecture,
              .layers = preset.layers,
              .heads_per_kv = preset.heads / preset.kv_heads,
              .tied = preset.tied,
              .attention_layers = {}};
    for (uint32_t layer = 0; layer < preset.layers; ++layer)
      if (!preset.is_linear(layer)) shape_.attention_layers.push_back(layer);
  }

  PlannedModel plan() {
    const double depth = std::sqrt(2.0 * preset_.layers);
    const uint32_t width = preset_.width;
    matrix("token_embd.weight", width, preset_.vocabulary, 2.0);
    if (!preset_.tied) matrix("output.weight", width, preset_.vocabulary, 2.0);
    random_vector("output_norm.weight", width, 1.0f, 0.05f);
    if (preset_.rope_factor != 0.0f) add_vector("rope_freqs.weight", rope_factors(preset_));
    for (uint32_t layer = 0; layer < preset_.layers; ++layer) {
      const std::string at = "blk." + std::to_string(layer) + ".";
      random_vector(at + "attn_norm.weight", width, 1.0f, 0.05f);
      if (preset_.is_linear(layer)) {
        linear_attention(at, 1.0 / depth);
      } else {
        attention(at, 1.0 / depth);
      }
      random_vector(at + (preset_.delta_heads != 0 ? "post_attention_norm.weight" : "ffn_norm.weight"), width, 1.0f,
                    0.05f);
      matrix(at + "ffn_gate.weight", width, preset_.ffn, 1.0);
      matrix(at + "ffn_up.weight", width, preset_.ffn, 1.0);
      matrix(at + "ffn_down.weight", preset_.ffn, width, 1.0 / depth);
    }
    for (const auto& [note, count] : forced_) {
      model_.notes.push_back(note + " (" + std::to_string(count) + (count == 1 ? " tensor)" : " tensors)"));
    }
    return std::move(model_);
  }

 private:
  void attention(const std::string& at, double out_gain) {
    const uint32_t width = preset_.width, head = preset_.head(), q = head * preset_.heads, kv = head * preset_.kv_heads;
    const bool gated = preset_.delta_heads != 0;
    matrix(at + "attn_q.weight", width, gated ? 2 * q : q, 1.0);
    matrix(at + "attn_k.weight", width, kv, 1.0);
    matrix(at + "attn_v.weight", width, kv, 1.0);
    if (preset_.qkv_bias) {
      random_vector(at + "attn_q.bias", q, 0.0f, 0.1f);
      random_vector(at + "attn_k.bias", kv, 0.0f, 0.1f);
      random_vector(at + "attn_v.bias", kv, 0.0f, 0.1f);
    }
    if (gated) {
      random_vector(at + "attn_q_norm.weight", head, 1.0f, 0.05f);
      random_vector(at + "attn_k_norm.weight", head, 1.0f, 0.05f);
    }
    matrix(at + "attn_output.weight", q, width, out_gain);
  }

  void linear_attention(const std::string& at, double out_gain) {
    constexpr uint32_t kTaps = 4;
    const uint32_t width = preset_.width, heads = preset_.delta_heads, values = heads * preset_.delta_size;
    matrix(at + "attn_qkv.weight", width, 3 * values, 1.0);
    matrix(at + "attn_gate.weight", width, values, 1.0);
    random_vector(at + "ssm_conv1d.weight", kTaps * 3 * values, 0.0f, 0.5f);
    model_.tensors.back().dims = {kTaps, 3 * values};
    random_vector(at + "ssm_a", heads, -0.5f, 0.1f);
    random_vector(at + "ssm_dt.bias", heads, 0.0f, 1.0f);
    matrix(at + "ssm_alpha.weight", width, heads, 1.0);
    matrix(at + "ssm_beta.weight", width, heads, 1.0);
    random_vector(at + "ssm_norm.weight", preset_.delta_size, 1.0f, 0.05f);
    matrix(at + "ssm_out.weight", values, width, out_gain);
  }

  void matrix(std::string name, uint32_t row, uint32_t rows, double gain) {
    const Format wanted =
        storage_.mix == nullptr ? storage_.format : choose_format(*storage_.mix, shape_, {.name = name, .row = row});
    const Format format = fitting_format(wanted, row);
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
  MixModel shape_;
  PlannedModel model_;
  std::map<std::string, int> forced_;
};

// general.file_type, which for the coded formats no mix of ours says.
uint32_t file_type_of(Format format) {
  constexpr std::pair<Format, uint32_t> kOfCoded[] = {
      {Format::iq2_xxs, 19}, {Format::iq2_xs, 20}, {Format::iq3_xxs, 23}, {Format::iq1_s, 24}, {Format::iq3_s, 26},
      {Format::iq2_s, 28},   {Format::iq1_m, 31},  {Format::tq1_0, 36},   {Format::tq2_0, 37}};
  for (const auto& [coded, file_type] : kOfCoded)
    if (coded == format) return file_type;
  return plain_mix(format).file_type;
}

}  // namespace

const std::vector<Storage>& storages() {
  static const std::vector<Storage> all = [] {
    std::vector<Storage> result;
    for (const FormatInfo& info : formats()) {
      if (info.format == Format::nvfp4) continue;  // its own scales end at 2^-10, above those of small weights
      result.push_back({info.name, info.format, nullptr, file_type_of(info.format)});
    }
    for (const char* name : {"Q4_K_M", "Q5_K_M"}) {
      const Mix* mix = find_mix(name);
      result.push_back({name, mix->format, mix, mix->file_type});
    }
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

PlannedModel plan_model(const Preset& preset, const Storage& storage, uint64_t seed) {
  return Planner(preset, storage, seed).plan();
}

}  // namespace hearth
