// The batch buffer as every shader sees it: a header of words, then arrays that it gives the places of.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require

layout(buffer_reference, scalar, buffer_reference_align = 4) readonly buffer BatchWords { uint word[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer Floats { float at[]; };

// Words of the header. From kTokens on each, but kWholeOutputs and kChosenOutputs, is the offset, in words, of an array
// from the buffer's begin.
const uint kRows = 0;
const uint kOutputs = 1;
const uint kSequences = 2;
const uint kStateCopies = 3;
const uint kTokens = 4;             // [rows]
const uint kPositions = 5;          // [rows]
const uint kSequenceOfRow = 6;      // [rows]
const uint kRowBegin = 7;           // [sequences + 1]
const uint kPageBegin = 8;          // [sequences + 1]
const uint kPages = 9;
const uint kOutputRows = 10;        // [outputs]
const uint kSequenceOfOutput = 11;  // [outputs]
const uint kStates = 12;            // [sequences]
const uint kCopiedStates = 13;      // pairs
const uint kAdapterScales = 14;     // [sequences x adapters]; 0: none in this batch
const uint kRopeAngles = 15;
const uint kWholeOutputs = 16;      // rows of which the host gets all logits
const uint kWholeRows = 17;         // [whole outputs]
const uint kChosenOutputs = 18;     // rows of which it gets candidates
const uint kChosenRows = 19;        // [chosen outputs x 3]: the row, how many, how many of rows before it
