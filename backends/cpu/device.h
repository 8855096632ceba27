// The CPU backend: int8 dot products on quantised weights, one table of kernels per instruction set, a thread pool.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"

namespace hearth {

struct CpuOptions {
  uint32_t threads = 0;  // 0: one for each core that this process may use, and one alone for very small steps
  // "scalar", "avx2", "avx_vnni", "avx512", "avx512_vnni" or "neon"; empty: the best of this machine
  std::string kernels;
};

inline constexpr uint32_t kMaxCpuThreads = 1024;
inline constexpr uint32_t kCpuArithmetic = 4;  // counts the times when the bits of deterministic results changed

// The options with the defaults of this machine filled in. Throws DeviceError for kernels that do not exist or do not
// run here (naming those that do), and for more than kMaxCpuThreads threads.
CpuOptions resolve_cpu_options(const CpuOptions& options);

// The names of those that this machine runs, the best first.
std::vector<std::string> available_cpu_kernels();

// Throws DeviceError as resolve_cpu_options does, and where threads cannot be started. The device owns a pool of
// threads that its plans share: plans of one device may be used from several threads and take turns. A plan may outlive
// its device.
//
// Results are the same bits for any number of threads. They depend on the other rows of a batch in two ways: attention
// of a row without others of its sequence is computed apart, in parts whose length depends on how many such rows there
// are; and a matrix in blocks is multiplied by different kernels. Without VNNI few rows (AVX2: 2, NEON and scalar: 8)
// have one that adds in another order, and with it 64 rows or more have one that rounds the weights of some formats
// again, or their scales and sums (FormatKernels::rescaled). Those are rows of the batch, for an expert its own. With
// Limits::deterministic neither is done, and nothing depends on other rows.
std::unique_ptr<Device> make_cpu_device(const CpuOptions& options = {});

}  // namespace hearth
