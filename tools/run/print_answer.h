// Answers as they come, on the terminal.
#pragma once

#include "hearth/hearth.h"

namespace hearth {

// Answers a request and prints the text to standard output. What the model thinks before is printed dimmed where that
// is a terminal, else to standard error. Ends early where standard output fails. Throws Error.
Result print_answer(Engine& engine, const Request& request);

}  // namespace hearth
