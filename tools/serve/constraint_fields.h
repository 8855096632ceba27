// The fields that say what an answer's text must be.
#pragma once

#include "tools/serve/fields.h"
#include "tools/serve/job.h"

namespace hearth::serve {

// response_format, json_schema and grammar: at most one of them, and its name. Throws ApiError.
Constraint read_constraint(Fields& fields, std::string& field);

// Whether a constraint, or none, can be compiled: to tell whose fault an error of the engine is.
bool can_be_followed(const Constraint& constraint);

// A schema from a request's field `path`. Throws ApiError where it is neither an object nor true or false.
JsonSchema read_schema(const Json& schema, const std::string& path);

// Any JSON object.
JsonSchema any_object();

}  // namespace hearth::serve
