// The rewriting of ops to stages.
#include "backends/gpu/fuse.h"

#include <algorithm>

#include "backends/op_members.h"
#include "kernels/gpu/parameters.h"

namespace hearth::gpu {
namespace {

bool has(const std::vector<Slot>& slots, Slot slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

// Whether an op from `first` on reads the slot before another writes all of it.
bool read_later(const std::vector<Op>& ops, size_t first, Slot slot) {
  for (size_t i = first; i < ops.size(); ++i) {
    if (has(slots_read(ops[i]), slot)) return true;
    if (!std::holds_alternative<EachHead>(ops[i]) && has(slots_written(ops[i]), slot)) return false;
  }
  return false;
}

std::optional<Norm> norm_of(const Op& op) {
  if (const auto* rms = std::get_if<RmsNorm>(&op))
    return Norm{.in = rms->in, .out = rms->out, .gain = rms->gain, .eps = rms->eps, .add = rms->add};
  if (const auto* layer = std::get_if<LayerNorm>(&op))
    return Norm{.in = layer->in,
                .out = layer->out,
                .gain = layer->gain,
                .bias = layer->bias,
                .eps = layer->eps,
                .centered = true};
  return std::nullopt;
}

// The products of one slot that start at ops[i]; i goes past them. Without parts where ops[i] is something else.
Products take_products(const std::vector<Op>& ops, size_t& i) {
  Products stage{.in = kNoSlot};
  for (bool written = false; i < ops.size() && !written; ++i) {
    const bool joined = std::visit(
        [&](const auto& op) {
          if constexpr (std::is_constructible_v<Products::Part, decltype(op)>) {
            if (!stage.parts.empty() && op.in != stage.in) return false;
            stage.in = op.in;
            stage.parts.emplace_back(op);
            return true;
          }
          return false;
        },
        ops[i]);
    if (!joined) break;
    written = has(slots_written(ops[i]), stage.in);
  }
  return stage;
}

// Whether a part reads the slot beside multiplying it.
bool adds(const Products& stage) {
  return std::any_of(stage.parts.begin(), stage.parts.end(), [&](const Products::Part& part) {
    return std::visit(
        [&](const auto& op) {
          const std::vector<Slot> slots = slots_read(op);
          return std::count(slots.begin(), slots.end(), stage.in) > 1;
        },
        part);
  });
}

// Whether parts follow experts.
bool goes_on_behind_experts(const Products& stage) {
  return std::any_of(stage.parts.begin(), stage.parts.end() - 1,
                     [](const Products::Part& part) { return std::holds_alternative<Experts>(part); });
}

// Whether the product may be one of several that are made at once, as far as it alone tells.
bool is_plain(const Linear& op, const Program& program) {
  return op.in != op.out && op.add == kNoSlot && op.times == kNoSlot && op.act == Activation::none && op.scale == 1 &&
         program.weights[op.weight].scales.empty();
}

// The parts with neighbours joined.
std::vector<Products::Part> join(const std::vector<Products::Part>& parts, const Program& program) {
  std::vector<Products::Part> result;
  Joined joined;
  const auto end = [&] {
    if (joined.ops.size() == 1)
      result.emplace_back(joined.ops.front());
    else if (!joined.ops.empty())
      result.emplace_back(joined);
    joined.ops.clear();
  };
  const auto fits = [&](const Linear& op) {
    return joined.ops.size() < kMostJoined && std::all_of(joined.ops.begin(), joined.ops.end(), [&](const Linear& one) {
             return program.weights[one.weight].format == program.weights[op.weight].format && one.out != op.out;
           });
  };
  for (const Products::Part& part : parts) {
    const auto* linear = std::get_if<Linear>(&part);
    const bool plain = linear != nullptr && is_plain(*linear, program);
    if (!plain || !fits(*linear)) end();
    if (plain)
      joined.ops.push_back(*linear);
    else
      result.push_back(part);
  }
  end();
  return result;
}

}  // namespace

std::vector<Stage> fuse(const Program& program) {
  std::vector<Stage> stages;
  const std::vector<Op>& ops = program.ops;
  const auto whole = [&](const Norm& norm) {
    return program.weights[norm.gain].width == program.slot_width[norm.in] && program.weights[norm.gain].rows == 1;
  };
  for (size_t i = 0; i < ops.size();) {
    const std::optional<Norm> norm = norm_of(ops[i]);
    const auto* attend = std::get_if<Attend>(&ops[i]);
    size_t next = norm.has_value() || attend != nullptr ? i + 1 : i;
    Products products = take_products(ops, next);
    const bool joined = norm.has_value() && products.in == norm->out && whole(*norm);
    if (norm.has_value() && !joined) {
      stages.emplace_back(*norm);
      ++i;
    } else if (!products.parts.empty() && (attend == nullptr || products.in == attend->out)) {
      products.norm = norm;
      if (attend != nullptr) products.attend = *attend;
      const Op& last = ops[next - 1];
      products.kept = adds(products) || goes_on_behind_experts(products) ||
                      (!has(slots_written(last), products.in) && read_later(ops, next, products.in));
      products.parts = join(products.parts, program);
      stages.emplace_back(std::move(products));
      i = next;
    } else {
      std::visit(
          [&](const auto& op) {
            if constexpr (std::is_constructible_v<Stage, decltype(op)>) stages.emplace_back(op);
          },
          ops[i]);
      ++i;
    }
  }
  return stages;
}

}  // namespace hearth::gpu
