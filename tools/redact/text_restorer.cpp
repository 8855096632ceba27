// Looking for placeholders, and holding back their beginnings.
#include "tools/redact/text_restorer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace hearth::redact {
namespace {

std::string as_json(const std::string& text) {
  const std::string quoted = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

// The length of the longest end of `text` that is the beginning of kPlaceholderBegin.
size_t begun(std::string_view text) {
  for (size_t length = std::min(text.size(), kPlaceholderBegin.size() - 1); length > 0; --length)
    if (text.ends_with(kPlaceholderBegin.substr(0, length))) return length;
  return 0;
}

}  // namespace

std::string TextRestorer::feed(std::string_view piece) {
  held_ += piece;
  const std::string_view text = held_;
  std::string told;
  size_t at = 0;
  while (at < text.size()) {
    const size_t begin = text.find(kPlaceholderBegin, at);
    if (begin == text.npos) {
      const size_t stop = text.size() - begun(text.substr(at));
      told += text.substr(at, stop - at);
      at = stop;
      break;
    }
    told += text.substr(at, begin - at);
    at = begin;
    const std::string_view here = text.substr(at);
    const auto found = std::ranges::find_if(secrets_, [&](const auto& of) { return here.starts_with(of.first); });
    if (found != secrets_.end()) {
      told += notation_ == Notation::json ? as_json(found->second) : found->second;
      at += found->first.size();
    } else if (std::ranges::any_of(secrets_, [&](const auto& of) { return of.first.starts_with(here); })) {
      break;
    } else {
      told += here.substr(0, kPlaceholderBegin.size());
      at += kPlaceholderBegin.size();
    }
  }
  held_.erase(0, at);
  return told;
}

std::string TextRestorer::finish() { return std::exchange(held_, {}); }

}  // namespace hearth::redact
