// The rules of the mixes. What they say is llama.cpp's, so that a file of a name is what people expect of it.
#include "engine/quantize/mix.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace hearth {
namespace {

// The numbers are those of general.file_type.
enum FileType : uint32_t {
  kQ4_0 = 2,
  kQ5_0 = 8,
  kQ2K = 10,
  kQ3KS = 11,
  kQ3KM = 12,
  kQ3KL = 13,
  kQ4KS = 14,
  kQ4KM = 15,
  kQ5KM = 17,
  kQ2KS = 21,
  kIq4Nl = 25,
  kIq4Xs = 30,
  kMxfp4Moe = 38,
};

// By rising size; the first of a format is the one that mixes least.
constexpr Mix kMixes[] = {
    {"Q2_K", Format::q2_k, kQ2K},
    {"Q2_K_S", Format::q2_k, kQ2KS},
    {"Q3_K_S", Format::q3_k, kQ3KS},
    {"Q3_K_M", Format::q3_k, kQ3KM},
    {"Q3_K_L", Format::q3_k, kQ3KL},
    {"IQ4_XS", Format::iq4_xs, kIq4Xs},
    {"MXFP4_MOE", Format::mxfp4, kMxfp4Moe},
    {"Q4_0", Format::q4_0, kQ4_0},
    {"IQ4_NL", Format::iq4_nl, kIq4Nl},
    {"Q4_K_S", Format::q4_k, kQ4KS},
    {"Q4_K_M", Format::q4_k, kQ4KM},
    {"Q4_1", Format::q4_1, 3},
    {"Q5_0", Format::q5_0, kQ5_0},
    {"Q5_K_S", Format::q5_k, 16},
    {"Q5_K_M", Format::q5_k, kQ5KM},
    {"Q5_1", Format::q5_1, 9},
    {"Q6_K", Format::q6_k, 18},
    {"Q8_0", Format::q8_0, 7},
    {"F16", Format::f16, 1},
    {"BF16", Format::bf16, 32},
    {"F32", Format::f32, 0},
};

// Parts of names of matrices that stay as they are: small, and much depends on them.
constexpr std::string_view kKept[] = {
    "_norm.weight",         "ffn_gate_inp.weight", "ffn_gate_inp_shexp.weight", "altup",     "laurel",
    "per_layer_model_proj", "ssm_conv1d",          "shortconv.conv.weight",     "time_mix_", "attn_rel_b.weight",
    "position_embd",        "token_types.weight",
};

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool is_one_of(uint32_t value, std::initializer_list<uint32_t> values) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// The layers in which the M mixes spend more bits: the first and the last eighth, and every third between.
bool has_more_bits(uint32_t layer, uint32_t layers) {
  const uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

class Chooser {
 public:
  Chooser(const Mix& mix, const MixModel& model, const MixTensor& tensor)
      : type_(mix.file_type), base_(mix.format), model_(model), tensor_(tensor), layer_(layer_of(tensor.name)) {}

  Format choose() const {
    const std::string_view name = tensor_.name;
    if (format_info(base_).block_size == 1) return base_;
    const bool embedding = name == "token_embd.weight" || name == "per_layer_token_embd.weight";
    if (name == "output.weight" || (model_.tied && embedding)) return output();
    if (type_ == kMxfp4Moe) return tensor_.stacked ? Format::mxfp4 : Format::q8_0;
    if (embedding) return base_;
    if (contains(name, "attn_v.weight")) return attention_value();
    if (contains(name, "attn_k.weight")) return model_.experts == 8 ? Format::q8_0 : base_;
    if (contains(name, "attn_qkv.weight")) return fused_attention();
    if (contains(name, "attn_output.weight")) return attention_output();
    if (contains(name, "ffn_down")) return feed_forward_down();
    return base_;
  }

 private:
  Format output() const {
    if (type_ == kMxfp4Moe || base_ == Format::q8_0 || falcon()) return Format::q8_0;
    return tensor_.row % format_info(base_).block_size != 0 ? Format::q8_0 : Format::q6_k;
  }

  Format attention_value() const {
    if (model_.experts == 8) return Format::q8_0;
    const Format format = attention_value_of_dense();
    // The largest dense models have so few keys and values that a bit more of them costs nothing.
    const bool large = model_.layers == 80 && (model_.architecture == "llama" || model_.architecture == "qwen2");
    return large && (format == Format::q3_k || format == Format::q4_k) ? Format::q5_k : format;
  }

  Format attention_value_of_dense() const {
    const auto& layers = model_.attention_layers;
    const auto place = std::lower_bound(layers.begin(), layers.end(), layer_);
    const auto rank = static_cast<uint32_t>(place - layers.begin()), count = static_cast<uint32_t>(layers.size());
    const bool shared = model_.heads_per_kv >= 4;
    switch (type_) {
      case kQ2K:
        return shared ? Format::q4_k : Format::q3_k;
      case kQ2KS:
        return shared ? Format::q4_k : base_;
      case kQ3KM:
        return rank < 2 ? Format::q5_k : Format::q4_k;
      case kQ3KL:
        return Format::q5_k;
      case kIq4Nl:
      case kIq4Xs:
        return shared ? Format::q5_k : base_;
      case kQ4KM:
      case kQ5KM:
        return has_more_bits(rank, count) ? Format::q6_k : base_;
      case kQ4KS:
        return rank < 4 ? Format::q5_k : base_;
      default:
        return base_;
    }
  }

  Format fused_attention() const {
    if (is_one_of(type_, {kQ3KM, kQ3KL})) return Format::q4_k;
    if (type_ == kQ4KM) return Format::q5_k;
    return type_ == kQ5KM ? Format::q6_k : base_;
  }

  Format attention_output() const {
    if (falcon()) return type_ == kQ3KL ? Format::q4_k : base_;
    if (model_.experts == 8)
      return is_one_of(type_, {kQ2K, kQ3KS, kQ3KM, kQ4KS, kQ4KM, kIq4Nl, kIq4Xs}) ? Format::q5_k : base_;
    if (type_ == kQ2K) return Format::q3_k;
    if (type_ == kQ3KM) return Format::q4_k;
    return type_ == kQ3KL ? Format::q5_k : base_;
  }

  Format feed_forward_down() const {
    const bool early = layer_ < model_.layers / 8, more = has_more_bits(layer_, model_.layers);
    switch (type_) {
      case kQ2K:
        return Format::q3_k;
      case kQ2KS:
        return early ? Format::q4_k : base_;
      case kQ3KM:
        if (layer_ < model_.layers / 16) return Format::q5_k;
        return !falcon() || more ? Format::q4_k : Format::q3_k;
      case kQ3KL:
        return falcon() ? Format::q4_k : Format::q5_k;
      case kQ4KM:
        if (!falcon()) return more ? Format::q6_k : base_;
        return layer_ < model_.layers / 16 ? Format::q6_k : more ? Format::q5_k : base_;
      case kQ5KM:
        return more ? Format::q6_k : base_;
      case kQ4KS:
        return early && !falcon() ? Format::q5_k : base_;
      case kIq4Nl:
      case kIq4Xs:
        return early && !model_.has_importance ? Format::q5_k : base_;
      case kQ4_0:
        return early && model_.has_importance ? Format::q4_1 : base_;
      case kQ5_0:
        return early && model_.has_importance ? Format::q5_1 : base_;
      default:
        return base_;
    }
  }

  bool falcon() const { return model_.architecture == "falcon"; }

  uint32_t type_;
  Format base_;
  const MixModel& model_;
  const MixTensor& tensor_;
  uint32_t layer_;
};

// What takes a format's place where a row is no whole number of its blocks.
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

}  // namespace

std::span<const Mix> mixes() { return kMixes; }

const Mix* find_mix(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "Q3_K" || upper == "Q4_K" || upper == "Q5_K") upper += "_M";
  const auto* found =
      std::find_if(std::begin(kMixes), std::end(kMixes), [&](const Mix& mix) { return mix.name == upper; });
  return found == std::end(kMixes) ? nullptr : found;
}

const Mix& plain_mix(Format format) {
  return *std::find_if(std::begin(kMixes), std::end(kMixes), [&](const Mix& mix) { return mix.format == format; });
}

uint32_t layer_of(std::string_view tensor) {
  constexpr std::string_view kBlock = "blk.";
  if (!tensor.starts_with(kBlock)) return UINT32_MAX;
  uint32_t layer = 0;
  const char* end = tensor.data() + tensor.size();
  const auto [stop, error] = std::from_chars(tensor.data() + kBlock.size(), end, layer);
  return error == std::errc() && stop != end && *stop == '.' ? layer : UINT32_MAX;
}

bool is_quantized(std::string_view tensor, uint32_t dimensions) {
  return dimensions >= 2 && tensor.ends_with("weight") &&
         std::none_of(std::begin(kKept), std::end(kKept),
                      [&](std::string_view part) { return contains(tensor, part); });
}

Format choose_format(const Mix& mix, const MixModel& model, const MixTensor& tensor) {
  return Chooser(mix, model, tensor).choose();
}

Format fitting_format(Format format, uint64_t row) {
  while (row % format_info(format).block_size != 0) format = fallback(format);
  return format;
}

}  // namespace hearth
