// The answers of POST /v1/responses.
#pragma once

#include <functional>

#include "tools/serve/job.h"
#include "tools/serve/responses/tool_map.h"

namespace hearth::serve {

struct ResponsesReplyOptions {
  ToolMap tools;
  Json repeated = Json::object();                  // fields of the request that a response repeats
  std::function<void(const Json& response)> keep;  // gets the whole response at its end; may be empty
};

std::unique_ptr<Reply> make_responses_reply(Heading heading, ResponsesReplyOptions options);

}  // namespace hearth::serve
