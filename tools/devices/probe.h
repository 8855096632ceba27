// Drivers of GPUs are opened in a process apart first, since some end the one that opens them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace hearth {

// The hidden subcommand that the other process runs.
void add_probe_gpus(CLI::App& program);

// Why this process should not open the drivers of "cuda" or "vulkan": "vulkan: a driver of Vulkan crashes when it is
// opened (Aborted)"; empty where they survived, or HEARTH_FORCE_GPUS is set.
std::string gpu_trouble(const std::string& backend);

// Throws Error where the device is a GPU and there is gpu_trouble() with its backend.
void require_sound_drivers(const std::string& device);

}  // namespace hearth
