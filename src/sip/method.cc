#include "src/sip/method.h"

#include <array>
#include <utility>

namespace sipwsd::sip {
namespace {

constexpr auto rows = std::to_array<std::pair<Method, std::string_view>>({
    {Method::other, ""},
    {Method::invite, "INVITE"},        // RFC 3261
    {Method::ack, "ACK"},              // RFC 3261
    {Method::bye, "BYE"},              // RFC 3261
    {Method::cancel, "CANCEL"},        // RFC 3261
    {Method::options, "OPTIONS"},      // RFC 3261
    {Method::register_, "REGISTER"},   // RFC 3261
    {Method::message, "MESSAGE"},      // RFC 3428
    {Method::info, "INFO"},            // RFC 6086
    {Method::refer, "REFER"},          // RFC 3515
    {Method::notify, "NOTIFY"},        // RFC 6665
    {Method::subscribe, "SUBSCRIBE"},  // RFC 6665
    {Method::update, "UPDATE"},        // RFC 3311
    {Method::prack, "PRACK"},          // RFC 3262
    {Method::publish, "PUBLISH"},      // RFC 3903
});

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].first) != i) return false;
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

Method method_of(std::string_view text) noexcept {
  for (const auto& [method, name] : rows)
    if (name == text) return method;
  return Method::other;
}

std::string_view name(Method method) noexcept { return rows[static_cast<std::size_t>(method)].second; }

}  // namespace sipwsd::sip
