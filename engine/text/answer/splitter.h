// Splits answers in which reasoning and calls stand between markers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/answer/answer_parts.h"
#include "engine/text/answer/call_reader.h"
#include "engine/text/answer/format.h"
#include "engine/text/answer/tools.h"

namespace hearth {

// How one answer is to be split.
struct SplitOptions {
  const AnswerFormat* format = nullptr;  // must outlive the reader
  Tools tools;
  bool calls = true;      // else what looks like calls is text
  bool one_call = false;  // the answer is complete behind its first call
  bool may_think = true;  // the answer may begin with reasoning
  std::string thinking;   // the marker that ends reasoning which the prompt has opened already; empty: it has not
  uint64_t id_seed = 0;
};

// For any format. The reader's work in all is linear in the text.
std::unique_ptr<AnswerReader> make_answer_reader(SplitOptions options);

class Splitter : public AnswerReader {
 public:
  explicit Splitter(SplitOptions options);

  bool thinks() const override { return state_ == State::reasoning; }
  std::optional<CallUnderWay> call_under_way() const override;

 private:
  enum class State : uint8_t { reasoning, text, call, between };
  // A place where the words of a call may begin.
  struct Trigger {
    const CallFormat* format;
    std::string word;
    Words rest;          // that must follow
    bool opens_section;  // a call_open follows too
  };
  enum class Found : uint8_t { no, maybe, yes };

  void read(bool last) override;
  bool read_reasoning(bool last);
  bool read_text(bool last);
  bool read_call(bool last);
  bool read_between(bool last);
  Found open_reasoning(size_t begin, bool last);
  Found open_bare(size_t begin, bool last);
  Found open_call(const Trigger& trigger, size_t begin, bool last);
  Found find_body(const CallFormat& format, size_t at, bool opened, bool last, size_t& body) const;
  void begin_call(const CallFormat& format, size_t begin, size_t body, size_t trigger_size);
  void fail_call(bool last, bool malformed);
  void give_text(size_t size);

  SplitOptions options_;
  std::vector<Trigger> triggers_;
  State state_ = State::text;
  std::string close_;  // of the reasoning under way
  bool lead_ = true;   // nothing of this part has come yet but white space
  bool first_ = true;  // this is the first part
  bool told_text_ = false, told_reasoning_ = false;
  const CallFormat* format_ = nullptr;  // of the call under way, or of the last one
  std::unique_ptr<CallReader> reader_;
  std::string gap_;          // white space in front of the call under way
  size_t trigger_size_ = 0;  // of the call under way, at the beginning of held_
  size_t body_ = 0;          // where its body begins in held_
  bool closes_ = false;      // call_close may come
};

}  // namespace hearth
