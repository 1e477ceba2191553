#include "src/auth/subscriber_table.h"

#include <algorithm>
#include <utility>

#include "src/base/hex.h"

namespace sipwsd::auth {
namespace {

// As `kamdbctl create` makes it for SQLite.
constexpr const char* schema =
    "CREATE TABLE IF NOT EXISTS subscriber (id INTEGER PRIMARY KEY NOT NULL, username VARCHAR(64) DEFAULT '' NOT NULL, "
    "domain VARCHAR(64) DEFAULT '' NOT NULL, password VARCHAR(64) DEFAULT '' NOT NULL, ha1 VARCHAR(128) DEFAULT '' NOT NULL, "
    "ha1b VARCHAR(128) DEFAULT '' NOT NULL, CONSTRAINT subscriber_account_idx UNIQUE (username, domain))";

db::Sqlite::Mode mode_for(SubscriberTable::For what) {
  switch (what) {
    case SubscriberTable::For::reading: return db::Sqlite::Mode::read_only;
    case SubscriberTable::For::editing: return db::Sqlite::Mode::read_write;
    case SubscriberTable::For::adding: return db::Sqlite::Mode::create;
  }
  return db::Sqlite::Mode::read_only;
}

// Between double quotes alone SQLite would take a column that is not there for a text.
std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (const char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

std::string at(std::string_view user, std::string_view domain) { return std::string(user).append("@").append(domain); }

}  // namespace

SubscriberTable::SubscriberTable(db::Sqlite db, const config::Settings& settings)
    : db_(std::move(db)),
      realm_(settings.auth_db_use_domain ? std::string{} : settings.auth_realm),
      user_column_(settings.auth_db_user_column),
      domain_column_(settings.auth_db_domain_column),
      password_column_(settings.auth_db_password_column),
      second_column_(settings.auth_db_calculate_ha1 ? std::string{} : settings.auth_db_password_column_2),
      holds_passwords_(settings.auth_db_calculate_ha1) {
  for (const auto& name : settings.auth_algorithms)
    if (const auto known = algorithm(name)) algorithms_.push_back(*known);
}

Result<SubscriberTable> SubscriberTable::open(const config::Settings& settings, For what) {
  const auto path = db::path_of_url(settings.auth_db_url);
  if (!path) return Error{path.error().code, "auth_db.db_url " + path.error().why};
  auto db = db::Sqlite::open(*path, mode_for(what));
  if (!db)
    return Error{db.error().code, "auth_db.db_url: " + db.error().why + (what == For::reading ? "; `sipwsctl user add` makes one" : "")};
  if (what == For::adding)
    if (auto made = db->execute(schema); !made) return made.error();
  return SubscriberTable(*std::move(db), settings);
}

std::string SubscriberTable::realm_of(std::string_view domain) const { return realm_.empty() ? std::string(domain) : realm_; }
std::string SubscriberTable::column(const std::string& name) const { return "subscriber." + quoted(name); }

Result<Subscribers> SubscriberTable::read(CredentialsFile& users) {
  std::string sql = "SELECT " + column(user_column_) + ", " + column(domain_column_) + ", " + column(password_column_);
  if (!second_column_.empty()) sql += ", " + column(second_column_);
  auto rows = db_.prepare(sql + " FROM subscriber");
  if (!rows) return Error{rows.error().code, "auth_db.db_url: " + rows.error().why};

  Subscribers out;
  const auto take = [&](std::string_view user, std::string_view realm, Algorithm algorithm, std::string_view ha1) {
    if (users.add({user, realm, ha1, algorithm})) out.lines.append(CredentialsLine::write(user, realm, algorithm, ha1)).append("\n");
  };
  // 64 digits may be of either; what is offered tells.
  const auto long_algorithm =
      std::find(algorithms_.begin(), algorithms_.end(), Algorithm::sha256) == algorithms_.end() &&
              std::find(algorithms_.begin(), algorithms_.end(), Algorithm::sha512_256) != algorithms_.end()
          ? Algorithm::sha512_256
          : Algorithm::sha256;
  const auto take_ha1 = [&](std::string_view user, std::string_view realm, std::string_view ha1) {
    const bool is_long = ha1.size() == digits(Algorithm::sha256);
    if ((!is_long && ha1.size() != digits(Algorithm::md5)) || !base::unhex(ha1)) return false;
    take(user, realm, is_long ? long_algorithm : Algorithm::md5, ha1);
    return true;
  };
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return out;
    const auto user = rows->text(0), domain = rows->text(1), secret = rows->text(2);
    const auto realm = realm_of(domain);
    if (secret.empty()) continue;
    bool usable = is_user_name(user) && is_realm(realm);
    if (usable && holds_passwords_)
      for (const auto algorithm : algorithms_) take(user, realm, algorithm, ha1(algorithm, user, realm, secret));
    else
      usable = usable && take_ha1(user, realm, secret);
    if (usable && !second_column_.empty() && !domain.empty()) take_ha1(at(user, domain), realm, rows->text(3));
    if (!usable && out.unusable++ == 0) out.first_unusable = at(user, domain);
    if (out.lines.size() > max_credentials) return Error{Errc::too_large, db_.path() + ": the table subscriber is too large"};
  }
}

Result<std::vector<SubscriberTable::Row>> SubscriberTable::list() {
  auto rows = db_.prepare("SELECT " + column(user_column_) + ", " + column(domain_column_) + " FROM subscriber ORDER BY 1, 2");
  if (!rows) return rows.error();
  std::vector<Row> out;
  for (;;) {
    const auto more = rows->step();
    if (!more) return more.error();
    if (!*more) return out;
    out.push_back({std::string(rows->text(0)), std::string(rows->text(1))});
  }
}

Result<bool> SubscriberTable::has(std::string_view user, std::string_view domain) {
  auto row = db_.prepare("SELECT 1 FROM subscriber WHERE " + column(user_column_) + " = ?1 AND " + column(domain_column_) + " = ?2");
  if (!row) return row.error();
  row->bind(1, user);
  row->bind(2, domain);
  return row->step();
}

Result<void> SubscriberTable::set_password(std::string_view user, std::string_view domain, std::string_view password) {
  // One hash a row: the one that every client knows, if it is offered.
  const auto algorithm = *std::find_if(all_algorithms.begin(), all_algorithms.end(), [&](Algorithm a) {
    return std::find(algorithms_.begin(), algorithms_.end(), a) != algorithms_.end();
  });
  const auto realm = realm_of(domain);
  const auto there = has(user, domain);
  if (!there) return there.error();
  const std::string first = quoted(password_column_), second = second_column_.empty() ? "" : quoted(second_column_);
  std::string sql;
  if (*there)
    sql = "UPDATE subscriber SET " + first + " = ?3" + (second.empty() ? "" : ", " + second + " = ?4") + " WHERE " +
          column(user_column_) + " = ?1 AND " + column(domain_column_) + " = ?2";
  else
    sql = "INSERT INTO subscriber (" + quoted(user_column_) + ", " + quoted(domain_column_) + ", " + first +
          (second.empty() ? "" : ", " + second) + ") VALUES (?1, ?2, ?3" + (second.empty() ? "" : ", ?4") + ")";
  auto statement = db_.prepare(sql);
  if (!statement) return statement.error();
  statement->bind(1, user);
  statement->bind(2, domain);
  statement->bind(3, holds_passwords_ ? std::string(password) : ha1(algorithm, user, realm, password));
  if (!second.empty()) statement->bind(4, ha1(algorithm, at(user, domain), realm, password));
  return statement->run();
}

Result<bool> SubscriberTable::remove(std::string_view user, std::string_view domain) {
  auto statement = db_.prepare("DELETE FROM subscriber WHERE " + column(user_column_) + " = ?1 AND " + column(domain_column_) + " = ?2");
  if (!statement) return statement.error();
  statement->bind(1, user);
  statement->bind(2, domain);
  if (auto done = statement->run(); !done) return done.error();
  return db_.changes() > 0;
}

}  // namespace sipwsd::auth
