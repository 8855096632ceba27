// What is sent to a remote provider, and in whose words its answer goes on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/audit/record.h"
#include "tools/serve/job.h"
#include "tools/serve/json.h"

namespace hearth::serve {

struct Plan;

// An answer that goes on in a stream which has begun.
struct Switch {
  bool told = false;  // the stream holds a beginning, and words that the mark ends
  std::string mark;
};

// What is sent.
struct Leaving {
  // In whose words the answer comes, and how it goes on: as it is, or as those of an OpenAI chat.
  enum class Words { chat, messages, messages_as_chat };

  Json body;
  std::string path;  // behind the remote's base URL: "/chat/completions"
  // Who words the answer, where the client speaks another protocol; null: it is handed on.
  Job* wording = nullptr;
  Words words = Words::chat;
  bool usage_wanted = true;  // a stream's end tells how many tokens there were
  Switch switched = {};
  // Where somebody wants to know: called with the whole answer's text, in another thread.
  std::function<void(const Plan&, std::string text, const audit::Outcome&)> on_answer = {};
  std::vector<std::string> ignored = {};  // fields of the request that the remote has no words for
};

}  // namespace hearth::serve
