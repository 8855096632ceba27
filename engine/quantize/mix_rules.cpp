// The rules of the mixes. What they say is llama.cpp's, so that a file of a name is what people expect of it.
#include <algorithm>

#include "engine/quantize/file_type.h"
#include "engine/quantize/mix.h"

namespace hearth {
namespace {

bool has_part(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

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
    if (embedding) return token_embedding();
    if (below_three_bits()) return of_fewest_bits();
    if (holds_values(name)) return attention_value();
    if (has_part(name, "attn_k.weight")) return model_.experts == 8 ? Format::q8_0 : attention_query();
    if (has_part(name, "attn_q.weight")) return attention_query();
    if (has_part(name, "attn_output.weight")) return attention_output();
    if (has_part(name, "ffn_down")) return feed_forward_down();
    if (has_part(name, "ffn_gate") || has_part(name, "ffn_up")) return feed_forward_up();
    return base_;
  }

 private:
  Format output() const {
    if (type_ == kMxfp4Moe || base_ == Format::q8_0 || falcon()) return Format::q8_0;
    if (tensor_.row % format_info(base_).block_size != 0) return Format::q8_0;
    return below_three_bits() || type_ == kIq3Xxs ? Format::q5_k : Format::q6_k;
  }

  Format token_embedding() const {
    if (is({kIq1S, kIq1M, kIq2Xxs, kIq2Xs})) return Format::q2_k;
    if (is({kIq2S, kIq2M, kIq3Xxs})) return Format::iq3_s;
    return is({kTq1, kTq2, kNvfp4}) ? Format::q4_k : base_;
  }

  Format of_fewest_bits() const {
    const std::string_view name = tensor_.name;
    const bool larger = is({kIq2S, kIq2M});
    const Format more = larger ? Format::iq3_s : Format::q2_k;
    if (holds_values(name)) return model_.heads_per_kv >= 4 || model_.experts >= 4 ? Format::q4_k : more;
    if (has_part(name, "attn_k.weight")) return model_.experts == 8 ? Format::q4_k : base_;
    if (has_part(name, "ffn_down")) return layer_ < model_.layers / 8 ? more : base_;
    if (!has_part(name, "attn_output.weight")) return base_;
    if (model_.experts == 8) return Format::q5_k;
    if (is({kIq1S, kIq1M})) return Format::iq2_xxs;
    return larger ? Format::iq3_s : base_;
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
      case kIq3Xs:
      case kIq3S:
        return shared ? Format::q4_k : base_;
      case kIq3Xxs:
        return shared ? Format::q4_k : model_.has_importance ? base_ : Format::iq3_s;
      case kIq3M:
        return Format::q4_k;
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

  // Also of keys.
  Format attention_query() const {
    if (type_ == kIq3Xs) return Format::iq3_xxs;
    return type_ == kIq3Xxs ? Format::iq2_s : base_;
  }

  Format attention_output() const {
    if (falcon()) return type_ == kQ3KL ? Format::q4_k : base_;
    if (model_.experts == 8)
      return is({kQ2K, kQ3KS, kQ3KM, kQ4KS, kQ4KM, kIq3Xxs, kIq3Xs, kIq3S, kIq3M, kIq4Nl, kIq4Xs}) ? Format::q5_k
                                                                                                   : base_;
    switch (type_) {
      case kQ2K:
        return Format::q3_k;
      case kIq3Xxs:
        return Format::iq3_s;
      case kQ3KM:
      case kIq3M:
        return Format::q4_k;
      case kQ3KL:
        return Format::q5_k;
      default:
        return base_;
    }
  }

  Format feed_forward_down() const {
    const bool early = layer_ < model_.layers / 8, more = has_more_bits(layer_, model_.layers);
    switch (type_) {
      case kQ2K:
        return Format::q3_k;
      case kQ2KS:
        return early ? Format::q4_k : base_;
      case kIq3Xxs:
        return model_.has_importance ? base_ : early ? Format::q4_k : Format::q3_k;
      case kIq3M:
        return early || (model_.experts == 8 && more) ? Format::q4_k : base_;
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

  // Also of gates.
  Format feed_forward_up() const {
    const bool middle = layer_ >= model_.layers / 8 && layer_ < 7 * model_.layers / 8;
    return type_ == kIq3Xs && middle ? Format::iq3_xxs : base_;
  }

  bool is(std::initializer_list<uint32_t> types) const {
    return std::find(types.begin(), types.end(), type_) != types.end();
  }
  bool below_three_bits() const { return is({kIq1S, kIq1M, kIq2Xxs, kIq2Xs, kIq2S, kIq2M}); }
  bool falcon() const { return model_.architecture == "falcon"; }

  uint32_t type_;
  Format base_;
  const MixModel& model_;
  const MixTensor& tensor_;
  uint32_t layer_;
};

}  // namespace

Format choose_format(const Mix& mix, const MixModel& model, const MixTensor& tensor) {
  return Chooser(mix, model, tensor).choose();
}

}  // namespace hearth
