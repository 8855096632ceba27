// The fields that chat and plain completions share.
#pragma once

#include "tools/serve/fields.h"
#include "tools/serve/job.h"

namespace hearth::serve {

inline constexpr int64_t kMostChoices = 128;
inline constexpr int64_t kMostTopLogprobs = 20;

// temperature, top_p, top_k and min_p.
void read_drawing(Fields& fields, Sampling& sampling);

// One text that ends the answer, from the field `name`. Throws ApiError.
void add_stop(const Json& text, const char* name, std::vector<std::string>& stop);

// lora: [{"id": 0, "scale": 0.5}], the adapters that are used; others are not.
void read_adapters(Fields& fields, Request& request);
std::vector<AdapterUse> read_adapter_uses(const Json& list, const std::string& path);

// temperature, top_p, top_k, min_p, penalties, seed, logit_bias, stop, ignore_eos, num_ctx and lora.
void read_sampling(Fields& fields, Request& request);

// Whether the stream ends with a count of tokens: stream_options.include_usage. Notes what it does not know.
bool read_include_usage(Fields& fields, std::vector<std::string>& ignored);

// A copy of `request` for each of n choices, with a seed of its own.
void add_choices(const Request& request, int64_t n, std::vector<Request>& requests);

}  // namespace hearth::serve
