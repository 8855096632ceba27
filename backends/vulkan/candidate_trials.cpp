// A trial of the shaders that choose the largest logits.
#include <algorithm>
#include <limits>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {

using gpu::BestCandidatesParameters, gpu::CandidatesParameters, gpu::HeaderWord;

// Of rows of two chunks, with equal values of which only the first are among the largest, and one that is no number.
bool Trials::candidates() {
  constexpr uint32_t kWidth = 5000, kFew = 3, kWanted = 40, kAll = kFew + kWanted;
  std::vector<float> logits = uneven_values(size_t{2} * kWidth, 3);
  for (uint32_t i = 0; i < 2 * kWidth; i += 200) logits[i] = 0.99f;
  logits[400] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<uint32_t> chosen = {1, kFew, 0, 0, kWanted, kFew};
  const TrialBatch words = TrialBatch().count(HeaderWord::chosen, 2).array(HeaderWord::chosen_rows, chosen);
  const uint32_t chunks = gpu::candidate_chunks(kWidth);
  const Buffer in = put(logits), batch = put(words.words),
               pairs = put(std::vector<uint32_t>(size_t{2} * kAll * chunks)),
               out = put(std::vector<hearth::Candidate>(kAll));
  run("candidates", {}, CandidatesParameters{in.address(), pairs.address(), batch.address(), kWidth, 0}, {chunks, 2});
  run("best_candidates", {}, BestCandidatesParameters{pairs.address(), out.address(), batch.address(), chunks}, {1, 2});
  const std::vector<hearth::Candidate> found = values_of<hearth::Candidate>(out);
  std::vector<hearth::Candidate> expected(kAll);
  const std::span all(logits);
  choose_candidates(all.subspan(kWidth), std::span(expected).first(kFew));
  choose_candidates(all.first(kWidth), std::span(expected).subspan(kFew));
  return std::ranges::equal(found, expected, [](const hearth::Candidate& a, const hearth::Candidate& b) {
    return a.logit == b.logit && a.token == b.token;
  });
}

}  // namespace hearth::vulkan
