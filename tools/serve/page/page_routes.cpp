// Files that are compiled into the program.
#include "tools/serve/page/page_routes.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

extern "C" const char hearth_page_api_begin[], hearth_page_api_end[], hearth_page_audit_begin[],
    hearth_page_audit_end[], hearth_page_board_begin[], hearth_page_board_end[], hearth_page_compare_begin[],
    hearth_page_compare_end[], hearth_page_chat_begin[], hearth_page_chat_end[], hearth_page_index_begin[],
    hearth_page_index_end[], hearth_page_metrics_begin[], hearth_page_metrics_end[], hearth_page_page_begin[],
    hearth_page_page_end[], hearth_page_plot_begin[], hearth_page_plot_end[], hearth_page_style_begin[],
    hearth_page_style_end[];

namespace hearth::serve {
namespace {

namespace asio = boost::asio;

struct PageFile {
  std::string_view name;
  const char *begin, *end;
};

constexpr std::array<PageFile, 9> kPageFiles = {{
    {"api.js", hearth_page_api_begin, hearth_page_api_end},
    {"audit.js", hearth_page_audit_begin, hearth_page_audit_end},
    {"board.js", hearth_page_board_begin, hearth_page_board_end},
    {"chat.js", hearth_page_chat_begin, hearth_page_chat_end},
    {"compare.js", hearth_page_compare_begin, hearth_page_compare_end},
    {"metrics.js", hearth_page_metrics_begin, hearth_page_metrics_end},
    {"page.css", hearth_page_style_begin, hearth_page_style_end},
    {"page.js", hearth_page_page_begin, hearth_page_page_end},
    {"plot.js", hearth_page_plot_begin, hearth_page_plot_end},
}};

// Nothing from elsewhere, nothing inline, and no other page may show this one.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

asio::awaitable<void> reply_with(Connection& connection, const char* begin, const char* end, const char* type) {
  co_await connection.reply({200,
                             std::string(begin, end),
                             type,
                             {{"Content-Security-Policy", kPolicy},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Referrer-Policy", "no-referrer"},
                              {"Cache-Control", "no-cache"}}});
}

}  // namespace

asio::awaitable<void> show_root(Connection& connection, Service&) {
  connection.set_header("Vary", "Accept");
  if (connection.header("Accept").find("text/html") != std::string::npos)
    co_await reply_with(connection, hearth_page_index_begin, hearth_page_index_end, "text/html; charset=utf-8");
  else
    co_await connection.reply({200, connection.greeting() + "\n", "text/plain; charset=utf-8"});
}

asio::awaitable<void> show_page_file(Connection& connection, Service&) {
  const std::string name = connection.path().substr(std::string("/page/").size());
  const auto file = std::ranges::find(kPageFiles, std::string_view(name), &PageFile::name);
  if (file == kPageFiles.end())
    throw ApiError(404, "not_found_error", "unknown_url", "the page has no file '" + name.substr(0, 64) + "'");
  co_await reply_with(connection, file->begin, file->end,
                      name.ends_with(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8");
}

}  // namespace hearth::serve
