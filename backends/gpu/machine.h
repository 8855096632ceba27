// What plans need of a GPU: memory, copies, and work that is recorded once and run many times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::gpu {

enum class Place : uint8_t {
  device,    // what kernels use
  upload,    // written by the host
  download,  // read by the host
};

// A piece of memory, released with it. Backends derive what else they need to know of theirs.
class Memory {
 public:
  Memory(uint64_t bytes, uint64_t at, std::byte* seen) : size(bytes), address(at), mapped(seen) {}
  virtual ~Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  const uint64_t size;
  const uint64_t address;   // as kernels see it, a multiple of 256
  std::byte* const mapped;  // as the host sees it; null where it is the device's
};

// Owns a piece, or nothing. The machine must outlive it.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::unique_ptr<Memory> memory) : memory_(std::move(memory)) {}

  uint64_t size() const { return memory_ == nullptr ? 0 : memory_->size; }
  uint64_t address() const { return memory_ == nullptr ? 0 : memory_->address; }
  std::byte* mapped() const { return memory_ == nullptr ? nullptr : memory_->mapped; }
  const Memory& memory() const { return *memory_; }

 private:
  std::unique_ptr<Memory> memory_;
};

// How many workgroups there are.
struct Grid {
  uint32_t x, y = 1, z = 1;
};

// One kernel of kernels/gpu, by its name there, and what it is told.
struct Launch {
  std::string_view kernel;
  std::span<const uint32_t> constants;
  std::span<const std::byte> args;
  Grid grid;
};

struct Span {
  double begin, end;
};

// What is recorded after other work may run beside it unless a barrier lies between. The machine, and the buffers that
// are named, must outlive it. Throws DeviceError where the device cannot do it, or is lost.
class Work {
 public:
  virtual ~Work() = default;

  // Asked before anything is recorded: has the device take the times of up to `most` launches. Throws DeviceError where
  // it cannot.
  virtual void time_launches(size_t most) = 0;
  virtual void launch(const Launch& launch) = 0;
  virtual void copy(const Buffer& from, uint64_t from_offset, const Buffer& to, uint64_t to_offset, uint64_t bytes) = 0;
  virtual void zero(const Buffer& buffer) = 0;  // whose size is a multiple of 4
  // What follows sees all that was written before it.
  virtual void barrier() = 0;
  // Ends recording; what was written is then seen by the host, too.
  virtual void end() = 0;

  // Has it run; wait() must follow before the next.
  virtual void start() = 0;
  virtual void wait() = 0;
  // Of the run that was waited for last, when each launch began and ended, in seconds since the first one began.
  virtual std::vector<Span> times() const = 0;
};

// May be used by several threads.
class Machine {
 public:
  struct About {
    std::string backend;            // "vulkan", with which errors begin
    std::string name;               // of the device
    uint64_t memory = 0;            // bytes of its own
    uint32_t shared_bytes = 0;      // most that a workgroup shares
    bool rounds_few = false;        // it has byte_matmul, for products of few rows,
    bool rounds_by_warps = false;   // whose workgroups are warps for themselves,
    bool has_columns = false;       // byte_columns, for those of some tens,
    bool joins = false;             // joined_matmul, for several of few rows, and joined_columns if it has_columns,
    bool has_bfloats = false;       // and bfloat_tiles, for those of very many,
    bool has_groups = false;        // and group_tiles, for those in some formats
    bool attends_rows = false;      // it has attend_row, whose results can be rounded at once,
    bool turns_and_stores = false;  // rope_store,
    bool attends_tiles = false;     // and attend_tiles
    uint32_t matrix_threads = 0;    // of a workgroup of matrix_tiles; 0: it has none
    uint32_t multiprocessors = 0;   // 0: not known
  };

  virtual ~Machine() = default;

  virtual const About& about() const = 0;
  // Bytes of its own that may still be taken, as far as that is known.
  virtual uint64_t free_memory() const { return about().memory; }
  // Throws DeviceError naming `what` where memory is short. The content is undefined; without bytes there is none.
  virtual Buffer take(uint64_t bytes, Place place, const char* what) = 0;
  virtual std::unique_ptr<Work> record() = 0;
  // Makes a kernel ready that is launched later, so that one that the device cannot run is found out before.
  virtual void prepare(std::string_view, std::span<const uint32_t>) {}
  // Fills `bytes` of a buffer with what make(position, piece) makes of pieces, whose sizes are multiples of `unit`.
  virtual void fill(const Buffer& to, uint64_t offset, uint64_t bytes, uint64_t unit,
                    const std::function<void(uint64_t, std::span<std::byte>)>& make) = 0;
  virtual void upload(const Buffer& to, uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual void download(const Buffer& from, uint64_t offset, std::span<std::byte> bytes) = 0;

  // Runs what `record` records, and waits.
  template <class F>
  void run_once(F&& record_into) {
    const std::unique_ptr<Work> work = record();
    record_into(*work);
    work->end();
    work->start();
    work->wait();
  }
};

}  // namespace hearth::gpu
