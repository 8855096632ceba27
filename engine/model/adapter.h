// A LoRA adapter in a GGUF file: pairs of small matrices that change tensors of a model.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "backends/program.h"
#include "formats/gguf.h"

namespace hearth {

// Whether general.type says that the file is an adapter, of whatever kind.
bool is_adapter(const Gguf& file);

// Immutable once read. Programs that it changes view it.
class Adapter {
 public:
  // A tensor NAME of the model becomes W + scale * B A, where the file has A as NAME.lora_a [rows of rank, each as wide
  // as those of W] and B as NAME.lora_b. Of experts there is a pair for each, one below the other.
  struct Pair {
    std::string_view base;  // NAME
    const GgufTensor *a, *b;
    uint64_t rank() const { return b->dims[0]; }
  };

  // Throws FileError for what is no LoRA adapter, is of a kind that is not supported, or has half a pair.
  explicit Adapter(Gguf file);

  const Gguf& file() const { return file_; }
  const std::vector<Pair>& pairs() const { return pairs_; }
  double alpha() const { return alpha_; }
  uint64_t bytes() const;  // of all matrices

  // Adds the changes of one more adapter to the program that was made of `model`. Throws FileError where the two do not
  // fit.
  void change(Program& program, const Gguf& model) const;

 private:
  void change_embedding(Program& program, const Gguf& model, const Pair& pair) const;
  float factor(const Pair& pair) const;
  Weight floats(const GgufTensor& tensor) const;
  [[noreturn]] void fail(const Pair& pair, std::string_view what) const;

  Gguf file_;
  double alpha_ = 0;  // 0: the scale counts as it is; otherwise it is multiplied by alpha / rank
  std::vector<Pair> pairs_;
  std::vector<std::vector<std::byte>> decoded_;  // by tensor of the file: as F32 what it has in blocks
};

}  // namespace hearth
