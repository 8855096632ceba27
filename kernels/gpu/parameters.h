// What each kernel of a GPU is told and does, as its source in kernels/vulkan or kernels/cuda declares it. All sizes
// and strides are in values.
#pragma once

#include <cstdint>
#include <string_view>

namespace hearth::gpu {

using Address = uint64_t;  // of a buffer or a place in one; 0: there is none

// Most bytes of what a kernel is told: every device of Vulkan has room for so many.
inline constexpr uint32_t kArgsBytes = 128;

// Words of the batch's header; kernels/vulkan/batch.glsl has the same.
struct HeaderWord {
  enum Word : uint32_t {
    rows,
    outputs,
    sequences,
    state_copies,
    tokens,
    positions,
    sequence_of_row,
    row_begin,
    page_begin,
    pages,
    output_rows,
    sequence_of_output,
    states,
    copied_states,
    adapter_scales,
    rope_angles,
    whole,        // rows of which the host gets all logits
    whole_rows,   // [whole]
    chosen,       // rows of which it gets candidates
    chosen_rows,  // [chosen x 3]: the row, how many of its candidates, and how many those of the rows before it are
  };
};
inline constexpr uint32_t kHeaderWords = 20;

// embed/FORMAT: out[row] = add[row] + scale * table[index] + bias, index being the row's token or position. A thread
// makes 8 values: dispatch [ceil(width / 8 / 64), rows].
struct EmbedParameters {
  Address table, add, bias, out, batch, decode_tables;
  uint32_t width, table_rows, out_stride;
  uint32_t index_at;  // HeaderWord::tokens or ::positions
  float scale;
};
static_assert(sizeof(EmbedParameters) == 72);

// Numbers of act are those of Activation in backends/program.h.
constexpr uint32_t matmul_kinds(uint32_t matrices, uint32_t act, HeaderWord::Word count_at) {
  return matrices | act << 16 | static_cast<uint32_t>(count_at) << 20;
}
// Of matmul and matmul_tiles: bias and bias_up are [columns x rows], and those of experts [pairs x rows].
inline constexpr uint32_t kBiasOfColumn = 1u << 25;
constexpr uint32_t experts_kinds(uint32_t experts, uint32_t act) { return experts | act << 16 | 1u << 24; }

// matmul/FORMAT, for each matrix m of those below one another, column c and row r of the matrix:
//   out[c][m * out_matrix_stride + r] = add[the same] + scale * times[c] * act(scales[m] * W_m in[c]_m + bias[m][r])
// in[c]_m being the `width` values from c * in_stride + m * in_matrix_stride on; or with weight_up, what act makes of
// that and of scales_up[m] * U_m in[c]_m + bias_up[m][r]. `add` may be `out`, but `in` may not.
// Columns are rows of the batch, of which the header's word count_at has the number. Matrices are below 2^16, and of a
// weight's blocks there are less than 2^32.
// Constants: 0 the columns of a workgroup, C (1, 2, 4 or 8), 1 its rows, R; C * R <= 64; 2 is 1 where is_whole().
// Dispatch [ceil(rows / R), ceil(columns / C), matrices]. A column's result does not depend on C, nor on other columns.
struct MatmulParameters {
  Address weight, weight_up, in, out, batch, bias, bias_up, add, times, decode_tables, scales, scales_up;
  uint32_t width, rows;  // of one matrix
  uint32_t in_stride, out_stride, in_matrix_stride, out_matrix_stride;
  uint32_t kinds;  // see matmul_kinds
  float scale;
};
static_assert(sizeof(MatmulParameters) == 128);
// Whether every 8 values of the inputs lie so that they can be read at once.
constexpr bool is_whole(uint32_t width, Address in, uint32_t in_stride, uint32_t in_matrix_stride) {
  return width % 8 == 0 && in % 16 == 0 && in_stride % 4 == 0 && in_matrix_stride % 4 == 0;
}

// byte_matmul/FORMAT, of formats with blocks, is matmul/FORMAT for inputs that round_inputs has rounded, `in` and its
// strides being those of RoundInputsParameters' out. On machines whose workgroups are warps for themselves R is
// rounded_rows(), constant 3 rounded_splits(); elsewhere constant 3 is rounded_threads(), not less than C * R.
//
// matmul_tiles/FORMAT is the same for many columns. Its constant 0 is 1 where is_whole(); dispatch [ceil(rows / 64),
// ceil(columns / 32), matrices]. Nor does a column's result depend on others here, but it may differ from that of
// matmul/FORMAT. byte_tiles/FORMAT, of formats with blocks, is matmul_tiles/FORMAT for inputs that round_inputs has
// rounded: `in` and its strides are then those of RoundInputsParameters' out. bfloat_tiles/FORMAT is that for inputs
// rounded to bfloat16 numbers, as weights are; dispatch [ceil(rows / kBfloatTile), ceil(columns / kBfloatTile),
// matrices], with weight_up [ceil(rows / (kBfloatTile / 2)), ...]. Only some machines have it, and none for experts.
// group_tiles/FORMAT, of some formats and machines, is bfloat_tiles/FORMAT for widths that are multiples of kGroupWidth
// and inputs in slices. Constant 0: groups G, 2 to 4; dispatch [ceil(rows / (64 * G)), ceil(columns / kGroupColumns),
// matrices], with weight_up [ceil(rows / (32 * G)), ...].
// byte_columns/FORMAT, of Q4_0, Q8_0, Q4_K, Q5_K and Q6_K, is byte_tiles/FORMAT for widths that are multiples of 64, in
// the shapes of column_shapes.h; nor is it for experts, or had by all machines. Constants: 0 the columns of a
// workgroup, C, 1 whether tall, 2 its threads, 3 the bytes that it shares. Dispatch [ceil(rows / R), ceil(columns / C),
// matrices], R the shape's rows, or half as many with weight_up.
//
// matmul/FORMAT of experts, for each row c of the batch, place u of its route and row r of the expert e = route[c][u]:
//   out[c * used + u][r] = act(scales[e] * W_e in + bias[e][r]), or as above with weight_up
// in being row c of `in`, or row c * used + u with in_of_pairs. route: [rows x 2 * used], experts first.
// Constants: 0 is 1, 1 the rows of a workgroup, R, 2 as above. Dispatch [ceil(rows / R), rows of the batch * used].
// matmul_tiles/FORMAT makes the same from a list of `tiles`; dispatch [ceil(rows / 64), most_tiles(pairs, experts)], or
// fewer where fewer pairs can be.
struct ExpertsParameters {
  Address weight, weight_up, in, out, batch, bias, bias_up, tiles, route, decode_tables, scales, scales_up;
  uint32_t width, rows;  // of one expert
  uint32_t in_stride, out_stride;
  uint32_t used, in_of_pairs;
  uint32_t kinds;  // see experts_kinds
  float unused;
};
static_assert(sizeof(ExpertsParameters) == 128);

// joined_matmul/FORMAT (of 1 and 4 columns) and joined_columns/FORMAT (but the shapes of tall matrices that short ones
// do not take), of the formats of byte_columns, make in one launch what byte_matmul/FORMAT and byte_columns/FORMAT make
// of one matrix after the other, to the bit: of up to kMostJoined matrices of one width, for each matrix i
//   out[i][c][r] = W_i in[c] + bias[i][r]
// Workgroups along x are those of the first matrix, then those of the others, which begin at first_group[i]; UINT32_MAX
// where there is no such matrix. Constants are the same. Only some machines have them.
inline constexpr uint32_t kMostJoined = 3;
struct JoinedParameters {
  Address weight[kMostJoined], bias[kMostJoined], out[kMostJoined];
  Address in, batch;
  uint32_t rows[kMostJoined], first_group[kMostJoined];
  uint32_t width, in_stride, rows_at;
  uint32_t unused = 0;
};
static_assert(sizeof(JoinedParameters) == 128);

// expert_tiles: lists the pairs of rows and experts by expert, for matmul_tiles. Experts: at most kMostExperts. Rows
// are as many as the header's word rows_at says. Dispatch one workgroup.
struct ExpertTilesParameters {
  Address route, batch, tiles;
  uint32_t experts, used, rows_at;
  uint32_t unused = 0;
};
static_assert(sizeof(ExpertTilesParameters) == 40);
inline constexpr uint32_t kMostExperts = 2048;

constexpr uint32_t most_tiles(uint32_t pairs, uint32_t experts) {
  return pairs / 32 + (pairs < experts ? pairs : experts);
}
// Bytes of the list that `tiles` is the address of.
constexpr uint64_t expert_tiles_bytes(uint32_t pairs, uint32_t experts) {
  return 4 * (1 + 3 * uint64_t{most_tiles(pairs, experts)} + pairs);
}

// round_inputs: out[c][m] is `width` values, a multiple of 32, from in + c * in_stride + m * in_matrix_stride on, as
// bytes q and behind them a scale for each 32, as floats: scale * q is the value to 1/127 of the largest of the 32, at
// worst half of that off. Infinity or NaN makes the scale that. Machines whose workgroups are warps for themselves
// write behind those the sum of each 16 values as rounded. Strides of out are in words, multiples of 4. Columns are
// rows_each times the header's word rows_at; dispatch [ceil(width / 512), columns, matrices]. Constant 0 is 1 where
// they are rounded to bfloat16 numbers, two in a word, instead; and 2 where those, of a width that is a multiple of
// kGroupWidth, lie in slices, for group_tiles. Then 8 columns lie together, at out + 8 * (c / 8 * out_stride + m *
// out_matrix_stride) words, for which there must be room, as pieces of 1 KiB. Values 64t + 32h + 8s + 2j and its
// neighbour of 256, the i-th ones, are in piece 4i + s, and there of column c in word t of the 16 bytes numbered (4h +
// j) ^ (c % 8) of the 128 bytes numbered c % 8.
struct RoundInputsParameters {
  Address in, out, batch;
  uint32_t width, in_stride, in_matrix_stride, out_stride, out_matrix_stride;
  uint32_t rows_at, rows_each, unused;
};
static_assert(sizeof(RoundInputsParameters) == 56);
// Words that `width` rounded values take, as bytes or as bfloat16 numbers.
constexpr uint32_t rounded_words(uint32_t width) { return (width / 4 + width / 32 + width / 16 + 3) / 4 * 4; }
constexpr uint32_t bfloat_words(uint32_t width) { return width / 2; }

// matrix_tiles/FORMAT, of all formats but F32, is matmul_tiles/FORMAT for inputs that halve_inputs has halved, `in` and
// its strides being those of halve_inputs' out, but not for experts; only machines with units that multiply matrices
// have it. Constants: 0 the threads of a workgroup, which are four such units, 1 is 1 where the width is a multiple of
// 8. Dispatch [ceil(rows / kMatrixTile), ceil(columns / kMatrixTile), matrices].
inline constexpr uint32_t kMatrixTile = 64;
inline constexpr uint32_t kMatrixUnits = 4;
// halve_inputs: out[c][m] is `width` values as round_inputs reads them, as halves times 2^n, zeros up to a multiple of
// 32, and n, for which the largest of them that is finite becomes less than 2^15. Strides of out are in words,
// multiples of 4; dispatch [1, columns, matrices]. It is told RoundInputsParameters.
constexpr uint32_t half_words(uint32_t width) { return (width + 31) / 32 * 16 + 4; }

// The warps of a workgroup of byte_matmul, and how many of them share a row: as measured on 9.0, where few rows must
// occupy a whole device and of many a warp does well to have a whole one.
inline constexpr uint32_t kRoundedWarps = 4;
constexpr uint32_t rounded_splits(uint32_t width, uint32_t rows) {
  if (width <= 1024 || rows > 65536) return 1;
  return width <= 2048 && rows > 8192 ? 2 : kRoundedWarps;
}
// Elsewhere, the threads of a workgroup, which share its rows.
constexpr uint32_t rounded_threads(uint32_t width, uint32_t rows) {
  if (rows > 65536) return 64;
  return width <= 1024 ? 32 : width <= 2048 ? 64 : 128;
}
// The sums that a warp makes of each of C columns, by what the registers have room for.
constexpr uint32_t rounded_sums(std::string_view format, uint32_t columns) {
  return columns == 1 && (format == "Q4_0" || format == "Q4_1" || format == "Q4_K") ? 4 : 2;
}
// The rows of a workgroup, of one weight or of each of two.
constexpr uint32_t rounded_rows(std::string_view format, uint32_t columns, uint32_t splits, uint32_t weights) {
  return rounded_sums(format, columns) / weights * (kRoundedWarps / splits);
}

inline constexpr uint32_t kBfloatTile = 128;                  // rows and columns of a tile of bfloat_tiles
inline constexpr uint32_t kBfloatTilesShared = 64 * 132 * 4;  // bytes that a workgroup shares

// Of group_tiles: the columns of a tile, its rows for each group, the slices of inputs that a workgroup has at once,
// the unit of the width, bytes that a workgroup shares, and its threads.
inline constexpr uint32_t kGroupColumns = 128, kGroupRows = 64, kGroupStages = 8, kGroupWidth = 256;
inline constexpr uint32_t kGroupTilesShared = (kGroupStages * kGroupColumns / 8 + 2) * 1024;
constexpr uint32_t group_threads(uint32_t groups) { return groups * 128 + 128; }

}  // namespace hearth::gpu
