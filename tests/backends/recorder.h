// A machine that writes down what steps ask of it, and computes nothing.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "backends/gpu/device.h"

namespace hearth::gpu {

struct HostMemory : Memory {
  HostMemory(std::vector<std::byte>&& own, uint64_t at) : Memory(own.size(), at, own.data()), bytes(std::move(own)) {}
  const std::vector<std::byte> bytes;
};

class Recorder final : public Machine {
 public:
  // `more`: what it has beside that.
  explicit Recorder(bool rounds_few, About more = {}) : about_(std::move(more)) {
    about_.backend = "recorder";
    about_.name = "a list";
    about_.memory = 1 << 30;
    about_.shared_bytes = 1 << 16;
    about_.rounds_few = about_.has_bfloats = rounds_few;
  }

  void round_few(bool rounds) { about_.rounds_few = rounds; }

  // What was started last, in its order, of group_tiles with the groups; "|" where a barrier lies between or before.
  // How many bytes it copies, and how often work was recorded.
  std::vector<std::string> launches;
  uint64_t copied = 0;
  int recorded = 0;
  // Of all byte_matmul that were recorded: the rows of a workgroup, constant 3, and workgroups along x.
  std::set<std::array<uint32_t, 3>> shapes_of_few;

  const About& about() const override { return about_; }
  Buffer take(uint64_t bytes, Place, const char*) override {
    next_ += (bytes + 255) / 256 * 256;
    return Buffer(std::make_unique<HostMemory>(std::vector<std::byte>(bytes), next_ - (bytes + 255) / 256 * 256));
  }
  std::unique_ptr<Work> record() override {
    ++recorded;
    return std::make_unique<List>(*this);
  }
  void fill(const Buffer&, uint64_t, uint64_t, uint64_t,
            const std::function<void(uint64_t, std::span<std::byte>)>&) override {}
  void upload(const Buffer&, uint64_t, std::span<const std::byte>) override {}
  void download(const Buffer&, uint64_t, std::span<std::byte>) override {}

 private:
  struct List final : Work {
    explicit List(Recorder& machine) : recorder(machine) {}
    void time_launches(size_t) override {}
    void launch(const Launch& launch) override {
      names.emplace_back(launch.kernel);
      if (launch.kernel.starts_with("byte_matmul/"))
        recorder.shapes_of_few.insert({launch.constants[1], launch.constants[3], launch.grid.x});
      if (launch.kernel.starts_with("group_tiles/")) names.back() += ":" + std::to_string(launch.constants[0]);
    }
    void copy(const Buffer&, uint64_t, const Buffer&, uint64_t, uint64_t bytes) override { copied += bytes; }
    void zero(const Buffer&) override {}
    void barrier() override { names.emplace_back("|"); }
    void end() override {}
    void start() override {
      recorder.launches = names;
      recorder.copied = copied;
    }
    void wait() override {}
    std::vector<Span> times() const override {  // each launch takes half a second, and a second lies between two
      std::vector<Span> spans(names.size() - std::count(names.begin(), names.end(), "|"));
      for (size_t i = 0; i < spans.size(); ++i) spans[i] = {1.5 * i, 1.5 * i + 0.5};
      return spans;
    }
    Recorder& recorder;
    std::vector<std::string> names;
    uint64_t copied = 0;
  };

  About about_;
  uint64_t next_ = 256;
};

inline const Machine::About kAttends{.attends_rows = true, .turns_and_stores = true, .attends_tiles = true};

}  // namespace hearth::gpu
