// Bytes as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace hearth::store {

// "512 bytes", "397.8 MiB", "4.6 GiB"
std::string size_text(uint64_t bytes);

}  // namespace hearth::store
