// The ops that multiply by no matrix.
#include "backends/vulkan/compiler.h"

#include <algorithm>

#include "kernels/vulkan/row_parameters.h"

namespace hearth::vulkan {
namespace {

constexpr uint32_t groups_of(uint64_t count, uint32_t threads) {
  return static_cast<uint32_t>((count + threads - 1) / threads);
}
uint32_t rounded_up(uint32_t count, uint32_t unit) { return (count + unit - 1) / unit * unit; }

}  // namespace

Compiler::Compiler(const Program& program, const Limits& limits, Gpu& gpu, Weights& weights, const Places& places,
                   bool adapters, bool rounds)
    : program_(program),
      limits_(limits),
      gpu_(gpu),
      weights_(weights),
      places_(places),
      adapters_(adapters),
      rounds_(rounds) {}

Compiled Compiler::run() {
  prepare_states();
  for (const Op& op : program_.ops) std::visit([this](const auto& one) { make(one); }, op);
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
  if (selected_) throw DeviceError(std::string("vulkan: ") + op + " after some rows were selected");
}

void Compiler::require_shared(uint64_t bytes, const char* what) const {
  if (bytes > gpu_.about().limits.maxComputeSharedMemorySize)
    throw DeviceError(std::string("vulkan: ") + what + " of this size do not fit the shared memory of " +
                      gpu_.about().name);
}

void Compiler::prepare_states() {
  for (StateId id = 0; id < program_.state_width.size(); ++id) {
    const StatesParameters push{places_.states[id], places_.batch, program_.state_width[id]};
    steps_.add("states", push, {{}, {places_.states[id]}}).x = groups_of(program_.state_width[id], 256);
  }
}

void Compiler::make(const Embed& op) {
  require_all_rows("an embedding");
  const auto add = [&](WeightId table, HeaderWord::Word index_at, Address before, Address bias, float scale) {
    EmbedParameters push{};
    push.table = weights_.matrix(weight(table));
    push.add = before;
    push.bias = bias;
    push.out = slot(op.out);
    push.batch = places_.batch;
    push.decode_tables = weights_.decode_tables();
    push.width = push.out_stride = width(op.out);
    push.table_rows = static_cast<uint32_t>(weight(table).rows);
    push.index_at = index_at;
    push.scale = scale;
    Step& step =
        steps_.add("embed/" + std::string(format_info(weight(table).format).name), push, {{before}, {slot(op.out)}});
    for_rows(step, groups_of(width(op.out), 8 * 64));
  };
  add(op.table, HeaderWord::tokens, 0, floats(op.bias), op.scale);
  if (op.positions != kNoWeight) add(op.positions, HeaderWord::positions, slot(op.out), 0, 1);
  if (!adapters_) return;
  for (const Change& change : program_.embedding_changes) {
    AdapterEmbedParameters push{};
    push.down = weights_.floats(change.down);
    push.up = weights_.floats(change.up);
    push.out = slot(op.out);
    push.batch = places_.batch;
    push.width = width(op.out);
    push.rank = static_cast<uint32_t>(change.up.width);
    push.adapters = program_.adapters;
    push.adapter = change.adapter;
    push.factor = change.factor * op.scale;
    for_rows(steps_.add("adapter_embed", push, {{}, {push.out}}), groups_of(push.width, 64));
  }
}

void Compiler::norm(Slot in, Slot out, WeightId gain, WeightId bias, float eps, Slot add, bool centered) {
  NormParameters push{};
  push.in = slot(in);
  push.out = slot(out);
  push.gain = floats(gain);
  push.bias = floats(bias);
  push.add = slot(add);
  push.batch = places_.batch;
  push.width = width(in);
  push.run = static_cast<uint32_t>(weight(gain).width);
  push.gain_rows = static_cast<uint32_t>(weight(gain).rows);
  push.rows_at = rows_at();
  push.eps = eps;
  Step& step = steps_.add("norm", push, {{push.in, push.add}, {push.out}});
  step.constants = {centered ? 1u : 0u};
  for_rows(step, groups_of(push.width, push.run));
}

void Compiler::make(const RmsNorm& op) { norm(op.in, op.out, op.gain, kNoWeight, op.eps, op.add, false); }
void Compiler::make(const LayerNorm& op) { norm(op.in, op.out, op.gain, op.bias, op.eps, kNoSlot, true); }

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
  for_rows(step, groups_of(limits_.kv_type == KvType::q8_0 ? widest / 32 : widest, 64), op.v == kNoSlot ? 1 : 2);
}

void Compiler::make(const Attend& op) {
  require_all_rows("attention");
  AttendParameters push{};
  push.q = slot(op.q);
  push.out = slot(op.out);
  push.keys = places_.keys[op.layer];
  push.values = program_.value_width == 0 ? push.keys : places_.values[op.layer];
  push.sinks = floats(op.sinks);
  push.batch = places_.batch;
  push.heads = width(op.q) / op.head_size;
  push.kv_heads = op.kv_heads;
  push.head_size = op.head_size;
  push.value_size = op.value_size == 0 ? op.head_size : op.value_size;
  push.key_width = program_.key_width;
  push.value_width = program_.value_width == 0 ? program_.key_width : program_.value_width;
  push.page_size = limits_.page_size;
  push.window = op.window;
  push.causal = op.causal ? 1 : 0;
  push.scale = op.scale;
  push.softcap = op.softcap;
  Step& step = steps_.add("attend", push, {{push.q, push.keys, push.values}, {push.out}});
  const uint32_t room = rounded_up(op.head_size, 64);
  require_shared(kAttendShared + room * sizeof(float), "heads");
  step.constants = {static_cast<uint32_t>(limits_.kv_type), room, groups_of(push.value_size, kAttendThreads)};
  for_rows(step, push.heads);
}

void Compiler::make(const Convolve& op) {
  require_all_rows("a convolution");
  ConvolveParameters push{};
  push.in = slot(op.in);
  push.out = slot(op.out);
  push.kernel = floats(op.kernel);
  push.states = places_.states[op.state];
  push.batch = places_.batch;
  push.channels = width(op.in);
  push.act = static_cast<uint32_t>(op.act);
  Step& step = steps_.add("convolve", push, {{push.in}, {push.out, push.states}});
  step.constants = {static_cast<uint32_t>(weight(op.kernel).width - 1)};
  for_rows(step, groups_of(push.channels, 64));
}

void Compiler::make(const DeltaRule& op) {
  require_all_rows("a delta rule");
  DeltaRuleParameters push{};
  push.in = slot(op.in);
  push.decay = slot(op.decay);
  push.beta = slot(op.beta);
  push.out = slot(op.out);
  push.rate = floats(op.rate);
  push.decay_bias = floats(op.decay_bias);
  push.states = places_.states[op.state];
  push.batch = places_.batch;
  push.key_heads = op.key_heads;
  push.heads = op.heads;
  push.key_size = op.key_size;
  push.value_size = op.value_size;
  push.cyclic = op.cyclic ? 1 : 0;
  push.eps = op.eps;
  Step& step = steps_.add("delta_rule", push, {{push.in, push.decay, push.beta}, {push.out, push.states}});
  const uint32_t room = rounded_up(op.key_size, 64);
  require_shared(kDeltaRuleShared + 2 * room * sizeof(float), "heads");
  step.constants = {room};
  for_rows(step, groups_of(push.value_size, 64), op.heads);
}

void Compiler::gate(Address gate, Address in, Address out, uint32_t width, Activation act) {
  const GateParameters push{gate, in, out, places_.batch, width, rows_at(), static_cast<uint32_t>(act)};
  for_rows(steps_.add("gate", push, {{gate, in}, {out}}), groups_of(width, 64));
}

void Compiler::make(const Gate& op) { gate(slot(op.gate), slot(op.in), slot(op.out), width(op.out), op.act); }

void Compiler::copy_rows(Address from, Address to, uint32_t width) {
  const CopyHeadsParameters push{from, to, places_.batch, width, 0, width, 0, width, rows_at()};
  for_rows(steps_.add("copy_heads", push, {{from}, {to}}), groups_of(width, 64));
}

void Compiler::make(const Select& op) {
  require_all_rows("a selection");
  selected_ = true;
  const uint32_t count = width(op.out);
  const Address out = op.in == op.out ? scratch(Scratch::whole, count) : slot(op.out);
  const CopyHeadsParameters push{slot(op.in), out, places_.batch, count, 0, count, 0, count, rows_at()};
  Step& step = steps_.add("copy_heads", push, {{push.in}, {out}});
  step.constants = {1};
  for_rows(step, groups_of(count, 64));
  if (op.in == op.out) copy_rows(out, slot(op.out), count);
}

void Compiler::make(const Logits& op) {
  const LogitsParameters push{slot(op.in), places_.result, places_.batch, width(op.in), rows_at(), op.softcap};
  for_rows(steps_.add("logits", push, {{push.in}, {push.out}}), groups_of(push.width, 256));
}

}  // namespace hearth::vulkan
