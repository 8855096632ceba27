// The table of architectures.
#include "engine/model/architectures.h"

namespace hearth {
namespace {

using enum RopeStyle;

constexpr Architecture kArchitectures[] = {
    {.name = "llama", .rope = adjacent, .window_period = 1},
    {.name = "mistral3", .rope = adjacent},
    {.name = "qwen2"},
    {.name = "qwen2moe", .normalised_experts = false, .shared_feed_forward = true, .gated_shared_expert = true},
    {.name = "qwen3", .head_norms = HeadNorms::each_head},
    {.name = "qwen3moe", .head_norms = HeadNorms::each_head, .shared_feed_forward = true},
    {.name = "qwen3next",
     .head_norms = HeadNorms::each_head,
     .feed_forward_norm = "post_attention_norm",
     .gated_shared_expert = true,
     .attention_period = 4,
     .gated_attention = true},
    {.name = "qwen35",
     .head_norms = HeadNorms::each_head,
     .feed_forward_norm = "post_attention_norm",
     .attention_period = 4,
     .gated_attention = true,
     .cyclic_heads = true},
    {.name = "qwen35moe",
     .head_norms = HeadNorms::each_head,
     .feed_forward_norm = "post_attention_norm",
     .gated_shared_expert = true,
     .attention_period = 4,
     .gated_attention = true,
     .cyclic_heads = true},
    {.name = "phi2",
     .norms = Norms::parallel,
     .centered = true,
     .fused = true,
     .gated = false,
     .activation = Activation::gelu},
    {.name = "phi3", .fused = true, .window_period = 1},
    {.name = "gemma", .activation = Activation::gelu, .scaled_embedding = true},
    {.name = "gemma2",
     .norms = Norms::around,
     .activation = Activation::gelu,
     .window_period = 2,
     .window = 4096,
     .attention_softcap = 50,
     .final_softcap = 30,
     .wide_scale_layers = 46,
     .scaled_embedding = true},
    {.name = "gemma3",
     .norms = Norms::around,
     .head_norms = HeadNorms::each_head,
     .activation = Activation::gelu,
     .window_period = 6,
     .scaled_windows = false,
     .window_rope_base = 10000,
     .wide_scale_layers = 62,
     .scaled_embedding = true},
    {.name = "gpt-oss",
     .feed_forward_norm = "post_attention_norm",
     .activation = Activation::clamped,
     .window_period = 2,
     .sinks = true},
    {.name = "smollm3", .rope = adjacent, .unturned_step = 4},
    {.name = "olmo2",
     .norms = Norms::after,
     .head_norms = HeadNorms::together,
     .window_period = 4,
     .scaled_windows = false},
    {.name = "olmoe", .head_norms = HeadNorms::together, .normalised_experts = false},
    {.name = "exaone4",
     .turns_in_windows_only = true,
     .norms = Norms::after,
     .head_norms = HeadNorms::each_head,
     .window_period = 4},
    {.name = "granite", .rope = adjacent, .divides_logits = true},
    {.name = "granitemoe", .rope = adjacent, .divides_logits = true},
    {.name = "glm4", .rope = adjacent, .norms = Norms::around, .fused = true},
    {.name = "command-r",
     .rope = adjacent,
     .norms = Norms::parallel,
     .centered = true,
     .head_norms = HeadNorms::own_gains},
    {.name = "cohere2",
     .rope = adjacent,
     .turns_in_windows_only = true,
     .norms = Norms::parallel,
     .centered = true,
     .window_period = 4},
    {.name = "stablelm", .centered = true, .head_norms = HeadNorms::own_gains, .parallel_without_norm = true},
    {.name = "starcoder2", .centered = true, .gated = false, .activation = Activation::gelu},
    {.name = "gpt2", .turns = false, .centered = true, .fused = true, .gated = false, .activation = Activation::gelu},
    {.name = "gptneox",
     .norms = Norms::parallel,
     .centered = true,
     .parallel_norms = true,
     .fused = true,
     .gated = false,
     .activation = Activation::gelu},
    {.name = "falcon",
     .norms = Norms::parallel,
     .centered = true,
     .fused = true,
     .gated = false,
     .activation = Activation::gelu},
    {.name = "deepseek2", .rope = adjacent, .normalised_experts = false, .latent = true},
    {.name = "bert",
     .turns = false,
     .norms = Norms::encoder,
     .centered = true,
     .gated = false,
     .activation = Activation::gelu},
    {.name = "nomic-bert", .norms = Norms::encoder, .centered = true, .fused = true},
};

}  // namespace

const Architecture* find_architecture(std::string_view name) {
  for (const Architecture& architecture : kArchitectures)
    if (name == architecture.name) return &architecture;
  return nullptr;
}

std::string architecture_names() {
  std::string names;
  for (const Architecture& architecture : kArchitectures)
    names += (names.empty() ? "" : ", ") + std::string(architecture.name);
  return names;
}

}  // namespace hearth
