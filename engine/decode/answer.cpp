// Stop texts behind the reader of calls and reasoning.
#include "engine/decode/answer.h"

#include <utility>

namespace hearth {

Answer::Answer(const Vocabulary& vocabulary, std::vector<std::string> stops, std::optional<SplitOptions> split)
    : vocabulary_(vocabulary), stops_(std::move(stops)) {
  if (!split) return;
  format_ = split->format;
  reader_ = make_answer_reader(std::move(*split));
}

bool Answer::shows(int32_t token) const {
  return format_ != nullptr && vocabulary_.type(token) == TokenType::control &&
         format_->is_marker(vocabulary_.text(token));
}

bool Answer::goes_on_behind(int32_t token) const {
  return format_ != nullptr && format_->channels && vocabulary_.text(token) == "<|end|>";
}

AnswerPiece Answer::with_stops(AnswerPiece piece, bool last) {
  if (stops_.stopped()) return {};
  piece.text = stops_.push(piece.text);
  // What follows a stop text is not part of the answer; a call ends the text that may have become one.
  if (stops_.stopped()) piece.calls.clear();
  if (last || !piece.calls.empty()) piece.text += stops_.finish();
  if (reader_ && !stops_.stopped()) told_calls_ = reader_->calls().size();
  return piece;
}

AnswerPiece Answer::push(std::string_view text) {
  if (reader_) return with_stops(reader_->push(text), false);
  AnswerPiece piece;
  piece.text = text;
  return with_stops(std::move(piece), false);
}

AnswerPiece Answer::finish(bool cut) { return with_stops(reader_ ? reader_->finish(cut) : AnswerPiece(), true); }

std::vector<ToolCall> Answer::calls() const {
  std::vector<ToolCall> calls = reader_ ? reader_->calls() : std::vector<ToolCall>();
  if (calls.size() > told_calls_) calls.resize(told_calls_);
  return calls;
}

}  // namespace hearth
