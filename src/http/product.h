#pragma once
// What the Server header says, and with it the default of ping_application_data.

#include <string_view>

namespace sipwsd::http {

// "sipwsd (0.1.0 (x86_64/linux))"
std::string_view product() noexcept;

}  // namespace sipwsd::http
