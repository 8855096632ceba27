// Programs cut in pieces, and devices made of several: held to what every device is held to, and to the bits of one
// device alone.
#include "backends/split.h"

#include "backends/check.h"
#include "backends/cpu/device.h"
#include "backends/cut.h"
#include "tests/backends/conformance.h"
#include "tests/backends/halved_device.h"

namespace hearth {
namespace {

std::shared_ptr<Device> cpu() { return make_cpu_device({2, ""}); }
std::shared_ptr<Device> reference() { return make_reference_device(); }

INSTANTIATE_TEST_SUITE_P(
    Split, Conformance,
    testing::Values(DeviceUnderTest{"reference_and_cpu",
                                    [] { return std::make_shared<HalvedDevice>(reference(), cpu()); }, true},
                    DeviceUnderTest{"cpu_and_cpu", [] { return std::make_shared<HalvedDevice>(cpu(), cpu()); }, true}),
    [](const auto& info) { return info.param.name; });
INSTANTIATE_TEST_SUITE_P(Split, Pages,
                         testing::Values(DeviceUnderTest{
                             "cpu_and_reference", [] { return std::make_shared<HalvedDevice>(cpu(), reference()); },
                             true}),
                         [](const auto& info) { return info.param.name; });

// Of every kind of mixing and feeding forward.
const Shape kKinds[] = {
    {.layers = 3, .bias = true, .adapters = 2},
    {.layers = 3, .fold_norms = false, .centered = true, .post_norms = true, .positions = true},
    {.layers = 3, .experts = 8, .used = 2, .shared = true, .adapters = 2},
    {.head_size = 44, .layers = 3, .rope_pairs = 6, .value_size = 24, .latent = 40},
    {.layers = 4, .format = Format::q4_0, .other = Format::q8_0, .delta_heads = 4, .gated_attention = true}};
constexpr Limits kRoom{.rows = 60, .pages = 12, .page_size = 8, .states = 4, .kv_type = KvType::f16};

Text text_for(const Shape& shape) {
  Text text = random_text({20, 33}, shape.vocabulary, kRoom, 4);
  if (shape.adapters == 2) text.scales = {{0.5f, 0}, {0.25f, 2}};
  return text;
}

TEST(Cuts, LieBetweenLayersWhereOneSlotHoldsTheRows) {
  for (const Shape& shape : kKinds) {
    const RandomProgram random = random_program(shape, 9);
    const std::vector<Cut> cuts = layer_cuts(random.program);
    ASSERT_EQ(layers_of(cuts), shape.layers);
    for (size_t i = 0; i + 1 < cuts.size(); ++i) {
      EXPECT_LT(cuts[i].op, cuts[i + 1].op);
      EXPECT_EQ(random.program.slot_width[cuts[i].slot], shape.width);
    }
    EXPECT_TRUE(std::holds_alternative<Select>(random.program.ops[cuts.back().op]));
  }
}

TEST(Cuts, KeepLayersTogetherThatShareACache) {
  RandomProgram random = random_program({.layers = 3}, 9);
  for (Op& op : random.program.ops)
    if (auto* attend = std::get_if<Attend>(&op); attend != nullptr && attend->layer == 2) attend->layer = 1;
  EXPECT_EQ(layers_of(layer_cuts(random.program)), 2u);
}

TEST(Cuts, AreNoneWhereMoreThanOneSlotIsRead) {
  RandomProgram random = random_program({.layers = 1}, 9);
  Program& program = random.program;
  const auto select = std::find_if(program.ops.begin(), program.ops.end(),
                                   [](const Op& op) { return std::holds_alternative<Select>(op); });
  program.slot_width.push_back(64);
  const auto kept = static_cast<Slot>(program.slot_width.size() - 1);
  program.ops.insert(select, Linear{0, 0, 0, kNoWeight, kept});
  EXPECT_TRUE(layer_cuts(program).empty());
  EXPECT_THROW(make_split_device({{cpu(), 0}, {cpu(), 1}})->compile(program, kRoom), DeviceError);
}

TEST(Pieces, HaveWhatTheyUseAndNoMore) {
  const RandomProgram random = random_program(kKinds[4], 9);
  const std::vector<Cut> cuts = layer_cuts(random.program);
  const std::vector<Program> pieces = cut_program(random.program, cuts);
  ASSERT_EQ(pieces.size(), 6u);  // tokens, four layers, logits
  size_t ops = 0, weights = 0, states = 0, layers = 0;
  for (const Program& piece : pieces) {
    EXPECT_NO_THROW(check_program(piece, kRoom, "test"));
    ops += piece.ops.size();
    weights += piece.weights.size();
    states += piece.state_width.size();
    layers += piece.layers;
  }
  EXPECT_EQ(ops, random.program.ops.size() + 2 * cuts.size());
  EXPECT_EQ(weights, random.program.weights.size());
  EXPECT_EQ(states, random.program.state_width.size());
  EXPECT_EQ(layers, random.program.layers);
  EXPECT_EQ(pieces[1].state_width.size(), 2u) << "the layer with a delta rule";
  EXPECT_EQ(pieces[2].state_width.size(), 0u);
  EXPECT_EQ(pieces[0].slot_width.size(), 1u);
}

TEST(SplitDevice, GivesTheBitsOfOneDeviceWhereverItIsCut) {
  for (const Shape& shape : kKinds) {
    const RandomProgram random = random_program(shape, 9);
    const Text text = text_for(shape);
    for (const uint32_t step : {60u, 7u}) {
      const auto expected = logits_of(*cpu(), random.program, kRoom, text, step);
      for (uint32_t layers = 0; layers <= shape.layers; ++layers) {
        const auto split = make_split_device({{cpu(), layers}, {cpu(), shape.layers - layers}});
        EXPECT_EQ(logits_of(*split, random.program, kRoom, text, step), expected) << layers;
      }
      const auto three = make_split_device({{cpu(), 1}, {cpu(), shape.layers - 1}, {cpu(), 0}});
      EXPECT_EQ(logits_of(*three, random.program, kRoom, text, step), expected);
    }
  }
}

// Of a program whose first layer does not use its cache, which would hold anything.
void without_first_cache(Program& program) {
  --program.layers;
  for (Op& op : program.ops) {
    if (auto* turn = std::get_if<RopeKv>(&op)) --turn->layer;
    if (auto* attend = std::get_if<Attend>(&op)) --attend->layer;
  }
}

// Pages and states that one has made go on in the other as if it had made them, in both directions.
TEST(SplitDevice, ExchangesPagesAndStatesWithOneDevice) {
  for (const Shape& shape : kKinds) {
    RandomProgram random = random_program(shape, 9);
    Program& program = random.program;
    const Text text = random_text({30}, shape.vocabulary, kRoom, 4);
    const bool states = !program.state_width.empty();
    if (states) without_first_cache(program);
    const auto whole = cpu()->compile(program, kRoom), other = cpu()->compile(program, kRoom);
    const auto split = make_split_device({{cpu(), 1}, {cpu(), 1}, {cpu(), shape.layers - 2}});
    const auto from = split->compile(program, kRoom), to = split->compile(program, kRoom);
    const auto logits = [&](Plan& plan, uint32_t begin, uint32_t end) {
      plan.submit(batch_of(text, begin, end, states));
      const auto found = plan.wait().logits;
      return std::vector<float>(found.begin(), found.end());
    };
    for (Plan* plan : {whole.get(), from.get()}) logits(*plan, 0, 20);
    const size_t size = position_bytes(program, kRoom.kv_type);
    for (uint32_t page = 0; page < 3; ++page) {
      const uint32_t positions = page == 2 ? 4 : 8;
      std::vector<std::byte> expected(positions * size), found(positions * size);
      whole->read_page(text.pages[0][page], positions, expected);
      from->read_page(text.pages[0][page], positions, found);
      EXPECT_EQ(found, expected);
      other->write_page(text.pages[0][page], positions, found);
      to->write_page(text.pages[0][page], positions, expected);
    }
    std::vector<float> expected(state_values(program)), found(state_values(program));
    if (states) {
      whole->read_state(1, expected);
      from->read_state(1, found);
      EXPECT_EQ(found, expected);
      other->write_state(1, found);
      to->write_state(1, expected);
    }
    const std::vector<float> rest = logits(*whole, 20, 30);
    for (Plan* plan : {other.get(), from.get(), to.get()}) EXPECT_EQ(logits(*plan, 20, 30), rest);
  }
}

TEST(SplitDevice, ProfilesTheOpsOfAllParts) {
  const RandomProgram random = random_program({.layers = 3}, 9);
  const Batch batch = batch_of(random_text({9}, 100, kRoom, 4), 0, 9);
  const auto whole = cpu()->compile(random.program, kRoom);
  const auto split = make_split_device({{cpu(), 1}, {cpu(), 2}})->compile(random.program, kRoom);
  const OpProfile of_whole = whole->profile(batch).sum();
  const StepProfile found = split->profile(batch);
  EXPECT_EQ(found.sum().launches, of_whole.launches + 2) << "the rows that pass are sent and received";
  EXPECT_EQ(found.sum().bytes, of_whole.bytes + 2 * 9 * 64 * sizeof(float));
  EXPECT_GT(found.seconds, found.ops.front().seconds);
  const std::span<const float> a = whole->wait().logits, b = split->wait().logits;
  EXPECT_EQ(std::vector(a.begin(), a.end()), std::vector(b.begin(), b.end()));
}

TEST(SplitDevice, RefusesWhatDoesNotFit) {
  const RandomProgram random = random_program({.layers = 3}, 9);
  EXPECT_THROW(make_split_device({{cpu(), 3}}), DeviceError);
  try {
    make_split_device({{cpu(), 2}, {reference(), 2}})->compile(random.program, kRoom);
    ADD_FAILURE() << "no error";
  } catch (const DeviceError& error) {
    EXPECT_STREQ(error.what(), "split: the parts compute 4 layers, but the program has 3");
  }
  const auto plan = make_split_device({{cpu(), 1}, {cpu(), 2}})->compile(random.program, kRoom);
  Batch batch = batch_of(random_text({9}, 100, kRoom, 4), 0, 9);
  batch.states = {0};
  EXPECT_THROW(plan->submit(batch), DeviceError);
  batch.states = {};
  batch.tokens[3] = 100;
  EXPECT_THROW(plan->submit(batch), DeviceError);
  batch.tokens[3] = 99;
  EXPECT_NO_THROW(plan->submit(batch));
  std::vector<std::byte> page(position_bytes(random.program, kRoom.kv_type));
  EXPECT_THROW(plan->read_page(12, 1, page), DeviceError);
  EXPECT_THROW(plan->write_page(0, 2, page), DeviceError);
}

TEST(SplitDevice, NeedsTheRowsThatAPieceReceives) {
  const RandomProgram random = random_program({.layers = 2}, 9);
  const std::vector<Program> pieces = cut_program(random.program, std::vector<Cut>{layer_cuts(random.program)[1]});
  Batch batch = batch_of(random_text({9}, 100, kRoom, 4), 0, 9);
  const std::vector<float> rows(9 * 64 + 1, 0.5f);
  for (const auto& device : {cpu(), reference()}) {
    const auto plan = device->compile(pieces[1], kRoom);
    EXPECT_THROW(plan->submit(batch), DeviceError);
    batch.received = rows;
    EXPECT_THROW(plan->submit(batch), DeviceError);
    batch.received = std::span(rows).first(9 * 64);
    EXPECT_NO_THROW(plan->submit(batch));
    EXPECT_THROW(device->compile(pieces[0], kRoom)->submit(batch), DeviceError) << "it receives nothing";
    batch.received = {};
  }
}

TEST(SplitDevice, RefusesProgramsThatPassRowsInTheirMiddle) {
  const RandomProgram random = random_program({.layers = 2}, 9);
  const std::vector<Program> pieces = cut_program(random.program, std::vector<Cut>{layer_cuts(random.program)[1]});
  const auto error_of = [](const Program& program) -> std::string {
    try {
      cpu()->compile(program, kRoom);
      return "";
    } catch (const DeviceError& error) {
      return error.what();
    }
  };
  Program twice = pieces[0];
  twice.ops.push_back(twice.ops.back());
  EXPECT_NE(error_of(twice).find("rows are sent before other ops"), std::string::npos) << error_of(twice);
  Program late = random.program;
  late.ops.back() = Send{std::get<Logits>(late.ops.back()).in};
  EXPECT_NE(error_of(late).find("rows are sent after some were selected"), std::string::npos) << error_of(late);
  Program again = pieces[1];
  again.ops.insert(again.ops.begin(), again.ops.front());
  EXPECT_NE(error_of(again).find("rows are received after other ops"), std::string::npos) << error_of(again);
}

}  // namespace
}  // namespace hearth
