// Attention: row by row, in parts of positions, or in tiles of rows.
#include <algorithm>
#include <bit>
#include <utility>

#include "backends/gpu/compiler.h"
#include "backends/memory.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

constexpr uint32_t kMoreTiles = 8;  // than the fewest of so many rows: those that sequences end with are not full

// Numbers of rows up to which attention cuts the positions.
uint32_t rows_to_cut(uint32_t workgroups, uint64_t row_bytes, uint32_t rows) {
  const uint64_t fitting = std::min<uint64_t>(kEnoughWorkgroups / workgroups, kMostPartBytes / row_bytes);
  return std::min(rows, std::bit_floor(static_cast<uint32_t>(fitting)));
}

}  // namespace

AttendParameters Compiler::parameters_of(const Attend& op) {
  AttendParameters args{};
  args.q = slot(op.q);
  args.out = slot(op.out);
  args.keys = places_.keys[op.layer];
  args.values = program_.value_width == 0 ? args.keys : places_.values[op.layer];
  args.sinks = floats(op.sinks);
  args.batch = places_.batch;
  args.heads = width(op.q) / op.head_size;
  args.kv_heads = op.kv_heads;
  args.head_size = op.head_size;
  args.value_size = op.value_size == 0 ? op.head_size : op.value_size;
  args.key_width = program_.key_width;
  args.value_width = program_.value_width == 0 ? program_.key_width : program_.value_width;
  args.page_size = limits_.page_size;
  args.window = op.window;
  args.causal = op.causal ? 1 : 0;
  args.scale = op.scale;
  args.softcap = op.softcap;
  return args;
}

bool Compiler::attends_by_row(const AttendParameters& args) const {
  return machine_.about().attends_rows && limits_.kv_type == KvType::f16 &&
         has_attend_row(args.head_size, args.value_size, args.key_width, args.value_width);
}

uint32_t Compiler::rows_for_attend_tiles(const AttendParameters& args) const {
  // What makes sums in an order that depends on where a step begins would not be deterministic.
  const bool has_tiles = machine_.about().attends_tiles && !limits_.deterministic && limits_.kv_type != KvType::f32 &&
                         has_attend_tiles(args.head_size, args.value_size, args.key_width, args.value_width);
  return has_tiles ? kRowsForTiles : UINT32_MAX;
}

void Compiler::attend(const Attend& op, uint32_t rounded, bool kept) {
  require_all_rows("attention");
  AttendParameters args = parameters_of(op);
  const bool is_whole = is_whole_cache(args.head_size, args.value_size, args.key_width, args.value_width);
  const uint32_t group = args.heads / args.kv_heads, room = head_room(op.head_size);
  args.packed = packed_heads(group, room, machine_.about().shared_bytes);
  require_shared(attend_shared(args.packed, room), "heads");
  const bool by_row = attends_by_row(args);
  const uint32_t most = by_row ? kMostPartsOfRow : kMostParts;
  const char* kernel = by_row ? "attend_row" : "attend";
  std::vector<uint32_t> constants = {static_cast<uint32_t>(limits_.kv_type), args.packed, room, is_whole ? 1u : 0u};
  if (by_row) constants = {static_cast<uint32_t>(limits_.kv_type), args.head_size};
  const uint32_t workgroups = args.kv_heads * pieces_of(group, args.packed) * pieces_of(args.value_size, kAttendValues);
  const uint64_t cells = uint64_t{limits_.pages} * limits_.page_size;
  const uint64_t seen = op.window == 0 ? cells : std::min<uint64_t>(cells, op.window);
  args.most_parts = most_parts(static_cast<uint32_t>(std::min<uint64_t>(seen, INT32_MAX)), most);
  const uint64_t row_bytes = uint64_t{args.heads} * args.most_parts * (2 + args.value_size) * sizeof(float);
  // Half as many workgroups of attend_row, each twice as large, keep a GPU busy.
  const uint32_t counted = by_row ? 2 * workgroups : workgroups;
  const uint32_t cut_rows = args.most_parts < kPartsToCut ? 0 : rows_to_cut(counted, row_bytes, limits_.rows);
  const uint32_t tile_rows = rows_for_attend_tiles(args);
  const auto add = [&](const char* name, const auto& told, Uses uses, Cut cut, uint32_t x) -> Step& {
    Step& step = steps_.add(name, told, std::move(uses));
    step.cut = cut;
    step.cut_rows = cut_rows;
    step.tile_rows = tile_rows;
    return for_rows(step, x);
  };
  // Adds what writes the result: a step that rounds it, and one for more rows that does not.
  const Address rounded_rows = rounded == 0 ? 0 : rounded_rows_of(rounded_words(args.heads * args.value_size));
  const auto add_last = [&](const char* name, auto told, Uses uses, Cut cut, uint32_t x,
                            const std::vector<uint32_t>& its_constants) {
    const Address out = told.out;
    for (const bool rounds : {true, false}) {
      if (rounds ? rounded == 0 : rounded > limits_.rows) continue;
      told.rounded = rounds ? rounded_rows : 0;
      told.out = rounds && !kept ? 0 : out;
      Step& step = add(name, told, std::exchange(uses, {}), cut, x);
      step.constants = its_constants;
      step.least = rounds ? 0 : rounded;
      step.most = rounds ? rounded - 1 : UINT32_MAX;
    }
  };

  add_last(kernel, args, {{args.q, args.keys, args.values}, {args.out, rounded_rows}}, Cut::whole, workgroups,
           constants);
  if (tile_rows <= limits_.rows) {
    AttendParameters tiled = args;
    tiled.packed = attend_tiles_packed(group);
    Step& tiles = add("attend_tiles", tiled, {}, Cut::tiles, args.kv_heads * pieces_of(group, tiled.packed));
    tiles.constants = {static_cast<uint32_t>(limits_.kv_type), args.head_size};
    tiles.least = tile_rows;
    tiles.y_over = kAttendTilesQueries / tiled.packed;
    tiles.y_more = kMoreTiles;
  }
  if (cut_rows == 0) return;
  args.parts = scratch_of(Scratch::parts, cut_rows * row_bytes);
  Step& parts = add(kernel, args, {{}, {args.parts}}, Cut::parts, workgroups);
  parts.constants = constants;
  parts.z = args.most_parts;
  parts.z_of_parts = true;
  AttendJoinParameters joining{};
  joining.parts = args.parts;
  joining.out = args.out;
  joining.sinks = args.sinks;
  joining.batch = args.batch;
  joining.heads = args.heads;
  joining.value_size = args.value_size;
  joining.most_parts = args.most_parts;
  joining.window = args.window;
  joining.causal = args.causal;
  add_last("attend_join", joining, {{joining.parts}, {joining.out, rounded_rows}}, Cut::parts, args.heads,
           by_row ? std::vector{most} : std::vector<uint32_t>{});
}

}  // namespace hearth::gpu
