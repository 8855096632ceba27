// Compiling, and the frame of a step.
#include "backends/cpu/plan.h"

#include <algorithm>
#include <cmath>

#include "backends/check.h"

namespace hearth::cpu {
namespace {

// [n x width] to [width x n], in place.
void transpose(std::vector<float>& values, uint64_t width) {
  const std::vector<float> rows = values;
  const uint64_t count = rows.size() / width;
  for (uint64_t i = 0; i < rows.size(); ++i) values[i % width * count + i / width] = rows[i];
}

const Program& checked(const Program& program, const Limits& limits) {
  check_program(program, limits, "cpu");
  return program;
}

}  // namespace

CpuPlan::CpuPlan(const Program& program, const Limits& limits, std::shared_ptr<Pool> pool, const KernelTable& kernels,
                 uint64_t worth_sharing)
    : program_(checked(program, limits)),
      limits_(limits),
      pool_(std::move(pool)),
      kernels_(kernels),
      few_columns_(limits.deterministic ? 0 : kernels.few_columns),
      stages_(fuse(program)),
      taken_(kMostShared * stages_.size()),
      worth_sharing_(worth_sharing) {
  allocate();
}

void CpuPlan::allocate() {
  const uint64_t rows = limits_.rows;
  for (const uint32_t slot_width : program_.slot_width) slots_.emplace_back("activations", rows, slot_width);
  vectors_.resize(program_.weights.size());
  const auto decode = [&](WeightId id) {
    if (id == kNoWeight) return;
    const Weight& one = weight(id);
    vectors_[id].resize(one.rows * one.width);
    for (uint64_t i = 0; i < one.rows; ++i) decode_row(one, i, vectors_[id].data() + i * one.width);
  };
  uint64_t input = 1, output = 1, hidden = 0, expert_out = 0, experts = 0, chosen = 0, routed = 0, apart = 0, keys = 0,
           heads = 0;
  size_t scratch = 0;
  for (const Stage& stage : stages_) {
    if (const auto* embed = std::get_if<Embed>(&stage)) {
      decode(embed->bias);
      input = std::max<uint64_t>(input, width(embed->out));
    }
    if (const auto* norm = std::get_if<RmsNorm>(&stage)) {
      decode(norm->gain);
      input = std::max<uint64_t>(input, width(norm->in));
    }
    if (const auto* norm = std::get_if<LayerNorm>(&stage)) {
      decode(norm->gain);
      decode(norm->bias);
    }
    if (const auto* matmul = std::get_if<MatmulStage>(&stage)) {
      decode(matmul->norm.gain);
      decode(matmul->norm.bias);
      input = std::max<uint64_t>(input, width(matmul->in));
      for (const auto& part : matmul->parts) {
        decode(part.bias);
        decode(part.up_bias);
        output = std::max<uint64_t>(output, width(part.out));
      }
    }
    if (const auto* each = std::get_if<EachHead>(&stage); each != nullptr && each->weight != kNoWeight)
      apart = std::max<uint64_t>(apart, each->in_count);
    if (const auto* attend = std::get_if<Attend>(&stage)) {
      decode(attend->sinks);
      scratch = std::max({scratch, attention_scratch(std::max(attend->head_size, attend->value_size)),
                          by_row(*attend) ? row_attention_scratch(width(attend->q), width(attend->out)) : 0});
      if (by_row(*attend))
        part_floats_ = std::max<size_t>(part_floats_, width(attend->out) + 2 * width(attend->q) / attend->head_size);
    }
    if (const auto* convolve = std::get_if<Convolve>(&stage)) {
      decode(convolve->kernel);
      transpose(vectors_[convolve->kernel], weight(convolve->kernel).width);
    }
    if (const auto* rule = std::get_if<DeltaRule>(&stage)) {
      decode(rule->rate);
      decode(rule->decay_bias);
      keys = std::max(keys, 2 * uint64_t{rule->key_heads} * rule->key_size);
      heads = std::max<uint64_t>(heads, rule->heads);
    }
    if (const auto* gated = std::get_if<Gate>(&stage)) input = std::max<uint64_t>(input, width(gated->out));
    if (const auto* route = std::get_if<Route>(&stage)) {
      decode(route->bias);
      decode(route->selection_bias);
      input = std::max<uint64_t>(input, width(route->in));
      routed = std::max<uint64_t>(routed, weight(route->router).rows);
    }
    if (const auto* moe = std::get_if<Experts>(&stage)) {
      for (const WeightId bias : {moe->gate_bias, moe->up_bias, moe->down_bias}) decode(bias);
      input = std::max<uint64_t>(input, width(moe->in));
      hidden = std::max<uint64_t>(hidden, uint64_t{moe->used} * weight(moe->down).width);
      expert_out = std::max<uint64_t>(expert_out, uint64_t{moe->used} * width(moe->out));
      experts = std::max<uint64_t>(experts, moe->count);
      chosen = std::max<uint64_t>(chosen, moe->used);
    }
  }
  const uint64_t input_units = units(static_cast<uint32_t>(input));
  normed_ = Buffer<float>("activations", rows, input);
  rounded_ = Buffer<Q8Unit>("rounded activations", rows, input_units);
  const uint64_t apart_rows = std::min<uint64_t>(rows, std::max(few_columns_, kernels_.lane_columns));
  scratch_ = Buffer<float>("activations", std::max(apart_rows * output, rows * routed));
  if (experts > 0) {
    hidden_ = Buffer<float>("activations of experts", rows, hidden);
    hidden_up_ = Buffer<float>("activations of experts", rows, hidden);
    hidden_rounded_ = Buffer<Q8Unit>("activations of experts", rows, hidden / kUnit + chosen);
    expert_out_ = Buffer<float>("activations of experts", rows, expert_out);
    expert_begin_ = Buffer<uint32_t>("lists of experts", experts + 1);
    expert_rows_ = Buffer<uint32_t>("lists of experts", rows, chosen);
  }
  for (const uint32_t width : program_.state_width) {
    state_begin_.push_back(state_floats_);
    state_floats_ += width;
  }
  states_ = Buffer<float>("states", state_floats_ == 0 ? 0 : limits_.states, state_floats_);
  keys_ = Buffer<float>("activations", rows, keys);
  decays_ = Buffer<float>("activations", rows, 2, heads);
  for (const RopeTable& table : program_.rope_tables) {
    const uint64_t pairs = table.frequency.size();
    angles_.push_back({Buffer<float>("rope angles", rows, pairs), Buffer<float>("rope angles", rows, pairs)});
  }
  for (uint32_t thread = 0; thread < pool_->threads(); ++thread)
    own_.push_back({.floats = Buffer<const void*>("lists of rows", rows),
                    .blocks = Buffer<const void*>("lists of rows", rows),
                    .in = Buffer<const void*>("lists of rows", rows),
                    .out = Buffer<float*>("lists of rows", rows),
                    .low_in = Buffer<const void*>("lists of rows", rows),
                    .added_to = Buffer<float*>("lists of rows", rows),
                    .results = Buffer<float>("activations", by_tiles(limits_.rows) ? rows : 0, 2, kSliceRows),
                    .normed = Buffer<float>("activations", kPrivateRows, input),
                    .rounded = Buffer<Q8Unit>("rounded activations", kPrivateRows, input_units),
                    .head = Buffer<Q8Unit>("rounded activations", rows, units(static_cast<uint32_t>(apart))),
                    .keys = Buffer<float>("scores of experts", routed),
                    .attention = Buffer<float>("attention", scratch)});
  part_sums_ = Buffer<float>("attention", kPartSlots, part_floats_);
  allocate_for_adapters();
  cells_ = uint64_t{limits_.pages} * limits_.page_size;
  key_bytes_ = kv_row_bytes(limits_.kv_type, program_.key_width);
  value_bytes_ = kv_row_bytes(limits_.kv_type, program_.value_width);
  cache_ = Buffer<std::byte>("the KV cache", program_.layers, cells_, key_bytes_ + value_bytes_);
  for (const Weight& one : program_.weights) products_per_row_ += one.rows * one.width;
  sequence_of_row_.resize(limits_.rows);
  tiles_.reserve(limits_.rows);
  parts_.reserve(limits_.rows + kPartSlots);
  parted_.reserve(kPartSlots);
}

Range CpuPlan::share(uint32_t thread, uint32_t count, uint32_t grain) const {
  const uint64_t grains = (uint64_t{count} + grain - 1) / grain, threads = pool_->team();
  const auto cut = [&](uint64_t i) {
    return static_cast<uint32_t>(std::min<uint64_t>(count, grains * i / threads * grain));
  };
  return {cut(thread), cut(thread + 1)};
}

void CpuPlan::run_step(const Batch& batch, Clock::time_point* ends) {
  check_batch(batch, program_, limits_);
  batch_ = &batch;
  rows_ = static_cast<uint32_t>(batch.tokens.size());
  for (uint32_t s = 0; s + 1 < batch.row_begin.size(); ++s)
    std::fill(sequence_of_row_.begin() + batch.row_begin[s], sequence_of_row_.begin() + batch.row_begin[s + 1], s);
  for (std::atomic<uint32_t>& taken : taken_) taken.store(0, std::memory_order_relaxed);
  for (Own& own : own_) own.shared = 0;
  copy_states();
  candidates_begin_.assign(1, 0);
  for (const uint32_t count : batch.candidates) candidates_begin_.push_back(candidates_begin_.back() + count);
  candidates_.resize(candidates_begin_.back());
  const auto steps = [this, ends](uint32_t thread) {
    const bool tells = ends != nullptr && thread == 0;
    turn_angles(thread);
    pool_->barrier();
    if (tells) ends[0] = Clock::now();
    for (size_t i = 0; i < stages_.size(); ++i) {
      std::visit([&](const auto& one) { run(one, thread); }, stages_[i]);
      const bool apart = i + 1 < stages_.size() && keeps_to_rows(stages_[i]) && keeps_to_rows(stages_[i + 1]);
      if (!apart || ends != nullptr) pool_->barrier();
      if (tells) ends[i + 1] = Clock::now();
    }
  };
  if (rows_ * products_per_row_ < worth_sharing_)
    pool_->run_alone(steps);
  else
    pool_->run_step(steps);
  batch_ = nullptr;
}

void CpuPlan::turn_angles(uint32_t thread) {
  const Range rows = share(thread, rows_, 1);
  for (size_t t = 0; t < angles_.size(); ++t) {
    const RopeTable& table = program_.rope_tables[t];
    const size_t pairs = table.frequency.size();
    for (size_t i = rows.begin; i < rows.end; ++i)
      for (size_t pair = 0; pair < pairs; ++pair) {
        const double angle = batch_->positions[i] * table.frequency[pair];
        angles_[t].cosine[i * pairs + pair] = static_cast<float>(std::cos(angle) * table.magnitude);
        angles_[t].sine[i * pairs + pair] = static_cast<float>(std::sin(angle) * table.magnitude);
      }
  }
}

}  // namespace hearth::cpu
