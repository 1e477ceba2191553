#pragma once
// Every header field this product knows by name: one row each. A header without a row is HeaderId::other and is
// found by its name. Names are compared without case and compact forms mean the same (RFC 3261 7.3.1, 7.3.3).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sipwsd::sip {

enum class HeaderId : std::uint8_t {
  other,
  accept,
  accept_contact,
  accept_encoding,
  accept_language,
  alert_info,
  allow,
  allow_events,
  authentication_info,
  authorization,
  call_id,
  call_info,
  contact,
  content_disposition,
  content_encoding,
  content_language,
  content_length,
  content_type,
  cseq,
  date,
  diversion,
  error_info,
  event,
  expires,
  feature_caps,
  flow_timer,
  from,
  geolocation,
  history_info,
  identity,
  info_package,
  in_reply_to,
  join,
  max_breadth,
  max_forwards,
  mime_version,
  min_expires,
  min_se,
  organization,
  p_access_network_info,
  p_asserted_identity,
  p_associated_uri,
  p_preferred_identity,
  path,
  priority,
  privacy,
  proxy_authenticate,
  proxy_authorization,
  proxy_require,
  rack,
  reason,
  record_route,
  recv_info,
  refer_sub,
  refer_to,
  referred_by,
  reject_contact,
  replaces,
  reply_to,
  request_disposition,
  require,
  resource_priority,
  retry_after,
  route,
  rseq,
  security_client,
  security_server,
  security_verify,
  server,
  service_route,
  session_expires,
  sip_etag,
  sip_if_match,
  subject,
  subscription_state,
  supported,
  target_dialog,
  timestamp,
  to,
  unsupported,
  user_agent,
  via,
  warning,
  www_authenticate,
};
inline constexpr std::size_t header_id_count = static_cast<std::size_t>(HeaderId::www_authenticate) + 1;

enum class HeaderShape : std::uint8_t {
  single,    // at most one line, one value: a second one is an error
  list,      // comma-separated values, and several lines mean the same as commas
  repeated,  // several lines, but a comma does not separate values (the four authentication headers)
  text,      // free text where a repetition harms nobody
};

struct HeaderRow {
  HeaderId id;
  std::string_view name;  // as its RFC spells it
  char compact;           // 0: none
  HeaderShape shape;
  std::string_view rfc;
};

// The row of HeaderId::other has an empty name.
[[nodiscard]] const HeaderRow& row(HeaderId id) noexcept;
[[nodiscard]] inline std::string_view name(HeaderId id) noexcept { return row(id).name; }
// Without case; compact forms too.
[[nodiscard]] HeaderId header_id(std::string_view name) noexcept;

}  // namespace sipwsd::sip
