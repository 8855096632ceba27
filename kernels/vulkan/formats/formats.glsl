// The one format that a shader is compiled for, FORMAT_x: how its weights are found in planes and decoded.
//
// Of each format: kBlockSize, the values of a block; kPlanes and kPlaneBytes, as quant/planes.h has them; and
//   Piece piece_of(uint block, uint offset)  8 values of a block from `offset`, a multiple of 8, on.
// Of all this makes decode8 and split8, the weights of a row as they are or as scale * w - less, where kHasLess says
// whether less may be other than 0. A matrix has less than 2^32 blocks.
//
// Of formats with blocks besides, for rows that are read by units of 32 values:
//   Loaded load_unit(uint row_block, uint unit)  what memory holds of one, of the row whose blocks begin there;
//   Unit unit_of(Loaded loaded, uint unit)       that taken apart;
//   uint unit_offset(uint unit)                  where its first run lies in the row, the second kApart behind it;
//   kShift, kOneScale                            see Unit; whether both runs have one scale, and so have their inputs.
#include "kernels/vulkan/formats/planes.glsl"

#if defined(FORMAT_F32) || defined(FORMAT_F16) || defined(FORMAT_BF16)
#include "kernels/vulkan/formats/floats.glsl"
#else
#if defined(FORMAT_Q2_K) || defined(FORMAT_Q3_K) || defined(FORMAT_Q4_K) || defined(FORMAT_Q5_K) || \
    defined(FORMAT_Q6_K) || defined(FORMAT_IQ4_XS)
#include "kernels/vulkan/formats/super_blocks.glsl"
#include "kernels/vulkan/formats/super_units.glsl"
#elif defined(FORMAT_TQ1_0) || defined(FORMAT_TQ2_0)
#include "kernels/vulkan/formats/ternary.glsl"
#include "kernels/vulkan/formats/piece_units.glsl"
#elif defined(FORMAT_IQ1_S) || defined(FORMAT_IQ1_M)
#include "kernels/vulkan/formats/shifted_vectors.glsl"
#include "kernels/vulkan/formats/piece_units.glsl"
#elif defined(FORMAT_IQ2_XXS) || defined(FORMAT_IQ2_XS) || defined(FORMAT_IQ2_S) || defined(FORMAT_IQ3_XXS) || \
    defined(FORMAT_IQ3_S)
#include "kernels/vulkan/formats/signed_vectors.glsl"
#include "kernels/vulkan/formats/piece_units.glsl"
#else
#include "kernels/vulkan/formats/small_blocks.glsl"
#include "kernels/vulkan/formats/small_units.glsl"
#endif

#if defined(FORMAT_Q4_1) || defined(FORMAT_Q5_1) || defined(FORMAT_Q2_K) || defined(FORMAT_Q4_K) || defined(FORMAT_Q5_K)
const bool kHasLess = true;
#else
const bool kHasLess = false;
#endif

// The 8 values from value `first` of a row on, whose blocks begin with `row_block`. The order of the operations is part
// of the format, so they are not to be fused.
void decode8(uint row_block, uint first, uint width, bool whole, out float values[8]) {
  const Piece piece = piece_of(row_block + first / kBlockSize, first % kBlockSize);
  for (uint i = 0; i < 8; ++i) {
    precise float product = piece.scale * quantum(piece, i);
    precise float value = product - piece.less;
    values[i] = value;
  }
}

void split8(uint row_block, uint first, uint width, bool whole, out float w[8], out float scale, out float less) {
  const Piece piece = piece_of(row_block + first / kBlockSize, first % kBlockSize);
  for (uint i = 0; i < 8; ++i) w[i] = quantum(piece, i);
  scale = piece.scale;
  less = piece.less;
}
#endif

// Finds the planes of a matrix of `blocks` blocks, for what is decoded from here on.
void open_matrix(uint64_t weight, uint blocks, uint64_t tables) {
  decode_tables = tables;
  for (uint p = 0; p < kPlanes; ++p) {
    planes[p] = weight;
    weight += (uint64_t(blocks) * kPlaneBytes[p] + 255) & ~uint64_t(255);
  }
}
