// Chat templates: our own subset of Jinja, rendered as Python's jinja2 renders them for transformers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/text/template/error.h"
#include "engine/text/template/json.h"
#include "engine/text/template/value.h"

namespace hearth {

// What one rendering may use. `max_steps` counts evaluated nodes, made items, and made bytes by sixteens.
struct RenderLimits {
  std::uint64_t max_steps = 10'000'000;
  int max_depth = 300;
  std::size_t max_output_bytes = std::size_t{64} << 20;
  std::string now;  // local time as 2026-11-23T12:34:56 for strftime_now; empty: the clock
};

struct Statement;

// A parsed template; immutable, so any number of threads may render it at once.
class Template {
 public:
  // Throws TemplateError (syntax), with the line, also for constructs outside the subset.
  static Template parse(std::string_view source);
  // `context` is a dict of the variables. Throws TemplateError.
  std::string render(const Value& context, const RenderLimits& limits = {}) const;

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

 private:
  Template();
  struct Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace hearth
