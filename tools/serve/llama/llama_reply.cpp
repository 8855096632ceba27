// Text with figures.
#include "tools/serve/llama/llama_reply.h"

namespace hearth::serve {
namespace {

const char* stop_type(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "word";
    case FinishReason::max_tokens:
    case FinishReason::context_full:
      return "limit";
    default:
      return "eos";
  }
}

// Figures of one part of the work, which has computed `tokens`.
void add_timings(Json& timings, const std::string& part, uint64_t tokens, double seconds) {
  timings[part + "_n"] = tokens;
  timings[part + "_ms"] = seconds * 1e3;
  timings[part + "_per_token_ms"] = tokens == 0 ? 0 : seconds * 1e3 / static_cast<double>(tokens);
  timings[part + "_per_second"] = seconds > 0 ? static_cast<double>(tokens) / seconds : 0;
}

// The value at a path as "timings/prompt_n", null where there is none.
const Json* value_at(const Json& json, const std::string& path) {
  const Json* at = &json;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!at->is_object()) return nullptr;
    const auto found = at->find(path.substr(begin, end - begin));
    if (found == at->end()) return nullptr;
    at = &*found;
    begin = end + 1;
  }
  return at;
}

class LlamaReply : public Reply {
 public:
  LlamaReply(Heading heading, std::vector<std::string> paths, const char* prompt_field)
      : Reply(std::move(heading), 1), paths_(std::move(paths)), prompt_field_(prompt_field) {}

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text;
    new_line_ |= event.text.find('\n') != event.text.npos;
    if (!event.text.empty()) text += to_event(piece_json(event.text, false));
    if (event.result) {
      count(choice, *event.result);
      Json last = piece_json("", true);
      last.update(figures(*event.result));
      text += to_event(last);
    }
    return text;
  }

  std::string end() override { return ""; }
  std::string failure(const ApiError& error) override { return to_event(llama_error_json(error)); }
  const char* prompt_field() const override { return prompt_field_; }

  Json whole(const std::vector<Result>& results) override {
    const Result& result = results.front();
    count(0, result);
    new_line_ = result.text.find('\n') != result.text.npos;
    Json body = piece_json(result.text, true);
    body.update(figures(result));
    if (paths_.empty()) return body;
    Json chosen = Json::object();
    for (const std::string& path : paths_)
      if (const Json* value = value_at(body, path)) chosen[path] = *value;
    return chosen;
  }

 private:
  static Json piece_json(const std::string& text, bool last) {
    return {{"index", 0}, {"content", text}, {"tokens", Json::array()}, {"stop", last}, {"id_slot", -1}};
  }

  Json figures(const Result& result) const {
    Json timings = {{"cache_n", result.cached_tokens}};
    add_timings(timings, "prompt", result.prompt_tokens - std::min(result.prompt_tokens, result.cached_tokens),
                result.prompt_seconds);
    add_timings(timings, "predicted", result.generated_tokens, result.generate_seconds);
    return {{"model", heading().model},
            {"tokens_predicted", result.generated_tokens},
            {"tokens_evaluated", result.prompt_tokens},
            {"has_new_line", new_line_},
            {"truncated", false},
            {"stop_type", stop_type(result.reason)},
            {"stopping_word", result.stop},
            {"tokens_cached", result.prompt_tokens + result.generated_tokens},
            {"timings", std::move(timings)}};
  }

  std::vector<std::string> paths_;
  const char* prompt_field_;
  bool new_line_ = false;
};

}  // namespace

std::unique_ptr<Reply> make_llama_reply(Heading heading, std::vector<std::string> paths, const char* prompt_field) {
  return std::make_unique<LlamaReply>(std::move(heading), std::move(paths), prompt_field);
}

Json llama_error_json(const ApiError& error) {
  Json body = {{"code", error.status}, {"message", error.what()}, {"type", error.type}};
  if (error.context > 0) {
    body["type"] = "exceed_context_size_error";
    body["n_prompt_tokens"] = error.prompt_tokens;
    body["n_ctx"] = error.context;
  }
  return {{"error", std::move(body)}};
}

}  // namespace hearth::serve
