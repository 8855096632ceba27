// Units of the other formats: four pieces, which are taken apart at once.
const uint kApart = 16;
const int kShift = 0;
const bool kOneScale = false;

uint unit_offset(uint unit) { return unit * 32; }

struct Loaded {
  uvec4 first, second;
  vec2 scale;
};

Loaded load_unit(uint row_block, uint unit) {
  const uint block = row_block + unit / (kBlockSize / 32), offset = unit * 32 % kBlockSize;
  const Piece a = piece_of(block, offset), b = piece_of(block, offset + 8);
  const Piece c = piece_of(block, offset + 16), d = piece_of(block, offset + 24);
  return Loaded(uvec4(a.q, b.q), uvec4(c.q, d.q), vec2(a.scale, c.scale));
}

Unit unit_of(Loaded loaded, uint unit) { return Unit(loaded.first, loaded.second, loaded.scale, vec2(0)); }
