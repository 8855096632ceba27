// Python's two ways to put values into a text.
#pragma once

#include <string>

#include "engine/text/template/arguments.h"

namespace hearth {

class Interpreter;

// "%s of %d" % values. A list is one value, a tuple several, a dict those named as in "%(name)s".
std::string format_percent(Interpreter& in, const std::string& pattern, const Value& values);
// "{} {name} {0[key].attribute:>10}".format(...). Throws TemplateError.
std::string format_braces(Interpreter& in, const std::string& pattern, const Arguments& arguments);

}  // namespace hearth
