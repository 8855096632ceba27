// What kernels are told, read again.
#include "backends/gpu/step_work.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>

#include "backends/backend.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {
namespace {

constexpr double kFloat = sizeof(float);

template <class Args>
Args args_of(const Step& step) {
  Args args;
  std::memcpy(&args, step.args.data(), sizeof args);
  return args;
}

double matrix_bytes(std::string_view format, double values) {
  for (const FormatInfo& info : formats())
    if (info.name == format) return values / info.block_size * info.block_bytes;
  return 0;
}

// Of steps that read or write the cache.
KvType kv_type_of(const Step& step) { return static_cast<KvType>(step.constants.front()); }
double cell_bytes(const Step& step, uint32_t key_width, uint32_t value_width) {
  const KvType type = kv_type_of(step);
  return static_cast<double>(kv_row_bytes(type, key_width) + kv_row_bytes(type, value_width));
}

bool is_of_bfloats(std::string_view kernel) { return kernel.starts_with("bfloat_") || kernel.starts_with("group_"); }

void count_product(const Step& step, std::string_view format, double rows, OpProfile& work) {
  const auto args = args_of<MatmulParameters>(step);
  const uint32_t matrices = args.kinds & 0xffff, together = args.weight_up == 0 ? 1 : 2;
  const uint32_t in_words = step.kernel.starts_with("byte_")     ? rounded_words(args.width)
                            : is_of_bfloats(step.kernel)         ? bfloat_words(args.width)
                            : step.kernel.starts_with("matrix_") ? half_words(args.width)
                                                                 : args.width;
  const double values = 1.0 * args.width * args.rows * together;
  const double in = kFloat * in_words, out = kFloat * args.rows;
  if ((args.kinds & experts_kinds(0, 0)) != 0) {
    const auto experts = args_of<ExpertsParameters>(step);
    const double pairs = rows * experts.used;
    work.bytes = std::min<double>(pairs, matrices) * matrix_bytes(format, values) +
                 (experts.in_of_pairs != 0 ? pairs : rows) * in + pairs * out;
    work.operations = 2 * pairs * values;
    return;
  }
  const double inputs = args.in_matrix_stride == 0 ? 1 : matrices;
  work.bytes =
      matrices * matrix_bytes(format, values) + rows * (inputs * in + matrices * out * (args.add == 0 ? 1 : 2));
  work.operations = 2 * rows * matrices * values;
}

void count_joined(const Step& step, std::string_view format, double rows, OpProfile& work) {
  const auto args = args_of<JoinedParameters>(step);
  const double out = std::accumulate(std::begin(args.rows), std::end(args.rows), 0.0), values = args.width * out;
  work.bytes = matrix_bytes(format, values) + rows * kFloat * (rounded_words(args.width) + out);
  work.operations = 2 * rows * values;
}

// Of a row of `values` values, as they are, rounded, or both.
template <class Args>
double result_bytes(const Args& args, uint32_t values) {
  return kFloat * ((args.out == 0 ? 0 : values) + (args.rounded == 0 ? 0 : rounded_words(values)));
}

void count_attention(const Step& step, const Batch& batch, OpProfile& work) {
  const auto args = args_of<AttendParameters>(step);
  const Seen seen = seen_in(batch, args.window, args.causal != 0);
  const double q = 1.0 * args.heads * args.head_size, out = 1.0 * args.heads * args.value_size;
  work.bytes =
      seen.positions * cell_bytes(step, args.key_width, args.keys == args.values ? 0 : args.value_width) +
      static_cast<double>(batch.tokens.size()) * (kFloat * q + result_bytes(args, args.heads * args.value_size));
  work.operations = 2 * seen.of_rows * (q + out);
}

// Each row's result, and the parts that it is joined from.
void count_join(const Step& step, const Batch& batch, OpProfile& work) {
  const auto args = args_of<AttendJoinParameters>(step);
  const uint32_t most = step.constants.empty() ? kMostParts : step.constants.front();
  for (size_t s = 0; s + 1 < batch.row_begin.size(); ++s)
    for (uint32_t row = batch.row_begin[s]; row < batch.row_begin[s + 1]; ++row) {
      const uint32_t before = batch.positions[args.causal != 0 ? row : batch.row_begin[s + 1] - 1] + 1;
      const uint32_t seen = args.window == 0 ? before : std::min(before, args.window);
      work.bytes += result_bytes(args, args.heads * args.value_size) +
                    kFloat * args.heads * part_count(seen, most) * (2.0 + args.value_size);
    }
}

// Bytes for a row, and for a sequence.
struct Needs {
  double of_row = 0, of_sequence = 0;
};
Needs needs_of(const Step& step) {
  const std::string_view kernel = step.kernel;
  if (kernel == "norm") {
    const auto args = args_of<NormParameters>(step);
    return {kFloat * args.width * (args.add == 0 ? 2 : 3)};
  }
  if (kernel == "norm_round") {
    const auto args = args_of<NormRoundParameters>(step);
    const uint32_t rows = 1 + (args.add == 0 ? 0 : 1) + (args.out == 0 ? 0 : 1);
    return {kFloat * (rows * args.width + args.rounded_stride)};
  }
  if (kernel == "round_inputs") {
    const auto args = args_of<RoundInputsParameters>(step);
    const uint32_t words = step.constants.front() == 0 ? rounded_words(args.width) : bfloat_words(args.width);
    return {kFloat * args.rows_each * step.z * (args.width + words)};
  }
  if (kernel == "halve_inputs") {
    const auto args = args_of<RoundInputsParameters>(step);
    return {kFloat * args.rows_each * step.z * (args.width + half_words(args.width))};
  }
  if (kernel == "rope") {
    const auto args = args_of<RopeParameters>(step);
    return {kFloat * 2 * (args.q_heads + args.k_heads) * args.head_size};
  }
  if (kernel == "rope_store") {
    const auto args = args_of<RopeStoreParameters>(step);
    const double q = 1.0 * args.q_heads * args.head_size;
    return {kFloat * (2 * (q + args.key_width) + args.value_width) +
            cell_bytes(step, args.key_width, args.value_width)};
  }
  if (kernel == "store") {
    const auto args = args_of<StoreParameters>(step);
    const uint32_t value_width = args.v == 0 ? 0 : args.value_width;
    return {kFloat * (args.key_width + value_width) + cell_bytes(step, args.key_width, value_width)};
  }
  if (kernel == "gate") return {kFloat * 3 * args_of<GateParameters>(step).width};
  if (kernel == "copy_heads") return {kFloat * 2 * args_of<CopyHeadsParameters>(step).count * step.z};
  if (kernel == "logits") return {kFloat * 2 * args_of<LogitsParameters>(step).width};
  if (kernel == "candidates") return {kFloat * args_of<CandidatesParameters>(step).width};
  if (kernel == "combine") {
    const auto args = args_of<CombineParameters>(step);
    return {kFloat * args.width * (args.used + (args.add == 0 ? 1 : 2))};
  }
  if (kernel == "convolve") {
    const double channels = args_of<ConvolveParameters>(step).channels;
    return {kFloat * 2 * channels, kFloat * 2 * channels * step.constants.front()};
  }
  if (kernel == "delta_rule") {
    const auto args = args_of<DeltaRuleParameters>(step);
    const double values = 1.0 * args.heads * args.value_size;
    return {kFloat * (2.0 * args.key_heads * args.key_size + 2 * values + 2 * args.heads),
            kFloat * 2 * values * args.key_size};
  }
  return {};
}

}  // namespace

OpProfile work_of(const Step& step, uint32_t count, const Batch& batch) {
  OpProfile work{.name = step.kernel, .launches = 1};
  const size_t slash = step.kernel.find('/');
  if (slash != std::string::npos) {
    const std::string format = step.kernel.substr(slash + 1);
    work.name[slash] = ' ';
    if (step.kernel.starts_with("embed/")) {
      const double width = args_of<EmbedParameters>(step).width;
      work.bytes = count * (matrix_bytes(format, width) + kFloat * width);
    } else if (step.kernel.starts_with("joined_")) {
      count_joined(step, format, count, work);
    } else {
      count_product(step, format, count, work);
    }
    return work;
  }
  const bool attends = step.kernel == "attend" || step.kernel == "attend_row" || step.kernel == "attend_tiles";
  if (attends || step.kernel.ends_with("store")) work.name += std::string(" ") + name_of(kv_type_of(step));
  if (attends) {
    count_attention(step, batch, work);
    return work;
  }
  if (step.kernel == "attend_join") {
    count_join(step, batch, work);
    return work;
  }
  const Needs needs = needs_of(step);
  work.bytes = count * needs.of_row + static_cast<double>(batch.states.size()) * needs.of_sequence;
  return work;
}

}  // namespace hearth::gpu
