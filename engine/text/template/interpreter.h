// One rendering: its scopes, its budget, and the evaluation of the syntax tree.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <variant>

#include "engine/text/template/arguments.h"
#include "engine/text/template/ast.h"
#include "engine/text/template/template.h"

namespace hearth {

class Interpreter {
 public:
  using Error = TemplateError::Kind;

  Interpreter(const Value& context, const RenderLimits& limits) : context_(context), limits_(limits) {}
  std::string render(const Block& block);

  // What the filters, tests, methods and functions are made of.

  [[noreturn]] void fail(Error kind, const std::string& what) const { throw TemplateError(kind, what, line_); }
  const RenderLimits& limits() const { return limits_; }
  void charge(std::uint64_t steps) {
    if (steps > limits_.max_steps - steps_) fail(Error::budget, "the template takes too many steps");
    steps_ += steps;
  }
  void limit_bytes(std::size_t bytes) const {  // of a text in the making
    if (bytes > limits_.max_output_bytes) fail(Error::budget, "a text is too long");
  }
  void charge_bytes(std::size_t bytes) {
    limit_bytes(bytes);
    charge(1 + bytes / 16);
  }
  void charge_search(std::size_t bytes, std::size_t wanted) {  // the worst case of a plain search
    charge(1 + bytes / 16 + bytes * wanted / 1024);
  }
  Value text(std::string made) { return charge_bytes(made.size()), Value(std::move(made)); }
  // str() of a value, charged.
  std::string str(const Value& value);

  // operators.cpp
  Value arithmetic(const std::string& op, const Value& a, const Value& b);
  bool compare(const std::string& op, const Value& a, const Value& b);
  bool contains(const Value& container, const Value& item);
  bool less(const Value& a, const Value& b);
  bool same(const Value& a, const Value& b);        // equal(), charged
  std::vector<Value> items_of(const Value& value);  // as a for loop sees them; an iterator is used up
  std::int64_t integer(const Value& value);
  double real(const Value& value);

  // attributes.cpp
  Value attribute(const Value& subject, const std::string& name);
  Value item(const Value& subject, const Value& key);
  Value slice(const Value& subject, const Value& from, const Value& to, const Value& step);
  // The value behind "a.b.0"; with `absent`, what is undefined on the way is replaced by it.
  Value path(const Value& subject, const Value& attribute_path, const Value* absent = nullptr);

  // calls.cpp
  Value call(const Value& function, const Arguments& arguments);
  Value method(const Value& self, const std::string& name, const Arguments& arguments);
  Value filter(const std::string& name, const Value& subject, const Arguments& arguments);
  bool test(const std::string& name, const Value& subject, const Arguments& arguments);
  Value iterator(std::vector<Value> items);
  // The next item of an iterator; undefined at its end.
  Value next_item(const Object& iterator);
  std::vector<Value> rest_of(const Object& iterator);  // and uses it up

 private:
  // Scopes are shared because a macro keeps the one that it was defined in.
  struct Scope {
    std::shared_ptr<Scope> parent;
    std::unordered_map<std::string, Value> names;
  };
  using ScopePtr = std::shared_ptr<Scope>;
  enum class Flow { normal, stop, next };

  // What an Object stands for.
  struct Space {
    std::unordered_map<std::string, Value> members;
  };
  struct Function {
    std::string_view name;
    Value (Interpreter::*call)(const Arguments& arguments);
  };
  struct Macro {
    const Statement* statement;
    ScopePtr scope;
  };
  struct Method {
    Value self;
    std::string name;
  };
  struct Loop {
    const Statement* statement;
    ScopePtr scope;  // around the loop
    std::vector<Value> items;
    std::size_t index = 0;
    int depth = 0;
    Value last_seen;  // by loop.changed
  };
  struct Iterator {
    std::vector<Value> items;
    std::size_t next = 0;
  };
  struct Joiner {
    std::string separator;
    bool used = false;
  };
  struct Cycler {
    std::vector<Value> items;
    std::size_t next = 0;
  };
  using Thing = std::variant<Space, Function, Macro, Method, Loop, Iterator, Joiner, Cycler>;

  // execute.cpp
  Flow run(const Block& block);
  Flow run(const Statement& statement);
  Flow branch(const Statement& statement);
  Flow with(const Statement& statement);
  Flow capture_block(const Statement& statement);
  Flow loop(const Statement& statement, const ScopePtr& outer, const Value& subject, int depth);
  Flow run_captured(const Block& block, std::string& made);
  std::vector<Value> loop_items(const Statement& statement, const ScopePtr& outer, const Value& subject);
  void emit(std::string_view text);
  void assign(const Expression& target, const Value& value);

  // operators.cpp
  Value float_arithmetic(const std::string& op, double x, double y);
  Value repeated(const Value& many, std::int64_t count);

  // evaluate.cpp
  Value evaluate(const Expression& e);
  Value evaluate_node(const Expression& e);
  Value evaluate_sequence(const Expression& e);
  Value evaluate_dict(const Expression& e);
  Value evaluate_sign(const Expression& e);
  Value evaluate_arithmetic(const Expression& e);
  Value evaluate_compare(const Expression& e);
  Value evaluate_logic(const Expression& e);
  Value evaluate_slice(const Expression& e);
  Value evaluate_filter(const Expression& e);
  Value evaluate_call(const Expression& e, const Value* caller);
  Arguments arguments_of(const Expression& e);
  Value lookup(const std::string& name);

  // attributes.cpp
  Value object_attribute(const Object& subject, const std::string& name);
  static Value loop_attribute(const Loop& loop, const std::string& name);
  static Value macro_attribute(const Statement& statement, const std::string& name);

  // calls.cpp
  Value call_macro(const Macro& macro, const Arguments& arguments);
  void bind_parameters(const Statement& statement, const Arguments& arguments);
  Value call_loop(const Object& loop, const Arguments& arguments);
  Value object_method(const Object& self, const std::string& name, const Arguments& arguments);

  // functions.cpp
  const Function* find_function(std::string_view name) const;
  Value make_range(const Arguments& arguments);
  Value make_namespace(const Arguments& arguments);
  Value make_dict(const Arguments& arguments);
  Value make_joiner(const Arguments& arguments);
  Value make_cycler(const Arguments& arguments);
  Value raise_exception(const Arguments& arguments);
  Value strftime_now(const Arguments& arguments);
  Dict dict_of(const Arguments& arguments);

  template <class T>
  T& thing(const Object& object) {
    return std::get<T>(things_.at(object.id));
  }
  template <class T>
  Object own(Object::Kind kind, T made) {
    charge(8);
    things_.emplace_back(std::move(made));
    return {kind, static_cast<std::uint32_t>(things_.size() - 1)};
  }
  ScopePtr nested(const ScopePtr& parent) const { return std::make_shared<Scope>(Scope{parent, {}}); }

  // Enters a scope, and leaves it at the end of the block.
  struct Entered {
    Entered(Interpreter& in, ScopePtr scope) : in_(in), outer_(std::exchange(in.scope_, std::move(scope))) {}
    ~Entered() { in_.scope_ = outer_; }
    Interpreter& in_;
    ScopePtr outer_;
  };

  const Value& context_;
  const RenderLimits& limits_;
  std::uint64_t steps_ = 0;
  int depth_ = 0;
  int line_ = 0;
  std::string* out_ = nullptr;
  ScopePtr scope_ = std::make_shared<Scope>();
  std::deque<Thing> things_;
};

}  // namespace hearth
