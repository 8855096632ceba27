// Weights and their bytes.
#include "engine/conform/builder.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hearth::conform {
namespace {

constexpr float kLarge = 1e6f, kTiny = 1e-39f;

// The values of a token's row for other inputs than usual ones.
void bend(Inputs inputs, int32_t token, std::span<float> row) {
  for (size_t i = 0; i < row.size(); ++i) {
    if (inputs == Inputs::large) row[i] *= kLarge;
    if (inputs != Inputs::denormal) continue;
    if (token % 4 == 0) row[i] = 0;
    if (token % 4 == 1 || (token % 4 == 2 && i % 3 == 0)) row[i] *= kTiny;
  }
}

}  // namespace

Builder::Builder(const BuildContext& context) : pool_(context.pool), inputs_(context.inputs), random_(context.seed) {
  program().vocabulary = kTokens + 2;
}

Slot Builder::slot(uint32_t width) {
  program().slot_width.push_back(width);
  return static_cast<Slot>(program().slot_width.size() - 1);
}

std::vector<float> Builder::input_values(uint32_t width, float size) {
  std::vector<float> values;
  for (int32_t token = 0; token < kTokens; ++token) {
    for (uint32_t i = 0; i < width; ++i) values.push_back(draw_normal(random_, size));
    bend(inputs_, token, std::span(values).last(width));
  }
  for (const float poison : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    values.insert(values.end(), values.begin(), values.begin() + width);
    values[values.size() - 1 - random_() % width] = poison;
  }
  return values;
}

Slot Builder::input(uint32_t width, float size) {
  const std::vector<float> values = input_values(width, size);
  const Slot out = slot(width);
  add(Embed{out, floats(program().vocabulary, width, values)});
  return out;
}

Slot Builder::received_input(uint32_t width) {
  const Slot out = slot(width);
  floats(program().vocabulary, width, input_values(width, 1));
  add(Receive{out});
  return out;
}

Slot Builder::fixed_input(uint32_t width, const std::vector<float>& values) {
  std::vector<float> all = values;
  for (int i = 0; i < 2; ++i) all.insert(all.end(), values.begin(), values.begin() + width);
  const Slot out = slot(width);
  add(Embed{out, floats(program().vocabulary, width, all)});
  return out;
}

std::span<const std::byte> Builder::keep(std::vector<std::byte> bytes) {
  bytes.insert(bytes.begin(), std::byte{0});  // files give no alignment
  own_.storage.push_back(std::move(bytes));
  return std::span<const std::byte>(own_.storage.back()).subspan(1);
}

WeightId Builder::name(Format format, uint64_t rows, uint64_t width, std::span<const std::byte> bytes) {
  program().weights.push_back({"weight " + std::to_string(program().weights.size()), format, width, rows, bytes});
  return static_cast<WeightId>(program().weights.size() - 1);
}

WeightId Builder::weight(Format format, uint64_t rows, uint64_t width, float size) {
  return name(format, rows, width, keep(pool_.draw(format, rows * width, size, random_)));
}

WeightId Builder::floats(uint64_t rows, uint64_t width, const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return name(Format::f32, rows, width, keep({bytes.begin(), bytes.end()}));
}

Weight Builder::loose(Format format, uint64_t rows, uint64_t width, float size) {
  const auto bytes = keep(pool_.draw(format, rows * width, size, random_));
  return {"adapter weight " + std::to_string(own_.storage.size()), format, width, rows, bytes};
}

StateId Builder::state(uint32_t size) {
  program().state_width.push_back(size);
  return static_cast<StateId>(program().state_width.size() - 1);
}

void Builder::finish(Slot result, float softcap) {
  const Slot selected = slot(width(result));
  add(Select{result, selected});
  add(Logits{selected, softcap});
}

std::vector<float> decoded(const Weight& weight) {
  std::vector<float> values(weight.rows * weight.width);
  format_info(weight.format).decode(weight.bytes.data(), values.data(), values.size());
  for (size_t i = 0; i < values.size() && !weight.scales.empty(); ++i) values[i] *= weight.scale_of(i / weight.width);
  return values;
}

Text random_text(const std::vector<uint32_t>& lengths, const Limits& limits, std::mt19937& random,
                 const std::vector<int32_t>& from) {
  std::vector<uint32_t> free(limits.pages);
  std::iota(free.begin(), free.end(), 0u);
  for (size_t i = free.size(); i > 1; --i) std::swap(free[i - 1], free[random() % i]);
  Text text;
  for (const uint32_t length : lengths) {
    auto& tokens = text.tokens.emplace_back(length);
    for (int32_t& token : tokens) {
      token = static_cast<int32_t>(random() % kTokens);
      if (!from.empty()) token = from[static_cast<size_t>(token) % from.size()];
    }
    auto& pages = text.pages.emplace_back();
    for (uint32_t i = 0; i < length; i += limits.page_size) {
      pages.push_back(free.back());
      free.pop_back();
    }
  }
  return text;
}

}  // namespace hearth::conform
