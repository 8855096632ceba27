// Ops on rows without a matrix: embed, norms, gate, select, logits, candidates, send, receive.
#include <cmath>
#include <limits>

#include "engine/conform/cases.h"
#include "engine/conform/products.h"

namespace hearth::conform {
namespace {

// Rows in steps on both sides of every power of two up to 64, where devices choose other kernels.
const std::vector<uint32_t> kRowSteps = {67, 33, 17, 9, 8, 5, 3, 2, 1};
constexpr uint32_t kRows = 67;

using RowBound = std::function<void(int32_t token, std::span<const float> expected, std::span<double> bound)>;

// A trial of one sequence whose rows do not depend on each other.
std::unique_ptr<Trial> row_trial(Builder& builder, const RowBound& bound, uint32_t rows = kRows,
                                 const std::vector<uint32_t>& steps = kRowSteps) {
  auto trial = std::make_unique<Trial>();
  trial->limits = {.rows = rows, .pages = 3, .page_size = 32, .kv_type = KvType::f32};
  trial->text = random_text({rows}, trial->limits, builder.random());
  trial->chunks = steps;
  trial->most_steps = 4;
  trial->own = builder.take();
  trial->bounds = [bound](const Place& place, Precision, std::span<const float> expected, std::span<double> out) {
    bound(place.token(), expected, out);
  };
  return trial;
}

// A few roundings of what is expected, and of `terms` [tokens x width] where those may cancel.
RowBound near_expected(double relative, std::vector<double> terms = {}) {
  return [relative, terms](int32_t token, std::span<const float> expected, std::span<double> bound) {
    for (size_t i = 0; i < bound.size(); ++i) {
      const double term = terms.empty() ? 0 : terms[static_cast<size_t>(token) * bound.size() + i];
      bound[i] = relative * (std::abs(double{expected[i]}) + term) + kVanishing;
    }
  };
}

void add_embed(CaseList& list) {
  for (const FormatInfo& info : formats()) {
    const uint32_t block = info.block_size;
    for (const uint32_t width : {block, block == 1 ? 301 : 3 * block})
      for (const bool more : {false, true}) {
        Case one{"embed", class_of(info.format), info.format};
        one.shape = joined({"26x" + std::to_string(width), more ? "scaled, with positions and bias" : "",
                            steps_text(kRows, kRowSteps)});
        one.build = [=, format = info.format](const BuildContext& context) {
          Builder builder(context);
          Embed op{builder.slot(width), builder.weight(format, kTokens + 2, width, 1)};
          if (more) {
            builder.program().positions = 70;
            op.scale = 1.5f;
            op.positions = builder.weight(Format::f16, 70, width, 1);
            op.bias = builder.vector(width, 1);
          }
          builder.add(op);
          builder.finish(op.out);
          const double room = more ? 8.0 : 0.0;  // what is added may cancel
          return row_trial(builder, [room](int32_t, std::span<const float> expected, std::span<double> bound) {
            for (size_t i = 0; i < bound.size(); ++i)
              bound[i] = std::ldexp(std::abs(double{expected[i]}) + room, -22) + kVanishing;
          });
        };
        list.add(one, {.basic = !more && width != block,
                       .quick = width == block || !more,
                       .poison = false,
                       .large = false,
                       .denormal = false});
      }
  }
}

struct NormShape {
  uint32_t width, run, gain_rows;
  bool add = false, in_place = false;
};

void add_norms(CaseList& list) {
  const NormShape shapes[] = {
      {1, 1, 1},   {13, 13, 1, true},         {64, 64, 1, false, true}, {300, 300, 1},        {96, 32, 3},
      {90, 16, 1}, {256, 64, 1, false, true}, {39, 13, 3, true},        {4099, 4099, 1, true}};
  for (const bool centered : {false, true})
    for (const NormShape& shape : shapes) {
      if (centered && shape.run == 1) continue;  // a value less its mean is zero
      Case one{centered ? "layer_norm" : "rms_norm"};
      one.shape =
          joined({std::to_string(shape.width) + " in runs of " + std::to_string(shape.run),
                  shape.gain_rows > 1 ? "a gain each" : "", shape.in_place ? "in place" : "",
                  shape.add ? (centered ? "with bias" : "added to another") : "", steps_text(kRows, kRowSteps)});
      one.build = [=](const BuildContext& context) {
        Builder builder(context);
        const Slot in = builder.input(shape.width), other = shape.add ? builder.input(shape.width) : kNoSlot;
        const Slot out = shape.in_place ? in : builder.slot(shape.width);
        const WeightId gain = builder.weight(Format::f32, shape.gain_rows, shape.run, 1);
        std::vector<double> terms(static_cast<size_t>(kTokens + 2) * shape.width, 0.0);
        if (shape.add && !centered) {
          const std::vector<float> added = decoded(builder.program().weights[1]);
          for (size_t i = 0; i < terms.size(); ++i) terms[i] = std::abs(double{added[i]});
        }
        if (centered) {
          const WeightId bias = shape.add ? builder.vector(shape.run, 1) : kNoWeight;
          builder.add(LayerNorm{in, out, gain, bias, 1e-5f});
          std::fill(terms.begin(), terms.end(), 4.0);  // of a mean, and of a bias, that may cancel
        } else {
          builder.add(RmsNorm{in, out, gain, 1e-5f, other});
        }
        builder.finish(out);
        return row_trial(builder, near_expected(4 * sum_rounding(shape.run), terms));
      };
      const bool basic = shape.width == 300;
      list.add(one, {.basic = basic, .quick = true, .large = basic, .denormal = basic});
    }
}

void add_gate(CaseList& list) {
  for (const Activation act : {Activation::silu, Activation::sigmoid})
    for (const uint32_t width : {1u, 7u, 64u, 301u}) {
      Case one{"gate"};
      one.shape =
          joined({std::to_string(width), act == Activation::silu ? "silu" : "sigmoid", steps_text(kRows, kRowSteps)});
      one.build = [=](const BuildContext& context) {
        Builder builder(context);
        const Slot in = builder.input(width), gate = builder.input(width, 4), out = builder.slot(width);
        builder.add(Gate{in, gate, out, act});
        builder.finish(out);
        // A sigmoid of nothing may end at 2^-126, which large values multiply.
        const std::vector<double> terms(static_cast<size_t>(kTokens + 2) * width, 1e-18);
        return row_trial(builder, near_expected(2 * kFewRoundings, terms));
      };
      list.add(one, {.basic = width == 301, .quick = true});
    }
}

void add_ends(CaseList& list) {
  for (const uint32_t width : {1u, 33u, 512u}) {
    Case one{"select"};
    one.shape = joined({std::to_string(width), steps_text(kRows, kRowSteps)});
    one.build = [=](const BuildContext& context) {
      Builder builder(context);
      builder.finish(builder.input(width));
      return row_trial(builder, [](int32_t, std::span<const float>, std::span<double> bound) {
        for (double& value : bound) value = 1e-37;  // values below 2^-126 may vanish
      });
    };
    list.add(one, {.basic = width == 33, .quick = true});
    one.op = "logits";
    one.shape = joined({std::to_string(width), "softcap 3", steps_text(kRows, kRowSteps)});
    one.build = [=](const BuildContext& context) {
      Builder builder(context);
      builder.finish(builder.input(width, 3), 3);
      return row_trial(builder, [](int32_t, std::span<const float>, std::span<double> bound) {
        for (double& value : bound) value = 4e-6;  // tanh within a few roundings of the cap
      });
    };
    list.add(one, {.basic = width == 33, .quick = true});
  }
}

// Few values that return again and again, what is no number among them.
std::vector<float> returning_values(uint32_t width, std::mt19937& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float values[] = {NAN, -kInfinity, -0.0f, 0.0f, -3, 2.5f, 2.5f, 1, 0.125f, kInfinity};
  std::vector<float> all(size_t{kTokens} * width);
  for (size_t i = 0; i < all.size(); ++i) all[i] = values[random() % (i / width % 2 == 0 ? 3 : std::size(values))];
  return all;
}

// On both sides of a chunk of kernels/gpu, and a large vocabulary.
void add_candidates(CaseList& list) {
  for (const uint32_t width : {1u, 31u, 32u, 33u, 4095u, 4097u, 151936u})
    for (const uint32_t count : {1u, 40u, kMostCandidates})
      for (const bool ties : {false, true}) {
        if (width > 40000 && (ties || count != 40)) continue;
        const uint32_t rows = width > 1000 ? 5 : kRows;
        const std::vector<uint32_t> steps = width > 1000 ? std::vector<uint32_t>{5, 1} : kRowSteps;
        Case one{"candidates"};
        one.shape = joined({std::to_string(count) + " of " + std::to_string(width), ties ? "many equal" : "",
                            steps_text(rows, steps)});
        one.build = [=](const BuildContext& context) {
          Builder builder(context);
          builder.finish(ties ? builder.fixed_input(width, returning_values(width, builder.random()))
                              : builder.input(width, 3));
          auto trial = row_trial(
              builder,
              [](int32_t, std::span<const float>, std::span<double> bound) {
                for (double& value : bound) value = 1e-37;
              },
              rows, steps);
          trial->candidates = count;
          return trial;
        };
        // Values below 2^-126 may vanish on their way here, and then come in another order.
        list.add(one, {.basic = width == 33 && !ties, .quick = width <= 4097 && count != 1, .denormal = false});
      }
}

// What passes between devices is no other value.
void add_passing(CaseList& list) {
  for (const uint32_t width : {1u, 33u, 512u})
    for (const bool sends : {false, true}) {
      Case one{sends ? "send" : "receive"};
      one.shape = joined({std::to_string(width), steps_text(kRows, kRowSteps)});
      one.build = [=](const BuildContext& context) {
        Builder builder(context);
        if (sends)
          builder.add(Send{builder.input(width)});
        else
          builder.finish(builder.received_input(width));
        return row_trial(builder, [](int32_t, std::span<const float>, std::span<double> bound) {
          for (double& value : bound) value = 1e-37;  // values below 2^-126 may vanish
        });
      };
      list.add(one, {.basic = width == 33, .quick = true});
    }
}

}  // namespace

void add_row_cases(CaseList& list) {
  add_embed(list);
  add_norms(list);
  add_gate(list);
  add_ends(list);
  add_candidates(list);
  add_passing(list);
}

}  // namespace hearth::conform
