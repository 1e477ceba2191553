#pragma once
// From the tls parameters and the tls.cfg (the parameter `config`) to settings.tls_profiles. Without a certificate there is
// no profile, and without a [client:...] section none for connections of our own. The file is Kamailio's:
//
//   [server:default]            # and [server:IP:PORT], [client:default], [client:IP:PORT]; `any` is default
//   certificate = /etc/sipwsd/cert.pem
//   [server:default]            # the same socket under another name
//   server_name = sip.example.org

#include "sipwsd/result.h"

#include "src/cfg/diagnostic.h"
#include "src/cfg/preprocessor.h"
#include "src/config/cross_checks.h"
#include "src/config/settings.h"

#include <functional>
#include <string>
#include <string_view>

namespace sipwsd::config {

// What tls_method may say. SSLv23, TLSv1 and the like are taken for TLSv1.2+: nothing older is spoken.
struct TlsMethod {
  TlsVersions versions;
  bool is_old;
};
Result<TlsMethod> parse_tls_method(std::string_view text);

// A DNS name in lower case, with or without `*.` in front (RFC 6125 6.4.3: a whole label, the leftmost).
Result<std::string> parse_server_name(std::string_view text);

// Parted by commas, trimmed, none empty.
Result<std::vector<std::string>> parse_file_list(std::string_view text);

// Reads the tls.cfg, when settings.tls_config names one, and fills settings.tls_profiles. What is wrong in the file goes
// to `diagnostics` with its line, what is wrong with parameters to `report`.
void make_tls_profiles(Settings& settings, cfg::Sources& sources, const cfg::Reader& read_file,
                       cfg::Diagnostics& diagnostics, const std::function<void(Finding)>& report);

}  // namespace sipwsd::config
