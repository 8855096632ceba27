// From the ops of a program to steps of a device.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/gpu/fuse.h"
#include "backends/gpu/places.h"
#include "backends/gpu/steps.h"
#include "backends/gpu/ways.h"
#include "backends/gpu/weights.h"
#include "kernels/gpu/row_parameters.h"

namespace hearth::gpu {

struct Compiled {
  std::vector<Step> steps;
  std::array<uint64_t, kScratches> scratch_bytes{};  // that the steps need, for limits.rows
};

class Compiler {
 public:
  // The program is sound (check_program). Weights are uploaded as they are met. With `adapters` steps are made for
  // batches in which sequences use some. Throws DeviceError for what the device cannot do.
  Compiler(const Program& program, const Limits& limits, Machine& machine, Weights& weights, const Places& places,
           bool adapters, Ways ways);
  Compiled run();

 private:
  // A product before it is made a step.
  struct Product {
    WeightId weight, up = kNoWeight;
    WeightId bias = kNoWeight, up_bias = kNoWeight;
    Address in = 0, out = 0;
    Address in_buffer = 0, out_buffer = 0;  // that those lie in, where it is not they
    Address add = 0, times = 0;
    uint32_t matrices = 1;
    uint32_t in_stride = 0, out_stride = 0, in_matrix_stride = 0, out_matrix_stride = 0;
    Activation act = Activation::none;
    float scale = 1;
    // Of experts: where the route is, how many a row uses, and whether each of those has an input of its own.
    Address route = 0;
    uint32_t used = 1;
    bool in_of_pairs = false;
    Address tiles = 0;  // where the pairs are listed by expert, if anywhere
    // Numbers of rows from which on steps are made, if not 0; they then wait for what a step for fewer has waited for.
    uint32_t least = 0;
  };

  void make(const Embed& op);
  void make(const Norm& op);
  void make(const Products& stage);
  void make(const Linear& op) { make(op, 0); }
  void make(const Linear& op, uint32_t least);
  void make(const Joined& joined);
  void make(const GateUp& op);
  void make(const EachHead& op);
  void make(const RopeKv& op);
  void make(const Attend& op) { attend(op, 0, true); }
  void make(const Convolve& op);
  void make(const DeltaRule& op);
  void make(const Gate& op);
  void make(const Route& op);
  void make(const Experts& op);
  void make(const Select& op);
  void make(const Logits& op);
  void make(const Send&) {}  // the plan copies what passes between devices
  void make(const Receive&) {}
  void prepare_states();

  void multiply(const Product& product);
  // One weight, or two of one format that are multiplied together; for experts, or not.
  void multiply_at_once(const Product& product);
  // For each place of the product, bias + what adapters add to the products of the weight, which may be nothing; 0
  // where there is neither.
  Address changed_bias(const Product& product, WeightId weight, WeightId bias, Scratch low, Scratch out);
  void gate(Address gate, Address in, Address out, uint32_t width, Activation act);
  void copy_rows(Address from, Address to, uint32_t width);

  uint32_t width(Slot slot) const { return program_.slot_width[slot]; }
  const Weight& weight(WeightId id) const { return program_.weights[id]; }
  Address slot(Slot slot) const { return slot == kNoSlot ? 0 : places_.slots[slot]; }
  Address floats(WeightId id) { return id == kNoWeight ? 0 : weights_.floats(weight(id)); }
  Address scratch(Scratch which, uint64_t row_values);
  Address scratch_of(Scratch which, uint64_t bytes);
  // Numbers of rows from which on experts' pairs are listed in tiles.
  uint32_t rows_for_tiles(uint32_t experts, uint32_t used) const;
  // The same of all other products.
  uint32_t rows_for_tiles() const;
  // Numbers of rows from which on inputs of the weight, of experts where `routed`, are rounded, if tiles are made from
  // `tiles` rows on.
  uint32_t rows_for_rounding(WeightId id, uint32_t tiles, bool routed) const;
  // Numbers of rows from which on they are rounded to bfloat16 numbers instead of bytes, where that is done at all.
  uint32_t rows_for_bfloats() const;
  // The kernels of a product of few rows, of many and of very many, and what they are told.
  struct Kernels {
    std::string few, many, most;
    MatmulParameters args_of_few, args_of_many, args_of_most;
    uint32_t whole;                       // see is_whole()
    std::array<uint32_t, 3> rows_of_few;  // that a workgroup of `few` makes, of 1, 4 and 8 columns
    uint32_t shared_by = 1;               // constant 3 of byte_matmul
  };
  // Whether it is of one of the formats that most models have, for which there are more kernels.
  static bool is_usual(const Weight& one);
  // Whether byte_columns multiplies the weight by kColumnsLeast to kColumnsMost rounded rows; and the steps of it.
  bool has_columns(const Weight& one) const;
  void add_columns(const Product& product, const MatmulParameters& args);
  // add(rows of a workgroup) adds one of these, which then gets its shape.
  template <class F>
  void add_columns(const char* format, bool tall, F&& add);
  // Whether one launch makes all of them for few rows; and the steps of that. The number of rows from which on each
  // needs its own.
  bool joins(const Joined& joined) const;
  uint32_t add_joined(const Joined& joined);
  void multiply_routed(const Product& product, const Kernels& kernels, const Uses& uses);
  AttendParameters parameters_of(const Attend& op);
  // Whether attend_row makes it for few rows; and the number of rows from which on tiles may be made instead.
  bool attends_by_row(const AttendParameters& args) const;
  uint32_t rows_for_attend_tiles(const AttendParameters& args) const;
  // For fewer rows than `rounded`, 0 unless attends_by_row(), what is not made in tiles is rounded to bytes at once,
  // and also left as it is if `kept`.
  void attend(const Attend& op, uint32_t rounded, bool kept);
  NormParameters parameters_of(const Norm& op);
  Step& add_norm(const Norm& op, bool waits = true);  // or a step before, in whose place it is, waits for it
  // How inputs are rounded, as constants of kernels say it; of very many rows, those of the weight.
  enum class Rounded : uint8_t { bytes, bfloats, slices };
  Rounded order_of_most(WeightId id) const;
  // Room for rounded rows of that many words.
  Address rounded_rows_of(uint64_t words);
  // Has the inputs of a product rounded, for so many rows, unless they are already; they are then those of `args`. The
  // step that does so, if there is one.
  Step* round_inputs(const Product& product, MatmulParameters& args, Rounded to, uint32_t least, uint32_t most);
  // Whether matrix_tiles multiplies the weight by many rows: not in F32, which would lose what halves cannot hold.
  bool has_matrices(WeightId id, bool routed) const;
  // Has the inputs of a product made halves, for `least` rows and more, unless they are; they are then those of `args`.
  void halve_inputs(const Product& product, MatmulParameters& args, uint32_t least);
  // What both make of an input: the parameters, but for where it is put, and `args` told of that.
  struct Copied {
    RoundInputsParameters parameters;
    uint32_t inputs;  // of a column
  };
  Copied copied_inputs(const Product& product, MatmulParameters& args, uint32_t words) const;
  // Norms the input of products of `least` rows and more, but less than `until`, and rounds it at once, very many rows
  // as `most`, and for other numbers of rows norms it; `kept`: others read it as it is.
  void norm_and_round(const Norm& op, uint32_t least, uint32_t until, Rounded most, bool kept);
  // Adds the steps of group_tiles for `least` rows and more.
  void add_groups(const Kernels& kernels, uint32_t matrices, uint32_t least);
  // Adds the step that multiplies in tiles, for `least` rows and more. It takes the place of that before it.
  Step& add_tiles(const Kernels& kernels, uint32_t least);
  bool is_changed(WeightId id) const { return adapters_ && !program_.changes_of(id).empty(); }
  // Makes the step follow the rows that the ops work on now.
  Step& for_rows(Step& step, uint32_t x, uint32_t z = 1) const;
  HeaderWord::Word rows_at() const { return selected_ ? HeaderWord::outputs : HeaderWord::rows; }
  HeaderWord::Word sequences_at() const {
    return selected_ ? HeaderWord::sequence_of_output : HeaderWord::sequence_of_row;
  }
  void require_all_rows(const char* op) const;
  void require_shared(uint64_t bytes, const char* what) const;
  void require_blocks(const Weight& one, uint32_t matrices) const;

  const Program& program_;
  const Limits& limits_;
  Machine& machine_;
  Weights& weights_;
  const Places& places_;
  const bool adapters_;
  const Ways ways_;
  bool selected_ = false;
  bool beside_experts_ = false;  // the inputs at hand are those of experts, too
  bool beside_tiles_ = false;    // or of products that group_tiles does not make
  Address rounded_ = 0;          // the slot whose rows Scratch::rounded has, where that is known,
  Address halved_ = 0;           // and that whose rows Scratch::halves has
  bool in_stage_ = false;        // products of one input are made, which stays as it is
  StepList steps_;
  std::array<uint64_t, kScratches> scratch_bytes_{};
};

}  // namespace hearth::gpu
