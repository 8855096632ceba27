// The shared JSON Schemas: what is valid is followed to its end, what is not is refused.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/engine/constraint/constraint_tests.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

TEST(SharedSchemas, ValidInstancesAreFollowedAndInvalidOnesRefused) {
  const auto folder = shared_data("grammar");
  HEARTH_REQUIRE_SHARED(folder);
  size_t schemas = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const auto name = entry.path().stem().string();
    const auto file = nlohmann::ordered_json::parse(std::ifstream(entry.path()));
    const Automaton automaton = compile_schema(file.at("schema").dump());
    for (const std::string text : file.at("valid")) EXPECT_TRUE(accepts(automaton, text)) << name << ": " << text;
    for (const std::string text : file.at("invalid")) EXPECT_FALSE(accepts(automaton, text)) << name << ": " << text;
    ++schemas;
  }
  EXPECT_GE(schemas, 40u);
}

}  // namespace
}  // namespace hearth
