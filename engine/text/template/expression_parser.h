// The expressions of a template, from its tokens.
#pragma once

#include <utility>

#include "engine/text/template/ast.h"
#include "engine/text/template/error.h"
#include "engine/text/template/lexer.h"

namespace hearth {

// Nesting is limited, so that neither the parser nor a later walk over the tree can overflow the stack.
class ExpressionParser {
 protected:
  using Kind = TemplateToken::Kind;
  using E = Expression::Kind;
  static constexpr int kMaxNesting = 100;  // of parentheses and blocks
  static constexpr int kMaxDepth = 200;    // of an expression's tree, which a chain of operators deepens too

  explicit ExpressionParser(std::string_view source) : tokens_(lex_template(source)) {}

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
    explicit Nest(ExpressionParser& parser) : parser_(parser) {
      if (++parser.nesting_ > kMaxNesting) parser.fail("the template is nested too deeply");
    }
    ~Nest() { --parser_.nesting_; }
    ExpressionParser& parser_;
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
    if (out.depth > kMaxDepth) fail("an expression is nested too deeply");
  }
  void add(Expression& out, ExpressionPtr part) {
    deepen(out, part.get());
    out.parts.push_back(std::move(part));
  }

  ExpressionPtr target(bool attributes);
  ExpressionPtr tuple(bool choice);
  ExpressionPtr expression(bool choice);
  ExpressionPtr either();
  ExpressionPtr both();
  ExpressionPtr negation();
  ExpressionPtr compare();
  ExpressionPtr binary(int level);
  ExpressionPtr unary(bool with_filters);
  ExpressionPtr literal(Value value);
  ExpressionPtr primary();
  ExpressionPtr postfix(ExpressionPtr out);
  void arguments(Expression& out);
  void require_filter(const std::string& name) const;
  void require_test(const std::string& name) const;
  // The names that are written out as arguments of a filter; parts[0] is its subject.
  void check_names(const Expression& filter) const;
  ExpressionPtr filters(ExpressionPtr out, bool first = false);

  std::vector<TemplateToken> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;
  // Whether the body of the macro that is being parsed takes arguments without a name of their own.
  struct Extra {
    bool varargs = false, kwargs = false;
  } extra_;
};

}  // namespace hearth
