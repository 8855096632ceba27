// The CPU backend against the reference on random programs with every op, for each table of kernels of this machine.
#include "backends/cpu/device.h"
#include "kernels/cpu/tables.h"
#include "tests/backends/conformance.h"

namespace hearth {
namespace {

class Cpu : public testing::TestWithParam<const char*> {
 protected:
  static std::unique_ptr<Device> device(uint32_t threads = 2) { return make_cpu_device({threads, GetParam()}); }
};

TEST_P(Cpu, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Shape& shape :
       {Shape{.width = 96, .heads = 8, .kv_heads = 2, .hidden = 160, .format = Format::q4_0, .other = Format::q8_0},
        Shape{.experts = 8, .used = 3}, Shape{.delta_heads = 4, .delta_key_heads = 2, .delta_value_size = 24}}) {
    const RandomProgram random = random_program(shape, 9);
    const Limits limits{.rows = 64, .pages = 12, .page_size = 8, .states = 4, .kv_type = KvType::f16};
    const Text text = random_text({20, 33, 5}, shape.vocabulary, limits, 4);
    for (const uint32_t step : {30u, 9u, 1u}) {
      const auto expected = logits_of(*device(1), random.program, limits, text, step);
      for (const uint32_t threads : {2u, 3u, 7u})
        EXPECT_EQ(logits_of(*device(threads), random.program, limits, text, step), expected) << threads << " threads";
    }
  }
}

// Rows whose attention is in several parts, and more rows than there are parts.
TEST_P(Cpu, GivesTheSameBitsForAnyNumberOfThreadsBehindLongTexts) {
  const RandomProgram random = random_program({.width = 96, .head_size = 32, .hidden = 160}, 9);
  const Limits limits{.rows = 512, .pages = 160, .page_size = 8, .kv_type = KvType::f16};
  for (const auto& [lengths, step] :
       {std::pair{std::vector<uint32_t>{300, 200}, 299u}, {std::vector<uint32_t>(66, 9), 4u}}) {
    const Text text = random_text(lengths, random.program.vocabulary, limits, 4);
    const auto expected = logits_of(*device(1), random.program, limits, text, step);
    EXPECT_EQ(logits_of(*device(5), random.program, limits, text, step), expected);
  }
}

// With weights of 16 bits or more, and for the others with few rows, or any where few have no kernel of their own;
// heads of 16 values are never computed apart: see device.h.
TEST_P(Cpu, GivesARowTheSameBitsWhateverElseIsInTheBatch) {
  for (const Format format : {Format::f16, Format::q4_0}) {
    const Shape shape{.width = 96, .hidden = 160, .format = format, .other = format};
    const RandomProgram random = random_program(shape, 9);
    const Limits limits{.rows = 64, .pages = 12, .page_size = 8, .kv_type = KvType::f16};
    const uint32_t few = cpu::find_kernels(GetParam())->few_columns;
    const uint32_t rows = format == Format::f16 || few == 0 ? 32 : few;
    const Text text = random_text(std::vector<uint32_t>(rows < 4 ? rows : 4, 8), shape.vocabulary, limits, 4);
    const auto cpu = device();
    const auto together = logits_of(*cpu, random.program, limits, text, rows < 4 ? 1 : rows / 4);
    for (size_t s = 0; s < text.tokens.size(); ++s) {
      const Text alone{{text.tokens[s]}, {text.pages[s]}};
      EXPECT_EQ(logits_of(*cpu, random.program, limits, alone, 1)[0], together[s]);
    }
  }
}

TEST_P(Cpu, DeterministicPlansGiveARowTheSameBitsHoweverItsTextIsCut) {
  const RandomProgram random = random_program({.width = 96, .head_size = 32, .hidden = 160}, 9);
  const Limits limits{.rows = 400, .pages = 48, .page_size = 8, .kv_type = KvType::f16, .deterministic = true};
  const Text text = random_text({200, 33}, random.program.vocabulary, limits, 4);
  const auto cpu = device();
  const auto whole = logits_of(*cpu, random.program, limits, text, 200);
  for (const uint32_t step : {199u, 64u, 1u}) EXPECT_EQ(logits_of(*cpu, random.program, limits, text, step), whole);
}

TEST_P(Cpu, GivesTheSameBitsForAnyNumberOfThreadsWhateverAdaptersAreUsed) {
  for (const Shape& shape :
       {Shape{.width = 96, .hidden = 160, .format = Format::q4_0, .other = Format::q8_0, .adapters = 2},
        Shape{.experts = 8, .used = 3, .adapters = 2}}) {
    const RandomProgram random = random_program(shape, 9);
    const Limits limits{.rows = 80, .pages = 12, .page_size = 8, .kv_type = KvType::f16, .deterministic = true};
    Text text = random_text({20, 33, 5}, shape.vocabulary, limits, 4);
    text.scales = {{0.5f, 0}, {0.25f, 2}, {0, -1}};
    EXPECT_EQ(logits_of(*device(5), random.program, limits, text, 9),
              logits_of(*device(2), random.program, limits, text, 9));
  }
}

std::vector<const char*> names() {
  std::vector<const char*> result;
  for (const cpu::KernelTable* table : cpu::available_kernels()) result.push_back(table->name);
  return result;
}

std::vector<DeviceUnderTest> devices() {
  std::vector<DeviceUnderTest> result;
  for (const char* name : names())
    result.push_back({name, [name] { return std::shared_ptr<Device>(make_cpu_device({2, name})); }, true});
  return result;
}

INSTANTIATE_TEST_SUITE_P(Kernels, Cpu, testing::ValuesIn(names()),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Kernels, Conformance, testing::ValuesIn(devices()),
                         [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(Plain, Pages,
                         testing::Values(DeviceUnderTest{"cpu",
                                                         [] {
                                                           return std::shared_ptr<Device>(make_cpu_device({2, ""}));
                                                         },
                                                         true},
                                         DeviceUnderTest{
                                             "reference",
                                             [] { return std::shared_ptr<Device>(make_reference_device()); }, false}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace hearth
