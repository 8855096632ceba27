// Every function of the driver that the backend uses, on the interpreter.
#include "tests/simt/fake_driver.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "kernels/gpu/parameters.h"
#include "tests/simt/interpreter/executor.h"

namespace hearth::simt {
namespace {

using namespace cuda;

constexpr int kInvalid = 1, kOutOfMemory = 2, kNotFound = 500, kNotReady = 600, kLaunchFailed = 719;
constexpr unsigned kMostBlocks = 65535, kShared = 48 << 10;
constexpr size_t kMemory = size_t{8} << 30;

struct FakeWork {
  std::vector<std::function<CUresult()>> parts;
  std::string kinds;  // of the parts, see fake_driver_captured()
};
struct FakeStream {
  bool capturing = false;
  FakeWork captured;
  std::vector<const FakeWork*> pending;  // graphs that were launched, which run when somebody waits
};
struct FakeEvent {
  bool is_timed = false;
  CUstream stream = nullptr;
  float at = -1;  // milliseconds; of what has not come yet: -1
};

struct FakeDevice {
  explicit FakeDevice(uint32_t seed) : executor(memory, seed) {}
  Memory memory;
  Executor executor;
  std::string found;  // by the last launch that failed
  float now = 0;      // milliseconds; each launch takes one
  int devices = 1;
  size_t most = kMemory;
  int compiled_for = 90;                    // of all functions
  std::string last_work;                    // the kinds of what was captured last
  std::map<const Kernel*, unsigned> given;  // bytes that launches may give, where more than usual
};
std::unique_ptr<FakeDevice> device;
thread_local CUcontext current_context = nullptr;  // of each thread, as the driver has it
int capturing = 0;  // streams that are captured from, while which nothing else may be asked

// Whether a call may be made now by this thread.
bool allowed() { return current_context == reinterpret_cast<CUcontext>(device.get()) && capturing == 0; }

template <class Handle, class T>
Handle handle_of(T* thing) {
  return reinterpret_cast<Handle>(thing);
}
template <class T, class Handle>
T& behind(Handle handle) {
  return *reinterpret_cast<T*>(handle);
}

// What was launched and not waited for yet.
CUresult run_pending(CUstream stream) {
  if (!allowed()) return kInvalid;
  for (const FakeWork* work : std::exchange(behind<FakeStream>(stream).pending, {}))
    for (const auto& part : work->parts)
      if (const CUresult result = part(); result != 0) return result;
  return 0;
}

// Now, after what was launched before, or when the graph that is captured runs.
CUresult do_in(CUstream stream, std::function<CUresult()> part, char kind = '.') {
  auto& to = behind<FakeStream>(stream);
  if (current_context != reinterpret_cast<CUcontext>(device.get())) return kInvalid;
  if (!to.capturing) {
    const CUresult before = run_pending(stream);
    return before != 0 ? before : part();
  }
  if (kind == 'K' && (to.captured.kinds.empty() || to.captured.kinds.back() == '.')) return kInvalid;
  to.captured.parts.push_back(std::move(part));
  to.captured.kinds += kind;
  return 0;
}

CUresult take(size_t bytes, uint64_t& address) {
  if (bytes == 0 || !allowed()) return kInvalid;
  if (device->memory.allocated() + bytes > device->most) return kOutOfMemory;
  address = device->memory.allocate(bytes);
  return 0;
}

CUresult launch(const CUlaunchConfig* config, CUfunction function, void** args, void** extra) {
  const Kernel& kernel = behind<const Kernel>(function);
  const auto [x, y, z, threads, threads_y, threads_z, shared, stream, attributes, attribute_count] = *config;
  if (threads != kernel.threads || threads_y != 1 || threads_z != 1 || extra != nullptr) return kInvalid;
  if (x == 0 || y == 0 || z == 0 || y > kMostBlocks || z > kMostBlocks) return kInvalid;
  const auto given = device->given.find(&kernel);
  if (shared > (given == device->given.end() ? kGivenBytes : given->second)) return kInvalid;
  if (attribute_count > 1 || (attribute_count == 1 && attributes[0].id != kBesideKernelBefore)) return kInvalid;
  const bool early = attribute_count == 1 && attributes[0].value.number != 0;
  if (early && device->compiled_for < 90) return kInvalid;
  std::vector<std::byte> parameters(kernel.parameter_bytes);
  std::memcpy(parameters.data(), args[0], parameters.size());
  Constants constants;
  std::memcpy(&constants, args[1], sizeof constants);
  const Index3 grid{x, y, z};
  const auto run = [&kernel, grid, bytes = shared, parameters, constants]() -> CUresult {
    device->now += 1;
    const std::vector<Report> reports = device->executor.launch(kernel.name, grid, bytes, parameters, constants);
    if (reports.empty()) return 0;
    device->found = reports.front().text;
    return kLaunchFailed;
  };
  if ((constants.order & kBeside) != 0) return early ? do_in(stream, run, 'B') : kInvalid;
  const bool late = (constants.order & kTellsLate) != 0;
  return do_in(stream, run, early ? (late ? 'T' : 'K') : late ? 't' : 'k');
}

}  // namespace

const void* any_image(std::string_view name) { return name.starts_with("group_tiles_") ? nullptr : &device; }
size_t fake_driver_holds() { return device->memory.allocated(); }
void let_fake_driver_have(size_t bytes) { device->most = bytes; }
void let_fake_driver_have_code(int compiled_for) { device->compiled_for = compiled_for; }
std::string fake_driver_captured() { return device->last_work; }

Driver fake_driver(uint32_t seed, int devices) {
  device = std::make_unique<FakeDevice>(seed);
  device->devices = devices;
  capturing = 0;
  Driver d{};
  d.cuInit = [](unsigned) { return 0; };
  d.cuDriverGetVersion = [](int* version) { return *version = 13000, 0; };
  d.cuGetErrorString = [](CUresult result, const char** words) {
    *words = result == kLaunchFailed ? device->found.c_str() : result == kOutOfMemory ? "out of memory" : "invalid";
    return 0;
  };
  d.cuDeviceGetCount = [](int* count) { return *count = device->devices, 0; };
  d.cuDeviceGet = [](CUdevice* which, int number) { return *which = number, 0; };
  d.cuDeviceGetName = [](char* name, int, CUdevice number) {
    std::strcpy(name, number == 0 ? "Interpreter" : "Older Interpreter");
    return 0;
  };
  d.cuDeviceTotalMem = [](size_t* bytes, CUdevice) { return *bytes = kMemory, 0; };
  d.cuDeviceGetAttribute = [](int* value, int which, CUdevice number) {
    *value = which == kSharedBytes       ? static_cast<int>(kShared)
             : which == kMajor           ? 9 - 2 * number
             : which == kMultiprocessors ? 4
                                         : 0;
    return 0;
  };
  d.cuDevicePrimaryCtxRetain = [](CUcontext* context, CUdevice) {
    return *context = handle_of<CUcontext>(device.get()), 0;
  };
  d.cuDevicePrimaryCtxRelease = [](CUdevice) { return 0; };
  d.cuCtxSetCurrent = [](CUcontext context) {
    current_context = context;
    return context == handle_of<CUcontext>(device.get()) ? 0 : kInvalid;
  };
  d.cuMemGetInfo = [](size_t* free, size_t* all) {
    *all = device->most;
    *free = *all - device->memory.allocated();
    return 0;
  };
  d.cuMemAlloc = [](CUdeviceptr* address, size_t bytes) { return take(bytes, *address); };
  d.cuMemFree = [](CUdeviceptr address) { return device->memory.free(address), 0; };
  d.cuMemHostAlloc = [](void** memory, size_t bytes, unsigned) {
    uint64_t address = 0;
    const CUresult result = take(bytes, address);
    *memory = reinterpret_cast<void*>(address);
    return result;
  };
  d.cuMemFreeHost = [](void* memory) { return device->memory.free(reinterpret_cast<uint64_t>(memory)), 0; };
  d.cuMemcpyAsync = [](CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return do_in(stream, [=] {
      std::vector<std::byte> copy(bytes);
      device->memory.download(from, copy);
      device->memory.upload(to, copy);
      return 0;
    });
  };
  d.cuMemsetD32Async = [](CUdeviceptr at, unsigned value, size_t words, CUstream stream) {
    return do_in(stream, [=] {
      const std::vector<unsigned> values(words, value);
      device->memory.upload(at, std::as_bytes(std::span(values)));
      return 0;
    });
  };
  d.cuModuleLoadData = [](CUmodule* module, const void* image) {
    *module = reinterpret_cast<CUmodule>(const_cast<void*>(image));
    return image == nullptr ? kInvalid : 0;
  };
  d.cuModuleUnload = [](CUmodule) { return 0; };
  d.cuFuncGetAttribute = [](int* value, int which, CUfunction) -> CUresult {
    *value = device->compiled_for;
    return which == kPtxVersion ? 0 : kInvalid;
  };
  d.cuFuncSetAttribute = [](CUfunction function, int which, int value) -> CUresult {
    if (which != kMostGivenBytes || value > static_cast<int>(kMostSharedBytes)) return kInvalid;
    device->given[&behind<const Kernel>(function)] = static_cast<unsigned>(value);
    return 0;
  };
  d.cuModuleGetFunction = [](CUfunction* function, CUmodule, const char* name) -> CUresult {
    const Kernel* kernel = find_kernel(std::string_view(name).substr(std::strlen("hearth_")));
    *function = reinterpret_cast<CUfunction>(const_cast<Kernel*>(kernel));
    return kernel == nullptr ? kNotFound : 0;
  };
  d.cuLaunchKernelEx = launch;
  d.cuStreamCreate = [](CUstream* stream, unsigned) { return *stream = handle_of<CUstream>(new FakeStream), 0; };
  d.cuStreamDestroy = [](CUstream stream) {
    delete &behind<FakeStream>(stream);
    return 0;
  };
  d.cuStreamSynchronize = [](CUstream stream) { return run_pending(stream); };
  d.cuStreamBeginCapture = [](CUstream stream, int) -> CUresult {
    if (!allowed()) return kInvalid;
    behind<FakeStream>(stream).captured = {};
    behind<FakeStream>(stream).capturing = true;
    ++capturing;
    return 0;
  };
  d.cuStreamEndCapture = [](CUstream stream, CUgraph* graph) {
    auto& from = behind<FakeStream>(stream);
    from.capturing = false;
    --capturing;
    device->last_work = from.captured.kinds;
    *graph = handle_of<CUgraph>(new FakeWork(std::move(from.captured)));
    return 0;
  };
  d.cuGraphInstantiateWithFlags = [](CUgraphExec* exec, CUgraph graph, unsigned long long) {
    *exec = handle_of<CUgraphExec>(new FakeWork(behind<FakeWork>(graph)));
    return 0;
  };
  d.cuGraphLaunch = [](CUgraphExec exec, CUstream stream) -> CUresult {
    if (!allowed()) return kInvalid;
    behind<FakeStream>(stream).pending.push_back(&behind<FakeWork>(exec));
    return 0;
  };
  d.cuGraphExecDestroy = [](CUgraphExec exec) {
    delete &behind<FakeWork>(exec);
    return 0;
  };
  d.cuGraphDestroy = [](CUgraph graph) {
    delete &behind<FakeWork>(graph);
    return 0;
  };
  d.cuEventCreate = [](CUevent* event, unsigned flags) -> CUresult {
    if (!allowed()) return kInvalid;
    return *event = handle_of<CUevent>(new FakeEvent{flags == kWithTiming}), 0;
  };
  d.cuEventDestroy = [](CUevent event) {
    delete &behind<FakeEvent>(event);
    return 0;
  };
  d.cuEventRecord = [](CUevent event, CUstream stream) { return behind<FakeEvent>(event).stream = stream, 0; };
  d.cuEventRecordWithFlags = [](CUevent event, CUstream stream, unsigned flags) -> CUresult {
    if (flags != kOfGraph || !behind<FakeStream>(stream).capturing) return kInvalid;
    return do_in(stream, [event] { return behind<FakeEvent>(event).at = device->now, 0; });
  };
  d.cuEventSynchronize = [](CUevent event) { return run_pending(behind<FakeEvent>(event).stream); };
  d.cuEventElapsedTime = [](float* milliseconds, CUevent from, CUevent to) -> CUresult {
    const auto &first = behind<FakeEvent>(from), &last = behind<FakeEvent>(to);
    if (!first.is_timed || !last.is_timed) return kInvalid;
    if (first.at < 0 || last.at < 0) return kNotReady;
    return *milliseconds = last.at - first.at, 0;
  };
  return d;
}

std::shared_ptr<CudaMachine> make_interpreted_machine(uint32_t seed) {
  const Driver driver = fake_driver(seed);
  return std::make_shared<CudaMachine>(driver, choose(driver, ""), any_image);
}

}  // namespace hearth::simt
