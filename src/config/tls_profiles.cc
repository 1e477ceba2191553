#include "src/config/tls_profiles.h"

#include "sipwsd/bytes.h"

#include "src/base/text.h"
#include "src/config/param_table.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace sipwsd::config {
namespace {

using Report = std::function<void(Finding)>;
using Side = TlsProfile::Side;

std::string lower(std::string_view text) {
  std::string copy(text);
  std::transform(copy.begin(), copy.end(), copy.begin(), ascii_lower);
  return copy;
}

// --- values

struct MethodRow {
  std::string_view name;
  TlsMethod method;
};
constexpr auto methods = std::to_array<MethodRow>({
    {"TLSv1.2+", {TlsVersions::from_1_2, false}},
    {"TLSv1.2", {TlsVersions::only_1_2, false}},
    {"TLSv1.3", {TlsVersions::only_1_3, false}},
    {"TLSv1.3+", {TlsVersions::only_1_3, false}},
    {"TLSv1.1+", {TlsVersions::from_1_2, true}},
    {"TLSv1+", {TlsVersions::from_1_2, true}},
    {"TLSv1.0+", {TlsVersions::from_1_2, true}},
    {"TLSv1.1", {TlsVersions::from_1_2, true}},
    {"TLSv1", {TlsVersions::from_1_2, true}},
    {"TLSv1.0", {TlsVersions::from_1_2, true}},
    {"SSLv23", {TlsVersions::from_1_2, true}},
    {"SSLv3", {TlsVersions::from_1_2, true}},
    {"SSLv2", {TlsVersions::from_1_2, true}},
});

constexpr std::string_view old_method_hint = "write TLSv1.2+";
std::string old_method(std::string_view method) {
  return cfg::in_quotes(method) + " is not spoken any more, TLS 1.2 and 1.3 are";
}

Result<Endpoint> parse_section_address(std::string_view text) {
  const auto colon = text.rfind(':');
  const Error wrong{Errc::malformed, cfg::in_quotes(text) + " is no address; write default, IP:PORT or [IPv6]:PORT"};
  if (colon == std::string_view::npos) return wrong;
  std::string host(text.substr(0, colon));
  const auto port = base::parse_decimal<std::uint16_t>(text.substr(colon + 1));
  if (!port) return wrong;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  Endpoint endpoint;
  endpoint.port = *port;
  if (inet_pton(AF_INET, host.c_str(), endpoint.address.data()) == 1)
    endpoint.family = AddressFamily::ipv4;
  else if (inet_pton(AF_INET6, host.c_str(), endpoint.address.data()) == 1)
    endpoint.family = AddressFamily::ipv6;
  else
    return wrong;
  return endpoint;
}

// --- one option of a section; the names Kamailio knows, older ones too

using Set = Result<void> (*)(TlsProfile&, std::string_view);

template <std::string TlsProfile::* field>
Result<void> set_text(TlsProfile& profile, std::string_view text) {
  profile.*field = text;
  return {};
}
template <bool TlsProfile::* field>
Result<void> set_boolean(TlsProfile& profile, std::string_view text) {
  const auto value = parse_boolean(lower(text));
  if (!value) return Error{Errc::malformed, cfg::in_quotes(text) + " is neither yes nor no; write yes or no"};
  profile.*field = *value;
  return {};
}
template <std::vector<std::string> TlsProfile::* field>
Result<void> set_files(TlsProfile& profile, std::string_view text) {
  auto files = parse_file_list(text);
  if (!files) return files.error();
  profile.*field = *std::move(files);
  return {};
}
Result<void> set_method(TlsProfile& profile, std::string_view text) {
  const auto method = parse_tls_method(text);
  if (!method) return method.error();
  profile.versions = method->versions;
  return {};
}
Result<void> set_server_name(TlsProfile& profile, std::string_view text) {
  auto name = parse_server_name(text);
  if (!name) return name.error();
  profile.server_name = *std::move(name);
  return {};
}
Result<void> set_verify_depth(TlsProfile& profile, std::string_view text) {
  const auto depth = base::parse_decimal<std::uint32_t>(text);
  if (!depth || *depth > 100)
    return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no verify_depth; write a number from 0 to 100"};
  profile.verify_depth = *depth;
  return {};
}
Result<void> set_nothing(TlsProfile&, std::string_view) { return {}; }

struct Option {
  std::string_view name;
  Set set;
};
constexpr auto options = std::to_array<Option>({
    {"method", set_method},
    {"tls_method", set_method},
    {"certificate", set_files<&TlsProfile::certificate>},
    {"cert_file", set_files<&TlsProfile::certificate>},
    {"private_key", set_files<&TlsProfile::private_key>},
    {"pkey_file", set_files<&TlsProfile::private_key>},
    {"ca_list", set_text<&TlsProfile::ca_list>},
    {"calist_file", set_text<&TlsProfile::ca_list>},
    {"crl", set_text<&TlsProfile::crl>},
    {"cipher_list", set_text<&TlsProfile::cipher_list>},
    {"ciphersuites", set_text<&TlsProfile::ciphersuites>},
    {"ocsp_response", set_files<&TlsProfile::ocsp_response>},
    {"verify_certificate", set_boolean<&TlsProfile::verify_certificate>},
    {"verify_cert", set_boolean<&TlsProfile::verify_certificate>},
    {"require_certificate", set_boolean<&TlsProfile::require_certificate>},
    {"require_cert", set_boolean<&TlsProfile::require_certificate>},
    {"verify_depth", set_verify_depth},
    {"server_name", set_server_name},
    {"server_id", set_nothing},
});

std::vector<std::string_view> option_names() {
  std::vector<std::string_view> names;
  for (const auto& option : options) names.push_back(option.name);
  return names;
}

// --- what the parameters say

TlsProfile profile_of_params(const Settings& settings, Side side) {
  TlsProfile profile;
  profile.side = side;
  profile.certificate = settings.tls_certificate;
  profile.private_key = settings.tls_private_key;
  profile.ca_list = settings.tls_ca_list;
  profile.crl = settings.tls_crl;
  profile.cipher_list = settings.tls_cipher_list;
  profile.ciphersuites = settings.tls_ciphersuites;
  profile.verify_depth = settings.tls_verify_depth;
  profile.versions = parse_tls_method(settings.tls_method)->versions;
  // A client always wants to know whom it talks to, unless its own section says otherwise.
  profile.verify_certificate = side == Side::client || settings.tls_verify_certificate;
  if (side == Side::client) return profile;
  profile.require_certificate = settings.tls_require_certificate;
  profile.ocsp_response = settings.tls_ocsp_response;
  profile.server_name = settings.tls_server_name;
  return profile;
}

// --- the file

struct Section {
  TlsProfile profile;
  cfg::Position where;
  bool has_errors = false;  // then nothing is said about what it lacks
};

class FileReader {
 public:
  FileReader(const Settings& settings, const cfg::Source& source, std::uint32_t file, cfg::Diagnostics& diagnostics)
      : settings_(settings), source_(source), file_(file), diagnostics_(diagnostics) {}
  std::vector<Section> read();

 private:
  void read_line(std::string_view line);
  void read_section(std::string_view header, std::uint32_t column);
  void read_option(std::string_view line);
  Result<std::string> read_value(std::string_view text) const;
  void make_absolute(TlsProfile& profile) const;
  cfg::Position at(std::string_view line, std::string_view piece) const {
    return {file_, number_, static_cast<std::uint32_t>(piece.data() - line.data()) + 1};
  }
  void error(cfg::Position where, std::string what, std::string hint);
  void error(cfg::Position where, const Error& error);

  const Settings& settings_;
  const cfg::Source& source_;
  std::uint32_t file_;
  cfg::Diagnostics& diagnostics_;
  std::uint32_t number_ = 0;  // of the line
  std::vector<Section> sections_;
  std::set<std::string_view> given_;  // options of the section being read
  bool skipping_ = false;     // options of a section whose header is wrong
};

void FileReader::error(cfg::Position where, std::string what, std::string hint) {
  if (!sections_.empty()) sections_.back().has_errors = true;
  diagnostics_.error(where, std::move(what), std::move(hint));
}
// An Error says "what; what to write instead" in one text.
void FileReader::error(cfg::Position where, const Error& what) {
  const auto semicolon = what.why.find("; ");
  error(where, what.why.substr(0, semicolon), what.why.substr(semicolon + 2));
}

std::vector<Section> FileReader::read() {
  std::string_view rest = source_.text;
  while (!rest.empty()) {
    ++number_;
    const auto end = rest.find('\n');
    read_line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  for (auto& section : sections_) make_absolute(section.profile);
  return std::move(sections_);
}

void FileReader::read_line(std::string_view line) {
  const std::string_view text = base::trim(line);
  if (text.empty() || text.front() == '#') return;
  if (text.front() != '[') return read_option(line);
  // An IPv6 address has brackets of its own, so the last one counts.
  const std::string_view header = base::trim(text.substr(0, text.find('#')));
  skipping_ = true;
  given_.clear();
  if (header.back() != ']') return error(at(line, header), "the section has no ]", "write [server:default]");
  read_section(base::trim(header.substr(1, header.size() - 2)), at(line, header).column);
}

void FileReader::read_section(std::string_view header, std::uint32_t column) {
  const cfg::Position where{file_, number_, column};
  const auto colon = header.find(':');
  const std::string_view side = header.substr(0, colon);
  const std::string_view address = colon == std::string_view::npos ? std::string_view() : header.substr(colon + 1);
  if (side != "server" && side != "client")
    return error(where, "no section is called " + cfg::in_quotes(header),
                              "write [server:default], [server:IP:PORT], [client:default] or [client:IP:PORT]");
  Section section{profile_of_params(settings_, side == "server" ? Side::server : Side::client), where, false};
  section.profile.server_name.clear();  // the name of the parameters' own profile
  if (address != "default" && address != "any") {
    const auto endpoint = parse_section_address(address);
    if (!endpoint) return error(where, endpoint.error());
    section.profile.address = *endpoint;
  }
  sections_.push_back(std::move(section));
  skipping_ = false;
}

void FileReader::read_option(std::string_view line) {
  if (skipping_) return;
  const auto equals = line.find('=');
  const std::string_view name = base::trim(line.substr(0, equals));
  const cfg::Position where = at(line, name);
  if (sections_.empty())
    return error(where, "an option before the first section", "write [server:default] above it");
  if (equals == std::string_view::npos)
    return error(where, cfg::in_quotes(name) + " has no value", "write " + std::string(name) + " = VALUE");
  const auto* option = std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.name == name; });
  if (option == options.end())
    return error(where, "no option is called " + cfg::in_quotes(name),
                              cfg::did_you_mean(name, option_names(), "see sipwsd.cfg(5)"));
  if (option->set == set_nothing) return diagnostics_.warning(where, std::string(name) + " is ignored", "it has no effect here");
  const std::string_view text = base::trim(line.substr(equals + 1));
  const cfg::Position value_at = text.empty() ? where : at(line, text);
  const auto value = read_value(text);
  if (!value) return error(value_at, value.error());
  if (!given_.insert(option->name).second)
    return error(where, std::string(name) + " is there twice in this section", "remove one");
  if (auto set = option->set(sections_.back().profile, *value); !set) return error(value_at, set.error());
  if (option->set == set_method && parse_tls_method(*value)->is_old)
    diagnostics_.warning(value_at, old_method(*value), std::string(old_method_hint));
}

// "text" with \" and \\ inside, or everything up to a comment.
Result<std::string> FileReader::read_value(std::string_view text) const {
  if (!text.starts_with('"')) {
    auto comment = text.find('#');
    while (comment != std::string_view::npos && comment > 0 && !base::is_lws(text[comment - 1]))
      comment = text.find('#', comment + 1);
    const std::string_view bare = base::trim(text.substr(0, comment));
    if (bare.empty()) return Error{Errc::malformed, "the value is missing; write it behind the ="};
    return std::string(bare);
  }
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      const std::string_view rest = base::trim(text.substr(i + 1));
      if (!rest.empty() && rest.front() != '#')
        return Error{Errc::malformed, "something follows the closing quote; remove it"};
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    value += text[i];
  }
  return Error{Errc::malformed, "the text has no closing quote; write one"};
}

// A file that the tls.cfg names lies beside it.
void FileReader::make_absolute(TlsProfile& profile) const {
  const auto slash = source_.name.rfind('/');
  if (slash == std::string::npos) return;
  const TlsProfile params = profile_of_params(settings_, profile.side);
  const auto fix = [&](std::string& file, bool from_params) {
    if (!file.empty() && file.front() != '/' && !from_params) file.insert(0, source_.name, 0, slash + 1);
  };
  const auto fix_all = [&](std::vector<std::string>& files, const std::vector<std::string>& of_params) {
    const bool from_params = files == of_params;
    for (auto& file : files) fix(file, from_params);
  };
  fix_all(profile.certificate, params.certificate);
  fix_all(profile.private_key, params.private_key);
  fix_all(profile.ocsp_response, params.ocsp_response);
  fix(profile.ca_list, profile.ca_list == params.ca_list);
  fix(profile.crl, profile.crl == params.crl);
}

// --- what does not fit in one profile

struct Complaint {
  std::string_view param;  // where it is shown
  std::string what;
  std::string hint;
  std::string_view lacking{};  // what to say; how is another matter in sipwsd.cfg than in a tls.cfg
};

std::string hint_for_section(const Complaint& complaint) {
  return complaint.lacking.empty() ? complaint.hint : "say " + std::string(complaint.lacking) + " = FILE";
}
std::string hint_for_params(const Complaint& complaint) {
  if (complaint.lacking.empty()) return complaint.hint;
  return "say modparam(\"tls\", \"" + std::string(complaint.lacking) + "\", \"FILE\") or --" +
         flag_of(*find_param("tls", complaint.lacking)->param) + " FILE";
}

std::vector<Complaint> complaints_about(const TlsProfile& profile) {
  std::vector<Complaint> all;
  const bool is_server = profile.side == Side::server;
  const auto complain = [&](std::string_view param, std::string what, std::string hint) {
    all.push_back({param, profile.name() + ": " + std::move(what), std::move(hint)});
  };
  const auto lacks = [&](std::string_view lacking, std::string_view param, std::string what) {
    all.push_back({param, profile.name() + ": " + std::move(what), {}, lacking});
  };
  if (is_server && profile.certificate.empty()) lacks("certificate", "certificate", "there is no certificate");
  if (!profile.private_key.empty() && profile.private_key.size() != profile.certificate.size())
    complain("private_key",
             std::to_string(profile.certificate.size()) + " certificates, but " +
                 std::to_string(profile.private_key.size()) + " private keys",
             "name one key file for each certificate, in the same order, or none when they are in one file");
  if (profile.ocsp_response.size() > profile.certificate.size())
    complain("ocsp_response", "more OCSP responses than certificates", "name one for each certificate, in the same order");
  if (is_server && (profile.verify_certificate || profile.require_certificate) && profile.ca_list.empty())
    lacks("ca_list", profile.require_certificate ? "require_certificate" : "verify_certificate",
          "clients' certificates can't be checked without a CA");
  if (!profile.crl.empty() && profile.ca_list.empty())
    lacks("ca_list", "crl", "a crl says nothing without the CA it belongs to");
  return all;
}

}  // namespace

std::string TlsProfile::name() const {
  std::string text = side == Side::server ? "server:" : "client:";
  text += address ? address->host_text() + ":" + std::to_string(address->port) : "default";
  if (!server_name.empty()) text += " (" + server_name + ")";
  return text;
}

Result<TlsMethod> parse_tls_method(std::string_view text) {
  for (const auto& row : methods)
    if (equals_nocase(row.name, text)) return row.method;
  return Error{Errc::out_of_range, cfg::in_quotes(text) + " is no tls_method; write TLSv1.2+, TLSv1.2 or TLSv1.3"};
}

Result<std::string> parse_server_name(std::string_view text) {
  std::string_view labels = text.starts_with("*.") ? text.substr(2) : text;
  const bool sound = !labels.empty() && labels.size() <= 253 && labels.front() != '.' && labels.back() != '.' &&
                     labels.find("..") == std::string_view::npos &&
                     std::all_of(labels.begin(), labels.end(), [](char c) {
                       c = ascii_lower(c);
                       return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
                     });
  if (!sound)
    return Error{Errc::malformed, cfg::in_quotes(text) + " is no server name; write sip.example.org or *.example.org"};
  return lower(text);
}

Result<std::vector<std::string>> parse_file_list(std::string_view text) {
  std::vector<std::string> files;
  for (const std::string_view file : base::split(text, ',')) {
    if (file.empty()) return Error{Errc::malformed, cfg::in_quotes(text) + " holds an empty name; write FILE or FILE,FILE"};
    files.emplace_back(file);
  }
  return files;
}

void make_tls_profiles(Settings& settings, cfg::Sources& sources, const cfg::Reader& read_file,
                       cfg::Diagnostics& diagnostics, const Report& report) {
  using enum Finding::Severity;
  settings.tls_profiles.clear();
  if (parse_tls_method(settings.tls_method)->is_old)
    report({warning, "tls", "tls_method", old_method(settings.tls_method), std::string(old_method_hint)});

  std::set<std::string> names;
  if (!settings.tls_config.empty()) {
    auto text = read_file(settings.tls_config);
    if (!text)
      return report({error, "tls", "config", "can't read " + settings.tls_config + ": " + text.error().why, "name a tls.cfg"});
    const auto file = sources.add(settings.tls_config, *std::move(text));
    for (auto& section : FileReader(settings, sources[file], file, diagnostics).read()) {
      if (!section.has_errors)
        for (auto& complaint : complaints_about(section.profile))
          diagnostics.error(section.where, complaint.what, hint_for_section(complaint));
      if (!names.insert(section.profile.name()).second)
        diagnostics.error(section.where, "[" + section.profile.name() + "] is there twice",
                          "remove one, or give it a server_name of its own");
      settings.tls_profiles.push_back(std::move(section.profile));
    }
  }
  if (!settings.tls_certificate.empty() && !names.contains("server:default")) {
    TlsProfile profile = profile_of_params(settings, Side::server);
    for (auto& complaint : complaints_about(profile))
      report({error, "tls", complaint.param, complaint.what, hint_for_params(complaint)});
    settings.tls_profiles.push_back(std::move(profile));
  }
  // Any of the SIP servers may turn out to be reached over TLS (RFC 3263 4.1).
  const bool has_servers = !settings.upstream.empty() || !settings.peers.is_empty() || !settings.peer_names.empty();
  if (has_servers && !names.contains("client:default"))
    settings.tls_profiles.push_back(profile_of_params(settings, Side::client));
}

}  // namespace sipwsd::config
