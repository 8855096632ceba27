// The batch as kernels read it: a header of words, then arrays that it gives the places of. See
// kernels/gpu/parameters.h.
#pragma once

#include "kernels/cuda/read.h"
#include "kernels/gpu/parameters.h"

namespace hearth::cuda {

using Header = gpu::HeaderWord;

// No kernel writes it: it may be read before wait_for_kernel_before(), see there.
class BatchWords {
 public:
  HEARTH_DEVICE explicit BatchWords(Address place) : words_(global<const uint32_t>(place)) {}

  HEARTH_DEVICE uint32_t word(uint32_t which) const { return load_early(words_ + which); }
  // Of the array whose place word `which` says.
  HEARTH_DEVICE uint32_t at(uint32_t which, uint32_t index) const { return load_early(words_ + (word(which) + index)); }
  HEARTH_DEVICE uint32_t rows() const { return word(Header::rows); }

  // The place of a position of a sequence, of all positions of the cache.
  HEARTH_DEVICE uint64_t cell_of(uint32_t sequence, uint32_t position, uint32_t page_size) const {
    const uint32_t page = at(Header::pages, at(Header::page_begin, sequence) + position / page_size);
    return static_cast<uint64_t>(page) * page_size + position % page_size;
  }
  // How much of an adapter the sequence of a row has.
  HEARTH_DEVICE float adapter_scale(uint32_t sequences_at, uint32_t row, uint32_t adapters, uint32_t adapter) const {
    if (word(Header::adapter_scales) == 0) return 0;
    return float_of(at(Header::adapter_scales, at(sequences_at, row) * adapters + adapter));
  }

 private:
  Global<const uint32_t> words_;
};

}  // namespace hearth::cuda
