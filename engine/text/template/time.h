// Dates as Python's strftime writes them.
#pragma once

#include <string>

namespace hearth {

// `format` of the local time `now`, as 2026-11-23T12:34:56; empty means the clock. English names, whatever the locale.
// TemplateError (type) for a `now` that is no time.
std::string format_time(const std::string& format, const std::string& now);

}  // namespace hearth
