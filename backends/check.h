// What must hold of a program before a backend may run it without further checks.
#pragma once

#include "backends/backend.h"

namespace hearth {

// Throws DeviceError, which begins with the name of the device, naming the op and what is wrong with it: a slot, weight
// or table that does not exist, sizes that do not fit each other, bytes that are missing, a layer past the program's, a
// head that does not divide.
void check_program(const Program& program, const Limits& limits, const char* device);

}  // namespace hearth
