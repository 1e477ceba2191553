#pragma once
// Failures are values. A function that can fail in an expected way (bad input, peer gone, mailbox full)
// returns Result<T>; an Error says what class of failure it is and why, in words an operator or a peer can use.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace sipwsd {

enum class Errc : std::uint16_t {
  incomplete,    // more bytes are needed; nothing was consumed
  malformed,     // the input breaks its grammar
  too_large,     // a length or a count is over its limit
  unsupported,   // understood, but not done here
  not_found,     // nobody by that name
  exists,        // somebody has that name already
  full,          // a bounded table, ring or queue has no room
  gone,          // the connection, process or transaction has ended
  refused,       // policy says no
  timed_out,
  out_of_range,  // a number or word outside what is allowed
  system,        // the operating system said no; `why` has its words
};

struct Error {
  Errc code{};
  std::string why;  // may be empty where the code says it all
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
  Result(Errc code) : state_(std::in_place_index<1>, Error{code, {}}) {}

  explicit operator bool() const noexcept { return state_.index() == 0; }
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }
  const Error& error() const { return std::get<1>(state_); }
  // The error's class, for `if (r.is(Errc::incomplete))`; false when there is a value.
  bool is(Errc code) const noexcept {
    const auto* error = std::get_if<1>(&state_);
    return error != nullptr && error->code == code;
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}
  Result(Errc code) : error_{code, {}}, failed_(true) {}

  explicit operator bool() const noexcept { return !failed_; }
  const Error& error() const { return error_; }
  bool is(Errc code) const noexcept { return failed_ && error_.code == code; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace sipwsd
