// Expressions: operators by precedence, literals, calls, filters and tests.
#include <algorithm>
#include <array>
#include <charconv>

#include "engine/text/template/error.h"
#include "engine/text/template/filters.h"
#include "engine/text/template/parser.h"

namespace hearth {

using E = Expression::Kind;

namespace {

// From the loosest; `not` stands between `and` and the comparisons. All of one level group from the left.
constexpr int kEither = 0, kBoth = 1, kNegation = 2, kCompare = 3, kArithmetic = 4, kOperand = 8;
constexpr std::array<std::array<std::string_view, 4>, 4> kArithmeticOperators = {
    {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}};
constexpr std::string_view kComparisons[] = {"==", "!=", "<=", ">=", "<", ">"};

// Filters that take the name of a filter or test, and the argument it is.
struct NameTaker {
  std::string_view filter;
  std::size_t argument;
  bool names_filter;
};
constexpr NameTaker kNameTakers[] = {
    {"map", 0, true}, {"select", 0, false}, {"reject", 0, false}, {"selectattr", 1, false}, {"rejectattr", 1, false}};

}  // namespace

TemplateParser::Nest::Nest(TemplateParser& parser) : parser_(parser) {
  if (parser.nesting_ >= kMaxNesting) parser.fail("the template is nested too deeply");
  ++parser.nesting_;
}

ExpressionPtr TemplateParser::make(E kind, std::string text) const {
  auto out = std::make_unique<Expression>();
  out->kind = kind, out->line = now().line, out->text = std::move(text);
  return out;
}
ExpressionPtr TemplateParser::make(E kind, std::string text, ExpressionPtr part) const {
  auto out = make(kind, std::move(text));
  out->line = part->line;
  add(*out, std::move(part));
  return out;
}
ExpressionPtr TemplateParser::literal(Value value) const {
  auto out = make(E::literal);
  out->literal = std::move(value);
  return out;
}
void TemplateParser::add(Expression& out, ExpressionPtr part) const {
  if (part) out.depth = std::max(out.depth, part->depth + 1);
  if (out.depth > kMaxNesting) fail("an expression is nested too deeply");
  out.parts.push_back(std::move(part));
}

ExpressionPtr TemplateParser::tuple(bool choice) {
  auto first = expression(choice);
  if (!is(",")) return first;
  auto out = make(E::tuple, "", std::move(first));
  while (accept(",")) {
    if (now().kind == Kind::print_end || now().kind == Kind::block_end || is(")") || is("]") || is("=")) break;
    add(*out, expression(choice));
  }
  return out;
}

ExpressionPtr TemplateParser::expression(bool choice) {
  const Nest nest(*this);
  auto out = operation(kEither);
  while (choice && accept_word("if")) {
    auto node = make(E::choice);
    add(*node, operation(kEither));
    add(*node, std::move(out));
    add(*node, accept_word("else") ? expression() : nullptr);
    out = std::move(node);
  }
  return out;
}

ExpressionPtr TemplateParser::operation(int level) {
  switch (level) {
    case kEither:
      return chain(level, E::either);
    case kBoth:
      return chain(level, E::both);
    case kNegation:
      return word("not") ? negation() : operation(kCompare);
    case kCompare:
      return chain(level, E::compare);
    case kOperand:
      return unary();
    default:
      return chain(level, E::arithmetic);
  }
}

ExpressionPtr TemplateParser::negation() {
  const Nest nest(*this);
  auto out = make(E::negation);
  expect("not", Kind::name);
  add(*out, operation(kNegation));
  return out;
}

ExpressionPtr TemplateParser::chain(int level, E kind) {
  auto first = operation(level + 1);
  std::string op = accept_operator(level);
  if (op.empty()) return first;
  auto out = make(kind, "", std::move(first));
  for (; !op.empty(); op = accept_operator(level)) {
    out->operators.push_back(op);
    add(*out, operation(level + 1));
  }
  return out;
}

std::string TemplateParser::accept_operator(int level) {
  const auto one_of = [&](const auto& operators) -> std::string {
    for (const std::string_view op : operators) {
      if (!op.empty() && accept(op)) return std::string(op);
    }
    return "";
  };
  if (level == kEither) return accept_word("or") ? "or" : "";
  if (level == kBoth) return accept_word("and") ? "and" : "";
  if (level != kCompare) return one_of(kArithmeticOperators[static_cast<std::size_t>(level - kArithmetic)]);
  if (accept_word("in")) return "in";
  if (word("not") && next().kind == Kind::name && next().text == "in") return at_ += 2, "not in";
  return one_of(kComparisons);
}

ExpressionPtr TemplateParser::unary(bool with_filters) {
  ExpressionPtr out;
  if (is("-") || is("+")) {
    const Nest nest(*this);
    out = make(is("-") ? E::negate : E::plus);
    ++at_;
    add(*out, unary(false));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : std::move(out);
}

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
    double number = 0;
    std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
    return literal(number);
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
