// Puts secrets back into the answers of a provider, whole ones and streams.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/redact/text_restorer.h"

namespace hearth::redact {

using Json = nlohmann::ordered_json;

// Into all strings of a whole answer.
void restore(Json& answer, const Secrets& secrets);

// Into a stream of server-sent events of OpenAI's chats and completions, or of Anthropic's messages. A placeholder may
// be split over events; what was held back and became none is told in an event of its own, in front of the one that
// ends its text.
class StreamRestorer {
 public:
  // `secrets` must outlive this.
  explicit StreamRestorer(const Secrets& secrets) : secrets_(secrets) {}

  // Whole events in, whole events out.
  std::string feed(std::string_view events);
  // Once nothing follows.
  std::string finish();

 private:
  struct Text {
    TextRestorer restorer;
    Json event;                // one that tells of this text alone
    Json::json_pointer place;  // of the text in it
  };

  std::string one_event(std::string_view event);
  std::string restored(Json event);
  std::string to_line(const Json& event) const;
  // Makes an event that tells of one value alone, at the place of another.
  using Alone = std::function<Json(Json)>;
  void feed_text(const std::string& key, Notation notation, Json& text, const Alone& alone,
                 const Json::json_pointer& place);
  // All strings in it. `key` names it among all of the stream.
  void feed_inside(Json& value, const std::string& key, const Alone& alone, const Json::json_pointer& place);
  std::string feed_block(Json event);
  std::string finish_texts(const std::string& key_begin);

  const Secrets& secrets_;
  std::map<std::string, Text> texts_;  // by choice and place: "0/delta/content"
  bool ends_ = false;                  // the choice that is being read has its end in this event
  bool named_ = false;                 // events have names, by their types
};

}  // namespace hearth::redact
