#include "src/process/ban_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>

#include "src/base/network.h"
#include "src/base/text.h"
#include "src/os/fd.h"

namespace sipwsd::process {
namespace {

constexpr std::size_t largest_file = 16U << 20;

std::optional<std::int64_t> seconds_in(std::string_view word) {
  const auto number = base::parse_decimal<std::uint32_t>(word);  // until 2106
  return number ? std::optional<std::int64_t>(*number) : std::nullopt;
}

std::optional<shm::Ban> parse_line(std::string_view line, Now now) {
  const auto words = base::split(line, ' ');
  if (words.size() != 5) return std::nullopt;
  const auto network = base::Network::parse(words[0]);
  const auto reason = shm::ban_reason(words[1]);
  const auto strikes = base::parse_decimal<std::uint32_t>(words[2]);
  const auto since = seconds_in(words[3]), until = seconds_in(words[4]);
  if (!network || !reason || !strikes || !since || !until) return std::nullopt;
  // The daemon's clock may have started after the ban did.
  return shm::Ban{.subject = base::subject_of(network->address()),
                  .reason = *reason,
                  .strikes = *strikes,
                  .since = std::min(now.monotonic, *since - now.unix_seconds + now.monotonic),
                  .until = *until - now.unix_seconds + now.monotonic};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return os::system_error("cannot write");
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fsync(fd) != 0) return os::system_error("cannot write");
  return {};
}

}  // namespace

Now now_of(const base::Clock& clock) noexcept { return {base::whole_seconds(clock.now()), clock.unix_seconds()}; }

BansRead parse_bans(std::string_view text, Now now) {
  BansRead out;
  for (const std::string_view line : base::split(text, '\n')) {
    if (line.empty()) continue;
    const auto ban = parse_line(line, now);
    if (!ban)
      ++out.skipped;
    else if (ban->until > now.monotonic)
      out.bans.push_back(*ban);
  }
  return out;
}

std::string to_text(const std::vector<shm::Ban>& bans, Now now) {
  std::string text;
  for (const shm::Ban& ban : bans) {
    const auto calendar = [&](std::int64_t monotonic) { return monotonic - now.monotonic + now.unix_seconds; };
    text += fmt::format("{} {} {} {} {}\n", base::subject_text(ban.subject), shm::name(ban.reason), ban.strikes,
                        calendar(ban.since), calendar(ban.until));
  }
  return text;
}

Result<BansRead> read_bans(const std::string& path, Now now) {
  const os::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.is_open()) {
    if (errno == ENOENT) return BansRead{};
    return os::system_error("cannot open " + path);
  }
  std::string text;
  char piece[16'384];
  for (;;) {
    const ssize_t n = ::read(file.raw(), piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os::system_error("cannot read " + path);
    if (n == 0) return parse_bans(text, now);
    text.append(piece, static_cast<std::size_t>(n));
    if (text.size() > largest_file) return Error{Errc::too_large, path + " is larger than 16 MiB"};
  }
}

Result<void> write_bans(const std::string& path, const std::vector<shm::Ban>& bans, Now now) {
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());  // of a daemon that ended in the middle
  {
    const os::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) return os::system_error("cannot create " + fresh);
    if (auto written = write_all(file.raw(), to_text(bans, now)); !written) return written;
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return os::system_error("cannot replace " + path);
  return {};
}

}  // namespace sipwsd::process
