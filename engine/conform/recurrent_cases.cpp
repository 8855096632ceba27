// Ops that keep states along a sequence: convolve and delta_rule.
#include <algorithm>
#include <cmath>

#include "engine/conform/cases.h"
#include "engine/conform/products.h"

namespace hearth::conform {
namespace {

const std::vector<uint32_t> kSequences = {19, 1, 33, 8}, kSequenceSteps = {33, 8, 3, 1};
const char* const kSequencesText = "sequences of 19, 1, 33, 8 by 33, 8, 3, 1";

std::unique_ptr<Trial> state_trial(Builder& builder) {
  auto trial = std::make_unique<Trial>();
  trial->limits = {.rows = 61, .pages = 8, .page_size = 16, .states = 5, .kv_type = KvType::f32};
  trial->text = random_text(kSequences, trial->limits, builder.random());
  trial->chunks = kSequenceSteps;
  trial->own = builder.take();
  return trial;
}

void add_convolve(CaseList& list) {
  for (const uint32_t taps : {2u, 4u, 7u})
    for (const uint32_t width : {1u, 13u, 96u}) {
      const Activation act = taps == 2 ? Activation::none : Activation::silu;
      Case one{"convolve"};
      one.shape = joined({std::to_string(width) + " channels", std::to_string(taps) + " taps",
                          act == Activation::silu ? "silu" : "", kSequencesText});
      one.build = [=](const BuildContext& context) {
        Builder builder(context);
        const Slot in = builder.input(width);
        const WeightId kernel = builder.weight(Format::f32, width, taps, 0.5f);
        const Slot out = taps == 4 ? in : builder.slot(width);
        builder.add(Convolve{in, out, kernel, builder.state((taps - 1) * width), act});
        builder.finish(out);
        const std::vector<float> inputs = decoded(builder.program().weights[0]),
                                 factors = decoded(builder.program().weights[kernel]);
        auto trial = state_trial(builder);
        trial->bounds = [=](const Place& place, Precision, std::span<const float> expected, std::span<double> bound) {
          for (uint32_t c = 0; c < width; ++c) {
            double size = 0;
            for (uint32_t j = 0; j < taps && j <= place.position; ++j) {
              const auto token = static_cast<size_t>(place.tokens[place.position - j]);
              size += std::abs(double{factors[c * taps + taps - 1 - j]} * double{inputs[token * width + c]});
            }
            bound[c] = 1.13 * sum_rounding(taps) * size + kFewRoundings * std::abs(double{expected[c]}) + kVanishing;
          }
        };
        return trial;
      };
      list.add(one, {.basic = taps == 4 && width == 96, .quick = true});
    }
}

struct DeltaShape {
  uint32_t heads, key_heads, keys, values;
  bool cyclic;
};

void add_delta_rule(CaseList& list) {
  for (const DeltaShape& shape :
       {DeltaShape{4, 2, 8, 8, false}, DeltaShape{6, 3, 12, 29, true}, DeltaShape{2, 1, 32, 48, false},
        DeltaShape{2, 2, 128, 128, false}, DeltaShape{1, 1, 1, 1, false}}) {
    Case one{"delta_rule"};
    one.shape = joined({std::to_string(shape.heads) + "/" + std::to_string(shape.key_heads) + " heads of " +
                            std::to_string(shape.keys) + "x" + std::to_string(shape.values),
                        shape.cyclic ? "cyclic" : "", kSequencesText});
    one.build = [=](const BuildContext& context) {
      Builder builder(context);
      const uint32_t before = 2 * shape.key_heads * shape.keys, out_width = shape.heads * shape.values;
      const uint32_t width = before + out_width;
      const Slot in = builder.input(width), decay = builder.input(shape.heads), beta = builder.input(shape.heads);
      std::vector<float> rates(shape.heads);
      for (uint32_t h = 0; h < shape.heads; ++h) rates[h] = -0.1f - 0.3f * static_cast<float>(h);
      DeltaRule op{in,
                   decay,
                   beta,
                   builder.slot(out_width),
                   builder.floats(1, shape.heads, rates),
                   builder.vector(shape.heads, 1),
                   builder.state(shape.heads * shape.keys * shape.values),
                   shape.key_heads,
                   shape.heads,
                   shape.keys,
                   shape.values,
                   1e-6f,
                   shape.cyclic};
      builder.add(op);
      builder.finish(op.out);
      const std::vector<float> inputs = decoded(builder.program().weights[0]);
      auto trial = state_trial(builder);
      trial->bounds = [=](const Place& place, Precision, std::span<const float>, std::span<double> bound) {
        double largest = 0;  // value so far
        for (uint32_t p = 0; p <= place.position; ++p)
          for (uint32_t j = before; j < width; ++j)
            largest = std::max(largest, std::abs(double{inputs[static_cast<size_t>(place.tokens[p]) * width + j]}));
        const double rounding = sum_rounding(shape.keys) + kFewRoundings;
        for (double& one_bound : bound) one_bound = (4.0 + place.position) * rounding * largest + kVanishing;
      };
      return trial;
    };
    list.add(one, {.basic = shape.cyclic, .quick = true, .large = false, .denormal = false});
  }
}

}  // namespace

void add_recurrent_cases(CaseList& list) {
  add_convolve(list);
  add_delta_rule(list);
}

}  // namespace hearth::conform
