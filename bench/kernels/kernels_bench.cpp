// Times the CPU kernels on one thread, for each table of kernels and format: GB/s of weights (or cache) and 1e9
// operations a second, and their share of the roofs of one thread that are measured first, in the same run.
#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>

#include "backends/cpu/buffer.h"
#include "backends/cpu/roofs.h"
#include "kernels/cpu/tables.h"
#include "tests/kernels/random_blocks.h"

namespace {

using namespace hearth;
using namespace hearth::cpu;

// Random values, quantised too, as `columns` activations of `width`.
struct Activations {
  Activations(const KernelTable& table, uint32_t width, uint32_t columns)
      : floats("activations", width, columns), blocks("activations", units(width), columns) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (size_t i = 0; i < size_t{width} * columns; ++i) floats[i] = normal(random);
    for (uint32_t c = 0; c < columns; ++c) {
      table.quantise(floats.data() + size_t{c} * width, width, blocks.data() + size_t{c} * units(width));
      float_rows.push_back(floats.data() + size_t{c} * width);
      block_rows.push_back(blocks.data() + size_t{c} * units(width));
    }
  }
  Buffer<float> floats;
  Buffer<Q8Unit> blocks;
  std::vector<const void*> float_rows, block_rows;
};

void report(benchmark::State& state, const Roofs& roofs, double bytes, double operations) {
  using benchmark::Counter;
  const auto runs = static_cast<double>(state.iterations());
  state.counters["GB/s"] = Counter(bytes * runs / 1e9, Counter::kIsRate);
  state.counters["GOPS"] = Counter(operations * runs / 1e9, Counter::kIsRate);
  state.counters["of_read"] = Counter(bytes * runs / 1e9 / roofs.read_gb_s, Counter::kIsRate);
  state.counters["of_int8"] = Counter(operations * runs / 1e9 / roofs.int8_gops, Counter::kIsRate);
}

// A matrix of `rows` x `width` times `columns` columns; the matrix is larger than the caches where columns are few.
void matmul(benchmark::State& state, const KernelTable& table, const FormatInfo& info, Roofs roofs, MatmulKernel kernel,
            uint32_t rows, uint32_t width, uint32_t columns) {
  const size_t row_bytes = width / info.block_size * info.block_bytes;
  const Buffer<std::byte> weights("weights", rows, row_bytes);
  std::mt19937 random(2);
  const auto some = random_blocks(info.format, size_t{width} * 16, random, 0.02f);
  for (uint32_t r = 0; r < rows; ++r)
    std::memcpy(weights.data() + r * row_bytes, some.data() + r % 16 * row_bytes, row_bytes);
  const Activations x(table, width, columns);
  const Buffer<float> out("results", rows, columns);
  std::vector<float*> out_rows;
  for (uint32_t c = 0; c < columns; ++c) out_rows.push_back(out.data() + size_t{c} * rows);
  const Matmul task{&info,
                    weights.data(),
                    row_bytes,
                    width,
                    0,
                    rows,
                    columns,
                    info.block_size == 1 ? x.float_rows.data() : x.block_rows.data(),
                    out_rows.data()};
  for (auto _ : state) {
    kernel(task);
    benchmark::ClobberMemory();
  }
  report(state, roofs, static_cast<double>(row_bytes * rows), 2.0 * rows * width * columns);
  const double units = static_cast<double>(rows) * width / kUnit * static_cast<double>(state.iterations());
  state.counters["ns/unit"] =
      benchmark::Counter(units / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// `queries` queries of one head of 128 over a cache of `positions`; `row`: as the heads of one row.
void attention(benchmark::State& state, const KernelTable& table, CacheType type, Roofs roofs, bool row,
               uint32_t queries, uint32_t positions) {
  constexpr uint32_t kHead = 128, kPage = 32;
  const size_t cell = type == CacheType::f32 ? kHead * 4 : type == CacheType::f16 ? kHead * 2 : kHead / 32 * 34;
  const Buffer<std::byte> cache("cache", positions, cell * 2);
  std::memset(cache.data(), 0x11, positions * cell * 2);
  const Activations x(table, kHead, queries);
  const size_t row_width = size_t{queries} * kHead;
  const Buffer<float> scratch("scratch",
                              std::max(attention_scratch(kHead), row_attention_scratch(row_width, row_width))),
      out("results", queries, kHead);
  std::vector<const float*> q;
  std::vector<float*> out_rows;
  for (uint32_t i = 0; i < queries; ++i) {
    q.push_back(x.floats.data() + i * kHead);
    out_rows.push_back(out.data() + i * kHead);
  }
  const std::vector<uint32_t> seen(queries, positions);
  std::vector<uint32_t> pages(positions / kPage);
  for (uint32_t i = 0; i < pages.size(); ++i) pages[i] = i;
  const std::vector<uint32_t> from(queries, 0);
  const Attention task{.q = q.data(),
                       .out = out_rows.data(),
                       .from = from.data(),
                       .seen = seen.data(),
                       .sinks = nullptr,
                       .count = queries,
                       .head_size = kHead,
                       .value_size = kHead,
                       .scale = 0.1f,
                       .softcap = 0,
                       .type = type,
                       .keys = cache.data(),
                       .values = cache.data() + positions * cell,
                       .key_bytes = cell,
                       .value_bytes = cell,
                       .key_first = 0,
                       .value_first = 0,
                       .pages = pages.data(),
                       .page_size = kPage,
                       .scratch = scratch.data()};
  const RowAttention row_task{.q = x.floats.data(),
                              .out = out.data(),
                              .softmax = nullptr,
                              .sinks = nullptr,
                              .from = 0,
                              .seen = positions,
                              .kv_heads = 1,
                              .group = queries,
                              .head_size = kHead,
                              .value_size = kHead,
                              .scale = task.scale,
                              .softcap = 0,
                              .type = type,
                              .keys = task.keys,
                              .values = task.values,
                              .key_bytes = cell,
                              .value_bytes = cell,
                              .pages = pages.data(),
                              .page_size = kPage,
                              .scratch = scratch.data()};
  for (auto _ : state) {
    row ? table.attend_row(row_task) : table.attend(task);
    benchmark::ClobberMemory();
  }
  report(state, roofs, 2.0 * static_cast<double>(positions * cell), 4.0 * queries * positions * kHead);
}

}  // namespace

int main(int argc, char** argv) {
  for (const KernelTable* table : available_kernels()) {
    const Roofs roofs = measure_roofs({1, table->name});
    benchmark::AddCustomContext(table->name, std::to_string(roofs.read_gb_s) + " GB/s read, " +
                                                 std::to_string(roofs.int8_gops) + " GOPS int8, one thread");
    for (const FormatInfo& info : formats()) {
      const auto name = [&](const char* what, uint32_t columns) {
        return std::string(what) + "/" + table->name + "/" + info.name + "/" + std::to_string(columns);
      };
      const FormatKernels& kernels = table->formats[static_cast<uint32_t>(info.format)];
      const auto kernel = [&](uint32_t columns) { return columns > table->few_columns ? kernels.many : kernels.few; };
      for (const uint32_t columns : {1u, 2u, 4u, 8u, 16u, 32u, 128u})
        benchmark::RegisterBenchmark(name("matmul", columns).c_str(), matmul, *table, info, roofs, kernel(columns),
                                     columns > 32 ? 256u : 32768u, 2048u, columns)
            ->Unit(benchmark::kMillisecond);
      const auto cached = [&](const char* what, MatmulKernel cached_kernel, uint32_t columns) {
        benchmark::RegisterBenchmark(name(what, columns).c_str(), matmul, *table, info, roofs, cached_kernel, 96u,
                                     2048u, columns)
            ->Unit(benchmark::kMicrosecond);
      };
      for (const uint32_t columns : {1u, 2u, 4u, 8u, 32u, 64u, 512u})  // weights in the second-level cache
        cached("cached", kernel(columns), columns);
      for (const uint32_t columns : {64u, 512u})
        if (kernels.rescaled != nullptr) cached("cached_rescaled", kernels.rescaled, columns);
    }
    for (const auto& [type, name] :
         {std::pair{CacheType::f32, "f32"}, std::pair{CacheType::f16, "f16"}, std::pair{CacheType::q8_0, "q8_0"}})
      for (const auto& [row, queries] : {std::pair{true, 1u}, {true, 6u}, {false, 6u}, {false, 126u}})
        benchmark::RegisterBenchmark((std::string(row ? "attention_row/" : "attention/") + table->name + "/" + name +
                                      "/" + std::to_string(queries))
                                         .c_str(),
                                     attention, *table, type, roofs, row, queries, 4096u)
            ->Unit(benchmark::kMicrosecond);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
