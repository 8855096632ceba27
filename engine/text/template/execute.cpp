// Execution of statements: output, scopes, loops.
#include "engine/text/template/interpreter.h"

namespace hearth {
using S = Statement::Kind;

std::string Interpreter::render(const Block& block) {
  std::string out;
  out_ = &out;
  with_template_errors(line_, [&] { run(block); });
  return out;
}

void Interpreter::emit(std::string_view made) {
  charge(1 + made.size() / 16);
  if (made.size() > limits_.max_output_bytes - out_->size()) fail(Error::budget, "the output is too long");
  *out_ += made;
}

// Runs a block in the current scope with its output going to `made`.
Interpreter::Flow Interpreter::run_captured(const Block& block, std::string& made) {
  std::string* const outer = std::exchange(out_, &made);
  const Flow flow = run(block);
  out_ = outer;
  return flow;
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
      emit(str(evaluate(*s.value)));
      break;
    case S::set:
      assign(*s.target, evaluate(*s.value));
      break;
    case S::set_block:
    case S::filter_block:
      return capture_block(s);
    case S::branch:
      return branch(s);
    case S::loop:
      return loop(s, scope_, evaluate(*s.value), 0);
    case S::macro:
      scope_->names[s.text] = own(Object::Kind::macro, Macro{&s, scope_});
      break;
    case S::call_block: {
      const Value caller = own(Object::Kind::macro, Macro{&s, scope_});
      emit(str(evaluate_call(*s.value, &caller)));
      break;
    }
    case S::with:
      return with(s);
    case S::generation: {
      const Entered entered(*this, nested(scope_));
      return run(s.body);
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

Interpreter::Flow Interpreter::branch(const Statement& s) {
  for (const StatementPtr& arm : s.body) {
    if (evaluate(*arm->condition).truthy()) return run(arm->body);
  }
  return run(s.otherwise);
}

Interpreter::Flow Interpreter::with(const Statement& s) {
  std::vector<Value> values;
  for (const auto& binding : s.bindings) values.push_back(evaluate(*binding.second));
  const Entered entered(*this, nested(scope_));
  for (std::size_t i = 0; i < values.size(); ++i) assign(*s.bindings[i].first, values[i]);
  return run(s.body);
}

// {% set x %} and {% filter x %}: the filters see what the block has set. The text stands for the empty name.
Interpreter::Flow Interpreter::capture_block(const Statement& s) {
  Value made;
  {
    const Entered entered(*this, nested(scope_));
    std::string body;
    const Flow flow = run_captured(s.body, body);
    if (flow != Flow::normal) return flow;
    scope_->names[""] = text(std::move(body));
    made = evaluate(*s.value);
  }
  if (s.kind == S::set_block)
    assign(*s.target, made);
  else
    emit(str(made));
  return Flow::normal;
}

std::vector<Value> Interpreter::loop_items(const Statement& s, const ScopePtr& outer, const Value& subject) {
  std::vector<Value> items = items_of(subject);
  if (!s.condition) return items;
  std::vector<Value> kept;
  for (Value& one : items) {
    const Entered entered(*this, nested(outer));
    assign(*s.target, one);
    if (evaluate(*s.condition).truthy()) kept.push_back(std::move(one));
  }
  return kept;
}

Interpreter::Flow Interpreter::loop(const Statement& s, const ScopePtr& outer, const Value& subject, int depth) {
  std::vector<Value> items = loop_items(s, outer, subject);
  if (items.empty()) {
    const Entered entered(*this, nested(outer));
    return run(s.otherwise);
  }
  const std::size_t size = items.size();
  const Object object = own(Object::Kind::loop, Loop{&s, outer, std::move(items), 0, depth, {}});
  for (std::size_t i = 0; i < size; ++i) {
    Loop& state = thing<Loop>(object);
    state.index = i;
    const Entered entered(*this, nested(outer));
    assign(*s.target, state.items[i]);
    scope_->names["loop"] = object;
    if (run(s.body) == Flow::stop) break;
  }
  thing<Loop>(object).items.clear();
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
    thing<Space>(space.object()).members[target.text] = value;
  } else {
    const std::vector<Value> items = items_of(value);
    if (items.size() != target.parts.size()) fail(Error::type, "a wrong number of values to unpack");
    for (std::size_t i = 0; i < items.size(); ++i) assign(*target.parts[i], items[i]);
  }
}

}  // namespace hearth
