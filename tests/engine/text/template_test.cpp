// The chat template engine: renderings of real templates, Python's printing, hostile templates.
#include "engine/text/template/template.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/text/template/chat_context.h"
#include "tests/shared_data.h"

namespace hearth {
namespace {

std::string render(const std::string& source, const std::string& context = "{}") {
  return Template::parse(source).render(parse_json(context));
}
std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

TEST(TemplateTest, renders_every_shared_case_as_python_does) {
  HEARTH_REQUIRE_SHARED(shared_data("templates"));
  int cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(shared_data("templates"))) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".cases.json")) continue;
    const std::string name = file.substr(0, file.size() - 11);
    const Template parsed = Template::parse(read(entry.path().parent_path() / (name + ".jinja")));
    for (const auto& one : nlohmann::ordered_json::parse(read(entry.path()))) {
      SCOPED_TRACE(name + ": " + one["name"].get<std::string>());
      ++cases;
      RenderLimits limits;
      limits.now = one.value("now", "2026-11-23T12:34:56");
      try {
        const std::string made = parsed.render(chat_context(parse_json(one.dump())), limits);
        EXPECT_FALSE(one.value("raises", false));
        if (one.contains("expected")) EXPECT_EQ(made, one["expected"].get<std::string>());
      } catch (const TemplateError& error) {
        EXPECT_TRUE(one.value("raises", false)) << error.what();
        const bool raised = one.value("kind", "") == "raise_exception";
        EXPECT_EQ(error.kind(), raised ? TemplateError::Kind::raised : TemplateError::Kind::undefined) << error.what();
      }
    }
  }
  EXPECT_EQ(cases, 856);
}

TEST(TemplateTest, raises_in_one_line) {
  try {
    render("{{ raise_exception('a\\nb') }}");
    FAIL();
  } catch (const TemplateError& error) {
    EXPECT_STREQ(error.what(), "template line 1: a b");
    EXPECT_EQ(error.bare_message(), "a\nb");
  }
}
TEST(TemplateTest, knows_the_line_of_an_error_in_a_value) {
  for (const char* source : {"{% if true %}\n{{ none|float('x') + 1 }}{% endif %}", "a\n{{ {[]: 1} }}",
                             "a\n{{ [1]|map('upper')|tojson }}", "a\n{{ 'x'|int(base='y') }}"}) {
    try {
      ADD_FAILURE() << render(source);
    } catch (const TemplateError& error) {
      EXPECT_EQ(error.kind(), TemplateError::Kind::type) << source;
      EXPECT_EQ(error.line(), 2) << source;
    }
  }
}
TEST(TemplateTest, a_time_that_is_none_is_an_error) {
  const Template parsed = Template::parse("{{ strftime_now('%Y') }}");
  for (const char* now : {"yesterday", "2026-13-01T00:00:00", "2026-02-29T00:00:00", "2026-01-01T24:00:00",
                          "2026-01-01 00:00:00", "2026-01-01T00:00:00Z"}) {
    RenderLimits limits;
    limits.now = now;
    EXPECT_THROW(parsed.render(Dict(), limits), TemplateError) << now;
  }
  RenderLimits limits;
  limits.now = "2024-02-29T23:59:59";
  EXPECT_EQ(parsed.render(Dict(), limits), "2024");
}
TEST(TemplateTest, names_the_line_of_a_syntax_error) {
  try {
    Template::parse("a\nb\n{% include 'x' %}");
    FAIL();
  } catch (const TemplateError& error) {
    EXPECT_EQ(error.line(), 3);
  }
}

}  // namespace
}  // namespace hearth
