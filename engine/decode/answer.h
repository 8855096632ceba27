// From the text of drawn tokens to the parts of an answer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/decode/stop_filter.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/answer/splitter.h"
#include "engine/text/tokenizer/vocabulary.h"

namespace hearth {

// An answer is text, or split as its conversation's format says. Stop texts are looked for in the text alone.
class Answer {
 public:
  // What `split` refers to must outlive it. Without it the answer is all text.
  Answer(const Vocabulary& vocabulary, std::vector<std::string> stops, std::optional<SplitOptions> split);

  // Whether a special token is part of the answer's form, so that its text must be pushed.
  bool shows(int32_t token) const;
  // Whether the answer goes on behind a token that ends others: the end of a message that is not the last.
  bool goes_on_behind(int32_t token) const;

  AnswerPiece push(std::string_view text);
  // The rest, when no more text comes; `cut`: the model would have said more.
  AnswerPiece finish(bool cut);

  bool stopped() const { return stops_.stopped(); }  // by a stop text
  const std::string& stop() const { return stops_.stop(); }
  bool finished() const { return reader_ && reader_->finished(); }  // nothing more belongs to it
  bool thinks() const { return reader_ && reader_->thinks(); }
  std::optional<CallUnderWay> call_under_way() const { return reader_ ? reader_->call_under_way() : std::nullopt; }
  bool malformed_call() const { return reader_ && reader_->malformed(); }
  std::vector<ToolCall> calls() const;

 private:
  AnswerPiece with_stops(AnswerPiece piece, bool last);

  const Vocabulary& vocabulary_;
  const AnswerFormat* format_ = nullptr;
  StopFilter stops_;
  std::unique_ptr<AnswerReader> reader_;  // null: all is text
  size_t told_calls_ = 0;
};

}  // namespace hearth
