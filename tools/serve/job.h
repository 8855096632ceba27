// What a protocol makes of a request's body: requests to an engine, and who words the answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hearth/hearth.h"
#include "tools/serve/api_error.h"

namespace hearth::serve {

// Names an answer.
struct Heading {
  std::string id;
  int64_t created = 0;  // Unix time
  std::string model;
};

struct Usage {
  uint64_t prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
};

// The prompt of a choice that is to be repeated in front of its answer.
struct EchoedPrompt {
  std::string text;
  // The text's first token, which has no probability; none where bos stands in front of it and gives it one.
  std::optional<TokenLogprob> first;
};

// Words the answers of all choices of one request in a protocol. Used by one thread at a time. A stream is a beginning,
// a series of pieces and an end, or a failure at any point; the other kind is one whole.
class Reply {
 public:
  Reply(Heading heading, uint32_t choices_per_prompt);
  virtual ~Reply() = default;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  // Of a stream.
  virtual const char* content_type() const { return "text/event-stream"; }
  // Before the choice's first event, where Job::echo.
  virtual void on_prompt(uint32_t, EchoedPrompt) {}
  // A stream's beginning, once all choices are under way; prompt_tokens is 0 unless Job::count_prompt.
  virtual std::string begin(uint64_t prompt_tokens);
  // What a client is told that has heard nothing for a while, also in front of the beginning.
  virtual std::string silence();
  // Server-sent events, or lines, that tell of an event, which has no error; several, one or none.
  virtual std::string piece(uint32_t choice, const Event& event) = 0;
  virtual std::string end() = 0;
  virtual std::string failure(const ApiError& error) = 0;
  // The body of an answer that is not streamed, from the results of all choices.
  virtual Json whole(const std::vector<Result>& results) = 0;

  // The field of the request that holds the prompt.
  virtual const char* prompt_field() const = 0;
  const Usage& usage() const { return usage_; }

 protected:
  void count(uint32_t choice, const Result& result);
  const Heading& heading() const { return heading_; }
  Json heading_json(const char* object) const;
  Json usage_json() const;

 private:
  Heading heading_;
  uint32_t choices_per_prompt_;
  Usage usage_;
};

struct Job {
  std::string model;
  bool stream = false;
  std::vector<Request> requests;  // one for each choice, in the order of their indices
  std::string constraint_field;   // the field that told their constraint
  bool echo = false;
  std::optional<std::chrono::seconds> keep_alive;  // the model's from now on; negative: for ever
  // From its first text on: an answer that takes longer ends, once it has a line end. 0: no limit.
  std::chrono::milliseconds most_time{0};
  bool count_prompt = false;  // the stream's beginning tells the prompt's tokens
  // Changes the job as only the model can tell, before it is checked; in a worker's thread.
  std::function<void(const Engine&, Job&)> prepare;
  std::unique_ptr<Reply> reply;
  std::vector<std::string> ignored;   // fields that were not understood
  std::vector<std::string> warnings;  // what the client should know
};

// What is wrong with an answer that has Result::malformed_call.
inline constexpr const char* kMalformedCall = "a call of a tool could not be read; it is part of the text";

// Why an answer ended, in OpenAI's words.
const char* finish_reason(const Result& result);

// Whether the answer ended with calls that the client should answer.
bool ends_with_calls(const Result& result);

// Lets the requests that say nothing of adapters use this one, if any.
void use_adapter(Job& job, const std::optional<AdapterUse>& adapter);

// Throws ApiError for what only the model can tell: an adapter, or a bias of a token that it has not, a gap that it
// cannot fill.
void check_against(const Job& job, const ModelInfo& model);

}  // namespace hearth::serve
