// libFuzzer target: in every protocol any body is a request or a refusal, and any answer to it can be worded.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tools/serve/anthropic/messages_reply.h"
#include "tools/serve/anthropic/messages_request.h"
#include "tools/serve/llama/llama_reply.h"
#include "tools/serve/llama/llama_request.h"
#include "tools/serve/ollama/ollama_reply.h"
#include "tools/serve/ollama/ollama_request.h"
#include "tools/serve/openai/fim_request.h"
#include "tools/serve/responses/responses_request.h"
#include "tools/serve/zstd.h"

namespace {

using hearth::serve::ApiError;
using hearth::serve::Job;
using hearth::serve::Json;
using hearth::serve::to_text;

void demand(bool holds) {
  if (!holds) __builtin_trap();
}

// An answer with everything in it. Its calls are of a tool that the request may have, with arguments that are no JSON.
hearth::Event everything(const std::string& tool) {
  hearth::Event event;
  event.reasoning = "r\xff";
  event.text = "a\xff";
  event.calls = {{0, "c\xff", tool, "{"}, {0, "", "", "\"input\":\xff"}, {1, "d", "f", ""}};
  hearth::Result& result = event.result.emplace();
  result.reasoning = event.reasoning;
  result.text = event.text;
  result.calls = {{"c\xff", tool, "{\"input\":\xff"}, {"d", "f", R"({"input":7,"command":[1]})"}};
  result.malformed_call = true;
  result.stop = "\xff";
  result.cached_tokens = 5;  // more than the prompt has
  return event;
}

// The first tool that the request offers.
std::string a_tool(const Job& job) {
  const auto* conversation = std::get_if<hearth::Conversation>(&job.requests.front().prompt);
  if (conversation == nullptr) return "f";
  const Json parsed = Json::parse(conversation->json);
  demand(!parsed["messages"].empty());
  return parsed.contains("tools") ? parsed["tools"][0]["function"]["name"].get<std::string>() : "f";
}

void tell(Job& job) {
  demand(job.reply != nullptr && job.requests.size() <= 1);
  const std::string before = job.reply->silence() + job.reply->begin(3);
  std::vector<hearth::Result> results;
  if (!job.requests.empty()) {
    const hearth::Event event = everything(a_tool(job));
    demand(!job.reply->piece(0, event).empty());
    results.push_back(*event.result);
  }
  const std::string end = job.reply->end();
  demand(before.empty() || before.ends_with('\n'));
  demand(end.empty() || end.ends_with('\n'));
}

template <class Read>
void try_protocol(std::string_view body, Read read, Json (*word)(const ApiError&)) {
  // Two jobs: an answer is streamed or whole, never both.
  for (const bool stream : {true, false}) try {
      Job job = read(hearth::serve::parse_object(body), hearth::serve::Heading{"id_1", 0, "m"});
      if (stream) {
        tell(job);
        demand(!job.reply->failure(hearth::serve::busy("x")).empty());
      } else {
        std::vector<hearth::Result> results;
        if (!job.requests.empty()) results.push_back(*everything(a_tool(job)).result);
        demand(!to_text(job.reply->whole(results)).empty());
      }
    } catch (const ApiError& error) {
      demand(error.status == 400);
      demand(!to_text(word(error)).empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hearth::serve;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  try_protocol(body, read_messages_request, anthropic_error_json);
  try_protocol(body, read_ollama_chat, ollama_error_json);
  try_protocol(body, read_ollama_generate, ollama_error_json);
  try_protocol(body, read_infill_request, llama_error_json);
  try_protocol(body, read_llama_completion, llama_error_json);
  try_protocol(body, read_fim_request, error_json);
  ResponseStore store(2, 1 << 16);
  const auto read = [&](const Json& json, Heading heading) {
    return read_responses_request(json, std::move(heading), store);
  };
  try_protocol(body, read, error_json);
  // Once more: what the body refers to is there now.
  try_protocol(body, read, error_json);
  try {
    demand(decompress_zstd(body, 1 << 16).size() <= 1 << 16);
  } catch (const ApiError& error) {
    demand(error.status == 400 || error.status == 413);
  }
  return 0;
}
