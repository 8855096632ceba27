// From the exceptions of the parts to the one of the public API.
#pragma once

#include <exception>
#include <new>

#include "backends/backend.h"
#include "engine/include/hearth/hearth.h"
#include "engine/text/template/error.h"
#include "engine/text/tokenizer/error.h"
#include "formats/error.h"

namespace hearth {

// Calls `action`; whatever it throws comes out as an Error.
template <class Action>
auto with_public_errors(Action&& action) -> decltype(action()) {
  try {
    return action();
  } catch (const Error&) {
    throw;
  } catch (const FileError& error) {
    throw Error(ErrorCode::bad_model, error.what());
  } catch (const TokenizerError& error) {
    throw Error(ErrorCode::bad_model, error.what());
  } catch (const TemplateError& error) {
    throw Error(ErrorCode::bad_template, error.what());
  } catch (const DeviceLost& error) {
    throw Error(ErrorCode::device_lost, error.what());
  } catch (const DeviceError& error) {
    throw Error(ErrorCode::device, error.what());
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "there is not enough memory");
  } catch (const std::length_error&) {
    throw Error(ErrorCode::out_of_memory, "there is not enough memory");
  }
}

// Whatever was thrown, as the public error.
inline Error public_error(const std::exception_ptr& error) {
  try {
    with_public_errors([&] { std::rethrow_exception(error); });
  } catch (const Error& known) {
    return known;
  } catch (const std::exception& other) {
    return {ErrorCode::device, other.what()};
  } catch (...) {
  }
  return {ErrorCode::device, "an unknown failure"};
}

}  // namespace hearth
