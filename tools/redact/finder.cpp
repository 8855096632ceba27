// One pass for all keys that have a form, and one for each kind that needs what stands around it.
#include "tools/redact/finder.h"

#include <re2/re2.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

#include "tools/redact/command_lines.h"
#include "tools/redact/key_patterns.h"
#include "tools/redact/plain_text.h"
#include "tools/redact/private_keys.h"
#include "tools/redact/randomness.h"

namespace hearth::redact {
namespace {

constexpr int64_t kPatternMemory = 32 << 20;  // of one automaton; with less RE2 is slower, and still linear

// A key may follow a name's "_", a line end written as an escape, or a colour of a terminal. What other escapes hide is
// seen in PlainText.
constexpr const char* kBeforeKey = R"((?:\b|_|\\[nrtbfv]|\x1b\[[0-9;?]*[A-Za-z]))";

// scheme://user: and what follows is a password, up to the last "@" of the word.
constexpr const char* kAddress = R"((?i)(?:jdbc:)?[a-z][a-z0-9+.-]*://[^\s:@/'"`<>\\\[]*:)";
constexpr std::string_view kEndsAddress = " \t\r\n\v\f'\"`<>\\";
constexpr size_t kLongestAddress = 1024;

// jdbc URLs with a password, KEY=VALUE;KEY=VALUE with one, and user:password@tcp(host). The groups are their passwords.
constexpr const char* kConnection =
    R"((?i)jdbc:[a-z0-9:]+//[^\s'"`<>\\]*password=([^\s'"`<>\\]+))"
    R"(|\b(?:server|data source|host|endpoint|user id|uid|accountname|defaultendpointsprotocol|driver|addr)=)"
    R"([^;\r\n"'`]*;(?:[^;\r\n"'`]*;)*?)"
    R"((?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)=([^;\r\n"'`\s\\]+)(?:;[^;\r\n"'`\s\\]+)*;?)"
    R"(|[a-z0-9_.-]+:([^\s'"`<>\\]{1,64})@(?:tcp[46]?|udp|unix|cloudsql[a-z-]*)\([^\s)]*\)[^\s'"`<>\\,;)]*)";

constexpr const char* kAuthorization = R"((?i)\b(?:bearer|basic)\s+([A-Za-z0-9+/=._~-]{12,}))";

// A name that may speak of a secret, what may stand between, and the beginning of a value: in quotes, or bare.
constexpr const char* kAssignment =
    R"((?i)([a-z0-9_.-]{0,64}(?:secret|token|passw|passphrase|passcode|pwd|api[._-]?key|access[_-]?key|auth|)"
    R"(private[_-]?key|signing|encryption|master[_-]?key|credential|salt|cookie|[_-]key)[a-z0-9_.-]{0,64}))"
    R"([\\"'`\[\])]{0,4}(?:\s+(?:is|was))?(?:\s{0,4}:\s{0,4}[&a-z_\[\]|<>.' ]{1,30})?\s{0,8}(?:=>|:=|==|=|:|>|,|\(|\s)\s{0,8}\\?[bru@$]?)"
    R"((?:["'`]([^"'`\r\n\\]{6})|([^\s"'`,;<>(){}\[\]\\]{6})))";

// What ends the two kinds of values, and how much of one is looked at to judge it.
constexpr std::string_view kEndsQuoted = "\"'`\r\n\\", kEndsBare = " \t\r\n\v\f\"'`,;<>(){}[]\\";
constexpr size_t kJudged = 512;

constexpr const char* kEmail =
    R"((?i)\b[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}\b)";

std::unique_ptr<RE2> compile(const std::string& pattern, const std::string& name, bool bytes) {
  RE2::Options options(bytes ? RE2::Latin1 : RE2::DefaultOptions);
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemory);
  auto compiled = std::make_unique<RE2>(pattern, options);
  if (!compiled->ok()) throw std::invalid_argument("the pattern '" + name + "' cannot be used: " + compiled->error());
  return compiled;
}

// Calls action(groups) for each match; it returns where to go on.
template <size_t Groups, class Action>
void each_match(const RE2& pattern, std::string_view text, const Action& action) {
  const re2::StringPiece whole(text.data(), text.size());
  re2::StringPiece groups[Groups];
  for (size_t at = 0; at < text.size();) {
    if (!pattern.Match(whole, at, text.size(), RE2::UNANCHORED, groups, Groups)) return;
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    at = std::max(action(groups), begin + 1);
  }
}

// "http://localhost:8080/@scope" and "postgres://$USER:$PASSWORD@host" hold no password.
bool is_given_password(std::string_view text) {
  const size_t slash = std::min(text.find_first_of("/?#"), text.size());
  const std::string_view port = text.substr(0, slash);
  if (slash == text.size()) return is_literal(text);
  if (port.empty() || port.find_first_not_of("0123456789") == port.npos) return false;
  return is_literal(port) && port.find_first_of("{$") == port.npos &&
         text.find_first_of("0123456789!#$%&*+=?^~") != text.npos;
}

// "git@github.com:", "logo@2x.png", "getty@tty1.service" are no addresses of people.
bool is_email(std::string_view match) {
  if (match.starts_with("git@") || match.starts_with("hg@")) return false;
  const std::string_view top = match.substr(match.rfind('.') + 1);
  for (const char* other :
       {"png",  "jpg",     "jpeg",   "gif",   "svg",    "webp",  "ico", "css", "js",  "ts", "mjs", "json",
        "html", "service", "socket", "timer", "target", "mount", "py",  "cpp", "hpp", "rs", "go",  "md"})
    if (top == other) return false;
  return true;
}

}  // namespace

struct Finder::State {
  struct Named {
    std::string rule;
    std::unique_ptr<RE2> pattern;
  };

  std::vector<Named> keys;  // each alone, to name what the one for all has found
  std::unique_ptr<RE2> all_keys, address, connection, authorization, assignment, email;
  std::vector<Named> users;

  void find_all(std::string_view text, std::vector<Finding>& found) const {
    find_users(text, found);
    if (all_keys) {
      find_keys(text, found);
      find_groups(text, found);
    }
    if (email) find_emails(text, found);
  }

  void find_keys(std::string_view text, std::vector<Finding>& found) const {
    each_match<2>(*all_keys, text, [&](const re2::StringPiece* groups) {
      const auto begin = static_cast<size_t>(groups[1].data() - text.data()), end = begin + groups[1].size();
      const auto named =
          std::ranges::find_if(keys, [&](const Named& key) { return RE2::FullMatch(groups[1], *key.pattern); });
      const std::string rule = named == keys.end() ? "key" : named->rule;
      // "sk-folding-cube-wrapper" is the name of a style.
      const bool word =
          rule == "openai-key" && text.substr(begin, end - begin).find_first_of("0123456789") == text.npos;
      if (!word) found.push_back({begin, end, rule});
      return end;
    });
    each_private_key(text, [&](size_t begin, size_t end) { found.push_back({begin, end, "private-key"}); });
  }

  void find_groups(std::string_view text, std::vector<Finding>& found) const {
    const auto place = [&](const re2::StringPiece& group, const char* rule) {
      const auto begin = static_cast<size_t>(group.data() - text.data());
      found.push_back({begin, begin + group.size(), rule});
      return begin + group.size();
    };
    each_match<1>(*address, text, [&](const re2::StringPiece* groups) {
      const auto begin = static_cast<size_t>(groups[0].data() - text.data()), secret = begin + groups[0].size();
      const std::string_view rest = text.substr(secret, kLongestAddress),
                             word = rest.substr(0, rest.find_first_of(kEndsAddress));
      const size_t sign = word.rfind('@');
      if (sign == word.npos || sign == 0 || !is_given_password(word.substr(0, sign))) return secret;
      const size_t end = secret + std::min(word.find_first_of(",;)", sign), word.size());
      found.push_back({begin, end, "connection-string"});
      return end;
    });
    each_match<4>(*connection, text, [&](const re2::StringPiece* groups) {
      const auto end = static_cast<size_t>(groups[0].data() - text.data()) + groups[0].size();
      const re2::StringPiece& secret = *std::find_if(groups + 1, groups + 3, [](auto& one) { return !one.empty(); });
      return is_given_password({secret.data(), secret.size()}) ? place(groups[0], "connection-string") : end;
    });
    each_command_password(text, [&](size_t begin, size_t end) {
      found.push_back({begin, end, "command-line-password"});
    });
    each_match<2>(*authorization, text, [&](const re2::StringPiece* groups) {
      const std::string_view value(groups[1].data(), groups[1].size());
      const auto end = static_cast<size_t>(value.data() - text.data()) + value.size();
      if (entropy(value) < 2.8 || value.find_first_of("0123456789=") == value.npos) return end;
      return place(groups[1], "authorization");
    });
    each_match<4>(*assignment, text, [&](const re2::StringPiece* groups) {
      const bool quoted = !groups[2].empty();
      const auto at = static_cast<size_t>((quoted ? groups[2] : groups[3]).data() - text.data());
      const std::string_view ends = quoted ? kEndsQuoted : kEndsBare, rest = text.substr(at);
      const std::string_view value = rest.substr(0, rest.substr(0, kJudged).find_first_of(ends));
      // A value that is none may hold the next name.
      if (!is_secret({{groups[1].data(), groups[1].size()}, value.substr(0, kJudged), quoted})) return at;
      const size_t end = std::min(text.find_first_of(ends, at), text.size());
      found.push_back({at, end, "assignment"});
      return end;
    });
  }

  void find_emails(std::string_view text, std::vector<Finding>& found) const {
    each_match<1>(*email, text, [&](const re2::StringPiece* groups) {
      const auto begin = static_cast<size_t>(groups[0].data() - text.data()), end = begin + groups[0].size();
      if (is_email({groups[0].data(), groups[0].size()})) found.push_back({begin, end, "email"});
      return end;
    });
  }

  void find_users(std::string_view text, std::vector<Finding>& found) const {
    for (const Named& user : users)
      each_match<1>(*user.pattern, text, [&](const re2::StringPiece* groups) {
        const auto begin = static_cast<size_t>(groups[0].data() - text.data()), end = begin + groups[0].size();
        if (end > begin) found.push_back({begin, end, user.rule});
        return end;
      });
  }
};

Finder::Finder(const FinderOptions& options) : state_(std::make_unique<State>()) {
  for (const UserPattern& user : options.patterns)
    state_->users.push_back({user.name, compile(user.pattern, user.name, false)});
  if (options.email) state_->email = compile(kEmail, "email", true);
  if (!options.secrets) return;
  std::string all;
  for (const KeyPattern& key : key_patterns()) {
    state_->keys.push_back({key.rule, compile(key.pattern, key.rule, true)});
    all += (all.empty() ? "" : "|") + std::string("(?:") + key.pattern + ")";
  }
  state_->all_keys = compile(std::string(kBeforeKey) + "(" + all + ")", "keys", true);
  state_->address = compile(kAddress, "address", true);
  state_->connection = compile(kConnection, "connection-string", true);
  state_->authorization = compile(kAuthorization, "authorization", true);
  state_->assignment = compile(kAssignment, "assignment", true);
}

Finder::~Finder() = default;

std::vector<Finding> Finder::find(std::string_view text) const {
  std::vector<Finding> found;
  if (text.size() < 4) return found;
  state_->find_all(text, found);
  if (const auto plain = PlainText::of(text)) {
    std::vector<Finding> seen;
    state_->find_all(plain->text(), seen);
    for (Finding& one : seen) {
      std::tie(one.begin, one.end) = plain->original(one.begin, one.end);
      found.push_back(std::move(one));
    }
  }
  std::ranges::stable_sort(found, {}, &Finding::begin);
  std::vector<Finding> apart;
  for (Finding& one : found) {
    if (apart.empty() || one.begin >= apart.back().end)
      apart.push_back(std::move(one));
    else
      apart.back().end = std::max(apart.back().end, one.end);
  }
  return apart;
}

std::string Finder::rule_of_member(std::string_view name, std::string_view value) const {
  return state_->all_keys && is_secret({name, value, true}) ? "assignment" : "";
}

}  // namespace hearth::redact
