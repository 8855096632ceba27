// From JSON to Sampling.
#include "tools/serve/sampling_fields.h"

#include <charconv>

namespace hearth::serve {
namespace {

constexpr size_t kMostStops = 64, kMostAdapters = 1024;

void set(float& to, std::optional<double> value) {
  if (value) to = static_cast<float>(*value);
}

void read_logit_bias(Fields& fields, Sampling& sampling) {
  const Json* bias = fields.find("logit_bias");
  if (bias == nullptr) return;
  const auto refuse = [](const std::string& why) { throw invalid_request(why, "logit_bias", "invalid_value"); };
  if (!bias->is_object()) refuse("'logit_bias' must be an object of token ids and numbers");
  for (const auto& [key, value] : bias->items()) {
    int32_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0)
      refuse("'logit_bias' must have token ids as keys");
    const double number = value.is_number() ? value.get<double>() : 1000;
    if (!(number >= -100 && number <= 100)) refuse("'logit_bias' must have numbers from -100 to 100 as values");
    sampling.logit_bias.emplace_back(id, static_cast<float>(number));
  }
}

void read_stop(Fields& fields, std::vector<std::string>& stop) {
  const Json* value = fields.find("stop");
  if (value == nullptr) return;
  if (!value->is_array()) return add_stop(*value, "stop", stop);
  for (const Json& text : *value) add_stop(text, "stop", stop);
}

void read_seed(Fields& fields, Sampling& sampling) {
  if (const Json* value = fields.find("seed"); value != nullptr && value->is_number_unsigned())
    sampling.seed = value->get<uint64_t>();
  else if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX))
    sampling.seed = static_cast<uint64_t>(*seed);
}

}  // namespace

void add_stop(const Json& text, const char* name, std::vector<std::string>& stop) {
  if (!text.is_string() || text.get_ref<const std::string&>().empty())
    throw invalid_request(std::string("'") + name + "' must be a string that is not empty, or an array of them", name,
                          "invalid_value");
  if (stop.size() == kMostStops)
    throw invalid_request(std::string("'") + name + "' must have at most " + std::to_string(kMostStops) + " strings",
                          name, "invalid_value");
  stop.push_back(text.get<std::string>());
}

void read_drawing(Fields& fields, Sampling& sampling) {
  set(sampling.temperature, fields.number("temperature", 0, 2));
  set(sampling.top_p, fields.number("top_p", 0, 1));
  sampling.top_p = std::max(sampling.top_p, 1e-6f);  // 0 leaves the likeliest token, as everywhere
  if (const auto top_k = fields.integer("top_k", -1, INT32_MAX))
    sampling.top_k = *top_k < 0 ? 0 : static_cast<uint32_t>(*top_k);
  set(sampling.min_p, fields.number("min_p", 0, 1));
}

void read_adapters(Fields& fields, Request& request) {
  const Json* given = fields.find("lora");
  if (given == nullptr) return;
  request.adapters = read_adapter_uses(*given, "lora");
}

std::vector<AdapterUse> read_adapter_uses(const Json& list, const std::string& path) {
  if (!list.is_array()) refuse(path, "an array of objects with id and scale");
  if (list.size() > kMostAdapters) refuse(path, "an array of at most " + std::to_string(kMostAdapters) + " adapters");
  std::vector<AdapterUse> uses;
  for (size_t i = 0; i < list.size(); ++i) {
    Fields entry(list[i], path + "[" + std::to_string(i) + "]");
    entry.required("id");
    const auto id = entry.integer("id", 0, INT32_MAX);
    uses.push_back({static_cast<uint32_t>(*id), static_cast<float>(entry.number("scale", -1e6, 1e6).value_or(0))});
  }
  return uses;
}

void read_sampling(Fields& fields, Request& request) {
  Sampling& sampling = request.sampling;
  read_drawing(fields, sampling);
  set(sampling.presence_penalty, fields.number("presence_penalty", -2, 2));
  set(sampling.frequency_penalty, fields.number("frequency_penalty", -2, 2));
  set(sampling.repeat_penalty, fields.number("repeat_penalty", 0.01, 100));
  set(sampling.repeat_penalty, fields.number("repetition_penalty", 0.01, 100));
  read_seed(fields, sampling);
  read_logit_bias(fields, sampling);
  read_stop(fields, request.stop);
  read_adapters(fields, request);
  request.ignore_end = fields.boolean("ignore_eos", false);
  request.context = static_cast<uint32_t>(fields.integer("num_ctx", 1, INT32_MAX).value_or(0));
}

bool read_include_usage(Fields& fields, std::vector<std::string>& ignored) {
  const Json* value = fields.find("stream_options");
  if (value == nullptr) return false;
  Fields options(*value, "stream_options");
  const bool wanted = options.boolean("include_usage", false);
  const auto unknown = options.ignored();
  ignored.insert(ignored.end(), unknown.begin(), unknown.end());
  return wanted;
}

void add_choices(const Request& request, int64_t n, std::vector<Request>& requests) {
  for (int64_t k = 0; k < n; ++k) {
    requests.push_back(request);
    auto& seed = requests.back().sampling.seed;
    if (seed) *seed += static_cast<uint64_t>(k);
  }
}

}  // namespace hearth::serve
