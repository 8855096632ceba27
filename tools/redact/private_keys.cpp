// By hand: a block that lacks its end must not make each search run to the end of the text.
#include "tools/redact/private_keys.h"

#include <algorithm>

namespace hearth::redact {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \t\r\n";
constexpr size_t kLongestLabel = 64;

// Where the dashes behind a label end; npos where there are none.
size_t after_label(std::string_view text, size_t at) {
  const size_t dashes = text.substr(at, kLongestLabel).find(kDashes);
  return dashes == text.npos ? text.npos : at + dashes + kDashes.size();
}

}  // namespace

void each_private_key(std::string_view text, const std::function<void(size_t, size_t)>& found) {
  bool may_end = true;
  for (size_t at = 0; (at = text.find(kBegin, at)) != text.npos;) {
    const size_t label = at + kBegin.size(), body = after_label(text, label);
    if (body == text.npos || text.substr(label, body - label).find("PRIVATE KEY") == text.npos) {
      at = label;
      continue;
    }
    size_t end = may_end ? text.find(kEnd, body) : text.npos;
    may_end = end != text.npos;
    if (may_end) {
      const size_t after = after_label(text, end + kEnd.size());
      end = after == text.npos ? text.size() : after;
    } else {
      end = std::min(text.find_first_not_of(kLetters, body), text.size());
    }
    found(at, end);
    at = end;
  }
}

}  // namespace hearth::redact
