// The GGUF writer.
#include "formats/gguf_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "formats/byte_cursor.h"
#include "formats/error.h"
#include "formats/gguf_parse.h"

namespace hearth {
namespace {

// Bytes; whole large pages, so that the page cache keeps the file in such, and mapping it is quick.
constexpr size_t kBufferSize = size_t{4} << 20;
constexpr uint32_t kGgufDefaultAlignment = 32;
constexpr uint32_t kGgufSmallestAlignment = 8;
constexpr uint32_t kGgufLargestAlignment = 1 << 20;

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_string(std::string& bytes, std::string_view text) {
  append<uint64_t>(bytes, text.size());
  bytes.append(text);
}

void append_bytes(std::string& bytes, std::span<const std::byte> added) {
  bytes.append(reinterpret_cast<const char*>(added.data()), added.size());
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error("GgufWriter: " + what);
}

uint64_t multiply(uint64_t a, uint64_t b) {
  require(a == 0 || b <= UINT64_MAX / a, "a tensor has too many values");
  return a * b;
}

void require_distinct(std::vector<std::string> names, const char* kind) {
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  require(twice == names.end(),
          std::string(kind) + " added twice" + (twice == names.end() ? "" : ": " + in_quotes(*twice)));
}

uint64_t padding_after(uint64_t size, uint64_t alignment) { return (alignment - size % alignment) % alignment; }

}  // namespace

GgufWriter::GgufWriter(const std::filesystem::path& path, uint32_t alignment)
    : path_(path), partial_path_(path.native() + ".partial"), alignment_(alignment) {
  require(
      alignment >= kGgufSmallestAlignment && alignment <= kGgufLargestAlignment && (alignment & (alignment - 1)) == 0,
      "alignment of " + std::to_string(alignment));
  if (alignment != kGgufDefaultAlignment) {
    add_values("general.alignment", GgufType::u32, std::as_bytes(std::span(&alignment, 1)));
  }
  // The name would be given to the new file whatever has it now, a device included.
  std::error_code absent;
  const auto status = std::filesystem::status(path_, absent);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw FileError(printable(path_.native(), kLongestPath) + ": is there already, and is not a regular file");
  buffer_.reserve(kBufferSize);
  file_ = ::open(partial_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
  if (file_ < 0) fail_with_errno("cannot be created");
}

GgufWriter::~GgufWriter() {
  if (file_ >= 0) ::close(file_);
  if (!finished_) ::unlink(partial_path_.c_str());
}

void GgufWriter::begin_entry(std::string_view key, GgufType type) {
  require(!writing_ && !finished_, "key added after data");
  require(!key.empty() && key.size() <= kGgufLongestName, "length of a key");
  keys_.emplace_back(key);
  append_string(metadata_, key);
  append(metadata_, static_cast<uint32_t>(type));
}

void GgufWriter::add_values(std::string_view key, GgufType type, std::span<const std::byte> bytes) {
  begin_entry(key, type);
  append_bytes(metadata_, bytes);
}

void GgufWriter::add_array_values(std::string_view key, GgufType element_type, uint64_t count,
                                  std::span<const std::byte> bytes) {
  begin_entry(key, GgufType::array);
  append(metadata_, static_cast<uint32_t>(element_type));
  append(metadata_, count);
  append_bytes(metadata_, bytes);
}

void GgufWriter::add(std::string_view key, std::string_view value) {
  begin_entry(key, GgufType::string);
  append_string(metadata_, value);
}

void GgufWriter::add_strings(std::string_view key, std::span<const std::string_view> values) {
  begin_entry(key, GgufType::array);
  append(metadata_, static_cast<uint32_t>(GgufType::string));
  append<uint64_t>(metadata_, values.size());
  for (const auto value : values) append_string(metadata_, value);
}

void GgufWriter::add_entry(const GgufEntry& entry) {
  if (entry.key == "general.alignment") return;
  if (entry.type == GgufType::array) {
    add_array_values(entry.key, entry.element_type, entry.count, entry.bytes);
  } else if (entry.type == GgufType::string) {
    add(entry.key, std::string_view(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()));
  } else {
    add_values(entry.key, entry.type, entry.bytes);
  }
}

void GgufWriter::add_tensor(std::string_view name, Format format, std::span<const uint64_t> dims) {
  require(!writing_ && !finished_, "tensor added after data");
  require(!name.empty() && name.size() <= kGgufLongestName, "length of a tensor's name");
  require(!dims.empty() && dims.size() <= 4, "count of dimensions");
  const FormatInfo& info = format_info(format);
  require(dims[0] % info.block_size == 0, "row of " + std::to_string(dims[0]) + " values as " + info.name);
  uint64_t values = 1;
  for (const uint64_t dim : dims) {
    require(dim != 0, "dimension of 0");
    values = multiply(values, dim);
  }
  const uint64_t size = multiply(values / info.block_size, info.block_bytes);
  const uint64_t padded = size + padding_after(size, alignment_);
  require(padded >= size && data_size_ + padded >= data_size_, "tensors have too many values");
  names_.emplace_back(name);
  sizes_.push_back(size);
  append_string(directory_, name);
  append(directory_, static_cast<uint32_t>(dims.size()));
  for (const uint64_t dim : dims) append(directory_, dim);
  append(directory_, static_cast<uint32_t>(format));
  append(directory_, data_size_);
  data_size_ += padded;
}

void GgufWriter::write_header() {
  require_distinct(keys_, "key");
  require_distinct(names_, "tensor");
  writing_ = true;
  std::string header = "GGUF";
  append<uint32_t>(header, 3);
  append<uint64_t>(header, names_.size());
  append<uint64_t>(header, keys_.size());
  for (const std::string* text : {&header, &metadata_, &directory_}) put(std::as_bytes(std::span(*text)));
  write_padding(header.size() + metadata_.size() + directory_.size());
  left_ = sizes_.empty() ? 0 : sizes_[0];
}

void GgufWriter::write_padding(uint64_t position) {
  const std::string zeros(static_cast<size_t>(padding_after(position, alignment_)), '\0');
  put(std::as_bytes(std::span(zeros)));
}

void GgufWriter::write(std::span<const std::byte> bytes) {
  require(!finished_, "data after the end");
  if (!writing_) write_header();
  require(bytes.size() <= left_, "more data than the tensor has");
  put(bytes);
  left_ -= bytes.size();
  if (left_ == 0 && tensor_ < sizes_.size()) {
    write_padding(sizes_[tensor_]);
    ++tensor_;
    left_ = tensor_ < sizes_.size() ? sizes_[tensor_] : 0;
  }
}

void GgufWriter::finish() {
  require(!finished_, "finished twice");
  if (!writing_) write_header();
  require(tensor_ == sizes_.size(), "finished before all data was written");
  flush();
  if (::fsync(file_) != 0) fail_with_errno("cannot be written");
  const int closed = ::close(file_);
  file_ = -1;
  if (closed != 0) fail_with_errno("cannot be written");
  if (::rename(partial_path_.c_str(), path_.c_str()) != 0) fail_with_errno("cannot be given its name");
  finished_ = true;
}

void GgufWriter::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kBufferSize - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
    bytes = bytes.subspan(size);
    if (buffer_.size() == kBufferSize) flush();
  }
}

void GgufWriter::flush() {
  for (std::span<const std::byte> rest(buffer_); !rest.empty();) {
    const ssize_t written = ::write(file_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_with_errno("cannot be written");
    rest = rest.subspan(static_cast<size_t>(written));
  }
  buffer_.clear();
}

void GgufWriter::fail_with_errno(const char* what) const {
  const int number = errno;
  throw FileError(printable(path_.native(), kLongestPath) + ": " + what + ": " +
                  std::generic_category().message(number));
}

}  // namespace hearth
