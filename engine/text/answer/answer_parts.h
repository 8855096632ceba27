// What an answer's text is split into, as it comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/include/hearth/hearth.h"
#include "engine/text/answer/format.h"

namespace hearth {

// What one more piece of text has made certain.
struct AnswerPiece {
  std::string text, reasoning;
  std::vector<ToolCallPiece> calls;
  bool empty() const { return text.empty() && reasoning.empty() && calls.empty(); }
};

// A call that has a name, but no end yet.
struct CallUnderWay {
  uint32_t index = 0;
  std::string_view name;
  const CallFormat* format = nullptr;  // null: a message of a channel, which is its arguments alone
  // What the model wrote behind the name so far; its arguments are still to come or begin in here. Null where nothing
  // can be said of them: they stood in front of the name.
  std::optional<std::string_view> behind_name;
};

// Gathers the parts, in pieces and whole.
class AnswerParts {
 public:
  // `id_seed`: ids of calls are drawn from it; two answers of one conversation must not share it.
  explicit AnswerParts(uint64_t id_seed) : id_state_(id_seed) {}

  void add_text(std::string_view text) { piece_.text += text; }
  void add_reasoning(std::string_view text) { piece_.reasoning += text; }
  // The call under way, as far as it is known: told once it has a name. `arguments` only grows.
  void add_call(std::string_view name, std::string_view arguments);
  void end_call();
  // The call under way is none.
  void drop_call() { told_.reset(); }
  void mark_malformed() { malformed_ = true; }

  AnswerPiece take() { return std::exchange(piece_, {}); }
  // Its name and index alone.
  std::optional<CallUnderWay> under_way() const {
    if (!told_) return std::nullopt;
    return CallUnderWay{.index = begun_ - 1, .name = told_->name, .format = nullptr, .behind_name = {}};
  }
  bool malformed() const { return malformed_; }
  const std::vector<ToolCall>& calls() const { return calls_; }

 private:
  std::string next_id();

  uint64_t id_state_;
  AnswerPiece piece_;
  std::vector<ToolCall> calls_;
  std::optional<ToolCall> told_;  // the call under way, as it was told
  uint32_t begun_ = 0;            // calls
  bool malformed_ = false;
};

// Splits an answer. Text goes in as it comes; whatever becomes certain comes out. Nothing is lost but markers and the
// white space around them: a call that cannot be read comes out as text.
class AnswerReader {
 public:
  explicit AnswerReader(uint64_t id_seed) : parts_(id_seed) {}
  virtual ~AnswerReader() = default;

  AnswerPiece push(std::string_view text);
  // The rest, when no more text comes. `cut`: the model would have said more, so that a call under way is no mistake
  // and stays as far as it was told.
  AnswerPiece finish(bool cut = false);
  // The answer is complete: what would follow is not part of it.
  bool finished() const { return finished_; }
  // Whether what comes next is reasoning, as far as is known.
  virtual bool thinks() const = 0;

  // Views are good until the next push.
  virtual std::optional<CallUnderWay> call_under_way() const = 0;
  bool malformed() const { return parts_.malformed(); }
  const std::vector<ToolCall>& calls() const { return parts_.calls(); }

 protected:
  // Does what can be done with held_, and takes that out of it. `last`: no more will come.
  virtual void read(bool last) = 0;
  // With `last`: ends a call that has a name, but no end; false where there is none or the model stopped of itself.
  bool keep_cut_call();

  AnswerParts parts_;
  std::string held_;  // text that is not certain yet
  bool finished_ = false;
  bool cut_ = false;  // with `last`: as finish() was told
};

}  // namespace hearth
