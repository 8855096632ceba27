// Grammars in the notation of GBNF.
#pragma once

#include <string_view>

#include "engine/decode/constraint/grammar_builder.h"

namespace hearth {

// The part of the rule "root": rules `name ::= ...` of literals, classes, groups, alternatives and repetitions, with
// comments from # on. Escapes in literals and classes mean characters. Throws Error (invalid_argument), with the line.
GrammarPart read_gbnf(GrammarBuilder& builder, std::string_view text);

}  // namespace hearth
