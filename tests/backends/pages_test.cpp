// Copies of pages: what was computed goes on elsewhere as if it had been computed there.
#include <cstring>

#include "tests/backends/conformance.h"

namespace hearth {
namespace {

using Bytes = std::vector<std::byte>;

constexpr KvType kTypes[] = {KvType::f32, KvType::f16, KvType::q8_0};

// One head of keys for all of q, keys and values of different sizes, and keys alone.
const Shape kShapes[] = {
    {.heads = 4, .kv_heads = 1, .head_size = 32, .layers = 3, .rope_pairs = 16},
    {.heads = 4, .kv_heads = 2, .head_size = 32, .rope_pairs = 16, .value_size = 64},
    {.head_size = 44, .rope_pairs = 6, .style = RopeStyle::adjacent, .value_size = 24, .latent = 58}};

Limits limits_of(KvType type) {
  return {.rows = 40, .pages = 6, .page_size = 8, .kv_type = type, .deterministic = true};
}

// The pages of a text of one sequence, as far as the first `positions` go.
std::vector<Bytes> copies(const Plan& plan, const Program& program, const Limits& limits, const Text& text,
                          uint32_t positions) {
  std::vector<Bytes> pages;
  for (uint32_t begin = 0; begin < positions; begin += limits.page_size) {
    const uint32_t count = std::min(limits.page_size, positions - begin);
    pages.emplace_back(count * position_bytes(program, limits.kv_type));
    plan.read_page(text.pages[0][begin / limits.page_size], count, pages.back());
  }
  return pages;
}

void paste(Plan& plan, const Program& program, const Limits& limits, const Text& text,
           const std::vector<Bytes>& pages) {
  for (size_t i = 0; i < pages.size(); ++i)
    plan.write_page(text.pages[0][i], static_cast<uint32_t>(pages[i].size() / position_bytes(program, limits.kv_type)),
                    pages[i]);
}

std::vector<float> logits_from(Plan& plan, const Text& text, uint32_t begin) {
  plan.submit(batch_of(text, begin, UINT32_MAX));
  const auto logits = plan.wait().logits;
  return {logits.begin(), logits.end()};
}

TEST_P(Pages, GoOnInAnotherPlanAndAtAnotherPlace) {
  for (const KvType type : kTypes)
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(std::to_string(static_cast<int>(type)) + " " + std::to_string(shape.latent));
      const RandomProgram random = random_program(shape, 3);
      if (type == KvType::q8_0 && random.program.key_width % 32 != 0) continue;
      const Limits limits = limits_of(type);
      const Text text = random_text({30}, shape.vocabulary, limits, 4);
      Text moved = text;
      std::reverse(moved.pages[0].begin(), moved.pages[0].end());
      const auto tested = device();
      const auto whole = tested->compile(random.program, limits), other = tested->compile(random.program, limits);
      const uint32_t cut = 21;
      Text beginning = text;
      beginning.tokens[0].resize(cut);
      whole->submit(batch_of(beginning, 0, cut));
      whole->wait();
      const std::vector<Bytes> pages = copies(*whole, random.program, limits, text, cut);
      paste(*other, random.program, limits, moved, pages);
      EXPECT_EQ(copies(*other, random.program, limits, moved, cut), pages);
      EXPECT_EQ(logits_from(*other, moved, cut), logits_from(*whole, text, cut));
    }
}

// A position is the same bytes, whoever computed it.
TEST_P(Pages, MeanTheSameOnEveryDevice) {
  for (const KvType type : kTypes) {
    const RandomProgram random = random_program(kShapes[1], 3);
    const Program& program = random.program;
    const Limits limits = limits_of(type);
    const Text text = random_text({30}, 100, limits, 4);
    const auto tested = device()->compile(program, limits);
    const auto reference = make_reference_device()->compile(program, limits);
    tested->submit(batch_of(text, 0, 30));
    tested->wait();
    const std::vector<Bytes> pages = copies(*tested, program, limits, text, 30);
    paste(*reference, program, limits, text, pages);
    EXPECT_EQ(copies(*reference, program, limits, text, 30), pages) << static_cast<int>(type);
  }
}

TEST_P(Pages, HaveRowsOfOnePositionAfterTheOther) {
  const RandomProgram random = random_program(kShapes[1], 3);
  const Program& program = random.program;
  const Limits limits = limits_of(KvType::f32);
  EXPECT_EQ(position_bytes(program, KvType::f32), 2u * 4 * (64 + 128));
  EXPECT_EQ(position_bytes(program, KvType::f16), 2u * 2 * (64 + 128));
  EXPECT_EQ(position_bytes(program, KvType::q8_0), 2u * 34 * (2 + 4));
  const auto plan = device()->compile(program, limits);
  Bytes bytes(8 * position_bytes(program, KvType::f32));
  std::vector<float> values(bytes.size() / 4);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  plan->write_page(5, 8, bytes);
  Bytes one(position_bytes(program, KvType::f32));
  plan->read_page(5, 1, one);
  EXPECT_TRUE(std::equal(one.begin(), one.end(), bytes.begin())) << "a beginning of a page is that of its bytes";
}

TEST_P(Pages, ThatAreNotThereAreRefused) {
  const RandomProgram random = random_program({}, 3);
  const Limits limits = limits_of(KvType::f32);
  const auto plan = device()->compile(random.program, limits);
  const size_t size = position_bytes(random.program, KvType::f32);
  Bytes bytes(9 * size);
  const auto span = [&](size_t positions) { return std::span(bytes).first(positions * size); };
  EXPECT_NO_THROW(plan->write_page(5, 8, span(8)));
  EXPECT_NO_THROW(plan->read_page(5, 0, span(0)));
  EXPECT_THROW(plan->read_page(6, 8, span(8)), DeviceError);
  EXPECT_THROW(plan->write_page(UINT32_MAX, 8, span(8)), DeviceError);
  EXPECT_THROW(plan->read_page(0, 9, span(9)), DeviceError);
  EXPECT_THROW(plan->write_page(0, 8, span(7)), DeviceError);
  EXPECT_THROW(plan->read_page(0, 1, std::span(bytes).first(size + 1)), DeviceError);
}

}  // namespace
}  // namespace hearth
