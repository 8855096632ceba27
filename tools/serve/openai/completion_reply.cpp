// text_completion, streamed and whole.
#include "tools/serve/openai/completion_reply.h"

#include "tools/serve/openai/logprobs_json.h"

namespace hearth::serve {
namespace {

class CompletionReply : public Reply {
 public:
  CompletionReply(Heading heading, uint32_t choices, uint32_t choices_per_prompt, CompletionReplyOptions options)
      : Reply(std::move(heading), choices_per_prompt), options_(options), prompts_(choices), offsets_(choices) {}

  void on_prompt(uint32_t choice, EchoedPrompt prompt) override { prompts_[choice] = std::move(prompt); }

  std::string piece(uint32_t choice, const Event& event) override {
    std::string text;
    if (prompts_[choice]) {
      text += chunk(choice, prompts_[choice]->text, Json(), nullptr);
      prompts_[choice].reset();
    }
    if (!event.text.empty() || !event.logprobs.empty())
      text += chunk(choice, event.text,
                    options_.logprobs ? completion_logprobs(event.logprobs, offsets_[choice]) : Json(), nullptr);
    if (event.result) {
      count(choice, *event.result);
      text += chunk(choice, "", Json(), finish_reason(*event.result));
    }
    return text;
  }

  std::string end() override {
    std::string text;
    if (options_.include_usage) {
      Json last = heading_json("text_completion");
      last["choices"] = Json::array();
      last["usage"] = usage_json();
      text = to_event(last);
    }
    return text + "data: [DONE]\n\n";
  }

  const char* prompt_field() const override { return "prompt"; }
  std::string failure(const ApiError& error) override { return to_event(error_json(error)); }

  Json whole(const std::vector<Result>& results) override {
    Json body = heading_json("text_completion");
    body["choices"] = Json::array();
    for (uint32_t i = 0; i < results.size(); ++i) {
      count(i, results[i]);
      body["choices"].push_back(choice_json(i, (prompts_[i] ? prompts_[i]->text : "") + results[i].text,
                                            options_.logprobs ? all_logprobs(i, results[i]) : Json(),
                                            finish_reason(results[i])));
    }
    body["usage"] = usage_json();
    return body;
  }

 private:
  static Json choice_json(uint32_t choice, std::string text, Json logprobs, const char* finish) {
    return {{"text", std::move(text)},
            {"index", choice},
            {"logprobs", std::move(logprobs)},
            {"finish_reason", finish == nullptr ? Json() : Json(finish)}};
  }

  std::string chunk(uint32_t choice, std::string text, Json logprobs, const char* finish) const {
    Json body = heading_json("text_completion");
    body["choices"] = Json::array({choice_json(choice, std::move(text), std::move(logprobs), finish)});
    if (options_.include_usage) body["usage"] = nullptr;
    return to_event(body);
  }

  // Of the prompt's tokens, where it is repeated, and of the answer's.
  Json all_logprobs(uint32_t choice, const Result& result) {
    std::vector<TokenLogprob> tokens;
    if (prompts_[choice]) {
      if (prompts_[choice]->first) tokens.push_back(*prompts_[choice]->first);
      tokens.insert(tokens.end(), result.prompt_logprobs.begin(), result.prompt_logprobs.end());
    }
    tokens.insert(tokens.end(), result.logprobs.begin(), result.logprobs.end());
    return completion_logprobs(tokens, offsets_[choice], prompts_[choice] && prompts_[choice]->first);
  }

  CompletionReplyOptions options_;
  std::vector<std::optional<EchoedPrompt>> prompts_;  // of each choice, until told
  std::vector<size_t> offsets_;                       // characters told of each choice
};

}  // namespace

std::unique_ptr<Reply> make_completion_reply(Heading heading, uint32_t choices, uint32_t choices_per_prompt,
                                             CompletionReplyOptions options) {
  return std::make_unique<CompletionReply>(std::move(heading), choices, choices_per_prompt, options);
}

}  // namespace hearth::serve
