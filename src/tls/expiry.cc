#include "src/tls/expiry.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace sipwsd::tls {
namespace {

constexpr std::int64_t day = 86'400;

template <std::size_t N>
void write(char (&field)[N], std::string_view text) {
  text = text.substr(0, N - 1);
  std::memcpy(field, text.data(), text.size());
}

shm::CertificateRow row_of(const CertificateInfo& certificate) {
  shm::CertificateRow row{};
  write(row.profile, certificate.profile);
  write(row.file, certificate.file);
  write(row.subject, certificate.subject);
  write(row.issuer, certificate.issuer);
  write(row.key_type, certificate.key_type);
  std::string names;
  for (const auto& name : certificate.names) names += (names.empty() ? "" : " ") + name;
  write(row.names, names);
  row.not_before = certificate.not_before;
  row.not_after = certificate.not_after;
  row.stapled_until = certificate.stapled_until;
  return row;
}

}  // namespace

std::int64_t CertificateInfo::days_left(std::int64_t unix_now) const noexcept {
  const std::int64_t seconds = not_after - unix_now;
  return seconds >= 0 ? seconds / day : -((-seconds + day - 1) / day);
}

std::optional<ExpiryWarning> expiry_warning(const CertificateInfo& certificate, std::int64_t unix_now, int last_said) {
  const std::string what = certificate.profile + ": certificate " + certificate.file + " (" + certificate.subject + ")";
  if (certificate.not_after <= unix_now) {
    if (last_said <= 0) return std::nullopt;
    return ExpiryWarning{0, what + " has ended; clients refuse it: get a new one, then tls.reload"};
  }
  for (const int days : {1, 7, 30}) {
    if (certificate.not_after - unix_now > days * day) continue;
    if (last_said <= days) return std::nullopt;
    const auto left = certificate.days_left(unix_now);
    return ExpiryWarning{days, what + " ends in " +
                                   (left == 0 ? "less than a day" : std::to_string(left) + (left == 1 ? " day" : " days")) +
                                   ": get a new one, then tls.reload"};
  }
  return std::nullopt;
}

void publish(shm::CertificateBoard& board, const std::vector<CertificateInfo>& certificates) {
  std::vector<shm::CertificateRow> rows;
  std::transform(certificates.begin(), certificates.end(), std::back_inserter(rows), row_of);
  board.write(rows);
}

}  // namespace sipwsd::tls
