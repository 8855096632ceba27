// From failures to status, type and code.
#include "tools/serve/api_error.h"

#include <new>

namespace hearth::serve {
namespace {

ApiError come_again(const std::string& code, const std::string& message) {
  ApiError error(503, "server_error", code, message);
  error.retry_after = 1;
  return error;
}

}  // namespace

ApiError invalid_request(const std::string& message, const std::string& param, const std::string& code) {
  return {400, "invalid_request_error", code, message, param};
}

ApiError busy(const std::string& message) { return come_again("busy", message); }

ApiError from_engine(const Error& error) {
  switch (error.code()) {
    case ErrorCode::invalid_argument:
      return invalid_request(error.what());
    case ErrorCode::prompt_too_long:
      return invalid_request(error.what(), "", "context_length_exceeded");
    case ErrorCode::bad_template:
      return invalid_request(error.what(), "messages", "chat_template");
    case ErrorCode::busy:
      return busy(error.what());
    case ErrorCode::out_of_memory:
      return {500, "server_error", "out_of_memory", error.what()};
    case ErrorCode::bad_model:
      return {500, "server_error", "bad_model", error.what()};
    case ErrorCode::bad_cache:
      return invalid_request(error.what(), "filename", "bad_cache");
    case ErrorCode::other_cache:
      return invalid_request(error.what(), "filename", "other_cache");
    case ErrorCode::device_lost:
      return come_again("device_lost", error.what());
    case ErrorCode::device:
      break;
  }
  return {500, "server_error", "device", error.what()};
}

ApiError from_current_exception() {
  try {
    throw;
  } catch (const ApiError& error) {
    return error;
  } catch (const Error& error) {
    return from_engine(error);
  } catch (const std::bad_alloc&) {
    return {500, "server_error", "out_of_memory", "there is not enough memory"};
  } catch (const Json::exception&) {
    return invalid_request("a value of the request is not of the type that its place needs");
  } catch (const std::exception&) {
    return {500, "server_error", "internal_error", "the server could not answer this request"};
  }
}

Json error_json(const ApiError& error) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return {{"error",
           {{"message", error.what()},
            {"type", error.type},
            {"param", text_or_null(error.param)},
            {"code", text_or_null(error.code)}}}};
}

}  // namespace hearth::serve
