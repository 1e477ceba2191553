#include "src/config/tls_profiles.h"

#include "tests/config/run.h"

#include <gtest/gtest.h>

namespace sipwsd::config {
namespace {

using test::ConfigFile;
using test::run_flags;
using Side = TlsProfile::Side;

// A run with this tls.cfg; its name reads TLS.
test::Run run_tls(const std::string& text, std::vector<std::string> flags = {}) {
  const ConfigFile file(text);
  flags.push_back("--tls-config=" + file.path());
  auto run = run_flags(std::move(flags));
  for (std::string* words : {&run.errors, &run.warnings})
    for (auto at = words->find(file.path()); at != std::string::npos; at = words->find(file.path(), at))
      words->replace(at, file.path().size(), "TLS");
  return run;
}

TEST(TlsProfiles, AreMadeOfTheParametersWhenThereIsNoFile) {
  const auto run = run_flags({"--tls-certificate=ec.pem,rsa.pem", "--tls-private-key=ec.key, rsa.key",
                              "--tls-ca-list=ca.pem", "--tls-verify-certificate=yes", "--tls-method=TLSv1.3"});
  ASSERT_TRUE(run.loaded) << run.errors;
  ASSERT_EQ(run.settings.tls_profiles.size(), 1u);
  const auto& server = run.settings.tls_profiles[0];
  EXPECT_EQ(server.name(), "server:default");
  EXPECT_EQ(server.certificate, (std::vector<std::string>{"ec.pem", "rsa.pem"}));
  EXPECT_EQ(server.private_key, (std::vector<std::string>{"ec.key", "rsa.key"}));
  EXPECT_TRUE(server.verify_certificate);
  EXPECT_FALSE(server.require_certificate);
  EXPECT_EQ(server.versions, TlsVersions::only_1_3);
}

TEST(TlsProfiles, AreNoneWithoutACertificate) {
  const auto run = run_flags({});
  ASSERT_TRUE(run.loaded);
  EXPECT_TRUE(run.settings.tls_profiles.empty());
}

TEST(TlsProfiles, HaveOneOfAClientWhereThereAreSipServers) {
  for (const char* servers : {"--peers=192.0.2.0/24", "--upstream=sip:sip.example.org"}) {
    const auto run = run_flags({servers});
    ASSERT_TRUE(run.loaded) << run.errors;
    ASSERT_EQ(run.settings.tls_profiles.size(), 1u) << servers;
    EXPECT_EQ(run.settings.tls_profiles[0].name(), "client:default");
    EXPECT_TRUE(run.settings.tls_profiles[0].verify_certificate);
  }
  const auto run = run_tls("[client:default]\nverify_certificate = no\n", {"--peers=192.0.2.0/24"});
  ASSERT_EQ(run.settings.tls_profiles.size(), 1u) << "its own section counts";
  EXPECT_FALSE(run.settings.tls_profiles[0].verify_certificate);
}

TEST(TlsProfiles, AreTheSectionsOfAKamailioFile) {
  const auto run = run_tls(R"(# as Kamailio's own example
[server:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
private_key = ./key.pem
certificate = "/etc/x/a \"cert\".pem"   # quoted
cipher_list = ECDHE+AESGCM:!aNULL

[server:192.0.2.1:443]
certificate=/etc/x/b.pem
ca_list=/etc/x/ca.pem
crl=/etc/x/crl.pem
verify_certificate = YES
require_certificate = on
verify_depth = 3

[server:[2001:db8::1]:443]
certificate=/etc/x/c.pem

[server:any]
server_name = *.Example.ORG
certificate=/etc/x/d.pem
method = TLSv1.3

[client:default]
verify_certificate = no
)");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.warnings, "");
  const auto& profiles = run.settings.tls_profiles;
  ASSERT_EQ(profiles.size(), 5u);
  EXPECT_EQ(profiles[0].name(), "server:default");
  EXPECT_EQ(profiles[0].certificate.front(), "/etc/x/a \"cert\".pem");
  EXPECT_EQ(profiles[0].private_key.front(), "/tmp/./key.pem") << "beside the tls.cfg";
  EXPECT_EQ(profiles[0].cipher_list, "ECDHE+AESGCM:!aNULL");
  EXPECT_EQ(profiles[1].name(), "server:192.0.2.1:443");
  EXPECT_TRUE(profiles[1].verify_certificate && profiles[1].require_certificate);
  EXPECT_EQ(profiles[1].verify_depth, 3u);
  EXPECT_EQ(profiles[2].name(), "server:[2001:db8::1]:443");
  EXPECT_EQ(profiles[3].name(), "server:default (*.example.org)");
  EXPECT_EQ(profiles[3].versions, TlsVersions::only_1_3);
  EXPECT_EQ(profiles[4].name(), "client:default");
  EXPECT_FALSE(profiles[4].verify_certificate);
}

TEST(TlsProfiles, TakeWhatASectionDoesNotSayFromTheParameters) {
  const auto run = run_tls("[server:default]\nserver_name=a.example\n[server:default]\nserver_name=b.example\ncertificate=/b.pem\n",
                           {"--tls-certificate=p.pem", "--tls-cipher-list=HIGH", "--tls-method=TLSv1.2"});
  ASSERT_TRUE(run.loaded) << run.errors;
  const auto& profiles = run.settings.tls_profiles;
  ASSERT_EQ(profiles.size(), 3u);
  EXPECT_EQ(profiles[0].certificate.front(), "p.pem") << "beside where the daemon was started, not beside the tls.cfg";
  EXPECT_EQ(profiles[1].certificate.front(), "/b.pem");
  EXPECT_EQ(profiles[1].cipher_list, "HIGH");
  EXPECT_EQ(profiles[1].versions, TlsVersions::only_1_2);
  EXPECT_EQ(profiles[2].name(), "server:default") << "the parameters' own, for every other name";
}

TEST(TlsProfiles, OfAClientCheckTheServerUnlessTheirSectionSaysOtherwise) {
  const auto run = run_tls("[client:default]\n[client:192.0.2.1:5061]\nverify_certificate = no\n");
  ASSERT_TRUE(run.loaded) << run.errors;
  ASSERT_EQ(run.settings.tls_profiles.size(), 2u);
  EXPECT_TRUE(run.settings.tls_profiles[0].verify_certificate);
  EXPECT_FALSE(run.settings.tls_profiles[1].verify_certificate);
}

struct BadFile {
  const char* text;
  const char* error;
};

TEST(TlsProfiles, SayWhereTheFileIsWrongAndWhatToWrite) {
  const BadFile rows[] = {
      {"certificate = a\n", "TLS:1:1: an option before the first section; write [server:default] above it"},
      {"\n  [serfer:default]\n", "TLS:2:3: no section is called \"serfer:default\"; write [server:default], "
                                 "[server:IP:PORT], [client:default] or [client:IP:PORT]"},
      {"[server:default\n", "TLS:1:1: the section has no ]; write [server:default]"},
      {"[server:192.0.2.1]\n",
       "TLS:1:1: \"192.0.2.1\" is no address; write default, IP:PORT or [IPv6]:PORT"},
      {"[server:300.0.2.1:5]\n", "TLS:1:1: \"300.0.2.1:5\" is no address; write default, IP:PORT or [IPv6]:PORT"},
      {"[server:192.0.2.1:70000]\n",
       "TLS:1:1: \"192.0.2.1:70000\" is no address; write default, IP:PORT or [IPv6]:PORT"},
      {"[server:default]\ncertificte = a\n",
       "TLS:2:1: no option is called \"certificte\"; did you mean \"certificate\"?"},
      {"[server:default]\ncertificate\n", "TLS:2:1: \"certificate\" has no value; write certificate = VALUE"},
      {"[server:default]\ncertificate =  # none\n", "TLS:2:16: the value is missing; write it behind the ="},
      {"[server:default]\ncertificate = \"a\n", "TLS:2:15: the text has no closing quote; write one"},
      {"[server:default]\ncertificate = \"a\" b\n",
       "TLS:2:15: something follows the closing quote; remove it"},
      {"[server:default]\ncertificate = a\n certificate = b\n",
       "TLS:3:2: certificate is there twice in this section; remove one"},
      {"[server:default]\ncertificate = a,,b\n",
       "TLS:2:15: \"a,,b\" holds an empty name; write FILE or FILE,FILE"},
      {"[server:default]\ncertificate = a\nverify_certificate = maybe\n",
       "TLS:3:22: \"maybe\" is neither yes nor no; write yes or no"},
      {"[server:default]\ncertificate = a\nverify_depth = -1\n",
       "TLS:3:16: \"-1\" is no verify_depth; write a number from 0 to 100"},
      {"[server:default]\ncertificate = a\nmethod = TLSv9\n",
       "TLS:3:10: \"TLSv9\" is no tls_method; write TLSv1.2+, TLSv1.2 or TLSv1.3"},
      {"[server:default]\ncertificate = a\nserver_name = *.*.example\n",
       "TLS:3:15: \"*.*.example\" is no server name; write sip.example.org or *.example.org"},
      {"[server:default]\ncertificate = a\nserver_name = a..example\n",
       "TLS:3:15: \"a..example\" is no server name; write sip.example.org or *.example.org"},
      {"[server:default]\n", "TLS:1:1: server:default: there is no certificate; say certificate = FILE"},
      {"[server:default]\ncertificate=a\nprivate_key=a,b\n",
       "TLS:1:1: server:default: 1 certificates, but 2 private keys; name one key file for each certificate, in the same "
       "order, or none when they are in one file"},
      {"[server:default]\ncertificate=a\nrequire_certificate=yes\n",
       "TLS:1:1: server:default: clients' certificates can't be checked without a CA; say ca_list = FILE"},
      {"[server:default]\ncertificate=a\n[server:default]\ncertificate=b\n",
       "TLS:3:1: [server:default] is there twice; remove one, or give it a server_name of its own"},
  };
  for (const auto& row : rows) {
    const auto run = run_tls(row.text);
    EXPECT_FALSE(run.loaded) << row.text;
    EXPECT_EQ(test::first_error(run), row.error) << row.text;
  }
}

TEST(TlsProfiles, TakeOldMethodsForTls12WithAWarning) {
  for (const char* method : {"SSLv23", "TLSv1", "tlsv1.1", "SSLv3"}) {
    const auto run = run_flags({"--tls-certificate=c.pem", std::string("--tls-method=") + method});
    ASSERT_TRUE(run.loaded) << run.errors;
    EXPECT_EQ(run.settings.tls_profiles[0].versions, TlsVersions::from_1_2);
    EXPECT_EQ(run.warnings, std::string("--tls-method: \"") + method +
                                "\" is not spoken any more, TLS 1.2 and 1.3 are; write TLSv1.2+");
  }
  const auto run = run_tls("[server:default]\nmethod = TLSv1\ncertificate=a\n");
  ASSERT_TRUE(run.loaded) << run.errors;
  EXPECT_EQ(run.warnings, "TLS:2:10: \"TLSv1\" is not spoken any more, TLS 1.2 and 1.3 are; write TLSv1.2+");
}

TEST(TlsProfiles, AreNeededByATlsListener) {
  for (const char* listen : {"wss:127.0.0.1:8443", "tls:127.0.0.1:5061"}) {
    const auto run = run_flags({std::string("--listen=") + listen});
    EXPECT_FALSE(run.loaded);
    EXPECT_EQ(test::first_error(run), std::string("sipwsd: --listen: ") + listen +
                                          " needs a certificate; say modparam(\"tls\", \"certificate\", \"FILE\") or "
                                          "--tls-certificate FILE");
  }
}

TEST(TlsProfiles, OfTheParametersSayWhatIsLackingInTheirOwnLanguage) {
  const auto run = run_flags({"--tls-certificate=c.pem", "--tls-require-certificate"});
  EXPECT_FALSE(run.loaded);
  EXPECT_EQ(test::first_error(run),
            "sipwsd: --tls-require-certificate: server:default: clients' certificates can't be checked without a CA; say "
            "modparam(\"tls\", \"ca_list\", \"FILE\") or --tls-ca-list FILE");
}

TEST(TlsProfiles, MayNotHaveTicketsThatOutliveTheirKey) {
  const auto run = run_flags({"--tls-ticket-lifetime=10801"});
  EXPECT_FALSE(run.loaded);
  EXPECT_EQ(test::first_error(run),
            "sipwsd: ticket_rotation is shorter than ticket_lifetime: tickets would outlive the key that opens them; make "
            "ticket_rotation at least 10801");
}

TEST(TlsProfiles, SayWhenTheFileCannotBeRead) {
  const auto run = run_flags({"--tls-config=/proc/nonexistent/tls.cfg"});
  EXPECT_FALSE(run.loaded);
  EXPECT_EQ(test::first_error(run),
            "sipwsd: --tls-config: can't read /proc/nonexistent/tls.cfg: No such file or directory; name a tls.cfg");
}

TEST(TlsProfiles, OfAKamailioConfigurationNeedNoChange) {
  const auto run = test::run_file(R"(
enable_tls=yes
listen=tls:127.0.0.1:5061
loadmodule "tls.so"
modparam("tls", "certificate", "/c.pem")
modparam("tls", "private_key", "/k.pem")
modparam("tls", "verify_certificate", 0)
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "session_cache", 0)
)");
  ASSERT_TRUE(run.loaded) << run.errors;
  ASSERT_EQ(run.settings.tls_profiles.size(), 1u);
  EXPECT_EQ(run.settings.tls_profiles[0].private_key.front(), "/k.pem");
  EXPECT_NE(run.warnings.find("tls.session_cache is ignored"), std::string::npos);
}

}  // namespace
}  // namespace sipwsd::config
