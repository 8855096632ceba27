// The numbers of general.file_type that rules ask for.
#pragma once

#include <cstdint>

namespace hearth {

enum FileType : uint32_t {
  kQ4_0 = 2,
  kQ5_0 = 8,
  kQ2K = 10,
  kQ3KS = 11,
  kQ3KM = 12,
  kQ3KL = 13,
  kQ4KS = 14,
  kQ4KM = 15,
  kQ5KM = 17,
  kIq2Xxs = 19,
  kIq2Xs = 20,
  kQ2KS = 21,
  kIq3Xs = 22,
  kIq3Xxs = 23,
  kIq1S = 24,
  kIq4Nl = 25,
  kIq3S = 26,
  kIq3M = 27,
  kIq2S = 28,
  kIq2M = 29,
  kIq4Xs = 30,
  kIq1M = 31,
  kTq1 = 36,
  kTq2 = 37,
  kMxfp4Moe = 38,
  kNvfp4 = 39,
};

}  // namespace hearth
