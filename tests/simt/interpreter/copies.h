// Asynchronous copies, for the interpreter: the bytes arrive when they are waited for, and not before.
#pragma once

#include "tests/simt/interpreter/pointers.h"

namespace hearth::cuda {

template <class To, class From>
void copy_async_16(const Shared<To>& to, const Global<From>& from, uint32_t valid = 16) {
  simt::current->block->copy_async(to.array(), to.offset(), from.address(), from.range(), 16, valid);
}
template <class To, class From>
void copy_async_8(const Shared<To>& to, const Global<From>& from, uint32_t valid = 8) {
  simt::current->block->copy_async(to.array(), to.offset(), from.address(), from.range(), 8, valid);
}
template <class To, class From>
void copy_async_4(const Shared<To>& to, const Global<From>& from, uint32_t valid = 4) {
  simt::current->block->copy_async(to.array(), to.offset(), from.address(), from.range(), 4, valid);
}
inline void commit_copies() { simt::current->block->commit_copies(); }
template <uint32_t pending>
void wait_copies() {
  simt::current->block->wait_copies(pending);
}

}  // namespace hearth::cuda
