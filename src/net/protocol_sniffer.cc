#include "src/net/protocol_sniffer.h"

namespace sipwsd::net {

Spoken sniff(std::string_view in) noexcept {
  constexpr std::size_t longest_line = 4096;
  if (in.empty()) return Spoken::unknown_yet;
  if (in.front() == '\r' || in.front() == '\n') return Spoken::sip;  // RFC 5626 4.4.1; no HTTP client begins so
  const auto end = in.find('\n');
  if (end == std::string_view::npos) return in.size() < longest_line ? Spoken::unknown_yet : Spoken::http;
  std::string_view line = in.substr(0, end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line.ends_with(" SIP/2.0") || line.starts_with("SIP/2.0 ") ? Spoken::sip : Spoken::http;
}

}  // namespace sipwsd::net
