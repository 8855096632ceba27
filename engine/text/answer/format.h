// How a model writes its answers down, as far as its chat template tells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/answer/words.h"

namespace hearth {

// section_open (call_open BODY call_close)... section_close, with white space or commas between. All of it may be
// absent but the body.
struct CallFormat {
  enum class Body : uint8_t {
    object,      // one JSON object with a name and arguments
    named,       // NAME name_end ARGUMENTS, the latter one JSON object
    parameters,  // NAME name_end (parameter_open KEY key_end VALUE parameter_close)...
    python,      // NAME(KEY=VALUE, ...)
  };
  Body body = Body::object;
  Words section_open, call_open, call_close, section_close;
  std::string name_key = "name", arguments_key = "arguments";  // of an object
  bool name_is_key = false;                                    // the object is {NAME: ARGUMENTS}
  std::string name_prefix;                                     // stands before NAME, or does not
  Words name_end, parameter_open, parameter_close;
  Words key_end, plain_key_end;  // before a string, and before another value
  bool own_lines = false;        // values stand between line ends of their own

  // The same as the template writes it, white space included, for calls that a model is made to write.
  struct Written {
    std::string open;  // in front of the first body
    std::string name_end, parameter_open, key_end, plain_key_end, parameter_close, call_close;
  } written;

  // Nothing announces a call: an answer that begins with a body is one.
  bool bare() const { return section_open.empty() && call_open.empty(); }
};

// What a model thinks stands between two markers.
struct ReasoningFormat {
  std::string open, close;
};

// What a template wants of a conversation in OpenAI's form.
struct TemplateHabits {
  bool arguments_as_text = false;    // of calls, else an object
  bool one_call_a_message = false;   // it shows the first only, or refuses more
  bool short_ids = false;            // ids have nine letters or digits
  bool function_ids = false;         // ids are functions.NAME:INDEX, and stand for the name
  bool no_system = false;            // it refuses or drops system messages
  bool no_later_system = false;      // likewise, behind the first message
  bool alternating = false;          // it refuses two messages of one role in a row
  bool no_tool_messages = false;     // it refuses or drops results of tools
  bool drops_calls = false;          // of earlier messages
  bool wants_descriptions = false;   // of every tool and parameter
  bool wants_parts = false;          // content as a list of parts
  bool takes_parts = false;          // of users, beside text
  bool no_thought_and_text = false;  // it refuses both in a message that calls
  bool wants_tools = false;          // a list, be it empty
  std::string reasoning_key;         // of messages; empty: it shows no reasoning
};

struct AnswerFormat {
  std::vector<CallFormat> calls;
  std::vector<ReasoningFormat> reasoning;
  // An answer is messages with headers: <|channel|>NAME to=functions.TOOL<|message|>TEXT<|end|>.
  bool channels = false;
  // The template itself shows them; else they are what is usual.
  bool shows_calls = false, shows_reasoning = false;
  TemplateHabits habits;

  bool has_calls() const { return channels || !calls.empty(); }
  bool tells_reasoning() const { return channels || shows_reasoning; }
  // Whether the text of a special token belongs to a marker.
  bool is_marker(std::string_view token) const;
};

}  // namespace hearth
