// Filters of templates.
#include "tests/engine/text/template_cases.h"

namespace hearth {
namespace {

TEST(TemplateFilters, numbers) {
  expect_renderings(
      {{"{{ '3.7'|int }} {{ 'x'|int }} {{ 'x'|int(5) }} {{ 'ff'|int(0, 16) }} {{ '0x1f'|int(base=16) }} {{ ' 42 '|int "
        "}} {{ '1_000'|int }} {{ none|int }} {{ true|int }} {{ '-3.9'|int }} {{ 'inf'|int }}",
        "3 0 5 255 31 42 1000 0 1 -3 0"},
       {"{{ '3.5'|float }} {{ 'x'|float }} {{ none|float }} {{ 'x'|float(1) }} {{ 'inf'|float }} {{ 'nan'|float }} {{ "
        "'1e400'|float }} {{ 7|float }}",
        "3.5 0.0 0.0 1 inf nan inf 7.0"},
       {"{{ none|int('x') }} {{ []|float('q') }} {{ []|int([]) }}", "x q []"},
       {"{{ 42.55|round }} {{ 42.55|round(1, 'floor') }} {{ 2.675|round(2) }} {{ 42|round }} {{ 45|round(-1) }} {{ "
        "55|round(-1) }} {{ 3.2|round(0, 'ceil') }} {{ -2.5|round }} {{ 1234.5|round(-2) }}",
        "43.0 42.5 2.67 42 40 60 4.0 -2.0 1200.0"},
       {"{{ -3|abs }} {{ -3.5|abs }} {{ 13|filesizeformat }} {{ 1300000|filesizeformat(true) }} {{ 1e30|filesizeformat "
        "}}",
        "3 3.5 13 Bytes 1.2 MiB 1000000.0 YB"}});
}
TEST(TemplateFilters, sorting) {
  expect_renderings(
      {{"{{ d|dictsort }} {{ {'b': 1, 'a': 2}|dictsort(false, 'value') }} {{ {'b': 1, 'A': 2}|dictsort(true) }} {{ "
        "{'b': 1, 'A': 2}|dictsort(reverse=true) }}",
        "[('a', 'x'), ('b', 1), ('C', None)] [('b', 1), ('a', 2)] [('A', 2), ('b', 1)] [('b', 1), ('A', 2)]"},
       {"{{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'c']|sort(case_sensitive=true) }} {{ ['b', 'A']|sort(true) }}",
        "['A', 'b', 'c'] ['A', 'b', 'c'] ['b', 'A']"},
       {"{{ messages|sort(attribute='n')|map(attribute='n')|list }} {{ messages|sort(attribute='role,n', "
        "reverse=true)|map(attribute='n')|join(',') }}",
        "[1, 2, 3] 3,2,1"},
       {"{{ l|min }} {{ l|max }} {{ messages|max(attribute='n') }} [{{ []|min }}]",
        "1 3 {'role': 'User', 'content': 'Да', 'n': 3} []"},
       {"{{ [1, 1, 'a', 'A']|unique|list }} {{ ['a', 'A']|unique(true)|list }} {{ "
        "messages|unique(attribute='role')|map(attribute='n')|list }}",
        "[1, 'a'] ['a', 'A'] [2, 1]"},
       {"{% for g in messages|groupby('role') %}{{ g.grouper }}:{{ g.list|length }};{% endfor %}",
        "assistant:1;user:2;"},
       {"{{ (messages|groupby('nope', default='z'))[0][0] }}", "z"}});
}
TEST(TemplateFilters, sequences) {
  expect_renderings({{"{{ range(7)|slice(3)|list }} {{ range(7)|slice(3, 'x')|list }}",
                      "[[0, 1, 2], [3, 4], [5, 6]] [[0, 1, 2], [3, 4, 'x'], [5, 6, 'x']]"},
                     {"{{ range(7)|batch(3)|list }} {{ range(7)|batch(3, 'x')|list }}",
                      "[[0, 1, 2], [3, 4, 5], [6]] [[0, 1, 2], [3, 4, 5], [6, 'x', 'x']]"},
                     {"{{ l|first }} {{ l|last }} {{ s|first }} {{ d|last }} {{ l|reverse|list }} {{ s|reverse }}",
                      "3 2 H C [2, 1, 3] dlroW ,olleH"},
                     {"{{ l|sum }} {{ messages|sum(attribute='n') }} {{ l|sum(start=10) }}", "6 6 16"},
                     {"{{ [none, 1, 'a']|join('-') }} {{ messages|join(',', attribute='role') }} {{ 'abc'|join('-') }}",
                      "None-1-a user,assistant,User a-b-c"},
                     {"{{ ''|default('q', true) }} {{ none|default('q') }} {{ missing|d(1) }} {{ d|items|list }}",
                      "q None 1 [('b', 1), ('a', 'x'), ('C', None)]"}});
}
TEST(TemplateFilters, selection) {
  expect_renderings(
      {{"{{ messages|map(attribute='role')|join(', ') }} {{ messages|map(attribute='zz', default='q')|list }} {{ "
        "messages|map('length')|list }}",
        "user, assistant, User ['q', 'q', 'q'] [3, 3, 3]"},
       {"{{ [['a', 1]]|map(attribute=0)|list }} {{ ['a,b']|map('replace', ',', ';')|list }} {{ ['1', 'x']|map('int', "
        "default=3)|list }}",
        "['a'] ['a;b'] [1, 3]"},
       {"{{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|rejectattr('n', 'gt', "
        "1)|map(attribute='n')|list }}",
        "1 [1]"},
       {"{{ l|select('odd')|list }} {{ l|reject('==', 1)|list }} {{ [0, 1]|select|list }} {{ none|map('upper')|list }}",
        "[3, 1] [3, 2] [1] []"}});
}
TEST(TemplateFilters, an_iterator_is_true_and_walked_once) {
  expect_renderings({{"{% if messages|selectattr('role', 'equalto', 'nobody') %}true{% endif %}", "true"},
                     {"{% set g = l|map('string') %}{{ g|first }}{{ g|list }}{{ g|list }}", "3['1', '2'][]"},
                     {"[{{ (l|map('string'))[0] }}] {{ l|map('string') is sequence }}", "[] False"}});
}
TEST(TemplateFilters, an_iterator_has_neither_length_nor_end) {
  expect_failures(TemplateError::Kind::type,
                  {"{{ l|map('string')|length }}", "{{ l|map('string')|last }}", "{{ l|map('string')|tojson }}"});
}
TEST(TemplateFilters, texts) {
  expect_renderings(
      {{"{{ 'aaa'|replace('a', 'b', 2) }} {{ 'abc'|replace('', '-') }} {{ ''|replace('', 'x') }} {{ 123|replace(2, "
        "'x') }}",
        "bba -a-b-c- x 1x3"},
       {R"({{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, blank=true) }}|{{ 'a\nb\n'|indent(2) }}|{{ 'a\nb'|indent('>>') }})",
        "a\n    b\n\n    c|  a\n  b|a\n  \n  b|a\n  b\n|a\n>>b"},
       {R"({{ "they're a-b(c"|title }} {{ 'hELLO'|capitalize }} {{ 'Straße'|upper }} {{ 'ΑΣ'|lower }} {{ 5|upper }})",
        "They're A-B(C Hello STRASSE ας 5"},
       {"{{ 'Hello big world foo'|truncate(9) }} {{ 'Hello big world foo'|truncate(9, true) }} {{ 'Hello big "
        "world'|truncate(9, false, '!', 0) }}",
        "Hello... Hello ... Hello!"},
       {R"({{ "it's a word-count"|wordcount }} [{{ 'ab'|center(7) }}] {{ 'xxaxx'|trim('x') }} [{{ '  x '|trim }}])",
        "5 [   ab  ] a [x]"},
       {"{{ '%s %d %.2f %r %x %% %5d|%-5d|%05d'|format('a', 3, 2.345, 'q', 255, 42, 42, 42) }} {{ '%(x)s'|format(x=2) "
        "}}",
        "a 3 2.35 'q' ff %    42|42   |00042 2"}});
}
TEST(TemplateFilters, markup) {
  expect_renderings(
      {{R"({{ '<&>\'"'|e }} {{ '<'|safe }} {{ '<b>a  b</b><!-- c --> &lt; d'|striptags }} {{ {'a': 1, 'b': none, 'c': '<'}|xmlattr }})",
        R"(&lt;&amp;&gt;&#39;&#34; < a b < d  a="1" c="&lt;")"},
       {"{{ 'a b/c?d=é&f'|urlencode }} {{ {'a': 'x y', 'b': '/é'}|urlencode }} {{ [('a', 1), ('b', 2)]|urlencode }}",
        "a%20b/c%3Fd%3D%C3%A9%26f a=x+y&b=%2F%C3%A9 a=1&b=2"}});
}
TEST(TemplateFilters, json) {
  expect_renderings(
      {{"{{ d|tojson }} {{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }}",
        R"({"b": 1, "a": "x", "C": null} {"a": 2, "b": 1})"},
       {"{{ {'a': [1, {}], 'b': []}|tojson(indent=2) }}", "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"},
       {R"({{ l|tojson(indent=0) }} {{ l|tojson(indent='\t') }} {{ l|tojson(separators=(',', ':')) }})",
        "[\n3,\n1,\n2\n] [\n\t3,\n\t1,\n\t2\n] [3,1,2]"},
       {R"({{ 'é🎉\x7f"\n</'|tojson }} {{ 'é🎉\x7f'|tojson(ensure_ascii=true) }} {{ 'é'|tojson(true) }})",
        R"("é🎉\"\n</" "\u00e9\ud83c\udf89\u007f" "\u00e9")"},
       {"{{ {1: 2, none: 3, true: 4, 1.5: 5}|tojson }} {{ (1, 2.0, 1e100)|tojson }}",
        R"({"1": 4, "null": 3, "1.5": 5} [1, 2.0, 1e+100])"}});
}
TEST(TemplateFilters, what_does_not_fit_is_an_error) {
  expect_failures(
      TemplateError::Kind::type,
      {"{{ 5|length }}", "{{ none|list }}", "{{ [3, 'a']|sort }}", "{{ d.items()|tojson }}", "{{ {(1, 2): 3}|tojson }}",
       "{{ missing|tojson }}", "{{ 'a'|upper(1) }}", "{{ 'a'|replace('b') }}", "{{ 'a'|indent(nope=1) }}",
       "{{ 5|round(method='up') }}", "{{ l|join(',', d=1) }}", "{{ 5|dictsort }}", "{{ 1|map('upper')|list }}",
       "{{ 5|truncate }}", "{{ l|filesizeformat }}", "{{ 'x'|filesizeformat }}"});
}

}  // namespace
}  // namespace hearth
