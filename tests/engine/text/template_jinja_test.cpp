// Expressions and statements as Python's jinja2 3.1.6 renders them, in the sandbox that transformers uses.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/text/template/template.h"

namespace hearth {
namespace {

TEST(TemplateJinja, evaluates_every_kind_of_expression_as_jinja_does) {
  std::ifstream file(std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/engine/text/template_cases.json");
  const auto all = nlohmann::ordered_json::parse(file);
  const Value context = parse_json(all.at("context").dump());
  ASSERT_GT(all.at("cases").size(), 300u);
  for (const auto& one : all.at("cases")) {
    const auto source = one.at("template").get<std::string>();
    try {
      const std::string made = Template::parse(source).render(context);
      EXPECT_FALSE(one.contains("fails")) << source << " gave " << made;
      if (one.contains("text")) {
        EXPECT_EQ(made, one["text"].get<std::string>()) << source;
      }
    } catch (const TemplateError& error) {
      EXPECT_TRUE(one.contains("fails")) << source << ": " << error.what();
      EXPECT_EQ(error.line(), 1) << source << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace hearth
