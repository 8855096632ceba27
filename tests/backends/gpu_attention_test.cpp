// Attention on a machine of a GPU over a cache as it may lie, in one piece and in parts, against plain arithmetic.
#include "tests/backends/gpu_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "backends/gpu/batch_words.h"
#include "kernels/gpu/row_parameters.h"
#include "tests/kernels/random_blocks.h"

namespace hearth {
namespace {

using gpu::kLeastPart;

struct Case {
  uint32_t group = 1, head_size = 32;
  std::vector<std::vector<uint32_t>> sequences;  // positions of the rows of each
  uint32_t page_size = 16, kv_heads = 1, value_size = 0, window = 0;
  float softcap = 0;
  bool sinks = false, causal = true;
};

constexpr Format format_of(KvType type) {
  return type == KvType::f32 ? Format::f32 : type == KvType::f16 ? Format::f16 : Format::q8_0;
}

std::vector<float> decoded(Format format, std::span<const std::byte> bytes) {
  std::vector<float> values;
  with_block(format, [&]<class Block>() {
    for (size_t at = 0; at < bytes.size(); at += sizeof(Block)) {
      Block block;
      std::memcpy(&block, bytes.data() + at, sizeof block);
      float some[Block::kSize];
      block.decode(some);
      values.insert(values.end(), some, some + Block::kSize);
    }
  });
  return values;
}

// What a case is made of, on the host and on the machine.
class AttentionTrial {
 public:
  AttentionTrial(gpu::Machine& machine, const Case& one, KvType type)
      : machine_(machine), case_(one), type_(type), random_(5) {
    value_size_ = one.value_size == 0 ? one.head_size : one.value_size;
    heads_ = one.group * one.kv_heads;
    key_width_ = one.kv_heads * one.head_size;
    value_width_ = one.kv_heads * value_size_;
    make_batch();
    queries_ = normal(rows() * heads_ * one.head_size);
    sinks_ = normal(heads_);
    key_bytes_ = random_blocks(format_of(type), cells() * key_width_, random_, 1);
    value_bytes_ = random_blocks(format_of(type), cells() * value_width_, random_, 1);
  }

  size_t rows() const { return batch_.positions.size(); }
  // Whether attend_row makes it.
  bool by_row() const {
    return machine_.about().attends_rows && type_ == KvType::f16 &&
           gpu::has_attend_row(case_.head_size, value_size_, key_width_, value_width_);
  }
  uint32_t most_parts() const {
    uint32_t most = 0;
    for (size_t row = 0; row < rows(); ++row)
      most = std::max(most,
                      gpu::part_count(end_of(row) - begin_of(row), by_row() ? gpu::kMostPartsOfRow : gpu::kMostParts));
    return most;
  }

  std::vector<float> found(bool in_parts) {
    const gpu::Buffer out = put(std::vector<float>(rows() * heads_ * value_size_, -7));
    attend(in_parts, out.address(), 0);
    return get<float>(out);
  }

  // The result rounded to bytes, at once or afterwards.
  std::vector<uint32_t> rounded(bool in_parts, bool at_once) {
    const uint32_t width = heads_ * value_size_;
    const gpu::Buffer out = put(std::vector<float>(rows() * width, -7)), batch = put(words_of_batch()),
                      to = put(std::vector<uint32_t>(rows() * gpu::rounded_words(width), 5));
    attend(in_parts, at_once ? 0 : out.address(), at_once ? to.address() : 0);
    if (at_once) return get<uint32_t>(to);
    gpu::RoundInputsParameters round{};
    round.in = out.address();
    round.out = to.address();
    round.batch = batch.address();
    round.width = round.in_stride = width;
    round.out_stride = round.out_matrix_stride = gpu::rounded_words(width);
    round.rows_at = gpu::HeaderWord::rows;
    round.rows_each = 1;
    machine_.run_once([&](gpu::Work& work) {
      work.launch({"round_inputs",
                   {},
                   std::as_bytes(std::span(&round, 1)),
                   {(width + 511) / 512, static_cast<uint32_t>(rows())}});
    });
    return get<uint32_t>(to);
  }

  // Has the result made at `out` or rounded, where those are not 0.
  void attend(bool in_parts, gpu::Address out, gpu::Address rounded) {
    const gpu::Buffer q = put(queries_), sinks = put(sinks_), keys = put(key_bytes_), values = put(value_bytes_),
                      batch = put(words_of_batch());
    const uint32_t room = gpu::head_room(case_.head_size), parts = most_parts();
    const gpu::Buffer left = put(std::vector<float>(rows() * heads_ * parts * (2 + value_size_), -9));
    gpu::AttendParameters args{};
    args.q = q.address();
    args.out = out;
    args.keys = keys.address();
    args.values = values.address();
    args.sinks = case_.sinks ? sinks.address() : 0;
    args.batch = batch.address();
    args.parts = in_parts ? left.address() : 0;
    args.heads = heads_;
    args.kv_heads = case_.kv_heads;
    args.head_size = case_.head_size;
    args.value_size = value_size_;
    args.key_width = key_width_;
    args.value_width = value_width_;
    args.page_size = case_.page_size;
    args.window = case_.window;
    args.causal = case_.causal ? 1 : 0;
    args.scale = scale();
    args.softcap = case_.softcap;
    args.packed = gpu::packed_heads(case_.group, room, machine_.about().shared_bytes);
    args.most_parts = parts;
    args.rounded = in_parts ? 0 : rounded;
    std::vector<uint32_t> constants = {
        static_cast<uint32_t>(type_), args.packed, room,
        gpu::is_whole_cache(case_.head_size, value_size_, key_width_, value_width_) ? 1u : 0u};
    std::vector<uint32_t> join_constants;
    if (by_row()) {
      constants = {static_cast<uint32_t>(type_), case_.head_size};
      join_constants = {gpu::kMostPartsOfRow};
    }
    const uint32_t packs = (case_.group + args.packed - 1) / args.packed,
                   slices = (value_size_ + gpu::kAttendValues - 1) / gpu::kAttendValues;
    // One row and one part more than there are.
    const auto row_blocks = static_cast<uint32_t>(rows() + 1);
    const gpu::AttendJoinParameters join{args.parts, args.out,    args.sinks,  args.batch, heads_, value_size_,
                                         parts,      args.window, args.causal, 0,          rounded};
    machine_.run_once([&](gpu::Work& work) {
      work.launch({by_row() ? "attend_row" : "attend",
                   constants,
                   std::as_bytes(std::span(&args, 1)),
                   {case_.kv_heads * packs * slices, row_blocks, in_parts ? parts + 1 : 1}});
      work.barrier();
      if (in_parts)
        work.launch({"attend_join", join_constants, std::as_bytes(std::span(&join, 1)), {heads_, row_blocks}});
    });
  }

  std::vector<double> expected() const {
    const std::vector<float> keys = decoded(format_of(type_), key_bytes_),
                             values = decoded(format_of(type_), value_bytes_);
    std::vector<double> out(rows() * heads_ * value_size_);
    for (size_t row = 0; row < rows(); ++row)
      for (size_t head = 0; head < heads_; ++head) {
        const float* query = queries_.data() + (row * heads_ + head) * case_.head_size;
        double* to = out.data() + (row * heads_ + head) * value_size_;
        double total = case_.sinks ? std::exp(double{sinks_[head]}) : 0;
        for (uint32_t at = begin_of(row); at < end_of(row); ++at) {
          const size_t kv_head = head / case_.group, cell = cell_of(sequence_of(row), at);
          const float* key = keys.data() + cell * key_width_ + kv_head * case_.head_size;
          const float* value = values.data() + cell * value_width_ + kv_head * value_size_;
          double score = 0;
          for (size_t i = 0; i < case_.head_size; ++i) score += double{query[i]} * double{key[i]};
          score *= double{scale()};
          if (case_.softcap != 0) score = double{case_.softcap} * std::tanh(score / double{case_.softcap});
          total += std::exp(score);
          for (size_t i = 0; i < value_size_; ++i) to[i] += std::exp(score) * double{value[i]};
        }
        for (size_t i = 0; i < value_size_; ++i) to[i] /= total;
      }
    return out;
  }

 private:
  std::vector<float> normal(size_t count) {
    std::normal_distribution<float> one;
    std::vector<float> values(count);
    for (float& value : values) value = one(random_);
    return values;
  }
  float scale() const { return 1.5f / std::sqrt(static_cast<float>(case_.head_size)); }

  void make_batch() {
    batch_.row_begin = batch_.page_begin = {0};
    for (const auto& positions : case_.sequences) {
      batch_.positions.insert(batch_.positions.end(), positions.begin(), positions.end());
      batch_.row_begin.push_back(static_cast<uint32_t>(batch_.positions.size()));
      const uint32_t pages = positions.back() / case_.page_size + 1;
      batch_.page_begin.push_back(batch_.page_begin.back() + pages);
    }
    batch_.tokens.resize(batch_.positions.size());
    for (uint32_t page = 0; page < batch_.page_begin.back(); ++page) batch_.pages.push_back(page);
    std::shuffle(batch_.pages.begin(), batch_.pages.end(), random_);
  }
  std::vector<uint32_t> words_of_batch() const {
    std::vector<uint32_t> words(gpu::words_of(batch_, {}));
    gpu::write_words(batch_, {}, words);
    return words;
  }
  size_t cells() const { return batch_.pages.size() * case_.page_size; }
  size_t sequence_of(size_t row) const {
    return static_cast<size_t>(std::ranges::upper_bound(batch_.row_begin, row) - batch_.row_begin.begin()) - 1;
  }
  uint32_t end_of(size_t row) const {
    return batch_.positions[case_.causal ? row : batch_.row_begin[sequence_of(row) + 1] - 1] + 1;
  }
  uint32_t begin_of(size_t row) const {
    return case_.window != 0 && end_of(row) > case_.window ? end_of(row) - case_.window : 0;
  }
  size_t cell_of(size_t sequence, uint32_t position) const {
    const size_t page = batch_.pages[batch_.page_begin[sequence] + position / case_.page_size];
    return page * case_.page_size + position % case_.page_size;
  }
  template <class T>
  gpu::Buffer put(const std::vector<T>& values) {
    gpu::Buffer buffer = machine_.take((values.size() * sizeof(T) + 3) / 4 * 4, gpu::Place::device, "a test");
    machine_.upload(buffer, 0, std::as_bytes(std::span(values)));
    return buffer;
  }
  template <class T>
  std::vector<T> get(const gpu::Buffer& buffer) {
    std::vector<T> values(buffer.size() / sizeof(T));
    machine_.download(buffer, 0, std::as_writable_bytes(std::span(values)));
    return values;
  }

  gpu::Machine& machine_;
  const Case& case_;
  const KvType type_;
  std::mt19937 random_;
  Batch batch_;
  uint32_t value_size_, heads_, key_width_, value_width_;
  std::vector<float> queries_, sinks_;
  std::vector<std::byte> key_bytes_, value_bytes_;
};

void expect_right_with(KvType type, gpu::Machine& machine, const Case& one) {
  SCOPED_TRACE(std::to_string(one.group) + " by " + std::to_string(one.kv_heads) + " heads of " +
               std::to_string(one.head_size) + " and " + std::to_string(one.value_size) + ", cache " +
               std::to_string(static_cast<int>(type)));
  AttentionTrial trial(machine, one, type);
  const std::vector<float> whole = trial.found(false);
  const std::vector<double> expected = trial.expected();
  ASSERT_EQ(whole.size(), expected.size());
  for (size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(double{whole[i]}, expected[i], 2e-5) << i;
  EXPECT_EQ(trial.found(true), whole) << "in parts";
  if (!trial.by_row()) return;
  const std::vector<uint32_t> rounded = trial.rounded(false, false);
  for (const bool in_parts : {false, true}) EXPECT_EQ(trial.rounded(in_parts, true), rounded) << "rounded at once";
}

void expect_right(gpu::Machine& machine, const Case& one,
                  std::initializer_list<KvType> types = {KvType::f32, KvType::f16, KvType::q8_0}) {
  for (const KvType type : types) expect_right_with(type, machine, one);
}

TEST_P(GpuAttention, EndsWhereRowsDo) {
  expect_right(
      *GetParam().make(),
      {.group = 2,
       .sequences = {{0}, {1, kLeastPart - 2, kLeastPart - 1, kLeastPart}, {2 * kLeastPart - 1, 2 * kLeastPart}}});
  expect_right(*GetParam().make(), {.sequences = {{6, 7, 8, 13, 14, 300}, {5}, {420}}, .page_size = 7});
}

TEST_P(GpuAttention, PacksGroupsOfHeads) {
  for (const uint32_t group : {1u, 2u, 3u, 6u, 7u, 8u, 12u, 17u})
    expect_right(*GetParam().make(), {.group = group, .sequences = {{140}, {3}}, .kv_heads = 2}, {KvType::f16});
}

TEST_P(GpuAttention, ReadsHeadsOfEverySize) {
  for (const uint32_t size : {64u, 80u, 96u, 128u, 256u})
    expect_right(*GetParam().make(), {.group = 2, .head_size = size, .sequences = {{131, 132}}, .kv_heads = 2});
  for (const uint32_t size : {1u, 13u, 44u})
    expect_right(*GetParam().make(), {.head_size = size, .sequences = {{131}}, .kv_heads = 3},
                 {KvType::f32, KvType::f16});
  expect_right(*GetParam().make(), {.group = 3, .head_size = 44, .sequences = {{150}}, .kv_heads = 2, .value_size = 30},
               {KvType::f16});
  expect_right(*GetParam().make(),
               {.group = 2, .head_size = 24, .sequences = {{150}}, .kv_heads = 4, .value_size = 600});
}

TEST_P(GpuAttention, SeesWindowsThatBeginAnywhere) {
  for (const uint32_t window : {1u, 50u, 129u, 200u})
    expect_right(*GetParam().make(),
                 {.group = 4, .sequences = {{48, 49, 50, 51, 199, 200, 201, 330}}, .window = window}, {KvType::f16});
}

TEST_P(GpuAttention, CapsScoresAndCountsSinks) {
  const std::vector<std::vector<uint32_t>> sequences = {{2, 290}, {127}};
  expect_right(*GetParam().make(), {.group = 3, .sequences = sequences, .softcap = 1.5f});
  expect_right(*GetParam().make(), {.group = 3, .sequences = sequences, .kv_heads = 2, .sinks = true});
  expect_right(*GetParam().make(), {.group = 9, .sequences = sequences, .window = 140, .softcap = 2, .sinks = true},
               {KvType::f32});
}

TEST_P(GpuAttention, SeesWhatComesAfterWhereItIsNotCausal) {
  expect_right(*GetParam().make(), {.group = 2, .sequences = {{0, 1, 2, 200}, {0, 1}}, .causal = false});
}

// Heads that attend_row makes where a machine has it: groups that do not fill what it makes at once or are more than
// that; tiles and parts that end anywhere; several rows of a sequence, whose last keys are new.
TEST_P(GpuAttention, MakesRowsOfHeadsOf64And128) {
  const std::vector<std::vector<uint32_t>> sequences = {{259, 260}, {15}, {127}, {0}};
  for (const auto& [size, group] : {std::pair(64u, 1u), {64u, 7u}, {128u, 1u}, {128u, 4u}, {128u, 7u}})
    expect_right(*GetParam().make(), {.group = group, .head_size = size, .sequences = sequences, .page_size = 7},
                 {KvType::f16});
  expect_right(*GetParam().make(), {.group = 12, .head_size = 64, .sequences = {{140}}, .kv_heads = 2}, {KvType::f16});
  expect_right(
      *GetParam().make(),
      {.group = 4, .head_size = 64, .sequences = sequences, .kv_heads = 2, .window = 133, .softcap = 2, .sinks = true},
      {KvType::f16});
  expect_right(*GetParam().make(), {.group = 4, .head_size = 128, .sequences = {{0, 1, 2, 200}, {0}}, .causal = false},
               {KvType::f16});
}

// From 16 parts on those of attend_row are larger: of 256, and the last one has but a few.
TEST_P(GpuAttention, MakesPartsOfRowsLarger) {
  constexpr uint32_t kMany = gpu::kMostPartsOfRow * kLeastPart;
  static_assert(gpu::part_size(kMany + 3, gpu::kMostPartsOfRow) == 2 * kLeastPart);
  expect_right(*GetParam().make(), {.group = 3, .head_size = 64, .sequences = {{kMany - 1}, {kMany + 2}}},
               {KvType::f16});
}

// From 64 parts on they are larger: of 256, and the last one has but a few.
TEST_P(GpuAttention, MakesPartsOfManyPositionsLarger) {
  constexpr uint32_t kMany = gpu::kMostParts * kLeastPart;
  static_assert(gpu::part_count(kMany) == gpu::kMostParts && gpu::part_size(kMany + 3) == 2 * kLeastPart);
  expect_right(*GetParam().make(), {.head_size = 8, .sequences = {{kMany - 1, kMany + 2}}}, {KvType::f16});
}

}  // namespace
}  // namespace hearth
