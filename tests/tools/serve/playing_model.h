// A tiny model that plays a session with tools by a script, so that whole clients can be tried against a real engine.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hearth {

struct PlayScript {
  // What the model says when the conversation has 0, 1, ... results of tools; with more, the last again.
  std::vector<std::string> turns;
  std::string without_tools;  // and where it is offered none, as for the title of a session
};

// From {"turns": [{"thinks": TEXT, "says": TEXT, "calls": {"name": NAME, "arguments": {...}}}, ...],
// "without_tools": TEXT}, all members of a turn optional. Throws std::runtime_error or TemplateError where it is wrong.
PlayScript read_script(std::string_view json);

// Writes a GGUF file of a byte-level vocabulary without merges: each byte of an answer is drawn for itself, from those
// in front of it, so that an engine may mask it or append what must follow. Its chat template counts the results of
// tools and tells the names of tools alone, for the sake of short prompts; it knows contexts up to 65536 tokens.
// Throws std::runtime_error for a script that such a model cannot tell apart, or of more than 10 turns.
void write_playing_model(const std::filesystem::path& path, const PlayScript& script);

}  // namespace hearth
