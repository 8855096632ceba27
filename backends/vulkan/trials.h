// Small runs of shaders, whose results are compared with plain arithmetic.
#pragma once

#include <bit>
#include <compare>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/vulkan/gpu.h"
#include "kernels/gpu/parameters.h"

namespace hearth::vulkan {

// Of attention: sizes of keys and values, and how many heads share a head of the cache.
struct AttentionSizes {
  uint32_t head_size, value_size, group;
  auto operator<=>(const AttentionSizes&) const = default;
};

// What products of many columns multiply: matmul_tiles, byte_tiles and matrix_tiles.
enum class Inputs : uint8_t { floats, bytes, halves };

inline constexpr uint32_t kTrialWidth = 256;  // of most rows of weights

// Each trial says whether the device computed what it should; they throw DeviceError where it could not compute at all.
// The Gpu must outlive this.
class Trials {
 public:
  explicit Trials(Gpu& gpu);

  // product_trials.cpp; columns: of matmul and byte_matmul 1, 4 or 8.
  bool product(Format format, uint32_t columns);
  bool product_of_few_bytes(Format format, uint32_t columns);
  bool product_in_tiles(Format format);
  bool product_of_bytes(Format format);
  bool product_of_halves(Format format);
  // Seconds that a product of many columns takes, with the making of its copy of the inputs.
  double time_of_product(Inputs inputs);
  bool embedding(Format format);
  // row_trials.cpp
  bool norm(bool centered);
  bool norm_round(bool centered);
  bool attention(KvType cache, const AttentionSizes& sizes, bool in_parts);
  bool route();
  // value_trials.cpp: what changes rows value by value, or moves values
  bool rope();
  bool gate();
  bool copies(bool of_outputs);
  bool logits();
  // recurrent_trials.cpp; taps: 2 or more
  bool states();
  bool convolution(uint32_t taps);
  bool delta_rule(uint32_t key_size, uint32_t value_size);
  // mixture_trials.cpp: experts and adapters
  bool expert_lists();
  bool combination();
  bool adapter_down();
  bool adapter_up();
  bool adapter_embedding();
  bool candidates();  // candidate_trials.cpp

 private:
  // A shader that multiplies rows of some width, and how many rows and columns a workgroup of it makes.
  struct Form {
    std::string shader;
    std::vector<uint32_t> constants;
    uint32_t rows, columns;
    Inputs inputs = Inputs::floats;
    uint32_t width = kTrialWidth;
  };
  // That for many columns.
  Form form_of(Format format, Inputs inputs) const;
  bool multiplies(Format format, const Form& form, uint32_t columns);
  // Records the product of `columns` rows of floats at push.in, which are copied first as the form wants them.
  void record(Commands& commands, const Form& form, gpu::MatmulParameters push, uint32_t columns, const Buffer& copy);
  template <class T>
  Buffer put(const std::vector<T>& values);
  template <class T = float>
  std::vector<T> values_of(const Buffer& buffer);
  template <class Push>
  void run(std::string_view shader, std::span<const uint32_t> constants, const Push& push, Grid grid);

  Gpu& gpu_;
  Buffer tables_;  // DecodeTables
};

template <class T>
Buffer Trials::put(const std::vector<T>& values) {
  Buffer buffer(gpu_, values.size() * sizeof(T), Place::device, "checking the device");
  gpu_.upload(buffer, 0, std::as_bytes(std::span(values)));
  return buffer;
}

template <class T>
std::vector<T> Trials::values_of(const Buffer& buffer) {
  std::vector<T> values(buffer.size() / sizeof(T));
  gpu_.download(buffer, 0, std::as_writable_bytes(std::span(values)));
  return values;
}

template <class Push>
void Trials::run(std::string_view shader, std::span<const uint32_t> constants, const Push& push, Grid grid) {
  const VkPipeline pipeline = gpu_.pipeline(shader, constants);
  gpu_.run_once([&](Commands& commands) { commands.dispatch(pipeline, push, grid); });
}

// The words of a batch: counts, and arrays that the header names.
struct TrialBatch {
  TrialBatch& count(gpu::HeaderWord::Word word, uint32_t value) {
    words[word] = value;
    return *this;
  }
  // Of words, or of floats as words.
  template <class Values = std::vector<uint32_t>>
  TrialBatch& array(gpu::HeaderWord::Word word, const Values& values) {
    words[word] = static_cast<uint32_t>(words.size());
    for (const auto value : values) words.push_back(std::bit_cast<uint32_t>(value));
    return *this;
  }

  std::vector<uint32_t> words = std::vector<uint32_t>(gpu::kHeaderWords);
};

// Values between -1 and 1 that look random, and whole numbers from -127 to 127, of which every 32nd is 127: blocks of 8
// bits hold those exactly.
std::vector<float> uneven_values(size_t count, uint32_t seed);
std::vector<float> whole_values(size_t count, uint32_t seed);
double sigmoid(double x);
// Whether each value is there and off by no more than the bound that goes with it.
bool are_near(std::span<const float> found, std::span<const double> expected, std::span<const double> bounds);
bool are_near(std::span<const float> found, std::span<const double> expected, double bound);

}  // namespace hearth::vulkan
