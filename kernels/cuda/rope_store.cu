// Turning queries and keys, and storing keys and values, at once.
#include "kernels/cuda/rope_store.h"

namespace hearth::cuda {

HEARTH_EARLY_KERNEL(rope_store, gpu::kRopeStoreThreads, gpu::RopeStoreParameters, rope_store)

}  // namespace hearth::cuda
