// A conversation as chat templates want it, put together from what the protocols make of one.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// Messages in OpenAI's shape; texts of the same side that follow one another become one message. The engine makes them
// fit the model's template: where it takes systems' messages, for one.
class Turns {
 public:
  void system(const std::string& text);  // nothing where it is empty
  void user(const std::string& text);
  void assistant(const std::string& text);
  void reasoning(const std::string& text);  // of the assistant; nothing where it is empty
  // `arguments` is a JSON object, or what the client made of one.
  void call(const std::string& id, const std::string& name, const std::string& arguments);
  void result(const std::string& id, const std::string& text);

  // Throws ApiError where nothing was said; `path` is the field that should have.
  Json take(const std::string& path);

 private:
  Json& turn(const char* role);
  Json messages_ = Json::array();
  std::map<std::string, std::string> names_;  // of tools, by the ids of their calls
};

// Parsed where it is a JSON object within the limits of bodies, as templates print arguments themselves; else the text.
Json read_arguments(const std::string& arguments);
// The arguments of a call that a model has made; nullopt where the end of the answer has cut them.
std::optional<Json> whole_arguments(const ToolCall& call);

// Tools in OpenAI's shape, and which of them may or must be called.
struct ToolList {
  Json tools = Json::array();
  ToolUse use = ToolUse::automatic;
  std::string name;  // of the one that must be called; empty: any
  bool parallel = true;

  void add(const std::string& tool, const std::string& description, const Json& parameters);
  bool contains(const std::string& tool) const;
  // Drops the others.
  void keep(const std::set<std::string>& names);
};

// Puts tools into a conversation and a request. `path` is the field that chose. Throws ApiError where what must be
// called is not there.
void set_tools(ToolList list, const std::string& path, Json& conversation, Request& request);

// Sets the variables by which templates switch thinking on and off.
void set_thinking(Json& extra, bool wanted);
// The same for how much: "none", "minimal", "low", "medium", "high" and whatever else a template knows.
void set_effort(Json& extra, const std::string& effort);

// The conversation's text, with its variables where there are any.
Conversation finish_conversation(Json conversation, Json extra);

}  // namespace hearth::serve
