// NAME, then keys and values between markers.
#include "engine/text/answer/parameter_reader.h"

#include <algorithm>

namespace hearth {
namespace {

using Kind = WordsMatch::Kind;

constexpr size_t kLongestKey = 512;

bool only_space(std::string_view text) { return text.find_first_not_of(kAnswerSpace) == std::string_view::npos; }

Words first_of(const Words& words) { return words.empty() ? Words() : Words{words.front()}; }

}  // namespace

CallReader::Status ParameterReader::read(std::string_view text, bool last) {
  while (true) {
    const Step step = state_ == State::name      ? read_name(text, last)
                      : state_ == State::between ? read_between(text, last)
                      : state_ == State::key     ? read_key(text, last)
                                                 : read_value(text, last);
    if (step == Step::wait) return last ? Status::bad : Status::more;
    if (step == Step::bad) return Status::bad;
    if (step != Step::done) continue;
    arguments_ += arguments_.empty() ? "{}" : "}";
    return Status::done;
  }
}

ParameterReader::Step ParameterReader::read_name(std::string_view text, bool last) {
  size_t end = at_;
  while (end < text.size() && is_tool_name(text[end])) ++end;
  if (end == at_) return at_ == text.size() ? Step::wait : Step::bad;
  if (end == text.size() && !last) return Step::wait;
  const WordsMatch match = match_words(text, end, format_.name_end);
  if (match.kind == Kind::partial && !last) return Step::wait;
  if (match.kind != Kind::yes) return Step::bad;
  name_ = text.substr(at_, end - at_);
  at_ = match.end;
  state_ = State::between;
  return Step::on;
}

ParameterReader::Step ParameterReader::read_between(std::string_view text, bool last) {
  const WordsMatch open = match_words(text, at_, format_.parameter_open);
  if (open.kind == Kind::yes) {
    at_ = open.end;
    state_ = State::key;
    return Step::on;
  }
  const WordsMatch close = match_words(text, at_, first_of(format_.call_close));
  if (!format_.call_close.empty() && close.kind == Kind::yes) return Step::done;
  if (last) return only_space(text.substr(at_)) || close.kind == Kind::partial ? Step::done : Step::bad;
  const bool waits = open.kind == Kind::partial || close.kind == Kind::partial;
  if (format_.call_close.empty() && !waits) return Step::done;
  return waits ? Step::wait : Step::bad;
}

ParameterReader::Step ParameterReader::read_key(std::string_view text, bool last) {
  const auto ends_at = [&](const Words& words) { return words.empty() ? text.npos : text.find(words.front(), at_); };
  const size_t end = std::min(ends_at(format_.key_end), ends_at(format_.plain_key_end));
  if (end == text.npos) return text.size() - at_ > kLongestKey ? Step::bad : Step::wait;
  if (end == at_ || end - at_ > kLongestKey) return Step::bad;
  const WordsMatch text_value = match_words(text, end, format_.key_end);
  const WordsMatch plain_value = match_words(text, end, format_.plain_key_end);
  if (text_value.kind != Kind::yes && plain_value.kind != Kind::yes) {
    const bool waits = text_value.kind == Kind::partial || plain_value.kind == Kind::partial;
    return waits && !last ? Step::wait : Step::bad;
  }
  key_ = trim(text.substr(at_, end - at_));
  at_ = text_value.kind == Kind::yes ? text_value.end : plain_value.end;
  kinds_ = tools_.kinds(name_, key_);
  if (format_.key_end != format_.plain_key_end)  // the marker itself tells strings
    kinds_ = text_value.kind == Kind::yes   ? json_kind::kString
             : kinds_ == json_kind::kString ? json_kind::kAny
                                            : kinds_;
  streams_ = kinds_ == json_kind::kString;
  arguments_ += (arguments_.empty() ? "{" : ", ") + quoted_json(key_) + ": ";
  if (streams_) arguments_ += '"';
  searched_ = std::string::npos;
  state_ = State::value;
  return Step::on;
}

size_t ParameterReader::find_close(std::string_view text, bool last, size_t& after, bool& waits) {
  const std::string& word = format_.parameter_close.front();
  while (true) {
    const size_t found = text.find(word, searched_);
    if (found == text.npos) {
      searched_ = std::max(searched_, text.size() - held_end(text, word));
      return text.npos;
    }
    const WordsMatch close = match_words(text, found, format_.parameter_close);
    WordsMatch next, end;
    if (close.kind == Kind::yes) {
      // The word may be part of the value: behind the end of one stands the next one, or the end of the call.
      next = match_words(text, close.end, format_.parameter_open);
      end = match_words(text, close.end, first_of(format_.call_close));
    }
    const bool certain = next.kind == Kind::yes || end.kind == Kind::yes || (last && close.kind == Kind::yes);
    searched_ = found;
    after = close.end;
    if (certain) return found;
    waits = close.kind == Kind::partial || next.kind == Kind::partial || end.kind == Kind::partial;
    if (waits && !last) return text.npos;
    searched_ = found + 1;
  }
}

void ParameterReader::add_text(std::string_view text) {
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') arguments_ += '\\';
    append_json_byte(arguments_, byte);
  }
}

ParameterReader::Step ParameterReader::read_value(std::string_view text, bool last) {
  if (searched_ == std::string::npos) {
    if (format_.own_lines) {
      if (at_ == text.size() || (text[at_] == '\r' && at_ + 1 == text.size())) return Step::wait;
      if (text[at_] == '\n') {
        ++at_;
      } else if (text.substr(at_, 2) == "\r\n") {
        at_ += 2;
      }
    }
    searched_ = at_;
  }
  size_t after = 0;
  bool waits = false;
  const size_t end = find_close(text, last, after, waits);
  std::string_view value = text.substr(at_, std::min(end, searched_) - at_);
  // The last line end belongs to the marker.
  if (format_.own_lines && value.ends_with('\n')) value.remove_suffix(value.ends_with("\r\n") ? 2 : 1);
  if (end == text.npos) {
    if (format_.own_lines && value.ends_with('\r')) value.remove_suffix(1);
    if (streams_) {
      add_text(value);
      at_ += value.size();
    }
    return Step::wait;
  }
  if (streams_) {
    add_text(value);
    arguments_ += '"';
  } else {
    arguments_ += parameter_json(value, kinds_);
  }
  at_ = after;
  state_ = State::between;
  return Step::on;
}

}  // namespace hearth
