// The list of tiles of experts: a word that says how many there are; for each its expert, and the begin and number of
// its pairs in the list that follows; that list of all pairs (row * used + place), by expert.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_scalar_block_layout : require

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer ExpertTiles { uint word[]; };

const uint kTileColumns = 32;  // pairs of a tile, at most
const uint kExpertTiles = 1;   // where the tiles begin

// For how many tiles there is room: all experts that are used have an unfinished one.
uint most_tiles(uint pairs, uint experts) { return pairs / kTileColumns + min(pairs, experts); }
