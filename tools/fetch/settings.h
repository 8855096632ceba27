// How models are fetched: from where, through what, and how patiently.
#pragma once

#include <chrono>
#include <string>

namespace hearth::fetch {

struct Settings {
  std::string hub = "https://huggingface.co";           // or a mirror of it
  std::string registry = "https://registry.ollama.ai";  // or one that speaks the same protocol
  std::string token;                                    // told to the hub only; empty: none
  std::string proxy;         // empty: what http_proxy, https_proxy, all_proxy and no_proxy say
  std::string certificates;  // a file with those of the authorities that are trusted; empty: the system's
  bool offline = false;      // nothing is connected to
  bool plain_http = false;   // http:// to other machines is allowed
  unsigned connections = 4;
  // A connection that brings less than a kilobyte a second for so long is given up and made again.
  std::chrono::milliseconds silence{20'000};
  // Failures in a row after which fetching ends, and the pause after the first; it doubles with each.
  int attempts = 5;
  std::chrono::milliseconds pause{500};
};

// With HF_ENDPOINT, HEARTH_REGISTRY, HF_TOKEN, SSL_CERT_FILE, and HEARTH_OFFLINE or HF_HUB_OFFLINE (1, true, yes or
// on).
Settings settings_of_environment();

// An address given as an option or variable: without a slash at its end. Throws Error (invalid_argument), naming
// `what`, where it is none.
std::string read_endpoint(std::string text, const std::string& what);

}  // namespace hearth::fetch
