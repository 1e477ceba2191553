#include "src/main/sipwsctl_users.h"

#include <CLI/CLI.hpp>

#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "src/auth/credentials_file.h"
#include "src/auth/subscriber_table.h"
#include "src/auth/user_file.h"
#include "src/config/load.h"
#include "src/http/authority.h"
#include "src/main/sipwsctl_ask.h"

namespace sipwsd::ctl {
namespace {

constexpr int refused = 1, impossible = 2;
constexpr std::size_t longest_password = 1024;

struct User {
  std::string name, realm;
  [[nodiscard]] std::string text() const { return name + "@" + realm; }
};

struct Wish {
  std::string user;                 // NAME or NAME@REALM
  std::string config_file;          // empty: the daemon's own, when it is there
  std::string file, database;       // at most one; neither: what the configuration says
  std::string fifo;                 // empty: the daemon is not told
  std::string reply_dir;            // empty: what the configuration says
};

int refuse(const std::string& why) {
  fail(why);
  return refused;
}

// --- what the configuration says -------------------------------------------------------------------------------------

// Without a configuration that can be read, its defaults will do for who has said where the users are.
Result<config::Settings> settings_for(const Wish& wish) {
  std::vector<const char*> arguments{"sipwsctl"};
  if (!wish.config_file.empty()) arguments.insert(arguments.end(), {"-f", wish.config_file.c_str()});
  auto loaded = config::load(static_cast<int>(arguments.size()), arguments.data());
  config::Settings settings;
  if (auto* good = std::get_if<config::Loaded>(&loaded)) {
    settings = std::move(good->settings);
  } else if (!wish.config_file.empty() || (wish.file.empty() && wish.database.empty())) {
    auto why = std::get<config::Stop>(loaded).standard_error;
    if (why.ends_with('\n')) why.pop_back();
    return Error{Errc::malformed, "the configuration is no good:\n" + why};
  }
  if (!wish.file.empty() || !wish.database.empty()) {
    settings.auth_file = wish.file;
    settings.auth_db_url = wish.database;
  }
  if (settings.auth_file.empty() && settings.auth_db_url.empty())
    return Error{Errc::not_found, "where are the users? Say --file FILE or --db sqlite:///PATH, or auth_file in the configuration"};
  return settings;
}

Result<User> read_user(const std::string& text, const config::Settings& settings) {
  User user{text, settings.auth_realm};
  if (const auto at = text.rfind('@'); at != std::string::npos) {
    user = {text.substr(0, at), text.substr(at + 1)};
  } else if (user.realm.empty() && settings.alias.size() == 1) {
    const auto domain = http::parse_authority(settings.alias.front());
    user.realm = domain ? std::string(domain->host) : settings.alias.front();
  }
  if (user.realm.empty()) return Error{Errc::malformed, "which realm? Write " + text + "@REALM: the domain he registers at, or auth_realm"};
  if (!auth::is_user_name(user.name) || !auth::is_realm(user.realm))
    return Error{Errc::malformed, "a user can't be called so: no colon, no control character, nothing empty"};
  return user;
}

// --- passwords -------------------------------------------------------------------------------------------------------

// Nothing of what is typed is shown. Ctrl-C is a character here, and one no password may hold: it ends the program too, but
// with the terminal as it was.
class Quiet {
 public:
  Quiet() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    is_quiet_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
  }
  ~Quiet() {
    if (is_quiet_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  termios before_{};
  bool is_quiet_ = false;
};

std::string read_line(const char* prompt) {
  std::string line;
  if (isatty(STDIN_FILENO) == 0) {
    std::getline(std::cin, line);
    return line;
  }
  std::fputs(prompt, stderr);
  const Quiet quiet;
  std::getline(std::cin, line);
  std::fputc('\n', stderr);
  return line;
}

Result<std::string> read_password(const User& user) {
  auto password = read_line(("Password for " + user.text() + ": ").c_str());
  if (password.empty()) return Error{Errc::malformed, "an empty password is none"};
  if (password.size() > longest_password) return Error{Errc::too_large, "a password of more than 1024 bytes"};
  if (std::any_of(password.begin(), password.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    return Error{Errc::malformed, "a password holds no control characters"};
  if (isatty(STDIN_FILENO) != 0 && read_line("Again: ") != password) return Error{Errc::malformed, "these were two passwords"};
  return password;
}

// --- where users are -------------------------------------------------------------------------------------------------

// Both kinds of places, for the four commands. A Result says what could not be done; a bool, whether there is such a user.
class Place {
 public:
  virtual ~Place() = default;
  virtual Result<bool> has(const User& user) = 0;
  virtual Result<void> set(const User& user, const std::string& password) = 0;
  virtual Result<void> remove(const User& user) = 0;
  virtual Result<void> list() = 0;
};

class File final : public Place {
 public:
  File(auth::UserFile file, const config::Settings& settings) : file_(std::move(file)), settings_(settings) {}

  Result<bool> has(const User& user) override { return auth::has_user(file_.text(), user.name, user.realm); }
  Result<void> set(const User& user, const std::string& password) override {
    std::vector<std::string> lines;
    for (const auto& name : settings_.auth_algorithms) {
      const auto algorithm = *auth::algorithm(name);
      lines.push_back(auth::CredentialsLine::write(user.name, user.realm, algorithm, auth::ha1(algorithm, user.name, user.realm, password)));
    }
    return replace(user, lines);
  }
  Result<void> remove(const User& user) override { return replace(user, {}); }
  Result<void> list() override {
    std::map<std::pair<std::string, std::string>, std::string> users;
    std::string_view text = file_.text();
    while (!text.empty()) {
      const auto end = text.find('\n');
      const auto line = auth::CredentialsLine::parse(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (!line || !*line) continue;
      auto& algorithms = users[{std::string((*line)->user), std::string((*line)->realm)}];
      algorithms.append(algorithms.empty() ? "" : " ").append(auth::name((*line)->algorithm));
    }
    for (const auto& [user, algorithms] : users) std::printf("%s@%s\t%s\n", user.first.c_str(), user.second.c_str(), algorithms.c_str());
    return {};
  }

 private:
  // What the daemon would refuse is not written.
  Result<void> replace(const User& user, const std::vector<std::string>& lines) {
    const auto text = auth::with_user(file_.text(), user.name, user.realm, lines);
    if (const auto parsed = auth::CredentialsFile::parse(text, settings_.auth_file); !parsed) return parsed.error();
    return file_.replace(text);
  }

  auth::UserFile file_;
  const config::Settings& settings_;
};

class Table final : public Place {
 public:
  explicit Table(auth::SubscriberTable table) : table_(std::move(table)) {}
  Result<bool> has(const User& user) override { return table_.has(user.name, user.realm); }
  Result<void> set(const User& user, const std::string& password) override { return table_.set_password(user.name, user.realm, password); }
  Result<void> remove(const User& user) override {
    const auto removed = table_.remove(user.name, user.realm);
    return removed ? Result<void>{} : removed.error();
  }
  Result<void> list() override {
    const auto rows = table_.list();
    if (!rows) return rows.error();
    for (const auto& row : *rows) std::printf("%s@%s\n", row.user.c_str(), row.domain.c_str());
    return {};
  }

 private:
  auth::SubscriberTable table_;
};

Result<std::unique_ptr<Place>> open_place(const config::Settings& settings, auth::SubscriberTable::For what) {
  using enum auth::SubscriberTable::For;
  if (!settings.auth_file.empty()) {
    auto file = auth::UserFile::lock(settings.auth_file, what == adding ? auth::UserFile::Absent::is_made : auth::UserFile::Absent::is_an_error);
    if (!file) return file.error();
    return std::unique_ptr<Place>(std::make_unique<File>(*std::move(file), settings));
  }
  auto table = auth::SubscriberTable::open(settings, what);
  if (!table) return table.error();
  return std::unique_ptr<Place>(std::make_unique<Table>(*std::move(table)));
}

// --- the commands ----------------------------------------------------------------------------------------------------

using enum auth::SubscriberTable::For;

int done(const Wish& wish, const config::Settings& settings) {
  if (!wish.fifo.empty()) return ask({wish.fifo, wish.reply_dir.empty() ? settings.reply_dir : wish.reply_dir}, {"core.reload"});
  std::fputs("The daemon reads it with `sipwsctl core.reload`, or when it starts.\n", stderr);
  return 0;
}

int list(const Wish& wish) {
  const auto settings = settings_for(wish);
  if (!settings) return fail(settings.error().why);
  auto place = open_place(*settings, reading);
  if (!place) return fail(place.error().why);
  const auto listed = (*place)->list();
  return listed ? 0 : fail(listed.error().why);
}

enum class Change : std::uint8_t { add, passwd, del };

// The password is asked for before the file is locked: nobody waits for somebody who types.
int change(const Wish& wish, Change change) {
  const auto settings = settings_for(wish);
  if (!settings) return fail(settings.error().why);
  const auto user = read_user(wish.user, *settings);
  if (!user) return fail(user.error().why);
  std::string password;
  if (change != Change::del) {
    auto typed = read_password(*user);
    if (!typed) return fail(typed.error().why);
    password = *std::move(typed);
  }
  auto place = open_place(*settings, change == Change::add ? adding : editing);
  if (!place) return fail(place.error().why);
  const auto there = (*place)->has(*user);
  if (!there) return fail(there.error().why);
  if (*there && change == Change::add) return refuse("there is a user " + user->text() + " already; `user passwd` changes his password");
  if (!*there && change != Change::add) return refuse("there is no user " + user->text());
  const auto made = change == Change::del ? (*place)->remove(*user) : (*place)->set(*user, password);
  if (!made) return fail(made.error().why);
  place->reset();  // and with it the lock: the daemon is to read it now
  return done(wish, *settings);
}

}  // namespace

int change_users(int argc, char** argv) {
  CLI::App app{"Users of sipwsd and their passwords, in auth_file or in the table subscriber.", "sipwsctl user"};
  Wish wish;
  const auto add = [&](const char* name, const char* what) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("--file", wish.file, "credentials file; otherwise auth_file of the configuration");
    command->add_option("--db", wish.database, "sqlite:///PATH of a database with the table subscriber; otherwise auth_db.db_url")->excludes("--file");
    command->add_option("-f,--config", wish.config_file, "configuration of the daemon; otherwise " + std::string(config::default_config_file));
    return command;
  };
  const auto add_change = [&](const char* name, const char* what) {
    auto* command = add(name, what);
    command->add_option("user", wish.user, "NAME or NAME@REALM; without a realm auth_realm or the only alias")->required();
    command->add_option("--fifo", wish.fifo, "the daemon's FIFO: it is told to read the users again (core.reload)");
    command->add_option("--reply-dir", wish.reply_dir, "where the reply pipe is made; otherwise the daemon's reply_dir");
    return command;
  };
  auto* const add_user = add_change("add", "a new user; the password is asked for, or is a line of standard input");
  auto* const passwd = add_change("passwd", "another password");
  add_change("del", "removes a user");
  auto* const list_users = add("list", "who there is, and which algorithms he has a line for");
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : impossible;
  }
  if (*list_users) return list(wish);
  return change(wish, *add_user ? Change::add : *passwd ? Change::passwd : Change::del);
}

}  // namespace sipwsd::ctl
