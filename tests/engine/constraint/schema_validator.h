// A small validator of JSON Schema for tests, which shares nothing with the code that it judges.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

namespace hearth {

class SchemaValidator {
 public:
  explicit SchemaValidator(nlohmann::json schema) : root_(std::move(schema)) {}
  bool fits(const nlohmann::json& value) const { return fits(value, root_); }

 private:
  using Json = nlohmann::json;

  static bool is_type(const Json& value, const std::string& name) {
    if (name == "null") return value.is_null();
    if (name == "boolean") return value.is_boolean();
    if (name == "string") return value.is_string();
    if (name == "array") return value.is_array();
    if (name == "object") return value.is_object();
    if (name == "number") return value.is_number();
    return value.is_number_integer() || (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  }
  static size_t length(const std::string& text) {
    size_t characters = 0;
    for (const char c : text) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return characters;
  }
  static bool search(const std::string& text, const std::string& pattern) {
    return std::regex_search(text, std::regex(pattern, std::regex::ECMAScript));
  }

  static bool has_format(const std::string& text, const std::string& format) {
    if (format == "date") return is_date(text);
    if (format == "time") return is_time(text);
    if (format == "date-time")
      return text.size() > 11 && text[10] == 'T' && is_date(text.substr(0, 10)) && is_time(text.substr(11));
    if (format == "uuid") return search(text, "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$");
    if (format == "ipv4") {
      std::smatch parts;
      if (!std::regex_match(text, parts, std::regex("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})"))) return false;
      for (size_t i = 1; i <= 4; ++i)
        if (std::stoi(parts[i]) > 255 || (parts[i].length() > 1 && parts[i].str()[0] == '0')) return false;
      return true;
    }
    if (format == "email") return search(text, "^[^@\\s\"]+@([A-Za-z0-9-]+\\.)+[A-Za-z0-9-]+$");
    if (format == "uri") return search(text, "^[A-Za-z][A-Za-z0-9+.-]*:[^\\s\"<>\\\\^`{|}]*$");
    return true;
  }
  static bool is_date(const std::string& text) {
    std::smatch parts;
    if (!std::regex_match(text, parts, std::regex("(\\d{4})-(\\d\\d)-(\\d\\d)"))) return false;
    const int year = std::stoi(parts[1]), month = std::stoi(parts[2]), day = std::stoi(parts[3]);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int days[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
  }
  static bool is_time(const std::string& text) {
    std::smatch parts;
    if (!std::regex_match(text, parts, std::regex("(\\d\\d):(\\d\\d):(\\d\\d)(\\.\\d+)?(Z|[+-](\\d\\d):(\\d\\d))")))
      return false;
    return std::stoi(parts[1]) < 24 && std::stoi(parts[2]) < 60 && std::stoi(parts[3]) < 60 &&
           (parts[5] == "Z" || (std::stoi(parts[6]) < 24 && std::stoi(parts[7]) < 60));
  }

  bool fits(const Json& value, const Json& schema) const {
    if (schema.is_boolean()) return schema.get<bool>();
    std::set<std::string> evaluated;
    return fits(value, schema, evaluated);
  }

  // evaluated: names of members that something in place has looked at.
  bool fits(const Json& value, const Json& schema, std::set<std::string>& evaluated) const {
    if (schema.is_boolean()) return schema.get<bool>();
    const auto in_place = [&](const Json& other) {
      std::set<std::string> more;
      if (!fits(value, other, more)) return false;
      evaluated.insert(more.begin(), more.end());
      return true;
    };
    if (schema.contains("$ref")) {
      const std::string reference = schema["$ref"];
      if (!in_place(reference == "#" ? root_ : root_.at(Json::json_pointer(reference.substr(1))))) return false;
    }
    if (schema.contains("allOf"))
      for (const Json& one : schema["allOf"])
        if (!in_place(one)) return false;
    for (const char* keyword : {"anyOf", "oneOf"})
      if (schema.contains(keyword)) {
        int count = 0;
        for (const Json& one : schema[keyword]) count += in_place(one);
        if (count == 0 || (std::string(keyword) == "oneOf" && count > 1)) return false;
      }
    if (schema.contains("type")) {
      const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
      bool any = false;
      for (const std::string name : types) any = any || is_type(value, name);
      if (!any) return false;
    }
    if (schema.contains("const") && value != schema["const"]) return false;
    if (schema.contains("enum") &&
        std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
      return false;
    return fits_number(value, schema) && fits_string(value, schema) && fits_array(value, schema) &&
           fits_object(value, schema, evaluated);
  }

  static bool fits_number(const Json& value, const Json& schema) {
    if (!value.is_number()) return true;
    const auto number = value.get<double>();
    return number >= schema.value("minimum", -HUGE_VAL) && number <= schema.value("maximum", HUGE_VAL) &&
           !(schema.contains("exclusiveMinimum") && number <= schema["exclusiveMinimum"].get<double>()) &&
           !(schema.contains("exclusiveMaximum") && number >= schema["exclusiveMaximum"].get<double>());
  }
  static bool fits_string(const Json& value, const Json& schema) {
    if (!value.is_string()) return true;
    const std::string text = value;
    return length(text) >= schema.value("minLength", size_t{0}) &&
           length(text) <= schema.value("maxLength", SIZE_MAX) &&
           (!schema.contains("pattern") || search(text, schema["pattern"])) &&
           (!schema.contains("format") || has_format(text, schema["format"]));
  }
  bool fits_array(const Json& value, const Json& schema) const {
    if (!value.is_array()) return true;
    if (value.size() < schema.value("minItems", size_t{0}) || value.size() > schema.value("maxItems", SIZE_MAX))
      return false;
    const Json first = schema.value("prefixItems", Json::array());
    for (size_t i = 0; i < value.size(); ++i) {
      if (i < first.size() && !fits(value[i], first[i])) return false;
      if (i >= first.size() && schema.contains("items") && !fits(value[i], schema["items"])) return false;
    }
    return true;
  }
  bool fits_object(const Json& value, const Json& schema, std::set<std::string>& evaluated) const {
    if (!value.is_object()) return true;
    if (value.size() < schema.value("minProperties", size_t{0}) ||
        value.size() > schema.value("maxProperties", SIZE_MAX))
      return false;
    for (const std::string name : schema.value("required", Json::array()))
      if (!value.contains(name)) return false;
    for (const auto& [name, one] : value.items()) {
      if (schema.contains("propertyNames") && !fits(Json(name), schema["propertyNames"])) return false;
      bool known = false;
      if (schema.contains("properties") && schema["properties"].contains(name)) {
        known = true;
        if (!fits(one, schema["properties"][name])) return false;
      }
      if (schema.contains("patternProperties"))
        for (const auto& [pattern, other] : schema["patternProperties"].items())
          if (search(name, pattern)) {
            known = true;
            if (!fits(one, other)) return false;
          }
      if (!known && schema.contains("additionalProperties")) {
        known = true;
        if (!fits(one, schema["additionalProperties"])) return false;
      }
      if (known) evaluated.insert(name);
    }
    if (schema.contains("unevaluatedProperties"))
      for (const auto& [name, one] : value.items())
        if (!evaluated.contains(name) && !fits(one, schema["unevaluatedProperties"])) return false;
    return true;
  }

  Json root_;
};

}  // namespace hearth
