// The Vulkan device that all tests of a process share, with the validation layer where that is installed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "backends/vulkan/commands.h"
#include "backends/vulkan/gpu.h"

namespace hearth::vulkan {

// Null where there is no device, `why` saying so. Pipelines are compiled once for all tests of the process.
struct SharedGpu {
  std::shared_ptr<Gpu> gpu;
  std::string why;
  std::vector<std::string> messages;  // of the validation layer
  bool validated = false;
};

inline SharedGpu& shared_gpu() {
  static SharedGpu* shared = [] {
    auto* made = new SharedGpu;
    const auto attempt = [made](MessageSink sink) {
      try {
        made->validated = static_cast<bool>(sink);
        made->gpu = std::make_shared<Gpu>("", std::move(sink));
      } catch (const std::exception& error) {
        made->why = error.what();
      }
    };
    attempt([made](const std::string& text) { made->messages.push_back(text); });
    if (made->gpu == nullptr) attempt({});
    return made;
  }();
  return *shared;
}

// Runs shaders on data; a test is skipped where there is no device, and fails there where CI is set.
class WithGpu : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_gpu().gpu != nullptr) {
      shared_gpu().messages.clear();
      return;
    }
    if (std::getenv("CI") != nullptr) FAIL() << "no Vulkan device: " << shared_gpu().why;
    GTEST_SKIP() << "no Vulkan device: " << shared_gpu().why;
  }
  void TearDown() override {
    for (const std::string& message : shared_gpu().messages) ADD_FAILURE() << message;
  }
  static Gpu& gpu() { return *shared_gpu().gpu; }
  template <class T>
  static Buffer buffer_of(const std::vector<T>& values) {
    Buffer buffer(gpu(), values.size() * sizeof(T), Place::device, "a test");
    gpu().upload(buffer, 0, std::as_bytes(std::span(values)));
    return buffer;
  }
  template <class T>
  static std::vector<T> values_of(const Buffer& buffer) {
    std::vector<T> values(buffer.size() / sizeof(T));
    gpu().download(buffer, 0, std::as_writable_bytes(std::span(values)));
    return values;
  }
  // Runs one shader and waits for it.
  template <class Push>
  static void run(std::string_view shader, const Push& push, Grid grid, std::span<const uint32_t> constants = {}) {
    const VkPipeline pipeline = gpu().pipeline(shader, constants);
    gpu().run_once([&](Commands& commands) { commands.dispatch(pipeline, push, grid); });
  }
};

}  // namespace hearth::vulkan
