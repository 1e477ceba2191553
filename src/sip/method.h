#pragma once
// Request methods (RFC 3261 7.1 and its extensions). Method names are case-sensitive: "invite" is an unknown method.

#include <cstdint>
#include <string_view>

namespace sipwsd::sip {

enum class Method : std::uint8_t {
  other,  // an extension method; its text is what counts
  invite,
  ack,
  bye,
  cancel,
  options,
  register_,
  message,
  info,
  refer,
  notify,
  subscribe,
  update,
  prack,
  publish,
};

[[nodiscard]] Method method_of(std::string_view text) noexcept;
// Empty for Method::other.
[[nodiscard]] std::string_view name(Method method) noexcept;

}  // namespace sipwsd::sip
