// The steps that programs become on GPUs, with a machine that writes them down.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "backends/gpu/batch_words.h"
#include "backends/gpu/device.h"
#include "kernels/gpu/row_parameters.h"
#include "tests/backends/random_program.h"
#include "tests/backends/recorder.h"

namespace hearth::gpu {
namespace {

const Shape kLlama{
    .width = 64, .hidden = 96, .layers = 2, .format = Format::q8_0, .other = Format::q8_0, .fold_norms = true};

// The launches of a step of so many rows that wants logits of the last; without barriers unless `barriers`.
std::vector<std::string> launches_of(const Shape& shape, bool rounds_few, uint32_t rows, bool barriers = false,
                                     bool deterministic = false, bool has_columns = false) {
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8, .deterministic = deterministic};
  const auto recorder = std::make_shared<Recorder>(rounds_few, Machine::About{.has_columns = has_columns});
  const auto plan = make_device(recorder, true)->compile(random.program, limits);
  Batch batch = batch_of(random_text({rows}, 100, limits, 3), 0, rows);
  batch.outputs = {rows - 1};
  plan->submit(batch);
  plan->wait();
  std::vector<std::string> names = recorder->launches;
  if (!barriers) std::erase(names, "|");
  return names;
}

std::string joined(const std::vector<std::string>& names, size_t first, size_t count) {
  std::string text;
  for (size_t i = first; i < first + count && i < names.size(); ++i) text += (text.empty() ? "" : " ") + names[i];
  return text;
}
size_t count_of(const std::vector<std::string>& names, std::string_view name) {
  return static_cast<size_t>(std::count(names.begin(), names.end(), name));
}

TEST(GpuSteps, ATokenOfALlamaTakesThirteenLaunchesALayer) {
  const std::vector<std::string> names = launches_of(kLlama, true, 1);
  const std::string layer =
      "norm_round byte_matmul/Q8_0 byte_matmul/Q8_0 byte_matmul/Q8_0 rope store attend round_inputs byte_matmul/Q8_0 "
      "norm_round byte_matmul/Q8_0 round_inputs byte_matmul/Q8_0";
  EXPECT_EQ(joined(names, 1, 13), layer);
  EXPECT_EQ(joined(names, 14, 13), layer);
  EXPECT_EQ(joined(names, 27, 5), "copy_heads norm_round byte_matmul/Q8_0 logits");
  EXPECT_EQ(names.size(), 31u) << joined(names, 0, names.size());
}

// Rows of 64 and 96 inputs: 64, 32 and, of two weights, 96 of them; and 100 of logits.
TEST(GpuSteps, FewRoundedRowsAreDividedAsTheMachineDoes) {
  using Shapes = std::set<std::array<uint32_t, 3>>;
  for (const auto& [by_warps, shapes] : {std::pair(false, Shapes{{4, 32, 16}, {4, 32, 8}, {4, 32, 24}, {4, 32, 25}}),
                                         std::pair(true, Shapes{{8, 1, 8}, {8, 1, 4}, {4, 1, 24}, {8, 1, 13}})}) {
    const auto recorder = std::make_shared<Recorder>(true, Machine::About{.rounds_by_warps = by_warps});
    const Limits limits{.rows = 8, .pages = 16, .page_size = 8};
    const RandomProgram random = random_program(kLlama, 5);
    make_device(recorder, true)
        ->compile(random.program, limits)
        ->submit(batch_of(random_text({1}, 100, limits, 3), 0, 1));
    EXPECT_EQ(recorder->shapes_of_few, shapes);
  }
  for (const uint32_t width : {32u, 1024u, 2048u, 4096u})
    for (const uint32_t rows : {1u, 65536u, 262140u})
      EXPECT_GE(rounded_threads(width, rows), 8 * (rows < 262140 ? 4 : 8)) << "a thread for each sum";
}

TEST(GpuSteps, ProductsOfOneInputRunBesideEachOther) {
  for (const bool rounds_few : {true, false})
    for (const uint32_t rows : {1u, 40u}) {
      const std::vector<std::string> names = launches_of(kLlama, rounds_few, rows, true);
      const std::string product = rounds_few && rows == 1 ? "byte_matmul/Q8_0"
                                  : rows == 1             ? "matmul/Q8_0"
                                                          : "byte_tiles/Q8_0";
      const std::string norm = rounds_few || rows > 8 ? "norm_round" : "norm";
      EXPECT_EQ(joined(names, 2, 8), "| " + norm + " | " + product + " " + product + " " + product + " | rope") << rows;
    }
}

TEST(GpuSteps, InputsOfManyRowsAreRoundedOnce) {
  const std::vector<std::string> names = launches_of(kLlama, false, 40);
  EXPECT_EQ(count_of(names, "norm_round"), 4u);
  EXPECT_EQ(count_of(names, "round_inputs"), 4u) << "of o and down";
  EXPECT_EQ(count_of(names, "norm"), 1u) << "of the output, of one row";
  const std::vector<std::string> few = launches_of(kLlama, false, 8);
  EXPECT_EQ(count_of(few, "norm_round") + count_of(few, "round_inputs"), 0u);
  EXPECT_EQ(count_of(few, "norm"), 5u);
}

// The launches of a step of so many rows on a machine that multiplies matrices; `rounds`: it rounds other inputs.
std::vector<std::string> launches_by_matrices(const Shape& shape, uint32_t rows, bool rounds, bool rounds_few = false) {
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8};
  const auto recorder = std::make_shared<Recorder>(false, Machine::About{.matrix_threads = 128});
  recorder->round_few(rounds_few);
  const auto choose = [rounds](const Program&, const Limits&) { return Ways{.rounds = rounds, .matrices = true}; };
  const auto plan = make_device(recorder, choose)->compile(random.program, limits);
  plan->submit(batch_of(random_text({rows}, 100, limits, 3), 0, rows));
  plan->wait();
  return recorder->launches;
}

TEST(GpuSteps, InputsOfManyRowsBecomeHalvesOnceWhereTheMachineMultipliesMatrices) {
  const std::string product = "matrix_tiles/Q8_0";
  for (const bool rounds : {false, true}) {
    const std::vector<std::string> names = launches_by_matrices(kLlama, 9, rounds);
    EXPECT_EQ(joined(names, 2, 20), "| norm | halve_inputs | " + product + " " + product + " " + product +
                                        " | rope | store | attend | halve_inputs | " + product + " | norm")
        << rounds;
    const std::vector<std::string> few = launches_by_matrices(kLlama, 8, rounds);
    EXPECT_EQ(count_of(few, "halve_inputs") + count_of(few, product), 0u);
    EXPECT_EQ(count_of(few, "matmul/Q8_0"), 13u) << joined(few, 0, few.size());
  }
  const std::vector<std::string> few = launches_by_matrices(kLlama, 8, true, true);
  EXPECT_EQ(count_of(few, "byte_matmul/Q8_0"), 13u) << "few are rounded where the machine has that";
}

TEST(GpuSteps, OnlyWhatIsNotMadeHalvesIsRoundedInManyRows) {
  for (const uint32_t rows : {9u, 100u})
    EXPECT_EQ(launches_by_matrices(kLlama, rows, true, true), launches_by_matrices(kLlama, rows, false)) << rows;
  const std::vector<std::string> few = launches_by_matrices(kLlama, 8, true, true);
  EXPECT_EQ(count_of(few, "norm_round"), 5u);
  EXPECT_EQ(count_of(few, "norm"), 0u);
  Shape shape = kLlama;
  shape.experts = 4;
  shape.used = 2;
  shape.shared = true;
  const std::vector<std::string> names = launches_by_matrices(shape, 9, true, true);
  EXPECT_EQ(count_of(names, "norm_round"), 2u) << "of what experts read: " << joined(names, 0, names.size());
  EXPECT_EQ(count_of(names, "round_inputs"), 2u) << "of what they made";
  EXPECT_GT(count_of(names, "matrix_tiles/Q8_0"), 8u);
}

TEST(GpuSteps, ExpertsAndFloatsAreMultipliedWithoutMatrices) {
  const Shape mixture{.width = 64,
                      .hidden = 96,
                      .layers = 1,
                      .experts = 4,
                      .used = 2,
                      .format = Format::q8_0,
                      .other = Format::q8_0,
                      .fold_norms = true};
  const std::vector<std::string> names = launches_by_matrices(mixture, 100, true);
  EXPECT_EQ(count_of(names, "byte_tiles/Q8_0"), 2u) << joined(names, 0, names.size());
  EXPECT_GT(count_of(names, "matrix_tiles/Q8_0"), 3u);
  const Shape floats{.width = 64, .hidden = 96, .layers = 1, .format = Format::f32, .other = Format::f16};
  const std::vector<std::string> of_floats = launches_by_matrices(floats, 100, true);
  EXPECT_EQ(count_of(of_floats, "matrix_tiles/F32"), 0u);
  EXPECT_GT(count_of(of_floats, "matmul_tiles/F32"), 0u);
  EXPECT_GT(count_of(of_floats, "matrix_tiles/F16"), 0u);
}

TEST(GpuSteps, InputsOfVeryManyRowsBecomeBfloatsWhereTheMachineMultipliesThose) {
  for (const auto& [rows, tiles] : {std::pair(64u, "byte_tiles/Q8_0"), std::pair(65u, "bfloat_tiles/Q8_0")}) {
    const std::vector<std::string> names = launches_of(kLlama, true, rows);
    const std::string product = tiles;
    EXPECT_EQ(joined(names, 1, 13), "norm_round " + product + " " + product + " " + product +
                                        " rope store attend round_inputs " + product + " norm_round " + product +
                                        " round_inputs " + product);
    EXPECT_EQ(names.size(), 31u) << joined(names, 0, names.size());
  }
  EXPECT_EQ(count_of(launches_of(kLlama, false, 100), "byte_tiles/Q8_0"), 12u);
  EXPECT_EQ(count_of(launches_of(kLlama, true, 100, false, true), "byte_matmul/Q8_0"), 13u) << "where deterministic";
}

const Machine::About kTurns{.attends_rows = true, .turns_and_stores = true};

// Rows behind so many positions, and what is launched between the products of q, k and v and that of the output.
std::string attention_of(const Shape& shape, KvType type, uint32_t rows, uint32_t positions,
                         const Machine::About& about = kTurns) {
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 128, .pages = 128, .page_size = 8, .kv_type = type};
  const auto recorder = std::make_shared<Recorder>(true, about);
  const auto plan = make_device(recorder, true)->compile(random.program, limits);
  plan->submit(batch_of(random_text({positions + rows}, 100, limits, 3), positions, positions + rows));
  plan->wait();
  std::vector<std::string> names = recorder->launches;
  std::erase(names, "|");
  const auto is_product = [](const std::string& name) { return name.find('/') != std::string::npos; };
  const auto end = std::find_if(names.begin() + 5, names.end(), is_product);
  return joined(names, 5, static_cast<size_t>(end - names.begin()) - 5);
}

TEST(GpuSteps, HeadsOf64HaveKernelsOfTheirOwnWhereTheMachineHasThem) {
  Shape shape = kLlama;
  shape.head_size = 64;
  shape.rope_pairs = 32;
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 0), "rope_store attend_row");
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 3 * kLeastPart - 1), "rope_store attend_row");
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 3 * kLeastPart), "rope_store attend_row attend_join");
  EXPECT_EQ(attention_of(shape, KvType::f16, 32, 3 * kLeastPart), "rope_store attend_row attend_join");
  EXPECT_EQ(attention_of(shape, KvType::f16, 33, 3 * kLeastPart), "rope_store attend_row") << "twice 64 large blocks";
  EXPECT_EQ(attention_of(shape, KvType::q8_0, 33, 3 * kLeastPart), "rope_store attend attend_join round_inputs");
  shape.rope_pairs = 16;
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 0), "rope store attend_row") << "where not all values turn";
  shape = kLlama;
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 3 * kLeastPart), "rope store attend attend_join round_inputs");
}

TEST(GpuSteps, AttentionOfFewRowsRoundsItsResult) {
  Shape shape = kLlama;
  shape.head_size = 64;
  shape.rope_pairs = 32;
  EXPECT_EQ(attention_of(shape, KvType::f16, 64, 0), "rope_store attend_row");
  EXPECT_EQ(attention_of(shape, KvType::f16, 65, 0), "rope_store attend_row round_inputs") << "to bfloats";
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 0, kAttends), "rope_store attend_row");
  EXPECT_EQ(attention_of(shape, KvType::f16, 40, 0, kAttends), "rope_store attend_tiles round_inputs");
  EXPECT_EQ(attention_of(shape, KvType::f16, 65, 0, kAttends), "rope_store attend_tiles round_inputs");
  shape.format = Format::f16;
  EXPECT_EQ(attention_of(shape, KvType::f16, 1, 0, kAttends), "rope_store attend_row") << "nothing to round";
}

// The launches of a layer of 65 rows, all but those of attention.
std::vector<std::string> products_of(const Shape& shape, uint32_t multiprocessors) {
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8};
  const auto recorder = std::make_shared<Recorder>(
      true, Machine::About{.has_groups = multiprocessors != 0, .multiprocessors = multiprocessors});
  const auto plan = make_device(recorder, true)->compile(random.program, limits);
  Batch batch = batch_of(random_text({65}, 100, limits, 3), 0, 65);
  batch.outputs = {64};
  plan->submit(batch);
  plan->wait();
  std::vector<std::string> names = recorder->launches;
  std::erase(names, "|");
  names.resize(14);
  names.erase(names.begin() + 5, names.begin() + 8);
  return {names.begin() + 1, names.end()};
}

TEST(GpuSteps, VeryManyRowsTakeGroupsAsSuitTheMultiprocessors) {
  Shape shape = kLlama;
  shape.width = 256;
  shape.head_size = 64;
  shape.hidden = 512;
  const std::string two = "group_tiles/Q8_0:2", four = "group_tiles/Q8_0:4", norm = "norm_round",
                    round = "round_inputs";
  EXPECT_EQ(products_of(shape, 132),
            (std::vector<std::string>{norm, two, two, two, round, two, norm, two, round, two}));
  // 256, 128, 128 and 256 rows, two of 512, and 256.
  EXPECT_EQ(products_of(shape, 1),
            (std::vector<std::string>{norm, four, two, two, round, four, norm, four, round, four}));
}

TEST(GpuSteps, GroupsAreNotTakenBesideOtherFormatsNorForOtherWidths) {
  Shape shape = kLlama;
  shape.width = 256;
  shape.head_size = 64;
  shape.hidden = 544;
  shape.other = Format::q4_1;  // of v and down
  const std::string two = "group_tiles/Q8_0:2", tiles = "bfloat_tiles/Q8_0", others = "bfloat_tiles/Q4_1",
                    norm = "norm_round", round = "round_inputs";
  EXPECT_EQ(products_of(shape, 132),
            (std::vector<std::string>{norm, tiles, tiles, others, round, two, norm, two, round, others}));
  shape.other = Format::q8_0;
  EXPECT_EQ(products_of(shape, 132),
            (std::vector<std::string>{norm, two, two, two, round, two, norm, two, round, tiles}));
}

TEST(GpuSteps, SomeTensOfRowsAreMultipliedByMatrixUnitsWhereTheMachineHasThat) {
  const std::string around = " rope store attend round_inputs ";
  for (const auto& [rows, product, down] :
       {std::tuple(2u, "byte_matmul/Q8_0", "byte_matmul/Q8_0"), std::tuple(3u, "byte_columns/Q8_0", "byte_matmul/Q8_0"),
        std::tuple(64u, "byte_columns/Q8_0", "byte_tiles/Q8_0"),
        std::tuple(65u, "bfloat_tiles/Q8_0", "bfloat_tiles/Q8_0")}) {
    const std::string of = product;
    EXPECT_EQ(joined(launches_of(kLlama, true, rows, false, false, true), 1, 13),
              "norm_round " + of + " " + of + " " + of + around + of + " norm_round " + of + " round_inputs " + down)
        << rows << " rows; 96 are no whole number of pairs of groups";
  }
  EXPECT_EQ(count_of(launches_of(kLlama, true, 40, false, true, true), "byte_matmul/Q8_0"), 13u)
      << "where deterministic";
}

// What a layer of `rows` rows launches up to its attention.
std::string products_before_attention(const Shape& shape, uint32_t rows, const Machine::About& about, Ways ways = {},
                                      bool deterministic = false) {
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8, .deterministic = deterministic};
  const auto recorder = std::make_shared<Recorder>(true, about);
  ways.rounds = true;
  const auto plan =
      make_device(recorder, [&](const Program&, const Limits&) { return ways; })->compile(random.program, limits);
  plan->submit(batch_of(random_text({rows}, 100, limits, 3), 0, rows));
  plan->wait();
  const std::vector<std::string>& names = recorder->launches;
  const auto end = std::find(names.begin(), names.end(), "rope");
  return joined(names, 2, static_cast<size_t>(end - names.begin()) - 3);
}

TEST(GpuSteps, ProductsOfOneInputAreOneLaunchWhereTheMachineHasThat) {
  const Machine::About joins{.has_columns = true, .joins = true}, few{.joins = true};
  const std::string norm = "| norm_round | ", matmul = "byte_matmul/Q8_0", columns = "byte_columns/Q8_0",
                    tiles = "byte_tiles/Q8_0", bfloats = "bfloat_tiles/Q8_0";
  const auto thrice = [](const std::string& name) { return name + " " + name + " " + name; };
  for (const uint32_t rows : {1u, 2u})
    EXPECT_EQ(products_before_attention(kLlama, rows, joins), norm + "joined_matmul/Q8_0") << rows;
  for (const uint32_t rows : {3u, 8u, 9u, 16u, 32u, 64u})
    EXPECT_EQ(products_before_attention(kLlama, rows, joins), norm + "joined_columns/Q8_0") << rows;
  EXPECT_EQ(products_before_attention(kLlama, 65, joins), norm + thrice(bfloats));
  EXPECT_EQ(products_before_attention(kLlama, 4, few), norm + "joined_matmul/Q8_0");
  EXPECT_EQ(products_before_attention(kLlama, 8, few), norm + thrice(matmul));
  EXPECT_EQ(products_before_attention(kLlama, 16, few), norm + thrice(tiles));
  EXPECT_EQ(products_before_attention(kLlama, 1, joins, {.joins = false}), norm + thrice(matmul));
  EXPECT_EQ(products_before_attention(kLlama, 16, joins, {.joins = false}), norm + thrice(columns));
  EXPECT_EQ(products_before_attention(kLlama, 4, joins, {}, true), norm + "joined_matmul/Q8_0");
  EXPECT_EQ(products_before_attention(kLlama, 64, joins, {}, true), norm + thrice(matmul)) << "where deterministic";
  Shape shape = kLlama;
  shape.other = Format::q4_0;
  EXPECT_EQ(products_before_attention(shape, 1, joins), norm + "joined_matmul/Q8_0 byte_matmul/Q4_0");
  shape.format = shape.other = Format::q5_0;
  EXPECT_EQ(products_before_attention(shape, 1, joins), norm + thrice("byte_matmul/Q5_0")) << "not usual";
}

// They have one rounding of the input for all.
TEST(GpuSteps, VeryManyRowsBesideExpertsStayBytes) {
  Shape shape = kLlama;
  shape.experts = 4;
  shape.used = 2;
  shape.shared = true;
  const std::vector<std::string> names = launches_of(shape, true, 100);
  EXPECT_EQ(joined(names, 10, 5), "norm_round matmul_tiles/F32 route byte_tiles/Q8_0 matmul_tiles/F32");
  EXPECT_EQ(count_of(names, "bfloat_tiles/Q8_0"), 10u) << "of attention, and what the shared expert made";
}

TEST(GpuSteps, RouterSharedExpertAndExpertsShareTheirInput) {
  Shape shape = kLlama;
  shape.experts = 4;
  shape.used = 2;
  shape.shared = true;
  const std::vector<std::string> names = launches_of(shape, true, 1);
  EXPECT_EQ(joined(names, 10, 10),
            "norm_round matmul/F32 route byte_matmul/Q8_0 matmul/F32 byte_matmul/Q8_0 round_inputs byte_matmul/Q8_0 "
            "combine round_inputs");
}

TEST(GpuSteps, NothingIsRoundedForFormatsWithoutBlocksNorForSameResultsInEveryBatch) {
  Shape shape = kLlama;
  shape.format = shape.other = Format::f16;
  for (const std::vector<std::string>& names :
       {launches_of(shape, true, 40), launches_of(kLlama, false, 40, false, true)})
    EXPECT_EQ(count_of(names, "norm_round") + count_of(names, "round_inputs"), 0u);
}

TEST(GpuSteps, FewRowsAreNotRoundedWhereTheyMayNotBe) {
  const RandomProgram random = random_program(kLlama, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8};
  const auto recorder = std::make_shared<Recorder>(true);
  const ChooseWays ways = [](const Program&, const Limits&) { return Ways{.rounds = true, .rounds_few = false}; };
  const auto plan = make_device(recorder, ways)->compile(random.program, limits);
  const auto launches = [&](uint32_t rows) {
    plan->submit(batch_of(random_text({rows}, 100, limits, 3), 0, rows));
    plan->wait();
    return recorder->launches;
  };
  EXPECT_EQ(count_of(launches(8), "matmul/Q8_0"), 13u);
  EXPECT_EQ(count_of(launches(8), "round_inputs"), 0u);
  EXPECT_EQ(count_of(launches(40), "byte_tiles/Q8_0"), 13u);
}

// Where attention is cut into parts depends on how far back is seen, but not in steps of many rows.
TEST(GpuSteps, OfManyRowsAreRecordedOnceForAllParts) {
  const RandomProgram random = random_program(kLlama, 5);
  const Limits limits{.rows = 256, .pages = 256, .page_size = 8};
  const auto works_of = [&](uint32_t rows) {
    const auto recorder = std::make_shared<Recorder>(true);
    const auto plan = make_device(recorder, true)->compile(random.program, limits);
    const Text text = random_text({2048}, 100, limits, 3);
    int first = 0;
    for (uint32_t begin = 0; begin + rows <= 2048; begin += rows) {
      Batch batch = batch_of(text, begin, begin + rows);
      batch.pages.resize(256);  // so that what is uploaded has one size
      batch.page_begin.back() = 256;
      batch.outputs = {rows - 1};
      plan->submit(batch);
      plan->wait();
      if (begin == 0) first = recorder->recorded;
    }
    return recorder->recorded - first;
  };
  EXPECT_EQ(works_of(256), 0);
  EXPECT_EQ(works_of(8), 3) << "of 4, 8 and 16 parts";
}

TEST(GpuSteps, BeginWithACopyOfTheBatch) {
  const RandomProgram random = random_program(kLlama, 5);
  const Limits limits{.rows = 128, .pages = 16, .page_size = 8};
  const auto recorder = std::make_shared<Recorder>(true);
  const auto plan = make_device(recorder, true)->compile(random.program, limits);
  Batch batch = batch_of(random_text({1}, 100, limits, 3), 0, 1);
  const auto recorded_with = [&](uint32_t pages) {
    const int before = recorder->recorded;
    batch.pages.resize(pages);
    batch.page_begin.back() = pages;
    plan->submit(batch);
    plan->wait();
    EXPECT_GE(recorder->copied, words_of(batch, random.program) * sizeof(uint32_t)) << pages;
    EXPECT_EQ(recorder->launches.front(), "|") << pages;
    return recorder->recorded - before;
  };
  EXPECT_EQ(recorded_with(1), 1);
  EXPECT_EQ(recorded_with(900), 0);
  EXPECT_EQ(recorded_with(1100), 1);
  EXPECT_EQ(recorded_with(1900), 0);
  EXPECT_EQ(recorded_with(1), 0) << "the first is still there";
}

// The kernels of attention in a step of the rows [begin, end) of sequences of such lengths.
std::string kernels_of_attention(const std::vector<uint32_t>& lengths, uint32_t begin, uint32_t end,
                                 KvType kv_type = KvType::f16, bool deterministic = false, uint32_t head_size = 64) {
  const Shape shape{.heads = 2, .kv_heads = 1, .head_size = head_size, .layers = 1};
  const RandomProgram random = random_program(shape, 5);
  const Limits limits{.rows = 64, .pages = 200, .page_size = 8, .kv_type = kv_type, .deterministic = deterministic};
  const auto recorder = std::make_shared<Recorder>(true, kAttends);
  const auto plan = make_device(recorder, true)->compile(random.program, limits);
  plan->submit(batch_of(random_text(lengths, 100, limits, 3), begin, end));
  plan->wait();
  std::vector<std::string> names = recorder->launches;
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("attend"); });
  return joined(names, 0, names.size());
}

TEST(GpuSteps, RowsOfPromptsAttendInTilesAndSingleRowsDoNot) {
  EXPECT_EQ(kernels_of_attention({30, 10}, 0, 64), "attend_tiles");
  EXPECT_EQ(kernels_of_attention({30, 10}, 0, 64, KvType::q8_0), "attend_tiles");
  EXPECT_EQ(kernels_of_attention({17}, 0, 64), "attend_tiles");
  EXPECT_EQ(kernels_of_attention({16}, 0, 64), "attend_row");
  EXPECT_EQ(kernels_of_attention(std::vector<uint32_t>(40, 1), 0, 64), "attend_row");
  EXPECT_EQ(kernels_of_attention({30, 10}, 0, 64, KvType::f32), "attend");
  EXPECT_EQ(kernels_of_attention({30, 10}, 0, 64, KvType::f16, true), "attend_row")
      << "sums depend on where a step begins";
  EXPECT_EQ(kernels_of_attention({30, 10}, 0, 64, KvType::f16, false, 32), "attend");
  EXPECT_EQ(kernels_of_attention({1440}, 1439, 1440), "attend_row attend_join");
  EXPECT_EQ(kernels_of_attention({1440}, 1400, 1440), "attend_tiles") << "not in parts";
}

}  // namespace
}  // namespace hearth::gpu
