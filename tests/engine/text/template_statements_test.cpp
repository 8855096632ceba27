// Statements of templates: white space, scopes, loops, macros, and what is refused at load.
#include "tests/engine/text/template_cases.h"

namespace hearth {
namespace {

TEST(TemplateStatements, white_space_is_jinjas) {
  expect_renderings({{"  {% if true %}\n x {% endif %}\n y", " x  y"},
                     {"a\n  {%- if true -%}  \n b {%- endif +%}\n c", "ab\n c"},
                     {"a {# comment #}\nb {#- c -#} d\n   {# x #}\ne", "a bd\ne"},
                     {"{{ 'a' -}}   b  {{- 'c' }}\n\nd", "abc\n\nd"},
                     {"{% raw -%}  {{ a }}  {%- endraw %} z", "{{ a }} z"},
                     {"{{ 1 }}\n\nb\n", "1\n\nb"},
                     {"a\\r\nb\\r\n", "a\\r\nb\\r"},
                     {"{{ '{% if %}' }}{{ {'a': {'b': 1}} }}", "{% if %}{'a': {'b': 1}}"}});
}
TEST(TemplateStatements, sets_stay_in_their_scope) {
  expect_renderings(
      {{"{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}", "15151"},
       {"{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}", "2"},
       {"{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}[{{ a }}]", "12[]"},
       {"{% for i in [] %}{% else %}{% set z = 1 %}{% endfor %}[{{ z }}]", "[]"},
       {"{% set v = 1 %}{% generation %}{% set v = 2 %}{{ v }}{% endgeneration %}{{ v }}", "21"},
       {"{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}", "123"},
       {"{% set ns = namespace(l=[]) %}{% for i in range(3) %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.l }}",
        "[0, 1, 2]"}});
}
TEST(TemplateStatements, loops_know_where_they_are) {
  expect_renderings(
      {{"{% for x in range(3) %}{{ loop.cycle('a', 'b') }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.index }}{{ "
        "loop.revindex }}{{ loop.first }}{{ loop.last }} {% endfor %}",
        "a113TrueFalse b0222FalseFalse a131FalseTrue "},
       {"{% for x in [1, 1, 2, 2] %}{% if loop.changed(x) %}{{ x }}{% endif %}{% endfor %}", "12"},
       {"{% for n in tree recursive %}{{ n.v }}@{{ loop.depth }}{% if n.k %}({{ loop(n.k) }}){% endif %}{% endfor %}",
        "1@1(2@23@2(4@3))5@1"},
       {"{% for x in range(10) if x is odd %}{{ loop.index }}:{{ x }} {% else %}none{% endfor %}",
        "1:1 2:3 3:5 4:7 5:9 "},
       {"{% for x in [3, 4] %}{% set outer = loop %}{% for y in [1] %}{{ outer.index }}{{ loop.index }}{% endfor %}{% "
        "endfor %}",
        "1121"}});
}
TEST(TemplateStatements, break_and_continue_leave_blocks) {
  expect_renderings(
      {{"{% for i in [1, 2, 3] %}{% filter upper %}a{{ i }}{% if i == 2 %}{% break %}{% endif %}{% endfilter %}{% "
        "endfor %}",
        "A1"},
       {"{% for i in [1, 2, 3] %}{% set q %}a{{ i }}{% if i == 2 %}{% continue %}{% endif %}{% endset %}{{ q }}{% "
        "endfor %}",
        "a1a3"},
       {"{% for i in [1, 2, 3] %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% else %}E{% endfor %}", "1"}});
}
TEST(TemplateStatements, blocks_are_filtered) {
  expect_renderings({{"{% set y | upper | replace('A', 'q') %}abc{% endset %}{{ y }}", "qBC"},
                     {"{% filter replace('a', 'b')|upper %}abc{% endfilter %}", "BBC"},
                     {"{% set x %}a{{ 1 }}b{% endset %}{{ x|upper }}", "A1B"}});
}
TEST(TemplateStatements, macros_bind_like_jinjas) {
  expect_renderings(
      {{"{% macro f(a, b=2, c=a) %}{{ a }}{{ b }}{{ c }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }} {{ f(1, 3, "
        "4, 5, 6) }} {{ f(1, z=3) }} {{ f(b=1, a=2) }}",
        "121(){} 134(5, 6){} 121(){'z': 3} 212(){}"},
       {"{% macro f(a) %}[{{ a }}]{% endmacro %}{{ f() }}{{ f.name }}{{ f.arguments }}", "[]f('a',)"},
       {"{% macro f() %}<{{ caller(1, 2) }}>{% endmacro %}{% call(a, b) f() %}{{ a }}+{{ b }}{% endcall %}", "<1+2>"},
       {"{% macro f() %}{% if caller %}{{ caller() }}{% else %}no{% endif %}{% endmacro %}{{ f() }}", "no"},
       {"{% macro f() %}{{ x }}{% endmacro %}{% set x = 3 %}{{ f() }}", "3"},
       {"{% for i in [1, 2] %}{% macro f() %}{{ i }}{{ loop.index }}{% endmacro %}{{ f() }}{% endfor %}", "1122"},
       {"{% macro f(a, b) %}{{ a }}-{{ b }}{% endmacro %}{{ f(*[1, 2]) }} {{ f(**{'a': 1, 'b': 2}) }}", "1-2 1-2"},
       {"{% macro f(x) %}{% if x > 0 %}{{ x }}{{ f(x - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "321"}});
}
TEST(TemplateStatements, a_macro_refuses_what_it_does_not_take) {
  expect_failures(TemplateError::Kind::type, {"{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}",
                                              "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}",
                                              "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}",
                                              "{% macro f() %}<>{% endmacro %}{% call f() %}hi{% endcall %}"});
}
TEST(TemplateStatements, functions) {
  expect_renderings({{"{{ range(1, 10, 3)|list }} {{ range(5, 0, -2)|list }} {{ dict(a=1, b=2) }} {{ dict([('a', 1)]) "
                      "}} {{ namespace({'q': 1}).q }}",
                      "[1, 4, 7] [5, 3, 1] {'a': 1, 'b': 2} {'a': 1} 1"},
                     {"{% set j = joiner('|') %}{% for i in range(3) %}{{ j() }}{{ i }}{% endfor %}", "0|1|2"},
                     {"{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ "
                      "c.reset() }}{{ c.current }}",
                      "ababNonea"}});
}
TEST(TemplateStatements, dates_are_pythons) {
  expect_renderings(
      {{"{{ strftime_now('%Y-%m-%d %B %b %A %a %H:%M:%S %I %p %y %j %e %-d %-m %-I %l %%') }}",
        "2026-01-03 January Jan Saturday Sat 15:04:09 03 PM 26 003  3 3 1 3  3 %"},
       {"{{ strftime_now('%U %W %w %u %V %G %g %D %F %T %R %r %c %x %X %C %h %f %q') }} [{{ strftime_now('%Z%z') }}]",
        "00 00 6 6 01 2026 26 01/03/26 2026-01-03 15:04:09 15:04 03:04:09 PM Sat Jan  3 15:04:09 2026 01/03/26 "
        "15:04:09 20 Jan 000000 %q []"}});
}
TEST(TemplateStatements, unknown_names_and_tags_are_refused_at_load) {
  expect_failures(
      TemplateError::Kind::syntax,
      {"{% if false %}{{ 1|nofilter }}{% endif %}", "{% if false %}{{ 1 is notest }}{% endif %}",
       "{% if false %}{{ l|map('nofilter') }}{% endif %}", "{% if false %}{{ l|select('notest') }}{% endif %}",
       "{% if false %}{{ l|rejectattr('a', 'notest') }}{% endif %}", "{% if false %}{{ l|random }}{% endif %}",
       "{% include 'x' %}", "{% extends 'x' %}", "{% import 'x' as y %}", "{% do l.append(1) %}", "{% unknown %}"});
}
TEST(TemplateStatements, bad_syntax_is_refused_with_its_line) {
  expect_failures(TemplateError::Kind::syntax,
                  {"{% break %}", "{% for i in l %}{% call f() %}{% break %}{% endcall %}{% endfor %}",
                   "{% for i in l %}{% generation %}{% break %}{% endgeneration %}{% endfor %}", "{{ 1 + }}",
                   "{{ 08 }}", "{{ 1__0 }}", "{{ 0b12 }}", "{{ 99999999999999999999 }}", "{{ a b }}", "{{ f(a=1, 2) }}",
                   "{{ 'abc }}", "{# open", "{% raw %}x", "{% macro f(a=1, b) %}{% endmacro %}",
                   "{% call 5 %}{% endcall %}", "{{ a && b }}", "{{ 'x' }"});
}

}  // namespace
}  // namespace hearth
