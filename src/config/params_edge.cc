// Globals about the SIP network behind us: which servers there are, and what becomes of who loses his connection.

#include "src/config/next_hop.h"
#include "src/config/param.h"

#include "src/base/text.h"

#include <array>

namespace sipwsd::config {
namespace {

Result<void> read_upstream(Settings& settings, std::string_view text) {
  std::vector<UpstreamSpec> specs;
  for (const auto word : base::split(text, ' ')) {
    if (word.empty()) continue;
    auto spec = parse_upstream(word);
    if (!spec) return spec.error();
    specs.push_back(*std::move(spec));
  }
  settings.upstream.insert(settings.upstream.end(), specs.begin(), specs.end());
  return {};
}
std::string write_upstream(const Settings& settings) {
  std::string out;
  for (const auto& spec : settings.upstream) out += (out.empty() ? "" : " ") + to_text(spec);
  return out;
}

Result<void> read_hold_status(Settings& settings, std::string_view text) {
  const auto status = base::parse_decimal<std::uint32_t>(text);
  if (!status || (*status != 0 && *status != 180 && *status != 182))
    return Error{Errc::out_of_range, "flow_hold_status is no such response; write 182, 180, or 0 for none"};
  settings.flow_hold_status = *status;
  return {};
}

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"upstream", TextForm{read_upstream, write_upstream, [](Settings& s) { s.upstream.clear(); }}, {}, refuse_start, "URI",
     "registrar or proxy that gets everything from clients, like sip:192.0.2.1:5060;transport=tcp; again for the next best",
     {}, {}, Reload::running},
    {"upstream_interval", &Settings::upstream_interval, {0, 3600}, refuse_start, "SECONDS",
     "time between two OPTIONS to each upstream; 0 asks none and takes each for alive", {}, {}, Reload::running},
    {"peers", TextForm{add_peers, peers_text, [](Settings& s) { s.peers = {}, s.peer_names.clear(); }}, {}, refuse_start,
     "HOSTS", "SIP servers and gateways that may be called by address, and are not asked for a password: addresses, "
     "networks, names", {}, {}, Reload::running},
    {"flow_grace", &Settings::flow_grace, {0, 3600}, refuse_start, "SECONDS",
     "how long a client whose connection broke is expected back; 0 forgets it at once", {}, {}, Reload::running},
    {"flow_hold_status", TextForm{read_hold_status, [](const Settings& s) { return std::to_string(s.flow_hold_status); }, nullptr},
     {}, refuse_start, "182|180|0", "what a caller is told while the client he calls is expected back; 0 is nothing", {}, {},
     Reload::running, true},
    {"flow_token_lifetime", &Settings::flow_token_lifetime, {60, 31'536'000}, refuse_start, "SECONDS",
     "dialogs and registrations through us are good for at least so long and at most twice as long"},
    {"udp_mtu", &Settings::udp_mtu, {0, 65'507}, refuse_start, "BYTES",
     "larger requests to a UDP address go over TCP, and over UDP when that fails; 0 is any size", {}, {}, Reload::running},
});

constexpr auto outbound_rows = std::to_array<Param>({
    {"flow_token_secret", &Settings::flow_token_secret, {0, 256}, refuse_start, "TEXT",
     "secret of flow tokens, the same on every server of a cluster and after a restart; empty draws a new one", {}, {},
     Reload::restart, true},
});

}  // namespace

ParamGroup edge_params() noexcept { return {"core", "SIP servers", rows}; }
ParamGroup outbound_params() noexcept { return {"outbound", "Outbound", outbound_rows}; }

}  // namespace sipwsd::config
