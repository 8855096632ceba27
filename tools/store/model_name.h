// What models are called that have to be fetched: on Hugging Face, in a registry that speaks Ollama's protocol, by URL.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace hearth::store {

// hf.co/OWNER/REPO[@REVISION][:QUANTISATION], or one file of it: hf.co/OWNER/REPO[@REVISION]/FILE.gguf; huggingface.co
// too, and the addresses of its pages.
struct HubName {
  std::string owner, repo;
  std::string revision = "main";
  std::string quantization;  // upper case; empty: to be chosen
  std::string file;          // instead of a quantisation
};

// [HOST/][NAMESPACE/]MODEL[:TAG]
struct RegistryName {
  std::string base;  // "https://HOST"; empty: the default registry
  std::string space = "library", model, tag = "latest";
};

// http://... or https://..., with #sha256=DIGITS at its end where the hash is known.
struct UrlName {
  std::string url;     // without that
  std::string sha256;  // 64 digits, or empty
};

using ModelName = std::variant<HubName, RegistryName, UrlName>;

// Nothing where the text can only be a path: it begins with '/' or '.', ends as a file of a model does (".gguf" and
// others), or has characters that no name has. Throws Error (invalid_argument) for an address that is none.
std::optional<ModelName> parse_model_name(std::string_view text);

// The name under which the store keeps it: every way to write one model gives the same.
std::string store_name(const ModelName& name);

// Whether the text is 64 digits of lower-case hexadecimal.
bool is_sha256(std::string_view text);

// "http://127.0.0.1:80/x", "localhost:80" or "[::1]" -> whether it is this machine.
bool is_loopback(std::string_view address);

// The same text with upper-case ASCII letters.
std::string upper_case(std::string_view text);

}  // namespace hearth::store
