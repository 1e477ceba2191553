#include "src/tls/material.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace sipwsd::tls {
namespace {

using config::TlsProfile;

// --- reading

constexpr std::size_t largest_file = 16U << 20;
// Debian's; where others keep theirs, ca_list says.
constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";

class Descriptor {
 public:
  explicit Descriptor(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int raw() const noexcept { return fd_; }

 private:
  int fd_;
};

// Into one piece of memory: nothing of a key stays behind in a buffer.
Result<Secret> read_file(const std::string& path) {
  const auto refused = [](int error) { return Error{error == ENOENT ? Errc::not_found : Errc::system, std::strerror(error)}; };
  const Descriptor file(path);
  struct stat status {};
  if (file.raw() < 0 || ::fstat(file.raw(), &status) != 0) return refused(errno);
  if (!S_ISREG(status.st_mode)) return Error{Errc::system, "it is no plain file"};
  if (static_cast<std::size_t>(status.st_size) > largest_file) return Error{Errc::too_large, "it is larger than 16 MiB"};
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t n = ::read(file.raw(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      Secret::wipe(bytes);
      return refused(error);
    }
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  bytes.resize(size);
  return Secret(std::move(bytes));
}

class Loading {
 public:
  explicit Loading(const TlsProfile& profile) : profile_(profile) {}

  Result<ProfileMaterial> run() {
    ProfileMaterial material{profile_, {}, {}, {}};
    for (std::size_t i = 0; i < profile_.certificate.size(); ++i) material.identities.push_back(read_identity(i));
    material.ca_list = read("ca_list", profile_.ca_list).view();
    material.crl = read("crl", profile_.crl).view();
    const bool asks_the_system = profile_.side == TlsProfile::Side::client && profile_.verify_certificate;
    if (asks_the_system && profile_.ca_list.empty())
      if (const auto authorities = read_file(system_authorities)) material.ca_list = authorities->view();
    if (failed_) return *std::move(failed_);
    return material;
  }

 private:
  Identity read_identity(std::size_t i) {
    Identity identity;
    identity.chain = read("certificate", profile_.certificate[i]);
    identity.private_key = i < profile_.private_key.size() ? read("private_key", profile_.private_key[i]) : identity.chain;
    if (i < profile_.ocsp_response.size()) identity.ocsp_response = read("ocsp_response", profile_.ocsp_response[i]).view();
    return identity;
  }

  // Remembers the first failure.
  Secret read(std::string_view param, const std::string& file) {
    if (file.empty() || failed_) return {};
    auto bytes = read_file(file);
    if (bytes) return *std::move(bytes);
    failed_ = Error{bytes.error().code, profile_.name() + ": can't read " + std::string(param) + " " + file + ": " +
                                            bytes.error().why + "; name a file that user can read"};
    return {};
  }

  const TlsProfile& profile_;
  std::optional<Error> failed_;
};

// --- packing: numbers of eight bytes, texts behind their length

constexpr std::string_view magic = "sipwsd tls 1\n";

// The same calls twice: first to count, so that the bytes are written into one piece of memory.
class Packer {
 public:
  void number(std::uint64_t value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    raw({bytes, sizeof bytes});
  }
  void text(std::string_view value) {
    number(value.size());
    raw(value);
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }
  void raw(std::string_view value) {
    size_ += value.size();
    if (is_writing_) bytes_.append(value);
  }
  void start_writing() {
    bytes_.reserve(std::exchange(size_, 0));
    is_writing_ = true;
  }
  Secret result() && { return Secret(std::move(bytes_)); }

 private:
  std::string bytes_;
  std::size_t size_ = 0;
  bool is_writing_ = false;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number() {
    std::uint64_t value = 0;
    const std::string_view bytes = raw(sizeof value);
    if (bytes.size() == sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::string_view view() { return raw(number()); }
  std::string text() { return std::string(view()); }
  Secret secret() { return Secret(text()); }
  std::vector<std::string> texts() {
    std::vector<std::string> values;
    for (auto n = count(); n > 0; --n) values.push_back(text());
    return values;
  }
  // Of things that have at least one number each: more than that can't be there.
  std::uint64_t count() {
    const auto n = number();
    if (n > rest_.size() / sizeof n) is_sound_ = false;
    return is_sound_ ? n : 0;
  }
  std::string_view raw(std::uint64_t size) {
    if (size > rest_.size()) is_sound_ = false;
    if (!is_sound_) return {};
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  bool is_done() const noexcept { return is_sound_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_sound_ = true;
};

void pack_address(Packer& to, const std::optional<Endpoint>& address) {
  to.number(address ? 1 : 0);
  if (!address) return;
  to.raw({reinterpret_cast<const char*>(address->address.data()), address->address.size()});
  to.number(address->port);
  to.number(static_cast<std::uint64_t>(address->family));
}
std::optional<Endpoint> unpack_address(Unpacker& from) {
  if (from.number() == 0) return std::nullopt;
  Endpoint address;
  const auto bytes = from.raw(address.address.size());
  std::memcpy(address.address.data(), bytes.data(), bytes.size());
  address.port = static_cast<std::uint16_t>(from.number());
  address.family = static_cast<AddressFamily>(from.number());
  return address;
}

void pack_profile(Packer& to, const TlsProfile& profile) {
  to.number(static_cast<std::uint64_t>(profile.side));
  pack_address(to, profile.address);
  to.text(profile.server_name);
  to.texts(profile.certificate);
  to.texts(profile.private_key);
  to.text(profile.ca_list);
  to.text(profile.crl);
  to.text(profile.cipher_list);
  to.text(profile.ciphersuites);
  to.texts(profile.ocsp_response);
  to.number(static_cast<std::uint64_t>(profile.versions));
  to.number(profile.verify_certificate ? 1 : 0);
  to.number(profile.require_certificate ? 1 : 0);
  to.number(profile.verify_depth);
}
TlsProfile unpack_profile(Unpacker& from) {
  TlsProfile profile;
  profile.side = static_cast<TlsProfile::Side>(from.number());
  profile.address = unpack_address(from);
  profile.server_name = from.text();
  profile.certificate = from.texts();
  profile.private_key = from.texts();
  profile.ca_list = from.text();
  profile.crl = from.text();
  profile.cipher_list = from.text();
  profile.ciphersuites = from.text();
  profile.ocsp_response = from.texts();
  profile.versions = static_cast<config::TlsVersions>(from.number());
  profile.verify_certificate = from.number() != 0;
  profile.require_certificate = from.number() != 0;
  profile.verify_depth = static_cast<std::uint32_t>(from.number());
  return profile;
}

void pack_into(Packer& to, const Material& material) {
  to.raw(magic);
  to.number(static_cast<std::uint64_t>(material.ticket_lifetime.count()));
  to.number(material.profiles.size());
  for (const ProfileMaterial& profile : material.profiles) {
    pack_profile(to, profile.profile);
    to.number(profile.identities.size());
    for (const Identity& identity : profile.identities) {
      to.text(identity.chain.view());
      to.text(identity.private_key.view());
      to.text(identity.ocsp_response);
    }
    to.text(profile.ca_list);
    to.text(profile.crl);
  }
}

}  // namespace

bool Material::has_server() const noexcept {
  return std::any_of(profiles.begin(), profiles.end(), [](const ProfileMaterial& material) {
    return material.profile.side == TlsProfile::Side::server;
  });
}

Result<Material> load(const config::Settings& settings) {
  Material material{{}, settings.tls_ticket_lifetime};
  for (const TlsProfile& profile : settings.tls_profiles) {
    auto loaded = Loading(profile).run();
    if (!loaded) return loaded.error();
    material.profiles.push_back(*std::move(loaded));
  }
  return material;
}

Secret pack(const Material& material) {
  Packer packer;
  pack_into(packer, material);
  packer.start_writing();
  pack_into(packer, material);
  return std::move(packer).result();
}

Result<Material> unpack(std::string_view packed) {
  Unpacker from(packed);
  Material material;
  if (from.raw(magic.size()) != magic) return Error{Errc::malformed, "no TLS material"};
  material.ticket_lifetime = std::chrono::seconds{from.number()};
  for (auto profiles = from.count(); profiles > 0; --profiles) {
    ProfileMaterial profile{unpack_profile(from), {}, {}, {}};
    for (auto identities = from.count(); identities > 0; --identities) {
      Secret chain = from.secret();
      Secret key = from.secret();
      profile.identities.push_back({std::move(chain), std::move(key), from.text()});
    }
    profile.ca_list = from.text();
    profile.crl = from.text();
    material.profiles.push_back(std::move(profile));
  }
  if (!from.is_done()) return Error{Errc::malformed, "broken TLS material"};
  return material;
}

}  // namespace sipwsd::tls
