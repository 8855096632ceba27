// All cases of conformance: what each is called, and how its trial is built.
#pragma once

#include "engine/conform/builder.h"

namespace hearth::conform {

// accuracy: against the reference. repeat: the same bits twice. batch: the same bits alone, with others and in steps.
// poison: what is no number reaches its row and no other. denormal, large: accuracy for such inputs. model: op by op.
// golden: against recorded results.
enum class Property : uint8_t { accuracy, repeat, batch, poison, denormal, large, model, golden };
std::string_view name_of(Property property);

using Build = std::function<std::unique_ptr<Trial>(const BuildContext&)>;

struct Case {
  std::string op;  // "linear"
  FormatClass format_class = FormatClass::none;
  Format format = Format::f32;  // of the weights that the case is about, where it has any
  KvType cache = KvType::f32;
  std::string shape = {};  // "33x96 silu bias; 67 rows by 67, 9, 1"
  Property property = Property::accuracy;
  bool quick = false;  // part of the short run
  Build build = {};

  std::string format_name() const;  // "Q4_0", or "-" without weights
};

// What a family of cases is given to add to.
class CaseList {
 public:
  // `basic` cases are also made into those of all other properties that `with` allows.
  struct Traits {
    bool basic = false, quick = false;
    bool poison = true, large = true, denormal = true;
  };
  void add(Case one, Traits traits);
  std::vector<Case> take() { return std::move(cases_); }

 private:
  std::vector<Case> cases_;
};

// By family; each says in its file which shapes it takes.
void add_row_cases(CaseList& list);        // embed, norms, gate, select, logits, candidates, send, receive
void add_matrix_cases(CaseList& list);     // linear, gate_up, each_head
void add_mixture_cases(CaseList& list);    // route, experts
void add_attention_cases(CaseList& list);  // rope_kv, attend
void add_recurrent_cases(CaseList& list);  // convolve, delta_rule
void add_model_cases(CaseList& list);

// All of them, by op and then by format.
std::vector<Case> all_cases();

// "a, b, c" of what is not empty.
std::string joined(std::initializer_list<std::string> parts);
// "67 rows by 67, 9, 1"
std::string steps_text(uint32_t rows, const std::vector<uint32_t>& chunks);

}  // namespace hearth::conform
