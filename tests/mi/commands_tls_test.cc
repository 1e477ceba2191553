#include "src/base/random.h"
#include "tests/mi/mi_fixture.h"

#include <cstring>

namespace sipwsd::mi {
namespace {

class TlsInfo : public MiTest {
 protected:
  TlsInfo() {
    base::FixedRandom random;
    segment->ticket_keys.rotate(clock.unix_seconds() - 25, random);
  }
};

TEST_F(TlsInfo, ShowsEachCertificateAndTheAgeOfTheTicketKey) {
  shm::CertificateRow row{};
  const auto write = [](char* field, const char* text) { std::strcpy(field, text); };
  write(row.profile, "server:default");
  write(row.file, "/etc/sipwsd/cert.pem");
  write(row.subject, "CN=sip.example.org");
  write(row.issuer, "CN=R11");
  write(row.names, "sip.example.org 192.0.2.1");
  write(row.key_type, "ECDSA P-256");
  row.not_before = 1'690'000'000;
  row.not_after = clock.unix_seconds() + 40 * 86'400 + 5;
  row.stapled_until = 1'700'000'000;
  segment->certificates.write(std::array{row});
  EXPECT_EQ(run("tls.info"),
            "200 OK\n"
            "Certificate:: CN=sip.example.org profile=server:default days_left=40\n"
            "\tFile:: /etc/sipwsd/cert.pem\n"
            "\tNames:: sip.example.org 192.0.2.1\n"
            "\tIssuer:: CN=R11\n"
            "\tKey:: ECDSA P-256\n"
            "\tValid from:: 2023-07-22 04:26 UTC\n"
            "\tValid until:: 2023-12-25 01:00 UTC\n"
            "\tStapled until:: 2023-11-14 22:13 UTC\n"
            "Ticket key age:: 25 [sec]\n\n");
}

TEST_F(TlsInfo, CountsTheDaysSinceTheEndDownwards) {
  shm::CertificateRow row{};
  row.not_after = clock.unix_seconds() - 60;
  segment->certificates.write(std::array{row});
  EXPECT_NE(run("tls.info").find(" days_left=-1\n"), std::string::npos);
}

TEST_F(TlsInfo, HasNoCertificateWhereThereIsNone) { EXPECT_EQ(run("tls.info"), "200 OK\nTicket key age:: 25 [sec]\n\n"); }

}  // namespace
}  // namespace sipwsd::mi
