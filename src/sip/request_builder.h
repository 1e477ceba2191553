#pragma once
// Requests a transaction makes out of another one: CANCEL (RFC 3261 9.1) and the ACK to a non-2xx (17.1.1.3).

#include <cstddef>
#include <span>
#include <string_view>

#include "src/sip/message.h"
#include "src/sip/output_buffer.h"

namespace sipwsd::sip {

// `invite` is the request as it was sent: its topmost Via is ours. `headers`: further lines (Reason), without CRLF.
std::size_t write_cancel(const MessageView& invite, std::span<const std::string_view> headers, OutputBuffer& out);
// `response` gives the To with its tag.
std::size_t write_ack(const MessageView& invite, const MessageView& response, OutputBuffer& out);

}  // namespace sipwsd::sip
