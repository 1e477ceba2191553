#pragma once
// When to say that a certificate ends: 30, 7 and 1 days before, and when it has ended, once each.

#include "src/tls/material.h"

#include "shm/certificate_board.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace sipwsd::tls {

inline constexpr int nothing_said = std::numeric_limits<int>::max();

struct ExpiryWarning {
  int days;          // 30, 7, 1 or 0: what was said; to be given as last_said next time
  std::string text;  // for the log
};
// Nothing when what there is to say has been said (`last_said`, of the same certificate; at first nothing_said).
std::optional<ExpiryWarning> expiry_warning(const CertificateInfo& certificate, std::int64_t unix_now, int last_said);

// What the mi process and the counter tls_certificate_days_left show. The supervisor calls it after each load.
void publish(shm::CertificateBoard& board, const std::vector<CertificateInfo>& certificates);

}  // namespace sipwsd::tls
