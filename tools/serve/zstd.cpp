// Decompression within bounds of memory.
#include "tools/serve/zstd.h"

#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>

#include "tools/serve/api_error.h"

namespace hearth::serve {
namespace {

constexpr int kWindowLog = 23;  // what every decoder must allow (RFC 8878)

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

std::string decompress_zstd(std::string_view bytes, size_t most) {
  const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (context == nullptr) throw std::bad_alloc();
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLog);
  std::string text;
  ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
  // Grows with what comes out, whatever the frame's header promises.
  for (size_t left = 1;;) {
    const size_t before = text.size();
    text.resize(std::min(most + 1, std::max<size_t>(64 << 10, before * 2)));
    ZSTD_outBuffer output{text.data(), text.size(), before};
    left = ZSTD_decompressStream(context.get(), &output, &input);
    text.resize(output.pos);
    if (ZSTD_isError(left) != 0)
      throw invalid_request(std::string("the body is not valid zstd: ") + ZSTD_getErrorName(left));
    if (text.size() > most)
      throw ApiError(413, "invalid_request_error", "body_too_large",
                     "the request's body is larger than " + std::to_string(most) + " bytes");
    const bool more_waits = output.pos == output.size;
    if (input.pos < input.size || more_waits) continue;
    if (left != 0) throw invalid_request("the body is not valid zstd: it is cut off");
    return text;
  }
}

}  // namespace hearth::serve
