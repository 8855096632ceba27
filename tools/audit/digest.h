// SHA-256, as lower-case hexadecimal digits.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace hearth::audit {

// Of bytes that come in pieces.
class Digest {
 public:
  Digest();
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;

  Digest& add(std::string_view bytes);
  // 64 digits, of what was added so far; once.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::string_view bytes);

// HMAC-SHA-256: what nobody can compute without the key.
std::string keyed_sha256(std::string_view key, std::string_view bytes);

// So many random bytes from the system.
std::string random_bytes(size_t count);

}  // namespace hearth::audit
