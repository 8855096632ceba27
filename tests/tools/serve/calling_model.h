// A tiny model that thinks, says a word and calls a tool, so that tests of protocols can expect exact answers.
#pragma once

#include <filesystem>
#include <string>

namespace hearth {

// What the model says, then a call, which is one token, as constraints leave it to the model; none where empty.
struct SaidAndCalled {
  std::string text, call;
};

// Thinks "Which file?", says "I look." and calls read with {"path": "a.js"}.
extern const SaidAndCalled kReading;

// Every answer of the model is the same. Its chat template knows calls and reasoning.
void write_calling_model(const std::filesystem::path& path, const SaidAndCalled& answer = kReading);

}  // namespace hearth
