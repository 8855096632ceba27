// Execution of statements: output, scopes, loops, macros.
#include <algorithm>

#include "engine/text/template/interpreter.h"

namespace hearth {
using S = Statement::Kind;

std::string Interpreter::render(const Block& block) {
  std::string out;
  out_ = &out;
  try {
    run(block);
  } catch (const TemplateError& error) {  // values and JSON know no line
    if (error.line() != 0) throw;
    throw TemplateError(error.kind(), error.bare_message(), line_);
  }
  return out;
}

void Interpreter::emit(std::string_view made) {
  charge(1 + made.size() / 16);
  if (made.size() > limits_.max_output_bytes - out_->size()) fail(Error::budget, "the output is too long");
  *out_ += made;
}

// `flow`: where a loop around the block is to be left; null where there can be none.
std::string Interpreter::capture(const Block& block, Flow* flow) {
  std::string made;
  std::string* outer = std::exchange(out_, &made);
  Scope scope{scope_, {}};
  scope_ = &scope;
  const Flow left = run(block);
  if (flow != nullptr) *flow = left;
  scope_ = scope.parent;
  out_ = outer;
  return made;
}

Interpreter::Flow Interpreter::run(const Block& block) {
  if (++depth_ > limits_.max_depth) fail(Error::budget, "the template recurses too deeply");
  Flow flow = Flow::normal;
  for (const StatementPtr& statement : block) {
    charge(1);
    line_ = statement->line;
    flow = run(*statement);
    if (flow != Flow::normal) break;
  }
  --depth_;
  return flow;
}

Interpreter::Flow Interpreter::run(const Statement& s) {
  switch (s.kind) {
    case S::text:
      emit(s.text);
      break;
    case S::print:
      emit(to_text(evaluate(*s.value)));
      break;
    case S::set:
      assign(*s.target, evaluate(*s.value));
      break;
    case S::set_block:
    case S::filter_block: {
      Scope scope{scope_, {}};
      Flow flow = Flow::normal;
      scope.names[""] = text(capture(s.body, &flow));
      if (flow != Flow::normal) return flow;
      scope_ = &scope;
      const Value made = evaluate(*s.value);
      scope_ = scope.parent;
      if (s.kind == S::set_block)
        assign(*s.target, made);
      else
        emit(to_text(made));
      break;
    }
    case S::branch:
      for (const StatementPtr& arm : s.body) {
        if (evaluate(*arm->condition).truthy()) return run(arm->body);
      }
      return run(s.otherwise);
    case S::loop:
      return loop(s);
    case S::macro:
      macros_.push_back(&s);
      scope_->names[s.text] = Object{Object::Kind::macro, static_cast<std::uint32_t>(macros_.size() - 1)};
      break;
    case S::call_block: {
      const std::size_t id = callers_.size();
      callers_.push_back({&s, scope_});
      const Value caller = Object{Object::Kind::caller, static_cast<std::uint32_t>(id)};
      emit(to_text(call(*s.value, &caller)));
      callers_[id].scope = nullptr;
      break;
    }
    case S::with: {
      Scope scope{scope_, {}};
      std::vector<Value> values;
      for (const auto& binding : s.bindings) values.push_back(evaluate(*binding.second));
      scope_ = &scope;
      for (std::size_t i = 0; i < values.size(); ++i) assign(*s.bindings[i].first, values[i]);
      const Flow flow = run(s.body);
      scope_ = scope.parent;
      return flow;
    }
    case S::group:
      return run(s.body);
    case S::break_loop:
      return Flow::stop;
    case S::continue_loop:
      return Flow::next;
  }
  return Flow::normal;
}

Interpreter::Flow Interpreter::loop(const Statement& s) {
  std::vector<Value> items = items_of(evaluate(*s.value));
  Scope* const outer = scope_;
  if (s.condition) {
    std::vector<Value> kept;
    for (Value& one : items) {
      Scope scope{outer, {}};
      scope_ = &scope;
      assign(*s.target, one);
      if (evaluate(*s.condition).truthy()) kept.push_back(std::move(one));
      scope_ = outer;
    }
    items = std::move(kept);
  }
  if (items.empty()) return run(s.otherwise);
  const std::size_t id = loops_.size();
  loops_.push_back({.items = std::move(items)});
  for (std::size_t i = 0; i < loops_[id].items.size(); ++i) {
    loops_[id].index = i;
    Scope scope{outer, {}};
    scope_ = &scope;
    scope.names["loop"] = Object{Object::Kind::loop, static_cast<std::uint32_t>(id)};
    assign(*s.target, loops_[id].items[i]);
    const Flow flow = run(s.body);
    scope_ = outer;
    if (flow == Flow::stop) break;
  }
  loops_.pop_back();
  return Flow::normal;
}

void Interpreter::assign(const Expression& target, const Value& value) {
  if (target.kind == Expression::Kind::name) {
    scope_->names[target.text] = value;
  } else if (target.kind == Expression::Kind::attribute) {
    const Value space = evaluate(*target.parts[0]);
    if (!space.is(Value::Kind::object) || space.object().kind != Object::Kind::space) {
      fail(Error::type, "only a namespace takes attributes");
    }
    spaces_[space.object().id][target.text] = value;
  } else {
    const std::vector<Value> items = items_of(value);
    if (items.size() != target.parts.size()) fail(Error::type, "a wrong number of values to unpack");
    for (std::size_t i = 0; i < items.size(); ++i) assign(*target.parts[i], items[i]);
  }
}

Value Interpreter::call_body(const Statement& s, const Arguments& arguments, const Value& caller, Scope* parent) {
  Scope scope{parent, {}};
  Dict others;
  if (arguments.plain.size() > s.names.size() && !s.takes_varargs)
    fail(Error::type, "too many arguments for '" + s.text + "'");
  for (const auto& [key, value] : arguments.named) {
    bool known = false;
    for (const std::string& name : s.names) known = known || name == key;
    if (!known && !s.takes_kwargs) fail(Error::type, "'" + s.text + "' takes no argument '" + key + "'");
    if (!known) others.set(Value(key), value);
  }
  if (s.takes_kwargs) scope.names["kwargs"] = std::move(others);
  if (s.takes_varargs) {
    const auto known = static_cast<std::ptrdiff_t>(std::min(s.names.size(), arguments.plain.size()));
    scope.names["varargs"] = Value::tuple({arguments.plain.begin() + known, arguments.plain.end()});
  }
  Scope* const outer = std::exchange(scope_, &scope);
  const std::size_t required = s.names.size() - s.defaults.size();
  for (std::size_t i = 0; i < s.names.size(); ++i) {
    const Value* given = arguments.at(i, s.names[i]);
    scope.names[s.names[i]] = given ? *given : i >= required ? evaluate(*s.defaults[i - required]) : Value();
  }
  if (s.kind == S::macro) scope.names["caller"] = caller;
  Value made = text(capture(s.body));
  scope_ = outer;
  return made;
}

}  // namespace hearth
