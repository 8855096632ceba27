// The interpreter as a test uses it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/simt/interpreter/executor.h"

namespace hearth::simt {

struct Device {
  explicit Device(uint32_t seed = 0) : executor(memory, seed) {}

  template <class T>
  Address put(const std::vector<T>& values, const char* name = "") {
    const Address at = memory.allocate(values.size() * sizeof(T), name);
    memory.upload(at, std::as_bytes(std::span(values)));
    return at;
  }
  template <class T>
  std::vector<T> get(Address at, size_t count) const {
    std::vector<T> values(count);
    memory.download(at, std::as_writable_bytes(std::span(values)));
    return values;
  }
  template <class Parameters>
  std::vector<Report> launch(const char* kernel, Index3 grid, const Parameters& parameters,
                             cuda::Constants constants = {}, uint32_t shared = 0) {
    return executor.launch(kernel, grid, shared, std::as_bytes(std::span(&parameters, 1)), constants);
  }

  Memory memory;
  Executor executor;
};

inline void expect_none(const std::vector<Report>& reports) {
  for (const Report& report : reports) ADD_FAILURE() << report.text;
}
// A report of that fault is there whose text contains all of the words.
inline void expect_found(const std::vector<Report>& reports, Fault fault,
                         std::initializer_list<std::string_view> words) {
  std::string all;
  for (const Report& report : reports) {
    const auto has = [&](std::string_view word) { return report.text.find(word) != std::string::npos; };
    if (report.fault == fault && std::all_of(words.begin(), words.end(), has)) return;
    all += report.text + "\n";
  }
  ADD_FAILURE() << "not found; the reports are:\n" << all;
}
inline void expect_one(const std::vector<Report>& reports, Fault fault, std::initializer_list<std::string_view> words) {
  expect_found(reports, fault, words);
  EXPECT_LE(reports.size(), 1u) << reports.back().text;
}

}  // namespace hearth::simt
