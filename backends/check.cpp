// One check per op.
#include "backends/check.h"

#include <string>

namespace hearth {
namespace {

class Checker {
 public:
  Checker(const Program& program, const Limits& limits, const char* device)
      : program_(program), limits_(limits), device_(device) {}

  void run() {
    require(limits_.rows > 0, "limits: rows is 0");
    require(program_.layers == 0 || limits_.page_size > 0, "limits: page_size is 0");
    require(limits_.kv_type != KvType::q8_0 || (program_.key_width % 32 == 0 && program_.value_width % 32 == 0),
            "a q8_0 cache needs keys of a multiple of 32 values");
    require(program_.state_width.empty() || limits_.states > 0, "limits: states is 0");
    for (const uint32_t width : program_.slot_width) require(width > 0, "a slot has no width");
    for (size_t id = 0; id < program_.changes.size(); ++id)
      for (const Change& change : program_.changes[id])
        changed(change, weight(static_cast<WeightId>(id)).width, program_.weights[id].rows);
    for (size_t i = 0; i < program_.ops.size(); ++i) {
      where_ = "op " + std::to_string(i) + ": ";
      std::visit([this](const auto& op) { check(op); }, program_.ops[i]);
      require(i == 0 || !std::holds_alternative<Receive>(program_.ops[i]), "rows are received after other ops");
    }
  }

 private:
  void require(bool holds, const std::string& what) const {
    if (!holds) throw DeviceError(std::string(device_) + ": " + where_ + what);
  }
  uint32_t width(Slot slot) const {
    require(slot < program_.slot_width.size(), "a slot does not exist");
    return program_.slot_width[slot];
  }
  const Weight& weight(WeightId id) const {
    require(id < program_.weights.size(), "a weight does not exist");
    return sound(program_.weights[id]);
  }
  const Weight& sound(const Weight& weight) const {
    const FormatInfo* info = find_format(static_cast<uint32_t>(weight.format));
    require(info != nullptr, weight.name + " has an unknown format");
    require(weight.width > 0 && weight.width <= UINT32_MAX && weight.width % info->block_size == 0,
            weight.name + " has a width that its format cannot have");
    const uint64_t row_bytes = weight.width / info->block_size * info->block_bytes;
    require(weight.rows > 0 && weight.rows <= UINT32_MAX && weight.rows <= weight.bytes.size() / row_bytes,
            weight.name + " has fewer bytes than its rows need");
    require(weight.scales.empty() || weight.rows % weight.scales.size() == 0, weight.name + " has scales of no matrix");
    return weight;
  }
  // Of a weight [rows x width].
  void changed(const Change& change, uint64_t width, uint64_t rows) const {
    const Weight& down = sound(change.down);
    const Weight& up = sound(change.up);
    require(change.adapter < program_.adapters, "an adapter does not exist");
    for (const Weight* one : {&down, &up})
      require(format_info(one->format).block_size == 1, one->name + " is not made of floats");
    require(down.width == width && up.rows == rows && down.rows % up.width == 0, up.name + " does not fit its weight");
  }
  void matrix(WeightId id, uint64_t rows, uint64_t columns, uint64_t count = 1) const {
    const Weight& one = weight(id);
    require(one.rows == rows * count && one.width == columns, one.name + " does not fit the slots beside it");
    require(count % std::max<size_t>(1, one.scales.size()) == 0, one.name + " has another number of scales");
    for (const Change& change : program_.changes_of(id))
      require(change.down.rows == change.up.width * count, change.down.name + " has another number of matrices");
  }
  void unchanged(WeightId id) const {
    require(program_.changes_of(id).empty(), program_.weights[id].name + " cannot be changed by adapters");
  }
  void unscaled(const Weight& one) const { require(one.scales.empty(), one.name + " has scales, but no products"); }
  // One row of values for each of the slot; absent is all right.
  void vector(WeightId id, uint64_t count, uint64_t rows = 1) const {
    if (id == kNoWeight) return;
    const Weight& one = weight(id);
    require(one.width == count && one.rows >= rows, one.name + " does not fit the slot beside it");
    unchanged(id);
    unscaled(one);
  }
  void added(Slot add, Slot out) const {
    if (add != kNoSlot) require(width(add) == width(out), "slots of different widths");
  }
  void gain(WeightId id, WeightId bias, Slot in, Slot out) const {
    require(width(in) == width(out), "slots of different widths");
    const Weight& one = weight(id);
    const uint64_t runs = width(in) / one.width;
    require(runs > 0 && (one.rows == 1 || one.rows == runs), one.name + " does not fit the slot beside it");
    unchanged(id);
    vector(bias, one.width);
  }
  void layer(uint32_t number) const { require(number < program_.layers, "a layer does not exist"); }
  // A head of `size` elements, of which the slot is made.
  void head(Slot slot, uint32_t size) const {
    require(size > 0 && size <= 4096 && width(slot) % size == 0, "the head size does not divide the slots");
  }

  void check(const Embed& op) const {
    require(weight(op.table).width == width(op.out), "the table does not fit the slot");
    require(weight(op.table).rows >= program_.vocabulary, "the table is smaller than the vocabulary");
    unscaled(weight(op.table));
    vector(op.positions, width(op.out), program_.positions);
    require(op.positions == kNoWeight || program_.positions > 0, "the number of positions is not stated");
    vector(op.bias, width(op.out));
    for (const Change& change : program_.embedding_changes) {
      // Rows of down are those of tokens.
      require(sound(change.down).width == sound(change.up).width, change.down.name + " does not fit what follows it");
      require(change.down.rows >= program_.vocabulary && change.up.rows == width(op.out) &&
                  change.adapter < program_.adapters && format_info(change.up.format).block_size == 1,
              change.up.name + " does not fit the table");
    }
  }
  void check(const RmsNorm& op) const {
    gain(op.gain, kNoWeight, op.in, op.out);
    added(op.add, op.out);
  }
  void check(const LayerNorm& op) const { gain(op.gain, op.bias, op.in, op.out); }
  void check(const Linear& op) const {
    matrix(op.weight, width(op.out), width(op.in));
    vector(op.bias, width(op.out));
    added(op.add, op.out);
    require(op.act != Activation::clamped, "an activation of two values has one");
    if (op.times != kNoSlot) require(width(op.times) == 1 && op.times != op.out, "a factor is not one value");
  }
  void gated(Activation act) const {
    require(act == Activation::silu || act == Activation::gelu || act == Activation::clamped,
            "an activation that gates nothing");
  }
  void check(const GateUp& op) const {
    matrix(op.gate, width(op.out), width(op.in));
    matrix(op.up, width(op.out), width(op.in));
    vector(op.gate_bias, width(op.out));
    vector(op.up_bias, width(op.out));
    gated(op.act);
  }
  void check(const EachHead& op) const {
    require(op.heads > 0 && op.in_count > 0 && op.out_count > 0 && op.in != op.out, "heads without values");
    const auto fits = [&](Slot slot, uint32_t first, uint32_t stride, uint32_t count) {
      require(uint64_t{op.heads - 1} * stride + first + count <= width(slot), "heads do not fit the slots");
    };
    fits(op.in, op.in_first, op.in_stride, op.in_count);
    fits(op.out, op.out_first, op.out_stride, op.out_count);
    require(op.heads == 1 || op.out_stride >= op.out_count, "heads write the same values");
    if (op.weight == kNoWeight) {
      require(op.in_count == op.out_count, "heads do not fit the slots");
    } else {
      matrix(op.weight, uint64_t{op.heads} * op.out_count, op.in_count);
      unchanged(op.weight);
    }
  }
  void check(const RopeKv& op) const {
    layer(op.layer);
    require(op.table < program_.rope_tables.size(), "a rope table does not exist");
    require(width(op.k) == program_.key_width, "keys do not fit the cache");
    require((op.v == kNoSlot ? 0 : width(op.v)) == program_.value_width, "values do not fit the cache");
    head(op.q, op.head_size);
    head(op.k, op.head_size);
    require(uint64_t{op.first} + 2 * program_.rope_tables[op.table].frequency.size() <= op.head_size,
            "more rope pairs than a head has");
    require(op.temperature == 0 || op.temperature_span > 0, "a temperature without a span");
  }
  void check(const Attend& op) const {
    layer(op.layer);
    head(op.q, op.head_size);
    const uint32_t value_size = op.value_size == 0 ? op.head_size : op.value_size, heads = width(op.q) / op.head_size;
    head(op.out, value_size);
    require(width(op.out) / value_size == heads, "slots of different widths");
    require(op.kv_heads > 0 && uint64_t{op.kv_heads} * op.head_size == program_.key_width,
            "heads do not fit the cache");
    if (program_.value_width == 0) {
      require(op.kv_heads == 1 && value_size <= op.head_size, "values are not the beginning of the keys");
    } else {
      require(uint64_t{op.kv_heads} * value_size == program_.value_width, "heads do not fit the cache");
    }
    require(heads % op.kv_heads == 0, "heads of q cannot share those of k evenly");
    require(op.causal || op.window == 0, "a window without an order");
    vector(op.sinks, heads);
  }
  void state(StateId id, uint64_t size) const {
    require(id < program_.state_width.size(), "a state does not exist");
    require(program_.state_width[id] == size, "a state has another size");
  }
  void check(const Convolve& op) const {
    require(width(op.in) == width(op.out), "slots of different widths");
    const Weight& kernel = weight(op.kernel);
    require(kernel.rows == width(op.in) && kernel.width >= 2 && kernel.width <= 64, kernel.name + " is no kernel");
    state(op.state, (kernel.width - 1) * width(op.in));
    require(op.act != Activation::clamped, "an activation of two values has one");
  }
  void check(const DeltaRule& op) const {
    require(op.heads > 0 && op.key_heads > 0 && op.heads % op.key_heads == 0, "heads cannot share keys evenly");
    require(op.key_size > 0 && op.key_size <= 4096 && op.value_size > 0 && op.value_size <= 4096, "heads of no size");
    require(width(op.in) == 2 * uint64_t{op.key_heads} * op.key_size + uint64_t{op.heads} * op.value_size &&
                width(op.out) == uint64_t{op.heads} * op.value_size && width(op.decay) == op.heads &&
                width(op.beta) == op.heads,
            "heads do not fit the slots");
    require(op.in != op.out && op.decay != op.out && op.beta != op.out, "a rule cannot write where it reads");
    vector(op.rate, op.heads);
    vector(op.decay_bias, op.heads);
    require(op.rate != kNoWeight && op.decay_bias != kNoWeight, "a rule without a rate");
    state(op.state, uint64_t{op.heads} * op.key_size * op.value_size);
  }
  void check(const Gate& op) const {
    require(width(op.in) == width(op.out) && width(op.gate) == width(op.out), "slots of different widths");
    require(op.act == Activation::silu || op.act == Activation::sigmoid, "an activation that gates nothing");
  }
  void check(const Route& op) const {
    const Weight& router = weight(op.router);
    require(router.width == width(op.in), "the router does not fit its slot");
    matrix(op.router, router.rows, router.width);
    require(op.used > 0 && op.used <= router.rows && width(op.out) == 2u * op.used, "too many experts are used");
    vector(op.bias, router.rows);
    vector(op.selection_bias, router.rows);
    require(op.groups > 0 && router.rows % op.groups == 0 && op.groups_used > 0 && op.groups_used <= op.groups &&
                op.used <= router.rows / op.groups * op.groups_used,
            "groups of experts do not divide");
  }
  void check(const Experts& op) const {
    const Weight& gate = weight(op.gate);
    require(op.count > 0 && gate.rows % op.count == 0, "rows of experts do not divide");
    const uint64_t hidden = gate.rows / op.count;
    matrix(op.gate, hidden, width(op.in), op.count);
    matrix(op.up, hidden, width(op.in), op.count);
    matrix(op.down, width(op.out), hidden, op.count);
    vector(op.gate_bias, hidden, op.count);
    vector(op.up_bias, hidden, op.count);
    vector(op.down_bias, width(op.out), op.count);
    gated(op.act);
    require(op.used > 0 && op.used <= op.count && width(op.route) == 2u * op.used, "the route does not fit");
    added(op.add, op.out);
    require(op.out != op.route, "experts cannot write where they read");
  }
  void check(const Select& op) const { require(width(op.in) == width(op.out), "slots of different widths"); }
  void check(const Logits& op) const { (void)width(op.in); }
  void check(const Send& op) const {
    (void)width(op.in);
    require(&op == std::get_if<Send>(&program_.ops.back()), "rows are sent before other ops");
    for (const Op& one : program_.ops)
      require(!std::holds_alternative<Select>(one), "rows are sent after some were selected");
  }
  void check(const Receive& op) const { (void)width(op.out); }

  const Program& program_;
  const Limits& limits_;
  const char* const device_;
  std::string where_;
};

}  // namespace

void check_program(const Program& program, const Limits& limits, const char* device) {
  Checker(program, limits, device).run();
}

}  // namespace hearth
