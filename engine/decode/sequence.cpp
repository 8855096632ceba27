// Feeding a sequence to a plan.
#include "engine/decode/sequence.h"

#include <algorithm>

namespace hearth {

Sequence::Sequence(Plan& plan, const Limits& limits) : plan_(&plan), limits_(limits) {}

uint32_t Sequence::common_prefix(std::span<const int32_t> tokens) const {
  const auto limit = std::min(tokens.size(), tokens_.size());
  return static_cast<uint32_t>(std::mismatch(tokens_.begin(), tokens_.begin() + static_cast<ptrdiff_t>(limit), tokens.begin()).first -
                               tokens_.begin());
}

void Sequence::rewind(uint32_t size) {
  if (size < tokens_.size()) tokens_.resize(size);
}

bool Sequence::append(std::span<const int32_t> tokens, std::span<const uint32_t> wanted,
                      const std::function<void(uint32_t, std::span<const float>)>& on_logits,
                      const std::function<bool()>& cancelled) {
  size_t next_wanted = 0;
  for (size_t begin = 0; begin < tokens.size();) {
    if (cancelled && cancelled()) return false;
    const size_t end = std::min<size_t>(begin + limits_.rows, tokens.size());
    Batch batch;
    batch.row_begin = {0, static_cast<uint32_t>(end - begin)};
    const auto last = static_cast<uint32_t>(tokens_.size() + end - begin - 1);
    for (uint32_t page = 0; page <= last / limits_.page_size; ++page) batch.pages.push_back(page);
    batch.page_begin = {0, static_cast<uint32_t>(batch.pages.size())};
    const size_t first_wanted = next_wanted;
    for (size_t i = begin; i < end; ++i) {
      batch.tokens.push_back(tokens[i]);
      batch.positions.push_back(static_cast<uint32_t>(tokens_.size() + i - begin));
      if (next_wanted < wanted.size() && wanted[next_wanted] == i) {
        batch.outputs.push_back(static_cast<uint32_t>(i - begin));
        ++next_wanted;
      }
    }
    plan_->submit(batch);
    const std::span<const float> logits = plan_->wait().logits;
    tokens_.insert(tokens_.end(), batch.tokens.begin(), batch.tokens.end());
    const size_t count = batch.outputs.size();
    for (size_t i = 0; i < count; ++i)
      on_logits(wanted[first_wanted + i], logits.subspan(i * (logits.size() / count), logits.size() / count));
    begin = end;
  }
  return true;
}

}  // namespace hearth
