#pragma once
// What the daemon is told, as one plain struct that every floor receives by const reference. Settings{} is the
// daemon with no configuration file and no flags: these initialisers are the only place a default is written; the
// parameter tables (params_*.cc) name the field, its range and its words, and take the default from here.
// Comments say the unit and where the parameter comes from: `module.name`, or `core` for a global of the file.

#include "sipwsd/endpoint.h"

#include "src/base/log.h"
#include "src/base/network.h"
#include "src/http/product.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::config {

using http::product;  // the body of our Server header

// One socket to open. `host` is an IPv4 or IPv6 address (no brackets), a name or an interface; empty is every
// address. `ws` and `wss` speak HTTP only on this socket, `tcp` and `tls` also SIP.
struct ListenSpec {
  TransportProtocol protocol = TransportProtocol::none;
  std::string host;
  std::uint16_t port = 0;             // 0: whatever the system gives; printed when ready
  std::string advertised_host;        // what Via, Record-Route and Contact say instead; empty: the socket's own
  std::uint16_t advertised_port = 0;  // 0: the socket's own
  friend bool operator==(const ListenSpec&, const ListenSpec&) = default;
};

enum class AuthMode : std::uint8_t {
  unset,   // nothing was said: fine on loopback, refused elsewhere
  none,    // any user of a served domain may register
  digest,  // RFC 7616 against auth_file and the subscriber table
  handshake,  // whom the handshake has let in (ws_auth), and nobody else
};

// Core.ws_auth: how a WebSocket handshake may say whose connection it is.
struct HandshakeAuth {
  bool digest = false, basic = false, jwt = false;
  [[nodiscard]] bool any() const noexcept { return digest || basic || jwt; }
  friend bool operator==(const HandshakeAuth&, const HandshakeAuth&) = default;
};

// Which versions of TLS a profile speaks; nothing older than 1.2 is spoken at all.
enum class TlsVersions : std::uint8_t { from_1_2, only_1_2, only_1_3 };

// One section of Kamailio's tls.cfg: how TLS is spoken on one socket, for one name on it (SNI), or as a client. What a
// section does not say it takes from the tls parameters. Lists are parted by commas: an ECDSA and an RSA certificate,
// with their keys and responses in the same order.
struct TlsProfile {
  enum class Side : std::uint8_t { server, client };
  Side side = Side::server;
  std::optional<Endpoint> address;    // [server:IP:PORT]; none: [server:default]. The protocol means nothing here
  std::string server_name;            // RFC 6066 3: only for this name, lower case; `*.example.org` is one label more
  std::vector<std::string> certificate;    // PEM: the server's own, then the intermediate ones
  std::vector<std::string> private_key;    // PEM; empty: with the certificate
  std::string ca_list;                // PEM: whom to believe about the other side; client, empty: the system's
  std::string crl;                    // PEM
  std::string cipher_list;            // TLS 1.2, as `openssl ciphers`; empty: ours
  std::string ciphersuites;           // TLS 1.3; empty: ours
  std::vector<std::string> ocsp_response;  // DER files, stapled as they are (RFC 6066 8)
  TlsVersions versions = TlsVersions::from_1_2;
  bool verify_certificate = false;    // server: ask for one and check what comes; client: check the server's
  bool require_certificate = false;   // server: no handshake without one
  std::uint32_t verify_depth = 9;

  std::string name() const;           // server:default, server:192.0.2.1:443 (sip.example.org), client:default
};

// Core.sandbox: what happens to a role whose system calls can't be confined.
enum class SandboxUse : std::uint8_t {
  off,
  if_possible,  // a warning, and it goes on without
  required,     // it does not start
};

// A server that gets what clients send (next_hop.h).
struct UpstreamSpec {
  std::string host;                   // lower case, no brackets
  std::uint16_t port = 0;             // 0: as RFC 3263 finds it
  TransportProtocol transport = TransportProtocol::none;
  bool is_sips = false;
  friend bool operator==(const UpstreamSpec&, const UpstreamSpec&) = default;
};

struct Settings {
  using seconds = std::chrono::seconds;
  using milliseconds = std::chrono::milliseconds;

  // --- what to serve (core)
  std::vector<ListenSpec> listen{{TransportProtocol::ws, "127.0.0.1", 8080, {}, 0}};  // core.listen
  std::vector<std::string> alias;              // core.alias: served domains, `host` or `host:port`, lower case
  std::string stage = "edge";                  // core.stage: NAME or NAME:ARG
  bool demo = false;                           // --demo: the compiled-in phone page, loopback only
  std::string server_header{product()};        // core.server_header: without the `Server: `
  bool server_signature = true;                // core.server_signature: send the Server header at all

  // --- the processes (core)
  std::uint32_t workers = 0;                   // core.workers: 0 is the number of cores; the supervisor resolves it
  bool daemonize = true;                       // core.fork; -F clears it
  std::string pid_file;                        // core.pid_file: empty is none
  std::string user;                            // core.user: name or number; empty keeps the present one
  std::string group;                           // core.group
  SandboxUse sandbox = SandboxUse::required;   // core.sandbox: on, try or off
  bool core_dump = false;                      // core.core_dump: cores hold keys and messages of the users
  seconds worker_stall_timeout{10};            // core.worker_stall_timeout: no heartbeat for so long: replaced
  seconds shutdown_timeout{5};                 // core.shutdown_timeout: from SIGTERM to exit
  seconds drain_timeout{0};                    // core.drain_timeout: calls may go on for so long; 0: SIGTERM drains not
  seconds drain_spread{10};                    // core.drain_spread: idle connections are closed within
  milliseconds restart_delay{100};             // core.restart_delay: before a throttled slot starts again; doubles
  milliseconds restart_delay_max{30'000};      // core.restart_delay_max: where the doubling ends
  std::uint32_t restart_burst = 5;             // core.restart_burst: early deaths of one slot in a row before it is throttled

  // --- the log (core)
  log::Level log_level = log::Level::notice;   // core.log_level; core.debug=N is mapped
  bool log_stderr = false;                     // core.log_stderror; the foreground implies it unless a file is named
  std::string log_file;                        // core.log_file: empty is syslog; SIGHUP opens it again
  int log_facility = 3 << 3;                   // core.log_facility: as in <syslog.h>; LOG_DAEMON
  std::string log_name = "sipwsd";             // core.log_name: the syslog identity

  // --- who may do what (core)
  AuthMode auth_mode = AuthMode::unset;        // core.auth_mode: none, digest or handshake
  std::string auth_file;                       // core.auth_file: user:realm:HA1 lines
  std::string auth_realm;                      // core.auth_realm: empty is the domain of the request's To
  std::vector<std::string> auth_algorithms{"SHA-256", "MD5"};  // core.auth_algorithms: in the order of the challenges
                                               // (RFC 8760 2.4). JsSIP and SIP.js read the last and know only MD5, linphone
                                               // reads the first and does not know SHA-512-256
  seconds nonce_expire{300};                   // auth.nonce_expire
  HandshakeAuth ws_auth;                       // core.ws_auth
  bool basic_without_tls = false;              // core.basic_without_tls: the password crosses the network in the clear
  std::vector<std::string> jwt_key;            // core.jwt_key: FILE or KID=FILE
  std::string jwt_issuer;                      // core.jwt_issuer: what `iss` must be; empty is any
  std::string jwt_audience;                    // core.jwt_audience: what `aud` must name; empty: there must be none
  seconds jwt_leeway{60};                      // core.jwt_leeway: for clocks that differ
  std::string jwt_aor_claim = "sub";           // core.jwt_aor_claim: where the user stands
  std::string jwt_cookie;                      // core.jwt_cookie: its name; empty: no cookie is looked at
  std::string jwt_query = "access_token";      // core.jwt_query: the parameter's name (RFC 6750 2.3); empty: none is looked at
  std::string auth_db_url;                     // auth_db.db_url: sqlite:///path; empty is none
  std::string auth_db_user_column = "username";      // auth_db.user_column
  std::string auth_db_domain_column = "domain";      // auth_db.domain_column
  std::string auth_db_password_column = "ha1";       // auth_db.password_column
  std::string auth_db_password_column_2 = "ha1b";    // auth_db.password_column_2: HA1 of user@domain; empty: none
  bool auth_db_calculate_ha1 = false;          // auth_db.calculate_ha1: password_column holds the password itself
  bool auth_db_use_domain = false;             // auth_db.use_domain: a row is for its own domain, whatever auth_realm says

  // --- limits (core)
  std::size_t max_connections = 65536;         // core.max_connections: records in shared memory; above it 503
  std::size_t max_message_size = 262'144;      // core.max_message_size: bytes of one message; above it Close 1009
  std::size_t outbox_bytes = 1'048'576;        // core.outbox_bytes: unsent bytes of one connection (tcp_conn_wq_max)
  seconds slow_reader_timeout{5};              // core.slow_reader_timeout: unsent bytes that do not move for so long
  seconds tcp_connection_lifetime{3604};       // core.tcp_connection_lifetime: idle seconds; 0 is for ever
  seconds tcp_connect_timeout{5};              // core.tcp_connect_timeout: of a connection we make, TLS included
  std::uint32_t tcp_max_dialled = 2048;        // core.tcp_max_dialled: connections one worker has made
  bool tcp_keepalive = true;                   // core.tcp_keepalive: the kernel asks silent peers of those ...
  seconds tcp_keepidle{60};                    // core.tcp_keepidle: ... after so long
  seconds tcp_crlf_keepalive{0};               // core.tcp_crlf_keepalive: and we by an empty line (RFC 5626 4.4.1); 0 not
  std::size_t letter_ring_bytes = 262'144;     // core.letter_ring_bytes: each (from, to) pair of processes; power of 2
  seconds retry_after{5};                      // core.retry_after: what a 503 for a full table says
  base::Networks trusted_proxies;              // core.trusted_proxies: whose PROXY header and Forwarded is believed
  base::Networks limits_exempt = base::Networks::loopback();  // core.limits_exempt: no limits by address, no bans
  std::uint32_t max_connections_per_address = 4096;  // core.max_connections_per_address: of all workers; 0 any; 429
  std::uint32_t handshake_rate = 100;          // core.handshake_rate: new connections of an address a second; 0 any; 429
  std::uint32_t handshake_burst = 500;         // core.handshake_burst: so many of them at once
  std::uint32_t max_pending_handshakes = 4096;  // core.max_pending_handshakes: of one worker; the oldest is dropped
  std::uint32_t max_unregistered = 0;          // core.max_unregistered: connections nobody registered on; 0 any; 503
  std::uint32_t message_rate = 1000;           // core.message_rate: messages of a connection a second, two seconds' worth
                                               // at once; above it reading pauses; 0 any
  std::uint32_t byte_rate = 8 * 1024 * 1024;   // core.byte_rate: the same in bytes
  seconds rate_patience{10};                   // core.rate_patience: above either for so long: Close 1008; 0 for ever
  std::uint32_t max_fragments = 4096;          // core.max_fragments: of one message; above it Close 1008 (S14)
  std::uint32_t max_empty_fragments = 64;      // core.max_empty_fragments: those without a byte among them
  seconds idle_timeout{0};                     // core.idle_timeout: without a registration or a message; 0 for ever
  std::size_t memory_limit = 0;                // core.memory_limit: MiB, of all processes; 0: 9/10 of what there is
  std::uint32_t ban_strikes = 10;              // core.ban_strikes: so many ...
  seconds ban_window{60};                      // core.ban_window: ... within so long are a ban ...
  seconds ban_time{600};                       // core.ban_time: ... of so long; 0 is no bans
  std::string ban_file;                        // core.ban_file: where bans outlive a restart; empty: they do not

  // --- SIP servers (core)
  std::vector<UpstreamSpec> upstream;          // core.upstream: best first; empty: we are the registrar
  seconds upstream_interval{10};               // core.upstream_interval: between two OPTIONS; 0 none
  base::Networks peers;                        // core.peers: the numbers ...
  std::vector<std::string> peer_names;         // ... and the names in it, lower case
  seconds flow_grace{30};                      // core.flow_grace: a client that lost its connection is expected back
  std::uint32_t flow_hold_status = 182;        // core.flow_hold_status: 182, 180 or 0
  seconds flow_token_lifetime{86'400};         // core.flow_token_lifetime: of the key that signs them
  std::size_t udp_mtu = 1300;                  // core.udp_mtu: RFC 3261 18.1.1; 0 any size
  std::string flow_token_secret;               // outbound.flow_token_secret

  // --- resolving (core)
  std::vector<Endpoint> dns_servers;           // core.dns_servers: empty is those of /etc/resolv.conf
  std::string dns_hosts_file = "/etc/hosts";   // core.dns_hosts_file: empty is none
  seconds dns_retr_time{1};                    // core.dns_retr_time: until the first retransmission
  std::uint32_t dns_retr_no = 1;               // core.dns_retr_no: retransmissions; resolv.conf(5)'s attempts, less one
  milliseconds dns_timeout{10'000};            // core.dns_timeout: of one resolution
  std::uint32_t dns_max_queries = 256;         // core.dns_max_queries: questions of one worker in flight
  bool dns_try_naptr = true;                   // core.dns_try_naptr
  bool dns_try_ipv6 = true;                    // core.dns_try_ipv6
  std::uint32_t dns_cache_flags = 0;           // core.dns_cache_flags: bits, 1 only IPv4, 2 only IPv6, 4 IPv6 first
  seconds dns_cache_min_ttl{1};                // core.dns_cache_min_ttl
  seconds dns_cache_max_ttl{86'400};           // core.dns_cache_max_ttl
  seconds dns_cache_negative_ttl{60};          // core.dns_cache_negative_ttl: most; a SOA may say less (RFC 2308 5)
  std::size_t dns_cache_mem = 500;             // core.dns_cache_mem: KiB of one worker
  seconds dst_blacklist_expire{30};            // core.dst_blacklist_expire: how long a failed address stands behind others

  // --- websocket
  int keepalive_mechanism = 1;                 // websocket.keepalive_mechanism: 0 none, 1 Ping, 2 Pong
  seconds keepalive_timeout{180};              // websocket.keepalive_timeout: idle time before a keepalive
  std::uint32_t keepalive_processes = 1;       // websocket.keepalive_processes
  seconds keepalive_interval{1};               // websocket.keepalive_interval: how often each process looks
  std::string ping_application_data{product()};  // websocket.ping_application_data: 1..125 bytes; follows server_header
  int sub_protocols = 1;                       // websocket.sub_protocols: bits, 1 sip, 2 msrp
  int cors_mode = 0;                           // websocket.cors_mode: 0 none, 1 any origin, 2 echo Origin
  std::vector<std::string> allowed_origins;    // websocket.allowed_origins: empty is any; `https://*.example.org`
  bool allow_no_origin = true;                 // websocket.allow_no_origin: clients that are no browsers send none
  std::string ws_path;                         // websocket.ws_path: the only path with a handshake; empty is any
  seconds handshake_timeout{10};               // websocket.handshake_timeout: from accept to the 101, TLS included
  seconds message_timeout{10};                 // websocket.message_timeout: a message's first byte to its last (S14)
  std::uint32_t ping_rate = 10;                // websocket.ping_rate: a second, ten seconds' worth at once; 0 any (S16)
  seconds close_timeout{5};                    // websocket.close_timeout: for the peer's answer to our Close
  bool deflate = false;                        // websocket.deflate: permessage-deflate (RFC 7692) for who offers it
  std::uint32_t deflate_window_bits = 15;      // websocket.deflate_window_bits: 9..15, the most either side may use
  bool deflate_context_takeover = false;       // websocket.deflate_context_takeover: windows live from message to message
  std::uint32_t deflate_level = 1;             // websocket.deflate_level: as zlib's
  std::size_t deflate_min_size = 256;          // websocket.deflate_min_size: shorter messages go uncompressed

  // --- tls: what the sections of the tls.cfg do not say, and the server's only profile when there is none
  std::vector<std::string> tls_certificate;    // tls.certificate: PEM files, one of each kind of key
  std::vector<std::string> tls_private_key;    // tls.private_key: in the same order; empty: with the certificate
  std::string tls_ca_list;                     // tls.ca_list
  std::string tls_crl;                         // tls.crl
  std::string tls_cipher_list;                 // tls.cipher_list: TLS 1.2
  std::string tls_ciphersuites;                // tls.ciphersuites: TLS 1.3
  std::vector<std::string> tls_ocsp_response;  // tls.ocsp_response: DER files
  std::string tls_method = "TLSv1.2+";         // tls.tls_method: one of tls_methods()
  std::string tls_server_name;                 // tls.server_name
  bool tls_verify_certificate = false;         // tls.verify_certificate
  bool tls_require_certificate = false;        // tls.require_certificate
  std::uint32_t tls_verify_depth = 9;          // tls.verify_depth
  std::string tls_config;                      // tls.config: the tls.cfg; empty is none
  seconds tls_ticket_lifetime{7200};           // tls.ticket_lifetime: of a session (RFC 8446 4.6.1, RFC 5077); 0 no tickets
  seconds tls_ticket_rotation{10'800};         // tls.ticket_rotation: a new key so often; the last one still opens
  std::vector<TlsProfile> tls_profiles;        // made of all of these by load(); no parameter

  // --- mi_fifo
  std::string fifo;                            // mi_fifo.fifo_name: path; empty is no FIFO
  std::uint32_t fifo_mode = 0660;              // mi_fifo.fifo_mode: permission bits
  std::string fifo_user;                       // mi_fifo.fifo_user: name or number; empty is the process's
  std::string fifo_group;                      // mi_fifo.fifo_group
  std::string reply_dir = "/tmp/";             // mi_fifo.reply_dir: ends in a slash
  std::string reply_indent = "\t";             // mi_fifo.reply_indent: once a nesting level

  // --- usrloc, registrar
  std::size_t max_bindings = 65536;            // usrloc.max_bindings: contact bindings in shared memory
  std::uint32_t db_mode = 0;                   // usrloc.db_mode: 0 memory only; else bindings are stored before the 200
  std::string db_url;                          // usrloc.db_url: sqlite:///path
  seconds default_expires{3600};               // registrar.default_expires
  seconds min_expires{60};                     // registrar.min_expires: shorter is raised; 0 is no limit
  seconds max_expires{3600};                   // registrar.max_expires: longer is lowered; 0 is no limit
  std::uint32_t max_contacts = 10;             // registrar.max_contacts: of one address of record; 0 is no limit
  seconds registrar_retry_after{0};            // registrar.retry_after: with 503 `Too many registered contacts`; 0 none
  seconds flow_timer{0};                       // registrar.flow_timer: Flow-Timer of a 200 with Outbound; 0 says none
  bool gruu_enabled = true;                    // registrar.gruu_enabled: GRUUs for who supports them
  std::uint32_t path_mode = 1;                 // registrar.path_mode: 0 stored, 1 also told, 2 also refused to who lacks it
  std::string service_route;                   // registrar.service_route: of a 200 (RFC 3608); empty is none

  // --- tm, maxfwd
  milliseconds fr_timer{30'000};               // tm.fr_timer: no reply at all
  milliseconds timer_c{185'000};               // tm.fr_inv_timer: no final reply after a provisional one; RFC 3261 16.6
                                               // step 11 wants more than three minutes
  milliseconds max_noninv_lifetime{32'000};    // tm.max_noninv_lifetime
  milliseconds timer_t1{500};                  // tm.retr_timer1: RFC 3261 17.1.1.1, datagrams only
  milliseconds timer_t2{4'000};                // tm.retr_timer2
  std::size_t max_transactions = 65536;        // tm.max_transactions: of one worker; above it 503
  std::size_t max_transactions_per_connection = 1000;  // tm.max_transactions_per_connection: the same; 0 any
  std::uint32_t max_forwards = 70;             // maxfwd.max_limit: larger Max-Forwards are lowered to it

  // --- how it was started; no parameters
  bool check = false;                          // -c: say whether the configuration is good, and exit
  std::string config_file;                     // the file that was read; empty is none
  std::vector<std::string> arguments;          // argv, for the MI command `arg`
};

// How late a keepalive may be, so that connections that fell silent together are not all due at once; see
// net/keepalive_policy.h.
constexpr std::chrono::seconds longest_keepalive_delay(std::chrono::seconds timeout) noexcept {
  constexpr std::chrono::seconds most{18};
  return timeout / 10 < most ? timeout / 10 : most;
}

// The sub_protocols bits.
inline constexpr int sub_protocol_sip = 1;
inline constexpr int sub_protocol_msrp = 2;

}  // namespace sipwsd::config
