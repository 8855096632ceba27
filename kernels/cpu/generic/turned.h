// The vocabulary of unpack.h for as many rows at once as a tile vector has lanes: 32 bytes of every row are 8 tile
// vectors, each of 4 bytes of every row. Packed bytes are turned before they are taken apart, when they are fewest.
#pragma once

#include <type_traits>

#include "kernels/cpu/generic/unpack.h"

namespace hearth::cpu {
namespace {

// A place in the first of the rows, which lie `stride` bytes apart.
struct Place {
  const std::byte* p;
  size_t stride;
  Place operator+(size_t bytes) const { return {p + bytes, stride}; }
};

// A place in a unit whose words are turned already: words[i] are bytes 4 * i to 4 * i + 3 of every row.
template <class I>
struct TurnedPlace {
  const typename I::Tile* words;
  size_t byte;  // even
  TurnedPlace operator+(size_t bytes) const { return {words, byte + bytes}; }
};
template <class I>
TurnedPlace<I> word_at(TurnedPlace<I> at) {
  return at;
}
// Four bytes from a place on.
template <class I>
[[gnu::always_inline]] inline typename I::Tile word_of(TurnedPlace<I> at) {
  const typename I::Tile* words = at.words + at.byte / 4;
  return at.byte % 4 == 0 ? words[0] : I::tile_between(words[0], words[1]);
}
template <class I>
[[gnu::always_inline]] inline typename I::TileFloat half_of(TurnedPlace<I> at) {
  const typename I::Tile word = at.words[at.byte / 4];
  return at.byte % 4 == 0 ? I::tile_low_half(word) : I::tile_high_half(word);
}
template <class I>
[[gnu::always_inline]] inline typename I::TileFloat half_of(Place at) {
  return I::tile_gather_f16(at.p, at.stride);
}

template <class I>
struct Turned {
  using Tile = typename I::Tile;
  struct B32 {
    Tile t[8];
  };

  template <class F>
  [[gnu::always_inline]] static B32 each(F&& f) {
    B32 r;
    for (uint32_t i = 0; i < 8; ++i) r.t[i] = f(i);
    return r;
  }
  // 16 bytes from a place on, and 32.
  [[gnu::always_inline]] static void turn(Place at, Tile* t) { I::turn(at.p, at.stride, t); }
  [[gnu::always_inline]] static void turn(TurnedPlace<I> at, Tile* t) {
    for (uint32_t i = 0; i < 4; ++i) t[i] = word_of<I>(at + 4 * i);
  }
  [[gnu::always_inline]] static void turn32(Place at, Tile* t) {
    if constexpr (requires { I::turn32(at.p, at.stride, t); }) {
      I::turn32(at.p, at.stride, t);
    } else {
      turn(at, t);
      turn(at + 16, t + 4);
    }
  }
  [[gnu::always_inline]] static B32 load32(Place at) {
    B32 r;
    turn32(at, r.t);
    return r;
  }
  template <class P>
  [[gnu::always_inline]] static B32 nibbles(P at) {
    Tile q[4];
    turn(at, q);
    const Tile low = I::tile_splat8(15);
    return each([&](uint32_t i) __attribute__((always_inline)) {
      return I::tile_and(i < 4 ? q[i] : I::template tile_shift_right<4>(q[i - 4]), low);
    });
  }
  static Tile splat8(int x) { return I::tile_splat8(x); }
  [[gnu::always_inline]] static B32 bit_and(const B32& a, Tile b) {
    return each([&](uint32_t i) __attribute__((always_inline)) { return I::tile_and(a.t[i], b); });
  }
  [[gnu::always_inline]] static B32 bit_or(const B32& a, const B32& b) {
    return each([&](uint32_t i) __attribute__((always_inline)) { return I::tile_or(a.t[i], b.t[i]); });
  }
  template <int n>
  [[gnu::always_inline]] static B32 shift_right(const B32& a) {
    return each([&](uint32_t i) __attribute__((always_inline)) { return I::template tile_shift_right<n>(a.t[i]); });
  }
  template <int n>
  [[gnu::always_inline]] static B32 shift_left(const B32& a) {
    return each([&](uint32_t i) __attribute__((always_inline)) { return I::template tile_shift_left<n>(a.t[i]); });
  }
  [[gnu::always_inline]] static B32 look_up(const int8_t* table16, const B32& index) {
    return each([&](uint32_t i) __attribute__((always_inline)) { return I::tile_look_up(table16, index.t[i]); });
  }
  // The 32 bits lie at `at`.
  [[gnu::always_inline]] static B32 from_bits(TurnedPlace<I> at, int value) {
    const Tile words = word_of<I>(at);
    return each([&](uint32_t i) __attribute__((always_inline)) {
      return I::tile_and(I::tile_bits(words, i), I::tile_splat8(value));
    });
  }
};

template <class U, class Store>
concept TurnsScales = requires(Place at, Store store) {
  U::turn_scales(at, store, store);
};

// The scales of a unit of every row, [group][row], groups `stride` floats apart. Where only some groups of 32 are the
// row's own, those of the others become zeros.
template <class I, class U, class P>
[[gnu::always_inline]] inline void turned_scales(P at, uint32_t groups, float* s, float* m, size_t stride) {
  const auto to = [stride](float* values) {
    return [=](uint32_t g, typename I::TileFloat of_rows) __attribute__((always_inline)) {
      I::tile_store_float(values + g * stride, of_rows);
    };
  };
  if constexpr (requires { U::kHalfScale; }) {
    for (uint32_t g = 0; g < 8; ++g, at = at + sizeof(typename U::Block)) {
      to(s)(g, half_of<I>(at + U::kHalfScale));
      if constexpr (U::kMin) to(m)(g, I::tile_mul(half_of<I>(at + U::kHalfPlus), I::tile_splat_float(-1)));
    }
  } else if constexpr (TurnsScales<U, void (*)(uint32_t, typename I::TileFloat)>) {
    U::turn_scales(at, to(s), to(m));
  } else {
    static_assert(!U::kMin);
    constexpr uint32_t kLanes = I::kTileLanes;
    alignas(64) float scales[kLanes][16];
    for (uint32_t r = 0; r < kLanes; ++r) U::scales(at.p + r * at.stride, scales[r], nullptr);
    for (uint32_t g = 0; g < U::kGroups; g += 4) {
      typename I::Tile t[4];
      I::turn(reinterpret_cast<const std::byte*>(&scales[0][g]), sizeof(scales[0]), t);
      for (uint32_t i = 0; i < 4; ++i) I::tile_store(s + (g + i) * stride, t[i]);
    }
  }
  for (uint32_t g = groups * U::kGroups / 8; g < U::kGroups; ++g) {
    to(s)(g, I::tile_splat_float(0));
    if constexpr (U::kMin) to(m)(g, I::tile_splat_float(0));
  }
}

// The groups of 32 of a unit that a row has, at most 8.
inline uint32_t groups_of(const Matmul& task, uint32_t unit) {
  const uint32_t left = task.width / 32 - unit * (kUnit / 32);
  return left < kUnit / 32 ? left : kUnit / 32;
}

// A unit of `count` rows from `row` on, at most as many as a tile vector has lanes, read where it lies, or where a copy
// was made because rows are absent (zeros then), the unit would reach past the last row, or the format is a coded one.
// A unit that is cut short goes on with the row below: activations are zero there, and turned_scales leaves out its
// scales.
template <class I, class U>
class UnitOfRows {
 public:
  // A Place; or a TurnedPlace where blocks are shorter than 32 bytes and begin with a binary16 each: to turn those of
  // every row with the rest takes less time than to gather them.
  [[gnu::always_inline]] auto find(const Matmul& task, uint32_t row, uint32_t count, uint32_t unit) {
    const Place at = place(task, row, count, unit);
    if constexpr (kTurns) {
      size_t i = 0;
      for (; i + 8 <= kWords; i += 8) Turned<I>::turn32(at + 4 * i, words_ + i);
      if (i < kWords) Turned<I>::turn(at + 4 * i, words_ + i);
      return TurnedPlace<I>{words_, 0};
    } else {
      return at;
    }
  }

 private:
  static constexpr bool kTurns = [] {
    if constexpr (requires { U::kHalfScale; }) return sizeof(typename U::Block) < 32;
    return false;
  }();
  static constexpr size_t kWords = kTurns ? kUnitBytes<U> / 4 : 1;
  static_assert(!kTurns || kUnitBytes<U> % 16 == 0);

  Place place(const Matmul& task, uint32_t row, uint32_t count, uint32_t unit) {
    const size_t begin = row * task.row_bytes + unit * kUnitBytes<U>;
    const size_t last = begin + (I::kTileLanes - 1) * task.row_bytes + kUnitBytes<U>;
    if (!U::kExpands && count == I::kTileLanes && last <= task.row_end * task.row_bytes)
      return {task.weights + begin, task.row_bytes};
    if (!U::kExpands || count < I::kTileLanes) __builtin_memset(bytes_, 0, sizeof(bytes_));
    for (uint32_t r = 0; r < count; ++r) {
      if constexpr (U::kExpands) {
        expand_unit(task, row + r, unit, *reinterpret_cast<Expanded*>(bytes_[r]));
      } else {
        copy_unit<U>(task, row + r, unit, bytes_[r]);
      }
    }
    return {bytes_[0], kUnitBytes<U>};
  }

  alignas(64) std::byte bytes_[I::kTileLanes][kUnitBytes<U>];
  alignas(64) typename I::Tile words_[kWords];
};

// What a vector of q is for the instruction's dot product, and what is to be taken from it then.
template <class I, class U>
constexpr bool kMakesUnsigned = U::kTile == TileKind::s8&& I::kUnsigned;
template <class I, class U>
constexpr int kTakenAway = kMakesUnsigned<I, U> ? 128 : U::kOffset;
template <class I, class U>
[[gnu::always_inline]] inline typename I::Tile operand(typename I::Tile q) {
  if constexpr (kMakesUnsigned<I, U>) return I::tile_flip(q);
  return q;
}
template <class I, class U>
constexpr TileKind kOperand = kMakesUnsigned<I, U> ? TileKind::u8 : U::kTile;

// Steps of 4 values of one scale, and between two additions to the sum of a row and a column: where 16 bits hold no
// more products than that, a scale has two such runs.
template <class U>
constexpr uint32_t kScaleSteps = U::kGroups == 8 ? 8 : 4;
template <class I, class U>
constexpr uint32_t kRunSteps = [] {
  constexpr uint32_t chain = I::chain(kOperand<I, U>);
  return chain >= 4 && chain < kScaleSteps<U> ? chain : kScaleSteps<U>;
}();

// The scale of a run of steps that begins with step `first` of group j.
template <class U>
constexpr uint32_t scale_of(uint32_t j, uint32_t first) {
  return j * (U::kGroups / 8) + first / kScaleSteps<U>;
}

// What sums of products of a column start from, [group], and `more` in every second one. As vectors of the compiler,
// which takes them one by one otherwise.
template <class I, class U>
[[gnu::always_inline]] inline void find_starts(const Q8Unit& x, int32_t* start, int32_t more = 0) {
  const auto from = [&](const auto* of_x) __attribute__((always_inline)) {
    constexpr size_t kGroups = U::kGroups;
    using Sum = std::remove_cvref_t<decltype(*of_x)>;
    using Sums [[gnu::vector_size(kGroups * sizeof(Sum))]] = Sum;
    using Starts [[gnu::vector_size(kGroups * sizeof(int32_t))]] = int32_t;
    Sums sums;
    __builtin_memcpy(&sums, of_x, sizeof(sums));
    Starts starts = {};
    for (uint32_t g = 1; g < kGroups; g += 2) starts[g] = more;
    starts -= __builtin_convertvector(sums, Starts) * kTakenAway<I, U>;
    __builtin_memcpy(start, &starts, sizeof(starts));
  };
  if constexpr (U::kGroups == 8)
    from(x.total);
  else
    from(x.half);
}
// The sums of its values, [group].
template <class U>
[[gnu::always_inline]] inline void find_sums(const Q8Unit& x, float* sum) {
  if constexpr (U::kGroups == 8) {
    __builtin_memcpy(sum, x.sum, sizeof(x.sum));
  } else {
    for (uint32_t g = 0; g < U::kGroups; ++g) sum[g] = x.scale[g / 2] * static_cast<float>(x.half[g]);
  }
}

}  // namespace
}  // namespace hearth::cpu
