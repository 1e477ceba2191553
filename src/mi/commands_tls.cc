// What an operator may see of TLS: the certificates in use and the age of the key that seals session tickets. All of it
// stands in shared memory, so this process opens no file and holds no key.
#include <array>

#include "src/base/clock.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

// Negative when it has ended.
std::string days_left(std::int64_t not_after, std::int64_t now) {
  constexpr std::int64_t day = 86'400;
  const std::int64_t seconds = not_after - now;
  return std::to_string(seconds >= 0 ? seconds / day : -((-seconds + day - 1) / day));
}

Node certificate_node(const shm::CertificateRow& row, std::int64_t now) {
  Node node{"Certificate", row.subject, {{"profile", row.profile}, {"days_left", days_left(row.not_after, now)}}, {}};
  const auto child = [&](std::string name, std::string value) {
    node.children.push_back({std::move(name), std::move(value), {}, {}});
  };
  child("File", row.file);
  child("Names", row.names);
  child("Issuer", row.issuer);
  child("Key", row.key_type);
  child("Valid from", base::utc_text(row.not_before));
  child("Valid until", base::utc_text(row.not_after));
  if (row.stapled_until != 0) child("Stapled until", base::utc_text(row.stapled_until));
  return node;
}

void info(Call& call) {
  const auto& shared = call.context().shared;
  const auto now = call.context().clock.unix_seconds();
  Reply reply;
  for (const auto& row : shared.certificates.read()) reply.nodes.push_back(certificate_node(row, now));
  reply.item("Ticket key age", std::to_string(shared.ticket_keys.age(now)) + " [sec]");
  call.reply(std::move(reply));
}

constexpr std::array table{
    Command{"tls.info", "", "the certificates in use, for whom, until when; the age of the key that seals session tickets",
            Input::ignored, info, Effect::reads},
};

}  // namespace

std::span<const Command> tls_commands() noexcept { return table; }

}  // namespace sipwsd::mi
