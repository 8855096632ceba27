// The list of mixes, and what holds for all of them.
#include "engine/quantize/mix.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

#include "engine/quantize/file_type.h"

namespace hearth {
namespace {

// By rising size. The format is that of most matrices, which the names of some do not tell.
constexpr Mix kMixes[] = {
    {"IQ1_S", Format::iq1_s, kIq1S},
    {"TQ1_0", Format::tq1_0, kTq1},
    {"IQ1_M", Format::iq1_m, kIq1M},
    {"TQ2_0", Format::tq2_0, kTq2},
    {"IQ2_XXS", Format::iq2_xxs, kIq2Xxs},
    {"IQ2_XS", Format::iq2_xs, kIq2Xs},
    {"IQ2_S", Format::iq2_xs, kIq2S},
    {"IQ2_M", Format::iq2_s, kIq2M},
    {"Q2_K", Format::q2_k, kQ2K},
    {"Q2_K_S", Format::q2_k, kQ2KS},
    {"IQ3_XXS", Format::iq3_xxs, kIq3Xxs},
    {"IQ3_XS", Format::iq3_s, kIq3Xs},
    {"Q3_K_S", Format::q3_k, kQ3KS},
    {"IQ3_S", Format::iq3_s, kIq3S},
    {"IQ3_M", Format::iq3_s, kIq3M},
    {"Q3_K_M", Format::q3_k, kQ3KM},
    {"Q3_K_L", Format::q3_k, kQ3KL},
    {"IQ4_XS", Format::iq4_xs, kIq4Xs},
    {"MXFP4_MOE", Format::mxfp4, kMxfp4Moe},
    {"NVFP4", Format::nvfp4, kNvfp4},
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

// What takes a format's place where a row is no whole number of its blocks.
Format fallback(Format format) {
  switch (format) {
    case Format::q2_k:
    case Format::q3_k:
    case Format::iq4_xs:
    case Format::iq1_s:
    case Format::iq1_m:
    case Format::iq2_xxs:
    case Format::iq2_xs:
    case Format::iq2_s:
    case Format::iq3_xxs:
    case Format::iq3_s:
      return Format::iq4_nl;
    case Format::tq1_0:
    case Format::tq2_0:
    case Format::nvfp4:
      return Format::q4_0;
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
  const auto* found = std::find_if(std::begin(kMixes), std::end(kMixes), [&](const Mix& mix) {
    return mix.format == format && mix.name == std::string_view(format_info(format).name);
  });
  if (found != std::end(kMixes)) return *found;
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

bool holds_values(std::string_view tensor) {
  return contains(tensor, "attn_v.weight") || contains(tensor, "attn_qkv.weight") ||
         contains(tensor, "attn_kv_b.weight");
}

bool is_quantized(std::string_view tensor, uint32_t dimensions) {
  return dimensions >= 2 && tensor.ends_with("weight") &&
         std::none_of(std::begin(kKept), std::end(kKept),
                      [&](std::string_view part) { return contains(tensor, part); });
}

bool wants_importance(Format format) {
  switch (format) {
    case Format::iq1_s:
    case Format::iq1_m:
    case Format::iq2_xxs:
    case Format::iq2_xs:
    case Format::iq2_s:
    case Format::iq3_xxs:
      return true;
    default:
      return false;
  }
}

Format fitting_format(Format format, uint64_t row) {
  while (row % format_info(format).block_size != 0) format = fallback(format);
  return format;
}

}  // namespace hearth
