// Prompts in which the client has written special tokens itself.
#pragma once

#include "tools/serve/job.h"

namespace hearth::serve {

// Turns every prompt of text into the tokens that it spells, special ones too, with bos in front where the model
// expects it.
void read_raw_prompts(const Engine& engine, Job& job);

}  // namespace hearth::serve
