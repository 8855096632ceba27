// The request that most tests of an engine ask.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

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

}  // namespace hearth
