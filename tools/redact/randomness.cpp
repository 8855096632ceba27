// Classes of characters, changes between them, and entropy.
#include "tools/redact/randomness.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string>

namespace hearth::redact {
namespace {

constexpr size_t kShortestPassword = 6;

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool holds_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.find(word) != text.npos; });
}

struct Shape {
  size_t digits = 0, lower = 0, upper = 0, symbols = 0, changes = 0, letters_outside_hex = 0;
  bool identifier = true;  // a name, or names joined by ".", "::" or "->"
};

Shape shape_of(std::string_view value) {
  Shape shape;
  int before = -1;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    int kind = -1;
    if (std::isdigit(byte) != 0)
      ++shape.digits, kind = 0;
    else if (std::islower(byte) != 0)
      ++shape.lower, kind = 1;
    else if (std::isupper(byte) != 0)
      ++shape.upper, kind = 2;
    else if (c != '-' && c != '_' && c != '.' && c != '/' && c != ':')
      ++shape.symbols;
    if (std::isalpha(byte) != 0 && std::isxdigit(byte) == 0) ++shape.letters_outside_hex;
    if (std::isalnum(byte) == 0 && c != '_' && c != '.' && c != ':' && c != '>' && c != '-') shape.identifier = false;
    if (kind >= 0 && before >= 0 && kind != before) ++shape.changes;
    if (kind >= 0) before = kind;
  }
  if (!value.empty() && std::isdigit(static_cast<unsigned char>(value.front())) != 0) shape.identifier = false;
  return shape;
}

// "2026-11-25T16:00", "12.5.3", "0x1F": digits that mean a number.
bool is_date_or_version(std::string_view value) {
  const auto digit = [&](size_t i) {
    return i < value.size() && std::isdigit(static_cast<unsigned char>(value[i])) != 0;
  };
  if (digit(0) && digit(1) && digit(2) && digit(3) && value.size() > 7 && value[4] == '-' && digit(5) && digit(6))
    return true;
  return value.find_first_not_of("0123456789.xX_-:+") == value.npos;
}

}  // namespace

double entropy(std::string_view value) {
  std::array<size_t, 256> counts{};
  for (const char c : value) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(value.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool stands_for_secret(std::string_view value) {
  const bool variable = value.starts_with('$') && !(value.size() > 1 && value[1] >= '0' && value[1] <= '9');
  if (variable || value.starts_with('%') || value.starts_with('<') || value.starts_with("{{")) return true;
  if (value.starts_with("HEARTH_REDACTED_")) return true;
  const std::string words = lower(value);
  if (holds_any(words, {"example",     "changeme",   "change-me", "change_me", "placeholder", "your-",  "your_",
                        "yourkey",     "redacted",   "dummy",     "xxxx",      "****",        "....",   "todo",
                        "process.env", "os.environ", "getenv",    "secrets.",  "env.",        "config."}))
    return true;
  return std::ranges::count(value, value.front()) == static_cast<std::ptrdiff_t>(value.size());
}

bool is_word(std::string_view value) {
  const Shape shape = shape_of(value);
  if (shape.digits > 0 || shape.symbols > 0 || value.find_first_of(".:/") != value.npos) return false;
  return shape.lower == 0 || shape.upper == 0 || (shape.upper == 1 && shape.changes == 1);
}

bool is_literal(std::string_view password) {
  const size_t dollar = password.front() == '$' ? 1 : 0;
  const std::string_view name = password.substr(dollar);
  if (password.starts_with("${") || password.starts_with("$(") || password.starts_with("{") ||
      password.starts_with("<"))
    return false;
  if (password.find_first_not_of('*') == password.npos || (password.size() > 1 && password.back() == '%')) return false;
  if (password.front() == '%')
    return password.size() > 2 && std::isxdigit(static_cast<unsigned char>(password[1])) != 0 &&
           std::isxdigit(static_cast<unsigned char>(password[2])) != 0;  // "%40", but not "%s" and "%(name)s"
  if (dollar == 0 || name.empty()) return true;
  // A variable is one word; what mixes both cases with digits is none.
  const Shape shape = shape_of(name);
  if (std::isdigit(static_cast<unsigned char>(name.front())) != 0) return true;
  if (name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != name.npos)
    return true;
  return shape.digits > 0 && shape.upper > 0 && shape.lower > 0;
}

bool names_secret(std::string_view name) {
  const std::string words = lower(name);
  if (holds_any(words, {"public", "tokeniz", "max_tokens", "maxtokens", "num_tokens", "foreign_key", "primary_key",
                        "sort_key", "cache_key", "keyboard", "key_name", "secret_name", "author"}))
    return words.find("authoriz") != words.npos;
  for (const char* end : {"_url", "_path", "_file", "_type", "_count", "_name", "_length", "_len", "_size", "_limit",
                          "_expiry", "_ttl", "_header", "_field", "_id", "tokens"})
    if (words.ends_with(end)) return false;
  return holds_any(words,
                   {"secret",     "token",       "passw",       "passphrase", "pwd",        "apikey",    "api_key",
                    "api-key",    "api.key",     "access_key",  "accesskey",  "access-key", "auth",      "private_key",
                    "privatekey", "private-key", "signing",     "encryption", "master_key", "masterkey", "credential",
                    "salt",       "cookie",      "session_key", "_key",       "-key",       "passcode"});
}

bool is_secret(const Assigned& assigned) {
  const std::string_view value = assigned.value;
  if (value.size() < kShortestPassword || value.size() > 4096 || stands_for_secret(value) || is_date_or_version(value))
    return false;
  if (!names_secret(assigned.name)) return false;
  const bool passphrase = lower(assigned.name).find("passphrase") != std::string::npos;
  if (value.find(' ') != value.npos) return passphrase && value.size() >= 16;  // else it is a sentence
  const Shape shape = shape_of(value);
  const size_t letters = shape.lower + shape.upper;
  const double bits = entropy(value);
  const bool password = holds_any(lower(assigned.name), {"passw", "passphrase", "pwd", "passcode"});
  if (password) {
    // What people choose: letters with digits or symbols.
    const bool mixed = letters > 0 && (shape.digits > 0 || shape.symbols > 0);
    const bool varied = shape.digits > 0 && shape.upper > 0 && shape.lower > 0;
    if (value.size() < 8 && !assigned.quoted && !varied) return false;
    if (assigned.quoted || !shape.identifier) return mixed && bits >= 2.0;
    return mixed && shape.digits >= 2 && bits >= 2.5;
  }
  if (value.size() < 12) return false;
  if (shape.letters_outside_hex == 0)  // hexadecimal, also with dashes
    return shape.digits > 0 && letters > 0 && value.size() >= 16 && bits >= 2.5;
  if (value.find("://") != value.npos || value.starts_with('/') || value.starts_with("./")) return false;
  const double changes = static_cast<double>(shape.changes) / static_cast<double>(value.size());
  if (shape.digits == 0)
    return assigned.quoted && value.size() >= 20 && shape.upper >= 3 && shape.lower >= 3 && changes >= 0.3 &&
           bits >= 3.8;
  if (!assigned.quoted && shape.identifier) return shape.digits >= 3 && changes >= 0.35 && bits >= 3.3;
  return bits >= 3.0 && (changes >= 0.2 || shape.symbols > 0);
}

}  // namespace hearth::redact
