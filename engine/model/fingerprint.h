// Numbers that tell models apart whose keys and values differ, without reading all of them.
#pragma once

#include <cstdint>

#include "backends/program.h"
#include "formats/gguf.h"

namespace hearth {

// Of a model or an adapter: of the architecture's and the adapter's metadata, of each tensor's name, format and shape, and of samples of its bytes: eight stretches
// of 512, spread evenly, or all of a tensor that is no larger than that. Not of names, tokens and templates: those
// change what is asked, not what a token's keys and values are.
uint64_t fingerprint_model(const Gguf& file);

// Of what turns keys by their positions.
uint64_t fingerprint_angles(const Program& program);

}  // namespace hearth
