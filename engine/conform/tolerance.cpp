// The table of tolerances.
#include "engine/conform/tolerance.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace hearth::conform {
namespace {

using enum FormatClass;

constexpr std::string_view kDecoded =
    "A row of the table is decoded exactly, then scaled and added to in 32-bit floats: a few roundings of 2^-24.";
constexpr std::string_view kFloatSums =
    "Products are summed in 32-bit floats. Roundings are independent, so that their sum grows with the root of the "
    "number K of terms: 2^-24 (8 + 2 sqrt K) of the sum of |w| |x|.";
constexpr std::string_view kHalfInputs =
    "Activations are rounded to binary16: each errs by up to 2^-11 of itself, and so does the sum by that part of the "
    "sum of |w| |x|; sums are 32-bit floats.";
constexpr std::string_view kByteInputs =
    "Activations are rounded to 1/127 of the largest of 32 neighbours: each errs by up to 1/254 of it, and the sum by "
    "the sum of |w| times that. Of normal values this is a mean square of 3e-5; some four times as much is allowed. "
    "(Rounded to bfloat16, as weights then are too, both err by up to 2^-9 of themselves, which is less.)";
constexpr std::string_view kTwoProducts =
    "Two products are multiplied, each of which errs as a matrix of the format does: roundings of both add up, and a "
    "few large results outweigh the others.";
constexpr std::string_view kThreeProducts =
    "Two products are multiplied and the result, rounded as activations are, is multiplied by a third matrix: the "
    "roundings of all of them add up.";
constexpr std::string_view kProbabilities =
    "A probability's relative error is the absolute error of scores, which are products of the format. Texts are "
    "chosen in which no rounding changes the choice of experts, so ids must be equal.";
constexpr std::string_view kNorm =
    "Squares are summed in 32-bit floats: relative roundings of 2^-24 (8 + 2 sqrt n), of the values that are "
    "subtracted where a mean is.";
constexpr std::string_view kElementwise =
    "One or two 32-bit operations and a function within 1e-6 of its formula: no sum in which errors could grow.";
constexpr std::string_view kCopy = "Values are copied: every bit counts.";
constexpr std::string_view kChosen =
    "Logits are compared and copied: every bit counts, and of equal ones the lowest token comes first.";
constexpr std::string_view kTurn =
    "Angles are products of 32-bit floats: at position p a pair is turned by up to 2^-24 (8 + p) too far, and two "
    "products are added.";
constexpr std::string_view kTurnHalf =
    "As for f32, and a turned key that lies where rounding to binary16 changes falls to either side: 2^-10 of itself "
    "in the cache.";
constexpr std::string_view kTurnByte =
    "As for f32, and a turned key that lies where rounding to a Q8_0 block changes falls to either side: one step, "
    "1/127 of the largest of 32, in the cache.";
constexpr std::string_view kAttention =
    "Scores err by 2^-24 (8 + 2 sqrt n) of |q| |k| times the scale, and a probability relatively by what its score "
    "errs; values are summed in 32-bit floats.";
constexpr std::string_view kAttentionRounded =
    "The cache is rounded as the reference rounds it, bit for bit, as keys are not turned here; what remains are the "
    "roundings of scores and sums, with queries and probabilities in binary16 at worst, or keys and "
    "values in 8191 steps of their largest, and queries and probabilities of n values in 2^18 / n steps of their mean.";
constexpr std::string_view kRecurrent =
    "Each row adds roundings of a few 2^-24 of the largest value so far to a state that fades.";
constexpr std::string_view kModelFloats =
    "Some thirty ops one after the other in 32-bit floats, each of which adds about 1e-13 and may double what came.";
constexpr std::string_view kModelHalf = "As ops with activations of binary16, some thirty of them.";
constexpr std::string_view kModelBytes =
    "Some ten matrices one after the other, each of which adds 3e-5; norms and activations pass that on, and attention "
    "weighs it.";

constexpr double kSmall = 1e-12;  // 32-bit floats: (2^-24)^2 is 4e-15, times the growth of sums

constexpr Tolerance kTolerances[] = {
    {"embed", floats, Precision::f32, KvType::f32, 1e-13, kDecoded},
    {"embed", blocks, Precision::f32, KvType::f32, 1e-13, kDecoded},
    {"rms_norm", none, Precision::f32, KvType::f32, kSmall, kNorm},
    {"layer_norm", none, Precision::f32, KvType::f32, kSmall, kNorm},
    {"linear", floats, Precision::f32, KvType::f32, kSmall, kFloatSums},
    {"linear", floats, Precision::f16, KvType::f32, 2e-7, kHalfInputs},
    {"linear", blocks, Precision::int8, KvType::f32, 1.2e-4, kByteInputs},
    {"gate_up", floats, Precision::f32, KvType::f32, 4 * kSmall, kTwoProducts},
    {"gate_up", floats, Precision::f16, KvType::f32, 1e-6, kTwoProducts},
    {"gate_up", blocks, Precision::int8, KvType::f32, 1.2e-3, kTwoProducts},
    {"each_head", none, Precision::f32, KvType::f32, 0, kCopy},
    {"each_head", floats, Precision::f32, KvType::f32, kSmall, kFloatSums},
    {"each_head", floats, Precision::f16, KvType::f32, 2e-7, kHalfInputs},
    {"each_head", blocks, Precision::int8, KvType::f32, 1.2e-4, kByteInputs},
    {"rope_kv", none, Precision::f32, KvType::f32, 1e-11, kTurn},
    {"rope_kv", none, Precision::f32, KvType::f16, 1e-8, kTurnHalf},
    {"rope_kv", none, Precision::f32, KvType::q8_0, 1e-6, kTurnByte},
    {"attend", none, Precision::f32, KvType::f32, 4 * kSmall, kAttention},
    {"attend", none, Precision::f32, KvType::f16, 2e-6, kAttentionRounded},
    {"attend", none, Precision::f32, KvType::q8_0, 2e-6, kAttentionRounded},
    {"convolve", none, Precision::f32, KvType::f32, kSmall, kElementwise},
    {"delta_rule", none, Precision::f32, KvType::f32, 1e-10, kRecurrent},
    {"gate", none, Precision::f32, KvType::f32, kSmall, kElementwise},
    {"route", floats, Precision::f32, KvType::f32, 4 * kSmall, kProbabilities},
    {"route", floats, Precision::f16, KvType::f32, 1e-6, kProbabilities},
    {"route", blocks, Precision::int8, KvType::f32, 4e-4, kProbabilities},
    {"experts", floats, Precision::f32, KvType::f32, 1e-11, kThreeProducts},
    {"experts", floats, Precision::f16, KvType::f32, 2e-6, kThreeProducts},
    {"experts", blocks, Precision::int8, KvType::f32, 2e-3, kThreeProducts},
    {"select", none, Precision::f32, KvType::f32, 0, kCopy},
    {"logits", none, Precision::f32, KvType::f32, kSmall, kElementwise},
    {"candidates", none, Precision::f32, KvType::f32, 0, kChosen},
    {"send", none, Precision::f32, KvType::f32, 0, kCopy},
    {"receive", none, Precision::f32, KvType::f32, 0, kCopy},
    {"model", floats, Precision::f32, KvType::f32, 1e-9, kModelFloats},
    {"model", floats, Precision::f16, KvType::f32, 1e-5, kModelHalf},
    {"model", blocks, Precision::int8, KvType::f32, 4e-3, kModelBytes},
};

}  // namespace

FormatClass class_of(Format format) { return format_info(format).block_size == 1 ? floats : blocks; }

std::string_view name_of(Precision precision) {
  return precision == Precision::f32 ? "f32" : precision == Precision::f16 ? "f16" : "int8";
}

Precision precision_of(std::string_view device, FormatClass format, Format exactly) {
  if (format == blocks) return Precision::int8;
  const bool floats_stay = device.starts_with("cpu") || device == "reference";
  return floats_stay || format == none || exactly == Format::f32 ? Precision::f32 : Precision::f16;
}

std::span<const Tolerance> tolerances() { return kTolerances; }

const Tolerance& find_tolerance(std::string_view op, FormatClass format, Precision precision, KvType cache) {
  const auto fits = [&](const Tolerance& row) {
    const bool decoded = row.op == "embed";
    const bool cached = row.op == "rope_kv" || row.op == "attend";
    return row.op == op && row.format == format && (decoded || row.precision == precision) &&
           (!cached || row.cache == cache);
  };
  const auto found = std::find_if(std::begin(kTolerances), std::end(kTolerances), fits);
  if (found == std::end(kTolerances)) throw std::logic_error("no tolerance for " + std::string(op));
  return *found;
}

}  // namespace hearth::conform
