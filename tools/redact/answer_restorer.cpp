// Walking through answers; each text of a stream has a restorer of its own.
#include "tools/redact/answer_restorer.h"

#include <algorithm>
#include <array>

#include "tools/redact/shallow_json.h"

namespace hearth::redact {
namespace {

// What goes on from event to event; all else is told at once ("id", "name").
constexpr std::array kGrowing = {"content",  "reasoning_content", "reasoning", "refusal",      "text",
                                 "thinking", "summary",           "arguments", "partial_json", "input"};

bool grows(std::string_view name) { return std::ranges::find(kGrowing, name) != kGrowing.end(); }

Notation notation_of(std::string_view name) {
  return name == "arguments" || name == "partial_json" ? Notation::json : Notation::plain;
}

void restore_inside(Json& value, const Secrets& secrets, Notation notation) {
  if (value.is_string()) {
    TextRestorer restorer(secrets, notation);
    std::string text = restorer.feed(value.get_ref<const std::string&>());
    value = text + restorer.finish();
  } else if (value.is_array()) {
    for (Json& one : value) restore_inside(one, secrets, Notation::plain);
  } else if (value.is_object()) {
    for (auto& [name, member] : value.items()) restore_inside(member, secrets, notation_of(name));
  }
}

// The event with one choice alone, and without usage.
Json event_with(const Json& event, Json choice) {
  Json alone = event;
  alone.erase("usage");
  alone["choices"] = Json::array({std::move(choice)});
  return alone;
}

// What tells an object of a stream from its neighbours.
Json label_of(const Json& object) {
  Json label = Json::object();
  for (const char* name : {"index", "type"})
    if (const auto found = object.find(name); found != object.end()) label[name] = *found;
  return label;
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

void StreamRestorer::feed_text(const std::string& key, Notation notation, Json& text, const Alone& alone,
                               const Json::json_pointer& place) {
  auto [at, is_new] = texts_.try_emplace(key, Text{TextRestorer(secrets_, notation), {}, place});
  TextRestorer& restorer = at->second.restorer;
  std::string told = restorer.feed(text.get_ref<const std::string&>());
  if (ends_) told += restorer.finish();
  text = std::move(told);
  if (restorer.holds_back()) at->second.event = alone("");
}

void StreamRestorer::feed_inside(Json& value, const std::string& key, const Alone& alone,
                                 const Json::json_pointer& place) {
  if (value.is_array()) {
    const Alone in_array = [&](Json one) { return alone(Json::array({std::move(one)})); };
    for (size_t i = 0; i < value.size(); ++i) {
      const int64_t number = value[i].is_object() ? index_of(value[i], static_cast<int64_t>(i)) : 0;
      feed_inside(value[i], key + "/" + std::to_string(number), in_array, place / 0);
    }
  }
  if (!value.is_object()) return;
  for (auto item = value.begin(); item != value.end(); ++item) {
    const std::string& name = item.key();
    Json& member = item.value();
    const Alone in_object = [&](Json one) {
      Json object = label_of(value);
      object[name] = std::move(one);
      return alone(std::move(object));
    };
    if (!member.is_string())
      feed_inside(member, key + "/" + name, in_object, place / name);
    else if (grows(name))
      feed_text(key + "/" + name, notation_of(name), member, in_object, place / name);
    else
      restore_inside(member, secrets_, Notation::plain);
  }
}

// A part of one of a message's blocks, or a block's end.
std::string StreamRestorer::feed_block(Json event) {
  const std::string key = "block" + std::to_string(index_of(event, 0)) + "/";
  ends_ = false;
  if (event["type"] == "content_block_stop") return finish_texts(key) + to_line(event);
  const auto alone = [&](Json delta) {
    Json one = event;
    one["delta"] = std::move(delta);
    return one;
  };
  if (event.contains("delta")) feed_inside(event["delta"], key, alone, Json::json_pointer("/delta"));
  return to_line(event);
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
    for (const char* name : {"delta", "text"}) {
      const auto found = choice.find(name);
      if (found == choice.end()) continue;
      const auto alone = [&](Json one) {
        return event_with(
            heading, {{"index", choice.value("index", Json(0))}, {name, std::move(one)}, {"finish_reason", nullptr}});
      };
      const Json::json_pointer place(std::string("/choices/0/") + name);
      if (found->is_string())
        feed_text(key + name, Notation::plain, *found, alone, place);
      else
        feed_inside(*found, key + name, alone, place);
    }
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
