// The tools that a conversation offers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text/template/value.h"

namespace hearth {

// Kinds of JSON values, as bits.
namespace json_kind {
inline constexpr uint8_t kString = 1, kNumber = 2, kBoolean = 4, kNull = 8, kObject = 16, kArray = 32;
inline constexpr uint8_t kAny = 63;
}  // namespace json_kind

class Tools {
 public:
  Tools() = default;
  // From the list of an OpenAI request; what is no function there is left out.
  explicit Tools(const Value& list);

  bool empty() const { return tools_.empty(); }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  // The schema of a tool's parameters; null for an unknown tool.
  const Value* find(std::string_view name) const;
  // Which kinds of values a parameter may have, as json_kind; kAny where the schema does not say.
  uint8_t kinds(std::string_view tool, std::string_view parameter) const;
  const std::vector<std::pair<std::string, Value>>& all() const { return tools_; }

 private:
  std::vector<std::pair<std::string, Value>> tools_;  // name, schema of the parameters
};

// What a parameter's text means as JSON, where only these kinds are allowed: a string where it can be nothing else.
std::string parameter_json(std::string_view text, uint8_t kinds);

}  // namespace hearth
