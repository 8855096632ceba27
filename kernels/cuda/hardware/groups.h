// Products of matrices by four warps that follow one another, the first of a multiple of four ("a group"), for nvcc and
// devices of capability 9.0 alone (sm_90a): asynchronous, A in registers, B in shared memory. All threads of a group
// call the same. Of A and D, warp w of the group has rows 16w to 16w + 15 as matrices.h says of 16-bit A and of D, for
// each 8 columns.
#pragma once

#include "kernels/cuda/hardware/memory.h"
#include "kernels/cuda/hardware/qualifiers.h"

namespace hearth::cuda {

// Bytes of the pieces that B lies in: 8 columns, one of 64 values of 16 bits. B is such pieces, one after another, from
// a multiple of this on. Of a column c the 16 bytes of values 8i to 8i + 7 are at place i ^ c of its eight.
inline constexpr uint32_t kGroupPiece = 1024;

// The first place in shared memory from `from` on that is a multiple of `bytes`.
template <uint32_t bytes, class T>
HEARTH_DEVICE T* align_shared(T* from) {
  const uint32_t over = static_cast<uint32_t>(__cvta_generic_to_shared(from)) % bytes;
  return cast<T>(cast<uint8_t>(from) + (over == 0 ? 0 : bytes - over));
}

// Names B by the place of its first piece; step_of_group(b, s) is its depth from 16s on.
template <class T>
HEARTH_DEVICE uint64_t group_matrix(T* first_piece) {
  const uint64_t at = static_cast<uint32_t>(__cvta_generic_to_shared(first_piece));
  return at >> 4 | uint64_t{1} << 16 | uint64_t{kGroupPiece >> 4} << 32 | uint64_t{1} << 62;
}
HEARTH_DEVICE uint64_t step_of_group(uint64_t b, uint32_t step) { return b + 2 * step; }

// Changes the registers of each thread of a group, from a multiple of 8, 24 to 240, to more, which waits until others
// have given back as many, or to fewer. A block has no more in all than at its start.
template <uint32_t registers>
HEARTH_DEVICE void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}
template <uint32_t registers>
HEARTH_DEVICE void leave_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}

// Between writing registers that a product is to read or add to and the product.
HEARTH_DEVICE void fence_group() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
HEARTH_DEVICE void commit_group() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// Waits for the products that are under way. Before that nobody writes what they read, nor touches what they add to.
HEARTH_DEVICE void wait_group() { asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory"); }

// d += A B of 64 rows, 128 columns and a depth of 16.
HEARTH_DEVICE void multiply_group(float (&d)[16][4], const uint32_t (&a)[4], uint64_t b) {
  asm volatile(
      "{.reg .pred add; setp.eq.u32 add, 0, 0;\n\t"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {"
      "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, "
      "%19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, %32, %33, %34, %35, "
      "%36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, "
      "%53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, {%64, %65, %66, %67}, %68, add, 1, 1, 0;}"
      : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
        "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
        "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),
        "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]),
        "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3]), "+f"(d[8][0]), "+f"(d[8][1]), "+f"(d[8][2]),
        "+f"(d[8][3]), "+f"(d[9][0]), "+f"(d[9][1]), "+f"(d[9][2]), "+f"(d[9][3]), "+f"(d[10][0]), "+f"(d[10][1]),
        "+f"(d[10][2]), "+f"(d[10][3]), "+f"(d[11][0]), "+f"(d[11][1]), "+f"(d[11][2]), "+f"(d[11][3]), "+f"(d[12][0]),
        "+f"(d[12][1]), "+f"(d[12][2]), "+f"(d[12][3]), "+f"(d[13][0]), "+f"(d[13][1]), "+f"(d[13][2]), "+f"(d[13][3]),
        "+f"(d[14][0]), "+f"(d[14][1]), "+f"(d[14][2]), "+f"(d[14][3]), "+f"(d[15][0]), "+f"(d[15][1]), "+f"(d[15][2]),
        "+f"(d[15][3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));
}

}  // namespace hearth::cuda
