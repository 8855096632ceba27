// The ops that multiply by no matrix.
#include "backends/gpu/compiler.h"

#include <algorithm>

#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

static_assert(kMostCandidates <= kMostChosen);

uint32_t rounded_up(uint32_t count, uint32_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace

Compiler::Compiler(const Program& program, const Limits& limits, Machine& machine, Weights& weights,
                   const Places& places, bool adapters, Ways ways)
    : program_(program),
      limits_(limits),
      machine_(machine),
      weights_(weights),
      places_(places),
      adapters_(adapters),
      ways_(ways) {}

Compiled Compiler::run() {
  prepare_states();
  for (const Stage& stage : fuse(program_)) std::visit([this](const auto& one) { make(one); }, stage);
  return {steps_.take(), scratch_bytes_};
}

Address Compiler::scratch_of(Scratch which, uint64_t bytes) {
  uint64_t& most = scratch_bytes_[static_cast<size_t>(which)];
  most = std::max(most, bytes);
  return places_.scratch[static_cast<size_t>(which)];
}

Address Compiler::scratch(Scratch which, uint64_t row_values) {
  return scratch_of(which, limits_.rows * row_values * sizeof(float));
}

Step& Compiler::for_rows(Step& step, uint32_t x, uint32_t z) const {
  step.x = x;
  step.z = z;
  step.follows = selected_ ? Follows::outputs : Follows::rows;
  return step;
}

void Compiler::require_all_rows(const char* op) const {
  if (selected_) throw DeviceError(machine_.about().backend + ": " + op + " after some rows were selected");
}

void Compiler::require_shared(uint64_t bytes, const char* what) const {
  if (bytes > machine_.about().shared_bytes)
    throw DeviceError(machine_.about().backend + ": " + what + " of this size do not fit the shared memory of " +
                      machine_.about().name);
}

void Compiler::require_blocks(const Weight& one, uint32_t matrices) const {
  const uint64_t blocks = one.rows * (one.width / format_info(one.format).block_size);
  if (blocks > UINT32_MAX || matrices > UINT16_MAX)
    throw DeviceError(machine_.about().backend + ": " + one.name +
                      " has more blocks or matrices than kernels can count");
}

void Compiler::prepare_states() {
  for (StateId id = 0; id < program_.state_width.size(); ++id) {
    const StatesParameters args{places_.states[id], places_.batch, program_.state_width[id]};
    steps_.add("states", args, {{}, {places_.states[id]}}).x = pieces_of(program_.state_width[id], 256);
  }
}

void Compiler::make(const Embed& op) {
  require_all_rows("an embedding");
  const auto add = [&](WeightId table, HeaderWord::Word index_at, Address before, Address bias, float scale) {
    require_blocks(weight(table), 1);
    EmbedParameters args{};
    args.table = weights_.matrix(weight(table));
    args.add = before;
    args.bias = bias;
    args.out = slot(op.out);
    args.batch = places_.batch;
    args.decode_tables = weights_.decode_tables();
    args.width = args.out_stride = width(op.out);
    args.table_rows = static_cast<uint32_t>(weight(table).rows);
    args.index_at = index_at;
    args.scale = scale;
    Step& step =
        steps_.add("embed/" + std::string(format_info(weight(table).format).name), args, {{before}, {slot(op.out)}});
    for_rows(step, pieces_of(width(op.out), 8 * 64));
  };
  add(op.table, HeaderWord::tokens, 0, floats(op.bias), op.scale);
  if (op.positions != kNoWeight) add(op.positions, HeaderWord::positions, slot(op.out), 0, 1);
  if (!adapters_) return;
  for (const Change& change : program_.embedding_changes) {
    AdapterEmbedParameters args{};
    args.down = weights_.floats(change.down);
    args.up = weights_.floats(change.up);
    args.out = slot(op.out);
    args.batch = places_.batch;
    args.width = width(op.out);
    args.rank = static_cast<uint32_t>(change.up.width);
    args.adapters = program_.adapters;
    args.adapter = change.adapter;
    args.factor = change.factor * op.scale;
    for_rows(steps_.add("adapter_embed", args, {{}, {args.out}}), pieces_of(args.width, 64));
  }
}

void Compiler::make(const RopeKv& op) {
  require_all_rows("keys");
  RopeParameters rope{};
  for (RopeTableId t = 0; t < program_.rope_tables.size(); ++t) {
    const auto pairs = static_cast<uint32_t>(program_.rope_tables[t].frequency.size());
    if (t < op.table) rope.first_pair += pairs;
    if (t == op.table) rope.pairs = pairs;
    rope.row_pairs += pairs;
  }
  rope.q = slot(op.q);
  rope.k = slot(op.k);
  rope.batch = places_.batch;
  rope.q_heads = width(op.q) / op.head_size;
  rope.k_heads = width(op.k) / op.head_size;
  rope.head_size = op.head_size;
  rope.first = op.first;
  rope.adjacent = op.style == RopeStyle::adjacent ? 1 : 0;
  rope.temperature = op.temperature;
  rope.temperature_span = op.temperature_span;
  const uint32_t value_width = op.v == kNoSlot ? 0 : program_.value_width;
  if (machine_.about().turns_and_stores && can_rope_store(op.head_size, rope.pairs, value_width)) {
    const RopeStoreParameters args{rope.q,
                                   rope.k,
                                   slot(op.v),
                                   places_.keys[op.layer],
                                   places_.values[op.layer],
                                   places_.batch,
                                   rope.q_heads,
                                   op.head_size,
                                   program_.key_width,
                                   value_width,
                                   limits_.page_size,
                                   rope.row_pairs,
                                   rope.first_pair,
                                   rope.adjacent,
                                   op.temperature,
                                   op.temperature_span};
    Step& step = steps_.add("rope_store", args, {{args.v}, {args.q, args.k, args.keys, args.values}});
    step.constants = {static_cast<uint32_t>(limits_.kv_type)};
    for_rows(step, pieces_of(width(op.q) + args.key_width + value_width, 8 * kRopeStoreThreads));
    return;
  }
  if (rope.pairs > 0 || rope.temperature != 0)
    for_rows(steps_.add("rope", rope, {{}, {rope.q, rope.k}}), rope.q_heads + rope.k_heads);
  StoreParameters store{};
  store.k = slot(op.k);
  store.v = slot(op.v);
  store.keys = places_.keys[op.layer];
  store.values = places_.values[op.layer];
  store.batch = places_.batch;
  store.key_width = program_.key_width;
  store.value_width = program_.value_width;
  store.page_size = limits_.page_size;
  const uint32_t widest = std::max(program_.key_width, program_.value_width);
  Step& step = steps_.add("store", store, {{store.k, store.v}, {store.keys, store.values}});
  step.constants = {static_cast<uint32_t>(limits_.kv_type)};
  for_rows(step, pieces_of(limits_.kv_type == KvType::q8_0 ? widest / 32 : widest, 64), op.v == kNoSlot ? 1 : 2);
}

void Compiler::make(const Convolve& op) {
  require_all_rows("a convolution");
  ConvolveParameters args{};
  args.in = slot(op.in);
  args.out = slot(op.out);
  args.kernel = floats(op.kernel);
  args.states = places_.states[op.state];
  args.batch = places_.batch;
  args.channels = width(op.in);
  args.act = static_cast<uint32_t>(op.act);
  Step& step = steps_.add("convolve", args, {{args.in}, {args.out, args.states}});
  step.constants = {static_cast<uint32_t>(weight(op.kernel).width - 1)};
  for_rows(step, pieces_of(args.channels, 64));
}

void Compiler::make(const DeltaRule& op) {
  require_all_rows("a delta rule");
  DeltaRuleParameters args{};
  args.in = slot(op.in);
  args.decay = slot(op.decay);
  args.beta = slot(op.beta);
  args.out = slot(op.out);
  args.rate = floats(op.rate);
  args.decay_bias = floats(op.decay_bias);
  args.states = places_.states[op.state];
  args.batch = places_.batch;
  args.key_heads = op.key_heads;
  args.heads = op.heads;
  args.key_size = op.key_size;
  args.value_size = op.value_size;
  args.cyclic = op.cyclic ? 1 : 0;
  args.eps = op.eps;
  Step& step = steps_.add("delta_rule", args, {{args.in, args.decay, args.beta}, {args.out, args.states}});
  const uint32_t room = rounded_up(op.key_size, 64);
  require_shared(kDeltaRuleShared + 2 * room * sizeof(float), "heads");
  step.constants = {room};
  for_rows(step, pieces_of(args.value_size, 64), op.heads);
}

void Compiler::gate(Address gate, Address in, Address out, uint32_t width, Activation act) {
  const GateParameters args{gate, in, out, places_.batch, width, rows_at(), static_cast<uint32_t>(act)};
  for_rows(steps_.add("gate", args, {{gate, in}, {out}}), pieces_of(width, 64));
}

void Compiler::make(const Gate& op) { gate(slot(op.gate), slot(op.in), slot(op.out), width(op.out), op.act); }

void Compiler::copy_rows(Address from, Address to, uint32_t width) {
  const CopyHeadsParameters args{from, to, places_.batch, width, 0, width, 0, width, rows_at()};
  for_rows(steps_.add("copy_heads", args, {{from}, {to}}), pieces_of(width, 64));
}

void Compiler::make(const Select& op) {
  require_all_rows("a selection");
  selected_ = true;
  const uint32_t count = width(op.out);
  const Address out = op.in == op.out ? scratch(Scratch::whole, count) : slot(op.out);
  const CopyHeadsParameters args{slot(op.in), out, places_.batch, count, 0, count, 0, count, rows_at()};
  Step& step = steps_.add("copy_heads", args, {{args.in}, {out}});
  step.constants = {1};
  for_rows(step, pieces_of(count, 64));
  if (op.in == op.out) copy_rows(out, slot(op.out), count);
}

void Compiler::make(const Logits& op) {
  const LogitsParameters args{slot(op.in), places_.result, places_.batch, width(op.in), op.softcap};
  Step& whole = steps_.add("logits", args, {{args.in}, {args.out}});
  whole.x = pieces_of(args.width, 256);
  whole.follows = Follows::whole;
  if (!selected_) return;
  const uint32_t chunks = candidate_chunks(args.width);
  const CandidatesParameters of_chunks{args.in, places_.pairs, args.batch, args.width, op.softcap};
  Step& each = steps_.add("candidates", of_chunks, {{args.in}, {of_chunks.pairs}});
  each.x = chunks;
  each.follows = Follows::chosen;
  const BestCandidatesParameters of_rows{of_chunks.pairs, places_.candidates, args.batch, chunks};
  steps_.add("best_candidates", of_rows, {{of_rows.pairs}, {of_rows.out}}).follows = Follows::chosen;
}

}  // namespace hearth::gpu
