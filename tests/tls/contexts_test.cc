#include "src/tls/contexts.h"

#include "tests/tls/tls_world.h"

#include <openssl/ocsp.h>

namespace sipwsd::tls {
namespace {

using ContextsTest = TlsTest;

class ContextsOf : public EachVersion {};
INSTANTIATE_TEST_SUITE_P(Versions, ContextsOf, each_version(), version_name);

// --- which certificate

class ServerNames : public EachVersion {
 protected:
  TlsProfile profile(const std::string& common_name, const std::string& server_name, std::optional<Endpoint> address = {}) {
    TlsProfile made = server_profile(authority.issue({.common_name = common_name, .names = {common_name}}), server_name);
    made.address = address;
    return made;
  }
  // What a client that asks for the name gets to see; empty when it is refused.
  std::string shown(const Contexts& contexts, const std::string& server_name, std::uint16_t port = 443) {
    Client client({.version = GetParam(), .server_name = server_name});
    Served server(contexts, local_endpoint(port));
    talk(client, server);
    if (server.session.state() != State::open) return {};
    EXPECT_EQ(server.session.server_name(), server_name == "A.Example" ? "a.example" : server_name);
    return client.peer_subject();
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, ServerNames, each_version(), version_name);

TEST_P(ServerNames, ChooseTheProfile) {
  const Contexts contexts = contexts_of({profile("any", ""), profile("a", "a.example"), profile("wild", "*.example.org"),
                                         profile("exact", "b.example.org")});
  EXPECT_EQ(shown(contexts, ""), "/CN=any");
  EXPECT_EQ(shown(contexts, "a.example"), "/CN=a");
  EXPECT_EQ(shown(contexts, "A.Example"), "/CN=a");
  EXPECT_EQ(shown(contexts, "x.example.org"), "/CN=wild");
  EXPECT_EQ(shown(contexts, "b.example.org"), "/CN=exact");
  EXPECT_EQ(shown(contexts, "x.y.example.org"), "/CN=any") << "a wildcard is one label (RFC 6125 6.4.3)";
  EXPECT_EQ(shown(contexts, "example.org"), "/CN=any");
  EXPECT_EQ(shown(contexts, "other"), "/CN=any");
}

TEST_P(ServerNames, PreferTheProfileOfTheSocket) {
  const Contexts contexts = contexts_of({profile("default a", "a.example"), profile("default", ""),
                                         profile("socket", "", local_endpoint(443)),
                                         profile("socket b", "b.example", local_endpoint(443))});
  EXPECT_EQ(shown(contexts, "a.example", 443), "/CN=socket");
  EXPECT_EQ(shown(contexts, "b.example", 443), "/CN=socket b");
  EXPECT_EQ(shown(contexts, "a.example", 444), "/CN=default a");
  EXPECT_EQ(shown(contexts, "b.example", 444), "/CN=default");
}

TEST_P(ServerNames, AreRefusedWhenNobodyServesThem) {
  const Contexts contexts = contexts_of({profile("a", "a.example")});
  EXPECT_EQ(shown(contexts, ""), "/CN=a") << "a client that names nobody gets what there is";
  Client client({.version = GetParam(), .server_name = "b.example"});
  Served server(contexts);
  client.take({});
  const auto progress = server.feed(client.give());
  EXPECT_EQ(progress.state, State::failed);
  EXPECT_EQ(progress.failure, Failure::negotiation);
  client.take(server.take_out());
  EXPECT_EQ(client.last_reason, SSL_R_TLSV1_UNRECOGNIZED_NAME);
}

TEST_F(ContextsTest, BringTheVersionsOfTheirProfile) {
  TlsProfile only_1_3 = server_profile(certificate, "new.example"), only_1_2 = server_profile(certificate, "old.example");
  only_1_3.versions = config::TlsVersions::only_1_3;
  only_1_2.versions = config::TlsVersions::only_1_2;
  const Contexts contexts = contexts_of({server_profile(certificate), only_1_3, only_1_2});
  const auto state_of = [&](int version, const std::string& name) {
    Client client({.version = version, .server_name = name});
    Served server(contexts);
    talk(client, server);
    return server.session.state();
  };
  EXPECT_EQ(state_of(TLS1_3_VERSION, "new.example"), State::open);
  EXPECT_EQ(state_of(TLS1_2_VERSION, "new.example"), State::failed);
  EXPECT_EQ(state_of(TLS1_2_VERSION, "old.example"), State::open);
  EXPECT_EQ(state_of(TLS1_3_VERSION, "old.example"), State::failed);
  EXPECT_EQ(state_of(TLS1_2_VERSION, "else.example"), State::open);
}

TEST_P(ContextsOf, ShowTheCertificateTheClientCanCheck) {
  const auto rsa = authority.issue({.common_name = "rsa", .key = test::KeyType::rsa});
  TlsProfile profile = server_profile(certificate);
  profile.certificate.push_back(rsa.file);
  profile.private_key.push_back(rsa.key_file);
  const Contexts contexts = contexts_of({profile});
  const auto shown = [&](const std::string& sigalgs, const std::string& ciphers) {
    Client client({.version = GetParam(), .ca_file = authority.file(), .sigalgs = sigalgs, .ciphers = ciphers});
    Served server(contexts);
    talk(client, server);
    return client.peer_subject();
  };
  EXPECT_EQ(shown("", ""), "/CN=localhost") << "ECDSA is cheaper";
  EXPECT_EQ(shown("rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp384r1_sha384", "ECDHE-RSA-AES128-GCM-SHA256"), "/CN=rsa");
}

TEST_P(ContextsOf, SendTheWholeChain) {
  const auto intermediate = authority.issue_authority("Intermediate");
  const auto leaf = intermediate->issue();
  const Contexts contexts = contexts_of({server_profile(leaf)});
  Client client({.version = GetParam(), .ca_file = authority.file()});
  Served server(contexts);
  talk(client, server);
  EXPECT_EQ(server.session.state(), State::open);
  EXPECT_EQ(SSL_get_verify_result(client.ssl()), X509_V_OK);
}

TEST_P(ContextsOf, AgreeOnHttp11ByAlpnAndOnNothingElse) {
  const std::pair<std::string, std::string_view> rows[] = {
      {std::string("\x02h2\x08http/1.1"), "http/1.1"}, {std::string("\x08http/1.1"), "http/1.1"}, {std::string("\x02h2"), ""}};
  for (const auto& [offered, agreed] : rows) {
    Client client({.version = GetParam(), .alpn = offered});
    Served server(contexts);
    talk(client, server);
    ASSERT_EQ(server.session.state(), State::open);
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &chosen, &size);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(chosen), size), agreed);
  }
}

// --- stapling (RFC 6066 8)

class Stapling : public EachVersion {
 protected:
  std::string stapled(const Contexts& contexts) {
    Client client({.version = GetParam(), .wants_staple = true});
    Served server(contexts);
    talk(client, server);
    EXPECT_EQ(server.session.state(), State::open);
    const unsigned char* bytes = nullptr;
    const long size = SSL_get_tlsext_status_ocsp_resp(client.ssl(), &bytes);
    return size <= 0 ? std::string() : std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, Stapling, each_version(), version_name);

TEST_P(Stapling, SendsTheResponseOfTheFile) {
  TlsProfile profile = server_profile(certificate);
  const std::string response = authority.ocsp_response(certificate);
  profile.ocsp_response = {authority.folder().write("ocsp.der", response)};
  EXPECT_EQ(stapled(contexts_of({profile})), response);
}

TEST_P(Stapling, SendsNothingWhenThereIsNoneOrItIsOver) {
  EXPECT_EQ(stapled(contexts), "");
  TlsProfile profile = server_profile(certificate);
  profile.ocsp_response = {authority.ocsp_file(certificate, CertificateAuthority::Verdict::good, -60)};
  EXPECT_EQ(stapled(contexts_of({profile})), "");
}

// --- as a client

struct Both {
  Both(const Contexts& client_contexts, const Contexts& server_contexts, std::string_view name)
      : client(value_of(Session::connect(client_contexts, local_endpoint(), name))), server(server_contexts) {}
  void talk() {
    std::vector<std::byte> buffer(65536);
    std::string wire;
    last = client.feed({}, buffer, wire);
    while (!wire.empty()) {
      server.feed(std::exchange(wire, {}));
      last = client.feed(as_bytes(server.take_out()), buffer, wire);
    }
  }
  Session client;
  Served server;
  Progress last{};
};

class AsAClient : public TlsTest {
 protected:
  Contexts clients(std::function<void(TlsProfile&)> change = [](TlsProfile&) {}) {
    TlsProfile profile;
    profile.side = TlsProfile::Side::client;
    profile.verify_certificate = true;
    profile.ca_list = authority.file();
    change(profile);
    return contexts_of({profile});
  }
};

TEST_F(AsAClient, BelievesTheServerWhoseNameAndIssuerAreRight) {
  for (const char* name : {"localhost", "127.0.0.1"}) {
    Both both(clients(), contexts, name);
    both.talk();
    EXPECT_EQ(both.last.state, State::open) << both.last.why;
    EXPECT_TRUE(both.client.is_peer_verified());
    EXPECT_EQ(both.client.peer_subject(), "CN=localhost");
    EXPECT_EQ(both.server.session.server_name(), name == std::string("localhost") ? name : "") << "no address in SNI";
  }
}

TEST_F(AsAClient, RefusesAnotherNameAndAnotherIssuer) {
  Both other_name(clients(), contexts, "example.org");
  other_name.talk();
  EXPECT_EQ(other_name.last.failure, Failure::certificate);
  EXPECT_EQ(other_name.last.why, "hostname mismatch");
  EXPECT_EQ(other_name.server.session.state(), State::failed);

  const CertificateAuthority stranger("Stranger");
  Both other_issuer(clients([&](TlsProfile& profile) { profile.ca_list = stranger.file(); }), contexts, "localhost");
  other_issuer.talk();
  EXPECT_EQ(other_issuer.last.failure, Failure::certificate);
}

TEST_F(AsAClient, BelievesAnybodyOnlyWhenToldTo) {
  Both both(clients([](TlsProfile& profile) {
              profile.verify_certificate = false;
              profile.ca_list.clear();
            }),
            contexts, "example.org");
  both.talk();
  EXPECT_EQ(both.last.state, State::open);
  EXPECT_FALSE(both.client.is_peer_verified());
}

TEST_F(AsAClient, NeedsAProfile) {
  EXPECT_TRUE(Session::connect(contexts, local_endpoint(), "localhost").is(Errc::not_found));
}

}  // namespace
}  // namespace sipwsd::tls
