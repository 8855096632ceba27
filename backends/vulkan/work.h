// How much work steps are, so that what is handed to a device at once stays short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace hearth::vulkan {

// Most work of one submission, where it has more than one step: a tenth of a second of a small GPU's. Drivers take a
// device that is at one submission for seconds for one that hangs, and reset it; where it also draws a desktop, that
// stands still as long.
inline constexpr uint64_t kWorkOfSubmission = 4'000'000'000;

// One step that is more than this many times that is cut along the y of its grid, where its shader lets it be.
inline constexpr uint64_t kSubmissionsOfStep = 8;

// Whether workgroups of a shader may be run some at a time, as those of shaders with much work.
bool is_divisible(std::string_view shader);

// Multiply-adds of one workgroup of a shader with these constants that is told `push`, or what takes about as long; an
// estimate.
uint64_t work_of_group(std::string_view shader, std::span<const uint32_t> constants, std::span<const std::byte> push);

}  // namespace hearth::vulkan
