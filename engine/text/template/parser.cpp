// Tokens to the syntax tree; nesting is limited, so no later walk over the tree can overflow the stack.
#include <charconv>
#include <cstdlib>
#include <set>

#include "engine/text/template/ast.h"
#include "engine/text/template/error.h"
#include "engine/text/template/lexer.h"

namespace hearth {
namespace {

using Kind = TemplateToken::Kind;
using E = Expression::Kind;
using S = Statement::Kind;
constexpr int kMaxNesting = 100;

const std::set<std::string_view> kFilters = {
    "trim",  "length", "count",      "join",       "list",       "first",  "last",     "default", "d",        "upper",
    "lower", "title",  "capitalize", "replace",    "tojson",     "string", "int",      "float",   "round",    "abs",
    "map",   "select", "reject",     "selectattr", "rejectattr", "items",  "dictsort", "sort",    "unique",   "reverse",
    "sum",   "min",    "max",        "indent",     "safe",       "escape", "e",        "batch",   "wordcount"};
const std::set<std::string_view> kTests = {
    "defined", "undefined", "none",   "string",  "mapping", "iterable", "sequence",    "number",  "integer",
    "float",   "boolean",   "true",   "false",   "odd",     "even",     "divisibleby", "equalto", "eq",
    "ne",      "lt",        "le",     "gt",      "ge",      "lessthan", "greaterthan", "in",      "callable",
    "upper",   "lower",     "sameas", "escaped", "filter",  "test"};

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(lex_template(source)) {}
  Block run() { return block({}); }

 private:
  const TemplateToken& now() const { return tokens_[at_]; }
  [[noreturn]] void fail(const std::string& what) const {
    throw TemplateError(TemplateError::Kind::syntax, what, now().line);
  }
  bool is(std::string_view text, Kind kind = Kind::op) const { return now().kind == kind && now().text == text; }
  bool word(std::string_view text) const { return is(text, Kind::name); }
  bool accept(std::string_view text, Kind kind = Kind::op) { return is(text, kind) && ++at_; }
  void expect(std::string_view text, Kind kind = Kind::op) {
    if (!accept(text, kind)) fail("expected '" + std::string(text) + "'");
  }
  void expect(Kind kind, const char* what) {
    if (now().kind != kind) fail(std::string("expected ") + what);
    ++at_;
  }
  std::string name() {
    if (now().kind != Kind::name) fail("expected a name");
    return tokens_[at_++].text;
  }
  struct Nest {
    explicit Nest(Parser& parser) : parser_(parser) {
      if (++parser.nesting_ > kMaxNesting) parser.fail("the template is nested too deeply");
    }
    ~Nest() { --parser_.nesting_; }
    Parser& parser_;
  };

  template <typename... Parts>
  ExpressionPtr make(E kind, std::string text, Parts... parts) {
    auto out = std::make_unique<Expression>();
    out->kind = kind, out->line = now().line, out->text = std::move(text);
    (add(*out, std::move(parts)), ...);
    return out;
  }
  void deepen(Expression& out, const Expression* part) {
    if (part != nullptr) out.depth = std::max(out.depth, part->depth + 1);
    if (out.depth > kMaxNesting) fail("an expression is nested too deeply");
  }
  void add(Expression& out, ExpressionPtr part) {
    deepen(out, part.get());
    out.parts.push_back(std::move(part));
  }

  Block block(std::initializer_list<std::string_view> ends) {
    const Nest nest(*this);
    Block out;
    while (now().kind != Kind::end) {
      auto made = std::make_unique<Statement>();
      made->line = now().line;
      if (now().kind == Kind::text) {
        made->kind = S::text, made->text = tokens_[at_++].text;
      } else if (now().kind == Kind::print_begin) {
        ++at_;
        made->kind = S::print, made->value = tuple(true);
        expect(Kind::print_end, "'}}'");
      } else {
        ++at_;
        for (const std::string_view end : ends) {
          if (word(end)) return out;
        }
        statement(*made);
      }
      out.push_back(std::move(made));
    }
    if (ends.size() > 0) fail("expected '" + std::string(*(ends.end() - 1)) + "' before the end");
    return out;
  }
  void close() { expect(Kind::block_end, "'%}'"); }
  void body_until(Statement& out, std::string_view end) {
    close();
    out.body = block({end});
    ++at_;
    close();
  }

  void statement(Statement& out) {
    const std::string tag = name();
    if (tag == "set") {
      out.target = target(true);
      if (accept("=")) {
        out.kind = S::set, out.value = tuple(true);
        return close();
      }
      out.kind = S::set_block, out.value = make(E::name, "");
      if (is("|")) out.value = filters(std::move(out.value));
      body_until(out, "endset");
    } else if (tag == "if") {
      branch(out);
    } else if (tag == "for") {
      out.kind = S::loop, out.target = target(false);
      expect("in", Kind::name);
      out.value = tuple(false);
      if (accept("if", Kind::name)) out.condition = expression(true);
      ++loops_;
      close();
      out.body = block({"else", "endfor"});
      --loops_;
      if (accept("else", Kind::name)) close(), out.otherwise = block({"endfor"});
      ++at_;
      close();
    } else if (tag == "macro" || tag == "call") {
      out.kind = tag == "macro" ? S::macro : S::call_block;
      if (tag == "macro") out.text = name();
      if (tag == "macro" || is("(")) parameters(out);
      if (tag == "call") {
        out.value = unary(true);
        if (out.value->kind != E::call) fail("expected a call");
      }
      const int loops = std::exchange(loops_, 0);
      body_until(out, tag == "macro" ? "endmacro" : "endcall");
      loops_ = loops;
    } else if (tag == "filter") {
      out.kind = S::filter_block, --at_;
      out.value = filters(make(E::name, ""), true);
      body_until(out, "endfilter");
    } else if (tag == "generation") {
      out.kind = S::group;
      body_until(out, "endgeneration");
    } else if (tag == "with") {
      out.kind = S::with;
      while (now().kind != Kind::block_end) {
        if (!out.bindings.empty()) expect(",");
        auto one = target(false);
        expect("=");
        out.bindings.emplace_back(std::move(one), expression(true));
      }
      body_until(out, "endwith");
    } else if (tag == "break" || tag == "continue") {
      if (loops_ == 0) fail(tag + " outside of a loop");
      out.kind = tag == "break" ? S::break_loop : S::continue_loop;
      close();
    } else {
      --at_;
      fail("unknown tag '" + tag + "'");
    }
  }

  // An elif chain is a flat list of branches: body of `otherwise` statements, not nested ones.
  void branch(Statement& out) {
    out.kind = S::branch;
    bool more = true;
    while (more) {
      auto arm = std::make_unique<Statement>();
      arm->kind = S::group, arm->line = now().line, arm->condition = tuple(true);
      close();
      arm->body = block({"elif", "else", "endif"});
      out.body.push_back(std::move(arm));
      more = accept("elif", Kind::name);
    }
    if (accept("else", Kind::name)) close(), out.otherwise = block({"endif"});
    ++at_;
    close();
  }

  void parameters(Statement& out) {
    expect("(");
    while (!accept(")")) {
      if (!out.names.empty()) expect(",");
      out.names.push_back(name());
      if (accept("="))
        out.defaults.push_back(expression(true));
      else if (!out.defaults.empty())
        fail("a parameter without a default after one with");
    }
  }

  ExpressionPtr target(bool attributes) {
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

  ExpressionPtr tuple(bool choice) {
    auto first = expression(choice);
    if (!is(",")) return first;
    auto out = make(E::tuple, "", std::move(first));
    while (accept(",")) {
      if (now().kind == Kind::print_end || now().kind == Kind::block_end || is(")") || is("=")) break;
      add(*out, expression(choice));
    }
    return out;
  }

  ExpressionPtr expression(bool choice) {
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
  ExpressionPtr either() {
    auto out = both();
    while (accept("or", Kind::name)) out = make(E::either, "", std::move(out), both());
    return out;
  }
  ExpressionPtr both() {
    auto out = negation();
    while (accept("and", Kind::name)) out = make(E::both, "", std::move(out), negation());
    return out;
  }
  ExpressionPtr negation() {
    const Nest nest(*this);
    if (accept("not", Kind::name)) return make(E::negation, "", negation());
    return compare();
  }
  ExpressionPtr compare() {
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
  ExpressionPtr binary(int level) {
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
  ExpressionPtr unary(bool with_filters) {
    const Nest nest(*this);
    ExpressionPtr out;
    if (accept("-"))
      out = make(E::negate, "", unary(false));
    else if (accept("+"))
      out = make(E::plus, "", unary(false));
    else
      out = primary();
    out = postfix(std::move(out));
    return with_filters ? filters(std::move(out)) : std::move(out);
  }

  ExpressionPtr literal(Value value) {
    auto out = make(E::literal, "");
    out->literal = std::move(value);
    return out;
  }
  ExpressionPtr primary() {
    const TemplateToken& token = tokens_[at_];
    if (token.kind == Kind::name) {
      ++at_;
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

  ExpressionPtr postfix(ExpressionPtr out) {
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
  void arguments(Expression& out) {
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
  ExpressionPtr filters(ExpressionPtr out, bool first = false) {
    while (true) {
      if (first || accept("|")) {
        first = false;
        const std::string filter = name();
        if (kFilters.count(filter) == 0) fail("unknown filter '" + filter + "'");
        out = make(E::filter, filter, std::move(out));
        if (is("(")) arguments(*out);
      } else if (accept("is", Kind::name)) {
        const bool negated = accept("not", Kind::name);
        const std::string test = name();
        if (kTests.count(test) == 0) fail("unknown test '" + test + "'");
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

  std::vector<TemplateToken> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
};

}  // namespace

Block parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace hearth
