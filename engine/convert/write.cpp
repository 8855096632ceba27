// Writing the new file, some rows at a time.
#include <algorithm>
#include <cmath>
#include <system_error>

#include "engine/convert/convert.h"
#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/gguf_writer.h"
#include "quant/quantize.h"

namespace hearth {
namespace {

constexpr uint64_t kStripValues = uint64_t{1} << 20;

uint64_t bytes_in(Format format, uint64_t values) {
  const FormatInfo& info = format_info(format);
  return values / info.block_size * info.block_bytes;
}

class TensorWriter {
 public:
  TensorWriter(const ModelFolder& folder, const ConvertPlan& plan, GgufWriter& writer,
               const std::function<void(const ConvertedTensor&, double)>& told)
      : folder_(folder), plan_(plan), writer_(writer), told_(told) {}

  void write(const ConvertedTensor& tensor) {
    if (tensor.pieces.empty()) write_values(tensor, tensor.values.data(), tensor.values.size(), tensor.values.size());
    for (const Piece& piece : tensor.pieces) {
      const uint64_t strip = std::clamp<uint64_t>(kStripValues / piece.width, 1, piece.rows);
      for (uint64_t y = 0; y < piece.rows; y += strip) {
        const uint64_t rows = std::min(strip, piece.rows - y);
        if (tensor.format == Format::mxfp4)
          repack(tensor, piece, y, rows);
        else
          encode(tensor, piece, y, rows);
      }
    }
  }

 private:
  void repack(const ConvertedTensor& tensor, const Piece& piece, uint64_t y, uint64_t rows) {
    bytes_.resize(bytes_in(Format::mxfp4, rows * piece.width));
    repack_rows(piece, y, rows, bytes_.data());
    writer_.write(bytes_);
    tell(tensor, rows * piece.width);
  }

  void encode(const ConvertedTensor& tensor, const Piece& piece, uint64_t y, uint64_t rows) {
    values_.resize(rows * piece.width);
    read_rows(piece, y, rows, values_.data());
    if (tensor.added != 0)
      for (float& value : values_) value += tensor.added;
    if (tensor.decays)
      for (float& value : values_) value = -std::exp(value);
    if (!std::all_of(values_.begin(), values_.end(), [](float value) { return std::isfinite(value); }))
      throw FileError(folder_.file_of(*piece.tensor) + ": tensor " + in_quotes(piece.tensor->name) +
                      " has a weight that is no number");
    write_values(tensor, values_.data(), piece.width, values_.size());
  }

  void write_values(const ConvertedTensor& tensor, const float* values, uint64_t width, uint64_t count) {
    bytes_.resize(bytes_in(tensor.format, count));
    quantize(tensor.format, values, nullptr, width, count / width, bytes_.data());
    writer_.write(bytes_);
    tell(tensor, count);
  }

  void tell(const ConvertedTensor& tensor, uint64_t values) {
    done_ += values;
    if (told_) told_(tensor, static_cast<double>(done_) / static_cast<double>(plan_.values));
  }

  const ModelFolder& folder_;
  const ConvertPlan& plan_;
  GgufWriter& writer_;
  const std::function<void(const ConvertedTensor&, double)>& told_;
  uint64_t done_ = 0;
  std::vector<float> values_;
  std::vector<std::byte> bytes_;
};

// The input is read while the output, under the name OUT.partial, is written.
void require_apart(const ModelFolder& folder, const std::filesystem::path& out) {
  for (const std::filesystem::path& input : folder.weight_files())
    for (const std::filesystem::path& output : {out, std::filesystem::path(out.native() + ".partial")}) {
      std::error_code ignored;
      if (std::filesystem::equivalent(input, output, ignored))
        throw FileError(printable(out.native(), kLongestPath) + ": is the input itself");
    }
}

void require_room(const ConvertPlan& plan, const std::filesystem::path& out) {
  uint64_t needed = 0;
  for (const ConvertedTensor& tensor : plan.tensors) needed += tensor.bytes();
  std::error_code error;
  const auto space = std::filesystem::space(out.has_parent_path() ? out.parent_path() : ".", error);
  if (!error && space.available < needed)
    throw FileError(printable(out.native(), kLongestPath) + ": needs " + std::to_string(needed >> 20) +
                    " MiB, but the disk has " + std::to_string(space.available >> 20) + " MiB left");
}

}  // namespace

void write_converted(const ModelFolder& folder, const ConvertPlan& plan, const std::filesystem::path& out,
                     const std::function<void(const ConvertedTensor&, double)>& on_progress) {
  require_apart(folder, out);
  require_room(plan, out);
  GgufWriter writer(out);
  plan.metadata.write(writer);
  for (const ConvertedTensor& tensor : plan.tensors) writer.add_tensor(tensor.name, tensor.format, tensor.dims);
  TensorWriter tensors(folder, plan, writer, on_progress);
  for (const ConvertedTensor& tensor : plan.tensors) tensors.write(tensor);
  writer.finish();
}

}  // namespace hearth
