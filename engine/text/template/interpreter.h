// One rendering: its scopes, its budget, and the evaluation of the syntax tree.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <unordered_map>

#include "engine/text/template/ast.h"
#include "engine/text/template/template.h"

namespace hearth {

struct Arguments {
  std::vector<Value> plain;
  std::vector<std::pair<std::string, Value>> named;
  // The argument at `position`, else the one named `name`; null when absent.
  const Value* at(std::size_t position, std::string_view name) const {
    if (position < plain.size()) return &plain[position];
    for (const auto& [key, value] : named) {
      if (key == name) return &value;
    }
    return nullptr;
  }
};

class Interpreter {
 public:
  Interpreter(const Value& context, const RenderLimits& limits) : context_(context), limits_(limits) {}
  std::string render(const Block& block);

 private:
  friend struct Call;  // what filters, tests and methods may use

  using Error = TemplateError::Kind;
  struct Scope {
    Scope* parent;
    std::unordered_map<std::string, Value> names;
  };
  struct Loop {
    std::vector<Value> items;
    std::size_t index = 0;
    std::optional<Value> seen;  // what loop.changed was told last
  };
  struct Caller {
    const Statement* statement;
    Scope* scope;  // null once the call is over
  };
  enum class Flow { normal, stop, next };

  // execute.cpp
  Flow run(const Block& block);
  Flow run(const Statement& statement);
  Flow loop(const Statement& statement);
  std::string capture(const Block& block, Flow* flow = nullptr);
  void emit(std::string_view text);
  void assign(const Expression& target, const Value& value);
  Value call_body(const Statement& statement, const Arguments& arguments, const Value& caller, Scope* parent);

  // evaluate.cpp
  Value evaluate(const Expression& e);
  Value evaluate_node(const Expression& e);
  Value lookup(const std::string& name);
  Arguments arguments_of(const Expression& e);
  Value call(const Expression& e, const Value* caller);
  Value call_of_loop(const std::string& name, std::size_t id, const Arguments& arguments);
  Value call_builtin(const std::string& name, const Arguments& arguments);
  Value attribute(const Value& subject, const std::string& name);
  Value item(const Value& subject, const Value& key);
  Value slice(const Value& subject, const Value& from, const Value& to, const Value& step);

  // operators.cpp
  Value binary(const std::string& op, const Value& a, const Value& b);
  bool compare(const std::string& op, const Value& a, const Value& b);
  bool contains(const Value& container, const Value& item);
  bool less(const Value& a, const Value& b);
  bool same(const Value& a, const Value& b);        // equal(), charged
  std::vector<Value> items_of(const Value& value);  // as a for loop sees them

  [[noreturn]] void fail(Error kind, const std::string& what) const { throw TemplateError(kind, what, line_); }
  void charge(std::uint64_t steps) {
    if (steps > limits_.max_steps - steps_) fail(Error::budget, "the template takes too many steps");
    steps_ += steps;
  }
  void charge_bytes(std::size_t bytes) {
    if (bytes > limits_.max_output_bytes) fail(Error::budget, "a text is too long");
    charge(1 + bytes / 16);
  }
  void charge_search(std::size_t bytes, std::size_t wanted) {  // the worst case of a plain search
    charge(1 + bytes / 16 + bytes * wanted / 1024);
  }
  Value text(std::string made) { return charge_bytes(made.size()), Value(std::move(made)); }
  std::int64_t integer(const Value& value);

  const Value& context_;
  const RenderLimits& limits_;
  std::uint64_t steps_ = 0;
  int depth_ = 0;
  int line_ = 0;
  std::string* out_ = nullptr;
  Scope root_{nullptr, {}};
  Scope* scope_ = &root_;
  std::deque<std::unordered_map<std::string, Value>> spaces_;
  std::deque<Loop> loops_;
  std::vector<const Statement*> macros_;
  std::vector<Caller> callers_;
  std::vector<std::string> builtins_;
  std::vector<std::pair<Value, std::string>> methods_;
};

}  // namespace hearth
