// The reference backend: every op in plain loops over doubles. It is the specification that the others are tested by.
#pragma once

#include <memory>

#include "backends/backend.h"

namespace hearth {

// One thread, no state outside its plans.
std::unique_ptr<Device> make_reference_device();

}  // namespace hearth
