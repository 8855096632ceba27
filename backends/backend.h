// What a backend is: a device that compiles a Program into a Plan, and a Plan that runs one Batch after another.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include "backends/batch.h"
#include "backends/profile.h"
#include "backends/program.h"

namespace hearth {

// A device that cannot do what was asked: out of memory, lost, or a program it does not run.
class DeviceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A device that is gone with all that was in its memory: its driver gave it up, or it was reset or removed. Nothing can
// be done with it or its plans but to destroy them; one that is made anew may work.
class DeviceLost : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

// A device that has found out by itself that it computes wrong results, so that nothing can be run on it.
class WrongResults : public DeviceError {
 public:
  using DeviceError::DeviceError;
};

// How the cache keeps a key or value: as it is, as binary16, or in Q8_0 blocks of 32.
enum class KvType : uint8_t { f32, f16, q8_0 };

struct Limits {
  uint32_t rows = 512;  // most rows of a batch
  uint32_t pages = 0;   // pages of the KV cache, each of page_size positions in every layer
  uint32_t page_size = 32;
  uint32_t states = 0;  // places for states, of programs that have them
  KvType kv_type = KvType::f16;
  bool deterministic = false;  // a row's result depends on its sequence alone, whatever else is in its batches
};

// One of the largest logits of a row.
struct Candidate {
  float logit;
  int32_t token;  // -1: there is none
};

// The largest of logits that are numbers fill `candidates`: falling, equal ones by rising token, -0 being 0. Where
// there are fewer, the rest has token -1. Every device gives what this gives.
void choose_candidates(std::span<const float> logits, std::span<Candidate> candidates);

// logits: of the outputs that want all, [those x vocabulary]; sent: of programs with a Send, [batch rows x its width];
// candidates: of the other outputs, of each as many as it wants. Valid until the next submit.
struct StepResult {
  std::span<const float> logits;
  std::span<const float> sent = {};
  std::span<const Candidate> candidates = {};
};

// One program on one device, with its own cache. Used by one thread at a time; the weights that the program views must
// outlive it.
class Plan {
 public:
  virtual ~Plan() = default;
  // Starts a step. The batch is copied where it is needed. Throws DeviceError for a batch past the limits.
  virtual void submit(const Batch& batch) = 0;
  // Waits for the step that submit started.
  virtual StepResult wait() = 0;
  // Does what submit() does, waits, and tells how long the ops took, each after the one before it, where submit() may
  // have several run at once; wait() then gives the result. Throws DeviceError also where the device cannot tell.
  virtual StepProfile profile(const Batch& batch);
  // Copy the first `positions` of a page of the cache out and in, between steps: one position after the other, of each
  // its key and then its value, layer by layer. They are floats, binary16 numbers or Q8_0 blocks as Limits::kv_type
  // says, whatever the device's own layout, so that bytes of one device may be given to another one. `bytes` has
  // position_bytes() for each position. Throw DeviceError for a page or a size that cannot be.
  virtual void read_page(uint32_t page, uint32_t positions, std::span<std::byte> bytes) const = 0;
  virtual void write_page(uint32_t page, uint32_t positions, std::span<const std::byte> bytes) = 0;
  // The same for what a place for states holds, those of all StateIds one after the other [state_values(program)].
  virtual void read_state(uint32_t place, std::span<float> values) const = 0;
  virtual void write_state(uint32_t place, std::span<const float> values) = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string name() const = 0;
  // Bytes of a memory of its own that are free now; nothing where it uses the machine's.
  virtual std::optional<uint64_t> free_memory() const { return std::nullopt; }
  // Throws DeviceError where an op, format or size is not supported.
  virtual std::unique_ptr<Plan> compile(const Program& program, const Limits& limits) = 0;
};

// Throws DeviceError naming what is wrong; every backend calls it before a step, so that kernels need no checks.
void check_batch(const Batch& batch, const Program& program, const Limits& limits);

// Whether it has a Select, so that results are of the batch's outputs, not of all its rows.
bool selects(const Program& program);
const char* name_of(KvType type);  // "f16"
// Bytes of `width` values of a key or a value.
uint64_t kv_row_bytes(KvType type, uint32_t width);
// Bytes of the keys and values of one position in all layers.
uint64_t position_bytes(const Program& program, KvType type);
// Values that a sequence keeps in all states.
uint64_t state_values(const Program& program);
// Throws DeviceError where Plan::read_state and write_state do.
void check_state(uint32_t place, size_t values, const Program& program, const Limits& limits);
// Throws DeviceError where Plan::read_page and write_page do.
void check_page(uint32_t page, uint32_t positions, size_t bytes, const Program& program, const Limits& limits);

}  // namespace hearth
