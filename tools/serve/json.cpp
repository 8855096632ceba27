// Parsing under limits.
#include "tools/serve/json.h"

#include <ctime>
#include <vector>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

class Limits {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json&) {
    using Kind = Json::parse_event_t;
    if (++values_ > kJsonValues) throw invalid_request("the JSON body holds too many values");
    if (event == Kind::object_start || event == Kind::array_start) {
      if (depth >= kJsonDepth)
        throw invalid_request("the JSON body is nested deeper than " + std::to_string(kJsonDepth) + " levels");
      keys_.push_back(0);
    } else if (event == Kind::object_end || event == Kind::array_end) {
      keys_.pop_back();
    } else if (event == Kind::key && ++keys_.back() > kJsonKeys) {
      throw invalid_request("an object in the JSON body has more than " + std::to_string(kJsonKeys) + " keys");
    }
    return true;
  }

 private:
  size_t values_ = 0;
  std::vector<size_t> keys_;  // of the objects and arrays that are open
};

}  // namespace

Json parse_value(std::string_view body) {
  Json parsed;
  try {
    parsed =
        Json::parse(body.begin(), body.end(),
                    [limits = std::make_shared<Limits>()](int depth, Json::parse_event_t event, const Json& value) {
                      return (*limits)(depth, event, value);
                    });
  } catch (const Json::exception& error) {
    // Its words quote the body after a colon; only the place is told.
    const std::string what = error.what();
    const size_t from = what.find("at line"), to = what.find(':', from);
    throw invalid_request("the body is not valid JSON" +
                          (from == what.npos ? "" : " (" + what.substr(from, to - from) + ")"));
  }
  return parsed;
}

Json parse_object(std::string_view body) {
  Json parsed = parse_value(body);
  if (!parsed.is_object()) throw invalid_request("the body must be a JSON object");
  return parsed;
}

const Json* member_of(const Json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string member_text(const Json& object, const char* name) {
  const Json* found = member_of(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

uint64_t member_count(const Json& object, const char* name, uint64_t otherwise) {
  const Json* found = member_of(object, name);
  return found != nullptr && found->is_number_unsigned() ? found->get<uint64_t>() : otherwise;
}

std::string to_text(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string utc_time(int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string to_event(const Json& value) { return "data: " + to_text(value) + "\n\n"; }

}  // namespace hearth::serve
