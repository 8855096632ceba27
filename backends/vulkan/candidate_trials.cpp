// A trial of the shaders that choose the largest logits.
#include <algorithm>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {

using gpu::BestCandidatesParameters, gpu::CandidatesParameters, gpu::HeaderWord;

// Of a row of two chunks, with equal values of which only the first are among the largest.
bool Trials::candidates() {
  constexpr uint32_t kWidth = 5000, kWanted = 40;
  std::vector<float> logits = uneven_values(kWidth, 3);
  for (uint32_t i = 0; i < kWidth; i += 200) logits[i] = 0.99f;
  const std::vector<uint32_t> chosen = {0, kWanted, 0};
  const TrialBatch words = TrialBatch().count(HeaderWord::chosen, 1).array(HeaderWord::chosen_rows, chosen);
  const uint32_t chunks = gpu::candidate_chunks(kWidth);
  const Buffer in = put(logits), batch = put(words.words),
               pairs = put(std::vector<uint32_t>(size_t{2} * kWanted * chunks)),
               out = put(std::vector<hearth::Candidate>(kWanted));
  run("candidates", {}, CandidatesParameters{in.address(), pairs.address(), batch.address(), kWidth, 0}, {chunks, 1});
  run("best_candidates", {}, BestCandidatesParameters{pairs.address(), out.address(), batch.address(), chunks}, {1, 1});
  std::vector<hearth::Candidate> found(kWanted), expected(kWanted);
  gpu_.download(out, 0, std::as_writable_bytes(std::span(found)));
  choose_candidates(logits, expected);
  return std::ranges::equal(found, expected, [](const hearth::Candidate& a, const hearth::Candidate& b) {
    return a.logit == b.logit && a.token == b.token;
  });
}

}  // namespace hearth::vulkan
