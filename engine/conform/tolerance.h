// How far results may be from exact arithmetic, and why.
#pragma once

#include <span>
#include <string_view>

#include "backends/backend.h"

namespace hearth::conform {

// What a device rounds the values to that a matrix is multiplied by.
enum class Precision : uint8_t { f32, f16, int8 };
// none: there is no matrix. blocks: any format of more than one value a block.
enum class FormatClass : uint8_t { none, floats, blocks };

// A row of the table. What an op may err by grows with the sum of |w| |x| and is computed for each value by its case;
// `nmse` is the largest mean square error of a whole case over the mean square of what is expected.
struct Tolerance {
  std::string_view op;
  FormatClass format;
  Precision precision;
  KvType cache;  // counts where the op reads or writes a cache
  double nmse;
  std::string_view reason;
};

FormatClass class_of(Format format);
std::string_view name_of(Precision precision);
// What a device of this name ("cpu avx2", "vulkan 0") rounds to before it multiplies by weights of a format.
Precision precision_of(std::string_view device, FormatClass format, Format exactly);
// The row of an op. Throws std::logic_error where there is none.
const Tolerance& find_tolerance(std::string_view op, FormatClass format, Precision precision, KvType cache);
std::span<const Tolerance> tolerances();

}  // namespace hearth::conform
