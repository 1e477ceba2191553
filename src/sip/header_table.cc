#include "src/sip/header_table.h"

#include <array>

#include "sipwsd/bytes.h"

namespace sipwsd::sip {
namespace {

using enum HeaderShape;

constexpr auto rows = std::to_array<HeaderRow>({
    {HeaderId::other, "", 0, text, ""},
    {HeaderId::accept, "Accept", 0, list, "RFC 3261 20.1"},
    {HeaderId::accept_contact, "Accept-Contact", 'a', list, "RFC 3841"},
    {HeaderId::accept_encoding, "Accept-Encoding", 0, list, "RFC 3261 20.2"},
    {HeaderId::accept_language, "Accept-Language", 0, list, "RFC 3261 20.3"},
    {HeaderId::alert_info, "Alert-Info", 0, list, "RFC 3261 20.4"},
    {HeaderId::allow, "Allow", 0, list, "RFC 3261 20.5"},
    {HeaderId::allow_events, "Allow-Events", 'u', list, "RFC 6665"},
    {HeaderId::authentication_info, "Authentication-Info", 0, text, "RFC 3261 20.6"},
    {HeaderId::authorization, "Authorization", 0, repeated, "RFC 3261 20.7"},
    {HeaderId::call_id, "Call-ID", 'i', single, "RFC 3261 20.8"},
    {HeaderId::call_info, "Call-Info", 0, list, "RFC 3261 20.9"},
    {HeaderId::contact, "Contact", 'm', list, "RFC 3261 20.10"},
    {HeaderId::content_disposition, "Content-Disposition", 0, text, "RFC 3261 20.11"},
    {HeaderId::content_encoding, "Content-Encoding", 'e', list, "RFC 3261 20.12"},
    {HeaderId::content_language, "Content-Language", 0, list, "RFC 3261 20.13"},
    {HeaderId::content_length, "Content-Length", 'l', single, "RFC 3261 20.14"},
    {HeaderId::content_type, "Content-Type", 'c', single, "RFC 3261 20.15"},
    {HeaderId::cseq, "CSeq", 0, single, "RFC 3261 20.16"},
    {HeaderId::date, "Date", 0, text, "RFC 3261 20.17"},
    {HeaderId::diversion, "Diversion", 0, list, "RFC 5806"},
    {HeaderId::error_info, "Error-Info", 0, list, "RFC 3261 20.18"},
    {HeaderId::event, "Event", 'o', single, "RFC 6665"},
    {HeaderId::expires, "Expires", 0, single, "RFC 3261 20.19"},
    {HeaderId::feature_caps, "Feature-Caps", 0, list, "RFC 6809"},
    {HeaderId::flow_timer, "Flow-Timer", 0, single, "RFC 5626"},
    {HeaderId::from, "From", 'f', single, "RFC 3261 20.20"},
    {HeaderId::geolocation, "Geolocation", 0, list, "RFC 6442"},
    {HeaderId::history_info, "History-Info", 0, list, "RFC 7044"},
    {HeaderId::identity, "Identity", 'y', repeated, "RFC 8224"},
    {HeaderId::info_package, "Info-Package", 0, text, "RFC 6086"},
    {HeaderId::in_reply_to, "In-Reply-To", 0, list, "RFC 3261 20.21"},
    {HeaderId::join, "Join", 0, text, "RFC 3911"},
    {HeaderId::max_breadth, "Max-Breadth", 0, single, "RFC 5393"},
    {HeaderId::max_forwards, "Max-Forwards", 0, single, "RFC 3261 20.22"},
    {HeaderId::mime_version, "MIME-Version", 0, text, "RFC 3261 20.24"},
    {HeaderId::min_expires, "Min-Expires", 0, single, "RFC 3261 20.23"},
    {HeaderId::min_se, "Min-SE", 0, single, "RFC 4028"},
    {HeaderId::organization, "Organization", 0, text, "RFC 3261 20.25"},
    {HeaderId::p_access_network_info, "P-Access-Network-Info", 0, list, "RFC 7315"},
    {HeaderId::p_asserted_identity, "P-Asserted-Identity", 0, list, "RFC 3325"},
    {HeaderId::p_associated_uri, "P-Associated-URI", 0, list, "RFC 7315"},
    {HeaderId::p_preferred_identity, "P-Preferred-Identity", 0, list, "RFC 3325"},
    {HeaderId::path, "Path", 0, list, "RFC 3327"},
    {HeaderId::priority, "Priority", 0, text, "RFC 3261 20.26"},
    {HeaderId::privacy, "Privacy", 0, text, "RFC 3323"},
    {HeaderId::proxy_authenticate, "Proxy-Authenticate", 0, repeated, "RFC 3261 20.27"},
    {HeaderId::proxy_authorization, "Proxy-Authorization", 0, repeated, "RFC 3261 20.28"},
    {HeaderId::proxy_require, "Proxy-Require", 0, list, "RFC 3261 20.29"},
    {HeaderId::rack, "RAck", 0, single, "RFC 3262"},
    {HeaderId::reason, "Reason", 0, list, "RFC 3326"},
    {HeaderId::record_route, "Record-Route", 0, list, "RFC 3261 20.30"},
    {HeaderId::recv_info, "Recv-Info", 0, list, "RFC 6086"},
    {HeaderId::refer_sub, "Refer-Sub", 0, text, "RFC 4488"},
    {HeaderId::refer_to, "Refer-To", 'r', single, "RFC 3515"},
    {HeaderId::referred_by, "Referred-By", 'b', single, "RFC 3892"},
    {HeaderId::reject_contact, "Reject-Contact", 'j', list, "RFC 3841"},
    {HeaderId::replaces, "Replaces", 0, single, "RFC 3891"},
    {HeaderId::reply_to, "Reply-To", 0, text, "RFC 3261 20.31"},
    {HeaderId::request_disposition, "Request-Disposition", 'd', list, "RFC 3841"},
    {HeaderId::require, "Require", 0, list, "RFC 3261 20.32"},
    {HeaderId::resource_priority, "Resource-Priority", 0, list, "RFC 4412"},
    {HeaderId::retry_after, "Retry-After", 0, text, "RFC 3261 20.33"},
    {HeaderId::route, "Route", 0, list, "RFC 3261 20.34"},
    {HeaderId::rseq, "RSeq", 0, single, "RFC 3262"},
    {HeaderId::security_client, "Security-Client", 0, list, "RFC 3329"},
    {HeaderId::security_server, "Security-Server", 0, list, "RFC 3329"},
    {HeaderId::security_verify, "Security-Verify", 0, list, "RFC 3329"},
    {HeaderId::server, "Server", 0, text, "RFC 3261 20.35"},
    {HeaderId::service_route, "Service-Route", 0, list, "RFC 3608"},
    {HeaderId::session_expires, "Session-Expires", 'x', single, "RFC 4028"},
    {HeaderId::sip_etag, "SIP-ETag", 0, single, "RFC 3903"},
    {HeaderId::sip_if_match, "SIP-If-Match", 0, single, "RFC 3903"},
    {HeaderId::subject, "Subject", 's', text, "RFC 3261 20.36"},
    {HeaderId::subscription_state, "Subscription-State", 0, single, "RFC 6665"},
    {HeaderId::supported, "Supported", 'k', list, "RFC 3261 20.37"},
    {HeaderId::target_dialog, "Target-Dialog", 0, single, "RFC 4538"},
    {HeaderId::timestamp, "Timestamp", 0, text, "RFC 3261 20.38"},
    {HeaderId::to, "To", 't', single, "RFC 3261 20.39"},
    {HeaderId::unsupported, "Unsupported", 0, list, "RFC 3261 20.40"},
    {HeaderId::user_agent, "User-Agent", 0, text, "RFC 3261 20.41"},
    {HeaderId::via, "Via", 'v', list, "RFC 3261 20.42"},
    {HeaderId::warning, "Warning", 0, list, "RFC 3261 20.43"},
    {HeaderId::www_authenticate, "WWW-Authenticate", 0, repeated, "RFC 3261 20.44"},
});
static_assert(rows.size() == header_id_count);

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].id) != i) return false;
  return true;
}
static_assert(rows_are_in_order());

// Four characters and the length tell nearly all names apart, so a look-up is one comparison with the row found.
constexpr std::size_t bucket_count = 512;
constexpr std::size_t bucket_of(std::string_view name) noexcept {
  const auto lower = [name](std::size_t at) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(ascii_lower(name[at])));
  };
  const std::uint32_t mixed = static_cast<std::uint32_t>(name.size()) * 0x9e37u + lower(0) * 0x1f35u +
                              lower(name.size() / 2) * 0x3d4du + lower(name.size() - 1) * 0x5bd1u +
                              lower((name.size() * 3) / 4) * 0x2c9bu;
  return ((mixed >> 7) ^ mixed) % bucket_count;
}

constexpr std::size_t longest_name() {
  std::size_t longest = 0;
  for (const HeaderRow& row : rows)
    if (row.name.size() > longest) longest = row.name.size();
  return longest;
}

constexpr std::array<std::uint8_t, bucket_count> make_buckets() {
  std::array<std::uint8_t, bucket_count> buckets{};
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::size_t at = bucket_of(rows[i].name);
    while (buckets[at] != 0) at = (at + 1) % bucket_count;  // open addressing; empty is 0, the row of `other`
    buckets[at] = static_cast<std::uint8_t>(i);
  }
  return buckets;
}
constexpr std::array<std::uint8_t, bucket_count> buckets = make_buckets();

constexpr std::array<HeaderId, 26> make_compact() {
  std::array<HeaderId, 26> compact{};
  for (const HeaderRow& row : rows)
    if (row.compact != 0) compact[static_cast<std::size_t>(row.compact - 'a')] = row.id;
  return compact;
}
constexpr std::array<HeaderId, 26> compact_forms = make_compact();

}  // namespace

const HeaderRow& row(HeaderId id) noexcept { return rows[static_cast<std::size_t>(id)]; }

HeaderId header_id(std::string_view name) noexcept {
  if (name.size() == 1) {
    const char c = ascii_lower(name[0]);
    return c >= 'a' && c <= 'z' ? compact_forms[static_cast<std::size_t>(c - 'a')] : HeaderId::other;
  }
  if (name.empty() || name.size() > longest_name()) return HeaderId::other;
  for (std::size_t at = bucket_of(name); buckets[at] != 0; at = (at + 1) % bucket_count)
    if (equals_nocase(rows[buckets[at]].name, name)) return rows[buckets[at]].id;
  return HeaderId::other;
}

}  // namespace sipwsd::sip
