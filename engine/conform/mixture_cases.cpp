// Mixtures of experts: route and experts, in every format.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "backends/devices.h"
#include "engine/conform/cases.h"
#include "engine/conform/products.h"

namespace hearth::conform {
namespace {

const std::vector<uint32_t> kMixtureSteps = {41, 17, 9, 4, 1};

std::span<const float> row_of(const std::vector<float>& table, size_t width, int32_t token) {
  return std::span(table).subspan(static_cast<size_t>(token) * width, width);
}

// The tokens for which no rounding of inputs changes which experts the route chooses, nor their order. The program's
// first weight is its table of inputs.
std::vector<int32_t> settled_tokens(const OwnedProgram& own, uint32_t used, FormatClass format, std::mt19937& random) {
  const Limits limits{.rows = 1, .pages = 1, .page_size = 1};
  const auto reference = make_device({.name = "reference"});
  const Weight table = own.program.weights[0];
  const std::vector<float> exact = decoded(table);
  std::vector<int32_t> settled;
  std::vector<float> moved = exact;
  Program program = own.program;
  program.weights[0].bytes = std::as_bytes(std::span(moved));
  const auto plan = reference->compile(program, limits);
  const float step = format == FormatClass::blocks ? 1 / 60.0f : 1 / 1000.0f;
  for (int32_t token = 0; token < kTokens; ++token) {
    std::vector<float> first;
    bool same = true;
    for (int turn = 0; turn < 12 && same; ++turn) {
      const Text text{{{token}}, {{0}}};
      const std::vector<float> found = run_text(*plan, program, limits, text, 1)[0];
      if (turn == 0) first.assign(found.begin(), found.begin() + used);
      same = std::equal(first.begin(), first.end(), found.begin());
      const auto row = std::span(moved).subspan(static_cast<size_t>(token) * table.width, table.width);
      const auto from = row_of(exact, table.width, token);
      for (size_t begin = 0; begin < row.size(); begin += 32) {
        float largest = 0;
        for (size_t i = begin; i < std::min(begin + 32, row.size()); ++i)
          largest = std::max(largest, std::abs(from[i]));
        for (size_t i = begin; i < std::min(begin + 32, row.size()); ++i)
          row[i] = from[i] + largest * step * (random() % 2 == 0 ? 1.0f : -1.0f);
      }
    }
    if (same) settled.push_back(token);
  }
  return settled;
}

struct RouteShape {
  uint32_t experts, used;
  bool bias = false, selection = false;
  Gating gating = Gating::softmax;
  bool normalised = true;
  float scale = 1;
  uint16_t groups = 1, groups_used = 1;
  const char* name = "";
};
constexpr RouteShape kRoutes[] = {
    {8, 2},
    {5, 5, true},
    {8, 3, true, true, Gating::sigmoid, true, 1.7f, 1, 1, "sigmoid, biases, scaled"},
    {12, 3, false, true, Gating::sigmoid, true, 1, 4, 2, "sigmoid, 2 of 4 groups"},
    {12, 2, false, false, Gating::softmax, false, 1, 6, 1, "1 of 6 groups, not normalised"},
    {1, 1},
    {33, 4, true, false, Gating::softmax, false, 1, 1, 1, "not normalised"},
};

std::unique_ptr<Trial> build_route(const BuildContext& context, Format format, const RouteShape& shape,
                                   uint32_t width) {
  Builder builder(context);
  Route op{builder.input(width, 2), builder.slot(2 * shape.used), builder.matrix(format, shape.experts, width),
           static_cast<uint16_t>(shape.used)};
  if (shape.bias) op.bias = builder.vector(shape.experts, 0.5f);
  if (shape.selection) op.selection_bias = builder.vector(shape.experts, 0.3f);
  op.gating = shape.gating;
  op.normalised = shape.normalised;
  op.scale = shape.scale;
  op.groups = shape.groups;
  op.groups_used = shape.groups_used;
  builder.add(op);
  builder.finish(op.out);
  const std::vector<float> inputs = decoded(builder.program().weights[0]);
  const std::vector<float> router = decoded(builder.program().weights[op.router]);
  auto trial = std::make_unique<Trial>();
  trial->own = builder.take();
  trial->limits = {.rows = 41, .pages = 2, .page_size = 32, .kv_type = KvType::f32};
  const auto tokens = settled_tokens(trial->own, shape.used, class_of(format), builder.random());
  trial->text = random_text({tokens.empty() ? 0u : 41u}, trial->limits, builder.random(), tokens);
  trial->chunks = kMixtureSteps;
  trial->most_steps = 4;
  trial->bounds = [=, used = shape.used](const Place& place, Precision precision, std::span<const float> expected,
                                         std::span<double> bound) {
    const Computed scores = product(router, exactly(row_of(inputs, width, place.token())), precision);
    const double error = *std::max_element(scores.error.begin(), scores.error.end());
    const double relative = std::expm1(std::min(4 * error, 50.0)) + 4 * kFewRoundings;
    for (uint32_t i = 0; i < used; ++i) {
      bound[i] = 0.25;  // ids are whole numbers
      bound[used + i] = relative * std::abs(double{expected[used + i]}) + 1e-30;
    }
  };
  return trial;
}

void add_route(CaseList& list) {
  size_t turn = 0;
  for (const FormatInfo& info : formats()) {
    const bool all = info.format == Format::f32 || info.format == Format::q8_0;
    for (size_t i = 0; i < std::size(kRoutes); ++i) {
      if (!all && i != 0 && i != 1 + turn % (std::size(kRoutes) - 1)) continue;
      const RouteShape shape = kRoutes[i];
      const uint32_t width = info.block_size == 1 ? 45 : std::max(64u, info.block_size);
      Case one{"route", class_of(info.format), info.format};
      one.shape = joined({std::to_string(shape.used) + " of " + std::to_string(shape.experts) + " experts from " +
                              std::to_string(width),
                          shape.name, steps_text(41, kMixtureSteps)});
      one.build = [=, format = info.format](const BuildContext& context) {
        return build_route(context, format, shape, width);
      };
      // What is no number has no order, and scores far apart leave probabilities of nothing.
      list.add(one, {.basic = i == 0, .quick = i == 0 || all, .poison = false, .large = false, .denormal = false});
    }
    ++turn;
  }
}

struct ExpertShape {
  uint32_t count, used, width_blocks, hidden_blocks, out;
  Activation act;
  bool bias = false, add = false, scaled = false;
  const char* name;
};
constexpr ExpertShape kExperts[] = {
    {8, 2, 1, 1, 33, Activation::silu, false, true, false, "silu, added"},
    {5, 5, 2, 1, 7, Activation::clamped, true, false, false, "clamped, biases"},
    {3, 1, 1, 2, 1, Activation::gelu, true, true, true, "gelu, biases, added, a scale for each expert"},
};

std::unique_ptr<Trial> build_experts(const BuildContext& context, Format format, const ExpertShape& shape,
                                     uint32_t width, uint32_t hidden) {
  Builder builder(context);
  const Slot in = builder.input(width);
  std::vector<float> routes;  // [tokens x 2 * used]
  for (int32_t token = 0; token < kTokens; ++token) {
    std::vector<uint32_t> ids(shape.count);
    std::iota(ids.begin(), ids.end(), 0u);
    for (size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[builder.random()() % i]);
    for (uint32_t i = 0; i < shape.used; ++i) routes.push_back(static_cast<float>(ids[i]));
    for (uint32_t i = 0; i < shape.used; ++i) routes.push_back(0.25f + static_cast<float>(builder.random()() % 8) / 8);
  }
  const Slot route = builder.fixed_input(2 * shape.used, routes);
  const Slot add = shape.add ? builder.input(shape.out) : kNoSlot;
  Experts op{in,
             route,
             builder.slot(shape.out),
             add,
             builder.matrix(format, uint64_t{shape.count} * hidden, width),
             builder.matrix(format, uint64_t{shape.count} * hidden, width),
             builder.matrix(format, uint64_t{shape.count} * shape.out, hidden),
             static_cast<uint16_t>(shape.count),
             static_cast<uint16_t>(shape.used),
             shape.act};
  for (const WeightId id : {op.gate, op.up, op.down})
    for (uint32_t e = 0; e < shape.count && shape.scaled; ++e)
      builder.program().weights[id].scales.push_back(0.5f + 0.4f * static_cast<float>(e));
  if (shape.bias) {
    op.gate_bias = builder.weight(Format::f32, shape.count, hidden, 0.3f);
    op.up_bias = builder.weight(Format::f32, shape.count, hidden, 0.3f);
    op.down_bias = builder.weight(Format::f32, shape.count, shape.out, 0.3f);
  }
  builder.add(op);
  builder.finish(op.out);
  const auto values = [&](WeightId id) {
    return id == kNoWeight ? std::vector<float>() : decoded(builder.program().weights[id]);
  };
  const std::vector<float> inputs = values(0), gate = values(op.gate), up = values(op.up), down = values(op.down);
  const std::vector<float> gate_bias = values(op.gate_bias), up_bias = values(op.up_bias),
                           down_bias = values(op.down_bias);
  auto trial = std::make_unique<Trial>();
  trial->own = builder.take();
  trial->limits = {.rows = 41, .pages = 2, .page_size = 32, .kv_type = KvType::f32};
  trial->text = random_text({41}, trial->limits, builder.random());
  trial->chunks = kMixtureSteps;
  trial->most_steps = 4;
  const auto known = std::make_shared<std::map<std::pair<int32_t, Precision>, std::vector<double>>>();
  trial->bounds = [=](const Place& place, Precision precision, std::span<const float> expected,
                      std::span<double> bound) {
    std::vector<double>& errors = (*known)[{place.token(), precision}];
    if (errors.empty()) {
      errors.assign(shape.out, 0.0);
      const Computed x = exactly(row_of(inputs, width, place.token()));
      const auto choice = row_of(routes, 2 * shape.used, place.token());
      const auto part = [](const std::vector<float>& all, size_t index, size_t size) {
        return all.empty() ? std::span<const float>() : std::span(all).subspan(index * size, size);
      };
      for (uint32_t e = 0; e < shape.used; ++e) {
        const auto id = static_cast<size_t>(choice[e]);
        Computed first = product(part(gate, id, size_t{hidden} * width), x, precision);
        Computed second = product(part(up, id, size_t{hidden} * width), x, precision);
        add_vector(first, part(gate_bias, id, hidden));
        add_vector(second, part(up_bias, id, hidden));
        Computed out = product(part(down, id, size_t{shape.out} * hidden), gated(shape.act, first, second), precision);
        add_vector(out, part(down_bias, id, shape.out));
        for (uint32_t j = 0; j < shape.out; ++j)
          errors[j] += double{choice[shape.used + e]} * (out.error[j] + kFewRoundings * std::abs(out.value[j]));
      }
    }
    for (uint32_t j = 0; j < shape.out; ++j)
      bound[j] = errors[j] + kFewRoundings * (std::abs(double{expected[j]}) + (shape.add ? 8.0 : 0.0));
  };
  return trial;
}

void add_experts(CaseList& list) {
  size_t turn = 0;
  for (const FormatInfo& info : formats()) {
    const bool all = info.format == Format::f32 || info.format == Format::q4_k || info.format == Format::mxfp4;
    for (size_t i = 0; i < std::size(kExperts); ++i) {
      if (!all && i != 0 && i != 1 + turn % (std::size(kExperts) - 1)) continue;
      const ExpertShape shape = kExperts[i];
      const uint32_t unit = info.block_size == 1 ? 37 : std::max(64u, info.block_size);
      const uint32_t width = shape.width_blocks * unit, hidden = shape.hidden_blocks * unit;
      Case one{"experts", class_of(info.format), info.format};
      one.shape =
          joined({std::to_string(shape.used) + " of " + std::to_string(shape.count) + " of " + std::to_string(width) +
                      " to " + std::to_string(hidden) + " to " + std::to_string(shape.out),
                  shape.name, steps_text(41, kMixtureSteps)});
      one.build = [=, format = info.format](const BuildContext& context) {
        return build_experts(context, format, shape, width, hidden);
      };
      list.add(one, {.basic = i == 0, .quick = i == 0 || all});
    }
    ++turn;
  }
}

}  // namespace

void add_mixture_cases(CaseList& list) {
  add_route(list);
  add_experts(list);
}

}  // namespace hearth::conform
