// What declares functions, arrays and kernels, for the interpreter. Macros, as a kernel must get its name.
#pragma once

#include "tests/simt/interpreter/kernels.h"
#include "tests/simt/interpreter/pointers.h"

#define HEARTH_DEVICE inline

#define HEARTH_TABLE [[maybe_unused]] static const

#define HEARTH_SHARED(T, count, name)  \
  static char hearth_declared_##name;  \
  const hearth::cuda::Shared<T> name = \
      hearth::cuda::Shared<T>::declared(&hearth_declared_##name, #name, (count) * sizeof(T))

#define HEARTH_DYNAMIC_SHARED(T, name) const hearth::cuda::Shared<T> name = hearth::cuda::Shared<T>::dynamic(#name)

#define HEARTH_KERNEL(name, threads, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, hearth::cuda::wait_for_kernel_before(c), Parameters, __VA_ARGS__)
#define HEARTH_EARLY_KERNEL(name, threads, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, , Parameters, __VA_ARGS__)
#define HEARTH_EARLY_CROWDED_KERNEL(name, threads, blocks, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, , Parameters, __VA_ARGS__)
#define HEARTH_CROWDED_KERNEL(name, threads, blocks, Parameters, ...) \
  HEARTH_NAMED_KERNEL(name, threads, hearth::cuda::wait_for_kernel_before(c), Parameters, __VA_ARGS__)
#define HEARTH_NAMED_KERNEL(name, threads, begin, Parameters, ...)                               \
  static_assert((threads) % 32 == 0 && (threads) <= hearth::cuda::kMostThreads);                 \
  static const hearth::simt::Registered hearth_##name(                                           \
      {#name, threads, sizeof(Parameters), [](const void* p, const hearth::cuda::Constants& c) { \
         begin;                                                                                  \
         __VA_ARGS__(*static_cast<const Parameters*>(p), c);                                     \
       }});
