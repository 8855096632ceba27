// The ops that multiply by matrices, and what adapters add to their products.
#include <algorithm>
#include <utility>

#include "backends/gpu/compiler.h"
#include "kernels/gpu/column_shapes.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

constexpr uint32_t kRowsAtOnce = 4;  // of a matrix, that a workgroup makes
constexpr uint32_t kMostGroups = 65535;
constexpr uint32_t kTileRows = 64, kTileColumns = 32;  // of matmul_tiles
constexpr uint32_t kPairsForTiles = 4;                 // of each expert, on average

// More where there would be more workgroups than every device runs at once.
uint32_t rows_at_once(uint32_t rows) { return rows / kRowsAtOnce < kMostGroups ? kRowsAtOnce : 2 * kRowsAtOnce; }

}  // namespace

Address Compiler::changed_bias(const Product& product, WeightId id, WeightId bias, Scratch low_scratch, Scratch out) {
  if (id == kNoWeight || (!is_changed(id) && bias == kNoWeight)) return 0;
  AdapterUpParameters up{};
  up.bias = floats(bias);
  up.count = static_cast<uint32_t>(weight(id).rows / product.matrices);
  up.out = scratch(out, uint64_t{product.used} * up.count);
  up.route = product.route;
  up.batch = places_.batch;
  up.used = product.used;
  up.rows_at = rows_at();
  up.sequences_at = sequences_at();
  up.adapters = program_.adapters;
  const auto add = [&] {
    Step& step = steps_.add("adapter_up", up, {{up.low, up.route}, {up.out}});
    for_rows(step, pieces_of(up.count, 64)).y_times = product.used;
    up.goes_on = 1;
  };
  for (const Change& change : program_.changes_of(id)) {
    AdapterDownParameters down{};
    down.in = product.in;
    down.down = weights_.floats(change.down);
    down.route = product.route;
    down.batch = places_.batch;
    down.width = static_cast<uint32_t>(weight(id).width);
    down.rank = static_cast<uint32_t>(change.up.width);
    down.low = scratch(low_scratch, uint64_t{product.used} * down.rank);
    down.used = product.used;
    down.in_of_place = product.in_of_pairs ? 1 : 0;
    down.rows_at = rows_at();
    down.sequences_at = sequences_at();
    down.adapters = program_.adapters;
    down.adapter = up.adapter = change.adapter;
    for_rows(steps_.add("adapter_down", down, {{down.in, down.route}, {down.low}}), down.rank).y_times = product.used;
    up.low = down.low;
    up.up = weights_.floats(change.up);
    up.rank = down.rank;
    up.factor = change.factor;
    add();
  }
  if (up.goes_on == 0) add();  // with a factor of 0: the bias alone
  return up.out;
}

void Compiler::multiply_at_once(const Product& product) {
  const bool routed = product.route != 0;
  const Weight& one = weight(product.weight);
  require_blocks(one, product.matrices);
  const bool changed = is_changed(product.weight) || (product.up != kNoWeight && is_changed(product.up));
  MatmulParameters args{};
  args.weight = weights_.matrix(one);
  args.weight_up = product.up == kNoWeight ? 0 : weights_.matrix(weight(product.up));
  args.in = product.in;
  args.out = product.out;
  args.batch = places_.batch;
  args.bias =
      changed ? changed_bias(product, product.weight, product.bias, Scratch::low, Scratch::bias) : floats(product.bias);
  args.bias_up = changed ? changed_bias(product, product.up, product.up_bias, Scratch::low_up, Scratch::bias_up)
                         : floats(product.up_bias);
  args.decode_tables = weights_.decode_tables();
  args.scales = weights_.scales(one, product.matrices);
  args.scales_up = product.up == kNoWeight ? 0 : weights_.scales(weight(product.up), product.matrices);
  args.width = static_cast<uint32_t>(one.width);
  args.rows = static_cast<uint32_t>(one.rows / product.matrices);
  args.in_stride = product.in_stride;
  args.out_stride = product.out_stride;
  args.kinds = matmul_kinds(product.matrices, static_cast<uint32_t>(product.act), rows_at());
  args.scale = product.scale;
  Uses uses{{product.in_buffer == 0 ? product.in : product.in_buffer, product.add, product.times, product.route,
             product.tiles},
            {product.out_buffer == 0 ? product.out : product.out_buffer}};
  if (changed) uses.reads.insert(uses.reads.end(), {args.bias, args.bias_up});
  if (changed) args.kinds |= kBiasOfColumn;
  if (routed) {
    // As ExpertsParameters has it, which differs in the meaning of these.
    args.add = product.tiles;
    args.times = product.route;
    args.in_matrix_stride = product.used;
    args.out_matrix_stride = product.in_of_pairs ? 1 : 0;
    args.kinds |= experts_kinds(product.matrices, static_cast<uint32_t>(product.act));
  } else {
    args.add = product.add;
    args.times = product.times;
    args.in_matrix_stride = product.in_matrix_stride;
    args.out_matrix_stride = product.out_matrix_stride;
  }
  const FormatInfo& format = format_info(one.format);
  Kernels kernels{std::string("matmul/") + format.name,
                  std::string("matmul_tiles/") + format.name,
                  "",
                  args,
                  args,
                  args,
                  is_whole(args.width, args.in, args.in_stride, routed ? 0 : args.in_matrix_stride) ? 1u : 0u,
                  {}};
  kernels.rows_of_few.fill(routed ? kRowsAtOnce : rows_at_once(args.rows));
  const uint32_t for_tiles = routed ? rows_for_tiles(product.matrices, product.used) : rows_for_tiles();
  const uint32_t from = rows_for_rounding(product.weight, for_tiles, routed);
  const bool in_matrices = has_matrices(product.weight, routed);
  const uint32_t from_bfloats = from <= limits_.rows && !routed && !in_matrices ? rows_for_bfloats() : UINT32_MAX;
  const uint32_t from_most = in_matrices ? rows_for_tiles() : from_bfloats;
  if (from <= limits_.rows) {
    round_inputs(product, kernels.args_of_many, Rounded::bytes, from, from_most - 1);
    uses.reads.push_back(kernels.args_of_many.in);
    kernels.many = std::string("byte_tiles/") + format.name;
  }
  if (from_bfloats <= limits_.rows) {
    const Rounded order = order_of_most(product.weight);
    round_inputs(product, kernels.args_of_most, order, from_bfloats, UINT32_MAX);
    kernels.most = std::string(order == Rounded::slices ? "group_tiles/" : "bfloat_tiles/") + format.name;
  }
  if (in_matrices) {
    halve_inputs(product, kernels.args_of_most, from_most);
    uses.reads.push_back(kernels.args_of_most.in);
    kernels.most = std::string("matrix_tiles/") + format.name;
  }
  if (from == 0) {
    kernels.args_of_few = kernels.args_of_many;
    kernels.few = std::string("byte_matmul/") + format.name;
    const uint32_t weights = product.up == kNoWeight ? 1 : 2;
    const bool warps = machine_.about().rounds_by_warps;
    kernels.shared_by =
        warps ? rounded_splits(args.width, args.rows * weights) : rounded_threads(args.width, args.rows * weights);
    for (size_t i = 0; i < kColumns.size() && warps; ++i)
      kernels.rows_of_few[i] = rounded_rows(format.name, kColumns[i], kernels.shared_by, weights);
  }
  if (routed) return multiply_routed(product, kernels, uses);
  const bool in_columns = from == 0 && has_columns(one);
  const uint32_t most_of_few = in_columns ? kColumnsLeast - 1 : limits_.deterministic ? UINT32_MAX : kMostColumns;
  // One of these is taken, by the number of rows. It waits for what the first is to wait for.
  uint32_t least = product.least;
  for (size_t i = 0; i < kColumns.size() && least <= most_of_few; ++i) {
    const uint32_t columns = kColumns[i], rows = kernels.rows_of_few[i];
    const uint32_t most = columns == kMostColumns ? most_of_few : std::min(columns, most_of_few);
    if (least > most) continue;
    Step& step = steps_.add(kernels.few, kernels.args_of_few, least == 0 ? uses : Uses{});
    step.constants = {columns, rows, kernels.whole, kernels.shared_by};
    step.least = std::exchange(least, most + 1);
    step.most = most;
    for_rows(step, pieces_of(args.rows, rows), product.matrices).y_over = columns;
  }
  if (limits_.deterministic) return;
  if (in_columns && product.least == 0) add_columns(product, kernels.args_of_many);
  const uint32_t from_tiles = in_columns ? kColumnsMost + 1 : rows_for_tiles();
  if (from_tiles < from_most) {
    Step& step = add_tiles(kernels, from_tiles);
    step.most = from_most - 1;
    for_rows(step, pieces_of(args.rows, kTileRows), product.matrices).y_over = kTileColumns;
  }
  if (kernels.most.empty()) return;
  if (kernels.most.starts_with("group_tiles/")) return add_groups(kernels, product.matrices, from_bfloats);
  Step& largest = steps_.add(kernels.most, kernels.args_of_most, {});
  largest.least = from_most;
  if (in_matrices) {
    largest.constants = {machine_.about().matrix_threads, args.width % 8 == 0 ? 1u : 0u};
    for_rows(largest, pieces_of(args.rows, kMatrixTile), product.matrices).y_over = kMatrixTile;
    return;
  }
  const uint32_t rows = args.weight_up == 0 ? kBfloatTile : kBfloatTile / 2;
  for_rows(largest, pieces_of(args.rows, rows), product.matrices).y_over = kBfloatTile;
}

Step& Compiler::add_tiles(const Kernels& kernels, uint32_t least) {
  Step& step = steps_.add(kernels.many, kernels.args_of_many, {});
  if (kernels.many.starts_with("matmul_tiles/")) step.constants = {kernels.whole};
  step.least = least;
  return step;
}

uint32_t Compiler::rows_for_tiles() const { return limits_.deterministic ? UINT32_MAX : kMostColumns + 1; }

uint32_t Compiler::rows_for_tiles(uint32_t experts, uint32_t used) const {
  return limits_.deterministic || experts > kMostExperts || !ways_.lists_experts
             ? UINT32_MAX
             : std::max(kMostColumns, kPairsForTiles * experts / used) + 1;
}

void Compiler::multiply_routed(const Product& product, const Kernels& kernels, const Uses& uses) {
  const uint32_t from = rows_for_tiles(product.matrices, product.used), rows = kernels.args_of_few.rows;
  Step& step = steps_.add(kernels.few, kernels.args_of_few, uses);
  step.constants = {1, kernels.rows_of_few[0], kernels.whole, kernels.shared_by};
  step.most = from - 1;
  for_rows(step, pieces_of(rows, kernels.rows_of_few[0])).y_times = product.used;
  if (product.tiles == 0) return;
  Step& sized = for_rows(add_tiles(kernels, from), pieces_of(rows, kTileRows));
  sized.y_times = product.used;
  sized.y_over = kTileColumns;
  sized.y_more = product.matrices;
}

void Compiler::multiply(const Product& product) {
  if (product.up == kNoWeight || weight(product.weight).format == weight(product.up).format)
    return multiply_at_once(product);
  // Two formats: each for itself, then the activation.
  const uint32_t count = product.used * product.out_stride;
  Product one = product;
  one.act = Activation::none;
  one.up = one.up_bias = kNoWeight;
  one.out = scratch(Scratch::gate, count);
  Product other = one;
  other.weight = product.up;
  other.bias = product.up_bias;
  other.out = scratch(Scratch::up, count);
  multiply_at_once(one);
  multiply_at_once(other);
  gate(one.out, other.out, product.out, count, product.act);
}

void Compiler::make(const Linear& op, uint32_t least) {
  Product product{op.weight};
  product.least = least;
  product.bias = op.bias;
  product.in = slot(op.in);
  product.out = op.in == op.out ? scratch(Scratch::whole, width(op.out)) : slot(op.out);
  product.add = slot(op.add);
  product.times = slot(op.times);
  product.in_stride = width(op.in);
  product.out_stride = width(op.out);
  product.act = op.act;
  product.scale = op.scale;
  multiply(product);
  if (op.in == op.out) copy_rows(product.out, slot(op.out), width(op.out));
}

void Compiler::make(const GateUp& op) {
  Product product{op.gate, op.up, op.gate_bias, op.up_bias};
  product.in = slot(op.in);
  product.out = op.in == op.out ? scratch(Scratch::whole, width(op.out)) : slot(op.out);
  product.in_stride = width(op.in);
  product.out_stride = width(op.out);
  product.act = op.act;
  multiply(product);
  if (op.in == op.out) copy_rows(product.out, slot(op.out), width(op.out));
}

void Compiler::make(const EachHead& op) {
  const Address in = slot(op.in) + op.in_first * sizeof(float), out = slot(op.out) + op.out_first * sizeof(float);
  if (op.weight == kNoWeight) {
    const CopyHeadsParameters args{
        in, out, places_.batch, width(op.in), op.in_stride, width(op.out), op.out_stride, op.in_count, rows_at()};
    for_rows(steps_.add("copy_heads", args, {{slot(op.in)}, {slot(op.out)}}), pieces_of(op.in_count, 64), op.heads);
    return;
  }
  Product product{op.weight};
  product.in = in;
  product.out = out;
  product.in_buffer = slot(op.in);
  product.out_buffer = slot(op.out);
  product.matrices = op.heads;
  product.in_stride = width(op.in);
  product.out_stride = width(op.out);
  product.in_matrix_stride = op.in_stride;
  product.out_matrix_stride = op.out_stride;
  multiply(product);
}

void Compiler::make(const Route& op) {
  const auto count = static_cast<uint32_t>(weight(op.router).rows);
  Product product{op.router};
  product.bias = op.bias;
  product.in = slot(op.in);
  product.out = scratch(Scratch::products, count);
  product.in_stride = width(op.in);
  product.out_stride = count;
  multiply(product);
  RouteParameters args{};
  args.products = product.out;
  args.scores = scratch(Scratch::scores, uint64_t{count} + op.groups);
  args.selection_bias = floats(op.selection_bias);
  args.out = slot(op.out);
  args.batch = places_.batch;
  args.count = count;
  args.used = op.used;
  args.groups = op.groups;
  args.groups_used = op.groups_used;
  args.softmax = op.gating == Gating::softmax ? 1 : 0;
  args.normalised = op.normalised ? 1 : 0;
  args.rows_at = rows_at();
  args.scale = op.scale;
  for_rows(steps_.add("route", args, {{}, {args.products, args.scores, args.out}}), 1);
}

void Compiler::make(const Experts& op) {
  const auto hidden = static_cast<uint32_t>(weight(op.down).width);
  Product product{op.gate, op.up, op.gate_bias, op.up_bias};
  product.in = slot(op.in);
  product.out = scratch(Scratch::hidden, uint64_t{op.used} * hidden);
  product.matrices = op.count;
  product.in_stride = width(op.in);
  product.out_stride = hidden;
  product.act = op.act;
  product.route = slot(op.route);
  product.used = op.used;
  if (rows_for_tiles(op.count, op.used) <= limits_.rows) {
    const uint32_t pairs = limits_.rows * op.used;
    product.tiles = scratch_of(Scratch::tiles, expert_tiles_bytes(pairs, op.count));
    const ExpertTilesParameters args{product.route, places_.batch, product.tiles, op.count, op.used, rows_at()};
    Step& step = steps_.add("expert_tiles", args, {{product.route}, {product.tiles}});
    step.least = rows_for_tiles(op.count, op.used);
  }
  multiply(product);
  Product down{op.down};
  down.bias = op.down_bias;
  down.in = product.out;
  down.out = scratch(Scratch::made, uint64_t{op.used} * width(op.out));
  down.matrices = op.count;
  down.in_stride = hidden;
  down.out_stride = width(op.out);
  down.route = product.route;
  down.used = op.used;
  down.in_of_pairs = true;
  down.tiles = product.tiles;
  multiply(down);
  const CombineParameters args{down.out,      slot(op.route), slot(op.add), slot(op.out),
                               places_.batch, width(op.out),  op.used,      rows_at()};
  for_rows(steps_.add("combine", args, {{args.made, args.route, args.add}, {args.out}}), pieces_of(args.width, 64));
}

}  // namespace hearth::gpu
