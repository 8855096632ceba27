// One request without its secrets.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/redact/finder.h"
#include "tools/redact/text_restorer.h"

namespace hearth::redact {

using Json = nlohmann::ordered_json;

class Redaction {
 public:
  // The same secret gets the same placeholder under the same key; without the key nobody can tell from a placeholder
  // what it stands for. The finders must outlive this.
  Redaction(std::vector<const Finder*> finders, std::string key) : finders_(std::move(finders)), key_(std::move(key)) {}

  // Looks for secrets in all strings of a request's body but its model's name: texts, names of members, and calls'
  // arguments, which are JSON themselves; and in the numbers of what is given to tools. False where there are more than
  // it can replace in bounded time; then the body must not leave.
  bool look(const Json& body);
  // Puts placeholders where secrets were found, and wherever else in the body they stand. A number becomes a string.
  void hide(Json& body) const;
  // The same for a text.
  std::string hidden(const std::string& text) const;

  bool empty() const { return secrets_.empty(); }
  // How many different secrets were found, by rule.
  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  const Secrets& secrets() const { return secrets_; }

 private:
  void look_at_text(std::string_view text);
  // What is known of the place in a body: whether members are assignments, and whether numbers are data.
  struct Place {
    bool members = false, numbers = false;
  };

  void look_inside(const Json& value, Place place);
  void look_at_arguments(const std::string& text);
  void add(std::string_view secret, const std::string& rule);
  void hide_inside(Json& value, bool numbers) const;

  std::vector<const Finder*> finders_;
  std::string key_;
  Secrets secrets_;                               // by placeholder
  std::map<std::string, std::string> by_secret_;  // placeholders
  std::map<std::string, uint64_t> counts_;
  size_t bytes_ = 0;  // of all strings
};

}  // namespace hearth::redact
