#include "src/ws/close_code.h"

namespace sipwsd::ws {

std::string_view default_reason(CloseCode code) noexcept {
  switch (code) {
    case CloseCode::normal:
      return "Normal closure";
    case CloseCode::protocol_error:
      return "Protocol error";
    case CloseCode::message_too_big:
      return "Message too big";
    case CloseCode::going_away:
      return "Going away";
    case CloseCode::unsupported_data:
      return "Unsupported data";
    case CloseCode::invalid_payload:
      return "Invalid payload";
    case CloseCode::policy_violation:
      return "Policy violation";
    case CloseCode::mandatory_extension:
      return "Extension required";
    case CloseCode::internal_error:
      return "Internal error";
    case CloseCode::service_restart:
      return "Service restart";
    case CloseCode::try_again_later:
      return "Try again later";
    case CloseCode::bad_gateway:
      return "Bad gateway";
    case CloseCode::no_status:
    case CloseCode::abnormal:
      return "";
  }
  return "";
}

}  // namespace sipwsd::ws
