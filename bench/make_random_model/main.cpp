// make_random_model: a GGUF file with random weights in the true shape of a public model, for measuring speed.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/make_random_model/write.h"

namespace {

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Arguments {
  std::vector<std::string> places;
  uint64_t seed = 1;
  unsigned threads = std::thread::hardware_concurrency() == 0 ? 1 : std::thread::hardware_concurrency();
  bool help = false;
};

uint64_t number(std::string_view option, std::string_view text, uint64_t low, uint64_t high) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    throw UsageError(std::string(option) + " takes a number from " + std::to_string(low) + " to " +
                     std::to_string(high) + ", not '" + std::string(text) + "'");
  }
  return value;
}

Arguments parse(const std::vector<std::string_view>& words) {
  Arguments result;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      result.help = true;
    } else if (word == "--seed" || word == "--threads") {
      if (++i == words.size()) throw UsageError(std::string(word) + " needs a number");
      if (word == "--seed")
        result.seed = number(word, words[i], 0, UINT64_MAX);
      else
        result.threads = static_cast<unsigned>(number(word, words[i], 1, 256));
    } else if (word.starts_with("-") && word.size() > 1) {
      throw UsageError("unknown option '" + std::string(word) + "'");
    } else {
      result.places.emplace_back(word);
    }
  }
  if (!result.help && result.places.size() != 3) throw UsageError("expected PRESET FORMAT OUT.gguf");
  return result;
}

std::string preset_names() {
  std::string names;
  for (const hearth::Preset& preset : hearth::presets()) names += std::string(" ") + preset.name;
  return names;
}

std::string storage_names() {
  std::string names;
  for (const hearth::Storage& storage : hearth::storages()) names += " " + storage.name;
  return names;
}

void print_help() {
  std::printf(
      "make_random_model PRESET FORMAT OUT.gguf [--seed N] [--threads N]\n\n"
      "Writes a GGUF file with random weights and a made-up vocabulary in the true shape of a model.\n"
      "The same preset, format and seed give the same file.\n\n"
      "presets:%s\nformats:%s\n",
      preset_names().c_str(), storage_names().c_str());
}

void run(const Arguments& arguments) {
  const hearth::Preset* preset = hearth::find_preset(arguments.places[0]);
  if (preset == nullptr) throw UsageError("unknown preset '" + arguments.places[0] + "'; known:" + preset_names());
  const hearth::Storage* storage = hearth::find_storage(arguments.places[1]);
  if (storage == nullptr) throw UsageError("unknown format '" + arguments.places[1] + "'; known:" + storage_names());
  const auto start = std::chrono::steady_clock::now();
  const std::string& path = arguments.places[2];
  for (const std::string& note :
       hearth::write_random_model(path, *preset, *storage, arguments.seed, arguments.threads)) {
    std::fprintf(stderr, "make_random_model: %s\n", note.c_str());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%s: %s %s, %.2f GB in %.1f s\n", path.c_str(), preset->name, storage->name.c_str(),
              static_cast<double>(std::filesystem::file_size(path)) * 1e-9, took.count());
}

}  // namespace

int main(int count, char** words) {
  try {
    const Arguments arguments = parse({words + 1, words + count});
    if (arguments.help)
      print_help();
    else
      run(arguments);
    return 0;
  } catch (const UsageError& error) {
    std::fprintf(stderr, "make_random_model: %s (--help says more)\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "make_random_model: %s\n", error.what());
    return 1;
  }
}
