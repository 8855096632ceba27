// What operators join: literals, names, calls, subscripts, filters and tests.
#include <algorithm>
#include <array>
#include <charconv>

#include "engine/text/template/decimal.h"
#include "engine/text/template/filters.h"
#include "engine/text/template/parser.h"

namespace hearth {

using E = Expression::Kind;

namespace {

// Filters that take the name of a filter or test, and the argument it is.
struct NameTaker {
  std::string_view filter;
  std::size_t argument;
  bool names_filter;
};
constexpr NameTaker kNameTakers[] = {
    {"map", 0, true}, {"select", 0, false}, {"reject", 0, false}, {"selectattr", 1, false}, {"rejectattr", 1, false}};

}  // namespace

ExpressionPtr TemplateParser::primary() {
  if (now().kind == Kind::string) return string();
  if (now().kind == Kind::integer || now().kind == Kind::real) return number();
  if (is("[")) return list();
  if (is("{")) return dict();
  if (accept("(")) {
    if (accept(")")) return make(E::tuple);
    auto out = tuple(true);
    expect(")");
    return out;
  }
  if (now().kind != Kind::name) fail("expected an expression");
  const std::string text = name();
  if (text == "true" || text == "True") return literal(true);
  if (text == "false" || text == "False") return literal(false);
  if (text == "none" || text == "None") return literal(Value::None{});
  for (Statement* function : functions_) {
    function->takes_varargs |= text == "varargs";
    function->takes_kwargs |= text == "kwargs";
    function->takes_caller |= text == "caller";
  }
  return make(E::name, text);
}

ExpressionPtr TemplateParser::string() {
  std::string text;
  while (now().kind == Kind::string) text += tokens_[at_++].text;
  return literal(std::move(text));
}

ExpressionPtr TemplateParser::number() {
  const TemplateToken& token = tokens_[at_++];
  if (token.kind == Kind::real) {
    const std::optional<double> number = parse_decimal(token.text);
    if (!number) fail_at(token.line, "a bad number");
    return literal(*number);
  }
  std::int64_t number = 0;
  const int base = token.text.starts_with("0x")   ? 16
                   : token.text.starts_with("0o") ? 8
                   : token.text.starts_with("0b") ? 2
                                                  : 10;
  const char* first = token.text.data() + (base == 10 ? 0 : 2);
  const auto done = std::from_chars(first, token.text.data() + token.text.size(), number, base);
  if (done.ec == std::errc::result_out_of_range) fail_at(token.line, "an integer is too large");
  if (done.ec != std::errc{} || done.ptr != token.text.data() + token.text.size()) fail_at(token.line, "a bad integer");
  return literal(number);
}

ExpressionPtr TemplateParser::list() {
  auto out = make(E::list);
  expect("[");
  while (!accept("]")) {
    if (!out->parts.empty()) expect(",");
    if (accept("]")) break;
    add(*out, expression());
  }
  return out;
}

ExpressionPtr TemplateParser::dict() {
  auto out = make(E::dict);
  expect("{");
  while (!accept("}")) {
    if (!out->parts.empty()) expect(",");
    if (accept("}")) break;
    add(*out, expression());
    expect(":");
    add(*out, expression());
  }
  return out;
}

ExpressionPtr TemplateParser::postfix(ExpressionPtr out) {
  while (true) {
    if (accept(".")) {
      if (now().kind == Kind::integer) {
        out = make(E::item, "", std::move(out));
        add(*out, number());
      } else {
        const std::string attribute = name();
        out = make(E::attribute, attribute, std::move(out));
      }
    } else if (is("[")) {
      out = subscript(std::move(out));
    } else if (is("(")) {
      out = make(E::call, "", std::move(out));
      arguments(*out);
    } else {
      return out;
    }
  }
}

ExpressionPtr TemplateParser::subscript(ExpressionPtr subject) {
  expect("[");
  std::array<ExpressionPtr, 3> bounds;
  std::size_t colons = 0;
  if (!is(":")) bounds[0] = tuple(true);
  while (accept(":")) {
    if (++colons > 2) fail("too many parts in a slice");
    if (!is(":") && !is("]")) bounds[colons] = expression();
  }
  expect("]");
  auto out = make(colons == 0 ? E::item : E::slice, "", std::move(subject));
  for (std::size_t i = 0; i < (colons == 0 ? 1 : bounds.size()); ++i) add(*out, std::move(bounds[i]));
  return out;
}

void TemplateParser::arguments(Expression& out) {
  expect("(");
  for (bool first = true; !accept(")"); first = false) {
    if (!first) expect(",");
    if (accept(")")) break;
    if (is("*") || is("**")) {
      const E kind = is("*") ? E::spread : E::spread_named;
      ++at_;
      add(out, make(kind, "", expression()));
    } else if (now().kind == Kind::name && next().kind == Kind::op && next().text == "=") {
      std::string key = name();
      ++at_;
      auto value = expression();
      out.depth = std::max(out.depth, value->depth + 1);
      if (out.depth > kMaxNesting) fail("an expression is nested too deeply");
      out.named.emplace_back(std::move(key), std::move(value));
    } else {
      if (!out.named.empty()) fail("a positional argument after a named one");
      add(out, expression());
    }
  }
}

ExpressionPtr TemplateParser::filters(ExpressionPtr out) {
  while (true) {
    if (accept("|")) {
      out = filter(std::move(out));
    } else if (accept_word("is")) {
      out = test(std::move(out));
    } else if (is("(")) {
      out = make(E::call, "", std::move(out));
      arguments(*out);
    } else {
      return out;
    }
  }
}

ExpressionPtr TemplateParser::filter(ExpressionPtr subject) {
  const int line = now().line;
  const std::string filter = name();
  if (!find_filter(filter)) fail_at(line, "unknown filter '" + filter + "'");
  auto out = make(E::filter, filter, std::move(subject));
  out->line = line;
  if (is("(")) arguments(*out);
  for (const NameTaker& taker : kNameTakers) {
    if (taker.filter != filter || out->parts.size() <= taker.argument + 1) continue;
    const Expression& named = *out->parts[taker.argument + 1];
    if (named.kind != E::literal || !named.literal.is_string()) continue;
    const std::string& text = named.literal.string();
    if (taker.names_filter && !find_filter(text)) fail_at(line, "unknown filter '" + text + "'");
    if (!taker.names_filter && !find_test(text)) fail_at(line, "unknown test '" + text + "'");
  }
  return out;
}

ExpressionPtr TemplateParser::test(ExpressionPtr subject) {
  const bool negated = accept_word("not");
  const int line = now().line;
  const std::string test = name();
  if (!find_test(test)) fail_at(line, "unknown test '" + test + "'");
  auto out = make(E::test, test, std::move(subject));
  out->line = line;
  constexpr std::string_view kFollowers[] = {"else", "or", "and", "is", "if", "in", "not", "recursive"};
  const bool operand =
      now().kind == Kind::string || now().kind == Kind::integer || now().kind == Kind::real || is("[") || is("{") ||
      (now().kind == Kind::name && std::none_of(std::begin(kFollowers), std::end(kFollowers),
                                                [&](std::string_view follower) { return word(follower); }));
  if (is("("))
    arguments(*out);
  else if (operand)
    add(*out, postfix(primary()));
  return negated ? make(E::negation, "", std::move(out)) : std::move(out);
}

}  // namespace hearth
