// Who users are and how they show it: to SIP (auth_*), in the handshake (ws_auth, jwt_*), and the parameters of the
// modules `auth` and `auth_db` (reference/modules.md 13).

#include "sipwsd/bytes.h"

#include "src/base/text.h"
#include "src/cfg/diagnostic.h"
#include "src/config/param.h"

#include <algorithm>
#include <array>

namespace sipwsd::config {
namespace {

struct ModeWord {
  std::string_view word;
  AuthMode mode;
};
constexpr auto mode_words = std::to_array<ModeWord>({
    {"", AuthMode::unset}, {"none", AuthMode::none}, {"digest", AuthMode::digest}, {"handshake", AuthMode::handshake}});

Result<void> read_mode(Settings& settings, std::string_view text) {
  for (const auto& [word, mode] : mode_words) {
    if (text != word || word.empty()) continue;
    settings.auth_mode = mode;
    return {};
  }
  return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no auth_mode; write none, digest or handshake"};
}
std::string write_mode(const Settings& settings) {
  for (const auto& [word, mode] : mode_words)
    if (settings.auth_mode == mode) return std::string(word);
  return "";
}

// Words parted by commas or spaces, as the file has them: the caller's row says which are known.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(", "), text.size());
    if (end != 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return words;
}

Result<void> read_algorithms(Settings& settings, std::string_view text) {
  constexpr std::array<std::string_view, 3> known{"MD5", "SHA-256", "SHA-512-256"};
  std::vector<std::string> algorithms;
  for (const auto word : words_of(text)) {
    const auto found = std::find_if(known.begin(), known.end(), [&](auto name) { return equals_nocase(name, word); });
    if (found == known.end())
      return Error{Errc::out_of_range, cfg::in_quotes(word) + " is no digest algorithm; write MD5, SHA-256 or SHA-512-256"};
    if (std::find(algorithms.begin(), algorithms.end(), *found) != algorithms.end())
      return Error{Errc::out_of_range, std::string(*found) + " stands there twice; remove one"};
    algorithms.emplace_back(*found);
  }
  if (algorithms.empty()) return Error{Errc::out_of_range, "no digest algorithm; write MD5, SHA-256 or SHA-512-256"};
  settings.auth_algorithms = std::move(algorithms);
  return {};
}
std::string write_algorithms(const Settings& settings) {
  std::string text;
  for (const auto& algorithm : settings.auth_algorithms) text += (text.empty() ? "" : ",") + algorithm;
  return text;
}

struct WayWord {
  std::string_view word;
  bool HandshakeAuth::*way;
};
constexpr auto way_words =
    std::to_array<WayWord>({{"digest", &HandshakeAuth::digest}, {"basic", &HandshakeAuth::basic}, {"jwt", &HandshakeAuth::jwt}});

Result<void> read_ws_auth(Settings& settings, std::string_view text) {
  HandshakeAuth wanted;
  const auto words = words_of(text);
  for (const auto word : words) {
    const auto found = std::find_if(way_words.begin(), way_words.end(), [&](const auto& row) { return row.word == word; });
    if (found != way_words.end()) wanted.*found->way = true;
    if (found == way_words.end() && (word != "none" || words.size() != 1))
      return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no ws_auth; write none, or some of digest, basic, jwt"};
  }
  settings.ws_auth = wanted;
  return {};
}
std::string write_ws_auth(const Settings& settings) {
  std::string text;
  for (const auto& [word, way] : way_words)
    if (settings.ws_auth.*way) text.append(text.empty() ? "" : ",").append(word);
  return text.empty() ? "none" : text;
}

constexpr std::size_t most_keys = 16;  // a token without a key's name is tried with all of them

Result<void> read_jwt_key(Settings& settings, std::string_view text) {
  std::vector<std::string> keys;
  if (!text.empty())
    for (const auto word : base::split(text, ',')) {
      if (word.empty() || word.back() == '=') return Error{Errc::malformed, "a jwt_key is missing its file; write FILE or KID=FILE"};
      keys.emplace_back(word);
    }
  if (keys.size() > most_keys)
    return Error{Errc::too_large, "more than " + std::to_string(most_keys) + " of them; remove those that sign no more"};
  settings.jwt_key = std::move(keys);
  return {};
}
std::string write_jwt_key(const Settings& settings) {
  std::string text;
  for (const auto& key : settings.jwt_key) text += (text.empty() ? "" : ",") + key;
  return text;
}

using enum OutOfRange;
using enum Reload;
constexpr auto core_rows = std::to_array<Param>({
    {"auth_mode", TextForm{read_mode, write_mode, nullptr}, {}, refuse_start, "none|digest|handshake",
     "who may register: anybody, users with a password, or whom ws_auth let in; must be said when listening beyond loopback"},
    {"auth_file", &Settings::auth_file, {0, 4096}, refuse_start, "FILE",
     "users and their passwords, one user:realm:HA1 a line; sipwsctl user writes it", {}, {}, running},
    {"auth_realm", &Settings::auth_realm, {0, 255}, refuse_start, "REALM",
     "realm of digest challenges; empty takes the domain that is asked for", {}, {}, running},
    {"auth_algorithms", TextForm{read_algorithms, write_algorithms, nullptr}, {}, refuse_start, "ALGORITHMS",
     "digest algorithms (SHA-512-256, SHA-256, MD5) in the order they are offered, where there are users with one; JsSIP and "
     "SIP.js read the last and know MD5", {}, {}, running},
    {"ws_auth", TextForm{read_ws_auth, write_ws_auth, nullptr}, {}, refuse_start, "none|digest,basic,jwt",
     "ways a WebSocket handshake may show whose connection it is; without one of them it is answered 401"},
    {"basic_without_tls", &Settings::basic_without_tls, {}, refuse_start, "",
     "take passwords (Basic) over ws: too, for a laboratory or behind a proxy that does TLS", {}, {}, running},
    {"jwt_key", TextForm{read_jwt_key, write_jwt_key, nullptr}, {}, refuse_start, "[KID=]FILE[,...]",
     "keys that tokens are checked with: a public one in PEM (RSA: RS256, P-256: ES256) or a secret of at least 32 bytes "
     "(HS256)", {}, {}, running},
    {"jwt_issuer", &Settings::jwt_issuer, {0, 1024}, refuse_start, "TEXT", "what a token's iss must be; empty is anything", {}, {},
     running},
    {"jwt_audience", &Settings::jwt_audience, {0, 1024}, refuse_start, "TEXT",
     "whom a token's aud must name; empty refuses tokens that are for somebody", {}, {}, running},
    {"jwt_leeway", &Settings::jwt_leeway, {0, 3600}, refuse_start, "SECONDS", "by how much clocks may differ", {}, {}, running},
    {"jwt_aor_claim", &Settings::jwt_aor_claim, {1, 256}, refuse_start, "CLAIM",
     "where the user stands in a token: a sip: URI, user@domain, or the user of the served domain", {}, {}, running},
    {"jwt_cookie", &Settings::jwt_cookie, {0, 256}, refuse_start, "NAME",
     "cookie with a token; needs allowed_origins; empty looks at none", {}, {}, running},
    {"jwt_query", &Settings::jwt_query, {0, 256}, refuse_start, "NAME",
     "parameter of the handshake's query with a token; empty looks at none", {}, {}, running},
});

constexpr auto auth_rows = std::to_array<Param>({
    {"nonce_expire", &Settings::nonce_expire, {10, 86'400}, refuse_start, "SECONDS",
     "how long a digest challenge may be answered"},  // a nonce that lived longer suddenly could be used again
});

constexpr auto auth_db_rows = std::to_array<Param>({
    {"db_url", &Settings::auth_db_url, {0, 4096}, refuse_start, "sqlite:///PATH",
     "database whose table subscriber has users, read at the start and at each reload", "auth_db_url", {}, running},
    {"user_column", &Settings::auth_db_user_column, {1, 64}, refuse_start, "NAME", "column with the user's name",
     "auth_db_user_column", {}, running},
    {"domain_column", &Settings::auth_db_domain_column, {1, 64}, refuse_start, "NAME", "column with his domain",
     "auth_db_domain_column", {}, running},
    {"password_column", &Settings::auth_db_password_column, {1, 64}, refuse_start, "NAME",
     "column with HA1, or with the password (calculate_ha1)", "auth_db_password_column", {}, running},
    {"password_column_2", &Settings::auth_db_password_column_2, {0, 64}, refuse_start, "NAME",
     "column with HA1 for clients that call themselves user@domain; empty: there is none", "auth_db_password_column_2", {}, running},
    {"calculate_ha1", &Settings::auth_db_calculate_ha1, {}, refuse_start, "", "password_column holds passwords in the clear",
     "auth_db_calculate_ha1", {}, running},
    {"use_domain", &Settings::auth_db_use_domain, {}, refuse_start, "",
     "a row's realm is its domain, also where auth_realm is set", "auth_db_use_domain", {}, running},
});

}  // namespace

ParamGroup authentication_params() noexcept { return {"core", "Authentication", core_rows}; }
ParamGroup auth_params() noexcept { return {"auth", "Digest", auth_rows}; }
ParamGroup auth_db_params() noexcept { return {"auth_db", "Users in a database", auth_db_rows}; }

}  // namespace sipwsd::config
