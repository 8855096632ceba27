// Tokens to the syntax tree: blocks and statements.
#include "engine/text/template/expression_parser.h"

namespace hearth {
namespace {

using S = Statement::Kind;

class Parser : ExpressionParser {
 public:
  explicit Parser(std::string_view source) : ExpressionParser(source) {}
  Block run() { return block({}); }

 private:
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
      if (word("recursive")) fail("recursive loops are not supported");
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
      const Extra outer = std::exchange(extra_, {});
      body_until(out, tag == "macro" ? "endmacro" : "endcall");
      out.takes_varargs = extra_.varargs, out.takes_kwargs = extra_.kwargs;
      extra_ = outer;
      loops_ = loops;
    } else if (tag == "filter") {
      out.kind = S::filter_block;
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
};

}  // namespace

Block parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace hearth
