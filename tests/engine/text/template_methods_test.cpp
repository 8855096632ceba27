// Methods of texts, and Python's two ways to format.
#include "tests/engine/text/template_cases.h"

namespace hearth {
namespace {

TEST(TemplateMethods, search) {
  expect_renderings({{"{{ s.find('o') }} {{ s.rfind('o') }} {{ s.find('o', 5) }} {{ s.find('z') }} {{ s.index('W') }} "
                      "{{ s.count('l') }} {{ s.count('l', 4) }} {{ s.find('', 99) }} {{ 'a日本'.find('本') }}",
                      "4 8 8 -1 7 3 1 -1 2"},
                     {"{{ s.startswith('He') }} {{ s.startswith(('x', 'H')) }} {{ s.startswith('llo', 2) }} {{ "
                      "s.endswith('ld', 3) }} {{ s.endswith('Hello', 0, 5) }}",
                      "True True True True True"}});
}
TEST(TemplateMethods, splitting) {
  expect_renderings(
      {{"{{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', maxsplit=1) }} {{ ''.split(',') "
        "}}",
        "['a', 'b', '', 'c'] ['a', 'b,c'] ['a,b', 'c'] ['']"},
       {R"({% set w = '  a b\tc \n d  ' %}{{ w.split() }} {{ w.split(none, 1) }} {{ w.rsplit(none, 1) }} {{ ''.split() }})",
        R"(['a', 'b', 'c', 'd'] ['a', 'b\tc \n d  '] ['  a b\tc', 'd'] [])"},
       {R"({{ 'a\nb\r\nc\n\nd'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ 'a\x0bb\u2028c'.splitlines() }})",
        R"(['a', 'b', 'c', '', 'd'] ['a\n', 'b\n'] ['a', 'b', 'c'])"},
       {"{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('=') }} {{ "
        "'abc'.rpartition('=') }}",
        "('a', '=', 'b=c') ('a=b', '=', 'c') ('abc', '', '') ('', '', 'abc')"}});
}
TEST(TemplateMethods, stripping_and_padding) {
  expect_renderings(
      {{"{{ 'xxaxx'.strip('x') }} {{ 'xxaxx'.lstrip('x') }} {{ 'xxaxx'.rstrip('x') }} {{ 'abc'.removeprefix('a') }} {{ "
        "'abc'.removesuffix('c') }}",
        "a axx xxa bc ab"},
       {R"({{ '42'.zfill(5) }} {{ '-42'.zfill(5) }} [{{ 'a'.ljust(3) }}] {{ 'a'.rjust(3, '*') }} {{ 'abc'.center(6, '*') }} {{ 'ab'.center(5, '*') }} [{{ 'a\tb'.expandtabs(4) }}])",
        "00042 -0042 [a  ] **a *abc** **ab* [a   b]"},
       {"{{ 'abc'.replace('', '-', 2) }} {{ 'aaa'.replace('a', 'bb', 1) }} {{ ', '.join(['a', 'b']) }}",
        "-a-bc bbaa a, b"}});
}
TEST(TemplateMethods, case_and_classes) {
  expect_renderings(
      {{R"({{ "they're".title() }} {{ 'hELLO wORLD'.capitalize() }} {{ 'aB'.swapcase() }} {{ 'ß'.upper() }} {{ 'ß'.title() }} {{ 'ß'.casefold() }} {{ 'Жж'.lower() }})",
        "They'Re Hello world Ab SS Ss ss жж"},
       {R"({{ '12'.isdigit() }} {{ '1a'.isdigit() }} {{ '日本'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' \t'.isspace() }} {{ '½'.isnumeric() }} {{ ''.isdigit() }})",
        "True False True True True True False"},
       {"{{ 'A1'.isupper() }} {{ '12'.isupper() }} {{ 'ab'.islower() }} {{ 'Ab Cd'.istitle() }} {{ "
        "'ab_1'.isidentifier() }} {{ ''.isascii() }}",
        "True False True True True True"}});
}
TEST(TemplateMethods, format_with_braces) {
  expect_renderings({{"{{ '{} {}'.format(1, 'a') }} {{ '{1} {0}'.format(1, 2) }} {{ '{a} {b!r}'.format(a=1, b='x') }} "
                      "{{ '{0[a]}'.format({'a': 1}) }} {{ '{{}} {}'.format(1) }}",
                      "1 a 2 1 1 'x' 1 {} 1"},
                     {"{{ '{:>10}|{:<5}|{:^7}|{:*^7}'.format('a', 'b', 'c', 'd') }} {{ '{:{}}|'.format('a', 5) }} {{ "
                      "'{x:>{w}}'.format(x=1, w=4) }}",
                      "         a|b    |   c   |***d*** a    |    1"},
                     {"{{ '{:.2f} {:d} {:02d} {:5.1f} {:+d} {:,} {:x} {:#x} {:b} {:e} {:g} {:%}'.format(3.14159, 3, 4, "
                      "2.55, 5, 1234567, 255, 255, 5, 12345.678, 0.0001, 0.25) }}",
                      "3.14 3 04   2.5 +5 1,234,567 ff 0xff 101 1.234568e+04 0.0001 25.000000%"},
                     {"{{ '{:010,.2f}|{:08.3f}|{:=+8d}|{:_d}|{:>8.3}|{:06d}'.format(1234567.891, 3.14159, 42, 1234567, "
                      "'abcdef', -42) }}",
                      "1,234,567.89|0003.142|+     42|1_234_567|     abc|-00042"}});
}
TEST(TemplateMethods, format_with_percent) {
  expect_renderings(
      {{"{{ '%s-%s' % (1, 2) }} {{ '%(a)s' % {'a': 5} }} {{ '%s' % [1, 2] }} {{ '%d' % 3.9 }} {{ '%5.1f|' % 3.14159 }} "
        "{{ '%r' % 'it' }} {{ 'x' % [1] }}",
        "1-2 5 [1, 2] 3   3.1| 'it' x"},
       {"{{ '%+d %e %g %c %o %X %#x %05.1f % d' % (42, 12345.6789, 0.00001234, 'z', 8, 255, 255, 2.55, 5) }}",
        "+42 1.234568e+04 1.234e-05 z 10 FF 0xff 002.5  5"}});
}
TEST(TemplateMethods, what_does_not_fit_is_an_error) {
  expect_failures(TemplateError::Kind::type,
                  {"{{ s.index('zz') }}", "{{ s.startswith(['H']) }}", "{{ 'abc'.split('') }}", "{{ ','.join([1]) }}",
                   "{{ 'a'.center(5, 'xy') }}", "{{ 'a'.upper(1) }}", "{{ '{} {}'.format(1) }}",
                   "{{ '{:d}'.format('a') }}", "{{ '{:>5}'.format(none) }}", "{{ '{'.format() }}", "{{ '}'.format() }}",
                   "{{ '{x}'.format() }}", "{{ '{:z}'.format(1) }}", "{{ '%d' % 'x' }}", "{{ '%s %s' % 1 }}",
                   "{{ '%s' % (1, 2) }}", "{{ '%' % 1 }}", "{{ '%(a)s' % 1 }}", "{{ 'x' % 1 }}"});
}

}  // namespace
}  // namespace hearth
