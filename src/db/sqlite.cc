#include "src/db/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

namespace sipwsd::db {
namespace {

Errc errc_of(int code) noexcept {
  switch (code & 0xff) {  // without the extended part
    case SQLITE_CANTOPEN: return Errc::not_found;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return Errc::refused;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::malformed;
    case SQLITE_FULL: return Errc::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::timed_out;
    case SQLITE_CONSTRAINT: return Errc::exists;
    case SQLITE_TOOBIG: return Errc::too_large;
    default: return Errc::system;
  }
}

Error error_of(sqlite3* db, int code) {
  const char* path = db == nullptr ? nullptr : sqlite3_db_filename(db, "main");
  const char* words = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  return {errc_of(code), (path == nullptr || *path == '\0' ? std::string{} : std::string(path) + ": ") + words};
}

int flags_of(Sqlite::Mode mode) noexcept {
  constexpr int always = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;  // one thread a process
  switch (mode) {
    case Sqlite::Mode::read_only: return SQLITE_OPEN_READONLY | always;
    case Sqlite::Mode::read_write: return SQLITE_OPEN_READWRITE | always;
    case Sqlite::Mode::create: return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | always;
  }
  return SQLITE_OPEN_READONLY | always;
}

// SQLite would let everybody read what it makes; its other files (-wal, -shm) get the rights of this one. What is wrong
// with the path is said by sqlite3_open.
void make_private(const std::string& path) noexcept {
  constexpr mode_t rights = 0640;
  if (const int made = ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, rights); made >= 0) ::close(made);
}

}  // namespace

Result<std::string> path_of_url(std::string_view url) {
  constexpr std::string_view scheme = "sqlite://";
  if (!url.starts_with(scheme)) return Error{Errc::malformed, "must be sqlite:///path"};
  std::string_view path = url.substr(scheme.size());
  while (path.starts_with("//")) path.remove_prefix(1);
  if (path.size() < 2 || path.front() != '/' || path.back() == '/')
    return Error{Errc::malformed, "must be sqlite:///path, with an absolute path of a file"};
  return std::string(path);
}

// --- statements ------------------------------------------------------------------------------------------------------

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

// A value that cannot be bound (a wrong index, no memory) leaves NULL there, which the columns that matter do not take.
void Statement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(statement_.get(), index, text.empty() ? "" : text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}
void Statement::bind(int index, std::int64_t number) { sqlite3_bind_int64(statement_.get(), index, number); }
void Statement::bind_null(int index) { sqlite3_bind_null(statement_.get(), index); }

Result<void> Statement::run() {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(statement_.get());
  Result<void> result;
  if (code != SQLITE_DONE) result = error_of(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return result;
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  Result<bool> result = false;
  if (code != SQLITE_DONE) result = error_of(sqlite3_db_handle(statement_.get()), code);
  sqlite3_reset(statement_.get());
  return result;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::text(int column) const {
  // In this order: asking for the text may convert it, which changes the length.
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string_view{} : std::string_view{bytes, size};
}

bool Statement::is_null(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

// --- the file --------------------------------------------------------------------------------------------------------

void Sqlite::Close::operator()(sqlite3* db) const noexcept { sqlite3_close_v2(db); }

Result<Sqlite> Sqlite::open(const std::string& path, Mode mode, std::chrono::milliseconds busy) {
  if (mode == Mode::create) make_private(path);
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags_of(mode), nullptr);
  Sqlite db(raw, path);
  if (code != SQLITE_OK) return Error{errc_of(code), path + ": " + (raw == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(raw))};
  sqlite3_busy_timeout(raw, static_cast<int>(busy.count()));
  // The file is opened with the first look into it: what is wrong with it is said here and not in the middle of the work.
  if (auto schema = db.number("PRAGMA schema_version"); !schema) return schema.error();
  return db;
}

Result<Statement> Sqlite::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return error_of(db_.get(), code);
  return Statement(statement);
}

Result<void> Sqlite::execute(const std::string& sql) {
  const int code = sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error_of(db_.get(), code);
  return {};
}

Result<std::int64_t> Sqlite::number(std::string_view sql) {
  auto statement = prepare(sql);
  if (!statement) return statement.error();
  const auto row = statement->step();
  if (!row) return row.error();
  return *row ? statement->number(0) : std::int64_t{0};
}

std::int64_t Sqlite::changes() const { return sqlite3_changes64(db_.get()); }

// --- transactions ----------------------------------------------------------------------------------------------------

// IMMEDIATE: whoever writes at the same time is met here, where nothing is lost, and not at the first INSERT.
Result<Transaction> Transaction::begin(Sqlite& db) {
  if (auto begun = db.execute("BEGIN IMMEDIATE"); !begun) return begun.error();
  return Transaction(db);
}

Transaction::~Transaction() {
  // When this fails too, SQLite has taken it back by itself (a full disk), or does so when the file is closed.
  if (db_ != nullptr) static_cast<void>(db_->execute("ROLLBACK"));
}

Result<void> Transaction::commit() {
  if (auto committed = db_->execute("COMMIT"); !committed) return committed;
  db_ = nullptr;
  return {};
}

}  // namespace sipwsd::db
