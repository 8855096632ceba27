// Wording probabilities.
#include "tools/serve/openai/logprobs_json.h"

#include <algorithm>
#include <cmath>

namespace hearth::serve {
namespace {

// JSON knows no infinity; OpenAI writes this for a token that cannot be.
constexpr float kImpossible = -9999.0f;

float finite(float logprob) { return std::isfinite(logprob) ? std::max(logprob, kImpossible) : kImpossible; }

Json chat_token(const TokenLogprob& token) {
  Json bytes = Json::array();
  for (const char byte : token.bytes) bytes.push_back(static_cast<unsigned char>(byte));
  return {{"token", token.bytes}, {"logprob", finite(token.logprob)}, {"bytes", std::move(bytes)}};
}

size_t characters(const std::string& bytes) {
  return static_cast<size_t>(std::ranges::count_if(bytes, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

}  // namespace

Json chat_logprobs(const std::vector<TokenLogprob>& tokens) {
  Json content = Json::array();
  for (const TokenLogprob& token : tokens) {
    Json one = chat_token(token);
    one["top_logprobs"] = Json::array();
    for (const TokenLogprob& other : token.top) one["top_logprobs"].push_back(chat_token(other));
    content.push_back(std::move(one));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

Json completion_logprobs(const std::vector<TokenLogprob>& tokens, size_t& offset, bool first_unknown) {
  Json texts = Json::array(), logprobs = Json::array(), tops = Json::array(), offsets = Json::array();
  for (const TokenLogprob& token : tokens) {
    const bool unknown = first_unknown && texts.empty();
    texts.push_back(token.bytes);
    offsets.push_back(offset);
    offset += characters(token.bytes);
    logprobs.push_back(unknown ? Json() : Json(finite(token.logprob)));
    Json top = Json::object();
    for (const TokenLogprob& other : token.top) top[other.bytes] = finite(other.logprob);
    tops.push_back(unknown ? Json() : std::move(top));
  }
  return {{"tokens", std::move(texts)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

}  // namespace hearth::serve
