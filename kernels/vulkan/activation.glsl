// The activations of backends/program.h, by their numbers there.
const uint kNone = 0;
const uint kSilu = 1;
const uint kGelu = 2;
const uint kSigmoid = 3;
const uint kClamped = 4;

float sigmoid(float x) { return 1.0 / (1.0 + exp(-x)); }

float activate(uint act, float x) {
  switch (act) {
    case kSilu:
      return x * sigmoid(x);
    case kGelu:
      return x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x));
    case kSigmoid:
      return sigmoid(x);
  }
  return x;
}

// act(gate) * up, or what `clamped` makes of them.
float gated(uint act, float gate, float up) {
  if (act != kClamped) return activate(act, gate) * up;
  const float g = min(gate, 7.0);
  return g * sigmoid(1.702 * g) * (clamp(up, -7.0, 7.0) + 1.0);
}
