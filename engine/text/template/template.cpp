// The public face: parse once, render many times.
#include "engine/text/template/template.h"

#include "engine/text/template/interpreter.h"

namespace hearth {

struct Template::Tree {
  Block block;
};

Template::Template() : tree_(std::make_unique<Tree>()) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Template Template::parse(std::string_view source) {
  Template out;
  int line = 0;
  with_template_errors(line, [&] { out.tree_->block = parse_template(source); });
  return out;
}

std::string Template::render(const Value& context, const RenderLimits& limits) const {
  return Interpreter(context, limits).render(tree_->block);
}

}  // namespace hearth
