#pragma once
// HTTP status codes this daemon sends, and their reason phrases (RFC 9110 15, RFC 6585).

#include <cstdint>
#include <string_view>

namespace sipwsd::http {

enum class Status : std::uint16_t {
  switching_protocols = 101,
  ok = 200,
  not_modified = 304,
  bad_request = 400,
  unauthorized = 401,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  upgrade_required = 426,
  too_many_requests = 429,
  header_fields_too_large = 431,
  internal_server_error = 500,
  not_implemented = 501,
  service_unavailable = 503,
  version_not_supported = 505,
};
constexpr std::uint16_t number(Status status) noexcept { return static_cast<std::uint16_t>(status); }

// RFC 9110 15.2: a 1xx has no body and no Content-Length.
constexpr bool is_interim(Status status) noexcept { return number(status) < 200; }

// "Bad Request"; empty for a code without a row.
std::string_view reason_phrase(Status status) noexcept;

}  // namespace sipwsd::http
