// The parameters of module `websocket` (reference/websocket.md 1), and ours beside them.

#include "sipwsd/bytes.h"

#include "src/cfg/diagnostic.h"
#include "src/config/param.h"

#include <array>
#include <utility>

namespace sipwsd::config {
namespace {

// Origins parted by spaces or commas. `scheme://host[:port]`, `*.` in front of a host for its sub-domains, or `null`.
Result<void> read_origins(Settings& settings, std::string_view text) {
  std::string word;
  const auto keep = [&]() -> Result<void> {
    if (word.empty()) return {};
    const auto scheme = word.find("://");
    const std::string_view host = std::string_view(word).substr(scheme == std::string::npos ? 0 : scheme + 3);
    if (word != "null" && (scheme == std::string::npos || scheme == 0 || host.empty() ||
                           host.find_first_of("/?#@") != std::string_view::npos))
      return Error{Errc::malformed, cfg::in_quotes(word) + " is no origin; write https://host, https://host:port, "
                                                        "https://*.domain or null"};
    settings.allowed_origins.push_back(std::exchange(word, {}));
    return {};
  };
  for (const char c : text) {
    if (c != ' ' && c != ',') {
      word += ascii_lower(c);
    } else if (auto kept = keep(); !kept) {
      return kept;
    }
  }
  return keep();
}
std::string write_origins(const Settings& settings) {
  std::string text;
  for (const auto& origin : settings.allowed_origins) text += (text.empty() ? "" : " ") + origin;
  return text;
}

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"keepalive_mechanism", &Settings::keepalive_mechanism, {0, 2}, use_default, "N",
     "what idle connections are sent: 0 nothing, 1 Ping, 2 Pong"},
    {"keepalive_timeout", &Settings::keepalive_timeout, {1, 3600}, use_default, "SECONDS",
     "idle time before a keepalive; a connection that left the last Ping unanswered is dropped",
     {}, {}, Reload::running},
    {"keepalive_processes", &Settings::keepalive_processes, {1, 16}, use_default, "N",
     "processes that look for idle connections"},
    {"keepalive_interval", &Settings::keepalive_interval, {1, 60}, use_default, "SECONDS",
     "how often each of them looks", {}, {}, Reload::running},
    {"ping_application_data", &Settings::ping_application_data, {1, 125}, use_default, "TEXT",
     "payload of our Pings; by default what the Server header says", {}, {}, Reload::running},
    {"sub_protocols", &Settings::sub_protocols, {}, refuse_start, "BITS",
     "sub-protocols a client may ask for, added up: 1 sip, 2 msrp", {}, {}, Reload::running},
    {"cors_mode", &Settings::cors_mode, {0, 2}, refuse_start, "N",
     "Access-Control-Allow-Origin in the handshake: 0 none, 1 any origin, 2 the client's own", {},
     "bad value for cors_mode", Reload::running},
    {"allowed_origins", TextForm{read_origins, write_origins, [](Settings& s) { s.allowed_origins.clear(); }}, {},
     refuse_start, "ORIGIN",
     "pages that may connect, like https://*.example.org; others are answered 403; empty admits every page", {}, {},
     Reload::running},
    {"allow_no_origin", &Settings::allow_no_origin, {}, refuse_start, "",
     "admit clients that send no Origin, as those that are no browsers", {}, {}, Reload::running},
    {"ws_path", &Settings::ws_path, {0, 255}, refuse_start, "PATH",
     "the only path of a handshake, others are answered 404; empty takes any", {}, {}, Reload::running},
    {"handshake_timeout", &Settings::handshake_timeout, {1, 300}, refuse_start, "SECONDS",
     "time from accept to the end of the handshake, TLS included", {}, {}, Reload::running},
    {"message_timeout", &Settings::message_timeout, {1, 300}, refuse_start, "SECONDS",
     "time from a message's first byte to its last; a longer one is closed with 1008", {}, {}, Reload::running},
    {"ping_rate", &Settings::ping_rate, {0, 1000}, refuse_start, "N",
     "Pings a client may send a second before it is closed with 1008; 0 is any number", {}, {}, Reload::running},
    {"close_timeout", &Settings::close_timeout, {1, 300}, refuse_start, "SECONDS",
     "time for the answer to a Close before the connection is cut", {}, {}, Reload::running},
    {"deflate", &Settings::deflate, {}, refuse_start, "",
     "compress messages for clients that offer permessage-deflate (RFC 7692)", {}, {}, Reload::running},
    {"deflate_window_bits", &Settings::deflate_window_bits, {9, 15}, refuse_start, "BITS",
     "the largest window, as a power of two, either side may compress with", {}, {}, Reload::running},
    {"deflate_context_takeover", &Settings::deflate_context_takeover, {}, refuse_start, "",
     "keep the windows from one message to the next: a better ratio for up to 18 KiB a connection at 9 window bits, 50 "
     "at 12, 302 at 15", {}, {}, Reload::running},
    {"deflate_level", &Settings::deflate_level, {1, 9}, refuse_start, "N",
     "how hard to compress: 1 is quick, 9 is small"},
    {"deflate_min_size", &Settings::deflate_min_size, {1, 1'048'576}, refuse_start, "BYTES",
     "messages shorter than this are sent uncompressed"},
});

}  // namespace

ParamGroup websocket_params() noexcept { return {"websocket", "WebSocket", rows}; }

}  // namespace sipwsd::config
