// Looking, naming, replacing.
#include "tools/redact/redaction.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "tools/audit/digest.h"
#include "tools/redact/shallow_json.h"

namespace hearth::redact {
namespace {

constexpr size_t kMostSecrets = 2048;                  // different ones of one request
constexpr uint64_t kMostCompared = uint64_t{1} << 33;  // bytes times secrets: some seconds
constexpr size_t kShortest = 4;                        // a shorter one is replaced nowhere else
constexpr size_t kDigits = 10;

// "github-token" -> "GITHUB_TOKEN"
std::string upper_name(const std::string& rule) {
  std::string name;
  for (const char c : rule) {
    const auto byte = static_cast<unsigned char>(c);
    name += std::isalnum(byte) != 0 ? static_cast<char>(std::toupper(byte)) : '_';
  }
  return name.substr(0, 32);
}

// Of a call's arguments, in a request in OpenAI's words.
bool is_arguments(const std::string& name) { return name == "arguments" || name == "partial_json"; }

// What holds data of somebody's, where numbers mean something: elsewhere they are the protocol's ("budget_tokens").
bool holds_data(const std::string& name) {
  constexpr std::array kNames = {"input", "arguments", "partial_json", "metadata", "enum",
                                 "const", "default",   "example",      "examples"};
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace

void Redaction::add(std::string_view secret, const std::string& rule) {
  if (secret.empty() || by_secret_.contains(std::string(secret)) || by_secret_.size() > kMostSecrets) return;
  std::string digest = audit::keyed_sha256(key_, secret).substr(0, kDigits);
  for (char& c : digest) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const std::string placeholder = std::string(kPlaceholderBegin) + upper_name(rule) + "_" + digest;
  secrets_.emplace(placeholder, secret);
  by_secret_.emplace(secret, placeholder);
  ++counts_[rule];
}

void Redaction::look_at_text(std::string_view text) {
  bytes_ += text.size();
  for (const Finder* finder : finders_)
    for (const Finding& found : finder->find(text)) add(text.substr(found.begin, found.end - found.begin), found.rule);
}

void Redaction::look_at_arguments(const std::string& text) {
  const Json parsed = parse_shallow(text);
  // Written as escapes a secret may look otherwise than it is.
  if (parsed.is_structured()) look_inside(parsed, {true, true});
  look_at_text(text);
}

void Redaction::look_inside(const Json& value, Place place) {
  if (value.is_string()) return look_at_text(value.get_ref<const std::string&>());
  if (value.is_number() && place.numbers) return look_at_text(value.dump());
  if (value.is_array())
    for (const Json& one : value) look_inside(one, place);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.items()) {
    look_at_text(name);
    if (!member.is_string()) {
      look_inside(member, {place.members, place.numbers || holds_data(name)});
      continue;
    }
    const auto& text = member.get_ref<const std::string&>();
    if (is_arguments(name)) {
      look_at_arguments(text);
      continue;
    }
    look_at_text(text);
    if (!place.members) continue;
    for (const Finder* finder : finders_)
      if (const std::string rule = finder->rule_of_member(name, text); !rule.empty()) add(text, rule);
  }
}

bool Redaction::look(const Json& body) {
  // The protocol's own members at the top ("prompt_cache_key") are no assignments, those of what it carries are.
  for (const auto& [name, member] : body.items())
    if (name != "model") {
      look_at_text(name);
      if (member.is_string())
        look_inside(Json{{name, member}}, {});
      else
        look_inside(member, {true, name == "metadata"});
    }
  return by_secret_.size() <= kMostSecrets && bytes_ * by_secret_.size() <= kMostCompared;
}

std::string Redaction::hidden(const std::string& text) const {
  struct Place {
    size_t begin, end;
    const std::string* placeholder;
  };
  std::vector<Place> places;
  for (const auto& [secret, placeholder] : by_secret_) {
    if (secret.size() < kShortest && text != secret) continue;
    for (size_t at = 0; (at = text.find(secret, at)) != text.npos; at += secret.size())
      places.push_back({at, at + secret.size(), &placeholder});
  }
  if (places.empty()) return text;
  // Of two that overlap the first, of two that begin alike the longer one; what is left of the other goes too.
  std::ranges::sort(
      places, [](const Place& a, const Place& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
  std::string result;
  size_t at = 0;
  for (const Place& place : places) {
    if (place.end <= at) continue;
    if (place.begin >= at) result += text.substr(at, place.begin - at);
    result += *place.placeholder;
    at = place.end;
  }
  return result + text.substr(at);
}

void Redaction::hide_inside(Json& value, bool numbers) const {
  if (value.is_string()) {
    value = hidden(value.get_ref<const std::string&>());
  } else if (value.is_number()) {
    if (!numbers) return;
    const std::string text = value.dump();
    if (std::string without = hidden(text); without != text) value = std::move(without);
  } else if (value.is_array()) {
    for (Json& one : value) hide_inside(one, numbers);
  } else if (value.is_object()) {
    Json without = Json::object();
    for (auto& [name, member] : value.items()) {
      if (member.is_string() && is_arguments(name)) {
        Json parsed = parse_shallow(member.get_ref<const std::string&>());
        if (parsed.is_structured()) {
          const Json before = parsed;
          hide_inside(parsed, true);
          if (parsed != before) member = parsed.dump();
        }
      }
      hide_inside(member, numbers || holds_data(name));
      without[hidden(name)] = std::move(member);
    }
    value = std::move(without);
  }
}

void Redaction::hide(Json& body) const {
  if (secrets_.empty() || !body.is_object()) return;
  Json without = Json::object();
  for (auto& [name, member] : body.items()) {
    if (name != "model") hide_inside(member, name == "metadata");
    without[name == "model" ? name : hidden(name)] = std::move(member);
  }
  body = std::move(without);
}

}  // namespace hearth::redact
