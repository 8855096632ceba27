// Reading the schemas of tools as far as untyped formats need them.
#include "engine/text/answer/tools.h"

#include "engine/text/answer/json_scanner.h"
#include "engine/text/answer/words.h"
#include "engine/text/template/error.h"
#include "engine/text/template/json.h"

namespace hearth {
namespace {

using namespace json_kind;

constexpr int kDeepestSchema = 8;

uint8_t kind_named(std::string_view name) {
  if (name == "string") return kString;
  if (name == "number" || name == "integer") return kNumber;
  if (name == "boolean") return kBoolean;
  if (name == "null") return kNull;
  if (name == "object") return kObject;
  return name == "array" ? kArray : kAny;
}

uint8_t kind_of_value(const Value& value) {
  if (value.is_string()) return kString;
  if (value.is(Value::Kind::boolean)) return kBoolean;
  if (value.is_number()) return kNumber;
  if (value.is_dict()) return kObject;
  return value.is_list() ? kArray : kNull;
}

uint8_t kinds_of_schema(const Value& schema, int depth) {
  if (depth > kDeepestSchema) return kAny;
  if (const Value* type = schema.find("type")) {
    if (type->is_string()) return kind_named(type->string());
    uint8_t kinds = 0;
    if (type->is_list())
      for (const Value& one : type->list().items)
        if (one.is_string()) kinds |= kind_named(one.string());
    return kinds != 0 ? kinds : kAny;
  }
  uint8_t kinds = 0;
  if (const Value* one = schema.find("const")) return kind_of_value(*one);
  if (const Value* list = schema.find("enum"); list && list->is_list())
    for (const Value& one : list->list().items) kinds |= kind_of_value(one);
  for (const char* key : {"anyOf", "oneOf"})
    if (const Value* list = schema.find(key); list && list->is_list())
      for (const Value& one : list->list().items) kinds |= kinds_of_schema(one, depth + 1);
  return kinds != 0 ? kinds : kAny;
}

}  // namespace

Tools::Tools(const Value& list) {
  if (!list.is_list()) return;
  for (const Value& tool : list.list().items) {
    const Value* function = tool.find("function");
    if (function == nullptr) function = &tool;
    const Value* name = function->find("name");
    const Value* parameters = function->find("parameters");
    if (name && name->is_string()) tools_.emplace_back(name->string(), parameters ? *parameters : Value(Dict()));
  }
}

const Value* Tools::find(std::string_view name) const {
  for (const auto& [known, schema] : tools_)
    if (known == name) return &schema;
  return nullptr;
}

uint8_t Tools::kinds(std::string_view tool, std::string_view parameter) const {
  const Value* schema = find(tool);
  const Value* properties = schema ? schema->find("properties") : nullptr;
  const Value* property = properties ? properties->find(parameter) : nullptr;
  return property ? kinds_of_schema(*property, 0) : kAny;
}

std::string parameter_json(std::string_view text, uint8_t kinds) {
  if (kinds == kString) return quoted_json(text);
  std::string_view candidate = trim(text);
  // Templates that print values as Python does teach models these.
  if (candidate == "True") candidate = "true";
  if (candidate == "False") candidate = "false";
  if (candidate == "None") candidate = "null";
  try {
    const uint8_t kind = kind_of_value(parse_json(candidate, JsonScanner::kMostDepth));
    if ((kind & kinds) != 0 && !(kind == kString && kinds == kAny)) return std::string(candidate);
  } catch (const TemplateError&) {  // then it is a string
  }
  return quoted_json(text);
}

}  // namespace hearth
