// The prompt of a gap in a text, in the format of the model's family.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/include/hearth/hearth.h"
#include "engine/text/tokenizer/tokenizer.h"

namespace hearth {

// Whether the vocabulary has the tokens that an Infill needs: those that the file names by purpose, or else those with
// the texts of a known family.
bool has_infill(const Vocabulary& vocabulary);

// Without bos. Other files are told in the way that the family was trained on; a family without one is told none.
// Throws Error (invalid_argument) where has_infill is false.
std::vector<int32_t> infill_ids(const Infill& gap, const Tokenizer& tokenizer);

}  // namespace hearth
