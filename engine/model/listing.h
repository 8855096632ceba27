// A program as text, one line an op.
#pragma once

#include <string>
#include <vector>

#include "backends/program.h"

namespace hearth {

// For people: slots as s0[width], weights by name and format.
std::vector<std::string> list_program(const Program& program);

}  // namespace hearth
