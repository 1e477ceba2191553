#pragma once
// What an element refuses before it routes (RFC 3261 8.2, 16.3; the verdicts of RFC 4475 and RFC 5118): version,
// mandatory headers and their syntax, headers that may stand only once, CSeq's method, Request-URI scheme; the Contacts
// of a REGISTER. What a proxy does not need it passes on as it is: methods, headers and bodies it does not know.
// Max-Forwards 0, Require and Proxy-Require are policy of whoever routes.

#include <optional>

#include "src/sip/message.h"

namespace sipwsd::sip {

// Nothing: go on. A response that fails is dropped (answerable is false); so is an ACK.
[[nodiscard]] std::optional<Refusal> sanity_refusal(const MessageView& message);

// True when a response can be built and should be: a request other than ACK with Via, From, To, Call-ID and CSeq.
[[nodiscard]] bool is_answerable(const MessageView& message) noexcept;

}  // namespace sipwsd::sip
