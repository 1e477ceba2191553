#pragma once
// From settings to exit code: sockets, pid file, background, then one Supervisor after the other (more than one only
// when shared memory had to be thrown away). Whatever goes wrong before the daemon is ready is one line on standard
// error that says what to change, and an exit code of sipwsd(8).

#include <functional>
#include <span>

#include "sipwsd/endpoint.h"
#include "src/base/log.h"
#include "src/config/settings.h"
#include "src/process/roles.h"

namespace sipwsd::process {

// Where this process and its children log to: a file when one is named, standard error in the foreground or when asked,
// else syslog.
[[nodiscard]] log::Target log_target(const config::Settings& settings);

// Printed before "sipwsd: ready": the demo says where its page is. Gets the bound endpoints.
using Announcement = std::function<void(std::span<const Endpoint>)>;

// Lines on standard error, in the foreground and when all processes are ready:
//   sipwsd: listening on ws:127.0.0.1:8080     one per socket, with the real port
//   sipwsd: ready
// Opens the log (log_target) itself.
int run_daemon(const config::Settings& settings, std::span<const Role> roles, const Announcement& announcement = {});

}  // namespace sipwsd::process
