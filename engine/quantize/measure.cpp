// A decoder is cut where one slot holds all that is known of a token. Each piece is compiled as a program of its own
// that begins by looking the slot up in a table of the values computed before, and ends by handing out what a matrix
// reads.
#include "engine/quantize/measure.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "backends/devices.h"
#include "engine/errors.h"
#include "engine/model/loaded_model.h"
#include "engine/quantize/op_slots.h"
#include "formats/gguf_writer.h"

namespace hearth {
namespace {

constexpr uint32_t kMostRows = 512;                    // of a step
constexpr uint64_t kMostHidden = uint64_t{256} << 20;  // bytes of a group of chunks between two pieces

// Matrices that read the same values.
struct Tap {
  Slot slot;
  size_t op;  // the first that reads them
  std::set<std::string> matrices;
  const Experts* experts = nullptr;  // reads them too
};

// The name of a matrix in the file; fused ones are named with the range of their rows.
std::string name_in_file(const Weight& weight) { return weight.name.substr(0, weight.name.find('[')); }

std::vector<Tap> taps_of(const Program& program, const Piece& piece) {
  std::vector<Tap> taps;
  const auto tap_at = [&](size_t op, Slot slot) -> Tap& {
    for (Tap& tap : taps)
      if (tap.slot == slot && !written_between(program, tap.op, op, slot)) return tap;
    return taps.emplace_back(Tap{.slot = slot, .op = op, .matrices = {}});
  };
  for (size_t i = piece.begin; i < piece.end; ++i) {
    if (const auto* linear = std::get_if<Linear>(&program.ops[i]))
      tap_at(i, linear->in).matrices.insert(name_in_file(program.weights[linear->weight]));
    if (const auto* both = std::get_if<GateUp>(&program.ops[i]))
      for (const WeightId id : {both->gate, both->up})
        tap_at(i, both->in).matrices.insert(name_in_file(program.weights[id]));
    if (const auto* experts = std::get_if<Experts>(&program.ops[i])) tap_at(i, experts->in).experts = experts;
  }
  return taps;
}

class Measurer {
 public:
  Measurer(const LoadedModel& model, Device& device, std::vector<int32_t> tokens, uint32_t chunk)
      : model_(model), device_(device), tokens_(std::move(tokens)), chunk_(chunk), pieces_(cut(model.program)) {
    limits_ = model.limits;
    limits_.rows = std::min(chunk, kMostRows);
    limits_.pages = (chunk + limits_.page_size - 1) / limits_.page_size;
  }

  void run(const std::function<void(double)>& on_progress) {
    const auto chunks = static_cast<uint32_t>(tokens_.size() / chunk_);
    uint32_t widest = 1;
    for (const Piece& piece : pieces_) widest = std::max(widest, model_.program.slot_width[piece.in]);
    const auto group = static_cast<uint32_t>(
        std::clamp<uint64_t>(kMostHidden / (uint64_t{chunk_} * widest * sizeof(float)), 1, chunks));
    for (uint32_t first = 0; first < chunks; first += group) {
      first_ = first;
      count_ = std::min(group, chunks - first);
      for (size_t i = 0; i < pieces_.size(); ++i) {
        measure(pieces_[i], i + 1 == pieces_.size());
        if (on_progress)
          on_progress((first + count_ * static_cast<double>(i + 1) / static_cast<double>(pieces_.size())) / chunks);
      }
    }
  }

  std::vector<ColumnSquares> take() {
    std::vector<ColumnSquares> result;
    for (auto& [name, columns] : columns_)
      if (model_.file.find_tensor(name) != nullptr) result.push_back(std::move(columns));
    return result;
  }

 private:
  // Runs the ops of a piece up to `end` on the chunks of the group and calls take(row of the group, values of the
  // slot).
  template <class Take>
  void compute(const Piece& piece, size_t end, Slot wanted, Take&& take) {
    const uint32_t width = model_.program.slot_width[piece.in];
    staging_.resize(size_t{chunk_} * width);
    const auto plan = device_.compile(program_of(piece, end, wanted), limits_);
    const uint32_t out = model_.program.slot_width[wanted];
    for (uint32_t c = 0; c < count_; ++c) {
      if (piece.begin > 0)
        std::copy_n(hidden_.begin() + static_cast<ptrdiff_t>(size_t{c} * chunk_ * width), staging_.size(),
                    staging_.begin());
      for (uint32_t row = 0; row < chunk_; row += limits_.rows) {
        const Batch batch = batch_of(piece, c, row, std::min(limits_.rows, chunk_ - row));
        plan->submit(batch);
        const std::span<const float> values = plan->wait().logits;
        for (size_t i = 0; i < batch.tokens.size(); ++i)
          take(size_t{c} * chunk_ + row + i, values.subspan(i * out, out));
      }
    }
  }

  Program program_of(const Piece& piece, size_t end, Slot wanted) const {
    Program program = model_.program;
    program.ops.clear();
    if (piece.begin > 0) {
      const uint32_t width = program.slot_width[piece.in];
      program.ops.push_back(Embed{.out = piece.in, .table = static_cast<WeightId>(program.weights.size())});
      program.weights.push_back({"hidden states", Format::f32, width, chunk_, std::as_bytes(std::span(staging_))});
      program.vocabulary = chunk_;
    }
    const auto& ops = model_.program.ops;
    program.ops.insert(program.ops.end(), ops.begin() + static_cast<ptrdiff_t>(piece.begin),
                       ops.begin() + static_cast<ptrdiff_t>(end));
    program.ops.push_back(Logits{wanted});
    return program;
  }

  Batch batch_of(const Piece& piece, uint32_t chunk, uint32_t begin, uint32_t rows) const {
    Batch batch = table_batch(begin, rows);
    if (limits_.states > 0) batch.states = {0};
    if (piece.begin == 0)
      for (uint32_t i = 0; i < rows; ++i) batch.tokens[i] = tokens_[size_t{first_ + chunk} * chunk_ + begin + i];
    return batch;
  }

  // Rows [begin, begin + rows) of the table, at those positions.
  Batch table_batch(uint32_t begin, uint32_t rows) const {
    Batch batch;
    for (uint32_t i = begin; i < begin + rows; ++i) {
      batch.tokens.push_back(static_cast<int32_t>(i));
      batch.positions.push_back(i);
    }
    batch.row_begin = {0, rows};
    for (uint32_t page = 0; page < limits_.pages; ++page) batch.pages.push_back(page);
    batch.page_begin = {0, limits_.pages};
    return batch;
  }

  void measure(const Piece& piece, bool last) {
    for (const Tap& tap : taps_of(model_.program, piece)) {
      std::vector<std::vector<uint32_t>> chosen;  // experts of each row
      if (tap.experts != nullptr) {
        const uint32_t used = tap.experts->used;
        const size_t at = index_of(*tap.experts);
        compute(piece, at, tap.experts->route, [&](size_t, std::span<const float> route) {
          auto& row = chosen.emplace_back();
          for (uint32_t e = 0; e < used; ++e) row.push_back(static_cast<uint32_t>(route[e]));
        });
      }
      const uint32_t width = model_.program.slot_width[tap.slot];
      const uint64_t experts = tap.experts == nullptr ? 0 : tap.experts->count;
      std::vector<double> all(width), of_experts(width * experts), counts(experts);
      std::vector<float> inputs;  // [rows x width] of experts
      uint64_t rows = 0;
      compute(piece, tap.op, tap.slot, [&](size_t row, std::span<const float> values) {
        ++rows;
        add_squares(values, all.data());
        if (experts == 0) return;
        inputs.insert(inputs.end(), values.begin(), values.end());
        for (const uint32_t expert : chosen[row]) {
          add_squares(values, of_experts.data() + expert * size_t{width});
          ++counts[expert];
        }
      });
      for (const std::string& name : tap.matrices) add(name, all, {static_cast<double>(rows)});
      if (tap.experts == nullptr) continue;
      for (const WeightId id : {tap.experts->gate, tap.experts->up})
        add(name_in_file(model_.program.weights[id]), of_experts, counts);
      measure_down(*tap.experts, inputs, chosen);
    }
    if (last) return;
    const Slot out = pieces_[index_after(piece)].in;
    std::vector<float> next(size_t{count_} * chunk_ * model_.program.slot_width[out]);
    compute(piece, piece.end, out, [&](size_t row, std::span<const float> values) {
      std::copy(values.begin(), values.end(), next.begin() + static_cast<ptrdiff_t>(row * values.size()));
    });
    hidden_ = std::move(next);
  }

  // What the down matrices of experts read, no op hands out: it is computed for each expert by itself.
  // inputs: [rows x width]; chosen: the experts of each row.
  void measure_down(const Experts& op, const std::vector<float>& inputs,
                    const std::vector<std::vector<uint32_t>>& chosen) {
    const auto& weights = model_.program.weights;
    const auto width = static_cast<uint32_t>(weights[op.gate].width),
               hidden = static_cast<uint32_t>(weights[op.down].width);
    std::vector<double> sums(size_t{hidden} * op.count), counts(op.count);
    staging_.resize(size_t{limits_.rows} * width);
    for (uint32_t expert = 0; expert < op.count; ++expert) {
      std::vector<size_t> rows;
      for (size_t row = 0; row < chosen.size(); ++row)
        if (std::find(chosen[row].begin(), chosen[row].end(), expert) != chosen[row].end()) rows.push_back(row);
      if (rows.empty()) continue;
      const auto plan = device_.compile(expert_program(op, expert, width, hidden), limits_);
      for (size_t first = 0; first < rows.size(); first += limits_.rows) {
        const size_t count = std::min<size_t>(limits_.rows, rows.size() - first);
        for (size_t i = 0; i < count; ++i)
          std::copy_n(inputs.data() + rows[first + i] * width, width, staging_.data() + i * width);
        plan->submit(table_batch(0, static_cast<uint32_t>(count)));
        const std::span<const float> values = plan->wait().logits;
        for (size_t i = 0; i < count; ++i)
          add_squares(values.subspan(i * hidden, hidden), sums.data() + size_t{expert} * hidden);
      }
      counts[expert] = static_cast<double>(rows.size());
    }
    add(name_in_file(weights[op.down]), sums, counts);
  }

  Program expert_program(const Experts& op, uint32_t expert, uint32_t width, uint32_t hidden) const {
    Program program;
    program.slot_width = {width, hidden};
    program.vocabulary = limits_.rows;
    const auto add_rows = [&](WeightId id, uint32_t rows) -> WeightId {
      if (id == kNoWeight) return kNoWeight;
      Weight part = model_.program.weights[id];
      const size_t bytes = part.bytes.size() / part.rows * rows;
      part.bytes = part.bytes.subspan(bytes * expert, bytes);
      part.rows = rows;
      program.weights.push_back(std::move(part));
      return static_cast<WeightId>(program.weights.size() - 1);
    };
    program.weights.push_back({"hidden states", Format::f32, width, limits_.rows, std::as_bytes(std::span(staging_))});
    GateUp both{.in = 0, .out = 1, .gate = add_rows(op.gate, hidden), .up = add_rows(op.up, hidden), .act = op.act};
    both.gate_bias = add_rows(op.gate_bias, 1);
    both.up_bias = add_rows(op.up_bias, 1);
    program.ops = {Embed{.out = 0, .table = 0}, both, Logits{.in = 1}};
    return program;
  }

  static void add_squares(std::span<const float> values, double* sums) {
    for (size_t i = 0; i < values.size(); ++i) sums[i] += double{values[i]} * double{values[i]};
  }

  void add(const std::string& name, const std::vector<double>& sums, const std::vector<double>& counts) {
    ColumnSquares& columns = columns_[name];
    columns.name = name;
    columns.experts = counts.size();
    columns.width = sums.size() / counts.size();
    columns.sums.resize(sums.size());
    columns.counts.resize(counts.size());
    for (size_t i = 0; i < sums.size(); ++i) columns.sums[i] += sums[i];
    for (size_t i = 0; i < counts.size(); ++i) columns.counts[i] += counts[i];
  }

  size_t index_of(const Experts& experts) const {
    const auto& ops = model_.program.ops;
    const auto found =
        std::find_if(ops.begin(), ops.end(), [&](const Op& op) { return std::get_if<Experts>(&op) == &experts; });
    return static_cast<size_t>(found - ops.begin());
  }
  size_t index_after(const Piece& piece) const { return static_cast<size_t>(&piece - pieces_.data()) + 1; }

  const LoadedModel& model_;
  Device& device_;
  std::vector<int32_t> tokens_;  // [chunks x chunk]
  uint32_t chunk_;
  std::vector<Piece> pieces_;
  Limits limits_;
  uint32_t first_ = 0, count_ = 0;  // of the group of chunks that is measured
  std::vector<float> staging_;      // [chunk x width], the table that a piece begins with
  std::vector<float> hidden_;       // [count x chunk x width], what the pieces before have computed
  std::map<std::string, ColumnSquares> columns_;
};

// Whole chunks of the text, each with the token that texts begin with in its first place.
std::vector<int32_t> chunks_of(const Tokenizer& tokenizer, std::string_view text, const MeasureOptions& options) {
  std::vector<int32_t> tokens = tokenizer.encode(text, false);
  const auto bos = tokenizer.vocabulary().special().bos;
  const bool begins = tokenizer.adds_bos() && bos;
  if (begins) tokens.insert(tokens.begin(), *bos);
  size_t chunks = tokens.size() / options.chunk;
  if (chunks == 0)
    throw FileError("the text has " + std::to_string(tokens.size()) + " tokens, fewer than a chunk of " +
                    std::to_string(options.chunk));
  if (options.most_chunks > 0) chunks = std::min<size_t>(chunks, options.most_chunks);
  tokens.resize(chunks * options.chunk);
  if (begins)
    for (size_t i = 0; i < tokens.size(); i += options.chunk) tokens[i] = *bos;
  return tokens;
}

}  // namespace

MeasuredColumns measure_columns(const std::filesystem::path& path, const EngineOptions& engine, std::string_view text,
                                const MeasureOptions& options) {
  return with_public_errors([&] {
    const LoadedModel model = load_model(
        Gguf::open(path), {.context = options.chunk, .pre_tokenizer = engine.pre_tokenizer, .chat_template = false});
    const auto device = make_device({engine.device, engine.kernels, engine.threads, engine.vulkan_products});
    std::vector<int32_t> tokens = chunks_of(model.tokenizer, text, options);
    const auto chunks = static_cast<uint32_t>(tokens.size() / options.chunk);
    Measurer measurer(model, *device, std::move(tokens), options.chunk);
    measurer.run(options.on_progress);
    return MeasuredColumns{.matrices = measurer.take(), .chunks = chunks, .chunk = options.chunk};
  });
}

void write_columns(const MeasuredColumns& columns, const std::string& data_set, const std::filesystem::path& path) {
  GgufWriter writer(path);
  writer.add("general.type", std::string_view("imatrix"));
  const std::string_view names[] = {data_set};
  writer.add_strings("imatrix.datasets", names);
  writer.add("imatrix.chunk_count", columns.chunks);
  writer.add("imatrix.chunk_size", columns.chunk);
  for (const ColumnSquares& matrix : columns.matrices) {
    const uint64_t sums[] = {matrix.width, matrix.experts}, counts[] = {1, matrix.experts};
    writer.add_tensor(matrix.name + ".in_sum2", Format::f32, sums);
    writer.add_tensor(matrix.name + ".counts", Format::f32, counts);
  }
  for (const ColumnSquares& matrix : columns.matrices)
    for (const auto* numbers : {&matrix.sums, &matrix.counts}) {
      const std::vector<float> rounded(numbers->begin(), numbers->end());
      writer.write(std::as_bytes(std::span(rounded)));
    }
  writer.finish();
}

}  // namespace hearth
