// Writing the new file: threads encode strips of a tensor while those before are written.
#include <algorithm>
#include <array>
#include <cmath>
#include <system_error>
#include <thread>

#include "engine/quantize/quantize.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/gguf_writer.h"
#include "quant/quantize.h"

namespace hearth {
namespace {

constexpr uint64_t kStripValues = uint64_t{1} << 18;  // whole blocks of every format
constexpr float kLargestNvfp4 = 6.0f * 448.0f;        // the largest level times the largest scale of a group

// Rows of one matrix, or a part of a row that is longer than a strip.
struct Strip {
  uint64_t first;        // of the tensor's values
  uint64_t width, rows;  // of values
  uint64_t column, expert;
};

std::vector<Strip> cut(const GgufTensor& tensor) {
  std::vector<Strip> strips;
  const uint64_t row = tensor.dims[0], rows = tensor.dims[1], experts = tensor.dims[2] * tensor.dims[3];
  for (uint64_t expert = 0; expert < experts; ++expert)
    for (uint64_t y = 0; y < rows;) {
      const uint64_t count = std::clamp<uint64_t>(kStripValues / row, 1, rows - y);
      for (uint64_t x = 0; x < row; x += kStripValues)
        strips.push_back({.first = (expert * rows + y) * row + x,
                          .width = std::min(kStripValues, row - x),
                          .rows = count,
                          .column = x,
                          .expert = expert});
      y += count;
    }
  return strips;
}

// What one thread works with.
struct Bench {
  std::vector<float> values;
  std::vector<std::byte> blocks;
  bool finite = true;
};

uint64_t bytes_of(Format format, uint64_t values) {
  const FormatInfo& info = format_info(format);
  return values / info.block_size * info.block_bytes;
}

void decode(const GgufTensor& tensor, const Strip& strip, Bench& bench) {
  bench.values.resize(strip.width * strip.rows);
  format_info(tensor.format)
      .decode(tensor.bytes.data() + bytes_of(tensor.format, strip.first), bench.values.data(), bench.values.size());
  bench.finite =
      std::all_of(bench.values.begin(), bench.values.end(), [](float value) { return std::isfinite(value); });
}

// scales: by matrix, or none.
void encode(const TensorChange& change, const Strip& strip, std::span<const float> scales, Bench& bench) {
  const GgufTensor& tensor = *change.tensor;
  decode(tensor, strip, bench);
  if (!bench.finite) return;
  if (!scales.empty())
    for (float& value : bench.values) value /= scales[strip.expert];
  bench.blocks.resize(bytes_of(change.format, bench.values.size()));
  const float* importance =
      change.importance.empty() ? nullptr : change.importance.data() + strip.expert * tensor.dims[0] + strip.column;
  quantize(change.format, bench.values.data(), importance, strip.width, strip.rows, bench.blocks.data());
}

// Tells how far the writing is, by values read.
class Meter {
 public:
  Meter(uint64_t total, const std::function<void(const TensorChange&, double)>& told) : total_(total), told_(told) {}
  void add(const TensorChange& change, uint64_t bytes) {
    done_ += bytes;
    if (told_) told_(change, static_cast<double>(done_) / static_cast<double>(std::max<uint64_t>(total_, 1)));
  }

 private:
  uint64_t total_, done_ = 0;
  const std::function<void(const TensorChange&, double)>& told_;
};

void copy_tensor(const TensorChange& change, GgufWriter& writer, Meter& meter) {
  for (auto rest = change.tensor->bytes; !rest.empty();) {
    const auto piece = rest.first(std::min<size_t>(rest.size(), size_t{4} << 20));
    writer.write(piece);
    meter.add(change, piece.size());
    rest = rest.subspan(piece.size());
  }
}

// What each matrix is divided by, so that its largest weight becomes the largest number of the format.
std::vector<float> scales_of(const TensorChange& change) {
  std::vector<float> scales(change.matrices());
  Bench bench;
  for (const Strip& strip : cut(*change.tensor)) {
    decode(*change.tensor, strip, bench);
    for (const float value : bench.values) scales[strip.expert] = std::max(scales[strip.expert], std::fabs(value));
  }
  for (float& scale : scales) scale = scale / kLargestNvfp4 > 0 ? scale / kLargestNvfp4 : 1;
  return scales;
}

void encode_tensor(const Gguf& file, const TensorChange& change, std::span<const float> scales, uint32_t threads,
                   GgufWriter& writer, Meter& meter) {
  const std::vector<Strip> strips = cut(*change.tensor);
  std::vector<Bench> made(threads), ready(threads);
  for (size_t first = 0; first < strips.size() + threads; first += threads) {
    // In this turn the strips from `first` on are made, and those of the turn before are written.
    std::vector<std::jthread> workers;
    for (size_t i = 0; i < threads && first + i < strips.size(); ++i)
      workers.emplace_back([&, i] { encode(change, strips[first + i], scales, made[i]); });
    for (size_t i = 0; first > 0 && i < threads && first - threads + i < strips.size(); ++i) {
      if (!ready[i].finite)
        throw FileError(file.name() + ": tensor " + in_quotes(change.tensor->name) + " has a weight that is no number");
      writer.write(ready[i].blocks);
      meter.add(change, bytes_of(change.tensor->format, ready[i].values.size()));
    }
    workers.clear();
    std::swap(made, ready);
  }
}

void add_entries(const Gguf& file, const QuantizePlan& plan, GgufWriter& writer) {
  for (const GgufEntry& entry : file.entries()) {
    const bool replaced = entry.key == "general.file_type" || entry.key == "general.quantization_version" ||
                          entry.key.starts_with("split.") || entry.key.starts_with("quantize.imatrix.");
    if (!replaced) writer.add_entry(entry);
  }
  writer.add("general.quantization_version", uint32_t{2});
  writer.add("general.file_type", plan.file_type);
  if (plan.importance == nullptr) return;
  writer.add("quantize.imatrix.file", std::string_view(plan.importance->name()));
  if (!plan.importance->data_set().empty())
    writer.add("quantize.imatrix.dataset", std::string_view(plan.importance->data_set()));
  writer.add("quantize.imatrix.entries_count", static_cast<uint32_t>(plan.importance->size()));
  if (plan.importance->chunks() > 0) writer.add("quantize.imatrix.chunks_count", plan.importance->chunks());
}

// The input is read while the output, under the name OUT.partial, is written.
void require_other_file(const Gguf& file, const std::filesystem::path& out) {
  for (const std::filesystem::path& input : file.paths())
    for (const std::filesystem::path& output : {out, std::filesystem::path(out.native() + ".partial")}) {
      std::error_code ignored;
      if (std::filesystem::equivalent(input, output, ignored))
        throw FileError(printable(out.native(), kLongestPath) + ": is the input itself");
    }
}

void require_space(const QuantizePlan& plan, const std::filesystem::path& out) {
  std::error_code error;
  const auto folder = out.has_parent_path() ? out.parent_path() : std::filesystem::path(".");
  const auto space = std::filesystem::space(folder, error);
  if (!error && space.available < plan.bytes_after)
    throw FileError(printable(out.native(), kLongestPath) + ": needs " + std::to_string(plan.bytes_after >> 20) +
                    " MiB, but the disk has " + std::to_string(space.available >> 20) + " MiB left");
}

}  // namespace

void write_quantized(const Gguf& file, const QuantizePlan& plan, const std::filesystem::path& out, uint32_t threads,
                     const std::function<void(const TensorChange&, double)>& on_progress) {
  require_other_file(file, out);
  require_space(plan, out);
  GgufWriter writer(out);
  add_entries(file, plan, writer);
  for (const TensorChange& change : plan.tensors) {
    size_t count = 4;
    while (count > 1 && change.tensor->dims[count - 1] == 1) --count;
    writer.add_tensor(change.tensor->name, change.format, std::span(change.tensor->dims, count));
    if (!change.scale_name.empty()) writer.add_tensor(change.scale_name, Format::f32, std::array{change.matrices()});
  }
  Meter meter(plan.bytes_before, on_progress);
  for (const TensorChange& change : plan.tensors) {
    if (change.format == change.tensor->format) {
      copy_tensor(change, writer, meter);
      continue;
    }
    const std::vector<float> scales = change.scale_name.empty() ? std::vector<float>() : scales_of(change);
    encode_tensor(file, change, scales, std::max(1u, threads), writer, meter);
    if (!scales.empty()) writer.write(std::as_bytes(std::span(scales)));
  }
  writer.finish();
}

}  // namespace hearth
