// Splits answers that are messages with headers: <|channel|>analysis<|message|>...<|end|>.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/text/answer/call_reader.h"
#include "engine/text/answer/splitter.h"

namespace hearth {

// analysis is reasoning, other channels are text, and messages to functions.NAME are calls. An answer begins inside a
// header, behind the prompt's <|start|>assistant.
class ChannelReader : public AnswerReader {
 public:
  explicit ChannelReader(SplitOptions options);

  bool thinks() const override { return state_ == State::reasoning; }
  std::optional<CallUnderWay> call_under_way() const override;

 private:
  enum class State : uint8_t { header, text, reasoning, call, behind_call };

  void read(bool last) override;
  bool step(bool last);
  bool read_header(bool last);
  bool read_body(bool last);
  bool read_call(bool last);
  bool read_behind_call();
  void begin_message(std::string_view header);
  void tell(std::string_view part);

  SplitOptions options_;
  State state_ = State::header;
  std::string channel_, recipient_, header_;
  ArgumentsReader arguments_reader_;
  size_t read_ = 0;  // of held_, by the reader of arguments
  std::string arguments_;
  bool told_text_ = false, told_reasoning_ = false;
  bool fresh_ = true;  // nothing of this message has been told yet
};

}  // namespace hearth
