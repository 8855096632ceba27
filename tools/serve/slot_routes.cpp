// What clients may do with the cache of a model.
#include "tools/serve/slot_routes.h"

#include <algorithm>

#include "tools/serve/body.h"
#include "tools/serve/fields.h"
#include "tools/serve/llama/llama_request.h"
#include "tools/serve/openai/chat_request.h"

namespace hearth::serve {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

constexpr size_t kLongestFileName = 200;

// "7" of "/slots/7".
int64_t slot_id(const Connection& connection) {
  const std::string text = connection.path().substr(std::string("/slots/").size());
  const bool is_number = text.size() <= 9 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) throw invalid_request("the id of a slot must be a number", "id_slot", "invalid_value");
  return std::stoll(text);
}

std::string action_of(const Connection& connection) {
  const std::string action = connection.parameter("action");
  if (action != "save" && action != "restore" && action != "erase")
    throw invalid_request("the query must be action=save, action=restore or action=erase", "action", "invalid_value");
  return action;
}

// What there is of a prompt or a conversation, where the body has one, or all.
CacheContent save(const Json& body, Models::Claim& claim, const std::filesystem::path& path) {
  Engine& engine = claim.engine();
  const bool is_chat = body.contains("messages");
  if (!is_chat && !body.contains("prompt")) return engine.save_cache(path);
  Job job = is_chat ? read_chat_request(body, {}) : read_llama_completion(body, {});
  use_adapter(job, claim.adapter());
  check_against(job, engine.info());
  if (job.prepare) job.prepare(engine, job);
  const Request& request = job.requests.front();
  return engine.save_cache(engine.prompt_tokens(request), path, request.adapters);
}

// Errors name files of the server by their names alone. That the server cannot write is no fault of the request.
template <class Action>
CacheContent with_file_name(const std::filesystem::path& path, const std::string& name, bool writes, Action&& action) {
  try {
    return action();
  } catch (const Error& error) {
    std::string message = error.what();
    if (message.starts_with(path.string())) message = name + message.substr(path.string().size());
    if (writes && error.code() == ErrorCode::bad_cache) throw ApiError(500, "server_error", "not_written", message);
    throw from_engine(Error(error.code(), message));
  }
}

}  // namespace

std::string plain_file_name(const std::string& name) {
  const auto is_plain = [](unsigned char c) { return c >= ' ' && c != 0x7F && c != '/' && c != '\\'; };
  if (name.empty() || name.size() > kLongestFileName || name.front() == '.' || name.ends_with(".partial") ||
      !std::ranges::all_of(name, is_plain))
    throw invalid_request(
        "'filename' must be a plain file name: no path, no dot at its beginning, no .partial at its end", "filename",
        "invalid_value");
  return name;
}

asio::awaitable<void> change_slot(Connection& connection, Service& service) {
  const int64_t id = slot_id(connection);
  const std::string action = action_of(connection);
  const std::filesystem::path& folder = service.options.slot_folder;
  if (folder.empty())
    throw ApiError(501, "not_supported_error", "not_supported",
                   "this server saves and restores nothing; start it with --slot-save-path");
  const bool has_body = !connection.request().body().empty();
  const Json body = action == "erase" && !has_body ? Json::object() : co_await read_body(connection, service);
  Fields fields(body);
  const std::string name = action == "erase" ? "" : plain_file_name(fields.required_text("filename"));
  Signal& signal = connection.signal();
  const auto claim =
      service.models.claim(fields.text("model").value_or(service.models.default_name()), [&] { signal.notify(); });
  co_await wait_for_model(connection, service, *claim);
  Engine& engine = claim->engine();
  std::string answer = co_await service.file_workers.run([&] {
    const std::filesystem::path path = folder / name;
    Json told = {{"id_slot", id}};
    if (action == "erase") {
      told["n_erased"] = engine.clear_cache();
      return to_text(told);
    }
    const auto begin = Clock::now();
    told["filename"] = name;
    if (action == "save") {
      const CacheContent saved = with_file_name(path, name, true, [&] { return save(body, *claim, path); });
      told["n_saved"] = saved.tokens;
      told["n_written"] = saved.bytes;
    } else {
      const CacheContent restored = with_file_name(path, name, false, [&] { return engine.load_cache(path); });
      told["n_restored"] = restored.tokens;
      told["n_read"] = restored.bytes;
      if (restored.left_out > 0) told["n_left_out"] = restored.left_out;
    }
    told["timings"] = {{action + "_ms", std::chrono::duration<double, std::milli>(Clock::now() - begin).count()}};
    return to_text(told);
  });
  co_await connection.reply({200, std::move(answer)});
}

}  // namespace hearth::serve
