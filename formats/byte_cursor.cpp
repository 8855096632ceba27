// Checked reads, and names made fit for an error of one line.
#include "formats/byte_cursor.h"

#include <bit>

#include "formats/error.h"

namespace hearth {

static_assert(std::endian::native == std::endian::little, "files are read in place");

std::string printable(std::string_view text, size_t longest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char character : text.substr(0, longest)) {
    const auto byte = static_cast<unsigned char>(character);
    const bool is_name = longest == kLongestName;
    const bool plain = byte >= 0x20 && byte != 0x7f && (!is_name || (byte < 0x7f && byte != '"' && byte != '\\'));
    if (plain) {
      result += character;
    } else {
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  if (text.size() > longest) result += "...";
  return result;
}

std::string in_quotes(std::string_view name) { return '"' + printable(name) + '"'; }

std::span<const std::byte> ByteCursor::take(uint64_t size, std::string_view what) {
  if (size > remaining()) {
    fail(std::string(what) + " needs " + std::to_string(size) + " bytes where " + std::to_string(remaining()) +
             " are left",
         position_);
  }
  const auto result = bytes_.subspan(static_cast<size_t>(position_), static_cast<size_t>(size));
  position_ += size;
  return result;
}

std::string_view ByteCursor::read_string(std::string_view what) {
  const auto length = read<uint64_t>(what);
  const auto characters = take(length, what);
  return {reinterpret_cast<const char*>(characters.data()), characters.size()};
}

void ByteCursor::fail(const std::string& what, uint64_t at) const {
  throw FileError(printable(name_, kLongestPath) + ": " + what + " at byte " + std::to_string(at));
}

}  // namespace hearth
