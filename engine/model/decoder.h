// From a model file to a program: one decoder for every architecture.
#pragma once

#include "backends/program.h"
#include "engine/model/config.h"
#include "formats/gguf.h"

namespace hearth {

// The program of a decoder. `context`: tokens that sequences may have; LongRoPE models choose their factors by it. The
// program's weights view the file, which must outlive it. Throws FileError for a missing, superfluous or misshapen
// tensor.
Program build_decoder(const Gguf& file, const ModelConfig& config, uint32_t context);

// The same without its head: the result of a step is the normed hidden state [width] of each output.
Program without_head(const Program& decoder);

}  // namespace hearth
