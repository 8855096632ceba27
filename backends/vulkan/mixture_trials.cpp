// Trials of what mixtures of experts need beside products, and of adapters.
#include <algorithm>
#include <array>
#include <cmath>

#include "backends/vulkan/trials.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::vulkan {
using gpu::AdapterDownParameters, gpu::AdapterEmbedParameters, gpu::AdapterUpParameters, gpu::CombineParameters;
using gpu::expert_tiles_bytes, gpu::ExpertTilesParameters, gpu::HeaderWord, gpu::most_tiles;

namespace {

// Three rows of two sequences, of which only the second uses the second of two adapters.
constexpr uint32_t kRoutedRows = 3, kRoutedUsed = 2, kTrialAdapters = 2, kTrialAdapter = 1, kTrialRank = 3;
constexpr std::array<uint32_t, kRoutedRows> kSequenceOfTrialRow = {0, 1, 1}, kTrialTokens = {4, 0, 3};
constexpr double kTrialScale = -0.5, kTrialFactor = 3;  // of that adapter, and of its change
// [rows x 2 * used]
constexpr std::array<float, 12> kTrialRoute = {2, 0, 0.25f, 0.75f, 1, 2, 0.5f, 0.5f, 0, 1, 0.125f, 0.875f};

std::vector<uint32_t> batch_words() {
  TrialBatch batch;
  batch.count(HeaderWord::rows, kRoutedRows).count(HeaderWord::sequences, 2);
  batch.array(HeaderWord::tokens, kTrialTokens).array(HeaderWord::sequence_of_row, kSequenceOfTrialRow);
  batch.array(HeaderWord::adapter_scales, std::array{2.0f, 0.0f, 0.0f, static_cast<float>(kTrialScale)});
  return batch.words;
}

std::vector<float> route_values() { return {kTrialRoute.begin(), kTrialRoute.end()}; }
size_t expert_of(size_t place) {
  return static_cast<size_t>(kTrialRoute[place / kRoutedUsed * 2 * kRoutedUsed + place % kRoutedUsed]);
}

}  // namespace

// Of one expert nobody asks, another one fills more than a tile.
bool Trials::expert_lists() {
  constexpr uint32_t kExperts = 5, kManyRows = 70, kPairs = kManyRows * kRoutedUsed;
  std::vector<float> route;
  std::vector<std::vector<uint32_t>> pairs_of(kExperts);
  for (uint32_t row = 0; row < kManyRows; ++row) {
    for (const uint32_t expert : {1u, row % 3 == 0 ? 4u : row % 2 * 2}) {
      pairs_of[expert].push_back(row * kRoutedUsed + static_cast<uint32_t>(route.size() % 4));
      route.push_back(static_cast<float>(expert));
    }
    route.insert(route.end(), {0.5f, 0.5f});
  }
  const Buffer from = put(route), batch = put(TrialBatch().count(HeaderWord::rows, kManyRows).words),
               tiles = put(std::vector<std::byte>(expert_tiles_bytes(kPairs, kExperts)));
  const ExpertTilesParameters push{from.address(), batch.address(), tiles.address(),
                                   kExperts,       kRoutedUsed,     HeaderWord::rows};
  run("expert_tiles", {}, push, {1});
  std::vector<uint32_t> found = values_of<uint32_t>(tiles), expected;
  uint32_t begin = 0;
  const size_t list = 1 + size_t{3} * most_tiles(kPairs, kExperts);
  for (uint32_t expert = 0; expert < kExperts; ++expert) {
    const auto count = static_cast<uint32_t>(pairs_of[expert].size());
    for (uint32_t done = 0; done < count; done += 32)
      expected.insert(expected.end(), {expert, begin + done, std::min(32u, count - done)});
    // In any order.
    const auto first = found.begin() + static_cast<ptrdiff_t>(list + begin);
    std::sort(first, first + count);
    if (!std::equal(pairs_of[expert].begin(), pairs_of[expert].end(), first)) return false;
    begin += count;
  }
  return found[0] == expected.size() / 3 && std::equal(expected.begin(), expected.end(), found.begin() + 1);
}

bool Trials::combination() {
  constexpr uint32_t kWidth = 70;
  const std::vector<float> experts = uneven_values(size_t{kRoutedRows} * kRoutedUsed * kWidth, 1),
                           before = uneven_values(size_t{kRoutedRows} * kWidth, 2);
  const Buffer made = put(experts), route = put(route_values()), add = put(before), batch = put(batch_words());
  for (const bool adds : {false, true}) {
    const Buffer out = put(std::vector<float>(before.size()));
    const CombineParameters push{made.address(), route.address(), adds ? add.address() : 0,
                                 out.address(),  batch.address(), kWidth,
                                 kRoutedUsed,    HeaderWord::rows};
    run("combine", {}, push, {(kWidth + 63) / 64, kRoutedRows});
    std::vector<double> expected(before.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t row = i / kWidth;
      if (adds) expected[i] = double{before[i]};
      for (size_t u = 0; u < kRoutedUsed; ++u)
        expected[i] += double{kTrialRoute[row * 2 * kRoutedUsed + kRoutedUsed + u]} *
                       double{experts[(row * kRoutedUsed + u) * kWidth + i % kWidth]};
    }
    if (!are_near(values_of(out), expected, 1e-5)) return false;
  }
  return true;
}

// For the experts of rows, whose inputs are those of the rows or their own.
bool Trials::adapter_down() {
  constexpr uint32_t kWidth = 150, kPlaces = kRoutedRows * kRoutedUsed;
  const std::vector<float> weights = uneven_values(size_t{3} * kTrialRank * kWidth, 3),
                           values = uneven_values(size_t{kPlaces} * kWidth, 4);
  const Buffer in = put(values), down = put(weights), route = put(route_values()), batch = put(batch_words());
  for (const bool of_place : {false, true}) {
    std::vector<double> expected(size_t{kPlaces} * kTrialRank, -2);
    const Buffer low = put(std::vector<float>(expected.size(), -2));
    const AdapterDownParameters push{in.address(),
                                     down.address(),
                                     low.address(),
                                     route.address(),
                                     batch.address(),
                                     kWidth,
                                     kTrialRank,
                                     kRoutedUsed,
                                     of_place ? 1u : 0,
                                     HeaderWord::rows,
                                     HeaderWord::sequence_of_row,
                                     kTrialAdapters,
                                     kTrialAdapter};
    run("adapter_down", {}, push, {kTrialRank, kPlaces});
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t place = i / kTrialRank, row = place / kRoutedUsed;
      if (kSequenceOfTrialRow[row] == 0) continue;
      expected[i] = 0;
      for (size_t c = 0; c < kWidth; ++c)
        expected[i] += double{weights[(expert_of(place) * kTrialRank + i % kTrialRank) * kWidth + c]} *
                       double{values[(of_place ? place : row) * kWidth + c]};
    }
    if (!are_near(values_of(low), expected, 1e-4)) return false;
  }
  return true;
}

// From the experts' biases, and then on from what there is.
bool Trials::adapter_up() {
  constexpr uint32_t kCount = 70, kPlaces = kRoutedRows * kRoutedUsed;
  const std::vector<float> weights = uneven_values(size_t{3} * kCount * kTrialRank, 5),
                           biases = uneven_values(size_t{3} * kCount, 6),
                           values = uneven_values(size_t{kPlaces} * kTrialRank, 7);
  std::vector<double> expected(size_t{kPlaces} * kCount);
  const Buffer low = put(values), up = put(weights), bias = put(biases), route = put(route_values()),
               batch = put(batch_words()), out = put(std::vector<float>(expected.size()));
  for (const bool goes_on : {false, true}) {
    const AdapterUpParameters push{low.address(),    up.address(),     bias.address(),
                                   out.address(),    route.address(),  batch.address(),
                                   kCount,           kTrialRank,       kRoutedUsed,
                                   goes_on ? 1u : 0, HeaderWord::rows, HeaderWord::sequence_of_row,
                                   kTrialAdapters,   kTrialAdapter,    static_cast<float>(kTrialFactor)};
    run("adapter_up", {}, push, {(kCount + 63) / 64, kPlaces});
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t place = i / kCount, row = expert_of(place) * kCount + i % kCount;
      if (!goes_on) expected[i] = double{biases[row]};
      if (kSequenceOfTrialRow[place / kRoutedUsed] == 0) continue;
      for (size_t r = 0; r < kTrialRank; ++r)
        expected[i] +=
            kTrialFactor * kTrialScale * double{weights[row * kTrialRank + r]} * double{values[place * kTrialRank + r]};
    }
    if (!are_near(values_of(out), expected, 1e-4)) return false;
  }
  return true;
}

bool Trials::adapter_embedding() {
  constexpr uint32_t kWidth = 70, kVocabulary = 5;
  const std::vector<float> rows = uneven_values(size_t{kVocabulary} * kTrialRank, 8),
                           weights = uneven_values(size_t{kWidth} * kTrialRank, 9),
                           before = uneven_values(size_t{kRoutedRows} * kWidth, 10);
  const Buffer down = put(rows), up = put(weights), out = put(before), batch = put(batch_words());
  const AdapterEmbedParameters push{down.address(),  up.address(),  out.address(),
                                    batch.address(), kWidth,        kTrialRank,
                                    kTrialAdapters,  kTrialAdapter, static_cast<float>(kTrialFactor)};
  run("adapter_embed", {}, push, {(kWidth + 63) / 64, kRoutedRows});
  std::vector<double> expected(before.begin(), before.end());
  for (size_t i = 0; i < expected.size(); ++i) {
    if (kSequenceOfTrialRow[i / kWidth] == 0) continue;
    for (size_t r = 0; r < kTrialRank; ++r)
      expected[i] += kTrialFactor * kTrialScale * double{weights[i % kWidth * kTrialRank + r]} *
                     double{rows[kTrialTokens[i / kWidth] * kTrialRank + r]};
  }
  return are_near(values_of(out), expected, 1e-4);
}

}  // namespace hearth::vulkan
