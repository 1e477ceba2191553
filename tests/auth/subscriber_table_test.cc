#include "src/auth/subscriber_table.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/test_server.h"

namespace sipwsd::auth {
namespace {

using For = SubscriberTable::For;

class SubscriberTableTest : public ::testing::Test {
 protected:
  SubscriberTableTest() {
    settings.auth_db_url = "sqlite://" + path;
    // As Kamailio 5.6 makes it.
    execute("CREATE TABLE subscriber (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL, domain VARCHAR(64) DEFAULT '' NOT NULL, "
            "password VARCHAR(64) DEFAULT '' NOT NULL, ha1 VARCHAR(128) DEFAULT '' NOT NULL, ha1b VARCHAR(128) DEFAULT '' NOT NULL, "
            "CONSTRAINT subscriber_account_idx UNIQUE (username, domain))");
  }
  void execute(const std::string& sql) {
    auto db = db::Sqlite::open(path, db::Sqlite::Mode::create);
    ASSERT_TRUE(db) << db.error().why;
    const auto done = db->execute(sql);
    ASSERT_TRUE(done) << done.error().why;
  }
  void add(const std::string& user, const std::string& domain, const std::string& password, const std::string& h, const std::string& hb = "") {
    execute("INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ('" + user + "', '" + domain + "', '" + password + "', '" + h + "', '" + hb + "')");
  }
  Subscribers read(CredentialsFile users = {}) {
    auto table = SubscriberTable::open(settings, For::reading);
    if (!table) throw std::runtime_error(table.error().why);
    auto rows = table->read(users);
    if (!rows) throw std::runtime_error(rows.error().why);
    return *std::move(rows);
  }

  const test::Scratch folder;
  const std::string path = folder / "kamailio.db";
  config::Settings settings;
  const std::string h = ha1(Algorithm::md5, "alice", "example.org", "secret");
  const std::string hb = ha1(Algorithm::md5, "alice@example.org", "example.org", "secret");
  const std::string sha = ha1(Algorithm::sha256, "bob", "example.com", "secret");
};

TEST_F(SubscriberTableTest, BecomesLinesOfCredentialsWithTheDomainAsRealm) {
  add("alice", "example.org", "", h, hb);
  add("bob", "example.com", "", sha);
  const auto rows = read();
  EXPECT_EQ(rows.lines, "alice:example.org:" + h + "\nalice@example.org:example.org:" + hb + "\nbob:example.com:" + sha + "\n");
  EXPECT_EQ(rows.unusable, 0u);
  EXPECT_TRUE(CredentialsFile::parse(rows.lines, "table"));
}

TEST_F(SubscriberTableTest, IsOfOneRealmWhereThereIsOneUnlessEachRowIsForItsDomain) {
  add("alice", "example.org", "", h);
  settings.auth_realm = "everywhere";
  EXPECT_EQ(read().lines, "alice:everywhere:" + h + "\n");
  settings.auth_db_use_domain = true;
  EXPECT_EQ(read().lines, "alice:example.org:" + h + "\n");
}

TEST_F(SubscriberTableTest, MakesHa1OfPasswordsWhenToldThatTheyArePasswords) {
  add("alice", "example.org", "secret", "");
  settings.auth_db_calculate_ha1 = true;
  settings.auth_db_password_column = "password";
  settings.auth_algorithms = {"MD5", "SHA-512-256"};
  EXPECT_EQ(read().lines, "alice:example.org:" + h + "\nalice:example.org:SHA-512-256=" + ha1(Algorithm::sha512_256, "alice", "example.org", "secret") + "\n");
}

TEST_F(SubscriberTableTest, TakesALongHa1ForTheOneAlgorithmOfItsLengthThatIsOffered) {
  add("bob", "example.com", "", sha);
  settings.auth_algorithms = {"MD5", "SHA-512-256"};
  EXPECT_EQ(read().lines, "bob:example.com:SHA-512-256=" + sha + "\n");
}

TEST_F(SubscriberTableTest, LeavesOutWhatIsNoUserAndSaysHowManyAndWhich) {
  add("locked", "example.org", "", "");
  add("bad", "example.org", "", "secret");
  add("a:b", "example.org", "", h);
  add("", "example.org", "", h);
  add("new\nline", "example.org", "", h);
  add("nowhere", "", "", h);
  add("alice", "example.org", "", h);
  const auto rows = read();
  EXPECT_EQ(rows.lines, "alice:example.org:" + h + "\n");
  EXPECT_EQ(rows.unusable, 5u) << "an account without a password is locked, not broken";
  EXPECT_EQ(rows.first_unusable, "bad@example.org");
}

TEST_F(SubscriberTableTest, LeavesWhoIsInTheFileAsHeIsThere) {
  add("alice", "example.org", "", h);
  add("bob", "example.com", "", sha);
  const auto rows = read(*CredentialsFile::parse("alice:example.org:" + std::string(32, 'f'), "users"));
  EXPECT_EQ(rows.lines, "bob:example.com:" + sha + "\n");
}

TEST_F(SubscriberTableTest, HasOneUserForTwoDomainsOfOneRealm) {
  add("alice", "example.org", "", h);
  add("alice", "example.com", "", std::string(32, 'e'));
  settings.auth_realm = "everywhere";
  EXPECT_EQ(read().lines, "alice:everywhere:" + h + "\n") << "the first";
}

TEST_F(SubscriberTableTest, MayHaveColumnsOfOtherNames) {
  execute("DROP TABLE subscriber");
  execute("CREATE TABLE subscriber (\"the name\" TEXT, realm TEXT, hash TEXT)");
  execute("INSERT INTO subscriber VALUES ('alice', 'example.org', '" + h + "')");
  settings.auth_db_user_column = "the name";
  settings.auth_db_domain_column = "realm";
  settings.auth_db_password_column = "hash";
  settings.auth_db_password_column_2 = "";
  EXPECT_EQ(read().lines, "alice:example.org:" + h + "\n");
}

TEST_F(SubscriberTableTest, SaysWhatIsMissingAndWhere) {
  const auto why = [&] {
    auto table = SubscriberTable::open(settings, For::reading);
    if (!table) return table.error().why;
    CredentialsFile users;
    const auto rows = table->read(users);
    return rows ? std::string("nothing is wrong") : rows.error().why;
  };
  settings.auth_db_password_column = "ha2";
  EXPECT_NE(why().find("no such column: subscriber.ha2"), std::string::npos) << why();
  EXPECT_NE(why().find(path), std::string::npos) << why();
  settings.auth_db_password_column = "x\" FROM sqlite_master; --";
  EXPECT_NE(why().find("no such column"), std::string::npos) << why();
  settings.auth_db_password_column = "ha1";
  execute("DROP TABLE subscriber");
  EXPECT_NE(why().find("no such table: subscriber"), std::string::npos) << why();
  settings.auth_db_url = "sqlite://" + (folder / "missing.db");
  EXPECT_NE(why().find("missing.db"), std::string::npos) << why();
  std::ofstream(folder / "text.db") << std::string(5000, 'x');
  settings.auth_db_url = "sqlite://" + (folder / "text.db");
  EXPECT_NE(why().find("text.db"), std::string::npos) << why();
  settings.auth_db_url = "mysql://localhost/kamailio";
  EXPECT_NE(why().find("auth_db.db_url"), std::string::npos) << why();
}

TEST_F(SubscriberTableTest, IsChangedAsTheDaemonReadsIt) {
  auto table = SubscriberTable::open(settings, For::editing);
  ASSERT_TRUE(table);
  ASSERT_TRUE(table->set_password("alice", "example.org", "secret"));
  EXPECT_TRUE(*table->has("alice", "example.org"));
  EXPECT_EQ(read().lines, "alice:example.org:" + h + "\nalice@example.org:example.org:" + hb + "\n");
  ASSERT_TRUE(table->set_password("alice", "example.org", "another"));
  EXPECT_EQ(read().lines.find(h), std::string::npos);
  ASSERT_TRUE(table->set_password("bob", "example.org", "'; DROP TABLE subscriber; --"));
  const auto rows = table->list();
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ((*rows)[1].user, "bob");
  EXPECT_TRUE(*table->remove("alice", "example.org"));
  EXPECT_FALSE(*table->remove("alice", "example.org"));
  EXPECT_FALSE(*table->has("alice", "example.org"));
}

TEST_F(SubscriberTableTest, IsMadeForTheFirstUser) {
  settings.auth_db_url = "sqlite://" + (folder / "new.db");
  EXPECT_FALSE(SubscriberTable::open(settings, For::editing));
  auto table = SubscriberTable::open(settings, For::adding);
  ASSERT_TRUE(table) << table.error().why;
  ASSERT_TRUE(table->set_password("alice", "example.org", "secret"));
  EXPECT_NE(read().lines.find(h), std::string::npos);
}

}  // namespace
}  // namespace sipwsd::auth
