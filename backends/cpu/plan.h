// A compiled program of the CPU: its stages, its buffers, its cache.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/cpu/buffer.h"
#include "backends/cpu/fuse.h"
#include "backends/cpu/pieces.h"
#include "backends/cpu/pool.h"
#include "kernels/cpu/table.h"

namespace hearth::cpu {

// Rows of a weight, from one on.
struct Rows {
  const std::byte* first = nullptr;
  size_t bytes = 0;  // of one
};

class CpuPlan : public Plan {
 public:
  // Throws DeviceError where the program is not sound or memory is short. Everything that a step needs is allocated
  // here.
  // Steps of fewer multiplications than `worth_sharing` are done by one thread.
  CpuPlan(const Program& program, const Limits& limits, std::shared_ptr<Pool> pool, const KernelTable& kernels,
          uint64_t worth_sharing);

  void submit(const Batch& batch) override { run_step(batch, nullptr); }
  StepResult wait() override { return {logits_, sent_, candidates_}; }
  StepProfile profile(const Batch& batch) override;                                              // profile.cpp
  void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const override;  // pages.cpp
  void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) override;
  void read_state(uint32_t place, std::span<float> values) const override;  // recurrent.cpp
  void write_state(uint32_t place, std::span<const float> values) override;

 private:
  // Up to as many rows every thread prepares the inputs of a matrix for itself instead of waiting for the others.
  static constexpr uint32_t kPrivateRows = 4;
  static constexpr uint32_t kAddedAtOnce = 32;  // columns
  static constexpr uint32_t kSliceRows = 96;    // of a matrix: whole tiles, whose results stay in the cache
  static constexpr uint32_t kMostShared = 2;
  static constexpr uint64_t kLeastProducts = 65536;  // of a piece: some microseconds

  // Activations as the matrices of a stage read them, one pointer a row. Null arrays where no matrix reads such.
  struct Inputs {
    const void** floats;
    const void** blocks;
    uint32_t unit_step;  // of blocks
  };
  // What one thread has for itself.
  struct Own {
    Buffer<const void*> floats, blocks;  // [rows], pointers to inputs
    Buffer<const void*> in;              // [rows], those of one expert
    Buffer<float*> out;                  // [rows]
    Buffer<const void*> low_in;          // [rows], of adapters
    Buffer<float*> added_to;             // [rows]
    Buffer<float> added;                 // [kAddedAtOnce x widest output that is changed, or rank of an embedding]
    Buffer<float> results;               // [2 x rows x kSliceRows], of the rows of a matrix that are computed together
    Buffer<float> normed;                // [kPrivateRows x widest input]
    Buffer<Q8Unit> rounded;              // [kPrivateRows x units of it]
    Buffer<Q8Unit> head;                 // [rows x units of the widest head]
    Buffer<float> keys;                  // [experts], what they are chosen by
    Buffer<float> attention;
    uint32_t shared = 0;  // ranges of the step that were shared so far
  };
  // Rows [first, first + count) of the batch, all of sequence `sequence`: what one attention task covers.
  struct Tile {
    uint32_t sequence, first, count;
  };
  // The positions [from, seen) of a row that has no others of its sequence beside it. Their sums go to a slot of
  // part_sums_, or kWhole: straight to the output.
  struct Part {
    uint32_t sequence, row, from, seen, slot;
    bool first;  // of the row
  };
  // A row whose parts are to be merged.
  struct Parted {
    uint32_t row, first_slot, parts;
  };
  static constexpr uint32_t kWhole = 0xffffffff, kPartSlots = 64;
  // The inputs that a matrix is multiplied by, each of a place: a row, or one of the experts of a row.
  struct Columns {
    uint32_t count;
    const uint32_t* places = nullptr;  // null: 0, 1, ...
    uint32_t used = 1;                 // places of a row
    uint32_t place(uint32_t i) const { return places == nullptr ? i : places[i]; }
    uint32_t row(uint32_t i) const { return place(i) / used; }
  };
  struct Angles {
    Buffer<float> cosine, sine;  // [rows x pairs]
  };

  using Clock = std::chrono::steady_clock;

  void allocate();
  // ends: when the angles were there and each stage was done [stages + 1]; null: nobody asks, and threads that may go
  // on do not wait for others.
  void run_step(const Batch& batch, Clock::time_point* ends);
  Range share(uint32_t thread, uint32_t count, uint32_t grain) const;
  // A range of which threads take pieces of at least `least`, the larger ones multiples of `whole`. products: of one of
  // `number`.
  struct Shared {
    uint32_t count, least, whole;
    Shared(uint64_t number, uint64_t products, uint32_t together = 1)
        : count(static_cast<uint32_t>(number)),
          least(static_cast<uint32_t>(std::max<uint64_t>(1, kLeastProducts / std::max<uint64_t>(1, products)))),
          whole(together) {}
    Range piece(uint32_t index, uint32_t threads) const { return piece_of(index, count, threads, least, whole); }
  };
  // Counts from 0 what threads take of a range that they share, as they get free. All threads ask for it, at most
  // kMostShared times in a stage, and a barrier must follow what they do with it.
  std::atomic<uint32_t>& next_counter(uint32_t thread) { return taken_[own_[thread].shared++]; }
  // Calls f(begin, end, next) for the parts of [0, range.count) that this thread takes; next: where it goes on then, or
  // range.count where nothing is left. As next_counter.
  template <class F>
  void share_in_pieces(uint32_t thread, Shared range, F&& f) {
    const uint32_t kept = std::max(2u, range.whole);
    std::atomic<uint32_t>& taken = next_counter(thread);
    const auto take = [&] { return range.piece(taken.fetch_add(1, std::memory_order_relaxed), pool_->team()); };
    for (Range piece = take(); piece.begin < piece.end;) {
      // The next piece is taken when little of this one is left: in time to ask memory for it, and late enough that a
      // slow thread keeps nothing from the others.
      const uint32_t last = piece.end - std::min(kept, piece.end - piece.begin);
      if (piece.begin < last) f(piece.begin, last, last);
      const Range next = take();
      f(last, piece.end, next.begin < next.end ? next.begin : range.count);
      piece = next;
    }
  }
  const Weight& weight(WeightId id) const { return program_.weights[id]; }
  float* row(Slot slot, uint32_t i) const { return slots_[slot].data() + size_t{i} * program_.slot_width[slot]; }
  uint32_t width(Slot slot) const { return program_.slot_width[slot]; }
  // Where a cell's key lies, or its value; where the program keeps no values that is the key.
  std::byte* cell(uint32_t layer, bool values, uint64_t index) const {
    std::byte* keys = cache_.data() + layer * cells_ * (key_bytes_ + value_bytes_);
    return values && value_bytes_ > 0 ? keys + cells_ * key_bytes_ + index * value_bytes_ : keys + index * key_bytes_;
  }
  // What the sequence in that place keeps.
  float* state(StateId id, uint32_t place) const { return states_.data() + place * state_floats_ + state_begin_[id]; }
  // Calls f(sequence, its first row, their number) for the sequences that have rows.
  template <class F>
  void for_each_sequence(F&& f) const {
    for (uint32_t s = 0; s < batch_->states.size(); ++s)
      if (batch_->row_begin[s] < batch_->row_begin[s + 1])
        f(s, batch_->row_begin[s], batch_->row_begin[s + 1] - batch_->row_begin[s]);
  }
  // Calls f(bytes of the cache, how many) for what read_page() and write_page() copy, in their order.
  template <class F>
  void each_row(uint32_t page, uint32_t positions, F&& f) const {
    const uint64_t first = uint64_t{page} * limits_.page_size;
    for (uint64_t index = first; index < first + positions; ++index)
      for (uint32_t layer = 0; layer < program_.layers; ++layer) {
        f(cell(layer, false, index), key_bytes_);
        if (value_bytes_ > 0) f(cell(layer, true, index), value_bytes_);
      }
  }
  uint64_t cell_of(uint32_t sequence, uint32_t position) const {
    return uint64_t{batch_->pages[batch_->page_begin[sequence] + position / limits_.page_size]} * limits_.page_size +
           position % limits_.page_size;
  }

  static void decode_row(const Weight& weight, uint64_t index, float* out);

  // stages.cpp: what one thread does for a stage; all threads call it together
  void run(const Embed& op, uint32_t thread);
  void run(const RmsNorm& op, uint32_t thread);
  void run(const LayerNorm& op, uint32_t thread);
  void run(const RopeKv& op, uint32_t thread);
  void run(const Select& op, uint32_t thread);
  void run(const Logits& op, uint32_t thread);
  void give_candidates(const Logits& op, uint32_t thread);
  void run(const Send& op, uint32_t thread);
  void run(const Receive& op, uint32_t thread);
  void run(const Attend& op, uint32_t thread);  // attend.cpp
  bool by_row(const Attend& op) const;
  void divide_attention(const Attend& op);
  void attend_tile(const Attend& op, uint32_t thread, const Tile& tile, uint32_t kv_head);
  void attend_part(const Attend& op, uint32_t thread, const Part& part);
  void run(const Convolve& op, uint32_t thread);  // recurrent.cpp
  void run(const DeltaRule& op, uint32_t thread);
  void run(const Gate& op, uint32_t thread);
  void copy_states();
  void run(const Route& op, uint32_t thread);  // experts.cpp
  void run(const Experts& op, uint32_t thread);
  void choose(const Route& op, float* scores, float* keys, float* chosen) const;
  void turn_angles(uint32_t thread);

  // adapters.cpp: what adapters add to the products of a weight, or one of the experts' in it. Lows: what goes through
  // the small matrices of each change one after the other, [places of the step x rank].
  void allocate_for_adapters();
  float factor(const Change& change, uint32_t i) const;  // of row i; 0: its sequence does not use the adapter
  bool is_changed(WeightId id) const;                    // in this batch
  uint64_t lows_width(WeightId id) const;                // of all changes together
  // in: floats of each column. The threads share the work; a barrier must follow.
  void go_down(WeightId id, uint64_t index, const Columns& columns, const void* const* in, float* lows,
               uint32_t thread);
  // out[c][i] += what is added to row range.begin + i.
  void go_up(WeightId id, uint64_t index, Range range, const Columns& columns, const float* lows, float* const* out,
             uint32_t thread);
  void add_to_embedding(uint32_t i, float* out, uint32_t thread);

  // matrices.cpp
  void run(const MatmulStage& stage, uint32_t thread);
  // The rows [range) of a part's output. lows: those of its first change; unused where nothing is changed. next: what
  // the thread reads afterwards.
  void run(const MatmulStage::Part& part, Range range, const Inputs& inputs, bool changed, const float* lows, Rows next,
           uint32_t thread);
  // The rows of a stage, part by part, in grains; and those of weights from such a grain on.
  uint32_t grains(const MatmulStage::Part& part) const;
  Shared shared(const MatmulStage& stage) const;
  Rows rows_from(const MatmulStage& stage, uint32_t index) const;
  Rows rows_from(const Weight& weight, uint64_t row) const;
  void run(const EachHead& op, uint32_t thread);
  // x[count] normed by runs into out, which may be x.
  void norm_row(const Norm& norm, const float* x, uint32_t count, float* out) const;
  // x[n] = act(x), or gate[n] = act(gate) * up.
  void activate(Activation act, float* x, uint32_t n) const;
  void gate(Activation act, float* gate, const float* up, uint32_t n) const;
  void needs(WeightId id, bool& floats, bool& blocks) const;
  // The inputs of all rows of a slot for matrices that need floats or blocks; ends with a barrier if rows are shared
  // out. `side_by_side`: blocks of the rows lie side by side, as tiles read them.
  Inputs prepare(Slot in, const Norm& norm, bool copy, bool floats, bool blocks, bool side_by_side, uint32_t thread);
  // x[count] to 8 bits. What is no number, or infinite, makes the scale of its 32 values NaN, so that it shows in every
  // product.
  void round_row(const float* x, uint32_t count, Q8Unit* out) const;
  // out[c][i] = row first_row + i of a weight times the inputs of `columns` columns, i < count. next: what the thread
  // reads afterwards, as far as that is known.
  void multiply(const Weight& weight, uint64_t first_row, uint32_t count, uint32_t columns, const void* const* in,
                float* const* out, Rows next = {}, uint32_t unit_step = 1) const;
  // The part of a range that starts at grain `first` which lies in [begin, end), as rows of `count`.
  static Range rows_within(uint32_t begin, uint32_t end, uint32_t first, uint32_t grain, uint32_t count) {
    const auto row = [&](uint32_t at) {
      return static_cast<uint32_t>(std::min<uint64_t>(count, uint64_t{std::max(at, first) - first} * grain));
    };
    return {row(begin), row(end)};
  }
  // Whether tiles meet so many columns.
  bool by_tiles(uint32_t columns) const { return columns > few_columns_ && columns > kernels_.lane_columns; }
  // How many grains of a matrix are computed together; without bound where tiles do not meet the columns.
  uint32_t slice(uint32_t columns) const {
    return by_tiles(columns) ? std::max(1u, kSliceRows / grain(columns)) : UINT32_MAX;
  }
  uint32_t grain(uint32_t columns) const {
    if (columns <= few_columns_) return 4;
    return columns <= kernels_.lane_columns ? kernels_.lane_rows : kernels_.tile_rows;
  }

  const Program program_;
  const Limits limits_;
  const std::shared_ptr<Pool> pool_;  // shared with the device, which a plan may outlive
  const KernelTable& kernels_;
  const uint32_t few_columns_;  // up to so many the kernels for few are used; deterministic plans never do
  const std::vector<Stage> stages_;

  std::vector<Buffer<float>> slots_;               // each [rows x its width]
  std::vector<std::vector<float>> vectors_;        // by WeightId: gains and biases as floats, all rows
  std::vector<Angles> angles_;                     // by RopeTableId
  std::vector<Own> own_;                           // by thread
  std::vector<std::atomic<uint32_t>> taken_;       // by how many ranges of the step were shared before
  Buffer<float> normed_;                           // [rows x widest input]
  Buffer<Q8Unit> rounded_;                         // [rows x units of it]
  Buffer<float> scratch_;                          // [rows that tiles do not meet x widest output], [rows x experts]
  Buffer<float> hidden_, hidden_up_, expert_out_;  // [rows x used x hidden or output], widest of the experts
  Buffer<Q8Unit> hidden_rounded_;
  Buffer<uint32_t> expert_begin_, expert_rows_;  // CSR: the (row * used + place) that chose an expert
  Buffer<float> lows_;                           // [rows x used x ranks], of the stage that has most
  Buffer<std::byte> cache_;                      // [layers x (cells x key_bytes, cells x value_bytes)]
  Buffer<float> states_;                         // [places x state_floats_]
  std::vector<uint64_t> state_begin_;            // by StateId: in a place
  Buffer<float> keys_, decays_;  // of a delta rule: normed q and k [rows x theirs]; decay, beta [rows x 2 x heads]
  uint64_t state_floats_ = 0;
  uint64_t worth_sharing_, products_per_row_ = 0;
  uint64_t cells_ = 0, key_bytes_ = 0, value_bytes_ = 0;

  const Batch* batch_ = nullptr;           // of the step that runs
  std::vector<uint32_t> sequence_of_row_;  // of the batch, from Select on of the outputs
  // What a stage of attention consists of; part_sums_: [slots x part_floats_], the sums of a part and its softmax.
  std::vector<Tile> tiles_;
  std::vector<Part> parts_;
  std::vector<Parted> parted_;
  Buffer<float> part_sums_;
  size_t part_floats_ = 0;
  uint32_t rows_ = 0;  // of the batch, from Select on of the outputs
  std::span<const float> logits_, sent_;
  std::vector<Candidate> candidates_;
  std::vector<size_t> candidates_begin_;  // of each output, and their end
};

}  // namespace hearth::cpu
