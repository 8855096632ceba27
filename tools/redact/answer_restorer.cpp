// Walking through answers; each text of a stream has a restorer of its own.
#include "tools/redact/answer_restorer.h"

#include <array>

#include "tools/redact/shallow_json.h"

namespace hearth::redact {
namespace {

constexpr std::array kDeltaTexts = {"content", "reasoning_content", "reasoning", "refusal"};
constexpr std::array kBlockTexts = {"text", "thinking", "partial_json"};

void restore_inside(Json& value, const Secrets& secrets, Notation notation) {
  if (value.is_string()) {
    TextRestorer restorer(secrets, notation);
    std::string text = restorer.feed(value.get_ref<const std::string&>());
    value = text + restorer.finish();
  } else if (value.is_array()) {
    for (Json& one : value) restore_inside(one, secrets, Notation::plain);
  } else if (value.is_object()) {
    for (auto& [name, member] : value.items())
      restore_inside(member, secrets, name == "arguments" ? Notation::json : Notation::plain);
  }
}

// The event with one choice alone, and without usage.
Json event_with(const Json& event, Json choice) {
  Json alone = event;
  alone.erase("usage");
  alone["choices"] = Json::array({std::move(choice)});
  return alone;
}

int64_t index_of(const Json& of, int64_t otherwise) {
  const auto found = of.find("index");
  return found != of.end() && found->is_number_integer() ? found->get<int64_t>() : otherwise;
}

}  // namespace

void restore(Json& answer, const Secrets& secrets) {
  if (!secrets.empty()) restore_inside(answer, secrets, Notation::plain);
}

std::string StreamRestorer::feed(std::string_view events) {
  if (secrets_.empty()) return std::string(events);
  std::string told;
  while (!events.empty()) {
    size_t end = events.find("\n\n"), length = 2;
    if (const size_t other = events.find("\r\n\r\n"); other < end) end = other, length = 4;
    const std::string_view event = events.substr(0, end == events.npos ? end : end + length);
    told += one_event(event);
    events.remove_prefix(event.size());
  }
  return told;
}

std::string StreamRestorer::one_event(std::string_view event) {
  constexpr std::string_view kData = "data:";
  const size_t data = event.starts_with(kData) ? 0 : event.find("\ndata:");
  if (data == event.npos) return std::string(event);  // a comment
  const size_t from = event.find(kData, data) + kData.size();
  std::string_view payload = event.substr(from, event.find('\n', from) - from);
  while (payload.starts_with(' ')) payload.remove_prefix(1);
  if (payload.starts_with("[DONE]")) return finish() + std::string(event);
  Json parsed = parse_shallow(payload);
  if (!parsed.is_object()) return std::string(event);
  named_ = event.starts_with("event:");
  return restored(std::move(parsed));
}

std::string StreamRestorer::to_line(const Json& event) const {
  const auto type = event.find("type");
  const bool named = named_ && type != event.end() && type->is_string();
  return (named ? "event: " + type->get<std::string>() + "\n" : "") +
         "data: " + event.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n\n";
}

void StreamRestorer::feed_text(const std::string& key, Notation notation, Json& text, Json event,
                               const std::string& place) {
  auto [at, is_new] = texts_.try_emplace(key, Text{TextRestorer(secrets_, notation), {}, Json::json_pointer(place)});
  TextRestorer& restorer = at->second.restorer;
  std::string told = restorer.feed(text.get_ref<const std::string&>());
  if (ends_) told += restorer.finish();
  text = std::move(told);
  if (restorer.holds_back()) at->second.event = std::move(event);
}

// A part of one of a message's blocks, or a block's end.
std::string StreamRestorer::feed_block(Json event) {
  const std::string key = "block" + std::to_string(index_of(event, 0)) + "/";
  ends_ = false;
  if (event["type"] == "content_block_stop") return finish_texts(key) + to_line(event);
  const auto delta = event.find("delta");
  if (delta != event.end() && delta->is_object())
    for (const char* name : kBlockTexts)
      if (const auto text = delta->find(name); text != delta->end() && text->is_string())
        feed_text(key + name, std::string_view(name) == "partial_json" ? Notation::json : Notation::plain, *text, event,
                  std::string("/delta/") + name);
  return to_line(event);
}

void StreamRestorer::feed_delta(Json& choice, const Json& heading, const std::string& key) {
  const auto found = choice.find("delta");
  if (found == choice.end() || !found->is_object()) return;
  const Json index = choice.value("index", Json(0));
  for (const char* name : kDeltaTexts)
    if (const auto text = found->find(name); text != found->end() && text->is_string())
      feed_text(key + name, Notation::plain, *text,
                event_with(heading, {{"index", index}, {"delta", {{name, ""}}}, {"finish_reason", nullptr}}),
                std::string("/choices/0/delta/") + name);
  const auto calls = found->find("tool_calls");
  if (calls == found->end() || !calls->is_array()) return;
  for (Json& call : *calls) {
    if (!call.is_object() || !call.contains("function") || !call["function"].is_object()) continue;
    const auto arguments = call["function"].find("arguments");
    if (arguments == call["function"].end() || !arguments->is_string()) continue;
    const int64_t number = index_of(call, 0);
    feed_text(
        key + "call" + std::to_string(number), Notation::json, *arguments,
        event_with(heading,
                   {{"index", index},
                    {"delta", {{"tool_calls", Json::array({{{"index", number}, {"function", {{"arguments", ""}}}}})}}},
                    {"finish_reason", nullptr}}),
        "/choices/0/delta/tool_calls/0/function/arguments");
  }
}

std::string StreamRestorer::restored(Json event) {
  const auto type = event.find("type");
  if (type != event.end() && (*type == "content_block_delta" || *type == "content_block_stop"))
    return feed_block(std::move(event));
  const auto choices = event.find("choices");
  if (choices == event.end() || !choices->is_array()) {
    restore_inside(event, secrets_, Notation::plain);  // an error, or what else a provider says
    return to_line(event);
  }
  Json heading = event;
  heading.erase("choices");
  std::string told;
  for (size_t i = 0; i < choices->size(); ++i) {
    Json& choice = (*choices)[i];
    if (!choice.is_object()) continue;
    const std::string key = std::to_string(index_of(choice, static_cast<int64_t>(i))) + "/";
    const auto reason = choice.find("finish_reason");
    ends_ = reason != choice.end() && !reason->is_null();
    feed_delta(choice, heading, key);
    if (const auto text = choice.find("text"); text != choice.end() && text->is_string())
      feed_text(
          key + "text", Notation::plain, *text,
          event_with(heading, {{"index", choice.value("index", Json(0))}, {"text", ""}, {"finish_reason", nullptr}}),
          "/choices/0/text");
    if (ends_) told += finish_texts(key);
  }
  return told + to_line(event);
}

std::string StreamRestorer::finish_texts(const std::string& key_begin) {
  std::string told;
  for (auto& [key, text] : texts_) {
    if (!key.starts_with(key_begin) || !text.restorer.holds_back()) continue;
    text.event[text.place] = text.restorer.finish();
    told += to_line(text.event);
  }
  return told;
}

std::string StreamRestorer::finish() { return finish_texts(""); }

}  // namespace hearth::redact
