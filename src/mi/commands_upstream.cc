// The servers behind us, as the workers see them: each asks for itself.
#include <array>

#include "src/config/next_hop.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

void list(Call& call) {
  const auto& board = call.context().shared.upstreams;
  const auto& upstream = call.context().settings.upstream;
  Reply reply;
  for (std::size_t i = 0; i < upstream.size(); ++i) {
    Node node{"Upstream", config::to_text(upstream[i]), {}, {}};
    const auto add = [&](const char* name, shm::UpstreamState state) {
      node.attributes.emplace_back(name, std::to_string(board.count(i, state)));
    };
    add("alive", shm::UpstreamState::alive);
    add("away", shm::UpstreamState::away);
    add("unknown", shm::UpstreamState::unknown);
    reply.nodes.push_back(std::move(node));
  }
  call.reply(std::move(reply));
}

constexpr std::array table{
    Command{"upstream.list", "", "the upstream servers, and how many workers take each for alive, for away, or have not found it",
            Input::ignored, list, Effect::reads},
};

}  // namespace

std::span<const Command> upstream_commands() noexcept { return table; }

}  // namespace sipwsd::mi
