// One function for each level of precedence.
#include "engine/text/template/expression_parser.h"

#include <charconv>
#include <cstdlib>

#include "engine/text/template/call.h"

namespace hearth {
namespace {

// Filters whose first argument names a filter, or a test.
bool names_filter(std::string_view filter) { return filter == "map"; }
bool names_test(std::string_view filter) { return filter == "select" || filter == "reject"; }
bool names_second_test(std::string_view filter) { return filter == "selectattr" || filter == "rejectattr"; }

}  // namespace

ExpressionPtr ExpressionParser::target(bool attributes) {
  const auto one = [&]() -> ExpressionPtr {
    if (accept("(")) {
      auto inner = target(attributes);
      expect(")");
      return inner;
    }
    auto out = make(E::name, name());
    if (attributes && accept(".")) {
      auto member = make(E::attribute, name());
      add(*member, std::move(out));
      return member;
    }
    return out;
  };
  const Nest nest(*this);
  auto first = one();
  if (!is(",")) return first;
  auto out = make(E::tuple, "", std::move(first));
  while (accept(",")) {
    if (is("=") || word("in")) break;
    add(*out, one());
  }
  return out;
}

ExpressionPtr ExpressionParser::tuple(bool choice) {
  auto first = expression(choice);
  if (!is(",")) return first;
  auto out = make(E::tuple, "", std::move(first));
  while (accept(",")) {
    if (now().kind == Kind::print_end || now().kind == Kind::block_end || is(")") || is("=")) break;
    add(*out, expression(choice));
  }
  return out;
}

ExpressionPtr ExpressionParser::expression(bool choice) {
  const Nest nest(*this);
  auto out = either();
  while (choice && accept("if", Kind::name)) {
    auto condition = either();
    ExpressionPtr other;
    if (accept("else", Kind::name)) other = expression(true);
    out = make(E::choice, "", std::move(condition), std::move(out), std::move(other));
  }
  return out;
}

ExpressionPtr ExpressionParser::either() {
  auto out = both();
  while (accept("or", Kind::name)) out = make(E::either, "", std::move(out), both());
  return out;
}

ExpressionPtr ExpressionParser::both() {
  auto out = negation();
  while (accept("and", Kind::name)) out = make(E::both, "", std::move(out), negation());
  return out;
}

ExpressionPtr ExpressionParser::negation() {
  if (!accept("not", Kind::name)) return compare();
  const Nest nest(*this);
  return make(E::negation, "", negation());
}

ExpressionPtr ExpressionParser::compare() {
  auto out = binary(0);
  ExpressionPtr chain;
  while (true) {
    std::string op;
    for (const std::string_view one : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (op.empty() && accept(one)) op = one;
    }
    if (op.empty() && accept("in", Kind::name)) op = "in";
    if (op.empty() && word("not") && tokens_[at_ + 1].text == "in" && tokens_[at_ + 1].kind == Kind::name) {
      at_ += 2, op = "not in";
    }
    if (op.empty()) return chain ? std::move(chain) : std::move(out);
    if (!chain) chain = make(E::compare, "", std::move(out));
    chain->operators.push_back(op);
    add(*chain, binary(0));
  }
}

ExpressionPtr ExpressionParser::binary(int level) {
  static const std::vector<std::string_view> kLevels[] = {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}};
  if (level == 4) return unary(true);
  auto out = binary(level + 1);
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view op : kLevels[level]) {
      if (!more && accept(op)) out = make(E::binary, std::string(op), std::move(out), binary(level + 1)), more = true;
    }
  }
  return out;
}

ExpressionPtr ExpressionParser::unary(bool with_filters) {
  ExpressionPtr out;
  if (is("-") || is("+")) {
    const Nest nest(*this);
    const E kind = accept("-") ? E::negate : (++at_, E::plus);
    out = make(kind, "", unary(false));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : std::move(out);
}

ExpressionPtr ExpressionParser::literal(Value value) {
  auto out = make(E::literal, "");
  out->literal = std::move(value);
  return out;
}

ExpressionPtr ExpressionParser::primary() {
  const TemplateToken& token = tokens_[at_];
  if (token.kind == Kind::name) {
    ++at_;
    if (is("(") && (token.text == "joiner" || token.text == "cycler" || token.text == "lipsum"))
      fail("the function '" + token.text + "' is not supported");
    extra_.varargs |= token.text == "varargs";
    extra_.kwargs |= token.text == "kwargs";
    if (token.text == "true" || token.text == "True") return literal(true);
    if (token.text == "false" || token.text == "False") return literal(false);
    if (token.text == "none" || token.text == "None") return literal(Value::None{});
    return make(E::name, token.text);
  }
  if (token.kind == Kind::string) {
    std::string text;
    while (now().kind == Kind::string) text += tokens_[at_++].text;
    return literal(std::move(text));
  }
  if (token.kind == Kind::integer) {
    std::int64_t number = 0;
    const auto done = std::from_chars(token.text.data(), token.text.data() + token.text.size(), number);
    if (done.ec != std::errc{}) fail("an integer is too large");
    ++at_;
    return literal(number);
  }
  if (token.kind == Kind::real) return ++at_, literal(std::strtod(token.text.c_str(), nullptr));
  if (accept("(")) {
    if (accept(")")) return make(E::tuple, "");
    auto out = tuple(true);
    expect(")");
    return out;
  }
  if (accept("[")) {
    auto out = make(E::list, "");
    while (!accept("]")) {
      if (!out->parts.empty()) expect(",");
      if (accept("]")) break;
      add(*out, expression(true));
    }
    return out;
  }
  if (accept("{")) {
    auto out = make(E::dict, "");
    while (!accept("}")) {
      if (!out->parts.empty()) expect(",");
      if (accept("}")) break;
      add(*out, expression(true));
      expect(":");
      add(*out, expression(true));
    }
    return out;
  }
  fail("expected an expression");
}

ExpressionPtr ExpressionParser::postfix(ExpressionPtr out) {
  while (true) {
    if (accept(".")) {
      if (now().kind == Kind::integer) {
        auto index = primary();
        out = make(E::item, "", std::move(out), std::move(index));
      } else {
        out = make(E::attribute, name(), std::move(out));
      }
    } else if (accept("[")) {
      ExpressionPtr bounds[3];
      int part = 0;
      for (; !is("]") && part < 3;) {
        if (accept(":")) {
          ++part;
          continue;
        }
        bounds[part] = expression(true);
        if (!is(":")) break;
      }
      if (part > 2) fail("too many parts in a slice");
      if (part == 0 && !bounds[0]) fail("expected an index");
      expect("]");
      if (part == 0)
        out = make(E::item, "", std::move(out), std::move(bounds[0]));
      else
        out = make(E::slice, "", std::move(out), std::move(bounds[0]), std::move(bounds[1]), std::move(bounds[2]));
    } else if (is("(")) {
      out = make(E::call, "", std::move(out));
      arguments(*out);
    } else {
      return out;
    }
  }
}

void ExpressionParser::arguments(Expression& out) {
  expect("(");
  for (bool first = true; !accept(")"); first = false) {
    if (!first) expect(",");
    if (accept(")")) break;
    if (now().kind == Kind::name && tokens_[at_ + 1].kind == Kind::op && tokens_[at_ + 1].text == "=") {
      std::string key = name();
      ++at_;
      auto value = expression(true);
      deepen(out, value.get());
      out.named.emplace_back(std::move(key), std::move(value));
    } else {
      if (!out.named.empty()) fail("a positional argument after a named one");
      add(out, expression(true));
    }
  }
}

void ExpressionParser::require_filter(const std::string& name) const {
  if (find_filter(name) == nullptr) fail("unknown filter '" + name + "'");
}

void ExpressionParser::require_test(const std::string& name) const {
  if (find_test(name) == nullptr) fail("unknown test '" + name + "'");
}

void ExpressionParser::check_names(const Expression& filter) const {
  const auto literal_at = [&](std::size_t i) -> const std::string* {
    const bool named =
        i < filter.parts.size() && filter.parts[i]->kind == E::literal && filter.parts[i]->literal.is_string();
    return named ? &filter.parts[i]->literal.string() : nullptr;
  };
  if (const std::string* name = literal_at(1)) {
    if (names_filter(filter.text)) require_filter(*name);
    if (names_test(filter.text)) require_test(*name);
  }
  if (const std::string* name = literal_at(2); name != nullptr && names_second_test(filter.text)) require_test(*name);
}

ExpressionPtr ExpressionParser::filters(ExpressionPtr out, bool first) {
  while (true) {
    if (first || accept("|")) {
      first = false;
      const std::string filter = name();
      require_filter(filter);
      out = make(E::filter, filter, std::move(out));
      if (is("(")) arguments(*out);
      check_names(*out);
    } else if (accept("is", Kind::name)) {
      const bool negated = accept("not", Kind::name);
      const std::string test = name();
      require_test(test);
      out = make(E::test, test, std::move(out));
      const bool operand = now().kind == Kind::string || now().kind == Kind::integer || now().kind == Kind::real ||
                           is("[") || is("{") ||
                           (now().kind == Kind::name && !word("else") && !word("or") && !word("and") && !word("is") &&
                            !word("if") && !word("in") && !word("not") && !word("recursive"));
      if (is("("))
        arguments(*out);
      else if (operand)
        add(*out, postfix(primary()));
      if (negated) out = make(E::negation, "", std::move(out));
    } else if (is("(")) {
      out = make(E::call, "", std::move(out));
      arguments(*out);
    } else {
      return out;
    }
  }
}

}  // namespace hearth
