#include "src/transaction/request_forwarding.h"

#include "src/base/text.h"
#include "src/sip/auth_header.h"
#include "src/sip/edits.h"
#include "src/sip/route_set.h"
#include "src/sip/writer.h"
#include "src/transaction/core.h"
#include "src/transaction/header_lines.h"
#include "src/transaction/response_route.h"

namespace sipwsd::transaction {
namespace {

// A stage's text must not bring a second header line with it, so a line break makes it no line at all.
void add_line(std::string& lines, std::string_view name, std::string_view before, std::string_view value,
              std::string_view after) {
  constexpr std::string_view forbidden{"\r\n\0", 3};
  if (name.find_first_of(forbidden) != std::string_view::npos) return;
  if (value.find_first_of(forbidden) != std::string_view::npos) return;
  lines.append(name).append(": ").append(before).append(value).append(after).append("\r\n");
}

void add_address(std::string& lines, std::string_view name, std::string_view address) {
  const bool is_bare = address.find('<') == std::string_view::npos;
  add_line(lines, name, is_bare ? "<" : "", address, is_bare ? ">" : "");
}

// The Route value behind the consumed ones, when it is a strict router's.
std::string_view strict_router(const sip::MessageView& request, std::size_t consumed) {
  if (!request.has(sip::HeaderId::route)) return {};
  for (const sip::ListValue& value : sip::routes(request)) {
    if (consumed-- != 0) continue;
    const auto route = sip::parse_route(value.text);
    return route && route->uri.is_sip() && !route->uri.is_loose() ? route->uri.text : std::string_view{};
  }
  return {};
}

// The same for a Route a target brings.
std::string_view strict_router(std::string_view target_route) {
  const auto route = sip::parse_route(target_route);
  return route && route->uri.is_sip() && !route->uri.is_loose() ? route->uri.text : std::string_view{};
}

// RFC 3261 22.3: who comes behind us has a realm of his own, and ours is none of his business.
void remove_credentials(const sip::MessageView& request, std::string_view realm, sip::Edits& edits) {
  for (const sip::Header& header : request.all(sip::HeaderId::proxy_authorization)) {
    const auto credentials = sip::parse_auth_header(header.value);
    if (credentials && credentials->realm == realm) edits.remove(header);
  }
}

}  // namespace

TargetTexts RequestForwarding::texts_for(const sip::MessageView& request, const Target& target,
                                         const ForwardOptions& options) {
  prepend_.clear();
  append_.clear();
  TargetTexts texts{target.request_uri, {}, {}, options.consumed_routes, options.consumed_realm};
  for (const HeaderLine& header : options.headers) add_line(append_, header.name, "", header.value, "");

  std::span<const std::string> routes{target.route};
  std::string_view strict;
  if (!routes.empty()) {
    strict = strict_router(routes.front());
    if (!strict.empty()) routes = routes.subspan(1);
  } else {
    strict = strict_router(request, options.consumed_routes);
    if (!strict.empty()) ++texts.consumed_routes;
  }
  for (const std::string& route : routes) add_address(prepend_, "Route", route);
  if (!strict.empty()) {
    add_line(append_, "Route", "<", texts.request_uri, ">");
    texts.request_uri = strict;
  }
  texts.prepend = prepend_;
  texts.append = append_;
  return texts;
}

void RequestForwarding::write(const sip::MessageView& request, const sip::Via& topmost_via, const Endpoint& source,
                              const ForwardedCopy& copy, sip::OutputBuffer& out) {
  // Edits refuse what has a line break in it; nothing here has, and a refused edit would only be missing.
  sip::Edits edits{request};
  if (copy.target.request_uri != request.request_uri()) static_cast<void>(edits.set_request_uri(copy.target.request_uri));
  ViaStamp{topmost_via, source}.put_on(topmost_via, edits);
  char digits[20];
  const std::size_t size = base::write_decimal(digits, std::uint32_t{copy.max_forwards});
  static_cast<void>(edits.set_value(sip::HeaderId::max_forwards, {digits, size}));
  if (copy.max_breadth != 0) {
    const std::size_t digits_size = base::write_decimal(digits, std::uint32_t{copy.max_breadth});
    static_cast<void>(edits.set_value(sip::HeaderId::max_breadth, {digits, digits_size}));
  }
  if (!copy.target.consumed_realm.empty()) remove_credentials(request, copy.target.consumed_realm, edits);
  if (copy.target.consumed_routes != 0) edits.remove_first_values(sip::HeaderId::route, copy.target.consumed_routes);

  via_.assign("Via: SIP/2.0/").append(via_name(copy.transport)).append(" ").append(copy.sent_by);
  via_.append(";branch=").append(copy.branch);
  if (copy.alias) via_.append(";alias");
  // What is prepended last stands first.
  for (const std::string_view text : {copy.target.prepend, copy.outfit})
    for (HeaderLines lines{text}; !lines.done(); lines.drop_last()) static_cast<void>(edits.prepend(lines.last()));
  static_cast<void>(edits.prepend(via_));
  for (HeaderLines lines{copy.target.append}; !lines.done(); lines.drop_first())
    static_cast<void>(edits.append(lines.first()));
  edits.ensure_content_length();
  sip::write(request, edits, out);
}

}  // namespace sipwsd::transaction
