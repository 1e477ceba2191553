#include "src/config/cross_checks.h"

#include "src/config/listen.h"

#include <algorithm>
#include <bit>

namespace sipwsd::config {
namespace {

using Report = std::function<void(Finding)>;
using enum Finding::Severity;

void check_sockets(const Settings& settings, const Report& report) {
  for (std::size_t i = 0; i < settings.listen.size(); ++i) {
    const ListenSpec& spec = settings.listen[i];
    for (std::size_t j = 0; j < i; ++j)
      if (spec.port != 0 && spec.protocol == settings.listen[j].protocol && spec.host == settings.listen[j].host &&
          spec.port == settings.listen[j].port)
        report({error, "core", "listen", to_text(spec) + " is there twice", "remove one", i});
    if (is_loopback(spec)) continue;
    if (settings.demo)
      report({error, "core", "listen", "--demo listens on loopback only, " + to_text(spec) + " is not",
              "write ws:127.0.0.1:" + std::to_string(spec.port), i});
    else if (settings.auth_mode == AuthMode::unset)
      report({error, "core", "listen", to_text(spec) + " can be reached by others, and nothing says who may register",
              "say auth_mode=none or digest", i});
    else
      continue;
    return;  // one such socket is enough to complain about
  }
}

// Whether the names of the sockets match the sections' addresses is seen when they are bound; what has no default
// section needs its own.
void check_tls(const Settings& settings, const Report& report) {
  const auto is_tls = [](const ListenSpec& spec) {
    return spec.protocol == TransportProtocol::tls || spec.protocol == TransportProtocol::wss;
  };
  const bool has_profile = std::any_of(settings.tls_profiles.begin(), settings.tls_profiles.end(), [](const auto& profile) {
    return profile.side == TlsProfile::Side::server;
  });
  const auto spec = std::find_if(settings.listen.begin(), settings.listen.end(), is_tls);
  if (spec != settings.listen.end() && !has_profile)
    report({error, "core", "listen", to_text(*spec) + " needs a certificate",
            "say modparam(\"tls\", \"certificate\", \"FILE\") or --tls-certificate FILE",
            static_cast<std::size_t>(spec - settings.listen.begin())});
  if (settings.tls_ticket_lifetime > settings.tls_ticket_rotation)
    report({error, "tls", "ticket_rotation", "ticket_rotation is shorter than ticket_lifetime: tickets would outlive the key that opens them",
            "make ticket_rotation at least " + std::to_string(settings.tls_ticket_lifetime.count())});
}

bool is_database_url(std::string_view url) { return url.starts_with("sqlite:///") && url.back() != '/'; }

void check_location(const Settings& settings, const Report& report) {
  if (settings.db_mode != 0 && !is_database_url(settings.db_url))
    report({error, "usrloc", settings.db_url.empty() ? "db_mode" : "db_url", "db_mode wants bindings stored, and db_url names no database for them",
            "write db_url as sqlite:///var/lib/sipwsd/location.db, or db_mode 0"});
}

void check_authentication(const Settings& settings, const Report& report) {
  const bool has_users = !settings.auth_file.empty() || !settings.auth_db_url.empty();
  if (settings.auth_mode == AuthMode::digest && !has_users)
    report({error, "core", "auth_mode", "auth_mode=digest needs credentials", "say auth_file=\"FILE\""});
  // RFC 3261 22.1: two challenges for one realm are one too many.
  if (settings.auth_mode == AuthMode::digest && !settings.upstream.empty())
    report({warning, "core", "auth_mode",
            "clients are asked for a password here; an upstream that asks too, for the same realm, looks to them like a wrong one",
            "make the upstream ask none of this server, or write auth_mode=none and leave it to the upstream"});
  if (settings.auth_mode == AuthMode::handshake && !settings.ws_auth.any())
    report({error, "core", "auth_mode", "auth_mode=handshake, but the handshake asks nobody", "say ws_auth=jwt, digest or basic"});
  if (!settings.auth_db_url.empty() && !is_database_url(settings.auth_db_url))
    report({error, "auth_db", "db_url", "db_url is none that is read here", "write sqlite:///PATH"});
}

void check_handshake_authentication(const Settings& settings, const Report& report) {
  const bool has_users = !settings.auth_file.empty() || !settings.auth_db_url.empty();
  if ((settings.ws_auth.digest || settings.ws_auth.basic) && !has_users)
    report({error, "core", "ws_auth", "ws_auth=" + std::string(settings.ws_auth.digest ? "digest" : "basic") + " needs credentials",
            "say auth_file=\"FILE\""});
  const bool has_tls = std::any_of(settings.listen.begin(), settings.listen.end(), [](const ListenSpec& spec) {
    return spec.protocol == TransportProtocol::tls || spec.protocol == TransportProtocol::wss;
  });
  if (settings.ws_auth.basic && !has_tls && !settings.basic_without_tls)
    report({error, "core", "ws_auth", "ws_auth=basic is for TLS only, and no socket has it",
            "say listen=wss:..., or basic_without_tls=yes where a proxy does TLS"});
  if (!settings.ws_auth.jwt) return;
  if (settings.jwt_key.empty())
    report({error, "core", "ws_auth", "ws_auth=jwt needs a key to check tokens with", "say jwt_key=\"FILE\""});
  // S05: a browser sends a cookie whatever page opens the WebSocket.
  if (!settings.jwt_cookie.empty() && settings.allowed_origins.empty())
    report({error, "core", "jwt_cookie", "any page could use the cookie of whoever looks at it",
            "say which pages may: modparam(\"websocket\", \"allowed_origins\", \"https://phone.example.org\")"});
}

// Whoever guesses it writes flow tokens himself, and so chooses where requests go.
void check_flow_tokens(const Settings& settings, const Report& report) {
  constexpr std::size_t hard_to_guess = 16;
  if (!settings.flow_token_secret.empty() && settings.flow_token_secret.size() < hard_to_guess)
    report({warning, "outbound", "flow_token_secret", "flow_token_secret is so short that it can be guessed",
            "write at least 16 random characters, as `openssl rand -hex 16` prints"});
}

void check_sub_protocols(Settings& settings, const Report& report) {
  constexpr int known = sub_protocol_sip | sub_protocol_msrp;
  if ((settings.sub_protocols & ~known) != 0)
    return report({error, "websocket", "sub_protocols", "unrecognised sub-protocols enabled", "write 1 for sip"});
  // As when Kamailio's msrp module is not loaded: there is no relay to hand the frames to.
  const bool msrp = (settings.sub_protocols & sub_protocol_msrp) != 0;
  settings.sub_protocols &= sub_protocol_sip;
  if (settings.sub_protocols != 0 && msrp)
    report({warning, "websocket", "sub_protocols", "msrp is not served by this version", "write 1 for sip"});
  if (settings.sub_protocols == 0)
    report({error, "websocket", "sub_protocols", "no sub-protocols enabled", "write 1 for sip"});
}

void check_keepalive(Settings& settings, const Report& report) {
  const auto latest = settings.keepalive_timeout + longest_keepalive_delay(settings.keepalive_timeout);
  if (settings.keepalive_mechanism != 0 && settings.tcp_connection_lifetime.count() != 0 &&
      settings.tcp_connection_lifetime <= latest)
    report({warning, "core", "tcp_connection_lifetime",
            "idle connections are closed after " + std::to_string(settings.tcp_connection_lifetime.count()) +
                " s, before their first keepalive at " + std::to_string(settings.keepalive_timeout.count()) + " to " +
                std::to_string(latest.count()) + " s",
            "make tcp_connection_lifetime larger than that"});
  if (settings.flow_timer.count() != 0 && settings.keepalive_mechanism != 1)
    report({warning, "registrar", "flow_timer",
            "clients are asked for keepalives, but nobody asks after those that fall silent",
            "make keepalive_mechanism 1"});
  // Not set: the Ping says what the Server header says.
  if (settings.ping_application_data == product())
    settings.ping_application_data = settings.server_header.substr(0, 125);
}

void check_fifo(Settings& settings, const std::set<std::string, std::less<>>& modules, const Report& report) {
  if (settings.fifo.empty() && modules.contains("mi_fifo"))
    report({error, "mi_fifo", "fifo_name", "No MI fifo configured",
            "say modparam(\"mi_fifo\", \"fifo_name\", \"PATH\")"});
  if (settings.fifo_mode == 0) {
    report({warning, "mi_fifo", "fifo_mode", "a fifo_mode of 0 would lock everybody out; 0600 is used", ""});
    settings.fifo_mode = 0600;
  }
  if (!settings.reply_dir.ends_with('/')) settings.reply_dir += '/';
}

void check_numbers(const Settings& settings, const Report& report) {
  if (settings.min_expires.count() != 0 && settings.max_expires.count() != 0 &&
      settings.min_expires > settings.max_expires)
    report({error, "registrar", "min_expires", "min_expires is larger than max_expires", "lower it"});
  if (settings.restart_delay > settings.restart_delay_max)
    report({error, "core", "restart_delay", "restart_delay is larger than restart_delay_max", "lower it"});
  if (!std::has_single_bit(settings.letter_ring_bytes))
    report({error, "core", "letter_ring_bytes", "letter_ring_bytes is no power of two",
            "write " + std::to_string(std::bit_ceil(settings.letter_ring_bytes))});
  if (settings.timer_t1 > settings.timer_t2)
    report({error, "tm", "retr_timer1", "retr_timer1 is larger than retr_timer2", "lower it"});
  if (settings.drain_timeout.count() != 0 && settings.drain_spread > settings.drain_timeout)
    report({warning, "core", "drain_spread",
            "drain_spread is longer than drain_timeout: at its end many connections are closed at once",
            "make drain_spread at most " + std::to_string(settings.drain_timeout.count())});
}

}  // namespace

void cross_check(Settings& settings, const std::set<std::string, std::less<>>& modules, const Report& report) {
  check_sockets(settings, report);
  check_tls(settings, report);
  check_authentication(settings, report);
  check_handshake_authentication(settings, report);
  check_location(settings, report);
  check_flow_tokens(settings, report);
  check_sub_protocols(settings, report);
  check_keepalive(settings, report);
  check_fifo(settings, modules, report);
  check_numbers(settings, report);
}

}  // namespace sipwsd::config
