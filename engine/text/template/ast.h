// The syntax tree of a template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/text/template/value.h"

namespace hearth {

struct Expression {
  // `text` is the name, attribute, filter or test; `parts` the operands, callee or subject first.
  enum class Kind {
    literal,
    name,
    list,
    tuple,
    dict,
    negate,
    plus,
    negation,
    arithmetic,  // parts[0] operators[0] parts[1] operators[1] ..., of one precedence, from the left
    compare,     // a chain, as in Python
    both,
    either,
    choice,  // condition, value, and the other value or null
    attribute,
    item,
    slice,
    call,
    filter,
    test,
    spread,       // *value among the arguments of a call
    spread_named  // **value
  };
  Kind kind;
  int line;
  int depth = 1;
  std::string text;
  Value literal;
  std::vector<std::unique_ptr<Expression>> parts;  // a null part is an absent one
  std::vector<std::pair<std::string, std::unique_ptr<Expression>>> named;
  std::vector<std::string> operators;
};
using ExpressionPtr = std::unique_ptr<Expression>;

struct Statement {
  enum class Kind {
    text,
    print,
    set,
    set_block,
    branch,
    loop,
    macro,
    call_block,
    filter_block,
    with,
    group,       // one arm of a branch
    generation,  // what the model writes, marked for training
    break_loop,
    continue_loop
  };
  Kind kind;
  int line;
  std::string text;
  ExpressionPtr target, value, condition;
  bool recursive = false;                                                  // a loop that may call itself
  bool takes_varargs = false, takes_kwargs = false, takes_caller = false;  // what the body of a macro names
  std::vector<std::string> names;                                          // macro parameters
  std::vector<ExpressionPtr> defaults;                                     // of the last parameters
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> bindings;           // of with
  std::vector<std::unique_ptr<Statement>> body, otherwise;
};
using StatementPtr = std::unique_ptr<Statement>;
using Block = std::vector<StatementPtr>;

// Throws TemplateError (syntax) with the line.
Block parse_template(std::string_view source);

}  // namespace hearth
