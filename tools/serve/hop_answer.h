// A remote's streamed chat as the events that our own answers are made of.
#pragma once

#include <string_view>
#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/json.h"

namespace hearth::serve {

// Of the first choice. Events that make no sense are passed over.
class HopAnswer {
 public:
  // Whole server-sent events in.
  std::vector<Event> feed(std::string_view events);
  // A whole answer instead, from a remote that does not stream.
  std::vector<Event> feed_whole(const Json& answer);
  // The last event, with the result. Once nothing follows.
  Event finish();
  bool ended() const { return ended_; }  // the remote has said why it stopped

 private:
  void take_chunk(const Json& chunk, std::vector<Event>& events);
  void take_message(const Json& message, Event& event);
  void take_call(const Json& call, uint32_t place, Event& event);
  void take_usage(const Json& usage);

  Result result_;
  bool ended_ = false;
};

}  // namespace hearth::serve
