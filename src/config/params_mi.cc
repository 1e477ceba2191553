// The parameters of module `mi_fifo` (reference/fifo.md 1).

#include "src/config/param.h"

#include <array>

namespace sipwsd::config {
namespace {

using enum OutOfRange;
constexpr auto rows = std::to_array<Param>({
    {"fifo_name", &Settings::fifo, {0, 4096}, refuse_start, "PATH",
     "named pipe for commands; empty opens none", "fifo"},
    {"fifo_mode", &Settings::fifo_mode, {0, 0777}, refuse_start, "MODE", "permission bits of the pipe"},
    {"fifo_user", &Settings::fifo_user, {0, 64}, refuse_start, "USER", "owner of the pipe, name or number", {}, {},
     Reload::restart, true},
    {"fifo_group", &Settings::fifo_group, {0, 64}, refuse_start, "GROUP", "group of the pipe, name or number", {}, {},
     Reload::restart, true},
    {"reply_dir", &Settings::reply_dir, {1, 127}, refuse_start, "DIRECTORY", "where clients put their reply pipes"},
    {"reply_indent", &Settings::reply_indent, {0, 16}, refuse_start, "TEXT", "printed once a nesting level in replies",
     {}, {}, Reload::running},
});

}  // namespace

ParamGroup mi_fifo_params() noexcept { return {"mi_fifo", "Command pipe", rows}; }

}  // namespace sipwsd::config
