// By hand: from an option back to the program that it is for.
#include "tools/redact/command_lines.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "tools/redact/randomness.h"

namespace hearth::redact {
namespace {

constexpr size_t kLongestCommand = 300;  // bytes in front of an option
constexpr size_t kLongestPassword = 256, kShortestTyped = 4;

// An option that takes a password, and the programs for which it does.
struct Option {
  std::string_view name;
  bool apart;  // the value is the next word; else it stands behind the option without a space
  bool named;  // the value is NAME:PASSWORD
  std::array<std::string_view, 6> programs;
};

constexpr Option kOptions[] = {
    {"-u", true, true, {"curl"}},
    {"-u", false, true, {"curl"}},
    {"--user", true, true, {"curl"}},
    {"-U", true, true, {"curl"}},
    {"--proxy-user", true, true, {"curl"}},
    {"-p", false, false, {"mysql", "mariadb", "mycli", "sshpass", "mongo"}},
    {"-p", true, false, {"sshpass", "mongo", "docker login", "podman login", "registry login"}},
    {"-a", true, false, {"redis-cli"}},
    {"-w", true, false, {"ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"}},
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }

// The part of the command that stands in front of `at`: back to the line's beginning, but over continued lines.
std::string_view before(std::string_view text, size_t at) {
  const size_t from = at > kLongestCommand ? at - kLongestCommand : 0;
  size_t begin = at;
  for (; begin > from; --begin) {
    const char c = text[begin - 1];
    if (c == '|' || c == ';' || (c == '\n' && (begin < 2 || text[begin - 2] != '\\'))) break;
  }
  return text.substr(begin, at - begin);
}

bool calls(std::string_view command, const Option& option) {
  return std::ranges::any_of(option.programs, [&](std::string_view program) {
    return !program.empty() && command.find(program) != command.npos;
  });
}

// Where the word that begins at `at` ends; in quotes at the closing one.
size_t end_of_word(std::string_view text, size_t at, char quote) {
  const std::string_view rest = text.substr(at, kLongestPassword);
  const size_t length =
      quote != 0 ? rest.find_first_of(std::string_view{&quote, 1}) : rest.find_first_of(" \t\r\n'\"`\\|;&<>)");
  return at + std::min(length, rest.size());
}

// Rather than a number of a port or user, a variable, or a mere word: that would be replaced wherever else it stands.
bool is_typed_password(std::string_view value) {
  if (value.size() < kShortestTyped || value.find_first_not_of("0123456789:./-") == value.npos) return false;
  return !is_word(value) && !stands_for_secret(value);
}

}  // namespace

void each_command_password(std::string_view text, const std::function<void(size_t, size_t)>& found) {
  for (size_t at = 1; (at = text.find('-', at)) != text.npos; ++at) {
    if (!is_space(text[at - 1])) continue;
    for (const Option& option : kOptions) {
      if (!text.substr(at).starts_with(option.name)) continue;
      size_t value = at + option.name.size();
      if (option.apart) {
        if (value >= text.size() || (!is_space(text[value]) && text[value] != '=')) continue;
        ++value;
      }
      const char quote = value < text.size() && (text[value] == '\'' || text[value] == '"') ? text[value] : '\0';
      if (quote != 0) ++value;
      if (value >= text.size() || is_space(text[value])) continue;
      const size_t end = end_of_word(text, value, quote);
      if (option.named) {
        const size_t colon = text.substr(value, end - value).find(':');
        if (colon == text.npos) continue;
        value += colon + 1;
      }
      if (!is_typed_password(text.substr(value, end - value)) || !calls(before(text, at), option)) continue;
      found(value, end);
      at = end - 1;
      break;
    }
  }
}

}  // namespace hearth::redact
