// Faults that are planted in a device one by one: the suite must name the op, the format and the shape, and nothing
// else.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "backends/cpu/device.h"
#include "engine/conform/conform.h"
#include "tests/engine/conform/faulty_device.h"

namespace hearth {
namespace {

using conform::Outcome;
using conform::Record;

std::unique_ptr<Device> sound_device() { return make_cpu_device({1, {}}); }

conform::Candidate candidate(const ProgramFault& program_fault, const BatchFault& batch_fault = {},
                             const ChoiceFault& choice_fault = {}) {
  const Faults faults{program_fault, batch_fault, choice_fault};
  return {"cpu", "", [faults] { return std::make_unique<FaultyDevice>(sound_device(), faults); }};
}

std::vector<Record> failures(const std::vector<conform::Candidate>& devices, std::vector<std::string> ops,
                             std::vector<std::string> formats = {}) {
  std::vector<Record> failed;
  size_t passed = 0;
  conform::run_cases(devices, {.quick = true, .ops = std::move(ops), .formats = std::move(formats)},
                     [&](const Record& record) {
                       if (record.outcome == Outcome::failed) failed.push_back(record);
                       if (record.outcome == Outcome::passed) ++passed;
                     });
  EXPECT_GT(passed, 0u);
  return failed;
}

std::set<std::string> ops_of(const std::vector<Record>& records) {
  std::set<std::string> ops;
  for (const Record& record : records) ops.insert(record.op);
  return ops;
}
std::set<std::string> formats_of(const std::vector<Record>& records) {
  std::set<std::string> formats;
  for (const Record& record : records) formats.insert(record.format);
  return formats;
}
bool names_shape(const std::vector<Record>& records, const std::string& shape) {
  return std::any_of(records.begin(), records.end(),
                     [&](const Record& record) { return record.shape.find(shape) != std::string::npos; });
}

using Change = std::function<void(const Weight& weight, std::vector<std::byte>& bytes)>;

// Changes the weights of every op T of a format, which `member` points to.
template <class T>
ProgramFault in_weights(WeightId T::*member, Format format, const Change& change) {
  return [=](Program& program, std::deque<std::vector<std::byte>>& storage) {
    for (Op& op : program.ops)
      if (T* one = std::get_if<T>(&op);
          one != nullptr && one->*member != kNoWeight && program.weights[one->*member].format == format)
        one->*member = changed_weight(program, storage, one->*member, change);
  };
}

void swap_nibbles(const Weight&, std::vector<std::byte>& bytes) {
  for (size_t block = 0; block + 18 <= bytes.size(); block += 18)  // two bytes of scale, 16 of nibbles
    for (size_t i = 2; i < 18; ++i) bytes[block + i] = bytes[block + i] >> 4 | bytes[block + i] << 4;
}

// Moves ops T before the one that computes what they read, as if no barrier stood between them.
template <class T>
void run_too_early(Program& program, std::deque<std::vector<std::byte>>&) {
  for (size_t i = 1; i < program.ops.size(); ++i)
    if (std::holds_alternative<T>(program.ops[i])) std::swap(program.ops[i], program.ops[i - 1]);
}

// In steps that go on, each page is taken for the one before.
void turn_pages(Batch& batch) {
  for (size_t s = 0; s + 1 < batch.row_begin.size(); ++s) {
    const uint32_t begin = batch.page_begin[s], end = batch.page_begin[s + 1];
    if (batch.row_begin[s] == batch.row_begin[s + 1] || batch.positions[batch.row_begin[s]] == 0) continue;
    std::rotate(batch.pages.begin() + begin, batch.pages.begin() + begin + 1, batch.pages.begin() + end);
  }
}

TEST(PlantedFaults, ASoundDeviceHasNone) {
  const std::vector<Record> failed =
      failures({candidate({})}, {"linear", "gate", "attend", "model"}, {"F32", "Q4_K", "f16"});
  for (const Record& record : failed) ADD_FAILURE() << record.op << " " << record.shape << ": " << record.message;
}

TEST(PlantedFaults, AWrongOrderOfNibblesIsFound) {
  const auto failed = failures({candidate(in_weights<Linear>(&Linear::weight, Format::q4_0, swap_nibbles))},
                               {"linear", "gate_up", "each_head", "experts", "embed"}, {"Q4_0", "Q4_1", "IQ4_NL"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"linear"});
  EXPECT_EQ(formats_of(failed), std::set<std::string>{"Q4_0"});
  for (const char* shape : {"1x32", "5x96", "33x288", "7x4128"}) EXPECT_TRUE(names_shape(failed, shape)) << shape;
}

TEST(PlantedFaults, AMissingBarrierIsFound) {
  const auto gates = failures({candidate(run_too_early<Gate>)}, {"gate", "rms_norm", "linear"}, {"-", "F32"});
  EXPECT_EQ(ops_of(gates), std::set<std::string>{"gate"});
  EXPECT_TRUE(names_shape(gates, "301, silu"));
  const auto norms = failures({candidate(run_too_early<LayerNorm>)}, {"rms_norm", "layer_norm", "gate"});
  EXPECT_EQ(ops_of(norms), std::set<std::string>{"layer_norm"});
  EXPECT_TRUE(names_shape(norms, "300 in runs of 300"));
}

// In a model it is the first op that reads too early which is named, though all that follow depart as well.
TEST(PlantedFaults, OfAModelTheFirstOpThatDepartsIsNamed) {
  const auto failed = failures({candidate(run_too_early<DeltaRule>)}, {"model"}, {"F32"});
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].op, "delta_rule");
  EXPECT_NE(failed[0].shape.find("linear attention"), std::string::npos);
  EXPECT_NE(failed[0].message.find("delta_rule, is the first"), std::string::npos) << failed[0].message;
}

TEST(PlantedFaults, APageThatIsOffByOneIsFound) {
  const BatchFault next_page = [](const Program& program, Batch& batch) {
    bool attends = false;
    for (const Op& op : program.ops) attends = attends || std::holds_alternative<Attend>(op);
    if (attends) turn_pages(batch);
  };
  const auto failed = failures({candidate({}, next_page)}, {"attend", "rope_kv", "linear"}, {"f32", "q8_0", "F32"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"attend"});
  EXPECT_TRUE(names_shape(failed, "in pages of 16")) << failed.size();
  EXPECT_TRUE(names_shape(failed, "in pages of 5")) << failed.size();
}

// Attention reads what rope_kv has stored wrongly: it is rope_kv that is named, also in cases of attend.
TEST(PlantedFaults, ACacheThatIsWrittenElsewhereIsNoFaultOfAttention) {
  const BatchFault next_page = [](const Program& program, Batch& batch) {
    if (program.layers > 0) turn_pages(batch);
  };
  const auto failed = failures({candidate({}, next_page)}, {"attend", "rope_kv", "gate"}, {"f32", "-"});
  for (const Record& record : failed)
    EXPECT_EQ(record.op, "rope_kv") << record.shape << " " << record.property << " " << record.message;
  EXPECT_TRUE(std::any_of(failed.begin(), failed.end(), [](const Record& record) {
    return record.message.find("of a case of attend, op 4 of 7: rope_kv") != std::string::npos;
  }));
}

TEST(PlantedFaults, ASwappedScaleIsFound) {
  const Change swap_scales = [](const Weight&, std::vector<std::byte>& bytes) {
    constexpr size_t kBlock = 144;  // of Q4_K: d, dmin and more
    for (size_t block = 0; block + kBlock <= bytes.size(); block += kBlock)
      std::swap_ranges(&bytes[block], &bytes[block + 2], &bytes[block + 2]);
  };
  const auto failed = failures({candidate(in_weights<GateUp>(&GateUp::up, Format::q4_k, swap_scales))},
                               {"linear", "gate_up", "experts"}, {"Q4_K", "Q5_K", "Q4_0"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"gate_up"});
  EXPECT_EQ(formats_of(failed), std::set<std::string>{"Q4_K"});
  EXPECT_TRUE(names_shape(failed, "5x768"));
  EXPECT_TRUE(names_shape(failed, "7x4352"));
}

// Rows whose last block does not fill a tile of 256 values lose it: long rows, too, where it is one block of 129.
TEST(PlantedFaults, ADroppedTailIsFound) {
  const Change drop_tail = [](const Weight& weight, std::vector<std::byte>& bytes) {
    const size_t blocks = weight.width / 32, size = bytes.size() / weight.rows / blocks;
    if (weight.width % 256 == 0) return;
    for (uint64_t row = 0; row < weight.rows; ++row)  // values of no scale
      std::fill_n(&bytes[(row * blocks + blocks - 1) * size], 2, std::byte{0});
  };
  const auto failed = failures({candidate(in_weights<Linear>(&Linear::weight, Format::q8_0, drop_tail))},
                               {"linear", "gate_up", "each_head", "route"}, {"Q8_0", "Q5_0", "F16"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"linear"});
  EXPECT_EQ(formats_of(failed), std::set<std::string>{"Q8_0"});
  EXPECT_TRUE(names_shape(failed, "7x4128")) << "a tail of 32 in 4128";
  EXPECT_FALSE(names_shape(failed, "33x512"));
}

TEST(PlantedFaults, AFaultOfOneInstructionSetAndFormatIsFoundThereAlone) {
  conform::Candidate sound = candidate({}),
                     faulty = candidate([](Program&program, auto&storage) {
                       in_weights<EachHead>(
                           &EachHead::weight, Format::iq4_xs, [](const Weight&, std::vector<std::byte>& bytes) {
                             for (size_t i = 1; i <= 128; ++i)
                               bytes[bytes.size() - i] ^= std::byte{0x88};  // the last block of the last row
                           })(program, storage);
                     });
  sound.name = "cpu scalar";
  faulty.name = "cpu avx9";
  const auto failed = failures({sound, faulty}, {"each_head", "linear"}, {"IQ4_XS", "IQ4_NL", "F32"});
  ASSERT_FALSE(failed.empty());
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"each_head"});
  EXPECT_EQ(formats_of(failed), std::set<std::string>{"IQ4_XS"});
  for (const Record& record : failed) EXPECT_EQ(record.device, "cpu avx9");
}

TEST(PlantedFaults, AResultThatDependsOnItsBatchIsFound) {
  // The last row of a batch is another one than it was.
  const BatchFault last_row = [](const Program& program, Batch& batch) {
    if (std::holds_alternative<Convolve>(program.ops[1]) && batch.tokens.size() > 40) batch.tokens.back() ^= 1;
  };
  const auto failed = failures({candidate({}, last_row)}, {"convolve", "delta_rule", "gate"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"convolve"});
  std::set<std::string> properties;
  for (const Record& record : failed) properties.insert(record.property);
  EXPECT_TRUE(properties.contains("batch"));
  EXPECT_TRUE(properties.contains("accuracy"));
}

// Of equal logits the last token comes first; or the least of the candidates is lost.
TEST(PlantedFaults, AWrongChoiceOfTheLargestLogitsIsFound) {
  const ChoiceFault last_first = [](std::span<Candidate> chosen) {
    for (size_t begin = 0, end = 0; begin < chosen.size(); begin = end) {
      end = begin + 1;
      while (end < chosen.size() && chosen[end].logit == chosen[begin].logit) ++end;
      std::ranges::reverse(chosen.subspan(begin, end - begin));
    }
  };
  const ChoiceFault lost = [](std::span<Candidate> chosen) { chosen.back() = {0, -1}; };
  const auto of_equal = failures({candidate({}, {}, last_first)}, {"candidates", "logits", "select"});
  EXPECT_EQ(ops_of(of_equal), std::set<std::string>{"candidates"});
  for (const char* count : {"40 of 33", "40 of 4097"})
    EXPECT_TRUE(names_shape(of_equal, std::string(count) + ", many equal")) << count;
  EXPECT_FALSE(names_shape(of_equal, "40 of 33, 67 rows")) << "all differ";
  const auto of_all = failures({candidate({}, {}, lost)}, {"candidates", "logits", "select"});
  EXPECT_EQ(ops_of(of_all), std::set<std::string>{"candidates"});
  EXPECT_TRUE(names_shape(of_all, "40 of 4097, 5 rows")) << of_all.size();
}

TEST(PlantedFaults, ADeviceThatGivesUpFailsAndOneThatDeclinesIsSkipped) {
  const BatchFault gives_up = [](const Program& program, Batch&) {
    for (const Op& op : program.ops)
      if (std::holds_alternative<Gate>(op)) throw DeviceError("the device is lost");
  };
  const auto failed = failures({candidate({}, gives_up)}, {"gate", "select"});
  EXPECT_EQ(ops_of(failed), std::set<std::string>{"gate"});
  EXPECT_NE(failed.at(0).message.find("the device is lost"), std::string::npos);
  const ProgramFault declines = [](Program& program, auto&) {
    for (const Op& op : program.ops)
      if (std::holds_alternative<Gate>(op)) throw DeviceError("no gates here");
  };
  size_t skipped = 0;
  conform::run_cases({candidate(declines)}, {.quick = true, .ops = {"gate"}}, [&](const Record& record) {
    EXPECT_EQ(record.outcome, Outcome::skipped);
    EXPECT_EQ(record.message, "no gates here");
    ++skipped;
  });
  EXPECT_GT(skipped, 5u);
}

}  // namespace
}  // namespace hearth
