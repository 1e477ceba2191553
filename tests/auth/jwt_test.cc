#include "src/auth/jwt.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "src/auth/jwt_keys.h"
#include "src/base/base64.h"
#include "src/base/digest.h"
#include "tests/support/signer.h"
#include "tests/support/test_server.h"

namespace sipwsd::auth {
namespace {

using test::Signer;

constexpr std::int64_t now = 1'800'000'000;
const std::string secret = "this secret has more than 32 bytes";
const std::string good_claims = R"({"sub":"alice","exp":1800000060})";

// Keys are slow to make: once for all tests.
const Signer& rsa() {
  static const Signer signer = Signer::rsa(2048);
  return signer;
}
const Signer& p256() {
  static const Signer signer = Signer::ec("P-256");
  return signer;
}

std::vector<TokenKey> keys_of(std::initializer_list<std::pair<const char*, std::string>> wanted) {
  std::vector<TokenKey> keys;
  for (const auto& [id, bytes] : wanted) {
    auto key = TokenKey::make(id, bytes);
    if (!key) throw std::runtime_error(key.error().why);
    keys.push_back(*std::move(key));
  }
  return keys;
}

// What becomes of a token: its claim, or why not.
std::string ask(const std::string& token, const std::vector<TokenKey>& keys, const TokenRules& rules = {}, std::int64_t at = now) {
  const auto claim = claim_of_token(token, keys, rules, at);
  return claim ? *claim : claim.error().why;
}
std::string hs256(const std::string& claims, const std::string& header = R"({"alg":"HS256","typ":"JWT"})") {
  return test::hs256_token(secret, header, claims);
}

TEST(TokenKey, IsOfTheAlgorithmThatItsBytesAreFor) {
  EXPECT_EQ(TokenKey::make("", secret)->algorithm(), TokenAlgorithm::hs256);
  EXPECT_EQ(TokenKey::make("", rsa().public_pem())->algorithm(), TokenAlgorithm::rs256);
  EXPECT_EQ(TokenKey::make("", p256().public_pem())->algorithm(), TokenAlgorithm::es256);
  EXPECT_EQ(TokenKey::make("k1", rsa().certificate_pem())->algorithm(), TokenAlgorithm::rs256);
  EXPECT_EQ(TokenKey::make("k1", secret)->id(), "k1");
}

TEST(TokenKey, RefusesWhatIsTooWeakOrNoPublicKey) {
  for (const auto& [bytes, why] : {
           std::pair<std::string, const char*>{std::string(31, 'x'), "less than 32 bytes"},
           {std::string(31, 'x') + "\r\n", "less than 32 bytes"},
           {"", "less than 32 bytes"},
           {Signer::rsa(1024).public_pem(), "less than 2048 bits"},
           {Signer::ec("P-384").public_pem(), "neither an RSA nor a P-256 key"},
           {p256().private_pem(), "private key"},
           {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"},
           {std::string(70'000, 'x'), "too large"},
       }) {
    const auto key = TokenKey::make("", bytes);
    ASSERT_FALSE(key) << why;
    EXPECT_NE(key.error().why.find(why), std::string::npos) << key.error().why;
  }
}

TEST(Token, OfRfc7515AppendixA1IsSignedWithItsKey) {
  const auto key = base::unbase64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  const auto keys = keys_of({{"", *key}});
  EXPECT_EQ(ask(token, keys, {.claim = "iss"}, 1'300'819'379), "joe");
  EXPECT_EQ(ask(token, keys, {.claim = "iss"}, 1'300'819'380), "the token has expired");
}

TEST(Token, OfEachAlgorithmIsTakenFromWhoHasTheKey) {
  const auto keys = keys_of({{"", secret}, {"", rsa().public_pem()}, {"", p256().public_pem()}});
  EXPECT_EQ(ask(hs256(good_claims), keys), "alice");
  EXPECT_EQ(ask(rsa().token(R"({"alg":"RS256"})", good_claims), keys), "alice");
  EXPECT_EQ(ask(p256().token(R"({"alg":"ES256"})", good_claims), keys), "alice");
}

TEST(Token, OfSomebodyElseIsRefused) {
  const auto keys = keys_of({{"", "another secret, as long as the first one"}, {"", rsa().public_pem()}, {"", p256().public_pem()}});
  const std::string nobody = "no key of ours has signed the token";
  EXPECT_EQ(ask(hs256(good_claims), keys), nobody);
  EXPECT_EQ(ask(Signer::rsa(2048).token(R"({"alg":"RS256"})", good_claims), keys), nobody);
  EXPECT_EQ(ask(Signer::ec("P-256").token(R"({"alg":"ES256"})", good_claims), keys), nobody);
  EXPECT_EQ(ask(hs256(good_claims), {}), nobody);
}

TEST(Token, WithoutASignatureIsNone) {
  const auto keys = keys_of({{"", secret}});
  for (const auto* algorithm : {"none", "None", "NONE", "", "HS512", "hs256"}) {
    const auto header = base::base64url(std::string(R"({"alg":")") + algorithm + "\"}"), claims = base::base64url(good_claims);
    EXPECT_EQ(ask(header + "." + claims + ".", keys), "no key of ours has signed the token") << algorithm;
    EXPECT_EQ(ask(hs256(good_claims, std::string(R"({"alg":")") + algorithm + "\"}"), keys), "no key of ours has signed the token") << algorithm;
  }
  EXPECT_EQ(ask(hs256(good_claims, "{}"), keys), "no key of ours has signed the token");
}

// RFC 8725 2.1: the public key, which everybody has, as the secret of an HMAC.
TEST(Token, DoesNotChooseTheAlgorithmOfAKey) {
  for (const auto* signer : {&rsa(), &p256()}) {
    const auto keys = keys_of({{"", signer->public_pem()}});
    EXPECT_EQ(ask(test::hs256_token(signer->public_pem(), R"({"alg":"HS256"})", good_claims), keys), "no key of ours has signed the token");
  }
  const auto keys = keys_of({{"", rsa().public_pem()}});
  EXPECT_EQ(ask(rsa().token(R"({"alg":"ES256"})", good_claims), keys), "no key of ours has signed the token");
  EXPECT_EQ(ask(rsa().token(R"({"alg":"PS256"})", good_claims), keys), "no key of ours has signed the token");
}

TEST(Token, NamesItsKey) {
  const auto keys = keys_of({{"old", "an old secret that nobody signs with"}, {"new", secret}});
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","kid":"new"})"), keys), "alice");
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","kid":"old"})"), keys), "no key of ours has signed the token");
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","kid":"other"})"), keys), "no key of ours has signed the token");
  EXPECT_EQ(ask(hs256(good_claims), keys), "alice") << "a token without a name is tried with all";
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","kid":"any"})"), keys_of({{"", secret}})), "alice") << "a key without a name is for all";
}

TEST(Token, IsGoodInItsTimeAndForUsOnly) {
  const auto keys = keys_of({{"", secret}});
  struct Row {
    std::string claims;
    TokenRules rules;
    const char* outcome;
  };
  const std::string exp = R"("exp":1800000060)";
  for (const Row& row : {
           Row{R"({"sub":"alice","exp":1800000000})", {}, "the token has expired"},
           Row{R"({"sub":"alice","exp":1799999990})", {.leeway = std::chrono::seconds{11}}, "alice"},
           Row{R"({"sub":"alice","exp":1799999990})", {.leeway = std::chrono::seconds{10}}, "the token has expired"},
           Row{R"({"sub":"alice","exp":1800000000.5})", {}, "alice"},
           Row{R"({"sub":"alice"})", {}, "a token without a readable exp, or with an nbf that is none"},
           Row{R"({"sub":"alice","exp":"1900000000"})", {}, "a token without a readable exp, or with an nbf that is none"},
           Row{R"({"sub":"alice","exp":null})", {}, "a token without a readable exp, or with an nbf that is none"},
           Row{R"({"sub":"alice","exp":1e999})", {}, "a token without claims"},
           Row{R"({"sub":"alice","nbf":1800000001,)" + exp + "}", {}, "the token is not valid yet"},
           Row{R"({"sub":"alice","nbf":1800000001,)" + exp + "}", {.leeway = std::chrono::seconds{1}}, "alice"},
           Row{R"({"sub":"alice","nbf":true,)" + exp + "}", {}, "a token without a readable exp, or with an nbf that is none"},
           Row{R"({"sub":"alice","iss":"us",)" + exp + "}", {.issuer = "us"}, "alice"},
           Row{R"({"sub":"alice","iss":"them",)" + exp + "}", {.issuer = "us"}, "the token's iss is not jwt_issuer"},
           Row{"{\"sub\":\"alice\"," + exp + "}", {.issuer = "us"}, "the token's iss is not jwt_issuer"},
           Row{R"({"sub":"alice","aud":"sip",)" + exp + "}", {.audience = "sip"}, "alice"},
           Row{R"({"sub":"alice","aud":["mail","sip"],)" + exp + "}", {.audience = "sip"}, "alice"},
           Row{R"({"sub":"alice","aud":["mail",7],)" + exp + "}", {.audience = "sip"}, "the token's aud is not jwt_audience"},
           Row{R"({"sub":"alice","aud":"mail",)" + exp + "}", {.audience = "sip"}, "the token's aud is not jwt_audience"},
           Row{"{\"sub\":\"alice\"," + exp + "}", {.audience = "sip"}, "the token's aud is not jwt_audience"},
           Row{R"({"sub":"alice","aud":"sip",)" + exp + "}", {}, "the token's aud is not jwt_audience"},
           Row{R"({"sip_user":"bob","sub":"alice",)" + exp + "}", {.claim = "sip_user"}, "bob"},
           Row{R"({"sub":7,)" + exp + "}", {}, "the token has no jwt_aor_claim"},
           Row{R"({"sub":"",)" + exp + "}", {}, "the token has no jwt_aor_claim"},
           Row{"[1]", {}, "a token without claims"},
           Row{"{\"sub\":\"\xff\"," + exp + "}", {}, "a token without claims"},
       })
    EXPECT_EQ(ask(hs256(row.claims), keys, row.rules), row.outcome) << row.claims;
}

TEST(Token, ThatIsNotWellMadeIsRefusedWithoutALook) {
  const auto keys = keys_of({{"", secret}});
  const auto good = hs256(good_claims);
  for (const auto& bad : {std::string{}, std::string{"."}, std::string{".."}, std::string{"a.b"}, good + ".x", "." + good, good.substr(0, good.rfind('.')),
                          std::string(9000, 'a'), "!" + good, good + "=", good + "\n"})
    EXPECT_TRUE(claim_of_token(bad, keys, {}, now).is(Errc::malformed)) << bad.substr(0, 40);
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","crit":["exp"]})"), keys), "a token with a header that is not understood");
  EXPECT_EQ(ask(hs256(good_claims, R"(["HS256"])"), keys), "a token with a header that is not understood");
  EXPECT_EQ(ask(hs256(std::string(5000, '[')), keys), "a token without claims");
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":["HS256"]})"), keys), "no key of ours has signed the token");
}

TEST(Token, ThatWasChangedAnywhereIsRefused) {
  for (const auto& [token, keys] : {std::pair{hs256(good_claims), keys_of({{"", secret}})}, std::pair{p256().token(R"({"alg":"ES256"})", good_claims), keys_of({{"", p256().public_pem()}})}})
    for (std::size_t i = 0; i < token.size(); ++i) {
      auto changed = token;
      changed[i] = changed[i] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(claim_of_token(changed, keys, {}, now)) << i;
    }
}

TEST(TokenKeys, AreReadFromTheirFilesAndMadeFromWhatWasRead) {
  const test::Scratch folder;
  std::ofstream(folder / "secret") << secret << "\n";
  std::ofstream(folder / "a=b.pem") << rsa().public_pem();
  const auto packed = read_token_keys({"k1=" + (folder / "secret"), folder / "a=b.pem"});
  ASSERT_TRUE(packed) << packed.error().why;
  const auto keys = make_token_keys(packed->view());
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 2u);
  EXPECT_EQ((*keys)[0].id(), "k1");
  EXPECT_EQ((*keys)[1].id(), "") << "the `=` belongs to the path";
  EXPECT_EQ(ask(hs256(good_claims, R"({"alg":"HS256","kid":"k1"})"), *keys), "alice") << "without the line feed of the file";
  EXPECT_TRUE(make_token_keys({})->empty());
  EXPECT_FALSE(make_token_keys("\x01"));
}

TEST(TokenKeys, NameTheFileThatIsWrongAndNothingOfWhatIsInIt) {
  const test::Scratch folder;
  std::ofstream(folder / "short") << "confidential";
  std::ofstream(folder / "empty");
  for (const auto& [file, why] : {std::pair{folder / "short", "less than 32 bytes"}, std::pair{folder / "missing", "No such file"},
                                  std::pair{folder / "empty", "is empty"}, std::pair{folder.path(), "is empty, or no file"}}) {
    const auto read = read_token_keys({"kid=" + file});
    ASSERT_FALSE(read) << file;
    EXPECT_EQ(read.error().why.find("jwt_key: "), 0u);
    EXPECT_NE(read.error().why.find(file), std::string::npos);
    EXPECT_NE(read.error().why.find(why), std::string::npos) << read.error().why;
    EXPECT_EQ(read.error().why.find("confidential"), std::string::npos);
  }
}

}  // namespace
}  // namespace sipwsd::auth
