#include "src/transaction/response_route.h"

#include <arpa/inet.h>

#include "sipwsd/bytes.h"
#include "src/base/text.h"
#include "src/sip/header_list.h"
#include "src/sip/writer.h"
#include "src/transaction/header_lines.h"

namespace sipwsd::transaction {
namespace {

// inet_ntop goes through printf; this is done for every request.
std::size_t write_address(const Endpoint& endpoint, std::array<char, 46>& out) noexcept {
  if (endpoint.family == AddressFamily::ipv4) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      char digits[20];
      const std::size_t count = base::write_decimal(digits, std::uint32_t{endpoint.address[i]});
      if (i != 0) out[size++] = '.';
      for (std::size_t j = 0; j < count; ++j) out[size++] = digits[j];
    }
    return size;
  }
  if (endpoint.family != AddressFamily::ipv6) return 0;
  if (inet_ntop(AF_INET6, endpoint.address.data(), out.data(), out.size()) == nullptr) return 0;
  return std::string_view{out.data()}.size();
}

std::string_view without_brackets(std::string_view host) noexcept {
  return host.size() > 2 && host.front() == '[' && host.back() == ']' ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

ViaStamp::ViaStamp(const sip::Via& topmost, const Endpoint& source) noexcept {
  const bool wants_rport = topmost.wants_rport();
  size_ = static_cast<std::uint8_t>(write_address(source, text_));
  // An IPv6 sent-by may be spelt in many ways: then `received` says the same once more, which harms nobody.
  if (!wants_rport && equals_nocase(without_brackets(topmost.host), received())) size_ = 0;
  if (wants_rport) rport_ = source.port;
}

void ViaStamp::put_on(const sip::Via& topmost, sip::Edits& edits) const {
  // Neither an address nor a number has a line break, which is all that an edit can be refused for.
  if (size_ != 0) static_cast<void>(edits.set_parameter(topmost.params, "received", received()));
  if (rport_ == 0) return;
  char digits[20];
  const std::size_t size = base::write_decimal(digits, std::uint32_t{rport_});
  static_cast<void>(edits.set_parameter(topmost.params, "rport", std::string_view{digits, size}));
}

Destination response_destination(const Arrival& arrival, const sip::Via& topmost) noexcept {
  Destination back = arrival.back();
  constexpr std::uint16_t default_port = 5060;
  if (back.is_datagram() && !topmost.wants_rport()) back.remote.port = topmost.port.value_or(default_port);
  return back;
}

bool has_next_via(const sip::MessageView& response) noexcept {
  if (response.count(sip::HeaderId::via) > 1) return true;
  const std::string_view only = response.value(sip::HeaderId::via);
  return sip::first_value_size(only) < only.size();
}

std::uint16_t write_upstream(const sip::MessageView& response, std::string_view challenges, sip::OutputBuffer& out) {
  sip::Edits edits{response};
  edits.remove_first_values(sip::HeaderId::via, 1);
  std::uint16_t status = response.status();
  if (status == 503) {
    status = 500;
    static_cast<void>(edits.set_start_line("SIP/2.0 500 Server Internal Error"));
    edits.remove_all(sip::HeaderId::retry_after);
  }
  for (HeaderLines lines{challenges}; !lines.done(); lines.drop_first())
    static_cast<void>(edits.append(lines.first()));
  edits.ensure_content_length();
  sip::write(response, edits, out);
  return status;
}

}  // namespace sipwsd::transaction
