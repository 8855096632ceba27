// Choosing the largest of keys that a workgroup of kThreads threads shares; the includer declares that, and defines
// reached() and tokens_reached(). Includes reduce.glsl.
#include "kernels/vulkan/batch.glsl"
#include "kernels/vulkan/reduce.glsl"

layout(buffer_reference, scalar, buffer_reference_align = 8) buffer Pairs { uvec2 at[]; };

// How many of the thread's keys are x or more.
uint reached(uint x);
// The same of those that are `key`, with ~token as what is x or more.
uint tokens_reached(uint key, uint x);

// Numbers as integers from 1 on in the same order, both zeros as one; NaN is 0.
uint ordered_float(float value) {
  const uint bits = floatBitsToUint(value), size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0;
  return bits != size && size != 0 ? ~bits : size | 0x80000000u;
}
uint bits_of_order(uint order) { return order >= 0x80000000u ? order & 0x7fffffffu : ~order; }

// Of all threads; below 2^24, so that a float has it exactly.
uint total(uint count) { return uint(workgroup_sum(float(count))); }

// Chosen are keys above `least`, and of those that are `least` the tokens up to `last`.
struct Chosen {
  uint least, last;
};
bool takes(Chosen chosen, uint key, uint token) {
  return key > chosen.least || key == chosen.least && token <= chosen.last;
}

// The first `wanted` keys that are not 0, of equal ones the lowest tokens.
Chosen choose(uint wanted) {
  uint least = 0, last = 0;
  for (uint bit = 0x80000000u; bit != 0; bit /= 2)
    if (total(reached(least | bit)) >= wanted) least |= bit;
  least = max(least, 1);
  if (total(reached(least)) <= wanted) return Chosen(least, 0xffffffffu);
  const uint left = wanted - total(reached(least + 1));
  for (uint bit = 0x80000000u; bit != 0; bit /= 2)
    if (total(tokens_reached(least, last | bit)) >= left) last |= bit;
  return Chosen(least, ~last);
}

// What the batch says of a row of which candidates are wanted.
struct ChosenRow {
  uint row, wanted, before;
};
ChosenRow chosen_row(BatchWords batch, uint which) {
  const uint at = batch.word[kChosenRows] + 3 * which;
  return ChosenRow(batch.word[at], batch.word[at + 1], batch.word[at + 2]);
}
