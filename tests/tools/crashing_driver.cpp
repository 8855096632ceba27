// A driver of Vulkan that ends every process that opens it.
#include <cstdlib>

namespace {

struct Crash {
  Crash() { std::abort(); }
} crash;

}  // namespace
