// Headers and bodies, one after the other.
#include "engine/text/answer/channels.h"

#include <algorithm>
#include <array>
#include <utility>

namespace hearth {
namespace {

constexpr std::string_view kStart = "<|start|>", kChannel = "<|channel|>", kMessage = "<|message|>";
constexpr std::array<std::string_view, 4> kEnds = {"<|end|>", "<|call|>", "<|return|>", kStart};
constexpr size_t kLongestHeader = 512;

// What follows a mark in a header, up to white space or the next mark.
std::string word_behind(std::string_view header, std::string_view mark) {
  const size_t at = header.find(mark);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = header.substr(at + mark.size());
  return std::string(rest.substr(0, rest.find_first_of(" \t\r\n<")));
}

struct MessageEnd {
  size_t begin = std::string_view::npos;
  std::string_view mark;
};

MessageEnd find_message_end(std::string_view text) {
  MessageEnd first;
  for (const std::string_view mark : kEnds)
    if (const size_t at = text.find(mark); at < first.begin) first = {at, mark};
  return first;
}

// Whether a text may be the beginning of a header.
bool may_be_header(std::string_view text) {
  const std::string_view inner = trim(text);
  for (const std::string_view mark : {kStart, kChannel, kMessage, std::string_view("to=")})
    if (inner.starts_with(mark) || mark.starts_with(inner)) return true;
  return false;
}

}  // namespace

ChannelReader::ChannelReader(SplitOptions options) : AnswerReader(options.id_seed), options_(std::move(options)) {}

void ChannelReader::read(bool last) {
  bool on = true;
  while (on && !finished_) on = step(last);
}

bool ChannelReader::step(bool last) {
  switch (state_) {
    case State::header:
      return read_header(last);
    case State::call:
      return read_call(last);
    case State::behind_call:
      return read_behind_call();
    default:
      return read_body(last);
  }
}

bool ChannelReader::read_header(bool last) {
  const size_t end = held_.find(kMessage);
  if (end != std::string::npos && end <= kLongestHeader && may_be_header(held_)) {
    header_ = held_.substr(0, end + kMessage.size());
    held_.erase(0, header_.size());
    begin_message(std::string_view(header_).substr(0, end));
    return true;
  }
  const bool begun = may_be_header(held_) && held_.size() <= kLongestHeader;
  if (held_.empty() || (begun && !last)) return false;
  const std::string_view inner = trim(held_);
  if (begun && inner.starts_with("<|")) {  // cut off, it says nothing
    held_.clear();
    return false;
  }
  begin_message("");  // no header: text, as it stands
  fresh_ = false;
  if (inner.starts_with(kStart)) {
    const size_t behind = held_.find(kStart) + kStart.size();
    tell(std::string_view(held_).substr(0, behind));
    held_.erase(0, behind);
  }
  return true;
}

void ChannelReader::begin_message(std::string_view header) {
  constexpr std::string_view kFunctions = "functions.";
  channel_ = word_behind(header, kChannel);
  recipient_ = word_behind(header, "to=");
  if (recipient_.starts_with(kFunctions)) recipient_.erase(0, kFunctions.size());
  fresh_ = true;
  arguments_reader_ = {};
  arguments_.clear();
  read_ = 0;
  const bool calls = options_.calls && !recipient_.empty() && recipient_ != "assistant" && recipient_ != "user";
  state_ = calls ? State::call : channel_ == "analysis" ? State::reasoning : State::text;
}

void ChannelReader::tell(std::string_view part) {
  if (part.empty()) return;
  bool& told = state_ == State::reasoning ? told_reasoning_ : told_text_;
  const bool parted = std::exchange(fresh_, false) && std::exchange(told, true);
  if (state_ == State::reasoning) {
    if (parted) parts_.add_reasoning("\n");
    parts_.add_reasoning(part);
  } else {
    if (parted) parts_.add_text("\n");
    parts_.add_text(part);
  }
}

bool ChannelReader::read_body(bool last) {
  const MessageEnd end = find_message_end(held_);
  if (end.mark.empty()) {
    size_t keep = 0;
    if (!last)
      for (const std::string_view mark : kEnds) keep = std::max(keep, held_end(held_, mark));
    tell(std::string_view(held_).substr(0, held_.size() - keep));
    held_.erase(0, held_.size() - keep);
    return false;
  }
  tell(std::string_view(held_).substr(0, end.begin));
  // A message to the user is the last one; what is thought or said in between is not.
  finished_ = end.mark == "<|return|>" || (end.mark != kStart && channel_ == "final");
  held_.erase(0, end.begin + (end.mark == kStart ? 0 : end.mark.size()));
  state_ = State::header;
  return true;
}

bool ChannelReader::read_call(bool last) {
  const ArgumentsReader::Status status = arguments_reader_.read(held_, read_, arguments_, last);
  if (last && status != ArgumentsReader::Status::done && keep_cut_call()) return false;
  if (status == ArgumentsReader::Status::bad) {
    parts_.mark_malformed();
    parts_.drop_call();
    state_ = State::text;
    tell(header_);
    return true;
  }
  parts_.add_call(recipient_, arguments_);
  if (status == ArgumentsReader::Status::more) return false;
  parts_.end_call();
  held_.erase(0, read_);
  finished_ = options_.one_call;
  state_ = State::behind_call;
  return true;
}

std::optional<CallUnderWay> ChannelReader::call_under_way() const {
  auto call = parts_.under_way();
  if (call) call->behind_name = held_;
  return call;
}

// The message of a call goes on to its end, but says nothing more.
bool ChannelReader::read_behind_call() {
  const MessageEnd end = find_message_end(held_);
  if (end.mark.empty()) {
    size_t keep = 0;
    for (const std::string_view mark : kEnds) keep = std::max(keep, held_end(held_, mark));
    held_.erase(0, held_.size() - keep);
    return false;
  }
  finished_ = end.mark == "<|call|>" || end.mark == "<|return|>";
  held_.erase(0, end.begin + (end.mark == kStart ? 0 : end.mark.size()));
  state_ = State::header;
  return true;
}

}  // namespace hearth
