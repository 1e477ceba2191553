#include "src/db/sqlite.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace sipwsd::db {
namespace {

class SqliteTest : public ::testing::Test {
 protected:
  SqliteTest() {
    char pattern[] = "/tmp/sipwsd-sqlite-XXXXXX";
    folder = mkdtemp(pattern);
    path = folder + "/test.db";
  }
  ~SqliteTest() override { std::filesystem::remove_all(folder); }

  Sqlite open(Sqlite::Mode mode = Sqlite::Mode::create) {
    auto db = Sqlite::open(path, mode, std::chrono::milliseconds{10});
    EXPECT_TRUE(db) << db.error().why;
    return *std::move(db);
  }
  Sqlite with_table() {
    auto db = open();
    EXPECT_TRUE(db.execute("CREATE TABLE t(a TEXT NOT NULL UNIQUE, b INTEGER)"));
    return db;
  }

  std::string folder, path;
};

TEST_F(SqliteTest, MakesFilesThatOthersCannotRead) {
  const auto before = umask(0);
  auto db = with_table();
  ASSERT_TRUE(db.number("PRAGMA journal_mode = WAL"));
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES('a', 1)"));
  umask(before);

  for (const auto& entry : std::filesystem::directory_iterator(folder))
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms{0640}) << entry.path();
}

TEST_F(SqliteTest, GivesBackTextsAndNumbersAsTheyWereBound) {
  auto db = with_table();
  auto insert = db.prepare("INSERT INTO t(a, b) VALUES(?1, ?2)");
  ASSERT_TRUE(insert);
  const std::string odd("it's;\0--", 8);

  insert->bind(1, odd);
  insert->bind(2, std::int64_t{-1} << 40);
  ASSERT_TRUE(insert->run());
  insert->bind(1, std::string_view{});
  insert->bind_null(2);
  ASSERT_TRUE(insert->run()) << "an empty text is not NULL";

  auto select = db.prepare("SELECT a, b FROM t ORDER BY rowid");
  ASSERT_TRUE(*select->step());
  EXPECT_EQ(select->text(0), odd);
  EXPECT_EQ(select->number(1), std::int64_t{-1} << 40);
  ASSERT_TRUE(*select->step());
  EXPECT_FALSE(select->is_null(0));
  EXPECT_TRUE(select->is_null(1));
  EXPECT_EQ(select->number(1), 0);
  EXPECT_EQ(select->text(1), "");
  EXPECT_FALSE(*select->step());
  EXPECT_TRUE(*select->step()) << "after its end a statement begins again";
}

TEST_F(SqliteTest, SaysWhichConstraintIsBrokenAndGoesOn) {
  auto db = with_table();
  auto insert = db.prepare("INSERT INTO t(a) VALUES(?1)");
  insert->bind(1, "x");
  ASSERT_TRUE(insert->run());

  const auto again = insert->run();

  EXPECT_TRUE(again.is(Errc::exists));
  EXPECT_NE(again.error().why.find("test.db: UNIQUE constraint failed: t.a"), std::string::npos) << again.error().why;
  insert->bind(1, "y");
  EXPECT_TRUE(insert->run());
  EXPECT_EQ(db.changes(), 1);
}

TEST_F(SqliteTest, ATransactionThatIsNotCommittedIsTakenBack) {
  auto db = with_table();
  {
    auto transaction = Transaction::begin(db);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(db.execute("INSERT INTO t(a) VALUES('lost')"));
  }
  {
    auto transaction = Transaction::begin(db);
    ASSERT_TRUE(db.execute("INSERT INTO t(a) VALUES('kept')"));
    ASSERT_TRUE(transaction->commit());
  }
  EXPECT_EQ(*db.number("SELECT COUNT(*) FROM t"), 1);
  EXPECT_EQ(*open(Sqlite::Mode::read_only).number("SELECT COUNT(*) FROM t WHERE a = 'kept'"), 1);
}

TEST_F(SqliteTest, DoesNotWaitForSomebodyElsesTransactionForEver) {
  auto db = with_table();
  auto other = open();
  auto transaction = Transaction::begin(db);
  EXPECT_TRUE(Transaction::begin(other).is(Errc::timed_out));
}

TEST_F(SqliteTest, SaysWhenThereIsNoFileOrNoDatabaseInIt) {
  EXPECT_TRUE(Sqlite::open(path, Sqlite::Mode::read_only).is(Errc::not_found));
  EXPECT_TRUE(Sqlite::open(folder + "/no/such/folder.db", Sqlite::Mode::create).is(Errc::not_found));
  std::ofstream(path) << "This is a letter to my aunt, and it is long enough to be taken for the head of a database, "
                         "which has one hundred bytes; so here are some more.";

  const auto foreign = Sqlite::open(path, Sqlite::Mode::create);

  EXPECT_TRUE(foreign.is(Errc::malformed));
  EXPECT_EQ(foreign.error().why, path + ": file is not a database");
}

TEST_F(SqliteTest, AReadOnlyConnectionWritesNothing) {
  { auto db = with_table(); }
  auto db = open(Sqlite::Mode::read_only);
  EXPECT_TRUE(db.execute("INSERT INTO t(a) VALUES('x')").is(Errc::refused));
}

TEST_F(SqliteTest, RefusesAStatementThatIsNoSql) {
  auto db = with_table();
  EXPECT_FALSE(db.prepare("SELEKT 1"));
  EXPECT_FALSE(db.execute("INSERT INTO nowhere VALUES(1)"));
}

TEST(SqliteUrl, IsAnAbsolutePathWithThreeSlashesOrFour) {
  EXPECT_EQ(*path_of_url("sqlite:///var/lib/sipwsd/location.db"), "/var/lib/sipwsd/location.db");
  EXPECT_EQ(*path_of_url("sqlite:////var/lib/sipwsd/location.db"), "/var/lib/sipwsd/location.db");
  for (const auto* bad : {"", "mysql://u:p@host/db", "sqlite://relative.db", "sqlite:///", "sqlite:///var/", "/var/x.db"})
    EXPECT_TRUE(path_of_url(bad).is(Errc::malformed)) << bad;
}

}  // namespace
}  // namespace sipwsd::db
