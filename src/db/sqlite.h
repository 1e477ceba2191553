#pragma once
// One connection to an SQLite file, its prepared statements, its transactions. Errors come back with the words of SQLite
// and the name of the file. Calls wait for the disk, so a process that serves clients makes none of them.
//
//   auto db = Sqlite::open(path, Sqlite::Mode::create);
//   auto insert = db->prepare("INSERT INTO t(a, b) VALUES(?1, ?2)");
//   insert->bind(1, "text"); insert->bind(2, std::int64_t{7});
//   if (auto done = insert->run(); !done) ...;
//
// Errc: not_found (no such file, or no way into its folder), refused (not allowed), malformed (no database, or a damaged
// one), full (no room on the disk), timed_out (locked by somebody else for longer than `busy`), exists (a constraint),
// system (anything else).

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sipwsd/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sipwsd::db {

// "sqlite:///var/lib/x.db", also with Kamailio's fourth slash: the absolute path; malformed: anything else.
Result<std::string> path_of_url(std::string_view url);

// Belongs to the Sqlite that prepared it and must end before it. Values are bound, never pasted into the text.
class Statement {
 public:
  // `index` counts from 1. Texts are copied.
  void bind(int index, std::string_view text);
  void bind(int index, std::int64_t number);
  void bind_null(int index);

  // A statement without rows, or whose rows do not matter: runs to its end and can be bound and run again.
  Result<void> run();
  // True: there is a row, and its columns can be read; false: no more, and the statement is ready to run again.
  Result<bool> step();
  void reset();  // before the last row

  // Of the present row, counting from 0; texts end with the next step, run or reset. NULL is 0 and an empty text.
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Sqlite;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class Sqlite {
 public:
  enum class Mode { read_only, read_write, create };

  static Result<Sqlite> open(const std::string& path, Mode mode,
                             std::chrono::milliseconds busy = std::chrono::milliseconds{1000});

  Result<Statement> prepare(std::string_view sql);
  // One or more statements without values: schema, PRAGMA, BEGIN.
  Result<void> execute(const std::string& sql);
  // The one number that a statement such as `PRAGMA user_version` gives; 0 when it gives none.
  Result<std::int64_t> number(std::string_view sql);

  [[nodiscard]] std::int64_t changes() const;  // rows the last INSERT, UPDATE or DELETE touched
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* db) const noexcept;
  };
  Sqlite(sqlite3* db, std::string path) : db_(db), path_(std::move(path)) {}
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

// Everything between begin() and commit() or nothing; leaving the scope without commit() takes it back.
class Transaction {
 public:
  static Result<Transaction> begin(Sqlite& db);
  Transaction(Transaction&& other) noexcept : db_(other.db_) { other.db_ = nullptr; }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  // A transaction that cannot be committed is taken back.
  Result<void> commit();

 private:
  explicit Transaction(Sqlite& db) : db_(&db) {}
  Sqlite* db_;  // null: over
};

}  // namespace sipwsd::db
