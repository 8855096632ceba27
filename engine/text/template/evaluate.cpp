// Evaluation of expressions. The recursive functions keep small frames: what needs room is a function of its own.
#include "engine/text/template/filters.h"
#include "engine/text/template/interpreter.h"

namespace hearth {
using E = Expression::Kind;

Value Interpreter::evaluate(const Expression& e) {
  charge(1);
  if (++depth_ > limits_.max_depth) fail(Error::budget, "the template recurses too deeply");
  line_ = e.line;
  Value out = evaluate_node(e);
  line_ = e.line;
  --depth_;
  return out;
}

Value Interpreter::evaluate_node(const Expression& e) {
  switch (e.kind) {
    case E::literal:
      return e.literal;
    case E::name:
      return lookup(e.text);
    case E::list:
    case E::tuple:
      return evaluate_sequence(e);
    case E::dict:
      return evaluate_dict(e);
    case E::negate:
    case E::plus:
      return evaluate_sign(e);
    case E::arithmetic:
      return evaluate_arithmetic(e);
    case E::compare:
      return evaluate_compare(e);
    case E::negation:
    case E::both:
    case E::either:
    case E::choice:
      return evaluate_logic(e);
    case E::attribute:
      return attribute(evaluate(*e.parts[0]), e.text);
    case E::item: {
      const Value subject = evaluate(*e.parts[0]);
      return item(subject, evaluate(*e.parts[1]));
    }
    case E::slice:
      return evaluate_slice(e);
    case E::call:
      return evaluate_call(e, nullptr);
    case E::filter:
    case E::test:
      return evaluate_filter(e);
    case E::spread:
    case E::spread_named:
      fail(Error::type, "only a call takes a '*'");
  }
  return {};
}

Value Interpreter::evaluate_sequence(const Expression& e) {
  std::vector<Value> items;
  for (const ExpressionPtr& part : e.parts) items.push_back(evaluate(*part));
  return e.kind == E::list ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

Value Interpreter::evaluate_dict(const Expression& e) {
  Dict dict;
  for (std::size_t i = 0; i < e.parts.size(); i += 2) {
    Value key = evaluate(*e.parts[i]);
    charge(key.cost());
    dict.set(std::move(key), evaluate(*e.parts[i + 1]));
  }
  return dict;
}

Value Interpreter::evaluate_sign(const Expression& e) {
  const Value value = evaluate(*e.parts[0]);
  if (value.is_undefined()) fail(Error::undefined, "an operand is undefined");
  if (!value.is_number()) fail(Error::type, "bad operand for a sign: " + std::string(type_name(value)));
  if (value.is(Value::Kind::real)) return e.kind == E::negate ? -value.real() : value.real();
  return e.kind == E::negate ? arithmetic("-", 0, value) : Value(value.integer());
}

Value Interpreter::evaluate_arithmetic(const Expression& e) {
  Value left = evaluate(*e.parts[0]);
  for (std::size_t i = 0; i < e.operators.size(); ++i) {
    const Value right = evaluate(*e.parts[i + 1]);
    left = arithmetic(e.operators[i], left, right);
  }
  return left;
}

Value Interpreter::evaluate_compare(const Expression& e) {
  Value left = evaluate(*e.parts[0]);
  for (std::size_t i = 0; i < e.operators.size(); ++i) {
    Value right = evaluate(*e.parts[i + 1]);
    if (!compare(e.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::evaluate_logic(const Expression& e) {
  if (e.kind == E::negation) return !evaluate(*e.parts[0]).truthy();
  if (e.kind == E::choice) {
    const bool chosen = evaluate(*e.parts[0]).truthy();
    if (!chosen && !e.parts[2]) return {};
    return evaluate(*e.parts[chosen ? 1 : 2]);
  }
  Value value = evaluate(*e.parts[0]);
  for (std::size_t i = 1; i < e.parts.size() && value.truthy() == (e.kind == E::both); ++i)
    value = evaluate(*e.parts[i]);
  return value;
}

Value Interpreter::evaluate_slice(const Expression& e) {
  const auto bound = [&](std::size_t i) { return e.parts[i] ? evaluate(*e.parts[i]) : Value(Value::None{}); };
  const Value subject = evaluate(*e.parts[0]);
  const Value from = bound(1);
  const Value to = bound(2);
  return slice(subject, from, to, bound(3));
}

Value Interpreter::evaluate_filter(const Expression& e) {
  const Value subject = evaluate(*e.parts[0]);
  const Arguments arguments = arguments_of(e);
  line_ = e.line;
  if (e.kind == E::test) return test(e.text, subject, arguments);
  return filter(e.text, subject, arguments);
}

Value Interpreter::lookup(const std::string& name) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return found->second;
  }
  if (const Value* value = context_.find(name)) return *value;
  if (const Function* function = find_function(name)) return own(Object::Kind::function, *function);
  return {};
}

Arguments Interpreter::arguments_of(const Expression& e) {
  Arguments out;
  for (std::size_t i = 1; i < e.parts.size(); ++i) {
    const Expression& part = *e.parts[i];
    if (part.kind == E::spread) {
      for (Value& one : items_of(evaluate(*part.parts[0]))) out.plain.push_back(std::move(one));
    } else if (part.kind == E::spread_named) {
      const Value members = evaluate(*part.parts[0]);
      charge(members.dict().items.size());
      for (const auto& [key, value] : members.dict().items) out.named.emplace_back(key.string(), value);
    } else {
      out.plain.push_back(evaluate(part));
    }
  }
  for (const auto& [key, value] : e.named) out.named.emplace_back(key, evaluate(*value));
  return out;
}

Value Interpreter::evaluate_call(const Expression& e, const Value* caller) {
  const Expression& callee = *e.parts[0];
  Value self;
  Value function;
  if (callee.kind == E::attribute) {
    self = evaluate(*callee.parts[0]);
    if (is_mutator(self, callee.text)) fail(Error::type, "'" + callee.text + "' would change a value");
    function = attribute(self, callee.text);
  } else {
    function = evaluate(callee);
  }
  if (function.is_undefined()) fail(Error::undefined, "'" + callee.text + "' is undefined");
  Arguments arguments = arguments_of(e);
  if (caller != nullptr) arguments.named.emplace_back("caller", *caller);
  line_ = e.line;
  return call(function, arguments);
}

}  // namespace hearth
