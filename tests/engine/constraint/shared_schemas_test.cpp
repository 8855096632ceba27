// The shared JSON Schemas: what is valid is followed to its end, what is not is refused.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

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

// Every schema of a tool within a JSON value, whatever the protocol.
void collect_tool_schemas(const nlohmann::ordered_json& value, std::set<std::string>& schemas) {
  if (value.is_object())
    for (const char* name : {"parameters", "input_schema"})
      if (value.contains(name) && value[name].is_object()) schemas.insert(value[name].dump());
  if (value.is_structured())
    for (const auto& part : value) collect_tool_schemas(part, schemas);
}

TEST(SharedSchemas, ToolsOfClientsAreFollowedLeniently) {
  const auto folder = shared_data("clients");
  HEARTH_REQUIRE_SHARED(folder);
  std::set<std::string> schemas, ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    const auto file = nlohmann::ordered_json::parse(std::ifstream(entry.path()), nullptr, false);
    if (!file.is_discarded()) collect_tool_schemas(file, schemas);
  }
  EXPECT_GT(schemas.size(), 30u);
  for (const std::string& schema : schemas) {
    std::vector<std::string> left_out;
    EXPECT_EQ(schema_refusal(schema, {.lenient = true, .closed = true, .ignored = &left_out}), "") << schema;
    ignored.insert(left_out.begin(), left_out.end());
  }
  for (const std::string& path : ignored) EXPECT_EQ(path, "") << "left out";
}

}  // namespace
}  // namespace hearth
