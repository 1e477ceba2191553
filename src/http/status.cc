#include "src/http/status.h"

namespace sipwsd::http {

std::string_view reason_phrase(Status status) noexcept {
  switch (status) {
    case Status::switching_protocols:
      return "Switching Protocols";
    case Status::ok:
      return "OK";
    case Status::not_modified:
      return "Not Modified";
    case Status::bad_request:
      return "Bad Request";
    case Status::unauthorized:
      return "Unauthorized";
    case Status::forbidden:
      return "Forbidden";
    case Status::not_found:
      return "Not Found";
    case Status::method_not_allowed:
      return "Method Not Allowed";
    case Status::request_timeout:
      return "Request Timeout";
    case Status::upgrade_required:
      return "Upgrade Required";
    case Status::too_many_requests:
      return "Too Many Requests";
    case Status::header_fields_too_large:
      return "Request Header Fields Too Large";
    case Status::internal_server_error:
      return "Internal Server Error";
    case Status::not_implemented:
      return "Not Implemented";
    case Status::service_unavailable:
      return "Service Unavailable";
    case Status::version_not_supported:
      return "HTTP Version Not Supported";
  }
  return "";
}

}  // namespace sipwsd::http
