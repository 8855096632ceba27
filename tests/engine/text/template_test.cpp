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
TemplateError::Kind failure(const std::string& source) {
  try {
    render(source);
  } catch (const TemplateError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
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

// What Python's jinja2 3.1.6 made of each expression, in the sandbox that transformers uses.
TEST(TemplateTest, evaluates_every_kind_of_expression_as_jinja_does) {
  const auto all = nlohmann::ordered_json::parse(
      read(std::filesystem::path(HEARTH_SOURCE_DIR) / "tests/engine/text/template_cases.json"));
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

TEST(TemplateTest, refuses_at_load_what_it_does_not_know) {
  for (const char* source :
       {"{{ 1 | nosuch }}", "{{ 1 is nosuch }}", "{% if false %}{{ [] | map('nosuch') }}{% endif %}",
        "{{ [] | select('nosuch') }}", "{{ [] | rejectattr('a', 'nosuch') }}",
        "{% for i in [] recursive %}{% endfor %}", "{{ cycler(1, 2) }}", "{% include 'x' %}", "{% import 'x' as y %}",
        "{% extends 'x' %}", "{% block x %}{% endblock %}"})
    EXPECT_EQ(failure(source), TemplateError::Kind::syntax) << source;
}

TEST(TemplateTest, ninety_parentheses_are_not_too_many) {
  EXPECT_EQ(render("{{ " + std::string(90, '(') + "1" + std::string(90, ')') + " }}"), "1");
  EXPECT_EQ(failure("{{ " + std::string(101, '(') + "1" + std::string(101, ')') + " }}"), TemplateError::Kind::syntax);
  std::string sum = "{{ 1";
  for (int i = 0; i < 150; ++i) sum += " + 1";
  EXPECT_EQ(render(sum + " }}"), "151");
}

TEST(TemplateTest, dates_are_english_and_must_be_dates) {
  const auto at = [](const char* now, const std::string& format) {
    RenderLimits limits;
    limits.now = now;
    return Template::parse("{{ strftime_now('" + format + "') }}").render(parse_json("{}"), limits);
  };
  EXPECT_EQ(at("2026-11-23T12:34:56", "%A %a %d %B %b %Y %y %H:%M:%S %I %p %j %e %-d %%"),
            "Monday Mon 23 November Nov 2026 26 12:34:56 12 PM 327 23 23 %");
  EXPECT_EQ(at("2024-02-29T00:05:09", "%d %b %Y|%-I %p|%e|%-m|%U %W %u %w"), "29 Feb 2024|12 AM|29|2|08 09 4 4");
  for (const char* wrong :
       {"yesterday", "2026-13-01T00:00:00", "2026-02-30T00:00:00", "2026-11-23", "2026-11-23T25:00:00"})
    EXPECT_THROW((void)at(wrong, "%Y"), TemplateError) << wrong;
}

TEST(TemplateTest, trims_white_space_as_jinja_does) {
  EXPECT_EQ(render("a\n  {% if true %}\nb\n  {%- endif %}\nc\n"), "a\nbc");
  EXPECT_EQ(render("  {%+ if true %}x{% endif +%}\ny"), "  x\ny");
}
TEST(TemplateTest, prints_values_as_python_does) {
  EXPECT_EQ(render("{{ [none, true, 1.0, \"it's\", {'a': (1,)}] }}"), "[None, True, 1.0, \"it's\", {'a': (1,)}]");
}
TEST(TemplateTest, stops_hostile_templates) {
  EXPECT_EQ(render("{{ none | int('x') }} {{ none | float(none) }} {{ [] | int }}"), "x None 0");
  EXPECT_EQ(failure("{{ 'x' * 10**9 }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{{ range(10**9) }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{{ " + std::string(100000, '(')), TemplateError::Kind::syntax);
  EXPECT_EQ(failure("{% set n = namespace(x=[]) %}{% for i in range(999) %}{% set n.x = [n.x] %}{% endfor %}"),
            TemplateError::Kind::budget);
}
TEST(TemplateTest, stops_walks_over_values_whose_parts_are_shared) {
  const std::string build =
      "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] "
      "%}"
      "{% endfor %}";
  EXPECT_EQ(failure(build + "{{ n.x == n.y }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure(build + "{{ n.x < n.y }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{% set n = namespace(x=(1,)) %}{% for i in range(60) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ "
                    "{n.x: 1} }}"),
            TemplateError::Kind::budget);
}
TEST(TemplateTest, charges_searches_by_their_worst_case) {
  EXPECT_EQ(failure("{% set a = 'a' * 4000000 %}{% set b = 'a' * 2000000 ~ 'b' %}{{ b in a }}"),
            TemplateError::Kind::budget);
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
