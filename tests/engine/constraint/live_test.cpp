// Constraints of requests through a live engine.
#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <limits>
#include <nlohmann/json.hpp>

#include "hearth/hearth.h"
#include "tests/engine/greedy_request.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

Engine load_for_constraints(uint32_t parallel = 1) {
  EngineOptions options;
  options.parallel = parallel;
  options.context = 512;
  return Engine::load(shared_data("models/spark.gguf"), options);
}

Request constrained(Constraint constraint, uint64_t seed) {
  Request request;
  request.prompt = "def f(x):\n";
  request.max_tokens = 400;
  request.sampling.temperature = 1;
  request.sampling.top_k = 0;
  request.sampling.seed = seed;
  request.constraint = std::move(constraint);
  return request;
}

const char* const kPoint =
    R"({"type":"object","properties":{"kind":{"enum":["point","line"]},"x":{"type":"integer","minimum":-5,"maximum":250},)"
    R"("names":{"type":"array","items":{"type":"string","maxLength":8},"maxItems":3}},)"
    R"("required":["kind","x","names"],"additionalProperties":false})";

void expect_point(const std::string& text) {
  const auto value = nlohmann::json::parse(text, nullptr, false);
  ASSERT_TRUE(value.is_object()) << text;
  EXPECT_EQ(value.size(), 3u) << text;
  EXPECT_TRUE(value.at("kind") == "point" || value.at("kind") == "line") << text;
  EXPECT_TRUE(value.at("x").is_number_integer() && value.at("x") >= -5 && value.at("x") <= 250) << text;
  EXPECT_LE(value.at("names").size(), 3u) << text;
}

TEST(LiveConstraint, ASchemaIsKeptAtAnySeed) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    const Result result = engine.generate(constrained(JsonSchema{kPoint}, seed));
    EXPECT_EQ(result.reason, FinishReason::end) << result.text;
    expect_point(result.text);
  }
}

TEST(LiveConstraint, ManyAtOnceKeepTheirOwn) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints(4);
  std::vector<std::future<Result>> results;
  for (uint64_t seed = 1; seed <= 12; ++seed)
    results.push_back(std::async(std::launch::async, [&engine, seed] {
      if (seed % 3 == 0) return engine.generate(constrained(Grammar{"root ::= (\"yes\" | \"no\") \"!\"{3}"}, seed));
      if (seed % 3 == 1) return engine.generate(greedy("x = 1\n", 20));
      return engine.generate(constrained(JsonSchema{kPoint}, seed));
    }));
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const Result result = results[seed - 1].get();
    if (seed % 3 == 0) EXPECT_TRUE(result.text == "yes!!!" || result.text == "no!!!") << result.text;
    if (seed % 3 == 2) expect_point(result.text);
  }
}

TEST(LiveConstraint, TextThatMustFollowTakesFewSteps) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  const Result result = engine.generate(constrained(
      JsonSchema{R"({"const":{"a long name of a member":["and a long text that has no choice at all"]}})"}, 1));
  EXPECT_EQ(result.text, R"({"a long name of a member":["and a long text that has no choice at all"]})");
  EXPECT_EQ(result.reason, FinishReason::end);
  EXPECT_GT(result.generated_tokens, 5u);
  EXPECT_LT(engine.statistics().steps, 4u);
  EXPECT_EQ(engine.statistics().generated_tokens, result.generated_tokens);
}

TEST(LiveConstraint, WithLogprobsEveryTokenHasOne) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  Request request = constrained(JsonSchema{kPoint}, 3);
  request.logprobs = 2;
  const Result result = engine.generate(request);
  expect_point(result.text);
  ASSERT_EQ(result.logprobs.size(), result.generated_tokens);
  std::string bytes;
  for (const TokenLogprob& one : result.logprobs) {
    EXPECT_LE(one.logprob, 0);
    EXPECT_TRUE(std::isfinite(one.logprob));
    bytes += one.bytes;
  }
  EXPECT_EQ(bytes, result.text);
}

TEST(LiveConstraint, EndsWhereTheRequestDoes) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  Request request = constrained(Grammar{"root ::= \"abcdefghijklmnopqrstuvwxyz\"{20}"}, 1);
  request.max_tokens = 7;
  Result result = engine.generate(request);
  EXPECT_EQ(result.reason, FinishReason::max_tokens);
  EXPECT_EQ(result.generated_tokens, 7u);
  request.max_tokens = 400;
  request.stop = {"xyz"};
  result = engine.generate(request);
  EXPECT_EQ(result.reason, FinishReason::stop);
  EXPECT_EQ(result.text, "abcdefghijklmnopqrstuvw");
  EXPECT_LT(result.generated_tokens, 30u);
  EXPECT_LE(engine.statistics().steps, 2u);  // nothing is computed behind an end
}

TEST(LiveConstraint, BiasesCannotForbidAllThatMayCome) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  Request request = constrained(Grammar{"root ::= [ab] [cd]"}, 1);
  for (int32_t id = 0; id < static_cast<int32_t>(engine.info().vocabulary); ++id)
    request.sampling.logit_bias.emplace_back(id, -std::numeric_limits<float>::infinity());
  const Result result = engine.generate(request);
  EXPECT_EQ(result.text.size(), 2u) << result.text;
  EXPECT_EQ(result.reason, FinishReason::end);
}

TEST(LiveConstraint, EndIsIgnoredOnlyWhileMoreMayCome) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  Request request = constrained(Grammar{"root ::= [a-c]{0,40}"}, 1);
  request.ignore_end = true;
  const Result result = engine.generate(request);
  EXPECT_EQ(result.text.size(), 40u);
  EXPECT_EQ(result.reason, FinishReason::end);
}

TEST(LiveConstraint, WhatCannotBeFollowedIsRefusedAtOnce) {
  HEARTH_REQUIRE_SHARED(shared_data("models/spark.gguf"));
  Engine engine = load_for_constraints();
  for (const Constraint& constraint : {Constraint(JsonSchema{R"({"not":{}})"}), Constraint(JsonSchema{"{"}),
                                       Constraint(Grammar{"root ::= root"}), Constraint(Grammar{""})}) {
    try {
      engine.generate(constrained(constraint, 1));
      ADD_FAILURE() << "not refused";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
}

}  // namespace
}  // namespace hearth
