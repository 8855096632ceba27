// Errors as OpenAI's clients read them.
#pragma once

#include <exception>
#include <string>

#include "hearth/hearth.h"
#include "tools/serve/json.h"

namespace hearth::serve {

struct ApiError : std::exception {
  ApiError(int http_status, std::string error_type, std::string error_code, const std::string& message_text,
           std::string parameter = "")
      : status(http_status),
        type(std::move(error_type)),
        code(std::move(error_code)),
        param(std::move(parameter)),
        message(message_text) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string type, code;
  std::string param;  // the field that is wrong; empty: null
  std::string message;
  unsigned retry_after = 0;  // seconds; 0: the client is not told to come again
  // Of a prompt that is too long: its tokens, and how many the context holds; 0: it is not that.
  uint64_t prompt_tokens = 0, context = 0;
};

// 400: the request itself is wrong, in the field `param` where one is named.
ApiError invalid_request(const std::string& message, const std::string& param = "", const std::string& code = "");
// 503 with Retry-After.
ApiError busy(const std::string& message);
// What the engine throws, with the status that tells the client whose fault it is.
ApiError from_engine(const Error& error);
// The same for whatever is being handled; call it inside a catch block.
ApiError from_current_exception();

// {"error": {message, type, param, code}}
Json error_json(const ApiError& error);

}  // namespace hearth::serve
