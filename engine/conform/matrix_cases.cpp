// Products of a matrix: linear, gate_up and each_head, in every format.
#include <cmath>
#include <map>
#include <optional>

#include "engine/conform/cases.h"
#include "engine/conform/products.h"

namespace hearth::conform {
namespace {

const std::vector<uint32_t> kManySteps = {67, 33, 17, 9, 8, 5, 3, 2, 1}, kFewSteps = {11, 8, 1};

// The result of one token, as a device computes it.
using RowResult = std::function<Computed(int32_t token, Precision precision)>;

// A trial of independent rows; what a row may err by is computed once for each token.
std::unique_ptr<Trial> product_trial(Builder& builder, const std::vector<uint32_t>& chunks, const RowResult& result) {
  auto trial = std::make_unique<Trial>();
  const uint32_t rows = chunks.front();
  trial->limits = {.rows = rows, .pages = 3, .page_size = 32, .kv_type = KvType::f32};
  trial->text = random_text({rows}, trial->limits, builder.random());
  trial->chunks = chunks;
  trial->most_steps = 4;
  trial->own = builder.take();
  const auto known = std::make_shared<std::map<std::pair<int32_t, Precision>, std::vector<double>>>();
  trial->bounds = [=](const Place& place, Precision precision, std::span<const float>, std::span<double> bound) {
    std::vector<double>& errors = (*known)[{place.token(), precision}];
    if (errors.empty()) errors = result(place.token(), precision).error;
    std::copy(errors.begin(), errors.end(), bound.begin());
  };
  return trial;
}

struct MatrixShape {
  uint32_t rows, width;
  bool long_rows = false;
};

// One row and one block; odd sizes; many rows; rows that are long and end within a tile.
std::vector<MatrixShape> shapes_of(uint32_t block) {
  if (block == 1) return {{1, 1}, {5, 45}, {33, 77}, {130, 40}, {7, 4099, true}};
  const uint32_t some = block == 256 ? 1 : 256 / block;
  return {{1, block}, {5, 3 * block}, {33, (some + 1) * block}, {130, block}, {7, (16 * some + 1) * block, true}};
}

std::string size_text(uint32_t rows, uint32_t width) { return std::to_string(rows) + "x" + std::to_string(width); }

struct Variant {
  const char* name;
  Activation act = Activation::none;
  bool bias = false, add = false, in_place = false, times = false, adapter = false;
  float scale = 1, weight_scale = 1;
};
constexpr Variant kVariants[] = {
    {""},
    {"bias", Activation::none, true},
    {"added to its place", Activation::none, false, true, true},
    {"silu", Activation::silu, true},
    {"gelu, scaled", Activation::gelu, true, false, false, false, false, 0.7f},
    {"added to another, scaled", Activation::none, false, true, false, false, false, 1.3f},
    {"sigmoid, times a slot, added", Activation::sigmoid, false, true, false, true},
    {"two adapters", Activation::none, true, false, false, false, true},
    {"weights scaled, bias", Activation::none, true, false, false, false, false, 1, 0.37f},
};

std::unique_ptr<Trial> build_linear(const BuildContext& context, Format format, const MatrixShape& shape,
                                    const Variant& variant) {
  Builder builder(context);
  Linear op{builder.input(shape.width), kNoSlot, builder.matrix(format, shape.rows, shape.width)};
  if (variant.weight_scale != 1) builder.program().weights[op.weight].scales = {variant.weight_scale};
  const auto table_of = [&](Slot slot) {
    for (const Op& one : builder.program().ops)
      if (const auto* embed = std::get_if<Embed>(&one); embed != nullptr && embed->out == slot)
        return decoded(builder.program().weights[embed->table]);
    return std::vector<float>();
  };
  const std::vector<float> inputs = table_of(op.in);
  const std::vector<float> matrix = decoded(builder.program().weights[op.weight]);
  std::vector<float> bias, added, factors;
  if (variant.bias) {
    op.bias = builder.vector(shape.rows, 0.5f);
    bias = decoded(builder.program().weights[op.bias]);
  }
  if (variant.add) {
    op.add = builder.input(shape.rows);
    added = table_of(op.add);
  }
  if (variant.times) {
    op.times = builder.input(1);
    factors = table_of(op.times);
  }
  op.out = variant.in_place ? op.add : builder.slot(shape.rows);
  op.act = variant.act;
  op.scale = variant.scale;
  std::vector<float> changed = matrix;
  if (variant.adapter) {
    Program& program = builder.program();
    program.adapters = 2;
    program.changes.resize(op.weight + 1);
    for (uint16_t a = 0; a < 2; ++a)
      program.changes[op.weight].push_back({a, builder.loose(Format::f16, 3u + 5u * a, shape.width, kMatrixSize),
                                            builder.loose(Format::f32, shape.rows, 3u + 5u * a, kMatrixSize), 1.5f});
  }
  const std::vector<Change> changes = variant.adapter ? builder.program().changes[op.weight] : std::vector<Change>();
  builder.add(op);
  builder.finish(op.out);
  const auto row = [=](const std::vector<float>& table, uint32_t width, int32_t token) {
    return std::span(table).subspan(static_cast<size_t>(token) * width, width);
  };
  auto trial =
      product_trial(builder, shape.long_rows ? kFewSteps : kManySteps, [=](int32_t token, Precision precision) {
        const Computed in = exactly(row(inputs, shape.width, token));
        Computed out = product(matrix, in, precision);
        for (const Change& change : changes) {
          const Computed more =
              product(decoded(change.up), product(decoded(change.down), in, Precision::f16), Precision::f16);
          for (size_t i = 0; i < out.value.size(); ++i) {
            out.value[i] += 0.6 * more.value[i];
            out.error[i] += 0.6 * more.error[i];
          }
        }
        add_vector(out, bias);
        out = activated(variant.act, out);
        const double factor =
            double{variant.scale} * (factors.empty() ? 1 : double{factors[static_cast<size_t>(token)]});
        for (size_t i = 0; i < out.value.size(); ++i) {
          out.error[i] = std::abs(factor) * (out.error[i] + 1e-7 * std::abs(out.value[i]));
          if (!added.empty()) out.error[i] += kFewRoundings * std::abs(double{row(added, shape.rows, token)[i]});
        }
        return out;
      });
  if (variant.adapter) trial->text.scales = {{0.4f, -0.4f}};  // 0.4 * 1.5 = 0.6
  return trial;
}

void add_linear(CaseList& list) {
  size_t turn = 0;
  for (const FormatInfo& info : formats()) {
    const std::vector<MatrixShape> shapes = shapes_of(info.block_size);
    const bool all = info.format == Format::f32 || info.format == Format::q4_0 || info.format == Format::q6_k;
    for (size_t i = 0; i < shapes.size(); ++i)
      for (size_t v = 0; v < std::size(kVariants); ++v) {
        const Variant& variant = kVariants[v];
        const MatrixShape shape = shapes[i];
        const bool turned = i == 0 ? v == 0 : v == (turn + i) % std::size(kVariants);
        const bool plain = v == 0 && (i == 1 || i == 4);
        if (!(turned || plain || (all && i == 2))) continue;
        const std::vector<uint32_t>& chunks = shape.long_rows ? kFewSteps : kManySteps;
        Case one{"linear", class_of(info.format), info.format};
        one.shape = joined({size_text(shape.rows, shape.width), variant.name, steps_text(chunks.front(), chunks)});
        one.build = [format = info.format, shape, variant](const BuildContext& context) {
          return build_linear(context, format, shape, variant);
        };
        list.add(one, {.basic = plain && i == 1, .quick = v == 0 || (all && i == 2)});
      }
    ++turn;
  }
}

void add_gate_up(CaseList& list) {
  constexpr Activation kActs[] = {Activation::silu, Activation::gelu, Activation::clamped};
  constexpr const char* kNames[] = {"silu", "gelu", "clamped"};
  size_t turn = 0;
  for (const FormatInfo& info : formats()) {
    const std::vector<MatrixShape> shapes = shapes_of(info.block_size);
    for (size_t i = 0; i < shapes.size(); ++i) {
      const size_t act = i == 1 ? 0 : turn++ % 3;
      const MatrixShape shape = shapes[i];
      const bool bias = i % 2 == 0;
      const std::vector<uint32_t>& chunks = shape.long_rows ? kFewSteps : kManySteps;
      Case one{"gate_up", class_of(info.format), info.format};
      one.shape = joined(
          {size_text(shape.rows, shape.width), kNames[act], bias ? "biases" : "", steps_text(chunks.front(), chunks)});
      one.build = [=, format = info.format](const BuildContext& context) {
        Builder builder(context);
        GateUp op{builder.input(shape.width), builder.slot(shape.rows), builder.matrix(format, shape.rows, shape.width),
                  builder.matrix(format, shape.rows, shape.width), kActs[act]};
        if (bias) {
          op.gate_bias = builder.vector(shape.rows, 0.5f);
          op.up_bias = builder.vector(shape.rows, 0.5f);
        }
        builder.add(op);
        builder.finish(op.out);
        const auto values = [&](WeightId id) {
          return id == kNoWeight ? std::vector<float>() : decoded(builder.program().weights[id]);
        };
        const std::vector<float> inputs = values(0), gate = values(op.gate), up = values(op.up);
        const std::vector<float> gate_bias = values(op.gate_bias), up_bias = values(op.up_bias);
        return product_trial(builder, chunks, [=](int32_t token, Precision precision) {
          const Computed in = exactly(std::span(inputs).subspan(static_cast<size_t>(token) * shape.width, shape.width));
          Computed first = product(gate, in, precision), second = product(up, in, precision);
          add_vector(first, gate_bias);
          add_vector(second, up_bias);
          return gated(kActs[act], first, second);
        });
      };
      list.add(one, {.basic = i == 1, .quick = i == 1 || i == 4});
    }
  }
}

struct HeadShape {
  uint32_t heads, in_blocks, out_count;
  bool shared;  // all heads read the same
};

void add_each_head(CaseList& list) {
  for (const std::optional<Format> format : [] {
         std::vector<std::optional<Format>> all = {std::nullopt};
         for (const FormatInfo& info : formats()) all.emplace_back(info.format);
         return all;
       }())
    for (const HeadShape& shape : {HeadShape{3, 1, 5, false}, HeadShape{7, 2, 9, false}, HeadShape{4, 1, 33, true}}) {
      const uint32_t block = format ? format_info(*format).block_size : 1;
      const uint32_t count = shape.in_blocks * (block == 1 ? 20 : block);
      const uint32_t out_count = format ? shape.out_count : count;
      const uint32_t in_first = 3, in_stride = shape.shared ? 0 : count + 4, out_stride = out_count + 2;
      Case one{"each_head", format ? class_of(*format) : FormatClass::none, format.value_or(Format::f32)};
      one.shape =
          joined({std::to_string(shape.heads) + " heads of " + size_text(out_count, count), format ? "" : "copied",
                  shape.shared ? "that read the same" : "", steps_text(kManySteps.front(), kManySteps)});
      one.build = [=](const BuildContext& context) {
        Builder builder(context);
        const Slot in = builder.input(in_first + (shape.heads - 1) * in_stride + count);
        const Slot out = builder.input(shape.heads * out_stride);  // what else is in out stays
        const uint32_t in_width = builder.width(in), out_width = builder.width(out);
        const WeightId id = format ? builder.matrix(*format, uint64_t{shape.heads} * out_count, count) : kNoWeight;
        builder.add(EachHead{in, out, id, shape.heads, in_first, in_stride, count, 1, out_stride, out_count});
        builder.finish(out);
        const std::vector<float> inputs = decoded(builder.program().weights[0]);
        const std::vector<float> matrix = format ? decoded(builder.program().weights[id]) : std::vector<float>();
        return product_trial(builder, kManySteps, [=](int32_t token, Precision precision) {
          Computed result{std::vector<double>(out_width), std::vector<double>(out_width, 1e-37)};
          const auto row = std::span(inputs).subspan(static_cast<size_t>(token) * in_width, in_width);
          for (uint32_t head = 0; head < shape.heads && format; ++head) {
            const Computed of_head =
                product(std::span(matrix).subspan(size_t{head} * out_count * count, size_t{out_count} * count),
                        exactly(row.subspan(in_first + head * in_stride, count)), precision);
            for (uint32_t j = 0; j < out_count; ++j) result.error[head * out_stride + 1 + j] = of_head.error[j];
          }
          return result;
        });
      };
      list.add(one, {.basic = shape.in_blocks == 2, .quick = shape.in_blocks == 2});
    }
}

}  // namespace

void add_matrix_cases(CaseList& list) {
  add_linear(list);
  add_gate_up(list);
  add_each_head(list);
}

}  // namespace hearth::conform
