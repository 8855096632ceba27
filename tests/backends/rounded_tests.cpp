// What devices are held to that may round the inputs of products of many rows to 8 bits.
#include "tests/backends/conformance.h"

namespace hearth {

TEST_P(RoundedConformance, MultipliesAsTheReference) {
  const double most = rounded(0.6), mean_square = rounded_square(2e-3);
  compare({.width = 256, .head_size = 64, .hidden = 512, .format = Format::q4_k, .other = Format::q6_k}, KvType::f32,
          most, mean_square, {40});
  compare({.width = 96, .hidden = 160, .format = Format::q8_0, .other = Format::f16}, KvType::f32, most, mean_square,
          {100});
}

// Of a tile of 128 rows and columns, and of two behind one another, some are short.
TEST_P(RoundedConformance, MultipliesVeryManyRows) {
  const double most = rounded(0.6), mean_square = rounded_square(2e-3);
  compare({.width = 160, .hidden = 416, .layers = 1, .format = Format::q4_1, .other = Format::q5_0}, KvType::f32, most,
          mean_square, {65});
  compare({.width = 32, .hidden = 160, .layers = 1, .format = Format::q8_0, .other = Format::mxfp4}, KvType::f32, most,
          mean_square, {130, 40});
}

TEST_P(RoundedConformance, SendsManyRowsToTheirExperts) {
  const Shape shape{.width = 96, .hidden = 160, .experts = 2, .used = 2, .format = Format::q5_1, .other = Format::q4_0};
  compare(shape, KvType::f32, rounded(0.6), rounded_square(2e-3), {100});
}

// Of products only those of experts round here, in the first step that the plan makes, which asks for one row.
TEST_P(RoundedConformance, RoundsInputsOfExpertsAlone) {
  for (const Format other : {Format::q4_0, Format::mxfp4}) {
    const RandomProgram random = random_program(
        {.width = 96, .hidden = 320, .layers = 1, .experts = 4, .used = 4, .format = Format::f16, .other = other}, 9);
    const Limits limits{.rows = 40, .pages = 8, .page_size = 8, .kv_type = KvType::f32};
    const Text text = random_text({36}, 100, limits, 4);
    Batch batch = batch_of(text, 0, 36);
    batch.outputs = {35};
    std::vector<std::vector<float>> results;
    for (const auto& one : {std::shared_ptr<Device>(make_reference_device()), device()}) {
      const auto plan = one->compile(random.program, limits);
      plan->submit(batch);
      const auto logits = plan->wait().logits;
      results.emplace_back(logits.begin(), logits.end());
    }
    for (size_t i = 0; i < results[0].size(); ++i) EXPECT_NEAR(results[1][i], results[0][i], rounded(0.6)) << i;
  }
}

}  // namespace hearth
