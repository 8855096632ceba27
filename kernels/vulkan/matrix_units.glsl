// What matrix_tiles needs of units that multiply matrices: cooperative matrices of a subgroup; or, EMULATED, loops over
// the same memory, so that all the rest runs on every device. All threads of a unit call these together.
//
// The includer declares kThreads, which are kUnits units, kTileRows, kTileColumns and kTileDepth.
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_basic : require

const uint kUnits = 4;
const uint kUnitThreads = kThreads / kUnits;
const uint kSide = 16;                    // rows and columns of a matrix
const uint kStride = kTileDepth / 2 + 4;  // words of a row or column; the four spread them over the banks
const uint kValues = kSide * kSide;

// GLSL names types by macros only.
#ifdef EMULATED
const uint kOfLane = 8;  // of kValues, where kThreads are 128
#define HalfPair uint
struct WeightMatrix { uint at; };
struct InputMatrix { uint at; };
struct Sums { float at[kOfLane]; };
#else
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define HalfPair f16vec2
#define WeightMatrix coopmat<float16_t, gl_ScopeSubgroup, kSide, kSide, gl_MatrixUseA>
#define InputMatrix coopmat<float16_t, gl_ScopeSubgroup, kSide, kSide, gl_MatrixUseB>
#define Sums coopmat<float, gl_ScopeSubgroup, kSide, kSide, gl_MatrixUseAccumulator>
#endif

shared HalfPair weight_tile[kTileRows * kStride];    // [row][depth]
shared HalfPair input_tile[kTileColumns * kStride];  // [column][depth]
shared float sum_tile[2 * kUnits * kValues];         // [of either weight][unit][column][row]

#ifdef EMULATED
uint unit() { return gl_LocalInvocationIndex / kUnitThreads; }
uint lane() { return gl_LocalInvocationIndex % kUnitThreads; }

HalfPair pair_of(float first, float second) { return packHalf2x16(vec2(first, second)); }
HalfPair pair_of(uint word) { return word; }

WeightMatrix weights_at(uint row, uint depth) { return WeightMatrix(row * kStride + depth / 2); }
InputMatrix inputs_at(uint column, uint depth) { return InputMatrix(column * kStride + depth / 2); }

Sums no_sums() {
  Sums sums;
  [[dont_unroll]] for (uint i = 0; i < kOfLane; ++i) sums.at[i] = 0;
  return sums;
}
Sums times(Sums sums, float factor) {
  [[dont_unroll]] for (uint i = 0; i < kOfLane; ++i) sums.at[i] *= factor;
  return sums;
}
Sums multiply_add(WeightMatrix weights, InputMatrix inputs, Sums sums) {
  [[dont_unroll]] for (uint i = 0; i < kOfLane; ++i) {
    const uint value = i * kUnitThreads + lane(), row = value % kSide, column = value / kSide;
    [[dont_unroll]] for (uint k = 0; k < kSide / 2; ++k) {
      const vec2 w = unpackHalf2x16(weight_tile[weights.at + row * kStride + k]);
      const vec2 x = unpackHalf2x16(input_tile[inputs.at + column * kStride + k]);
      sums.at[i] += w.x * x.x + w.y * x.y;
    }
  }
  return sums;
}
void store(Sums sums, uint at) {
  [[dont_unroll]] for (uint i = 0; i < kOfLane; ++i) sum_tile[at + i * kUnitThreads + lane()] = sums.at[i];
}
#else
uint unit() { return gl_SubgroupID; }
uint lane() { return gl_SubgroupInvocationID; }

HalfPair pair_of(float first, float second) { return f16vec2(vec2(first, second)); }
HalfPair pair_of(uint word) { return unpackFloat2x16(word); }

// The matrix of the tile that begins there.
WeightMatrix weights_at(uint row, uint depth) {
  WeightMatrix matrix;
  coopMatLoad(matrix, weight_tile, row * kStride + depth / 2, kStride, gl_CooperativeMatrixLayoutRowMajor);
  return matrix;
}
InputMatrix inputs_at(uint column, uint depth) {
  InputMatrix matrix;
  coopMatLoad(matrix, input_tile, column * kStride + depth / 2, kStride, gl_CooperativeMatrixLayoutColumnMajor);
  return matrix;
}

Sums no_sums() { return Sums(0.0); }
Sums times(Sums sums, float factor) { return sums * factor; }
Sums multiply_add(WeightMatrix weights, InputMatrix inputs, Sums sums) { return coopMatMulAdd(weights, inputs, sums); }
// To sum_tile, column by column.
void store(Sums sums, uint at) { coopMatStore(sums, sum_tile, at, kSide, gl_CooperativeMatrixLayoutColumnMajor); }
#endif
