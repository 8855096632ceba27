// What a provider of Anthropic's API answers, in the words of OpenAI's chats.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "tools/serve/json.h"

namespace hearth::serve {

// Of one answer: a stream, or a whole one. Reasoning is told as "reasoning_content", and with its signature, so that it
// can be given back, in "thinking_blocks".
class MessagesAsChat {
 public:
  // `usage_wanted`: the stream's end tells how many tokens there were.
  explicit MessagesAsChat(bool usage_wanted) : usage_wanted_(usage_wanted) {}

  // Whole server-sent events in, and out. Events that make no sense are passed over.
  std::string feed(std::string_view events);
  // A chat.completion, or an error's body.
  static Json whole(const Json& message);

 private:
  std::string one_event(const Json& event);
  std::string begin_block(const Json& block, int64_t index);
  std::string feed_delta(const Json& delta, int64_t index);
  std::string end_block(int64_t index);
  std::string chunk(Json delta, const Json& finish = nullptr) const;
  std::string end() const;

  bool usage_wanted_;
  std::string id_, model_;
  Json usage_ = Json::object();
  Json finish_;
  uint32_t calls_ = 0;
  std::map<int64_t, uint32_t> call_of_;  // calls by their blocks
  std::map<int64_t, Json> thinking_;     // blocks that are open
};

}  // namespace hearth::serve
