#include "src/auth/digest.h"

#include <gtest/gtest.h>

namespace sipwsd::auth {
namespace {

TEST(Digest, AgreesWithThePublishedExamples) {
  struct Row {
    const char* where;
    Algorithm algorithm;
    const char *user, *realm, *password, *method, *uri, *nonce, *qop, *nc, *cnonce, *response;
  };
  for (const Row& row : {
           Row{"RFC 2617 3.5", Algorithm::md5, "Mufasa", "testrealm@host.com", "Circle Of Life", "GET", "/dir/index.html",
               "dcd98b7102dd2f0e8b11d0f600bfb0c093", "auth", "00000001", "0a4f113b", "6629fae49393a05397450978507c4ef1"},
           Row{"RFC 7616 3.9.1, MD5", Algorithm::md5, "Mufasa", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
               "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "auth", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
               "8ca523f5e9506fed4657c9700eebdbec"},
           Row{"RFC 7616 3.9.1, SHA-256", Algorithm::sha256, "Mufasa", "http-auth@example.org", "Circle of Life", "GET", "/dir/index.html",
               "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "auth", "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
               "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
           Row{"RFC 7616 3.9.2 as its erratum 4897 has it", Algorithm::sha512_256, "J\xc3\xa4s\xc3\xb8n Doe", "api@example.org", "Secret, or not?", "GET",
               "/doe.json", "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", "auth", "00000001", "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
               "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"},
           Row{"RFC 2069 2.4 as its erratum 749 has it: no qop", Algorithm::md5, "Mufasa", "testrealm@host.com", "CircleOfLife", "GET", "/dir/index.html",
               "dcd98b7102dd2f0e8b11d0f600bfb0c093", "", "", "", "1949323746fe6a43ef61f9606e7febea"},
       }) {
    const auto h = ha1(row.algorithm, row.user, row.realm, row.password);
    EXPECT_EQ(response({.algorithm = row.algorithm, .ha1 = h, .method = row.method, .uri = row.uri, .nonce = row.nonce, .qop = row.qop,
                        .nc = row.nc, .cnonce = row.cnonce}),
              row.response)
        << row.where;
  }
}

TEST(Digest, ReadsTheNamesOfAlgorithmsAndNoSessionVariants) {
  EXPECT_EQ(algorithm(""), Algorithm::md5);  // RFC 7616 3.3
  EXPECT_EQ(algorithm("md5"), Algorithm::md5);
  EXPECT_EQ(algorithm("SHA-256"), Algorithm::sha256);
  EXPECT_EQ(algorithm("sha-512-256"), Algorithm::sha512_256);
  for (const auto* other : {"MD5-sess", "SHA-256-sess", "SHA256", "SHA-512", "none"}) EXPECT_EQ(algorithm(other), std::nullopt) << other;
}

}  // namespace
}  // namespace sipwsd::auth
