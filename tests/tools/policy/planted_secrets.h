// Texts with secrets in them, made up anew: code, prompts and results of tools; and texts without.
#pragma once

#include <string>
#include <vector>

namespace hearth::redact {

struct Planted {
  std::string kind;    // "github-token"
  std::string secret;  // what must not leave
  std::string text;    // where it stands
};

inline constexpr size_t kPlanted = 200;
std::vector<Planted> planted_secrets();

// Code, configuration, logs and prose that hold no secret though much in them looks like one.
std::vector<std::string> clean_texts();

}  // namespace hearth::redact
