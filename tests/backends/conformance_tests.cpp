// The tests of every device against the reference.
#include "backends/cut.h"
#include "tests/backends/conformance.h"

namespace hearth {
namespace {

struct Difference {
  double largest = 0, mean_square = 0;  // the latter over the mean square of what is expected
};

Difference difference(const std::vector<std::vector<float>>& expected, const std::vector<std::vector<float>>& found) {
  double largest = 0, squares = 0, all = 1e-30;
  for (size_t s = 0; s < expected.size(); ++s) {
    EXPECT_EQ(expected[s].size(), found[s].size());
    for (size_t i = 0; i < expected[s].size() && i < found[s].size(); ++i) {
      const double apart = double{expected[s][i]} - double{found[s][i]};
      if (!(std::abs(apart) <= largest)) largest = std::abs(apart);
      squares += apart * apart;
      all += double{expected[s][i]} * double{expected[s][i]};
    }
  }
  return {largest, squares / all};
}

// Compares with the reference in one batch, in chunks of 13 and token by token.
}  // namespace

void Conformance::compare(const Shape& shape, KvType kv_type, double most, double mean_square,
                          const std::vector<uint32_t>& steps) {
  const RandomProgram random = random_program(shape, 7);
  const Limits limits{.rows = 100, .pages = 24, .page_size = 7, .states = 5, .kv_type = kv_type};
  Text text = random_text({33, 1, 40, 12}, shape.vocabulary, limits, 3);
  if (shape.adapters == 2) text.scales = {{0.5f, 0}, {0, -1}, {0, 0}, {0.8f, 0.3f}};
  const auto reference = make_reference_device();
  const auto expected = logits_of(*reference, random.program, limits, text, 100);
  const auto tested = device();
  for (const uint32_t step : steps) {
    const auto found = logits_of(*tested, random.program, limits, text, step);
    const Difference apart = difference(expected, found);
    EXPECT_LE(apart.largest, most) << "in steps of " << step;
    EXPECT_LE(apart.mean_square, mean_square) << "in steps of " << step;
  }
}

// F32 throughout: float rounding over rows of at most 300 values, in logits of standard deviation near 1 to 3.
TEST_P(Conformance, ComputesFloatProgramsAsTheReference) { compare({}, KvType::f32, kFloat, kFloatSquare); }

TEST_P(Conformance, HandlesSizesThatNoVectorDivides) {
  compare({.width = 45, .heads = 3, .kv_heads = 1, .head_size = 13, .hidden = 77, .rope_pairs = 6}, KvType::f32, kFloat,
          kFloatSquare);
  compare({.width = 24,
           .heads = 2,
           .kv_heads = 2,
           .head_size = 8,
           .hidden = 33,
           .rope_pairs = 3,
           .style = RopeStyle::adjacent,
           .bias = true},
          KvType::f32, kFloat, kFloatSquare);
  compare({.width = 40, .heads = 70, .kv_heads = 1, .head_size = 10, .hidden = 9, .layers = 1, .rope_pairs = 5},
          KvType::f32, kFloat, kFloatSquare);
  compare({.width = 300, .heads = 1, .kv_heads = 1, .head_size = 256, .hidden = 300, .layers = 1, .rope_pairs = 128},
          KvType::f32, kFloat, kFloatSquare);
}

TEST_P(Conformance, KeepsNormsThatOthersRead) { compare({.fold_norms = false}, KvType::f32, kFloat, kFloatSquare); }

TEST_P(Conformance, ComputesExpertsAsTheReference) {
  compare({.experts = 8, .used = 2}, KvType::f32, kFloat, kFloatSquare);
  compare(
      {.width = 45, .heads = 3, .kv_heads = 3, .head_size = 11, .hidden = 33, .experts = 5, .used = 5, .rope_pairs = 5},
      KvType::f32, kFloat, kFloatSquare);
}

TEST_P(Conformance, NormsAndCentersAsTheReference) {
  compare({.centered = true}, KvType::f32, kFloat, kFloatSquare);
  compare({.fold_norms = false, .centered = true}, KvType::f32, kFloat, kFloatSquare);
  compare({.head_norms = true, .post_norms = true}, KvType::f32, kFloat, kFloatSquare);
  compare({.width = 45,
           .heads = 3,
           .kv_heads = 3,
           .head_size = 13,
           .hidden = 33,
           .rope_pairs = 5,
           .centered = true,
           .head_norms = true},
          KvType::f32, kFloat, kFloatSquare);
}

TEST_P(Conformance, ActivatesAndScalesAsTheReference) {
  compare({.bias = true, .act = Activation::gelu}, KvType::f32, kFloat, kFloatSquare);
  compare({.bias = true, .scale = 0.7f, .act = Activation::gelu, .gated = false}, KvType::f32, kFloat, kFloatSquare);
  compare({.bias = true, .act = Activation::silu, .gated = false}, KvType::f32, kFloat, kFloatSquare);
  compare({.post_norms = true, .positions = true, .scale = 1.3f, .act = Activation::clamped}, KvType::f32, kFloat,
          kFloatSquare);
}

TEST_P(Conformance, AttendsInEveryWayAsTheReference) {
  compare({.softcap = 3}, KvType::f32, kFloat, kFloatSquare);
  compare({.window = 9}, KvType::f32, kFloat, kFloatSquare);
  compare({.window = 33, .sinks = true}, KvType::f32, kFloat, kFloatSquare);
  compare({.heads = 6, .kv_heads = 3, .sinks = true, .value_size = 24}, KvType::f32, kFloat, kFloatSquare);
  compare({.rope_pairs = 5, .value_size = 8, .rope_first = 6, .temperature = 0.3f}, KvType::f32, kFloat, kFloatSquare);
  compare({.rope_pairs = 0, .style = RopeStyle::adjacent}, KvType::f32, kFloat, kFloatSquare);
  compare({.window = 9, .value_size = 32}, KvType::f16, 1e-2, 1e-6);
  compare({.causal = false}, KvType::f32, kFloat, kFloatSquare, {100});
}

// So far back that GPUs cut the positions into parts, and of sequences of which only one goes so far.
TEST_P(Conformance, AttendsFarBackAsTheReference) {
  for (const uint32_t window : {0u, 450u}) {
    const RandomProgram random = random_program({.width = 32,
                                                 .heads = 3,
                                                 .kv_heads = 1,
                                                 .head_size = 16,
                                                 .hidden = 16,
                                                 .vocabulary = 20,
                                                 .layers = 1,
                                                 .window = window,
                                                 .sinks = window != 0},
                                                7);
    const Limits limits{.rows = 910, .pages = 60, .page_size = 16, .deterministic = true};
    const Text text = random_text({514, 3, 387}, 20, limits, 3);
    const auto expected = logits_of(*make_reference_device(), random.program, limits, text, 514);
    const auto at_once = logits_of(*device(), random.program, limits, text, 514);
    const Difference apart = difference(expected, at_once);
    EXPECT_LE(apart.largest, 1e-2);
    EXPECT_LE(apart.mean_square, 1e-6);
    EXPECT_EQ(logits_of(*device(), random.program, limits, text, 385), at_once);
    EXPECT_EQ(logits_of(*device(), random.program, limits, text, 512), at_once);
  }
}

TEST_P(Conformance, FollowsTheDeltaRuleAsTheReference) {
  compare({.delta_heads = 4, .delta_key_heads = 2}, KvType::f32, kFloat, kFloatSquare);
  compare(
      {.delta_heads = 6, .delta_key_heads = 3, .delta_key_size = 12, .delta_value_size = 29, .taps = 2, .cyclic = true},
      KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 8,
           .used = 3,
           .shared = true,
           .delta_heads = 2,
           .delta_key_size = 32,
           .delta_value_size = 48,
           .taps = 7,
           .gated_attention = true},
          KvType::f32, kFloat, kFloatSquare);
  compare({.width = 64,
           .format = Format::q8_0,
           .other = Format::q4_0,
           .delta_heads = 4,
           .delta_key_heads = 2,
           .delta_key_size = 16,
           .delta_value_size = 16,
           .cyclic = true,
           .gated_attention = true},
          KvType::f32, rounded(0.6), rounded_square(2e-3));
}

// What is said of candidates holds to the last bit, whatever the device computes.
TEST_P(Conformance, GivesTheLargestOfItsLogits) {
  for (const float softcap : {0.0f, 2.0f})
    for (const uint32_t vocabulary : {1u, 31u, 33u, 300u}) {
      const Shape shape{.vocabulary = vocabulary, .layers = 1, .softcap = softcap};
      const RandomProgram random = random_program(shape, 7);
      const Limits limits{.rows = 9, .pages = 6, .page_size = 7, .kv_type = KvType::f32, .deterministic = true};
      const Text text = random_text({5, 4}, vocabulary, limits, 3);
      const auto tested = device();
      const auto plan = tested->compile(random.program, limits);
      Batch batch = batch_of(text, 0, 5);
      plan->submit(batch);
      const auto found = plan->wait().logits;
      const std::vector<float> all(found.begin(), found.end());
      const std::vector<std::vector<uint32_t>> wanted = {
          {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0, 3, 40, 0, kMostCandidates, 0, 0, 2, 0}, {40, 0, 0, 0, 0, 0, 0, 0, 1}};
      for (const std::vector<uint32_t>& counts : wanted) {
        batch.candidates = counts;
        plan->submit(batch);
        const StepResult result = plan->wait();
        size_t whole = 0, begin = 0;
        for (size_t row = 0; row < counts.size(); ++row) {
          const auto expected = std::span(all).subspan(row * vocabulary, vocabulary);
          if (counts[row] == 0) {
            EXPECT_TRUE(std::ranges::equal(result.logits.subspan(whole, vocabulary), expected)) << row;
            whole += vocabulary;
            continue;
          }
          std::vector<Candidate> largest(counts[row]);
          choose_candidates(expected, largest);
          for (size_t i = 0; i < largest.size(); ++i) {
            const Candidate& one = result.candidates[begin + i];
            EXPECT_EQ(one.token, largest[i].token) << i << " of row " << row << " of " << vocabulary;
            if (one.token >= 0) EXPECT_EQ(one.logit, largest[i].logit);
          }
          begin += counts[row];
        }
        EXPECT_EQ(result.logits.size(), whole);
        EXPECT_EQ(result.candidates.size(), begin);
      }
      batch.candidates = {1};
      EXPECT_THROW(plan->submit(batch), DeviceError);
      batch.candidates.assign(9, kMostCandidates + 1);
      EXPECT_THROW(plan->submit(batch), DeviceError);
    }
}

TEST_P(Conformance, GoesOnFromCopiedStates) {
  const Shape shape{.delta_heads = 4, .delta_key_heads = 2};
  const RandomProgram random = random_program(shape, 7);
  const Limits limits{.rows = 100, .pages = 24, .page_size = 7, .states = 4, .kv_type = KvType::f32};
  const Text text = random_text({30}, shape.vocabulary, limits, 3);
  for (const auto& one : {std::shared_ptr<Device>(make_reference_device()), device()}) {
    const auto plan = one->compile(random.program, limits);
    const auto last_logits = [&](uint32_t begin, uint32_t end, uint32_t place, std::vector<Batch::Copy> copies) {
      Batch batch = batch_of(text, begin, end, true);
      batch.states = {place};
      batch.state_copies = std::move(copies);
      plan->submit(batch);
      const auto all = plan->wait().logits;
      return std::vector<float>(all.end() - shape.vocabulary, all.end());
    };
    last_logits(0, 20, 1, {});
    const auto expected = last_logits(20, 30, 1, {{1, 3}});
    EXPECT_NE(last_logits(20, 30, 1, {}), expected) << "the state went on";
    EXPECT_EQ(last_logits(20, 30, 2, {{3, 0}, {0, 2}, {1, 0}}), expected);
    EXPECT_EQ(last_logits(20, 30, 3, {}), expected) << "a copy is not changed by who goes on from it";
    last_logits(0, 20, 1, {});
    EXPECT_EQ(last_logits(20, 30, 1, {}), expected) << "position 0 starts anew";
  }
}

TEST_P(Conformance, AttendsToLatentVectorsAsTheReference) {
  const Shape shape{.head_size = 44, .rope_pairs = 6, .style = RopeStyle::adjacent, .value_size = 24, .latent = 40};
  compare(shape, KvType::f32, kFloat, kFloatSquare);
  compare({.heads = 5, .head_size = 20, .rope_pairs = 2, .temperature = 0.2f, .latent = 9}, KvType::f32, kFloat,
          kFloatSquare);
  compare({.head_size = 40, .rope_pairs = 4, .format = Format::q8_0, .other = Format::q4_0, .latent = 32}, KvType::f32,
          rounded(0.6), rounded_square(2e-3));
}

TEST_P(Conformance, RoutesInEveryWayAsTheReference) {
  compare({.experts = 8, .used = 3, .bias = true, .act = Activation::clamped}, KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 8, .used = 3, .bias = true, .act = Activation::gelu, .shared = true, .normalised = false},
          KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 8, .used = 2, .scale = 1.7f, .shared = true, .choice_bias = true, .gating = Gating::sigmoid},
          KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 12, .used = 3, .choice_bias = true, .gating = Gating::sigmoid, .groups = 4, .groups_used = 2},
          KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 12, .used = 2, .groups = 6, .groups_used = 1}, KvType::f32, kFloat, kFloatSquare);
  compare({.experts = 6, .used = 2, .choice_bias = true, .normalised = false, .groups = 6, .groups_used = 3},
          KvType::f32, kFloat, kFloatSquare);
}

// Sequences with one, the other, no and both adapters, side by side.
TEST_P(Conformance, AddsWhatAdaptersSayAsTheReference) {
  compare({.bias = true, .adapters = 2}, KvType::f32, kFloat, kFloatSquare);
  compare({.width = 45,
           .heads = 3,
           .kv_heads = 1,
           .head_size = 13,
           .hidden = 77,
           .rope_pairs = 6,
           .fold_norms = false,
           .act = Activation::gelu,
           .gated = false,
           .adapters = 2},
          KvType::f32, kFloat, kFloatSquare);
  compare({.bias = true, .post_norms = true, .scale = 1.3f, .act = Activation::clamped, .adapters = 2}, KvType::f32,
          kFloat, kFloatSquare);
  compare({.experts = 8, .used = 3, .bias = true, .shared = true, .normalised = false, .adapters = 2}, KvType::f32,
          kFloat, kFloatSquare);
  compare({.width = 256,
           .head_size = 64,
           .hidden = 256,
           .rope_pairs = 32,
           .format = Format::q4_k,
           .other = Format::q8_0,
           .adapters = 2},
          KvType::f32, rounded(0.6), rounded_square(2e-3));
}

TEST_P(Conformance, GivesSequencesWithoutAnAdapterTheBitsThatTheyHaveInAProgramWithoutAny) {
  for (const uint32_t experts : {0u, 8u}) {
    const Shape shape{.experts = experts, .used = experts / 4, .bias = true, .adapters = 2};
    const RandomProgram random = random_program(shape, 9);
    Program plain = random.program;
    plain.adapters = 0;
    plain.changes.clear();
    plain.embedding_changes.clear();
    const Limits limits{.rows = 80, .pages = 12, .page_size = 8, .kv_type = KvType::f16, .deterministic = true};
    Text text = random_text({20, 33, 5}, shape.vocabulary, limits, 4);
    const auto tested = device();
    const auto expected = logits_of(*tested, plain, limits, text, 9);
    EXPECT_EQ(logits_of(*tested, random.program, limits, text, 9), expected);
    text.scales = {{0, 0}, {1, 0.5f}, {0, 0}};
    const auto found = logits_of(*tested, random.program, limits, text, 9);
    EXPECT_EQ(found[0], expected[0]);
    EXPECT_NE(found[1], expected[1]);
    EXPECT_EQ(found[2], expected[2]);
  }
}

TEST_P(Conformance, DeterministicPlansGiveASequenceTheSameBitsWhateverAdaptersOthersUse) {
  for (const Shape& shape :
       {Shape{.width = 96, .hidden = 160, .format = Format::q4_0, .other = Format::q8_0, .adapters = 2},
        Shape{.experts = 8, .used = 3, .adapters = 2}}) {
    const RandomProgram random = random_program(shape, 9);
    const Limits limits{.rows = 80, .pages = 12, .page_size = 8, .kv_type = KvType::f16, .deterministic = true};
    Text text = random_text({20, 33, 5}, shape.vocabulary, limits, 4);
    text.scales = {{0.5f, 0}, {0.25f, 2}, {0, -1}};
    const auto tested = device();
    const auto together = logits_of(*tested, random.program, limits, text, 9);
    for (size_t s = 0; s < text.tokens.size(); ++s) {
      const Text alone{{text.tokens[s]}, {text.pages[s]}, {text.scales[s]}};
      for (const uint32_t step : {1u, 40u})
        EXPECT_EQ(logits_of(*tested, random.program, limits, alone, step)[0], together[s])
            << s << " alone, by " << step;
    }
  }
}

// A key that lies at a rounding boundary falls to either side, which moves it by 2^-11 or 1/127 of its group.
TEST_P(Conformance, RoundsTheCacheAsTheReference) {
  compare({.style = RopeStyle::adjacent}, KvType::f16, 1e-2, 1e-6);
  compare({}, KvType::q8_0, 1e-1, 1e-4);
  compare({.heads = 6, .kv_heads = 2, .head_size = 48, .rope_pairs = 24}, KvType::q8_0, 1e-1, 1e-4);
  compare({.heads = 4, .kv_heads = 4, .head_size = 24, .rope_pairs = 7}, KvType::q8_0, 1e-1, 1e-4);
}

// Of head sizes for which GPUs make the rows of a sequence together, whose queries and weights they round as f16.
TEST_P(Conformance, AttendsInTilesAsTheReference) {
  for (const auto& [type, most, mean_square] :
       {std::tuple(KvType::f16, 1e-2, 1e-6), std::tuple(KvType::q8_0, 1e-1, 1e-4)}) {
    SCOPED_TRACE(name_of(type));
    compare({.head_size = 64, .layers = 1, .rope_pairs = 32}, type, most, mean_square, {100, 13});
    compare({.heads = 3, .kv_heads = 1, .head_size = 128, .layers = 1, .window = 9, .sinks = true}, type, most,
            mean_square, {100, 13});
  }
}

// Activations are rounded to 1/127 of the largest of 32, a relative error near 0.006 root mean square for each product;
// some ten matrices one after the other. Logits have a standard deviation near 1 to 3.
TEST_P(Conformance, ComputesEveryWeightFormatAsTheReference) {
  for (const FormatInfo& info : formats()) {
    SCOPED_TRACE(info.name);
    const bool exact = info.block_size == 1;
    const uint32_t block = info.block_size;
    compare({.width = block == 256  ? 256u
                      : block == 64 ? 128u
                                    : 96u,
             .head_size = 64,
             .hidden = block == 256  ? 512u
                       : block == 64 ? 192u
                                     : 160u,
             .layers = 1,
             .rope_pairs = 32,
             .format = info.format,
             .other = info.format},
            KvType::f32, exact ? kFloat : rounded(0.6), exact ? kFloatSquare : rounded_square(2e-3));
  }
}

TEST_P(Conformance, MixesFormatsInOneStage) {
  compare(
      {.width = 256, .head_size = 64, .hidden = 256, .rope_pairs = 32, .format = Format::q4_k, .other = Format::f16},
      KvType::f32, rounded(0.6), rounded_square(2e-3));
}

// Alone, with others, and however the text is cut into steps: on both sides of every number of columns for which there
// is another kernel.
TEST_P(Conformance, DeterministicPlansGiveARowTheSameBitsInAnyBatch) {
  for (const Shape& shape :
       {Shape{.width = 96, .heads = 8, .kv_heads = 2, .hidden = 160, .format = Format::q4_0, .other = Format::q8_0},
        Shape{.width = 256,
        .head_size = 64,
        .hidden = 256,
        .experts = 8,
        .used = 3,
        .rope_pairs = 32,
        .format = Format::q4_k,
        .other = Format::q6_k},
        Shape{.width = 96,
        .format = Format::q4_0,
        .other = Format::q8_0,
        .delta_heads = 4,
        .delta_key_size = 16,
        .delta_value_size = 24}}) {
    const RandomProgram random = random_program(shape, 9);
    const Limits limits{.rows = 80,
                        .pages = 12,
                        .page_size = 8,
                        .states = 4,
                        .kv_type = shape.delta_heads > 0 ? KvType::f16 : KvType::q8_0,
                        .deterministic = true};
    const Text text = random_text({20, 33, 5}, shape.vocabulary, limits, 4);
    const auto tested = device();
    const auto expected = logits_of(*tested, random.program, limits, text, 1);
    for (const uint32_t step : {3u, 30u})
      EXPECT_EQ(logits_of(*tested, random.program, limits, text, step), expected) << "in steps of " << step;
    for (size_t s = 0; s < text.tokens.size(); ++s) {
      const Text alone{{text.tokens[s]}, {text.pages[s]}};
      for (const uint32_t step : {1u, 40u})
        EXPECT_EQ(logits_of(*tested, random.program, limits, alone, step)[0], expected[s])
            << s << " alone, by " << step;
    }
  }
}

TEST_P(Conformance, GivesOnlyTheWantedRows) {
  const RandomProgram random = random_program({}, 5);
  const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32, .deterministic = true};
  const Text text = random_text({20, 9}, 100, limits, 4);
  const auto tested = device();
  const auto plan = tested->compile(random.program, limits);
  Batch batch = batch_of(text, 0, 20);
  plan->submit(batch);
  const std::vector<float> all(plan->wait().logits.begin(), plan->wait().logits.end());
  batch.outputs = {3, 19, 28};
  plan->submit(batch);
  ASSERT_EQ(plan->wait().logits.size(), 300u);
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 100; ++j) EXPECT_EQ(plan->wait().logits[i * 100 + j], all[batch.outputs[i] * 100 + j]);
  batch.outputs = {};
  plan->submit(batch);
  EXPECT_TRUE(plan->wait().logits.empty());
}

// A layer between others: what it receives and sends are rows, in steps on both sides of powers of two.
TEST_P(Conformance, PassesRowsOnAsTheReference) {
  const Shape shape{
      .width = 45, .heads = 3, .kv_heads = 1, .head_size = 13, .hidden = 77, .layers = 3, .rope_pairs = 6};
  const RandomProgram random = random_program(shape, 7);
  const std::vector<Cut> cuts = layer_cuts(random.program);
  const Program layer = cut_program(random.program, std::span(cuts).subspan(1, 2))[1];
  const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32};
  const Text text = random_text({33}, shape.vocabulary, limits, 3);
  std::mt19937 generator(5);
  std::normal_distribution<float> normal;
  std::vector<float> rows(33 * shape.width);
  for (float& value : rows) value = normal(generator);
  const auto reference = make_reference_device()->compile(layer, limits), tested = device()->compile(layer, limits);
  for (const uint32_t begin : {0u, 17u, 25u, 28u, 29u, 32u}) {
    const uint32_t next[] = {17, 25, 28, 29, 32, 33};
    const uint32_t end = *std::upper_bound(std::begin(next), std::end(next), begin);
    Batch batch = batch_of(text, begin, end);
    batch.received = std::span(rows).subspan(begin * shape.width, (end - begin) * shape.width);
    reference->submit(batch);
    tested->submit(batch);
    const auto expected = reference->wait().sent, found = tested->wait().sent;
    ASSERT_EQ(found.size(), batch.received.size());
    ASSERT_EQ(expected.size(), found.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], kFloat);
    EXPECT_TRUE(tested->wait().logits.empty());
  }
}

}  // namespace hearth
