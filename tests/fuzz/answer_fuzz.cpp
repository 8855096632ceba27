// libFuzzer target: an answer in any format comes apart without a crash, the same however it is cut, and nothing is
// lost.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text/answer/json_scanner.h"
#include "engine/text/answer/splitter.h"
#include "engine/text/template/json.h"

namespace {

using namespace hearth;

void require(bool holds) {
  if (!holds) __builtin_trap();
}

AnswerFormat with(CallFormat call) {
  AnswerFormat format;
  format.calls = {std::move(call)};
  format.reasoning = {{"<think>", "</think>"}};
  return format;
}

std::vector<AnswerFormat> make_formats() {
  using Body = CallFormat::Body;
  CallFormat tagged;
  tagged.call_open = {"<tool_call>"};
  tagged.call_close = {"</tool_call>"};
  CallFormat listed;
  listed.section_open = {"[CALLS]"};
  CallFormat named;
  named.body = Body::named;
  named.section_open = {"<|calls|>"};
  named.call_open = {"<|call|>"};
  named.name_prefix = "functions.";
  named.name_end = {"<|sep|>", "json"};
  named.call_close = {"<|/call|>"};
  named.section_close = {"<|/calls|>"};
  CallFormat parameters;
  parameters.body = Body::parameters;
  parameters.call_open = {"<tool_call>", "<function="};
  parameters.name_end = parameters.key_end = parameters.plain_key_end = {">"};
  parameters.parameter_open = {"<parameter="};
  parameters.parameter_close = {"</parameter>"};
  parameters.call_close = {"</function>", "</tool_call>"};
  parameters.own_lines = true;
  CallFormat python;
  python.body = Body::python;
  std::vector<AnswerFormat> formats = {AnswerFormat(), with(tagged),     with(listed), with(CallFormat()),
                                       with(named),    with(parameters), with(python), AnswerFormat()};
  formats.back().channels = true;
  return formats;
}

struct Parts {
  std::string text, reasoning;
  std::vector<ToolCall> calls;
  bool malformed = false;
};

Parts split(const SplitOptions& options, std::string_view text, size_t piece) {
  const auto reader = make_answer_reader(options);
  Parts parts;
  std::vector<std::string> told;
  const auto add = [&](const AnswerPiece& got) {
    parts.text += got.text;
    parts.reasoning += got.reasoning;
    for (const ToolCallPiece& call : got.calls) {
      require(call.index <= told.size());
      if (call.index == told.size()) told.emplace_back();
      told[call.index] += call.arguments;
    }
  };
  for (size_t at = 0; at < text.size(); at += piece) add(reader->push(text.substr(at, piece)));
  add(reader->finish());
  parts.calls = reader->calls();
  parts.malformed = reader->malformed();
  require(parts.malformed ? parts.calls.size() <= told.size() : parts.calls.size() == told.size());
  return parts;
}

// What went into calls came out as JSON objects with names.
void require_calls(const Parts& parts) {
  for (const ToolCall& call : parts.calls) {
    require(!call.name.empty() && call.id.size() == 9);
    require(json_end(call.arguments, 0) == call.arguments.size() && call.arguments.front() == '{');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<AnswerFormat> formats = make_formats();
  static const Tools tools(parse_json(
      R"([{"name": "now"}, {"name": "look", "parameters": {"properties": {"at": {"type": "string"}, "n": {"type": "integer"}}}}])"));
  if (size < 2 || size > 4096) return 0;
  const AnswerFormat& format = formats[data[0] % formats.size()];
  SplitOptions options{.format = &format,
                       .tools = tools,
                       .calls = (data[0] & 0x20) == 0,
                       .one_call = (data[0] & 0x40) != 0,
                       .may_think = true,
                       .thinking = (data[0] & 0x80) != 0 && !format.channels ? "</think>" : "",
                       .id_seed = 1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Parts whole = split(options, text, text.size() + 1);
  const Parts cut = split(options, text, data[1] % 16 + 1u);
  require(whole.text == cut.text && whole.reasoning == cut.reasoning && whole.malformed == cut.malformed);
  require(whole.calls.size() == cut.calls.size());
  for (size_t i = 0; i < whole.calls.size(); ++i)
    require(whole.calls[i].name == cut.calls[i].name && whole.calls[i].arguments == cut.calls[i].arguments);
  require_calls(whole);
  // Parts that markers, of seven bytes or more, stood between are parted by a line end.
  require(whole.text.size() + whole.reasoning.size() <= text.size() + text.size() / 7);
  // An answer without calls and reasoning is its text.
  const bool plain = text.find("<think>") == text.npos && options.thinking.empty() && !format.channels;
  if (plain && whole.calls.empty() && !options.one_call) require(whole.text == text);
  return 0;
}
