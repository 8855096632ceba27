// Parsing with bounds.
#include "formats/json.h"

#include <set>
#include <vector>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {

Json parse_json(std::string_view text, const std::string& name) {
  std::vector<std::set<std::string>> members;  // of the objects that are open
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
    if (opens && depth >= static_cast<int>(kDeepestJson))
      throw FileError(name + ": its JSON nests deeper than " + std::to_string(kDeepestJson) + " levels");
    if (event == Json::parse_event_t::object_start) members.emplace_back();
    if (event == Json::parse_event_t::object_end) members.pop_back();
    if (event == Json::parse_event_t::key && !members.back().insert(value.get<std::string>()).second)
      throw FileError(name + ": its JSON has the member " + in_quotes(value.get<std::string>()) +
                      " twice in one object");
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    throw FileError(name + ": is no JSON at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw FileError(name + ": its JSON has a number out of range");
  }
}

}  // namespace hearth
