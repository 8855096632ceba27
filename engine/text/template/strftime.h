// The date that templates print.
#pragma once

#include <string>

namespace hearth {

// Python's strftime of a local time as 2026-11-23T12:34:56; empty means now. TemplateError (type) for another `now` and
// for a code that it does not know.
std::string format_time(const std::string& format, const std::string& now);

}  // namespace hearth
