// Products of small matrices by a warp, for the interpreter.
#pragma once

#include <span>

#include "tests/simt/interpreter/pointers.h"

namespace hearth::simt {

// The part of the lane that runs in one of Together's ldmatrix, of out.size() matrices, and in one of its mma.
void load_matrices(Together what, std::span<uint32_t> out, uint32_t array, int64_t offset);
void multiply_matrices(Together what, std::span<float, 4> d, std::span<const uint32_t, 4> a,
                       std::span<const uint32_t, 2> b);
void multiply_matrices(Together what, std::span<int, 4> d, std::span<const uint32_t, 4> a,
                       std::span<const uint32_t, 2> b);

}  // namespace hearth::simt

namespace hearth::cuda {

template <class T>
void ldmatrix_x1(uint32_t (&out)[1], const Shared<T>& row) {
  simt::load_matrices(simt::Together::ldmatrix_x1, out, row.array(), row.offset());
}
template <class T>
void ldmatrix_x2(uint32_t (&out)[2], const Shared<T>& row) {
  simt::load_matrices(simt::Together::ldmatrix_x2, out, row.array(), row.offset());
}
template <class T>
void ldmatrix_x4(uint32_t (&out)[4], const Shared<T>& row) {
  simt::load_matrices(simt::Together::ldmatrix_x4, out, row.array(), row.offset());
}
template <class T>
void ldmatrix_x2_transposed(uint32_t (&out)[2], const Shared<T>& row) {
  simt::load_matrices(simt::Together::ldmatrix_x2_transposed, out, row.array(), row.offset());
}
template <class T>
void ldmatrix_x4_transposed(uint32_t (&out)[4], const Shared<T>& row) {
  simt::load_matrices(simt::Together::ldmatrix_x4_transposed, out, row.array(), row.offset());
}

inline void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  simt::multiply_matrices(simt::Together::mma_f16, d, a, b);
}
inline void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  simt::multiply_matrices(simt::Together::mma_bf16, d, a, b);
}
inline void mma_m16n8k32_s8(int (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  simt::multiply_matrices(simt::Together::mma_s8, d, a, b);
}
inline void mma_m16n8k16_s8(int (&d)[4], const uint32_t (&a)[2], const uint32_t (&b)[1]) {
  mma_m16n8k32_s8(d, {a[0], a[1], 0, 0}, {b[0], 0});
}
inline void mma_m16n8k32_u8s8(int (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  simt::multiply_matrices(simt::Together::mma_u8s8, d, a, b);
}

}  // namespace hearth::cuda
