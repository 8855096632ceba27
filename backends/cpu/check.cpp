// One check per op.
#include "backends/cpu/check.h"

#include <string>

namespace hearth::cpu {
namespace {

class Checker {
 public:
  Checker(const Program& program, const Limits& limits) : program_(program), limits_(limits) {}

  void run() {
    require(limits_.rows > 0, "limits: rows is 0");
    require(program_.layers == 0 || limits_.page_size > 0, "limits: page_size is 0");
    require(limits_.kv_type != KvType::q8_0 || program_.kv_width % 32 == 0,
            "a q8_0 cache needs keys of a multiple of 32 values");
    for (const uint32_t width : program_.slot_width) require(width > 0, "a slot has no width");
    for (size_t i = 0; i < program_.ops.size(); ++i) {
      where_ = "op " + std::to_string(i) + ": ";
      std::visit([this](const auto& op) { check(op); }, program_.ops[i]);
    }
  }

 private:
  void require(bool holds, const std::string& what) const {
    if (!holds) throw DeviceError("cpu: " + where_ + what);
  }
  uint32_t width(Slot slot) const {
    require(slot < program_.slot_width.size(), "a slot does not exist");
    return program_.slot_width[slot];
  }
  const Weight& weight(WeightId id) const {
    require(id < program_.weights.size(), "a weight does not exist");
    const Weight& weight = program_.weights[id];
    const FormatInfo* info = find_format(static_cast<uint32_t>(weight.format));
    require(info != nullptr, weight.name + " has an unknown format");
    require(weight.width > 0 && weight.width <= UINT32_MAX && weight.width % info->block_size == 0,
            weight.name + " has a width that its format cannot have");
    const uint64_t row_bytes = weight.width / info->block_size * info->block_bytes;
    require(weight.rows > 0 && weight.rows <= UINT32_MAX && weight.rows <= weight.bytes.size() / row_bytes,
            weight.name + " has fewer bytes than its rows need");
    return weight;
  }
  void matrix(WeightId id, uint64_t rows, uint64_t columns) const {
    const Weight& one = weight(id);
    require(one.rows == rows && one.width == columns, one.name + " does not fit the slots beside it");
  }
  void vector(WeightId id, uint64_t count) const {
    const Weight& one = weight(id);
    require(one.width == count, one.name + " does not fit the slot beside it");
  }

  void check(const Embed& op) const {
    require(weight(op.table).width == width(op.out), "the table does not fit the slot");
    require(weight(op.table).rows >= program_.vocabulary, "the table is smaller than the vocabulary");
  }
  void check(const RmsNorm& op) const {
    require(width(op.in) == width(op.out), "slots of different widths");
    vector(op.gain, width(op.in));
  }
  void check(const Linear& op) const {
    matrix(op.weight, width(op.out), width(op.in));
    if (op.bias != kNoWeight) vector(op.bias, width(op.out));
    if (op.add != kNoSlot) require(width(op.add) == width(op.out), "slots of different widths");
  }
  void check(const GateUp& op) const {
    matrix(op.gate, width(op.out), width(op.in));
    matrix(op.up, width(op.out), width(op.in));
  }
  void check(const RopeKv& op) const {
    require(op.layer < program_.layers, "a layer does not exist");
    require(op.table < program_.rope_tables.size(), "a rope table does not exist");
    require(width(op.k) == program_.kv_width && width(op.v) == program_.kv_width, "keys do not fit the cache");
    require(op.head_size > 0 && width(op.q) % op.head_size == 0 && width(op.k) % op.head_size == 0,
            "the head size does not divide the slots");
    require(program_.rope_tables[op.table].frequency.size() <= op.head_size / 2, "more rope pairs than a head has");
  }
  void check(const Attend& op) const {
    require(op.layer < program_.layers, "a layer does not exist");
    require(width(op.q) == width(op.out), "slots of different widths");
    require(op.head_size > 0 && op.head_size <= 4096 && width(op.q) % op.head_size == 0,
            "the head size does not divide");
    require(op.kv_heads > 0 && uint64_t{op.kv_heads} * op.head_size == program_.kv_width, "heads do not fit the cache");
    require(width(op.q) / op.head_size % op.kv_heads == 0, "heads of q cannot share those of k evenly");
  }
  void check(const Route& op) const {
    const Weight& router = weight(op.router);
    require(router.width == width(op.in), "the router does not fit its slot");
    require(op.used > 0 && op.used <= router.rows && width(op.out) == 2u * op.used, "too many experts are used");
  }
  void check(const Experts& op) const {
    const Weight& gate = weight(op.gate);
    require(op.count > 0 && gate.rows % op.count == 0, "rows of experts do not divide");
    const uint64_t hidden = gate.rows / op.count;
    matrix(op.gate, hidden * op.count, width(op.in));
    matrix(op.up, hidden * op.count, width(op.in));
    matrix(op.down, uint64_t{width(op.out)} * op.count, hidden);
    require(op.used > 0 && op.used <= op.count && width(op.route) == 2u * op.used, "the route does not fit");
    if (op.add != kNoSlot) require(width(op.add) == width(op.out), "slots of different widths");
    require(op.out != op.route, "experts cannot write where they read");
  }
  void check(const Select& op) const { require(width(op.in) == width(op.out), "slots of different widths"); }
  void check(const Logits& op) const { (void)width(op.in); }

  const Program& program_;
  const Limits& limits_;
  std::string where_;
};

}  // namespace

void check_program(const Program& program, const Limits& limits) { Checker(program, limits).run(); }

}  // namespace hearth::cpu
