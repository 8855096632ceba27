// Reading and checking the metadata of the architectures in the table.
#include "engine/model/config.h"

#include <cmath>
#include <limits>

#include "formats/byte_cursor.h"
#include "formats/error.h"

namespace hearth {
namespace {

constexpr Architecture kArchitectures[] = {
    {"llama", RopeStyle::adjacent, false, false},
    {"qwen2", RopeStyle::halves, false, false},
    {"phi3", RopeStyle::halves, true, true},
};

// The largest size that any number of a model may have: far past real models, and small enough that products of two
// cannot overflow 64 bits.
constexpr uint64_t kLargestSize = uint64_t{1} << 28;

// Reads the keys of one architecture: `llama.` before each name.
class ConfigReader {
 public:
  ConfigReader(const Gguf& file, std::string_view architecture)
      : file_(file), prefix_(std::string(architecture) + ".") {}

  [[noreturn]] void fail(std::string_view name, const std::string& what) const {
    throw FileError(file_.name() + ": " + prefix_ + std::string(name) + " " + what);
  }
  uint32_t size(std::string_view name) const {
    const auto value = file_.find_uint(prefix_ + std::string(name));
    if (!value) fail(name, "is missing");
    return checked(name, *value);
  }
  uint32_t size(std::string_view name, uint32_t fallback) const {
    const auto value = file_.find_uint(prefix_ + std::string(name));
    return value ? checked(name, *value) : fallback;
  }
  double positive(std::string_view name, double fallback) const {
    const auto value = file_.find_float(prefix_ + std::string(name));
    if (value && (!(*value > 0) || !std::isfinite(*value))) fail(name, "is not a positive number");
    return value.value_or(fallback);
  }
  bool has(std::string_view name) const { return file_.find_entry(prefix_ + std::string(name)) != nullptr; }
  bool is_absent_or_zero(std::string_view name) const {
    return file_.find_uint(prefix_ + std::string(name)).value_or(0) == 0;
  }
  std::string_view text(std::string_view name, std::string_view fallback) const {
    return file_.find_string(prefix_ + std::string(name)).value_or(fallback);
  }

 private:
  uint32_t checked(std::string_view name, uint64_t value) const {
    if (value == 0 || value > kLargestSize) fail(name, "is " + std::to_string(value) + ", which no model has");
    return static_cast<uint32_t>(value);
  }

  const Gguf& file_;
  std::string prefix_;
};

const Architecture& find_architecture(const Gguf& file) {
  const auto name = file.find_string("general.architecture");
  if (!name) throw FileError(file.name() + ": general.architecture is missing");
  for (const Architecture& architecture : kArchitectures)
    if (*name == architecture.name) return architecture;
  throw FileError(file.name() + ": architecture " + in_quotes(*name) + " is not supported; Hearth runs " +
                  architecture_names());
}

void read_heads(const ConfigReader& reader, ModelConfig& config) {
  config.heads = reader.size("attention.head_count");
  config.kv_heads = reader.size("attention.head_count_kv", config.heads);
  if (config.heads % config.kv_heads != 0)
    reader.fail("attention.head_count", "is " + std::to_string(config.heads) + ", not a multiple of head_count_kv, " +
                                            std::to_string(config.kv_heads));
  if (!reader.has("attention.key_length") && config.width % config.heads != 0)
    reader.fail("embedding_length", "is " + std::to_string(config.width) + ", not a multiple of head_count, " +
                                        std::to_string(config.heads));
  config.head_size = reader.size("attention.key_length", config.width / config.heads);
  if (reader.size("attention.value_length", config.head_size) != config.head_size)
    reader.fail("attention.value_length", "differs from key_length, which is not supported");
  if (uint64_t{config.heads} * config.head_size > kLargestSize)
    reader.fail("attention.head_count", "times head size is larger than any model has");
}

void read_rope(const ConfigReader& reader, ModelConfig& config) {
  config.rope_dimensions = reader.size("rope.dimension_count", config.head_size);
  if (config.rope_dimensions % 2 != 0 || config.rope_dimensions > config.head_size)
    reader.fail("rope.dimension_count", "is " + std::to_string(config.rope_dimensions) +
                                            ", not an even number up to the head size, " +
                                            std::to_string(config.head_size));
  config.rope_base = reader.positive("rope.freq_base", 10000);
  config.original_context = reader.size("rope.scaling.original_context_length", config.context_length);
  config.rope_factor = reader.positive("rope.scaling.factor", reader.positive("rope.scale_linear", 1));
  config.rope_magnitude = reader.positive("rope.scaling.attn_factor", 1);
  // Llama 3 and LongRoPE files carry their scaling as a tensor of factors; the type, where stated, only says so.
  const std::string_view type = reader.text("rope.scaling.type", "linear");
  if (type == "linear")
    config.rope_scaling = RopeScaling::linear;
  else if (type == "yarn")
    config.rope_scaling = RopeScaling::yarn;
  else if (type != "none" && type != "llama3" && type != "longrope")
    reader.fail("rope.scaling.type", "is " + in_quotes(type) + ", which is not supported");
}

void read_experts(const ConfigReader& reader, ModelConfig& config) {
  if (reader.is_absent_or_zero("expert_count")) return;
  config.experts = reader.size("expert_count");
  config.experts_used = reader.size("expert_used_count");
  if (config.experts > std::numeric_limits<uint16_t>::max() || config.experts_used > config.experts)
    reader.fail("expert_used_count", "is " + std::to_string(config.experts_used) + " of " +
                                         std::to_string(config.experts) + " experts, which cannot be");
  config.feed_forward = reader.size("expert_feed_forward_length", config.feed_forward);
}

}  // namespace

std::string architecture_names() {
  std::string names;
  for (const Architecture& architecture : kArchitectures)
    names += (names.empty() ? "" : ", ") + std::string(architecture.name);
  return names;
}

ModelConfig read_config(const Gguf& file) {
  ModelConfig config{};
  config.architecture = &find_architecture(file);
  const ConfigReader reader(file, config.architecture->name);
  config.context_length = reader.size("context_length");
  config.width = reader.size("embedding_length");
  config.layers = reader.size("block_count");
  if (config.layers > std::numeric_limits<uint16_t>::max()) reader.fail("block_count", "is larger than any model has");
  config.feed_forward = reader.size("feed_forward_length");
  config.norm_epsilon = static_cast<float>(reader.positive("attention.layer_norm_rms_epsilon", 1e-5));
  read_heads(reader, config);
  read_rope(reader, config);
  read_experts(reader, config);
  return config;
}

}  // namespace hearth
