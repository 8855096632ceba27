// A state machine over the text that is not certain yet.
#include "engine/text/answer/splitter.h"

#include <algorithm>
#include <utility>

#include "engine/text/answer/channels.h"

namespace hearth {
namespace {

using Kind = WordsMatch::Kind;

// A call that fails after more than this is text as a whole; else its text is searched for another one.
constexpr size_t kMostRead = 4096;

size_t skip_blank(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(kAnswerSpace, at), text.size());
}

std::string_view without_blank_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kAnswerSpace) + 1);  // npos + 1 is 0
}

// What can be told of a text whose end may belong to a marker: not the white space there, unless that is long.
size_t certain_part(std::string_view text) {
  const size_t size = without_blank_end(text).size();
  return text.size() - size > kMostSpace ? text.size() : size;
}

// Calls of this kind may be items of a list.
bool may_be_list(const CallFormat& format) {
  return format.body == CallFormat::Body::object || format.body == CallFormat::Body::python;
}

// Behind the words of a marker that are there, for models leave some out.
size_t end_of_some(std::string_view text, size_t at, const Words& words) {
  size_t end = at;
  for (const std::string& word : words) {
    const WordsMatch match = match_words(text, end, {word});
    if (match.kind == Kind::yes) end = match.end;
  }
  return end;
}

// A word that a text is unlikely to hold by chance, so that a call may begin with it.
bool is_distinct(std::string_view word) { return word.size() > 2 && (word[0] == '<' || word[0] == '['); }

}  // namespace

Splitter::Splitter(SplitOptions options) : AnswerReader(options.id_seed), options_(std::move(options)) {
  if (!options_.thinking.empty()) {
    state_ = State::reasoning;
    close_ = options_.thinking;
  }
  if (!options_.calls) return;
  for (const CallFormat& format : options_.format->calls) {
    const auto add = [&](const Words& words, size_t from, bool section) {
      triggers_.push_back(
          {&format, words[from], Words(words.begin() + static_cast<ptrdiff_t>(from) + 1, words.end()), section});
    };
    if (!format.section_open.empty()) add(format.section_open, 0, true);
    for (size_t i = 0; i < format.call_open.size(); ++i)
      if ((i == 0 && format.section_open.empty()) || is_distinct(format.call_open[i])) add(format.call_open, i, false);
  }
}

void Splitter::read(bool last) {
  bool on = true;
  while (on && !finished_) {
    switch (state_) {
      case State::reasoning:
        on = read_reasoning(last);
        break;
      case State::text:
        on = read_text(last);
        break;
      case State::call:
        on = read_call(last);
        break;
      case State::between:
        on = read_between(last);
        break;
    }
  }
}

bool Splitter::read_reasoning(bool last) {
  if (lead_) {
    held_.erase(0, skip_blank(held_, 0));
    if (held_.empty()) return false;
    lead_ = false;
    told_reasoning_ = true;
  }
  const size_t found = held_.find(close_);
  if (found == std::string::npos) {
    const std::string_view sure = std::string_view(held_).substr(0, held_.size() - held_end(held_, close_));
    const size_t certain = last ? held_.size() : certain_part(sure);
    parts_.add_reasoning(std::string_view(held_).substr(0, certain));
    held_.erase(0, certain);
    return false;
  }
  parts_.add_reasoning(without_blank_end(std::string_view(held_).substr(0, found)));
  held_.erase(0, found + close_.size());
  state_ = State::text;
  lead_ = true;
  first_ = false;
  return true;
}

// Text goes out; white space at the beginning of a part behind a marker does not.
void Splitter::give_text(size_t size) {
  const size_t begin = lead_ && !first_ ? std::min(skip_blank(held_, 0), size) : 0;
  if (begin < size) {
    if (lead_ && told_text_) parts_.add_text("\n");  // between two parts with a call between them
    parts_.add_text(std::string_view(held_).substr(begin, size - begin));
    lead_ = first_ = false;
    told_text_ = true;
  }
  held_.erase(0, size);
}

Splitter::Found Splitter::open_reasoning(size_t begin, bool last) {
  const std::string_view here = std::string_view(held_).substr(begin);
  bool maybe = false;
  for (const ReasoningFormat& format : options_.format->reasoning) {
    if (here.starts_with(format.open)) {
      held_.erase(0, begin + format.open.size());
      close_ = format.close;
      state_ = State::reasoning;
      if (told_reasoning_) parts_.add_reasoning("\n");
      lead_ = true;
      return Found::yes;
    }
    maybe |= std::string_view(format.open).starts_with(here);
  }
  return maybe && !last ? Found::maybe : Found::no;
}

// Whether a call's body stands behind `at`, behind call_open where it is not `opened` yet.
Splitter::Found Splitter::find_body(const CallFormat& format, size_t at, bool opened, bool last, size_t& body) const {
  const bool list = may_be_list(format);
  const size_t begin = at;
  const auto skip = [&] {
    at = skip_blank(held_, at);
    if (list && at < held_.size() && held_[at] == '[') at = skip_blank(held_, at + 1);
  };
  skip();
  if (!opened && !format.call_open.empty()) {
    const WordsMatch match = match_words(held_, at, format.call_open);
    if (match.kind != Kind::yes) return match.kind == Kind::partial && !last ? Found::maybe : Found::no;
    at = match.end;
    skip();
  }
  body = at;
  const Found wait = last || at - begin > kMostSpace ? Found::no : Found::maybe;
  if (at == held_.size()) return wait;
  if (format.body == CallFormat::Body::object) return held_[at] == '{' ? Found::yes : Found::no;
  if (!is_tool_name(held_[at])) return Found::no;
  if (format.body != CallFormat::Body::python) return Found::yes;
  while (at < held_.size() && is_tool_name(held_[at])) ++at;
  if (at == held_.size()) return at - begin > kMostSpace ? Found::no : wait;
  return held_[at] == '(' ? Found::yes : Found::no;
}

// A call begins at `begin`, its body at `body`.
void Splitter::begin_call(const CallFormat& format, size_t begin, size_t body, size_t trigger_size) {
  const size_t before = without_blank_end(std::string_view(held_).substr(0, begin)).size();
  gap_ = lead_ && !first_ && before == 0 ? "" : held_.substr(before, begin - before);
  give_text(before);
  held_.erase(0, begin - before);
  format_ = &format;
  body_ = body - begin;
  trigger_size_ = trigger_size;
  reader_ = make_call_reader(format, options_.tools);
  state_ = State::call;
}

Splitter::Found Splitter::open_call(const Trigger& trigger, size_t begin, bool last) {
  const WordsMatch rest = match_words(held_, begin + trigger.word.size(), trigger.rest);
  if (rest.kind == Kind::no) return Found::no;
  if (rest.kind == Kind::partial) return last ? Found::no : Found::maybe;
  size_t body = 0;
  const Found found = find_body(*trigger.format, rest.end, !trigger.opens_section, last, body);
  if (found == Found::yes) begin_call(*trigger.format, begin, body, trigger.word.size());
  return found;
}

// A call that nothing announces must be one of a known tool.
Splitter::Found Splitter::open_bare(size_t begin, bool last) {
  if (!options_.calls) return Found::no;
  Found best = Found::no;
  for (const CallFormat& format : options_.format->calls) {
    if (!format.bare()) continue;
    size_t body = 0;
    Found found = find_body(format, begin, true, last, body);
    if (found == Found::yes && format.body != CallFormat::Body::object) {
      const size_t end = std::min(held_.find("(", body), held_.find(".call(", body));
      if (!options_.tools.contains(std::string_view(held_).substr(body, end - body))) found = Found::no;
    }
    if (found == Found::yes) {
      begin_call(format, begin, body, 0);
      return found;
    }
    if (found == Found::maybe) best = found;
  }
  return best;
}

bool Splitter::read_text(bool last) {
  if (lead_) {
    const size_t begin = skip_blank(held_, 0);
    if (begin == held_.size()) {
      if (last || begin > kMostSpace) give_text(begin);
      return false;
    }
    Found found = open_reasoning(begin, last);
    if (found == Found::no) found = open_bare(begin, last);
    if (found != Found::no) return found == Found::yes;
  }
  // The first place where a call may begin.
  size_t waits_at = std::string::npos;
  for (size_t from = 0; waits_at == std::string::npos; ++from) {
    size_t begin = std::string::npos;
    for (const Trigger& trigger : triggers_) begin = std::min(begin, held_.find(trigger.word, from));
    if (begin == std::string::npos) break;
    for (const Trigger& trigger : triggers_) {
      if (!std::string_view(held_).substr(begin).starts_with(trigger.word)) continue;
      const Found found = open_call(trigger, begin, last);
      if (found == Found::yes) return true;
      if (found == Found::maybe) waits_at = begin;
    }
    from = begin;
  }
  // What may still become a marker waits, and so does the white space in front of it.
  size_t certain = held_.size();
  if (!last && !triggers_.empty()) {
    size_t keep = 0;
    for (const Trigger& trigger : triggers_) keep = std::max(keep, held_end(held_, trigger.word));
    certain = certain_part(std::string_view(held_).substr(0, std::min(waits_at, held_.size() - keep)));
  }
  give_text(certain);
  return false;
}

bool Splitter::read_call(bool last) {
  const CallReader::Status status = reader_->read(std::string_view(held_).substr(body_), last);
  const bool known = !format_->bare() || options_.tools.contains(reader_->name());
  const bool unknown = !known && !reader_->name().empty();
  if (last && status != CallReader::Status::done && keep_cut_call()) {
    state_ = State::text;
    return false;
  }
  if (status == CallReader::Status::bad || unknown || (status == CallReader::Status::more && last)) {
    fail_call(last, known && !cut_);
    return !last || !held_.empty();
  }
  parts_.add_call(reader_->name(), reader_->arguments());
  if (status == CallReader::Status::more) return false;
  parts_.end_call();
  held_.erase(0, body_ + reader_->at());
  lead_ = true;
  first_ = false;
  closes_ = true;
  state_ = State::between;
  if (options_.one_call) {
    finished_ = true;
    held_.clear();
  }
  return true;
}

void Splitter::fail_call(bool last, bool malformed) {
  if (malformed) parts_.mark_malformed();
  parts_.drop_call();
  state_ = State::text;
  held_.insert(0, gap_);
  const bool long_read = body_ + reader_->at() > kMostRead;
  const size_t size = gap_.size() + std::max(trigger_size_, size_t{1});
  give_text(last || long_read ? held_.size() : std::min(size, held_.size()));
  lead_ = first_ = false;
}

bool Splitter::read_between(bool last) {
  held_.erase(0, skip_blank(held_, 0));
  if (held_.empty()) return false;
  const bool list = may_be_list(*format_);
  const bool comma = held_[0] == ',' || held_[0] == ';';
  if (closes_ && !(list && comma)) {
    const size_t behind = list && held_[0] == ']' && !format_->call_close.empty() ? 1 : 0;
    const WordsMatch close = match_words(held_, behind, format_->call_close);
    if (close.kind == Kind::partial && !last) return false;
    held_.erase(0, close.kind == Kind::yes ? close.end : end_of_some(held_, behind, format_->call_close));
    closes_ = false;
    return true;
  }
  const bool announced = !format_->call_open.empty() || comma || format_->body == CallFormat::Body::object;
  size_t body = 0;
  const Found next = announced ? find_body(*format_, comma ? 1 : 0, list && comma, last, body) : Found::no;
  if (next == Found::maybe) return false;
  if (next == Found::yes) {
    begin_call(*format_, 0, body, 1);
    return true;
  }
  const size_t bracket = list && held_[0] == ']' ? 1 : 0;
  const WordsMatch close = match_words(held_, bracket, format_->section_close);
  if (close.kind == Kind::partial && !last) return false;
  held_.erase(0, close.kind == Kind::yes ? close.end : bracket);
  state_ = State::text;
  return true;
}

std::optional<CallUnderWay> Splitter::call_under_way() const {
  auto call = parts_.under_way();
  if (!call) return call;
  call->format = format_;
  if (const size_t at = reader_->name_end(); at > 0) call->behind_name = std::string_view(held_).substr(body_ + at);
  return call;
}

std::unique_ptr<AnswerReader> make_answer_reader(SplitOptions options) {
  if (options.format->channels) return std::make_unique<ChannelReader>(std::move(options));
  return std::make_unique<Splitter>(std::move(options));
}

}  // namespace hearth
