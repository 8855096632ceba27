// From JSON to Constraint.
#include "tools/serve/constraint_fields.h"

#include "engine/decode/constraint/constraint_cache.h"

namespace hearth::serve {
namespace {

Constraint read_response_format(const Json& format) {
  Fields inside(format, "response_format");
  const std::string type = inside.text("type").value_or("");
  if (type == "text") return {};
  if (type == "json_object") {
    const Json* schema = inside.find("schema");
    return schema == nullptr ? any_object() : read_schema(*schema, "response_format.schema");
  }
  if (type != "json_schema") refuse("response_format.type", "text, json_object or json_schema");
  if (const Json* schema = inside.find("schema")) return read_schema(*schema, "response_format.schema");
  Fields definition(inside.required("json_schema"), "response_format.json_schema");
  const Json* schema = definition.find("schema");
  return schema == nullptr ? any_object() : read_schema(*schema, "response_format.json_schema.schema");
}

}  // namespace

JsonSchema any_object() { return {R"({"type":"object"})"}; }

JsonSchema read_schema(const Json& schema, const std::string& path) {
  if (!schema.is_object() && !schema.is_boolean()) refuse(path, "a JSON Schema, an object");
  return {to_text(schema)};
}

bool can_be_followed(const Constraint& constraint) {
  try {
    ConstraintCache(1, 0).find(constraint);
    return true;
  } catch (const Error&) {
    return false;
  }
}

Constraint read_constraint(Fields& fields, std::string& field) {
  Constraint constraint;
  const auto set = [&](Constraint one, const char* name) {
    if (!std::holds_alternative<std::monostate>(constraint))
      throw invalid_request(std::string("'") + name + "' cannot be had together with another constraint", name,
                            "invalid_value");
    constraint = std::move(one);
    field = name;
  };
  if (const Json* format = fields.find("response_format")) set(read_response_format(*format), "response_format");
  if (const Json* schema = fields.find("json_schema"); schema != nullptr && !(schema->is_object() && schema->empty()))
    set(read_schema(*schema, "json_schema"), "json_schema");
  if (const auto grammar = fields.text("grammar"); grammar && !grammar->empty()) set(Grammar{*grammar}, "grammar");
  return constraint;
}

}  // namespace hearth::serve
