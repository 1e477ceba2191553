#include "src/auth/credentials_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/test_server.h"

namespace sipwsd::auth {
namespace {

const std::string md5(32, 'a'), sha256(64, 'b');

TEST(CredentialsFile, ReadsWhatHtdigestWrites) {
  const auto read = CredentialsFile::parse("# users\n\nalice:example.org:" + md5 + "\r\n  bob:example.org:" + std::string(32, 'F') +
                                               "\nalice:example.org:" + sha256 + "\nalice:example.org:SHA-512-256=" + std::string(64, 'C') +
                                               "\nalice:a:b:" + md5,
                                           "users");
  ASSERT_TRUE(read) << read.error().why;
  EXPECT_EQ(read->size(), 5u);
  EXPECT_EQ(read->ha1("alice", "example.org", Algorithm::md5), md5);
  EXPECT_EQ(read->ha1("alice", "example.org", Algorithm::sha256), sha256);
  EXPECT_EQ(read->ha1("bob", "example.org", Algorithm::md5), std::string(32, 'f')) << "compared in lower case";
  EXPECT_EQ(read->ha1("bob", "example.org", Algorithm::sha256), "");
  EXPECT_EQ(read->ha1("alice", "example.org", Algorithm::sha256), sha256);
  EXPECT_EQ(read->ha1("alice", "example.org", Algorithm::sha512_256), std::string(64, 'c'));
  EXPECT_EQ(read->ha1("alice", "a:b", Algorithm::md5), md5) << "a realm may hold colons";
  EXPECT_EQ(read->ha1("Alice", "example.org", Algorithm::md5), "") << "names have their case";
  EXPECT_TRUE(read->knows("bob", "example.org"));
  EXPECT_FALSE(read->knows("bob", "example.com"));
  EXPECT_TRUE(read->has(Algorithm::md5));
  EXPECT_TRUE(read->has(Algorithm::sha256));
}

TEST(CredentialsFile, NamesTheLineThatIsWrongAndWhatToWrite) {
  struct Row {
    std::string text;
    const char* why;
  };
  for (const Row& row : {
           Row{"alice\n", "users:1: not three fields; write user:realm:HA1"},
           Row{"# one\n\nalice:" + md5 + "\n", "users:3: not three fields; write user:realm:HA1"},
           Row{":example.org:" + md5, "users:1: an empty user or realm; write user:realm:HA1"},
           Row{"alice::" + md5, "users:1: an empty user or realm; write user:realm:HA1"},
           Row{"alice:example.org:secret", "users:1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1"},
           Row{"alice:example.org:" + std::string(32, 'g'), "users:1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1"},
           Row{"alice:example.org:" + std::string(34, 'a'), "users:1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1"},
           Row{"alice:example.org:SHA-512-256=" + md5, "users:1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1"},
           Row{"alice:example.org:MD5=" + md5, "users:1: HA1 is not 32 (MD5) or 64 (SHA-256) hexadecimal digits; write user:realm:HA1"},
           Row{"alice:example.org:" + md5 + "\nalice:example.org:" + md5, "users:2: this user and realm stand here twice; write user:realm:HA1"},
       }) {
    const auto read = CredentialsFile::parse(row.text, "users");
    ASSERT_FALSE(read) << row.text;
    EXPECT_EQ(read.error().why, row.why);
    EXPECT_EQ(read.error().why.find("secret"), std::string::npos) << "never what stands there";
  }
}

TEST(CredentialsFile, IsReadFromDiskAndSaysWhenItCannotBe) {
  const test::Scratch scratch;
  std::ofstream(scratch / "users") << "alice:example.org:" << md5 << "\n";
  const auto bytes = CredentialsFile::read(scratch / "users");
  ASSERT_TRUE(bytes);
  EXPECT_EQ(*bytes, "alice:example.org:" + std::string(md5) + "\n");
  const auto missing = CredentialsFile::read(scratch / "nothing");
  ASSERT_TRUE(missing.is(Errc::not_found));
  EXPECT_NE(missing.error().why.find("cannot read the credentials file " + (scratch / "nothing")), std::string::npos) << missing.error().why;
  EXPECT_FALSE(CredentialsFile::read(scratch.path())) << "a folder is no empty file";
}

}  // namespace
}  // namespace sipwsd::auth
