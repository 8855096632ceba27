// The searching encoders of blocks of 256. Private to quant.
#pragma once

#include "quant/blocks.h"

namespace hearth {

// values: [256]; worth: [256], what the squared error of each value counts, more than 0.
void search(const float* values, const float* worth, BlockQ2_K& block) noexcept;
void search(const float* values, const float* worth, BlockQ3_K& block) noexcept;
void search(const float* values, const float* worth, BlockQ4_K& block) noexcept;
void search(const float* values, const float* worth, BlockQ5_K& block) noexcept;
void search(const float* values, const float* worth, BlockQ6_K& block) noexcept;
void search(const float* values, const float* worth, BlockIQ4_XS& block) noexcept;

}  // namespace hearth
