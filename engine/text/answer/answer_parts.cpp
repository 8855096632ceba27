// Pieces of calls and their ids.
#include "engine/text/answer/answer_parts.h"

namespace hearth {

// Nine letters or digits: the shortest form that some templates insist on.
std::string AnswerParts::next_id() {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  id_state_ += 0x9E3779B97F4A7C15u;  // SplitMix64
  uint64_t bits = id_state_;
  bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EBu;
  bits ^= bits >> 31;
  std::string id;
  for (int i = 0; i < 9; ++i, bits /= kAlphabet.size()) id += kAlphabet[bits % kAlphabet.size()];
  return id;
}

void AnswerParts::add_call(std::string_view name, std::string_view arguments) {
  if (name.empty()) return;
  ToolCallPiece piece;
  if (!told_) {
    told_ = ToolCall{next_id(), std::string(name), ""};
    piece.id = told_->id;
    piece.name = told_->name;
    ++begun_;
  } else if (arguments.size() == told_->arguments.size()) {
    return;
  }
  piece.index = begun_ - 1;
  piece.arguments = arguments.substr(told_->arguments.size());
  told_->arguments += piece.arguments;
  piece_.calls.push_back(std::move(piece));
}

void AnswerParts::end_call() {
  calls_.push_back(std::move(*told_));
  told_.reset();
}

AnswerPiece AnswerReader::push(std::string_view text) {
  if (!finished_) {
    held_ += text;
    read(false);
  }
  return parts_.take();
}

AnswerPiece AnswerReader::finish(bool cut) {
  cut_ = cut;
  if (!finished_) read(true);
  finished_ = true;
  return parts_.take();
}

bool AnswerReader::keep_cut_call() {
  if (!cut_ || !parts_.under_way()) return false;
  parts_.end_call();
  held_.clear();
  return true;
}

}  // namespace hearth
