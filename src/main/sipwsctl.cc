// sipwsctl: asks the daemon one management command over its FIFO, or changes the users it knows.
//
//   sipwsctl ws.dump used_asc
//   sipwsctl user add alice@example.org
//
// Exit code of a command: 0 for a 2xx reply, 1 for another one, 2 when no reply could be had.
#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "src/main/sipwsctl_ask.h"
#include "src/main/sipwsctl_users.h"

int main(int argc, char** argv) {
  using namespace sipwsd;
  if (argc > 1 && std::string_view(argv[1]) == "user") return ctl::change_users(argc - 1, argv + 1);
  CLI::App app{"Asks a running sipwsd one management command and prints its reply."};
  auto pipes = ctl::default_pipes();
  std::vector<std::string> words;
  app.add_option("--fifo", pipes.fifo, "the daemon's FIFO (or environment SIPWSD_FIFO)")->capture_default_str();
  app.add_option("--reply-dir", pipes.reply_dir, "where the reply pipe is made: the daemon's reply_dir")->capture_default_str();
  app.add_option("--timeout", pipes.seconds, "seconds to wait for the reply")->capture_default_str()->check(CLI::Range(1, 600));
  app.set_version_flag("--version", "sipwsctl " SIPWSD_VERSION);
  app.add_option("command", words, "a command and its arguments: `which` lists the commands")->required();
  app.positionals_at_end();
  app.footer("Users: sipwsctl user add|passwd|del|list; sipwsctl user --help says more.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : ctl::no_reply;
  }
  return ctl::ask(pipes, words);
}
