// Tokens to the syntax tree; nesting is limited, so no later walk over the tree can overflow the stack.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/template/ast.h"
#include "engine/text/template/lexer.h"

namespace hearth {

class TemplateParser {
 public:
  explicit TemplateParser(std::string_view source) : tokens_(lex_template(source)) {}
  Block parse() { return block({}); }

 private:
  using Kind = TemplateToken::Kind;
  // Levels of brackets, signs and blocks, and of the tree that comes of them.
  static constexpr int kMaxNesting = 100;

  // Tokens.
  const TemplateToken& now() const { return tokens_[at_]; }
  const TemplateToken& next() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  bool is(std::string_view text, Kind kind = Kind::op) const { return now().kind == kind && now().text == text; }
  bool word(std::string_view text) const { return is(text, Kind::name); }
  bool accept(std::string_view text, Kind kind = Kind::op) { return is(text, kind) && ++at_; }
  bool accept_word(std::string_view text) { return accept(text, Kind::name); }
  void expect(std::string_view text, Kind kind = Kind::op);
  std::string name();
  [[noreturn]] void fail(const std::string& what) const { fail_at(now().line, what); }
  [[noreturn]] static void fail_at(int line, const std::string& what);

  // parse_statement.cpp
  Block block(std::initializer_list<std::string_view> ends);
  void statement(Statement& out);
  void set(Statement& out);
  void branch(Statement& out);
  void loop(Statement& out);
  void macro(Statement& out);
  void call_block(Statement& out);
  void with(Statement& out);
  void parameters(Statement& out);
  void jump(Statement& out, Statement::Kind kind);
  void close();
  void body_until(Statement& out, std::string_view end);
  void function_body_until(Statement& out, std::string_view end);
  ExpressionPtr target(bool attributes);

  // parse_expression.cpp
  ExpressionPtr tuple(bool choice);
  ExpressionPtr expression(bool choice = true);
  ExpressionPtr operation(int level);
  ExpressionPtr chain(int level, Expression::Kind kind);
  std::string accept_operator(int level);
  ExpressionPtr negation();
  ExpressionPtr unary(bool with_filters = true);

  // parse_operand.cpp
  ExpressionPtr primary();
  ExpressionPtr list();
  ExpressionPtr dict();
  ExpressionPtr number();
  ExpressionPtr string();
  ExpressionPtr postfix(ExpressionPtr out);
  ExpressionPtr subscript(ExpressionPtr out);
  ExpressionPtr filters(ExpressionPtr out);
  ExpressionPtr filter(ExpressionPtr subject);
  ExpressionPtr test(ExpressionPtr subject);
  void arguments(Expression& out);

  ExpressionPtr make(Expression::Kind kind, std::string text = "") const;
  ExpressionPtr make(Expression::Kind kind, std::string text, ExpressionPtr part) const;
  ExpressionPtr literal(Value value) const;
  void add(Expression& out, ExpressionPtr part) const;

  struct Nest {
    explicit Nest(TemplateParser& parser);
    ~Nest() { --parser_.nesting_; }
    TemplateParser& parser_;
  };

  std::vector<TemplateToken> tokens_;
  std::size_t at_ = 0;
  int nesting_ = 0;
  int loops_ = 0;                      // around the statement, within its macro
  std::vector<Statement*> functions_;  // macros and call blocks around the statement
};

}  // namespace hearth
