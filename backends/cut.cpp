// Finding what is alive between ops, and renumbering pieces.
#include "backends/cut.h"

#include <algorithm>
#include <map>
#include <optional>

#include "backends/backend.h"
#include "backends/op_members.h"

namespace hearth {
namespace {

// Which values of the slots later ops read, going from the last op to the first.
class Live {
 public:
  explicit Live(const Program& program) {
    for (const uint32_t width : program.slot_width) slots_.push_back({std::vector<bool>(width), 0});
  }

  void step_before(const Op& op) {
    if (const auto* heads = std::get_if<EachHead>(&op)) {
      for (uint64_t head = 0; head < heads->heads; ++head)
        write(heads->out, head * heads->out_stride + heads->out_first, heads->out_count);
    } else {
      for (const Slot slot : slots_written(op)) fill(slot, false);
    }
    for (const Slot slot : slots_read(op)) fill(slot, true);
  }
  // The only slot that is read, if there is one alone.
  Slot alone() const {
    Slot found = kNoSlot;
    for (size_t slot = 0; slot < slots_.size(); ++slot) {
      if (slots_[slot].count == 0) continue;
      if (found != kNoSlot) return kNoSlot;
      found = static_cast<Slot>(slot);
    }
    return found;
  }

 private:
  struct Values {
    std::vector<bool> read;
    uint64_t count;
  };
  void fill(Slot slot, bool read) {
    Values& values = slots_[slot];
    values.read.assign(values.read.size(), read);
    values.count = read ? values.read.size() : 0;
  }
  void write(Slot slot, uint64_t first, uint64_t count) {
    Values& values = slots_[slot];
    for (uint64_t i = first; i < std::min<uint64_t>(first + count, values.read.size()); ++i) {
      values.count -= values.read[i] ? 1 : 0;
      values.read[i] = false;
    }
  }

  std::vector<Values> slots_;
};

// The layer of the cache, or the state, that an op uses.
std::optional<uint32_t> cached_layer(const Op& op) {
  if (const auto* turn = std::get_if<RopeKv>(&op)) return turn->layer;
  if (const auto* attend = std::get_if<Attend>(&op)) return attend->layer;
  return std::nullopt;
}
std::optional<uint32_t> kept_state(const Op& op) {
  if (const auto* convolve = std::get_if<Convolve>(&op)) return convolve->state;
  if (const auto* rule = std::get_if<DeltaRule>(&op)) return rule->state;
  return std::nullopt;
}

// By op: whether ops before it use a layer or state that it or later ones use, too.
std::vector<bool> between_users(const std::vector<Op>& ops, std::optional<uint32_t> (*used)(const Op&)) {
  std::map<uint32_t, size_t> last;
  for (size_t i = 0; i < ops.size(); ++i)
    if (const auto number = used(ops[i])) last[*number] = i;
  std::vector<bool> between(ops.size());
  size_t until = 0;  // the last user of those that earlier ops use
  for (size_t i = 0; i < ops.size(); ++i) {
    between[i] = i > 0 && i <= until;
    if (const auto number = used(ops[i])) until = std::max(until, last[*number]);
  }
  return between;
}

bool mixes_rows(const Op& op) { return std::holds_alternative<Attend>(op) || std::holds_alternative<DeltaRule>(op); }

bool ends_layers(const Op& op) {
  return std::holds_alternative<Select>(op) || std::holds_alternative<Logits>(op) || std::holds_alternative<Send>(op);
}

// Numbers things anew in the order in which they are met.
template <class Id>
class Renumbering {
 public:
  // Calls take(old id) when it is met for the first time.
  template <class Take>
  Id operator()(Id old, Take&& take) {
    const auto [known, is_new] = known_.try_emplace(old, static_cast<Id>(known_.size()));
    if (is_new) take(old);
    return known->second;
  }

 private:
  std::map<Id, Id> known_;
};

class PieceMaker {
 public:
  PieceMaker(const Program& whole, uint32_t first_layer, uint32_t layers, uint32_t first_state, uint32_t states)
      : whole_(whole), first_layer_(first_layer), first_state_(first_state) {
    piece_.adapters = whole.adapters;
    piece_.vocabulary = whole.vocabulary;
    piece_.positions = whole.positions;
    piece_.layers = static_cast<uint16_t>(layers);
    piece_.key_width = whole.key_width;
    piece_.value_width = whole.value_width;
    const auto state = whole.state_width.begin() + first_state;
    piece_.state_width.assign(state, state + states);
  }

  void add(Op op) {
    std::visit([this](auto& one) { renumber(one); }, op);
    piece_.ops.push_back(op);
  }
  Program take() { return std::move(piece_); }

 private:
  template <class One>
  void renumber(One& op) {
    each_slot(op, [this](Slot& slot) {
      slot = slots_(slot, [this](Slot old) { piece_.slot_width.push_back(whole_.slot_width[old]); });
    });
    each_weight(op,
                [this](WeightId& weight) { weight = weights_(weight, [this](WeightId old) { take_weight(old); }); });
    if constexpr (std::same_as<One, RopeKv>) {
      op.table = tables_(op.table, [this](RopeTableId old) { piece_.rope_tables.push_back(whole_.rope_tables[old]); });
    }
    if constexpr (std::same_as<One, RopeKv> || std::same_as<One, Attend>)
      op.layer = own(op.layer, first_layer_, piece_.layers);
    if constexpr (requires { op.state; }) op.state = own(op.state, first_state_, piece_.state_width.size());
    if constexpr (std::same_as<One, Embed>) piece_.embedding_changes = whole_.embedding_changes;
  }
  void take_weight(WeightId old) {
    piece_.weights.push_back(whole_.weights[old]);
    const auto changes = whole_.changes_of(old);
    if (changes.empty()) return;
    piece_.changes.resize(piece_.weights.size());
    piece_.changes.back().assign(changes.begin(), changes.end());
  }
  template <class Number>
  static Number own(Number number, uint32_t first, size_t count) {
    if (number < first || number - first >= count)
      throw DeviceError("the program cannot be cut: its layers do not follow each other");
    return static_cast<Number>(number - first);
  }

  const Program& whole_;
  const uint32_t first_layer_, first_state_;
  Program piece_;
  Renumbering<Slot> slots_;
  Renumbering<WeightId> weights_;
  Renumbering<RopeTableId> tables_;
};

// The lowest number that ops from `begin` on use; `none` where they use none.
uint32_t lowest(const std::vector<Op>& ops, size_t begin, std::optional<uint32_t> (*used)(const Op&), uint32_t none) {
  uint32_t result = none;
  for (size_t i = begin; i < ops.size(); ++i) result = std::min(result, used(ops[i]).value_or(none));
  return result;
}

}  // namespace

std::vector<Cut> layer_cuts(const Program& program) {
  const std::vector<Op>& ops = program.ops;
  const auto end = static_cast<size_t>(std::find_if(ops.begin(), ops.end(), ends_layers) - ops.begin());
  if (end == ops.size()) return {};
  const std::vector<bool> in_layer = between_users(ops, cached_layer), in_state = between_users(ops, kept_state);
  std::vector<Slot> alone(ops.size(), kNoSlot);
  Live live(program);
  for (size_t i = ops.size(); i-- > 1;) {
    live.step_before(ops[i]);
    if (i <= end && !in_layer[i] && !in_state[i]) alone[i] = live.alone();
  }
  // The last place of each stretch from one op that mixes rows up to the next.
  std::vector<Cut> cuts;
  Cut last{0, kNoSlot};
  for (size_t i = 1; i <= end; ++i) {
    if (alone[i] != kNoSlot) last = {i, alone[i]};
    if (i < end && !mixes_rows(ops[i])) continue;
    if (last.slot != kNoSlot) cuts.push_back(last);
    last.slot = kNoSlot;
  }
  return layers_of(cuts) == 0 ? std::vector<Cut>() : cuts;
}

size_t layers_of(std::span<const Cut> cuts) { return cuts.empty() ? 0 : cuts.size() - 1; }

std::vector<Program> cut_program(const Program& program, std::span<const Cut> cuts) {
  const std::vector<Op>& ops = program.ops;
  const auto states = static_cast<uint32_t>(program.state_width.size());
  std::vector<Program> pieces;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t begin = i == 0 ? 0 : cuts[i - 1].op, end = i == cuts.size() ? ops.size() : cuts[i].op;
    const uint32_t layer = i == 0 ? 0 : lowest(ops, begin, cached_layer, program.layers);
    const uint32_t state = i == 0 ? 0 : lowest(ops, begin, kept_state, states);
    PieceMaker piece(program, layer, lowest(ops, end, cached_layer, program.layers) - layer, state,
                     lowest(ops, end, kept_state, states) - state);
    if (i > 0) piece.add(Receive{cuts[i - 1].slot});
    for (size_t op = begin; op < end; ++op) piece.add(ops[op]);
    if (i < cuts.size()) piece.add(Send{cuts[i].slot});
    pieces.push_back(piece.take());
  }
  return pieces;
}

}  // namespace hearth
