// By hand: a block that lacks its end must not make each search run to the end of the text.
#include "tools/redact/private_keys.h"

#include <algorithm>
#include <cctype>

namespace hearth::redact {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\\ \t\r\n";
constexpr size_t kLongestLabel = 64;
constexpr size_t kCertainlyKey = 24;  // so many letters in a row are no word

// Where the dashes behind a label end; npos where there are none.
size_t after_label(std::string_view text, size_t at) {
  const size_t dashes = text.substr(at, kLongestLabel).find(kDashes);
  return dashes == text.npos ? text.npos : at + dashes + kDashes.size();
}

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/' || c == '='; }

// The end of the line that begins at `at`, and where the next one begins; also of lines that end by "\n" in a string.
struct Line {
  size_t end, next;
};
Line line_at(std::string_view text, size_t at) {
  for (size_t i = at; i < text.size(); ++i) {
    if (text[i] == '\n') return {i, i + 1};
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == 'n' || text[i + 1] == 'r')) return {i, i + 2};
  }
  return {text.size(), text.size()};
}

enum class Kind { key, nothing, header, other };

// Around a key's letters may stand numbers of lines, quotes, marks of quoting and of comments.
Kind kind_of(std::string_view line) {
  size_t words = 0, longest = 0;
  for (size_t at = 0; at < line.size();) {
    if (!is_letter(line[at])) {
      ++at;
      continue;
    }
    size_t end = at;
    bool number = true, sign = true;
    for (; end < line.size() && is_letter(line[end]); ++end) {
      const auto byte = static_cast<unsigned char>(line[end]);
      number = number && std::isdigit(byte) != 0;
      sign = sign && std::isalnum(byte) == 0;
    }
    if (!number && !sign) {
      ++words;
      longest = std::max(longest, end - at);
    }
    at = end;
  }
  if (longest >= kCertainlyKey || words == 1) return Kind::key;
  if (words == 0) return Kind::nothing;
  return line.find(": ") != line.npos ? Kind::header : Kind::other;
}

// How far a block without an end goes: its headers ("Proc-Type: 4,ENCRYPTED"), and lines of letters.
size_t end_of_lines(std::string_view text, size_t body) {
  constexpr int kMostHeaders = 8;
  size_t end = body;
  int headers = 0;
  bool begun = false;
  for (size_t at = body; at < text.size();) {
    const Line line = line_at(text, at);
    const Kind kind = kind_of(text.substr(at, line.end - at));
    if (kind == Kind::other || (kind == Kind::header && (begun || ++headers > kMostHeaders))) break;
    begun |= kind == Kind::key;
    if (kind == Kind::key || kind == Kind::header) end = line.end;
    at = line.next;
  }
  return end;
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
      const size_t letters = std::min(text.find_first_not_of(kLetters, body), text.size());
      end = std::max(letters, end_of_lines(text, body));
    }
    found(at, end);
    at = end;
  }
}

}  // namespace hearth::redact
