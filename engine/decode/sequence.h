// One sequence of tokens in a plan's cache.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "backends/backend.h"

namespace hearth {

// Keeps what the cache holds between requests, so that a prompt that begins as the last one did costs only its end.
// One thread at a time; the plan must outlive it.
class Sequence {
 public:
  Sequence(Plan& plan, const Limits& limits);

  uint32_t capacity() const { return limits_.pages * limits_.page_size; }
  const std::vector<int32_t>& tokens() const { return tokens_; }

  // How many of `tokens` are in the cache from the beginning.
  uint32_t common_prefix(std::span<const int32_t> tokens) const;
  void rewind(uint32_t size);  // forgets all but the first `size` tokens

  // Appends tokens (at least one, and not past the capacity) in batches of at most limits.rows. Calls `on_logits(index,
  // logits)` for each index in `wanted` (rising, into `tokens`). `cancelled`, where given, is asked before each batch;
  // returns false where it said so, with the batches before it appended.
  bool append(std::span<const int32_t> tokens, std::span<const uint32_t> wanted,
              const std::function<void(uint32_t, std::span<const float>)>& on_logits,
              const std::function<bool()>& cancelled = {});

 private:
  Plan* plan_;
  Limits limits_;
  std::vector<int32_t> tokens_;
};

}  // namespace hearth
