// Requests that tests of engines ask.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "hearth/hearth.h"

namespace hearth {

// Goes on with the prompt by always the likeliest token.
inline Request greedy(std::string prompt, uint32_t tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = tokens;
  request.sampling.temperature = 0;
  return request;
}

// Requests that sampling can answer from the largest logits alone, in each of its ways.
inline std::vector<Request> sampled_requests(const std::string& prompt, uint32_t tokens) {
  std::vector<Request> requests(5, greedy(prompt, tokens));
  for (size_t i = 1; i < requests.size(); ++i) {
    requests[i].sampling = {};
    requests[i].sampling.seed = i;
  }
  requests[2].sampling.temperature = 1.4f;
  requests[2].sampling.top_k = 200;
  requests[2].sampling.top_p = 1;
  requests[3].sampling.repeat_penalty = 1.3f;
  requests[3].sampling.frequency_penalty = 0.3f;
  requests[4].sampling.logit_bias = {{1, -std::numeric_limits<float>::infinity()}, {2, -1.0f}};
  return requests;
}

}  // namespace hearth
