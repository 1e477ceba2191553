// wss as real clients see it (S58): versions, ciphers, names, tickets that resume on any worker and after its death, client
// certificates, stapling; openssl(1) and curl(1) beside our own client.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <csignal>
#include <fstream>
#include <set>

#include "tests/support/certificates.h"
#include "tests/support/test_server.h"
#include "tests/support/ws_client.h"

namespace sipwsd::test {
namespace {

std::vector<std::string> with(const IssuedCertificate& certificate, std::vector<std::string> more = {}) {
  std::vector<std::string> flags{"--stage", "echo", "--listen", "wss:127.0.0.1:0", "--tls-certificate", certificate.chain_file,
                                 "--tls-private-key", certificate.key_file};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

const CertificateAuthority& authority() {
  static const CertificateAuthority one;
  return one;
}
const IssuedCertificate& certificate() {
  static const IssuedCertificate one = authority().issue();
  return one;
}

// A WebSocket over TLS that has exchanged a message, so that TLS 1.3's tickets have come too.
WsClient open(std::uint16_t port, const TlsOptions& tls) {
  auto client = WsClient::open(port, {}, tls);
  client.send_text("hello");
  if (const auto echo = client.receive(); echo.payload != "hello") throw Disappointed("not an echo: " + echo.payload);
  return client;
}

TlsOptions only(TlsVersion version) { return {.min_version = version, .max_version = version}; }

std::string refusal_of(std::uint16_t port, const TlsOptions& tls) {
  try {
    open(port, tls);
  } catch (const Disappointed& why) {
    return why.what();
  }
  return "";
}

// One daemon with three workers for all tests that only talk to it.
class DaemonTls : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = std::make_unique<TestServer>(3, with(certificate())); }
  static void TearDownTestSuite() { server_.reset(); }
  static TestServer& server() { return *server_; }

  // openssl s_client with this on its standard input. It goes on reading until the daemon ends the connection.
  static std::string s_client(const std::string& arguments, const std::string& input = "GET / HTTP/1.1\\r\\n\\r\\n") {
    const auto ended = run({"/bin/sh", "-c", fmt::format("printf '{}' | openssl s_client -ign_eof -alpn http/1.1 -connect 127.0.0.1:{} -CAfile {} {} 2>&1",
                                                         input, server().tls_port(), authority().file(), arguments)});
    return ended.standard_output;
  }
  static bool has(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

 private:
  static inline std::unique_ptr<TestServer> server_;
};

// --- what is agreed on ----------------------------------------------------------------------------------------------

TEST_F(DaemonTls, SpeaksTls12And13AndHttp11Inside) {
  for (const auto& [version, name] : {std::pair(TlsVersion::tls1_2, "TLSv1.2"), std::pair(TlsVersion::tls1_3, "TLSv1.3")}) {
    auto options = only(version);
    options.ca = authority().file();
    options.server_name = "localhost";

    const auto client = open(server().tls_port(), options);

    EXPECT_EQ(client.tls().version(), name);
    EXPECT_EQ(client.tls().protocol(), "http/1.1");
    EXPECT_EQ(client.tls().peer_name(), "localhost");
  }
}

TEST_F(DaemonTls, S58RefusesWhatIsOlder) {
  for (const auto version : {TlsVersion::tls1_0, TlsVersion::tls1_1}) {
    const auto why = refusal_of(server().tls_port(), only(version));
    EXPECT_TRUE(has(why, "protocol version")) << why;
  }
}

TEST_F(DaemonTls, TakesEachCipherItSaysItHasAndNoneWithoutForwardSecrecyOrAead) {
  for (const std::string cipher : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    auto options = only(TlsVersion::tls1_2);
    options.ciphers = cipher;
    EXPECT_EQ(open(server().tls_port(), options).tls().cipher(), cipher);
  }
  for (const std::string cipher : {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256", "AES256-SHA",
                                   "ECDHE-ECDSA-AES128-CCM:@SECLEVEL=0"}) {
    auto options = only(TlsVersion::tls1_2);
    options.ciphers = cipher;
    const auto why = refusal_of(server().tls_port(), options);
    EXPECT_TRUE(has(why, "handshake failure")) << cipher << ": " << why;
  }
  for (const std::string suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const auto said = s_client("-tls1_3 -ciphersuites " + suite);
    EXPECT_TRUE(has(said, "Cipher is " + suite)) << said;
  }
}

TEST_F(DaemonTls, S58LetsOpensslSeeTheChainNoCompressionAndTheReply) {
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const auto said = s_client(version + " -verify_hostname localhost -verify_return_error");

    EXPECT_TRUE(has(said, "Verify return code: 0 (ok)")) << said;
    EXPECT_TRUE(has(said, "ALPN protocol: http/1.1")) << said;
    EXPECT_TRUE(has(said, "Compression: NONE")) << said;
    EXPECT_TRUE(has(said, "Expansion: NONE")) << said;
    EXPECT_TRUE(has(said, "HTTP/1.1 400 Bad Request")) << said;
    EXPECT_FALSE(has(said, "unexpected eof")) << "no close_notify before the end: " << said;
  }
}

TEST_F(DaemonTls, IsVerifiedByCurlAndOnlyWithTheRightAuthority) {
  const std::string url = fmt::format("https://localhost:{}/", server().tls_port());
  const auto curl = [&](const std::string& ca) {
    return run({"/usr/bin/curl", "--noproxy", "*", "-sS", "--connect-to", "localhost::127.0.0.1:", "--cacert", ca, "-o", "/dev/null", "-w",
                "%{http_code} %{http_version}", url});
  };
  const CertificateAuthority stranger("Somebody else");

  const auto good = curl(authority().file()), bad = curl(stranger.file());

  EXPECT_EQ(good.standard_output, "400 1.1") << good.standard_error;
  EXPECT_EQ(good.exit_code, 0);
  EXPECT_EQ(bad.exit_code, 60);  // the certificate cannot be verified
}

TEST_F(DaemonTls, S58DoesNotRenegotiateAndTheOtherConnectionsDoNotNotice) {
  auto bystander = open(server().tls_port(), {});

  // s_client takes the letter R for its command only while its standard input is open.
  const auto pipe = server().scratch() / "commands";
  const auto said = run({"/bin/sh", "-c", fmt::format("mkfifo {0}; openssl s_client -connect 127.0.0.1:{1} -tls1_2 <{0} 2>&1 & exec 3>{0}; echo R >&3; wait $!",
                                                      pipe, server().tls_port())})
                        .standard_output;

  EXPECT_TRUE(has(said, "RENEGOTIATING")) << said;
  EXPECT_TRUE(has(said, "no renegotiation")) << said;
  bystander.send_text("still");
  EXPECT_EQ(bystander.receive().payload, "still");
}

TEST_F(DaemonTls, EndsAConnectionWithCloseNotifyBehindTheClose) {
  auto client = open(server().tls_port(), {});

  client.send_close(1000);

  EXPECT_EQ(client.receive().close_code(), 1000);
  EXPECT_TRUE(client.expect_end());
  EXPECT_TRUE(client.tls().ended_with_close_notify());
}

TEST_F(DaemonTls, TakesRecordsOfOneByteAndOfSixteenThousand) {
  auto client = open(server().tls_port(), {});
  const std::string large(100'000, 'x');
  for (const char c : frame(op::text, "one byte a record")) client.send_raw({&c, 1});
  client.send_binary(large);

  EXPECT_EQ(client.receive().payload, "one byte a record");
  EXPECT_EQ(client.receive().payload, large);
}

TEST_F(DaemonTls, AnswersHttpOnTheTlsPortByTheEndAndTlsOnThePlainPortBy400) {
  WsClient http(server().tls_port()), hello(server().port());

  http.send_raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  hello.send_raw(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));

  http.expect_end();
  EXPECT_EQ(hello.read_reply().status(), 400);
}

TEST(DaemonTlsDeadline, S02IsOfTheWholeHandshakeHoweverSteadilyItsBytesCome) {
  TestServer server(1, with(certificate(), {"--handshake-timeout", "1"}));
  WsClient slow(server.tls_port()), silent(server.tls_port());
  auto bystander = open(server.tls_port(), {});
  const auto start = std::chrono::steady_clock::now();

  slow.send_raw(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  while (slow.try_send_raw("y") && !slow.has_something_within(std::chrono::milliseconds(20)))
    ASSERT_LT(std::chrono::steady_clock::now() - start, patience);
  silent.expect_end();

  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(900));
  EXPECT_EQ(server.statistic("handshake_timeouts"), 2u);
  bystander.send_text("still");
  EXPECT_EQ(bystander.receive().payload, "still");
}

TEST(DaemonTlsDeadline, S02IsOfTlsAndHttpTogether) {
  TestServer server(1, with(certificate(), {"--handshake-timeout", "1"}));
  auto silent = WsClient::connect(server.tls_port(), TlsOptions{});

  silent.send_raw("GET / HTTP/1.1\r\n");

  silent.expect_end();
  EXPECT_EQ(server.statistic("handshake_timeouts"), 1u);
}

// --- tickets ----------------------------------------------------------------------------------------------------------

class DaemonTickets : public testing::TestWithParam<TlsVersion> {};

TEST_P(DaemonTickets, ResumeOnEveryWorkerNotOnlyTheOneThatMadeThem) {
  TestServer server(3, with(certificate()));
  auto options = only(GetParam());
  const auto first = open(server.tls_port(), options);
  ASSERT_FALSE(first.tls().is_resumed());
  options.session = first.tls().session();
  ASSERT_FALSE(options.session.empty());

  std::set<pid_t> workers;
  for (int i = 0; i < 200 && (i < 20 || workers.size() < 3); ++i) {
    const auto again = open(server.tls_port(), options);
    EXPECT_TRUE(again.tls().is_resumed()) << "try " << i;
    if (i < 20 || i % 10 == 0) workers.insert(server.owner_of(again.local_port()));
  }
  EXPECT_EQ(workers.size(), 3u);
}

TEST_P(DaemonTickets, ResumeAfterTheWorkerThatMadeThemWasKilled) {
  TestServer server(2, with(certificate()));
  auto options = only(GetParam());
  auto first = open(server.tls_port(), options);
  options.session = first.tls().session();
  const pid_t victim = server.owner_of(first.local_port());
  std::string title;
  for (const auto& [name, pid] : server.processes())
    if (pid == victim) title = name;
  ASSERT_TRUE(title.starts_with("worker")) << title;

  ::kill(victim, SIGKILL);
  const pid_t successor = server.process(title, victim);

  bool met = false;
  for (int i = 0; i < 200 && !(met && i >= 10); ++i) {
    const auto again = open(server.tls_port(), options);
    EXPECT_TRUE(again.tls().is_resumed()) << "try " << i;
    met = met || server.owner_of(again.local_port()) == successor;
  }
  EXPECT_TRUE(met) << "the new worker never answered";
}

TEST_P(DaemonTickets, AreForgottenWhereTheyAreSwitchedOff) {
  TestServer server(1, with(certificate(), {"--tls-ticket-lifetime", "0"}));
  auto options = only(GetParam());
  options.session = open(server.tls_port(), options).tls().session();

  EXPECT_FALSE(open(server.tls_port(), options).tls().is_resumed());
}

INSTANTIATE_TEST_SUITE_P(Of, DaemonTickets, testing::Values(TlsVersion::tls1_2, TlsVersion::tls1_3),
                         [](const auto& info) { return info.param == TlsVersion::tls1_2 ? "Tls12" : "Tls13"; });

TEST_F(DaemonTls, LetsOpensslComeBackWithItsSession) {
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const auto file = authority().folder().path() + "/session" + version;
    const auto first = s_client(version + " -sess_out " + file);
    ASSERT_TRUE(has(first, "New, TLSv1")) << first;
    for (int i = 0; i < 5; ++i) {
      const auto again = s_client(version + " -sess_in " + file);
      EXPECT_TRUE(has(again, "Reused, TLSv1")) << again;
    }
  }
}

// --- certificates -------------------------------------------------------------------------------------------------------

TEST(DaemonTlsCertificates, ShowsTheOneOfTheNameThatWasAskedFor) {
  const auto plain = authority().issue({.common_name = "default.example.org"});
  const auto one = authority().issue({.common_name = "one.example.org", .names = {"one.example.org"}});
  const auto many = authority().issue({.common_name = "many.example.org", .names = {"*.many.example.org"}});
  const auto section = [](const IssuedCertificate& certificate, const std::string& name) {
    return fmt::format("[server:default]\ncertificate = {}\nprivate_key = {}\n{}\n", certificate.file, certificate.key_file,
                       name.empty() ? "" : "server_name = " + name);
  };
  const auto config = authority().folder().write("names.cfg", section(plain, "") + section(one, "one.example.org") + section(many, "*.many.example.org"));
  TestServer server(1, {"--stage", "echo", "--listen", "wss:127.0.0.1:0", "--tls-config", config});
  const auto shown = [&](const std::string& name) {
    return WsClient::connect(server.tls_port(), TlsOptions{.server_name = name}).tls().peer_name();
  };

  EXPECT_EQ(shown("one.example.org"), "one.example.org");
  EXPECT_EQ(shown("ONE.example.org"), "one.example.org");
  EXPECT_EQ(shown("a.many.example.org"), "many.example.org");
  EXPECT_EQ(shown("a.b.many.example.org"), "default.example.org");
  EXPECT_EQ(shown("other.example.org"), "default.example.org");
  EXPECT_EQ(shown(""), "default.example.org");
}

TEST(DaemonTlsCertificates, ShowsTheKindAClientCanRead) {
  const auto rsa = authority().issue({.key = KeyType::rsa});
  TestServer server(1, {"--stage", "echo", "--listen", "wss:127.0.0.1:0", "--tls-certificate", certificate().file + "," + rsa.file, "--tls-private-key",
                        certificate().key_file + "," + rsa.key_file});
  for (const std::string cipher : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                                   "ECDHE-RSA-CHACHA20-POLY1305"}) {
    auto options = only(TlsVersion::tls1_2);
    options.ciphers = cipher;
    EXPECT_EQ(open(server.tls_port(), options).tls().cipher(), cipher);
  }
}

class DaemonMutualTls : public testing::Test {
 protected:
  static TlsOptions as(const IssuedCertificate& who) { return {.certificate = who.file, .private_key = who.key_file}; }
  static IssuedCertificate client(const CertificateAuthority& by, const std::string& name) {
    return by.issue({.common_name = name, .names = {}, .use = CertificateUse::client});
  }
  const CertificateAuthority stranger_{"Somebody else"};
  const IssuedCertificate good_ = client(authority(), "alice"), revoked_ = client(authority(), "mallory"), strange_ = client(stranger_, "eve"),
                          old_ = authority().issue({.common_name = "old", .names = {}, .use = CertificateUse::client, .valid_from = -7200, .valid_until = -3600}),
                          server_like_ = authority().issue({.common_name = "server", .names = {"server"}, .use = CertificateUse::server});
};

TEST_F(DaemonMutualTls, AsksForNoCertificateUnlessToldTo) {
  TestServer server(1, with(certificate()));

  EXPECT_EQ(refusal_of(server.tls_port(), {}), "");
  EXPECT_EQ(refusal_of(server.tls_port(), as(good_)), "");
  EXPECT_EQ(refusal_of(server.tls_port(), as(strange_)), "");  // nobody looks at it
}

TEST_F(DaemonMutualTls, RefusesABadCertificateButNotNoneWhenItOnlyAsks) {
  TestServer server(1, with(certificate(), {"--tls-verify-certificate", "--tls-ca-list", authority().file()}));

  EXPECT_EQ(refusal_of(server.tls_port(), {}), "");
  EXPECT_EQ(refusal_of(server.tls_port(), as(good_)), "");
  for (const auto* bad : {&strange_, &old_, &server_like_}) EXPECT_NE(refusal_of(server.tls_port(), as(*bad)), "");
}

TEST_F(DaemonMutualTls, RefusesNoCertificateTooWhenOneIsRequired) {
  TestServer server(1, with(certificate(), {"--tls-verify-certificate", "--tls-require-certificate", "--tls-ca-list", authority().file()}));
  for (const auto version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    auto nobody = only(version), alice = as(good_);
    alice.min_version = alice.max_version = version;

    EXPECT_NE(refusal_of(server.tls_port(), nobody), "");
    EXPECT_EQ(refusal_of(server.tls_port(), alice), "");
  }
  EXPECT_NE(refusal_of(server.tls_port(), as(strange_)), "");
}

TEST_F(DaemonMutualTls, RefusesARevokedCertificateAndNoOther) {
  TestServer server(1, with(certificate(), {"--tls-verify-certificate", "--tls-require-certificate", "--tls-ca-list", authority().file(), "--tls-crl",
                                            authority().crl_file({revoked_})}));

  EXPECT_EQ(refusal_of(server.tls_port(), as(good_)), "");
  EXPECT_NE(refusal_of(server.tls_port(), as(revoked_)), "");
}

TEST_F(DaemonMutualTls, KnowsWhoItIsInAResumedSessionToo) {
  TestServer server(2, with(certificate(), {"--tls-verify-certificate", "--tls-require-certificate", "--tls-ca-list", authority().file()}));
  for (const auto version : {TlsVersion::tls1_2, TlsVersion::tls1_3}) {
    auto alice = as(good_);
    alice.min_version = alice.max_version = version;
    alice.session = open(server.tls_port(), alice).tls().session();
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(open(server.tls_port(), alice).tls().is_resumed());
  }
}

TEST(DaemonTlsStapling, SendsTheResponseFromTheFileToWhoAsks) {
  TestServer server(1, with(certificate(), {"--tls-ocsp-response", authority().ocsp_file(certificate())}));
  for (const std::string version : {"-tls1_2", "-tls1_3"}) {
    const auto said = run({"/bin/sh", "-c", fmt::format("openssl s_client -connect 127.0.0.1:{} -CAfile {} -status {} </dev/null 2>&1", server.tls_port(),
                                                        authority().file(), version)})
                          .standard_output;
    EXPECT_NE(said.find("OCSP Response Status: successful"), std::string::npos) << said;
    EXPECT_NE(said.find("Cert Status: good"), std::string::npos) << said;
  }
}

}  // namespace
}  // namespace sipwsd::test
