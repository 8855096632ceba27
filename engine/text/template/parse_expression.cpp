// Expressions: operators by precedence.
#include <algorithm>
#include <array>

#include "engine/text/template/error.h"
#include "engine/text/template/parser.h"

namespace hearth {

using E = Expression::Kind;

namespace {

// From the loosest; `not` stands between `and` and the comparisons. All of one level group from the left.
constexpr int kEither = 0, kBoth = 1, kNegation = 2, kCompare = 3, kArithmetic = 4, kOperand = 8;
constexpr std::array<std::array<std::string_view, 4>, 4> kArithmeticOperators = {
    {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}};
constexpr std::string_view kComparisons[] = {"==", "!=", "<=", ">=", "<", ">"};

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

}  // namespace hearth
