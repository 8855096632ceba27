// Hostile templates end in an error, ordinary deep ones do not.
#include "tests/engine/text/template_cases.h"

namespace hearth {
namespace {

TemplateError::Kind failure(const std::string& source) {
  try {
    render_case(source);
  } catch (const TemplateError& error) {
    return error.kind();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST(TemplateBudget, stops_hostile_templates) {
  EXPECT_EQ(failure("{{ 'x' * 10**9 }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{{ range(10**9) }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{{ " + std::string(100000, '(')), TemplateError::Kind::syntax);
  EXPECT_EQ(failure("{% set n = namespace(x=[]) %}{% for i in range(999) %}{% set n.x = [n.x] %}{% endfor %}"),
            TemplateError::Kind::budget);
}
TEST(TemplateBudget, stops_walks_over_values_whose_parts_are_shared) {
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
TEST(TemplateBudget, charges_searches_by_their_worst_case) {
  EXPECT_EQ(failure("{% set a = 'a' * 4000000 %}{% set b = 'a' * 2000000 ~ 'b' %}{{ b in a }}"),
            TemplateError::Kind::budget);
}
TEST(TemplateBudget, brackets_cost_one_level_each) {
  EXPECT_EQ(render_case("{{ " + repeated("(", 90) + "1" + repeated(")", 90) + " }}"), "1");
  EXPECT_EQ(render_case("{{ " + repeated("[", 90) + repeated("]", 90) + "|length }}"), "1");
  EXPECT_EQ(failure("{{ " + repeated("(", 101) + "1" + repeated(")", 101) + " }}"), TemplateError::Kind::syntax);
}
TEST(TemplateBudget, long_chains_are_not_deep) {
  EXPECT_EQ(render_case("{{ 0" + repeated(" + 1", 5000) + " }}"), "5000");
  EXPECT_EQ(render_case("{{ ''" + repeated(" ~ 'a'", 300) + " }}"), repeated("a", 300));
  EXPECT_EQ(render_case("{{ false" + repeated(" or false", 300) + " }}"), "False");
}
TEST(TemplateBudget, macros_may_call_themselves_but_not_for_ever) {
  const std::string macro = "{% macro f(x) %}{% if x > 0 %}{{ f(x - 1) }}.{% endif %}{% endmacro %}";
  EXPECT_EQ(render_case(macro + "{{ f(40) }}"), repeated(".", 40));
  EXPECT_EQ(failure(macro + "{{ f(400) }}"), TemplateError::Kind::budget);
  EXPECT_EQ(failure("{% for x in l recursive %}{{ loop(l) }}{% endfor %}"), TemplateError::Kind::budget);
}
TEST(TemplateBudget, a_wide_field_takes_time_by_its_width) {
  EXPECT_EQ(render_case("{{ ('%0900000d' % 1)|length }} {{ '{:0900001,d}'.format(1)|length }}"), "900000 900001");
}
TEST(TemplateBudget, long_keys_cost_their_length) {
  const std::string build = "{% set k = 'k' * 4000000 %}{% set d = {k: 1} %}{% for i in range(1000) %}";
  for (const char* use :
       {"{% set x = d[k] %}", "{% set x = k in d %}", "{% set x = d.get(k) %}", "{% set x = {k: 1} %}"})
    EXPECT_EQ(failure(build + use + "{% endfor %}"), TemplateError::Kind::budget) << use;
}
TEST(TemplateBudget, fields_and_repetitions_are_bounded) {
  for (const char* source :
       {"{{ '{:99999999999999999999}'.format(1) }}", "{{ '%999999999d' % 1 }}", "{{ '{:.99999f}'.format(1.5) }}",
        "{{ 'a'.center(10**12) }}", "{{ 'a'.ljust(9223372036854775807, '日') }}", "{{ 'a'.zfill(10**12) }}",
        "{{ 'a\\tb'.expandtabs(10**12) }}", "{{ 'a\\nb'|indent(10**12) }}", "{{ [1]|batch(10**12, 0)|list }}",
        "{{ [1]|slice(10**12)|list }}", "{{ [0] * 10**7 * 10**7 }}", "{{ ('x' * 10**6).replace('', 'y' * 10**6) }}"})
    EXPECT_EQ(failure(source), TemplateError::Kind::budget) << source;
}

}  // namespace
}  // namespace hearth
