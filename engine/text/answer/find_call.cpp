// The shape of a call's body: what stands between the known name, keys and values.
#include <algorithm>
#include <array>

#include "engine/text/answer/call_reader.h"
#include "engine/text/answer/json_scanner.h"
#include "engine/text/answer/learn.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

bool are_arguments(const Value& value) {
  const Value* text = value.find(probe::kTextKey);
  const Value* number = value.find(probe::kNumberKey);
  return text && text->is_string() && text->string() == probe::kText && number && number->is_number();
}

// The JSON value at `begin`; undefined where there is none.
Value json_at(std::string_view text, size_t begin, size_t& end) {
  end = json_end(text, begin);
  if (end == std::string_view::npos) return {};
  try {
    return parse_json(text.substr(begin, end - begin));
  } catch (const TemplateError&) {
    return {};
  }
}

// Whether the value is the probe's arguments, as an object or as a string of one.
bool holds_arguments(const Value& value) {
  if (!value.is_string()) return are_arguments(value);
  size_t end = 0;
  return are_arguments(json_at(value.string(), 0, end));
}

std::optional<FoundCall> find_object(std::string_view text, size_t start, std::string_view name, size_t at) {
  for (size_t begin = text.rfind('{', at); begin != text.npos && begin >= start;
       begin = begin == 0 ? text.npos : text.rfind('{', begin - 1)) {
    FoundCall found;
    const Value value = json_at(text, begin, found.end);
    if (!value.is_dict() || found.end < at) continue;
    found.begin = begin;
    std::string name_key, arguments_key;
    for (const auto& [key, item] : value.dict().items) {
      if (!key.is_string()) continue;
      if (item.is_string() && item.string().ends_with(name)) name_key = key.string();
      if (holds_arguments(item)) arguments_key = key.string();
    }
    found.format.body = CallFormat::Body::object;
    if (arguments_key.empty()) continue;
    found.format.name_is_key = arguments_key == name;
    if (name_key.empty() && !found.format.name_is_key) continue;
    if (!name_key.empty()) found.format.name_key = name_key;
    found.format.arguments_key = arguments_key;
    return found;
  }
  return std::nullopt;
}

std::optional<FoundCall> find_named(std::string_view text, std::string_view name, size_t at) {
  const size_t behind = at + name.size();
  const size_t key = text.find(probe::kTextKey, behind);
  if (key == text.npos) return std::nullopt;
  for (size_t begin = text.find_first_of("{\"", behind); begin < key; begin = text.find_first_of("{\"", begin + 1)) {
    FoundCall found;
    if (!holds_arguments(json_at(text, begin, found.end))) continue;
    found.begin = at;
    found.format.body = CallFormat::Body::named;
    std::string_view between = text.substr(behind, begin - behind);
    found.format.written.name_end = between;
    if (between.starts_with(":")) {  // an index belongs to the name
      const size_t digits = between.find_first_not_of("0123456789", 1);
      if (digits != between.npos && digits > 1) between.remove_prefix(digits);
    }
    if (const size_t id = between.find(Prober::kFirstId); id != between.npos) {
      found.format.name_end = split_words(between.substr(0, id));
      found.format.name_end.emplace_back(kAnyWord);
      between.remove_prefix(id + Prober::kFirstId.size());
    }
    for (std::string& word : split_words(between)) found.format.name_end.push_back(std::move(word));
    return found;
  }
  return std::nullopt;
}

std::optional<FoundCall> find_parameters(std::string_view text, std::string_view name, size_t at) {
  const size_t behind = at + name.size();
  const size_t key = text.find(probe::kTextKey, behind);
  if (key == text.npos) return std::nullopt;
  const size_t value = text.find(probe::kText, key + probe::kTextKey.size());
  if (value == text.npos) return std::nullopt;
  const size_t second_key = text.find(probe::kNumberKey, value + probe::kText.size());
  if (second_key == text.npos) return std::nullopt;
  const size_t second_value = text.find(probe::kNumber, second_key + probe::kNumberKey.size());
  if (second_value == text.npos) return std::nullopt;
  const std::string_view to_key = text.substr(behind, key - behind);
  const std::string_view to_value = text.substr(key + probe::kTextKey.size(), value - key - probe::kTextKey.size());
  const std::string_view to_next = text.substr(value + probe::kText.size(), second_key - value - probe::kText.size());
  const std::string_view to_number =
      text.substr(second_key + probe::kNumberKey.size(), second_value - second_key - probe::kNumberKey.size());
  FoundCall found;
  found.begin = at;
  found.end = second_value + probe::kNumber.size();
  CallFormat& format = found.format;
  if (trim(to_key) == "(" && trim(to_number) == "=") {
    const size_t close = text.find(')', found.end);
    if (close == text.npos) return std::nullopt;
    format.body = CallFormat::Body::python;
    found.end = close + 1;
    return found;
  }
  const size_t open = common_end(to_key, to_next);
  format.body = CallFormat::Body::parameters;
  format.written = {.open = {},
                    .name_end = std::string(to_key.substr(0, to_key.size() - open)),
                    .parameter_open = std::string(to_key.substr(to_key.size() - open)),
                    .key_end = std::string(to_value),
                    .plain_key_end = std::string(to_number),
                    .parameter_close = std::string(to_next.substr(0, to_next.size() - open)),
                    .call_close = {}};
  format.name_end = split_words(to_key.substr(0, to_key.size() - open));
  format.parameter_open = split_words(to_key.substr(to_key.size() - open));
  const std::string_view close = to_next.substr(0, to_next.size() - open);
  format.parameter_close = split_words(close);
  format.key_end = split_words(to_value);
  format.plain_key_end = split_words(to_number);
  format.own_lines = to_value.ends_with('\n') && close.starts_with('\n');
  const auto is_marker = [](const Words& words) {
    return !words.empty() && words.front().find_first_of("<[abcdefghijklmnopqrstuvwxyz") != std::string::npos;
  };
  if (!is_marker(format.parameter_open) || format.parameter_close.empty() || format.key_end.empty() ||
      format.plain_key_end.empty())
    return std::nullopt;
  const WordsMatch match = match_words(text, found.end, format.parameter_close);
  if (match.kind == WordsMatch::Kind::yes) found.end = match.end;
  return found;
}

}  // namespace

std::optional<FoundCall> find_call(std::string_view text, size_t start, std::string_view name) {
  const size_t at = text.find(name, start);
  if (at == text.npos) return std::nullopt;
  if (auto found = find_object(text, start, name, at)) return found;
  if (auto found = find_named(text, name, at)) return found;
  return find_parameters(text, name, at);
}

}  // namespace hearth
