// Compressed bodies of requests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hearth::serve {

// The text of one or more zstd frames. Throws ApiError: 400 for what is none, or needs a window above 8 MiB; 413 for
// more than `most` bytes.
std::string decompress_zstd(std::string_view bytes, size_t most);

}  // namespace hearth::serve
