// What products multiply: norms, and rows rounded to 8 bits.
#include <algorithm>

#include "backends/gpu/compiler.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

constexpr uint32_t kRowsForBfloats = 65;  // from which on two halves of a tile's columns are worth its time
constexpr uint32_t kTogether = 8;         // columns that slices have room for at a time

// The weights that multiply what the part reads.
std::vector<WeightId> weights_of(const Products::Part& part) {
  std::vector<WeightId> weights;
  if (const auto* linear = std::get_if<Linear>(&part)) weights = {linear->weight};
  if (const auto* both = std::get_if<GateUp>(&part)) weights = {both->gate, both->up};
  if (const auto* joined = std::get_if<Joined>(&part))
    for (const Linear& linear : joined->ops) weights.push_back(linear.weight);
  if (const auto* route = std::get_if<Route>(&part)) weights = {route->router};
  if (const auto* experts = std::get_if<Experts>(&part)) weights = {experts->gate, experts->up};
  return weights;
}

}  // namespace

NormParameters Compiler::parameters_of(const Norm& op) {
  NormParameters args{};
  args.in = slot(op.in);
  args.out = slot(op.out);
  args.gain = floats(op.gain);
  args.bias = floats(op.bias);
  args.add = slot(op.add);
  args.batch = places_.batch;
  args.width = width(op.in);
  args.run = static_cast<uint32_t>(weight(op.gain).width);
  args.gain_rows = static_cast<uint32_t>(weight(op.gain).rows);
  args.rows_at = rows_at();
  args.eps = op.eps;
  return args;
}

Step& Compiler::add_norm(const Norm& op, bool waits) {
  const NormParameters args = parameters_of(op);
  Step& step = steps_.add("norm", args, waits ? Uses{{args.in, args.add}, {args.out}} : Uses{});
  step.constants = {op.centered ? 1u : 0u};
  return for_rows(step, pieces_of(args.width, args.run));
}

void Compiler::make(const Norm& op) { add_norm(op); }

void Compiler::norm_and_round(const Norm& op, uint32_t least, uint32_t until, Rounded most, bool kept) {
  const NormParameters norm = parameters_of(op);
  NormRoundParameters args{};
  args.in = norm.in;
  args.out = kept ? norm.out : 0;
  args.rounded = rounded_rows_of(std::max(rounded_words(norm.width), bfloat_words(norm.width)));
  args.gain = norm.gain;
  args.bias = norm.bias;
  args.add = norm.add;
  args.batch = norm.batch;
  args.width = norm.width;
  args.rows_at = norm.rows_at;
  args.eps = norm.eps;
  if (least > 0) add_norm(op).most = least - 1;
  // One of these is taken, which waits for what the first is to wait for.
  const uint32_t bfloats = std::min(rows_for_bfloats(), until);
  for (const Rounded to : {Rounded::bytes, most}) {
    const bool bytes = to == Rounded::bytes;
    if (!bytes && (bfloats == until || bfloats > limits_.rows)) break;
    args.rounded_stride = bytes ? rounded_words(norm.width) : bfloat_words(norm.width);
    Step& step = steps_.add("norm_round", args, bytes ? Uses{{norm.in, norm.add}, {norm.out, args.rounded}} : Uses{});
    step.constants = {op.centered ? 1u : 0u, static_cast<uint32_t>(to)};
    step.least = bytes ? least : bfloats;
    step.most = (bytes ? bfloats : until) - 1;
    for_rows(step, 1);
  }
  if (until <= limits_.rows) add_norm(op, false).least = until;
}

void Compiler::make(const Products& stage) {
  // Rounding for the first part is rounding for all, if it is for the least number of rows that one of them asks for.
  uint32_t least = UINT32_MAX, last = 0, until = 0;
  bool halves = false;
  beside_experts_ = std::any_of(stage.parts.begin(), stage.parts.end(),
                                [](const Products::Part& part) { return std::holds_alternative<Experts>(part); });
  Rounded most = Rounded::slices;
  for (const Products::Part& part : stage.parts) {
    const auto* experts = std::get_if<Experts>(&part);
    const uint32_t tiles = experts == nullptr ? rows_for_tiles() : rows_for_tiles(experts->count, experts->used);
    for (const WeightId id : weights_of(part)) {
      const bool routed = experts != nullptr, in_matrices = has_matrices(id, routed);
      const uint32_t from = rows_for_rounding(id, tiles, routed);
      least = std::min(least, from);
      last = std::max(last, from);
      halves = halves || in_matrices;
      if (from > limits_.rows) continue;
      most = std::min(most, order_of_most(id));
      until = std::max(until, in_matrices ? rows_for_tiles() : UINT32_MAX);
    }
  }
  beside_tiles_ = most != Rounded::slices;
  const bool rounds = least <= limits_.rows;
  // Halves are made of the floats, also of rows that others read rounded.
  const bool kept = stage.kept || adapters_ || last != least || (halves && until > rows_for_tiles());
  const uint32_t bfloats = std::min(rows_for_bfloats(), until);
  if (stage.norm.has_value()) {
    if (rounds && ways_.rounds_norms)
      norm_and_round(*stage.norm, least, until, most, kept);
    else
      make(*stage.norm);
  }
  // Numbers of rows from which on attention is rounded here, if it rounds fewer itself: those of tiles.
  uint32_t tile_rows = 0;
  if (stage.attend.has_value()) {
    const AttendParameters args = parameters_of(*stage.attend);
    if (rounds && least == 0 && ways_.rounds_norms && attends_by_row(args)) tile_rows = rows_for_attend_tiles(args);
    attend(*stage.attend, tile_rows == 0 ? 0 : bfloats, kept);
  }
  if (rounds && !(stage.norm.has_value() && ways_.rounds_norms)) {
    Product product{};
    product.in = slot(stage.in);
    MatmulParameters args{};
    args.in = product.in;
    args.width = args.in_stride = width(stage.in);
    MatmulParameters args_of_bfloats = args;
    if (tile_rows == 0) {
      round_inputs(product, args, Rounded::bytes, least, bfloats - 1);
    } else if (tile_rows <= limits_.rows) {
      Step& of_tiles = *round_inputs(product, args, Rounded::bytes, tile_rows, bfloats - 1);
      of_tiles.cut = Cut::tiles;
      of_tiles.tile_rows = tile_rows;
    }
    if (bfloats < until && bfloats <= limits_.rows) round_inputs(product, args_of_bfloats, most, bfloats, until - 1);
  }
  if (rounds) rounded_ = slot(stage.in);
  in_stage_ = true;
  for (const Products::Part& part : stage.parts) std::visit([this](const auto& op) { make(op); }, part);
  rounded_ = halved_ = 0;
  in_stage_ = false;
  beside_experts_ = beside_tiles_ = false;
}

uint32_t Compiler::rows_for_rounding(WeightId id, uint32_t tiles, bool routed) const {
  if (!ways_.rounds || format_info(weight(id).format).block_size == 1) return UINT32_MAX;
  if (machine_.about().rounds_few && ways_.rounds_few) return 0;
  return has_matrices(id, routed) ? UINT32_MAX : tiles;
}

uint32_t Compiler::rows_for_bfloats() const {
  return machine_.about().has_bfloats && !limits_.deterministic && !beside_experts_ ? kRowsForBfloats : UINT32_MAX;
}

Compiler::Rounded Compiler::order_of_most(WeightId id) const {
  return machine_.about().has_groups && is_usual(weight(id)) && weight(id).width % kGroupWidth == 0 && !beside_tiles_
             ? Rounded::slices
             : Rounded::bfloats;
}

Address Compiler::rounded_rows_of(uint64_t words) {
  const uint64_t rows = (uint64_t{limits_.rows} + kTogether - 1) / kTogether * kTogether;
  return scratch_of(Scratch::rounded, rows * words * sizeof(uint32_t));
}

Compiler::Copied Compiler::copied_inputs(const Product& product, MatmulParameters& args, uint32_t words) const {
  const bool routed = product.route != 0;
  const uint32_t between = routed ? 0 : args.in_matrix_stride;  // of the inputs of two matrices
  Copied copied{.parameters = {}, .inputs = between == 0 ? 1 : product.matrices};
  RoundInputsParameters& copy = copied.parameters;
  copy.in = args.in;
  copy.batch = places_.batch;
  copy.width = args.width;
  copy.in_stride = args.in_stride;
  copy.in_matrix_stride = between;
  copy.out_matrix_stride = words;
  copy.out_stride = copied.inputs * words;
  copy.rows_at = rows_at();
  copy.rows_each = product.in_of_pairs ? product.used : 1;
  args.in_stride = copy.out_stride;
  if (between != 0) args.in_matrix_stride = words;
  return copied;
}

bool Compiler::has_matrices(WeightId id, bool routed) const {
  return ways_.matrices && machine_.about().matrix_threads != 0 && !routed && rows_for_tiles() <= limits_.rows &&
         weight(id).format != Format::f32;
}

void Compiler::halve_inputs(const Product& product, MatmulParameters& args, uint32_t least) {
  auto [halve, inputs] = copied_inputs(product, args, half_words(args.width));
  args.in = halve.out = scratch_of(Scratch::halves, uint64_t{limits_.rows} * halve.out_stride * sizeof(uint32_t));
  if (halved_ != 0 && halved_ == halve.in) return;
  halved_ = in_stage_ ? halve.in : 0;
  const Address from = product.in_buffer == 0 ? product.in : product.in_buffer;
  Step& halving = steps_.add("halve_inputs", halve, {{from}, {halve.out}});
  halving.least = least;
  for_rows(halving, 1, inputs);
}

Step* Compiler::round_inputs(const Product& product, MatmulParameters& args, Rounded to, uint32_t least,
                             uint32_t most) {
  auto [round, inputs] =
      copied_inputs(product, args, to == Rounded::bytes ? rounded_words(args.width) : bfloat_words(args.width));
  args.in = round.out = rounded_rows_of(uint64_t{round.rows_each} * round.out_stride);
  if (rounded_ != 0 && rounded_ == round.in) return nullptr;
  rounded_ = 0;
  const Address from = product.in_buffer == 0 ? product.in : product.in_buffer;
  Step& rounding = steps_.add("round_inputs", round, {{from}, {round.out}});
  rounding.constants = {static_cast<uint32_t>(to)};
  rounding.least = least;
  rounding.most = most;
  for_rows(rounding, pieces_of(round.width, 512), inputs).y_times = round.rows_each;
  return &rounding;
}

}  // namespace hearth::gpu
