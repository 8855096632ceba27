// Products of small matrices by a warp, for nvcc. Who holds what is as the PTX ISA documents; with g = lane() / 4 and
// t = lane() % 4, words hold values of ascending column (of B: row), the first in the low bits:
//   16-bit A (16 x 16): a[0] is row g, columns 2t and 2t + 1; a[1] row g + 8; a[2], a[3] the same of columns + 8
//   16-bit B (16 x 8):  b[0] is column g, rows 2t and 2t + 1; b[1] rows + 8
//   8-bit A (16 x 32):  a[0] is row g, columns 4t to 4t + 3; a[1] row g + 8; a[2], a[3] the same of columns + 16
//   8-bit B (32 x 8):   b[0] is column g, rows 4t to 4t + 3; b[1] rows + 16
//   D (16 x 8):         d[0], d[1] are row g, columns 2t and 2t + 1; d[2], d[3] row g + 8
#pragma once

#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

// Loads 1, 2 or 4 matrices of 8 rows of 16 bytes: lane 8m + r gives the address (16-byte aligned) of row r of matrix m,
// of x1 and x2 the other lanes' do not matter but must be valid; out[m] is word t of row g of matrix m. Transposed, of
// 16-bit values: rows 2t and 2t + 1 of column g.
template <class T>
HEARTH_DEVICE void ldmatrix_x1(uint32_t (&out)[1], T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(out[0])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}
template <class T>
HEARTH_DEVICE void ldmatrix_x2(uint32_t (&out)[2], T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(out[0]), "=r"(out[1])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}
template <class T>
HEARTH_DEVICE void ldmatrix_x4(uint32_t (&out)[4], T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}
template <class T>
HEARTH_DEVICE void ldmatrix_x2_transposed(uint32_t (&out)[2], T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(out[0]), "=r"(out[1])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}
template <class T>
HEARTH_DEVICE void ldmatrix_x4_transposed(uint32_t (&out)[4], T* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(row)))
               : "memory");
}

// d += A B, of halves, of bfloat16 numbers and of signed bytes; of unsigned bytes of A. How sums of floats are rounded
// inside is the device's own.
HEARTH_DEVICE void mma_m16n8k16_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
HEARTH_DEVICE void mma_m16n8k16_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, "
      "%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
HEARTH_DEVICE void mma_m16n8k32_s8(int (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// Of half the depth: A and B are the first halves of those, a[0], a[1] and b[0].
HEARTH_DEVICE void mma_m16n8k16_s8(int (&d)[4], const uint32_t (&a)[2], const uint32_t (&b)[1]) {
  asm("mma.sync.aligned.m16n8k16.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(b[0]));
}
HEARTH_DEVICE void mma_m16n8k32_u8s8(int (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

}  // namespace hearth::cuda
