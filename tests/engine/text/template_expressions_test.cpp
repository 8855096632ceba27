// Expressions of templates: operators, literals, slices, printing, undefined values.
#include "tests/engine/text/template_cases.h"

namespace hearth {
namespace {

TEST(TemplateExpressions, arithmetic_is_pythons) {
  expect_renderings(
      {{"{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ -7.5 % 2 }} {{ 7.5 // -2 }} {{ 10 / 4 }} {{ 4 / 2 }}",
        "-4 2 -2 0.5 -4.0 2.5 2.0"},
       {"{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 2 ** 0.5 }}",
        "1024 0.5 4 64 1.4142135623730951"},
       {"{{ 1 + 2 * 3 - 4 / 2 }} {{ (1 + 2) * 3 }} {{ true + 1 }}", "5.0 9 2"},
       {"{{ 1.0 // 0.1 }} {{ 5 % -0.5 }} {{ 0.1 + 0.2 }} {{ --5 }} {{ 2 - -3 }}", "9.0 -0.0 0.30000000000000004 5 5"}});
}
TEST(TemplateExpressions, texts_and_lists_repeat_and_join) {
  expect_renderings({{"{{ 'ab' * 3 }} {{ [0] * 2 }} {{ 2 * (1, 2) }} {{ [1] * -1 }}", "ababab [0, 0] (1, 2, 1, 2) []"},
                     {"{{ [1] + [2] }} {{ (1,) + (2,) }} {{ 1 ~ 'a' ~ none ~ [1] }}", "[1, 2] (1, 2) 1aNone[1]"}});
}
TEST(TemplateExpressions, what_does_not_fit_is_an_error) {
  expect_failures(
      TemplateError::Kind::type,
      {"{{ 1 // 0 }}", "{{ 1.0 % 0 }}", "{{ 0 ** -1 }}", "{{ 'a' + 1 }}", "{{ [1] + (2,) }}", "{{ none + 1 }}",
       "{{ {} + {} }}", "{{ 'a' * 'b' }}", "{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ [1] < (1,) }}", "{{ 1 in 'abc' }}",
       "{{ 'a' in 5 }}", "{{ {[]: 1} }}", "{{ d[1:2] }}", "{{ l[::0] }}", "{{ 5() }}"});
}
TEST(TemplateExpressions, an_integer_too_large_is_an_error) {
  expect_failures(TemplateError::Kind::type,
                  {"{{ 9223372036854775807 + 1 }}", "{{ 10 ** 19 }}", "{{ 9223372036854775807 * 2 }}",
                   "{{ -9223372036854775807 - 2 }}", "{{ '99999999999999999999'|int }}"});
}
TEST(TemplateExpressions, comparisons_chain) {
  expect_renderings({{"{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 == true }} {{ 'a' in 'abc' in ['abc'] }} {{ 3 not "
                      "in l }} {{ not 1 in [1] }}",
                      "True False True True False False"},
                     {"{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ [1, 2] == (1, 2) }} {{ [1, 2] < [1, 3] }} {{ (1, "
                      "2) < (1, 2, 0) }} {{ '1' == 1 }}",
                      "True False True True False"},
                     {"{{ 1 and 2 }} {{ 0 or 'x' }} {{ true and false or true }} {{ not not 1 }}", "2 x True True"}});
}
TEST(TemplateExpressions, slices_go_both_ways) {
  expect_renderings({{"{{ s[::-1] }} {{ s[1:3] }} {{ s[-3:] }} {{ s[:-3] }} {{ s[::2] }} {{ s[10:2:-3] }}",
                      "dlroW ,olleH el rld Hello, Wo Hlo ol lWo"},
                     {"{{ l[::-1] }} {{ l[5:1:-1] }} {{ l[-1] }} [{{ l[9] }}] {{ l[-99:99] }} {{ (1, 2, 3)[1:] }} {{ "
                      "range(5)[1:3]|list }}",
                      "[2, 1, 3] [2] 2 [] [3, 1, 2] (2, 3) [1, 2]"},
                     {"{{ '日本語'[1] }} {{ 'Straße'[-2:] }}", "本 ße"}});
}
TEST(TemplateExpressions, literals_are_pythons) {
  expect_renderings(
      {{R"({{ 1_000 }} {{ 0x1F }} {{ 0b11 }} {{ 0o17 }} {{ 1.5e3 }} {{ 'a' "b" }})", "1000 31 3 15 1500.0 ab"},
       {R"({{ 'a\tb\n\\ \x41 \u00e9 \' \q \101' }})", "a\tb\n\\ A é ' \\q A"},
       {"{{ [1, 2,] }} {{ (1,) }} {{ () }} {{ {'a': 1,} }} {{ 1, 2 }}", "[1, 2] (1,) () {'a': 1} (1, 2)"},
       {"{% set t = 1, %}{{ t }}", "(1,)"}});
}
TEST(TemplateExpressions, values_print_as_in_python) {
  expect_renderings({{"{{ 1e16 }} {{ 1e15 }} {{ 0.1 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1e22 }} {{ -0.0 }} {{ 1e308 * 10 }}",
                      "1e+16 1000000000000000.0 0.1 1e-05 0.0001 1e+22 -0.0 inf"},
                     {R"({{ ['a', "it's", 'q"\'', none, true, 1.5, (1,), (), {}, {'a': [1]}, '\n\t\\é\x00\u200b'] }})",
                      R"(['a', "it's", 'q"\'', None, True, 1.5, (1,), (), {}, {'a': [1]}, '\n\t\\é\x00\u200b'])"},
                     {"{{ range(3) }} {{ range(0, 5, 2) }} {{ d.items() }} {{ d.keys() }} {{ [missing] }}",
                      "range(0, 3) range(0, 5, 2) dict_items([('b', 1), ('a', 'x'), ('C', None)]) dict_keys(['b', 'a', "
                      "'C']) [Undefined]"}});
}
TEST(TemplateExpressions, undefined_values_are_empty_but_have_no_attributes) {
  expect_renderings(
      {{"[{{ missing }}{{ d.missing }}{{ none.foo }}{{ s.nope }}{{ l['a'] }}{{ 'y' if false }}]", "[]"},
       {"{{ missing|length }} {{ missing|list }} {{ missing == missing2 }} {{ missing == none }} {{ missing ~ 'x' }} "
        "{{ 1 in missing }}",
        "0 [] True False x False"},
       {"{% for x in missing %}a{% else %}b{% endfor %}", "b"},
       {"{{ missing is defined }} {{ missing is sequence }} {{ missing is callable }} {{ d.x is defined and d.x.y }}",
        "False True True False"}});
}
TEST(TemplateExpressions, an_undefined_value_cannot_be_used) {
  expect_failures(
      TemplateError::Kind::undefined,
      {"{{ missing.foo }}", "{{ missing['foo'] }}", "{{ d.missing.foo }}", "{{ missing() }}", "{{ s.nope() }}",
       "{{ missing + 1 }}", "{{ -missing }}", "{{ missing[1:2] }}", "{{ missing < 1 }}", "{{ missing|int }}",
       "{{ missing|float }}", "{{ messages[9].role }}", "{{ messages|map(attribute='zz.x')|list }}"});
}
TEST(TemplateExpressions, tests_are_jinjas) {
  expect_renderings({{"{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 1 is eq 1 }} {{ 1 is ne(2) }} {{ 1 "
                      "is lt 2 }} {{ 'a' is in 'abc' }} {{ 2 is sameas 2 }}",
                      "True True True True True True True True"},
                     {"{{ 'ABC' is upper }} {{ 'abc' is lower }} {{ none is none }} {{ 1 is true }} {{ false is false "
                      "}} {{ true is boolean }} {{ true is integer }} {{ true is number }} {{ 5.0 is float }}",
                      "True True True False True True False True True"},
                     {"{{ d is mapping }} {{ d is sequence }} {{ d.items() is sequence }} {{ d.items() is iterable }} "
                      "{{ 5 is iterable }} {{ s is string }} {{ range is callable }}",
                      "True True False True False True True"},
                     {"{{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ s is escaped }} {{ 5 is "
                      "not none }} {{ not 5 is odd }}",
                      "True False True False True False"}});
}
TEST(TemplateExpressions, members_are_found_as_in_jinja) {
  expect_renderings(
      {{"{{ d.a }} {{ d['a'] }} {{ tree.0.k[0]['v'] }} {{ {'items': 5}['items'] }} {{ {'get': 5}.get('get') }}",
        "x x 2 5 5"},
       {"{{ d.get('zz', 5) }} {{ d.get('zz') }} {{ d.copy() }} {{ l.index(1) }} {{ l.count(1) }} {{ d.values()|list }}",
        "5 None {'b': 1, 'a': 'x', 'C': None} 1 1 [1, 'x', None]"}});
}
TEST(TemplateExpressions, values_do_not_change) {
  expect_failures(TemplateError::Kind::type,
                  {"{{ d.update({'z': 1}) }}", "{{ d.pop('a') }}", "{{ d.setdefault('a', 1) }}", "{{ d.clear() }}",
                   "{{ l.append(1) }}", "{{ l.extend([1]) }}", "{{ l.insert(0, 1) }}", "{{ l.pop() }}",
                   "{{ l.sort() }}", "{{ l.remove(1) }}"});
}
TEST(TemplateExpressions, a_method_that_changes_is_not_defined) {
  expect_renderings({{"{{ l.append is defined }}{{ l.append }} {{ d.update is defined }}", "False False"}});
}

}  // namespace
}  // namespace hearth
