// The searching encoders of the coded formats. Private to quant.
#pragma once

#include "quant/coded_blocks.h"

namespace hearth {

// values: [kSize] of the block; worth: [kSize], what the squared error of each value counts, more than 0.
void search(const float* values, const float* worth, BlockIQ1_S& block) noexcept;
void search(const float* values, const float* worth, BlockIQ1_M& block) noexcept;
void search(const float* values, const float* worth, BlockIQ2_XXS& block) noexcept;
void search(const float* values, const float* worth, BlockIQ2_XS& block) noexcept;
void search(const float* values, const float* worth, BlockIQ2_S& block) noexcept;
void search(const float* values, const float* worth, BlockIQ3_XXS& block) noexcept;
void search(const float* values, const float* worth, BlockIQ3_S& block) noexcept;
void search(const float* values, const float* worth, BlockTQ1_0& block) noexcept;
void search(const float* values, const float* worth, BlockTQ2_0& block) noexcept;
void search(const float* values, const float* worth, BlockNVFP4& block) noexcept;

}  // namespace hearth
