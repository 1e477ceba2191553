#pragma once
// Kamailio's table `subscriber` (auth_db; reference/modules.md 13) in an SQLite file. Its rows become lines of the
// credentials: a row's realm is auth_realm or, without one or with use_domain, its domain. The second HA1 is of the name
// `user@domain`, which some clients log in with.
// Waits for the disk: for the supervisor and sipwsctl, never for a worker.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sipwsd/result.h"
#include "src/auth/credentials_file.h"
#include "src/config/settings.h"
#include "src/db/sqlite.h"

namespace sipwsd::auth {

struct Subscribers {
  std::string lines;               // of the credentials, each with its line feed
  std::size_t unusable = 0;        // rows with a name or an HA1 that can be none; a row without HA1 is an account that is locked
  std::string first_unusable;      // user@domain
};

class SubscriberTable {
 public:
  enum class For : std::uint8_t { reading, editing, adding };  // adding makes the file and the table when there are none
  // `settings`: auth_db_* and auth_realm, of which the table keeps what it needs. Errors name the file.
  static Result<SubscriberTable> open(const config::Settings& settings, For what);

  // Who is in `users` already stays as he is there; the others are added to it.
  Result<Subscribers> read(CredentialsFile& users);

  struct Row {
    std::string user, domain;
  };
  Result<std::vector<Row>> list();
  Result<bool> has(std::string_view user, std::string_view domain);
  // Of a row that is there, or of a new one.
  Result<void> set_password(std::string_view user, std::string_view domain, std::string_view password);
  // False: there was none.
  Result<bool> remove(std::string_view user, std::string_view domain);

 private:
  SubscriberTable(db::Sqlite db, const config::Settings& settings);
  std::string realm_of(std::string_view domain) const;
  std::string column(const std::string& name) const;

  db::Sqlite db_;
  std::string realm_;  // empty: each row's domain
  std::string user_column_, domain_column_, password_column_, second_column_;
  bool holds_passwords_;
  std::vector<Algorithm> algorithms_;
};

}  // namespace sipwsd::auth
