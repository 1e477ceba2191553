#include "src/net/protocol_sniffer.h"

#include "sipwsd/bytes.h"
#include "src/base/text.h"

namespace sipwsd::net {
namespace {

// Its last word, or a response's first one: SIP/ and any version. What version that is, and whether the line is written as
// it should be, is for those to say who answer SIP with SIP (RFC 3261 7.1: the name is compared without case).
bool is_sip(std::string_view line) noexcept {
  line = base::trim(line);
  const auto space = line.find_last_of(" \t");
  return starts_with_nocase(line, "SIP/") || (space != std::string_view::npos && starts_with_nocase(line.substr(space + 1), "SIP/"));
}

}  // namespace

Spoken sniff(std::string_view in) noexcept {
  constexpr std::size_t longest_line = 4096;
  if (in.empty()) return Spoken::unknown_yet;
  if (in.front() == '\r' || in.front() == '\n') return Spoken::sip;  // RFC 5626 4.4.1; no HTTP client begins so
  const auto end = in.find('\n');
  if (end == std::string_view::npos) return in.size() < longest_line ? Spoken::unknown_yet : Spoken::http;
  return is_sip(in.substr(0, end)) ? Spoken::sip : Spoken::http;
}

}  // namespace sipwsd::net
