#include "src/process/restoration.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "src/base/log.h"
#include "src/location/mirror_database.h"
#include "src/os/fd.h"
#include "src/os/spawn.h"

namespace sipwsd::process {
namespace {

// What the child says: the class of its failure in the first byte, then words; nothing at all when it died.
constexpr char good = 0;

std::string say(const Error& error) { return std::string(1, static_cast<char>(static_cast<int>(error.code) + 1)) + error.why; }

std::string restore(const shm::SharedState& shared, const config::Settings& settings, const base::Clock& clock,
                    const std::optional<os::Identity>& identity, std::span<const Endpoint> ours) {
  if (identity)
    if (const auto changed = os::become(*identity); !changed) return say(changed.error());
  const auto path = db::path_of_url(settings.db_url);
  if (!path) return say(path.error());
  auto database = location::MirrorDatabase::open(*path);
  if (!database) return say(database.error());
  const auto now = location::moment_of(clock);
  const auto loss = settings.flow_grace.count() == 0 ? shm::FlowLoss::remove : shm::FlowLoss::suspend(now.monotonic + settings.flow_grace.count());
  shm::BindingTable bindings = shared.bindings;  // a handle
  const auto done = database->restore(bindings, shm::supervisor_slot(shared.limits), now, loss, ours);
  if (!done) return say(done.error());
  std::string words = std::to_string(done->active) + " bindings are back, " + std::to_string(done->suspended) +
                      " more wait for their clients";
  if (done->lost != 0) words += ", " + std::to_string(done->lost) + " are lost: there is no room for them, or they make no sense";
  return std::string(1, good) + words;
}

std::string read_all(int fd) {
  std::string out;
  char buffer[512];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<void> restore_bindings(const shm::SharedState& shared, const config::Settings& settings, const base::Clock& clock,
                              const std::optional<os::Identity>& identity, std::span<const Endpoint> ours) {
  if (settings.db_mode == 0) return {};
  int ends[2];
  if (pipe(ends) != 0) return os::system_error("cannot make a pipe");
  os::Fd reader(ends[0]), writer(ends[1]);
  const auto child = os::spawn({.title = "restoration", .keep_all_open = true}, [&] {
    const std::string words = restore(shared, settings, clock, identity, ours);
    return write(writer.raw(), words.data(), words.size()) == static_cast<ssize_t>(words.size()) ? 0 : 1;
  });
  if (!child) return child.error();
  writer = {};
  const std::string words = read_all(reader.raw());
  int status = 0;
  while (waitpid(*child, &status, 0) < 0 && errno == EINTR) {
  }
  if (words.empty()) return Error{Errc::system, "db_url: the process that reads " + settings.db_url + " died"};
  if (words.front() != good) return Error{static_cast<Errc>(words.front() - 1), "db_url: " + words.substr(1)};
  log::notice("{}", words.substr(1));
  return {};
}

}  // namespace sipwsd::process
