// The printable disguise of bytes in byte-level vocabularies: each byte is one character of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hearth {

// Bytes that print in Latin-1 (33..126, 161..172, 174..255) stand for themselves; the others, in order, for U+0100 and
// on. The mapping of GPT-2's encoder, which all later vocabularies of this kind share.
std::string byte_level_text(unsigned char byte);

// The bytes that a token's text stands for. Characters outside the mapping, and bytes that are no UTF-8, stand for
// themselves.
std::string byte_level_bytes(std::string_view text);

}  // namespace hearth
