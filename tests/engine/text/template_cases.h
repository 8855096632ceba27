// Tables of small templates with what Python's jinja2 renders.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "engine/text/template/template.h"

namespace hearth {

inline constexpr const char* kTemplateContext = R"({
  "messages": [{"role": "user", "content": "Hi there", "n": 2}, {"role": "assistant", "content": "Yo", "n": 1},
               {"role": "User", "content": "Да", "n": 3}],
  "d": {"b": 1, "a": "x", "C": null}, "l": [3, 1, 2], "s": "Hello, World", "none": null,
  "tree": [{"v": 1, "k": [{"v": 2, "k": []}, {"v": 3, "k": [{"v": 4}]}]}, {"v": 5}]})";

inline std::string render_case(const std::string& source) {
  RenderLimits limits;
  limits.now = "2026-01-03T15:04:09";
  return Template::parse(source).render(parse_json(kTemplateContext), limits);
}

struct TemplateCase {
  const char* source;
  const char* expected;
};

inline void expect_renderings(std::initializer_list<TemplateCase> cases) {
  for (const auto& [source, expected] : cases) {
    try {
      EXPECT_EQ(render_case(source), expected) << source;
    } catch (const TemplateError& error) {
      ADD_FAILURE() << source << ": " << error.what();
    }
  }
}

// Each source must fail with an error of this kind that knows its line, the second: a line break is put in front.
inline void expect_failures(TemplateError::Kind kind, std::initializer_list<const char*> sources) {
  for (const char* source : sources) {
    try {
      ADD_FAILURE() << source << " renders " << render_case("\n" + std::string(source));
    } catch (const TemplateError& error) {
      EXPECT_EQ(error.kind(), kind) << source << ": " << error.what();
      EXPECT_EQ(error.line(), 2) << source;
    }
  }
}

}  // namespace hearth
