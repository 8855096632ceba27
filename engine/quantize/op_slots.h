// Where a program can be cut so that each piece reads one slot of what came before.
#pragma once

#include <algorithm>
#include <set>
#include <variant>
#include <vector>

#include "backends/op_members.h"

namespace hearth {

// Whether an op from `begin` on, before `end`, writes the slot.
inline bool written_between(const Program& program, size_t begin, size_t end, Slot slot) {
  for (size_t i = begin; i < end; ++i)
    for (const Slot written : slots_written(program.ops[i]))
      if (written == slot) return true;
  return false;
}

// Ops [begin, end) that read nothing of what came before but one slot; the first piece reads tokens.
struct Piece {
  size_t begin, end;
  Slot in;
};

// The pieces of a decoder, as short as they can be, up to where rows are selected or the program ends.
inline std::vector<Piece> cut(const Program& program) {
  const auto& ops = program.ops;
  size_t end = 0;
  while (end < ops.size() && !std::holds_alternative<Select>(ops[end]) && !std::holds_alternative<Logits>(ops[end]))
    ++end;
  // From the last op to the first: the slots that are read before they are written again.
  std::vector<Piece> pieces;
  std::set<Slot> live;
  if (end < ops.size())
    for (const Slot slot : slots_read(ops[end])) live.insert(slot);
  for (size_t i = end, last = end; i-- > 0;) {
    for (const Slot slot : slots_written(ops[i])) live.erase(slot);
    for (const Slot slot : slots_read(ops[i])) live.insert(slot);
    if (i == 0) {
      pieces.push_back({0, last, slots_written(ops[0]).front()});
    } else if (live.size() == 1) {
      pieces.push_back({i, last, *live.begin()});
      last = i;
    }
  }
  std::reverse(pieces.begin(), pieces.end());
  return pieces;
}

}  // namespace hearth
