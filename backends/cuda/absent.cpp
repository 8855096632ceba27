// In the place of the CUDA backend where it was not built.
#include "backends/cuda/device.h"

namespace hearth {
namespace {

[[noreturn]] void refuse() { throw DeviceError("cuda: this program was built without the CUDA backend"); }

}  // namespace

std::unique_ptr<Device> make_cuda_device(std::string_view) { refuse(); }
std::vector<CudaDeviceInfo> cuda_devices() { return {}; }
CudaDeviceInfo find_cuda_device(std::string_view) { refuse(); }
double measure_cuda_reads(std::string_view) { refuse(); }

}  // namespace hearth
