// Which tables this machine runs, found at run time, and the check that each computes what the scalar one does.
#include "kernels/cpu/tables.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "quant/blocks.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace hearth::cpu {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"avx512_vnni", "avx512", "avx_vnni", "avx2", "neon", "scalar"};

// The tables of this architecture that the processor and the system allow, best first, but for the scalar one.
std::vector<const KernelTable*> supported() {
  std::vector<const KernelTable*> tables;
#if defined(__x86_64__)
  __builtin_cpu_init();
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool f16c = __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && f16c;
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512 && __builtin_cpu_supports("avx512vnni")) tables.push_back(&kAvx512VnniTable);
  if (avx512) tables.push_back(&kAvx512Table);
  constexpr unsigned kAvxVnni = 1u << 4;
  const bool avx_vnni = __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & kAvxVnni) != 0;
  if (avx2 && avx_vnni) tables.push_back(&kAvxVnniTable);
  if (avx2) tables.push_back(&kAvx2Table);
#elif defined(__aarch64__)
  constexpr unsigned long kDotProduct = 1ul << 20;  // HWCAP_ASIMDDP
  if ((getauxval(AT_HWCAP) & kDotProduct) != 0) tables.push_back(&kNeonTable);
#endif
  return tables;
}

// Small deterministic numbers of both signs.
struct Numbers {
  uint32_t state = 12345;
  uint32_t next() { return (state = state * 1664525u + 1013904223u) >> 8; }
  float real() { return static_cast<float>(next() % 2001) / 1000.0f - 1.0f; }
};

// More rows than any vector has lanes, columns for every way of multiplying (more of them only repeat it for the tiles
// of a panel); where blocks allow it, rows whose last unit is cut short.
constexpr uint32_t kWidth = 576, kRows = 19, kColumns = 17;
inline uint32_t width_of(const FormatInfo& info) { return info.block_size == 256 ? 512 : kWidth; }

// Random blocks with scales of moderate size.
void fill_blocks(Numbers& numbers, Format format, std::byte* bytes, size_t values) noexcept {
  with_block(format, [&]<class Block>() {
    for (size_t i = 0; i < values; i += Block::kSize, bytes += sizeof(Block)) {
      Block block;
      for (size_t k = 0; k < sizeof block; ++k) bytes[k] = static_cast<std::byte>(numbers.next());
      std::memcpy(&block, bytes, sizeof block);
      if constexpr (IsCoded<Block>) {
        block.set_scale(1);
      } else if constexpr (Block::kFormat == Format::f32) {
        block.d = numbers.real();
      } else if constexpr (requires { block.e; }) {
        block.e = static_cast<uint8_t>(120 + numbers.next() % 8);
      } else {
        block.d = static_cast<uint16_t>(block.d & 0xbbff);  // below 2 as binary16, and as bfloat16
      }
      if constexpr (requires { block.m; }) block.m = static_cast<uint16_t>(block.m & 0xbbff);
      std::memcpy(bytes, &block, sizeof block);
    }
  });
}

bool close(const float* a, const float* b, size_t count, float scale) noexcept {
  for (size_t i = 0; i < count; ++i)
    if (!(std::fabs(a[i] - b[i]) <= scale)) return false;
  return true;
}

// Of rescaled weights, whose rounding adds up like noise.
bool about_equal(const float* a, const float* b, size_t count) noexcept {
  double error = 0, size = 0;
  for (size_t i = 0; i < count; ++i) {
    error += std::pow(double{a[i]} - double{b[i]}, 2);
    size += double{a[i]} * double{a[i]};
  }
  return error <= 1e-3 * size;
}

// x: at least 2,000 numbers.
bool agrees_on_delta_rule(const KernelTable& table, const float* x) noexcept {
  constexpr uint32_t kKeys = 16, kValues = 27, kSteps = 4;
  std::array<float, kKeys * kValues> state{}, other_state{};
  std::array<float, kSteps * kValues> out{}, other_out{};
  std::array<float, kSteps> factors;
  factors.fill(0.5f);
  DeltaRows rows{.q = x,
                 .k = x + kKeys,
                 .v = x + 500,
                 .decay = factors.data(),
                 .beta = factors.data(),
                 .out = out.data(),
                 .key_stride = size_t{2} * kKeys,
                 .value_stride = kValues,
                 .head_stride = 1,
                 .out_stride = kValues,
                 .count = kSteps,
                 .key_size = kKeys,
                 .value_size = kValues,
                 .state = state.data()};
  kScalarTable.delta_rule(rows);
  rows.out = other_out.data();
  rows.state = other_state.data();
  table.delta_rule(rows);
  float most = 0;
  for (const float value : out) most = std::max(most, std::fabs(value));
  return close(out.data(), other_out.data(), out.size(), 1e-3f * most);
}

}  // namespace

bool agrees_with_scalar(const KernelTable& table) noexcept {
  if (table.lane_columns >= kColumns) return false;  // what more columns need would not be tried
  Numbers numbers;
  std::array<Q8Unit, kColumns * units(kWidth)> x8;
  std::array<float, kColumns * kWidth> x;
  std::array<std::byte, kRows * kWidth * 4> weights;
  for (float& value : x) value = numbers.real();
  for (uint32_t c = 0; c < kColumns; ++c) {
    std::array<Q8Unit, units(kWidth)> other;
    kScalarTable.quantise(&x[c * kWidth], kWidth, &x8[c * other.size()]);
    table.quantise(&x[c * kWidth], kWidth, other.data());
    for (size_t u = 0; u < other.size(); ++u)
      if (std::memcmp(other[u].q, x8[c * other.size() + u].q, kUnit) != 0) return false;
  }
  for (const FormatInfo& info : formats()) {
    const uint32_t width = width_of(info);
    fill_blocks(numbers, info.format, weights.data(), size_t{kRows} * width);
    const size_t row_bytes = width / info.block_size * info.block_bytes;
    const auto slot = static_cast<uint32_t>(info.format);
    std::array<float, kRows * kColumns> expected{}, found{};
    std::array<const void*, kColumns> in;
    std::array<float*, kColumns> expected_out, found_out;
    std::array<float, kWidth> decoded;
    float bound = 0;  // for float sums in another order: far above their rounding, far below a wrong term
    for (uint32_t r = 0; r < kRows; ++r) {
      info.decode(weights.data() + r * row_bytes, decoded.data(), width);
      float size = 0;
      for (uint32_t i = 0; i < width; ++i) size += std::fabs(decoded[i]);
      bound = std::max(bound, size * 1e-4f);
    }
    for (uint32_t c = 0; c < kColumns; ++c) {
      in[c] = info.block_size == 1 ? static_cast<const void*>(&x[c * kWidth]) : &x8[c * units(kWidth)];
      expected_out[c] = &expected[c * kRows];
      found_out[c] = &found[c * kRows];
    }
    Matmul task{&info, weights.data(), row_bytes, width, 0, kRows, kColumns, in.data(), expected_out.data()};
    kScalarTable.formats[slot].few(task);
    task.out = found_out.data();
    const auto agrees = [&](MatmulKernel kernel, uint32_t columns) {
      found.fill(0);
      task.columns = columns;
      kernel(task);
      return close(expected.data(), found.data(), size_t{kRows} * columns, bound);
    };
    const FormatKernels& kernels = table.formats[slot];
    if (!agrees(kernels.few, 3) || !agrees(kernels.many, 1) || !agrees(kernels.many, 2) ||
        !agrees(kernels.many, table.lane_columns) || !agrees(kernels.many, kColumns))
      return false;
    if (kernels.rescaled == nullptr) continue;
    found.fill(0);
    kernels.rescaled(task);
    if (!about_equal(expected.data(), found.data(), found.size())) return false;
  }
  std::array<float, kWidth> gate, other_gate;
  std::copy_n(x.begin(), kWidth, gate.begin());
  other_gate = gate;
  kScalarTable.silu_multiply(gate.data(), &x[kWidth], kWidth);
  table.silu_multiply(other_gate.data(), &x[kWidth], kWidth);
  return close(gate.data(), other_gate.data(), kWidth, 1e-5f) && agrees_on_delta_rule(table, x.data());
}

std::span<const std::string_view> kernel_names() noexcept { return kNames; }

std::vector<const KernelTable*> available_kernels() {
  static const std::vector<const KernelTable*> available = [] {  // the check takes milliseconds
    std::vector<const KernelTable*> tables = supported();
    std::erase_if(tables, [](const KernelTable* table) { return !agrees_with_scalar(*table); });
    tables.push_back(&kScalarTable);
    return tables;
  }();
  return available;
}

const KernelTable* find_kernels(std::string_view name) {
  for (const KernelTable* table : available_kernels())
    if (table->name == name) return table;
  return nullptr;
}

}  // namespace hearth::cpu
