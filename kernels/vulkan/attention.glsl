// What attention and the joining of its parts share: which positions a row sees, and how parts of a softmax join. As
// kernels/gpu/row_parameters.h has it.
const uint kThreads = 128;
const uint kLeastPart = 128;
const uint kMostParts = 64;
const float kNever = -3.0e38;

// The positions of a sequence that a row sees, begin to end, and how they are cut.
struct Seen {
  uint sequence, begin, end, part, parts;
};
Seen seen_by(BatchWords batch, uint row, uint causal, uint window) {
  Seen seen;
  seen.sequence = batch.word[batch.word[kSequenceOfRow] + row];
  const uint last_row = causal != 0 ? row : batch.word[batch.word[kRowBegin] + seen.sequence + 1] - 1;
  seen.end = batch.word[batch.word[kPositions] + last_row] + 1;
  seen.begin = window != 0 && seen.end > window ? seen.end - window : 0;
  const uint count = seen.end - seen.begin;
  const uint least = (count + kLeastPart - 1) / kLeastPart;
  seen.part = max((least + kMostParts - 1) / kMostParts, 1) * kLeastPart;
  seen.parts = (count + seen.part - 1) / seen.part;
  return seen;
}

// A softmax so far: the largest score, the sum of the weights.
struct Running {
  float top, total;
};
Running begin_running(uint64_t sinks, uint head) {
  if (sinks == 0) return Running(kNever, 0);
  return Running(Floats(sinks).at[head], 1);
}
// What the values so far and those of a part are multiplied by when the part joins.
struct Factors {
  float before, part;
};
Factors join(inout Running running, Running part) {
  const float now = max(running.top, part.top);
  const Factors factors = Factors(exp(running.top - now), exp(part.top - now));
  precise float total = fma(running.total, factors.before, part.total * factors.part);
  running = Running(now, total);
  return factors;
}
float joined(float before, Factors factors, float part) {
  precise float sum = fma(before, factors.before, part * factors.part);
  return sum;
}

// Where what is made of a part is left: the largest score, the sum of the weights, the weighted values.
Floats place_of_part(uint64_t parts, uint64_t head, uint most_parts, uint part, uint value_size) {
  return Floats(parts + 4 * (head * most_parts + part) * (2 + value_size));
}
