// The model that is compiled into the program.
#include "tools/command.h"

extern "C" const std::byte hearth_builtin_model_begin[], hearth_builtin_model_end[];

namespace hearth {

std::span<const std::byte> builtin_model() { return {hearth_builtin_model_begin, hearth_builtin_model_end}; }

}  // namespace hearth
