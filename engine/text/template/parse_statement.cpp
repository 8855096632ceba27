// Tags: blocks, assignments, branches, loops, macros.
#include "engine/text/template/error.h"
#include "engine/text/template/parser.h"

namespace hearth {

using E = Expression::Kind;
using S = Statement::Kind;

Block parse_template(std::string_view source) { return TemplateParser(source).parse(); }

void TemplateParser::fail_at(int line, const std::string& what) {
  throw TemplateError(TemplateError::Kind::syntax, what, line);
}
void TemplateParser::expect(std::string_view text, Kind kind) {
  if (!accept(text, kind)) fail("expected '" + std::string(text) + "'");
}
std::string TemplateParser::name() {
  if (now().kind != Kind::name) fail("expected a name");
  return tokens_[at_++].text;
}
void TemplateParser::close() {
  if (now().kind != Kind::block_end) fail("expected '%}'");
  ++at_;
}

Block TemplateParser::block(std::initializer_list<std::string_view> ends) {
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
      if (now().kind != Kind::print_end) fail("expected '}}'");
      ++at_;
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

// Leaves the parser behind the end tag.
void TemplateParser::body_until(Statement& out, std::string_view end) {
  close();
  out.body = block({end});
  ++at_;
  close();
}

// A body that is called like a function: a loop around it cannot be left from inside.
void TemplateParser::function_body_until(Statement& out, std::string_view end) {
  const int loops = std::exchange(loops_, 0);
  functions_.push_back(&out);
  body_until(out, end);
  functions_.pop_back();
  loops_ = loops;
}

void TemplateParser::statement(Statement& out) {
  const int line = now().line;
  const std::string tag = name();
  if (tag == "set") return set(out);
  if (tag == "if") return branch(out);
  if (tag == "for") return loop(out);
  if (tag == "macro") return macro(out);
  if (tag == "call") return call_block(out);
  if (tag == "with") return with(out);
  if (tag == "break") return jump(out, S::break_loop);
  if (tag == "continue") return jump(out, S::continue_loop);
  if (tag == "filter") {
    out.kind = S::filter_block;
    out.value = filters(filter(make(E::name)));
    return body_until(out, "endfilter");
  }
  if (tag == "generation") {
    out.kind = S::generation;
    return function_body_until(out, "endgeneration");
  }
  fail_at(line, "unknown tag '" + tag + "'");
}

void TemplateParser::set(Statement& out) {
  out.target = target(true);
  if (accept("=")) {
    out.kind = S::set, out.value = tuple(true);
    return close();
  }
  out.kind = S::set_block;
  out.value = filters(make(E::name));
  body_until(out, "endset");
}

// An elif chain is a flat list of branches: body of `otherwise` statements, not nested ones.
void TemplateParser::branch(Statement& out) {
  out.kind = S::branch;
  do {
    auto arm = std::make_unique<Statement>();
    arm->kind = S::group, arm->line = now().line, arm->condition = tuple(true);
    close();
    arm->body = block({"elif", "else", "endif"});
    out.body.push_back(std::move(arm));
  } while (accept_word("elif"));
  if (accept_word("else")) close(), out.otherwise = block({"endif"});
  ++at_;
  close();
}

void TemplateParser::loop(Statement& out) {
  out.kind = S::loop, out.target = target(false);
  expect("in", Kind::name);
  out.value = tuple(false);
  if (accept_word("if")) out.condition = expression();
  out.recursive = accept_word("recursive");
  ++loops_;
  close();
  out.body = block({"else", "endfor"});
  --loops_;
  if (accept_word("else")) close(), out.otherwise = block({"endfor"});
  ++at_;
  close();
}

void TemplateParser::macro(Statement& out) {
  out.kind = S::macro, out.text = name();
  parameters(out);
  function_body_until(out, "endmacro");
}

void TemplateParser::call_block(Statement& out) {
  out.kind = S::call_block, out.text = "caller";
  if (is("(")) parameters(out);
  out.value = unary();
  if (out.value->kind != E::call) fail("expected a call");
  function_body_until(out, "endcall");
}

void TemplateParser::with(Statement& out) {
  out.kind = S::with;
  while (now().kind != Kind::block_end) {
    if (!out.bindings.empty()) expect(",");
    auto one = target(false);
    expect("=");
    out.bindings.emplace_back(std::move(one), expression());
  }
  body_until(out, "endwith");
}

void TemplateParser::jump(Statement& out, S kind) {
  if (loops_ == 0) fail("a jump out of a loop, outside of a loop");
  out.kind = kind;
  close();
}

void TemplateParser::parameters(Statement& out) {
  expect("(");
  while (!accept(")")) {
    if (!out.names.empty()) expect(",");
    if (accept(")")) break;
    out.names.push_back(name());
    if (accept("="))
      out.defaults.push_back(expression());
    else if (!out.defaults.empty())
      fail("a parameter without a default after one with");
  }
}

ExpressionPtr TemplateParser::target(bool attributes) {
  const Nest nest(*this);
  const auto one = [&]() -> ExpressionPtr {
    if (accept("(")) {
      auto inner = target(attributes);
      expect(")");
      return inner;
    }
    auto out = make(E::name, name());
    if (!attributes || !accept(".")) return out;
    const std::string attribute = name();
    return make(E::attribute, attribute, std::move(out));
  };
  auto first = one();
  if (!is(",")) return first;
  auto out = make(E::tuple, "", std::move(first));
  while (accept(",")) {
    if (is("=") || word("in")) break;
    add(*out, one());
  }
  return out;
}

}  // namespace hearth
