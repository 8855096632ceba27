// Which trials a program needs.
#include "backends/vulkan/self_check.h"

#include <limits>
#include <variant>

#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
namespace {

struct Collector {
  const Program& program;
  Needs& needs;

  void add(std::set<Format>& to, WeightId id) const {
    if (id != kNoWeight) to.insert(program.weights[id].format);
  }
  void operator()(const Embed& op) const {
    add(needs.tables, op.table);
    add(needs.tables, op.positions);
  }
  void operator()(const RmsNorm&) const { needs.rms_norm = true; }
  void operator()(const LayerNorm&) const { needs.layer_norm = true; }
  // What products in place are made beside their inputs for, and copied then.
  void copy(Slot in, Slot out) const { needs.copies |= in == out; }
  // Where weights have two formats each is multiplied by itself.
  void gate(WeightId gate, WeightId up) const {
    needs.gates |= up != kNoWeight && program.weights[gate].format != program.weights[up].format;
  }
  void operator()(const Linear& op) const {
    add(needs.products, op.weight);
    copy(op.in, op.out);
  }
  void operator()(const GateUp& op) const {
    add(needs.products, op.gate);
    add(needs.products, op.up);
    gate(op.gate, op.up);
    copy(op.in, op.out);
  }
  void operator()(const EachHead& op) const {
    add(needs.products, op.weight);
    needs.copies |= op.weight == kNoWeight;
  }
  void operator()(const RopeKv&) const { needs.ropes = true; }
  void operator()(const Attend& op) const {
    needs.heads.insert({op.head_size, op.value_size == 0 ? op.head_size : op.value_size,
                        program.slot_width[op.q] / op.head_size / op.kv_heads});
  }
  void operator()(const Route& op) const {
    needs.routes = true;
    add(needs.products, op.router);
  }
  void operator()(const Experts& op) const {
    for (const WeightId id : {op.gate, op.up, op.down}) add(needs.expert_products, id);
    gate(op.gate, op.up);
    needs.experts = true;
  }
  void operator()(const Convolve& op) const {
    needs.taps.insert(static_cast<uint32_t>(program.weights[op.kernel].width));
  }
  void operator()(const DeltaRule& op) const { needs.states.emplace(op.key_size, op.value_size); }
  void operator()(const Gate&) const { needs.gates = true; }
  void operator()(const Select& op) const {
    needs.selects = true;
    copy(op.in, op.out);
  }
  void operator()(const Logits&) const { needs.logits = true; }
  void operator()(const Send&) const {}
  void operator()(const Receive&) const {}
};

}  // namespace

Needs needs_of(const Program& program, const Limits& limits) {
  Needs needs;
  needs.cache = limits.kv_type;
  needs.rows = limits.rows;
  needs.deterministic = limits.deterministic;
  needs.cuts_heads = uint64_t{limits.pages} * limits.page_size > (gpu::kPartsToCut - 1) * gpu::kLeastPart;
  needs.keeps_states = !program.state_width.empty();
  needs.embedding_adapters = !program.embedding_changes.empty();
  for (const auto& changes : program.changes) needs.adapters |= !changes.empty();
  for (const Op& op : program.ops) std::visit(Collector{program, needs}, op);
  return needs;
}

bool SelfCheck::is_right(const std::string& shader, uint32_t variant, const std::function<bool()>& trial) {
  const auto [place, is_new] = faults_.try_emplace({shader, variant});
  if (!is_new) return place->second.empty();
  try {
    if (!trial()) place->second = "wrong results";
    return place->second.empty();
  } catch (...) {
    faults_.erase(place);  // it was not the shader, perhaps
    throw;
  }
}

void SelfCheck::require(const std::string& shader, uint32_t variant, const std::function<bool()>& trial) {
  if (!is_right(shader, variant, trial))
    throw WrongResults("vulkan: " + gpu_.about().name + " computes wrong results in " + shader +
                       ", so it cannot be used; a newer driver may help");
}

bool SelfCheck::multiplies(Format format, Inputs inputs) {
  const std::string name = format_info(format).name;
  switch (inputs) {
    case Inputs::floats:
      return is_right("matmul_tiles/" + name, 0, [&] { return trials_.product_in_tiles(format); });
    case Inputs::bytes:
      return is_right("byte_tiles/" + name, 0, [&] { return trials_.product_of_bytes(format); });
    case Inputs::halves:
      break;
  }
  const std::string shader = "matrix_tiles/" + name;
  try {
    return is_right(shader, 0, [&] { return trials_.product_of_halves(format); });
  } catch (const DeviceLost&) {
    throw;
  } catch (const DeviceError& error) {  // drivers do not compile all that they say they do
    faults_[{shader, 0}] = error.what();
    return false;
  }
}

ProductTimes SelfCheck::time_products() {
  const std::lock_guard lock(mutex_);
  const auto time_of = [&](Inputs inputs) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    if (!multiplies(Format::q4_k, inputs)) return kNone;
    try {
      const double seconds = trials_.time_of_product(inputs);
      return seconds > 0 ? seconds : kNone;  // a clock that stands still
    } catch (const DeviceLost&) {
      throw;
    } catch (const DeviceError&) {  // as memory may be short for that
      return kNone;
    }
  };
  if (!times_)
    times_ = {
        .scalar = time_of(Inputs::floats),
        .integer = time_of(Inputs::bytes),
        .matrices = gpu_.matrix_threads() != 0 ? time_of(Inputs::halves) : std::numeric_limits<double>::infinity()};
  return *times_;
}

gpu::Ways SelfCheck::trust(const Needs& needs, bool rounds, bool matrices) {
  const std::lock_guard lock(mutex_);
  for (const Format format : needs.tables)
    require(std::string("embed/") + format_info(format).name, 0, [&] { return trials_.embedding(format); });
  std::set<Format> all = needs.products;
  all.insert(needs.expert_products.begin(), needs.expert_products.end());
  const bool tiles = !needs.deterministic && needs.rows > gpu::kMostColumns;
  const auto has_blocks = [](Format format) { return format_info(format).block_size > 1; };
  std::set<Format> others = all;  // that tiles are made of, but for those by matrices
  if (tiles)
    for (const Format format : needs.products)
      if (matrices && format != Format::f32) matrices = multiplies(format, Inputs::halves);
  if (tiles && matrices)
    std::erase_if(others, [&](Format one) { return one != Format::f32 && !needs.expert_products.contains(one); });
  for (const Format format : others)
    if (tiles && rounds && has_blocks(format)) rounds = multiplies(format, Inputs::bytes);
  for (const Format format : others)
    if (tiles && !(rounds && has_blocks(format)))
      require(std::string("matmul_tiles/") + format_info(format).name, 0,
              [&] { return trials_.product_in_tiles(format); });
  const auto for_few = [&](auto&& f) {
    for (const Format format : all)
      for (const uint32_t columns : gpu::kColumns)
        if (columns == 1 || (columns <= needs.rows && needs.products.contains(format))) f(format, columns);
  };
  bool rounds_few = rounds, rounds_norms = true;
  for_few([&](Format format, uint32_t columns) {
    if (rounds_few && has_blocks(format))
      rounds_few = is_right(std::string("byte_matmul/") + format_info(format).name, columns,
                            [&] { return trials_.product_of_few_bytes(format, columns); });
  });
  for_few([&](Format format, uint32_t columns) {
    if (!(rounds_few && has_blocks(format)))
      require(std::string("matmul/") + format_info(format).name, columns,
              [&] { return trials_.product(format, columns); });
  });
  for (const bool centered : {false, true})
    if ((rounds_few || (rounds && tiles)) && rounds_norms && (centered ? needs.layer_norm : needs.rms_norm))
      rounds_norms = is_right("norm_round", centered ? 1 : 0, [&] { return trials_.norm_round(centered); });
  if (needs.rms_norm) require("norm", 0, [&] { return trials_.norm(false); });
  if (needs.layer_norm) require("norm", 1, [&] { return trials_.norm(true); });
  for (const AttentionSizes& sizes : needs.heads)
    for (const bool in_parts : {false, true})
      if (!in_parts || needs.cuts_heads)
        require((in_parts ? "attend_join of " : "attend of ") + std::to_string(sizes.head_size) + " and " +
                    std::to_string(sizes.value_size) + " by " + std::to_string(sizes.group),
                static_cast<uint32_t>(needs.cache), [&] { return trials_.attention(needs.cache, sizes, in_parts); });
  trust_small(needs);
  const bool lists =
      !needs.experts || needs.deterministic || is_right("expert_tiles", 0, [&] { return trials_.expert_lists(); });
  return {.rounds = rounds,
          .rounds_few = rounds_few,
          .matrices = matrices,
          .rounds_norms = rounds_norms,
          .lists_experts = lists};
}

// What reads no weights of many formats.
void SelfCheck::trust_small(const Needs& needs) {
  const auto one = [&](bool needed, const char* shader, bool (Trials::*trial)()) {
    if (needed) require(shader, 0, [&] { return (trials_.*trial)(); });
  };
  one(needs.ropes, "rope", &Trials::rope);
  one(needs.gates, "gate", &Trials::gate);
  one(needs.logits, "logits", &Trials::logits);
  one(needs.logits && needs.selects, "candidates", &Trials::candidates);
  one(needs.keeps_states, "states", &Trials::states);
  one(needs.routes, "route", &Trials::route);
  one(needs.experts, "combine", &Trials::combination);
  one(needs.adapters, "adapter_down", &Trials::adapter_down);
  one(needs.adapters, "adapter_up", &Trials::adapter_up);
  one(needs.embedding_adapters, "adapter_embed", &Trials::adapter_embedding);
  for (const bool of_outputs : {false, true})
    if (of_outputs ? needs.selects : needs.copies)
      require("copy_heads", of_outputs ? 1 : 0, [&] { return trials_.copies(of_outputs); });
  for (const uint32_t taps : needs.taps) require("convolve", taps, [&] { return trials_.convolution(taps); });
  for (const auto& [keys, values] : needs.states)
    require("delta_rule of " + std::to_string(keys) + " and " + std::to_string(values), 0,
            [&, key_size = keys, value_size = values] { return trials_.delta_rule(key_size, value_size); });
}

std::vector<std::string> SelfCheck::switched_off() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [key, fault] : faults_)
    if (!fault.empty()) names.push_back(key.first + " (" + fault + ")");
  return names;
}

}  // namespace hearth::vulkan
