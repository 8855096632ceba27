// Whole tiny decoders with random weights, which are compared op by op.
#include <cmath>

#include "engine/conform/cases.h"

namespace hearth::conform {
namespace {

enum class Kind : uint8_t { dense, centered, mixture, recurrent, latent };

struct ModelShape {
  Kind kind;
  const char* name;
  Format format, other;  // of most matrices; of v, down and the head, as mixed files have
  KvType cache = KvType::f32;
};

constexpr uint32_t kWidth = 256, kHeads = 8, kKvHeads = 2, kHeadSize = 32, kHidden = 256, kLayers = 2;
constexpr uint32_t kLatent = 64, kTurning = 16;

class ModelBuilder {
 public:
  ModelBuilder(const BuildContext& context, const ModelShape& shape) : b_(context), shape_(shape) {
    Program& p = b_.program();
    p.layers = kLayers;
    p.key_width = shape.kind == Kind::latent ? kLatent + kTurning : kKvHeads * kHeadSize;
    p.value_width = shape.kind == Kind::latent ? 0 : kKvHeads * kHeadSize;
    RopeTable table;
    for (uint32_t i = 0; i < (shape.kind == Kind::latent ? kTurning : kHeadSize) / 2; ++i)
      table.frequency.push_back(std::pow(1000.0, -2.0 * i / kHeadSize));
    p.rope_tables.push_back(table);
    x_ = b_.slot(kWidth);
    normed_ = b_.slot(kWidth);
  }

  void build() {
    b_.add(Embed{x_, b_.weight(shape_.format, kTokens + 2, kWidth, 1)});
    for (layer_ = 0; layer_ < kLayers; ++layer_) {
      norm(x_, normed_);
      if (shape_.kind == Kind::latent) {
        latent_attention();
      } else if (shape_.kind == Kind::recurrent && layer_ == 0) {
        delta_rule();
      } else {
        attention();
      }
      norm(x_, normed_);
      feed_forward();
    }
    const Slot wanted = b_.slot(kWidth), logits = b_.slot(300);
    b_.add(Select{x_, wanted});
    norm(wanted, wanted);
    b_.add(Linear{wanted, logits, matrix(shape_.other, 300, kWidth)});
    b_.add(Logits{logits});
  }
  Builder& builder() { return b_; }

 private:
  // Rows of a root mean square near 1 stay so.
  WeightId matrix(Format format, uint64_t rows, uint64_t width) {
    return b_.weight(format, rows, width, 1 / std::sqrt(static_cast<float>(width)));
  }
  Slot project(Format format, uint32_t width, bool bias = false) {
    const Slot out = b_.slot(width);
    Linear op{normed_, out, matrix(format, width, kWidth)};
    if (bias) op.bias = b_.vector(width, 0.1f);
    b_.add(op);
    return out;
  }
  void norm(Slot in, Slot out) {
    if (shape_.kind == Kind::centered) {
      const WeightId gain = b_.vector(kWidth, 1);
      b_.add(LayerNorm{in, out, gain, b_.vector(kWidth, 0.1f), 1e-5f});
    } else {
      b_.add(RmsNorm{in, out, b_.vector(kWidth, 1), 1e-5f});
    }
  }
  void join(Slot in, Format format) { b_.add(Linear{in, x_, matrix(format, kWidth, b_.width(in)), kNoWeight, x_}); }
  void attention() {
    const bool bias = shape_.kind == Kind::centered;
    const Slot q = project(shape_.format, kHeads * kHeadSize, bias), k = project(shape_.format, kKvHeads * kHeadSize),
               v = project(shape_.other, kKvHeads * kHeadSize, bias);
    if (shape_.kind == Kind::mixture) {
      b_.add(RmsNorm{q, q, b_.vector(kHeadSize, 1), 1e-5f});
      b_.add(RmsNorm{k, k, b_.vector(kHeadSize, 1), 1e-5f});
    }
    const Slot mixed = b_.slot(kHeads * kHeadSize);
    b_.add(RopeKv{q, k, v, layer_, 0, RopeStyle::halves, kHeadSize});
    Attend attend{q, mixed, layer_, kHeadSize, kKvHeads, 1 / std::sqrt(static_cast<float>(kHeadSize))};
    if (shape_.kind == Kind::mixture && layer_ == 1) attend.window = 9;
    b_.add(attend);
    join(mixed, shape_.format);
  }
  void latent_attention() {
    constexpr uint32_t kAll = kLatent + kTurning, kPlain = 64;  // kPlain: of a head of q, before W_k
    const Slot q = project(shape_.format, kHeads * (kPlain + kTurning)), latent = project(shape_.other, kAll);
    const Slot wide = b_.slot(kHeads * kAll), mixed = b_.slot(kHeads * kLatent), values = b_.slot(kHeads * kHeadSize);
    b_.add(RmsNorm{latent, latent, b_.vector(kLatent, 1), 1e-5f});
    b_.add(EachHead{q, wide, matrix(shape_.format, kHeads * kLatent, kPlain), kHeads, 0, kPlain + kTurning, kPlain, 0,
                    kAll, kLatent});
    b_.add(EachHead{q, wide, kNoWeight, kHeads, kPlain, kPlain + kTurning, kTurning, kLatent, kAll, kTurning});
    b_.add(RopeKv{wide, latent, kNoSlot, layer_, 0, RopeStyle::adjacent, kAll, kLatent});
    Attend attend{wide, mixed, layer_, kAll, 1, 1 / std::sqrt(static_cast<float>(kAll))};
    attend.value_size = kLatent;
    b_.add(attend);
    b_.add(EachHead{mixed, values, matrix(shape_.other, kHeads * kHeadSize, kLatent), kHeads, 0, kLatent, kLatent, 0,
                    kHeadSize, kHeadSize});
    join(values, shape_.format);
  }
  void delta_rule() {
    constexpr uint32_t kRuleHeads = 4, kKeyHeads = 2, kSize = 32;
    const Slot in = project(shape_.format, (2 * kKeyHeads + kRuleHeads) * kSize);
    const Slot decay = project(shape_.format, kRuleHeads), beta = project(shape_.format, kRuleHeads),
               gate = project(shape_.format, kRuleHeads * kSize), mixed = b_.slot(kRuleHeads * kSize);
    const WeightId kernel = b_.weight(Format::f32, b_.width(in), 4, 0.5f);
    b_.add(Convolve{in, in, kernel, b_.state(3 * b_.width(in)), Activation::silu});
    const WeightId rate = b_.floats(1, kRuleHeads, {-0.1f, -0.4f, -0.7f, -1.0f});
    b_.add(DeltaRule{in, decay, beta, mixed, rate, b_.vector(kRuleHeads, 1), b_.state(kRuleHeads * kSize * kSize),
                     kKeyHeads, kRuleHeads, kSize, kSize, 1e-6f});
    b_.add(RmsNorm{mixed, mixed, b_.vector(kSize, 1), 1e-6f});
    b_.add(Gate{mixed, gate, mixed, Activation::silu});
    join(mixed, shape_.format);
  }
  void feed_forward() {
    if (shape_.kind == Kind::centered) {
      const Slot hidden = b_.slot(kHidden);
      b_.add(Linear{normed_, hidden, matrix(shape_.format, kHidden, kWidth), b_.vector(kHidden, 0.1f), kNoSlot,
                    Activation::gelu});
      join(hidden, shape_.other);
      return;
    }
    if (shape_.kind == Kind::mixture) {
      constexpr uint32_t kCount = 8, kUsed = 2, kPart = 64;
      const Slot route = b_.slot(2 * kUsed);
      b_.add(Route{normed_, route, matrix(Format::f32, kCount, kWidth), kUsed});
      b_.add(Experts{normed_, route, x_, x_, matrix(shape_.format, kCount * kPart, kWidth),
                     matrix(shape_.format, kCount * kPart, kWidth), matrix(shape_.other, kCount * kWidth, kPart),
                     kCount, kUsed, Activation::silu});
      return;
    }
    const Slot hidden = b_.slot(kHidden);
    b_.add(GateUp{normed_, hidden, matrix(shape_.format, kHidden, kWidth), matrix(shape_.format, kHidden, kWidth),
                  Activation::silu});
    join(hidden, shape_.other);
  }

  Builder b_;
  const ModelShape shape_;
  Slot x_, normed_;
  uint16_t layer_ = 0;
};

}  // namespace

void add_model_cases(CaseList& list) {
  const std::vector<uint32_t> lengths = {18, 1, 7}, chunks = {18, 5};
  for (const ModelShape& shape : {ModelShape{Kind::dense, "dense", Format::f32, Format::f32},
                                  ModelShape{Kind::dense, "dense", Format::f16, Format::bf16},
                                  ModelShape{Kind::dense, "dense", Format::q4_k, Format::q6_k, KvType::f16},
                                  ModelShape{Kind::dense, "dense", Format::q8_0, Format::q4_0, KvType::q8_0},
                                  ModelShape{Kind::dense, "dense", Format::iq4_xs, Format::q5_0},
                                  ModelShape{Kind::centered, "LayerNorm and gelu", Format::f32, Format::f32},
                                  ModelShape{Kind::centered, "LayerNorm and gelu", Format::q5_1, Format::q8_0},
                                  ModelShape{Kind::mixture, "mixture of experts", Format::f32, Format::f32},
                                  ModelShape{Kind::recurrent, "linear attention", Format::f32, Format::f32},
                                  ModelShape{Kind::recurrent, "linear attention", Format::q4_0, Format::q5_k},
                                  ModelShape{Kind::latent, "latent attention", Format::f32, Format::f32},
                                  ModelShape{Kind::latent, "latent attention", Format::q8_0, Format::q8_0}}) {
    Case one{"model", class_of(shape.format), shape.format, shape.cache};
    one.property = Property::model;
    one.quick = shape.format == Format::f32 || shape.format == Format::q4_k;
    one.shape =
        joined({shape.name, std::string("others ") + format_info(shape.other).name, "sequences of 18, 1, 7 by 18, 5"});
    one.build = [=](const BuildContext& context) {
      ModelBuilder model(context, shape);
      model.build();
      auto trial = std::make_unique<Trial>();
      trial->limits = {.rows = 26, .pages = 10, .page_size = 8, .states = 3, .kv_type = shape.cache};
      trial->text = random_text(lengths, trial->limits, model.builder().random());
      trial->chunks = chunks;
      trial->own = model.builder().take();
      return trial;
    };
    CaseList::Traits traits;
    traits.quick = one.quick;
    list.add(one, traits);
  }
}

}  // namespace hearth::conform
