// Adding up what a plan takes.
#include "backends/memory.h"

#include <algorithm>
#include <set>

#include "backends/op_members.h"

namespace hearth {
namespace {

constexpr uint64_t kOutputs = 16;     // rows whose results are wanted at once, as a rule
constexpr uint64_t kPiece = 2 << 20;  // devices give large pieces of memory in multiples of so many bytes

uint64_t taken(uint64_t bytes) { return bytes < kPiece / 2 ? bytes : (bytes + kPiece - 1) / kPiece * kPiece; }

uint64_t weight_bytes(const Program& program) {
  uint64_t bytes = 0;
  std::set<const std::byte*> seen;  // rows of one tensor that adapters change may share a matrix
  for (const Weight& weight : program.weights)
    if (seen.insert(weight.bytes.data()).second) bytes += taken(weight.bytes.size());
  const auto add = [&](const std::vector<Change>& changes) {
    for (const Change& change : changes)
      for (const Weight* one : {&change.up, &change.down})
        if (seen.insert(one->bytes.data()).second) bytes += one->rows * one->width * sizeof(float);
  };
  for (const auto& changes : program.changes) add(changes);
  add(program.embedding_changes);
  return bytes;
}

// Values for each row: those of the slots, and what an op leaves to itself, which is as much as a few of the widest, or
// what the experts of a row make.
uint64_t row_values(const Program& program, bool selected) {
  std::set<Slot> slots;
  uint64_t experts = 0, values = 0, widest = 0;
  bool is_selected = false;
  for (const Op& op : program.ops) {
    if (const auto* mixture = std::get_if<Experts>(&op))
      experts = std::max(
          experts, mixture->used * (program.weights[mixture->down].width + uint64_t{program.slot_width[mixture->out]}));
    if (is_selected == selected) {
      for (const Slot slot : slots_read(op)) slots.insert(slot);
      for (const Slot slot : slots_written(op)) slots.insert(slot);
    }
    is_selected = is_selected || std::holds_alternative<Select>(op);
  }
  for (const Slot slot : slots) {
    values += program.slot_width[slot];
    widest = std::max<uint64_t>(widest, program.slot_width[slot]);
  }
  return values + 2 * widest + (selected ? 0 : 2 * experts);
}

// What GPUs keep of the parts that attention cuts positions into (backends/gpu/compiler.cpp), or a little more: of the
// op that needs most, for each head of a few rows up to 64 parts, of 128 positions or more.
uint64_t part_bytes(const Program& program, const Limits& limits) {
  uint64_t most = 0;
  for (const Op& op : program.ops) {
    const auto* attend = std::get_if<Attend>(&op);
    if (attend == nullptr) continue;
    const uint64_t cells = uint64_t{limits.pages} * limits.page_size;
    const uint64_t seen = attend->window == 0 ? cells : std::min<uint64_t>(cells, attend->window);
    const uint64_t values = attend->value_size == 0 ? attend->head_size : attend->value_size;
    const uint64_t heads = program.slot_width[attend->q] / attend->head_size;
    const uint64_t of_row = heads * std::min<uint64_t>(64, seen / 128 + 1) * (2 + values) * sizeof(float);
    most = std::max(most, of_row * std::min<uint64_t>(limits.rows, kEnoughWorkgroups / attend->kv_heads));
  }
  return std::min(most, kMostPartBytes);
}

}  // namespace

MemoryNeed memory_of(const Program& program, const Limits& limits) {
  MemoryNeed need;
  need.weights = weight_bytes(program);
  const uint64_t cells = uint64_t{limits.pages} * limits.page_size;
  need.cache = program.layers * (taken(cells * kv_row_bytes(limits.kv_type, program.key_width)) +
                                 taken(cells * kv_row_bytes(limits.kv_type, program.value_width)));
  for (const uint32_t width : program.state_width) need.cache += taken(limits.states * uint64_t{width} * sizeof(float));
  const uint64_t outputs = std::min<uint64_t>(limits.rows, kOutputs);
  need.activations = sizeof(float) * (limits.rows * row_values(program, false) + outputs * row_values(program, true));
  need.activations += part_bytes(program, limits);
  return need;
}

}  // namespace hearth
