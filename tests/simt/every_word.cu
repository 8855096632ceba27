// A kernel of all words, so that each is compiled by both compilers, whether or not a kernel of kernels/cuda uses it.
#include <simt.h>

namespace hearth::cuda {

struct EveryWordParameters {
  Address in, out;
};

HEARTH_TABLE uint32_t kWordTable[4] = {1, 2, 3, 4};

// Words on float pairs and bytes, of which the results are not looked at.
HEARTH_DEVICE float arithmetic(uint32_t a, uint32_t b, float x) {
  uint32_t bits = pack_halves(x, 1.0f) + pack_bfloats(x, 1.0f) + add_halves(a, b) + multiply_halves(a, b) +
                  fma_halves(a, b, a) + fma_bfloats(a, b, a) + permute_bytes(a, b, 0x3715) + logic<0x6a>(a, b, a) +
                  count_ones(a) + leading_zeros(b) + trailing_zeros(b) + shift_left(a, b, 3) + shift_right(a, b, 3) +
                  bits_of(x);
  const int dots = dot_bytes(static_cast<int>(a & 0x01010101), 3, 4) + dot_unsigned_bytes(a & 0x01010101, 3, 4);
  float y = low_half(bits) + high_half(bits) + low_bfloat(bits) + high_bfloat(bits) + float_of(bits & 0x3fffffff);
  y += half_to_float(float_to_half(x)) + bfloat_to_float(float_to_bfloat(x)) + static_cast<float>(dots);
  y += fma(x, x, x) + exp(x) + exp2(x) + log(x) + log1p(x) + tanh(x) + erf(x) + pow(x, x) + sin(x) + cos(x) + sqrt(x) +
       floor(x) + abs(x) + quick_exp(x) + quick_exp2(x) + quick_reciprocal(x) + quick_reciprocal_root(x);
  y += static_cast<float>(round_to_int(x) + min(dots, 3) + max(dots, 3)) + min(x, y) + max(x, y);
  return is_nan(y) || !is_finite(y) || min(a, b) > max(a, b) ? 0.0f : y;
}

HEARTH_DEVICE float lanes(float x) {
  const uint32_t t = thread_index();
  float y = shuffle(x, 3) + shuffle_xor(x, 1) + shuffle_down(x, 2) + shuffle_up(x, 2) + warp_sum(x) + warp_max<4>(x);
  y += static_cast<float>(shuffle_xor(uint64_t{t}, 1) + ballot(t > 3));
  return any(t == 1) && !all(t == 2) ? y : 0.0f;
}

template <uint32_t stages>
HEARTH_DEVICE void every_word(const EveryWordParameters& p, const Constants& c) {
  HEARTH_SHARED(uint16_t, 32 * 8, rows);
  HEARTH_SHARED(uint32_t, 32, counts);
  HEARTH_DYNAMIC_SHARED(Word4, staged);
  const uint32_t t = thread_index();
  wait_for_kernel_before(c);
  Global<const Word4> in = global<const Word4>(p.in);
  prefetch_l2(in);
  copy_async_16(staged + t, in + t);
  copy_async_8(cast<Word2>(staged + 32) + t, cast<const Word2>(in) + t);
  copy_async_4(cast<uint32_t>(staged + 48) + t, cast<const uint32_t>(in) + t, t % 2 * 4);
  commit_copies();
  wait_copies<0>();
  const Word4 words = staged[t];
  cast<Word4>(rows)[t] = words;
  counts[t] = 0;
  sync_block();
  atomic_add(counts + t / 2, 1u);
  atomic_max(counts + t / 2, kWordTable[t % 4]);
  uint32_t one[1], a[4], b[2];
  ldmatrix_x1(one, rows);
  ldmatrix_x2(b, rows + t * 8);
  ldmatrix_x2_transposed(b, rows + t * 8);
  ldmatrix_x4(a, rows + t * 8);
  ldmatrix_x4_transposed(a, rows + t * 8);
  float d[4] = {};
  mma_m16n8k16_f16(d, a, b);
  mma_m16n8k16_bf16(d, a, b);
  int e[4] = {};
  mma_m16n8k32_s8(e, a, b);
  mma_m16n8k32_u8s8(e, a, b);
  sync_warp();
  fence();
  const uint32_t streamed = load_stream(cast<const uint32_t>(in) + t),
                 kept = load_constant(cast<const uint32_t>(in) + t);
  const float sum = arithmetic(streamed, kept, d[0]) + lanes(d[1]) + static_cast<float>(e[0] + e[1]);
  const Global<float> out = global<float>(p.out);
  out[t] = sum + static_cast<float>(stages * c.at[0] + one[0] + warp() + lane() + block_index().x + grid_size().y);
  atomic_add(out + 32, 1.0f);
  out[t] += load_fresh(out + t);
  atomic_add(global<uint32_t>(p.out) + 33, 1u);
  if (t == threads() - 1) atomic_max(global<uint32_t>(p.out) + 34, 7u);
}

HEARTH_KERNEL(every_word, 32, EveryWordParameters, every_word<2>)
HEARTH_CROWDED_KERNEL(every_word_crowded, 32, 16, EveryWordParameters, every_word<3>)

}  // namespace hearth::cuda
