// Statistics by name or by group (reference/fifo.md 7): get, reset, and clear, which does both.
#include <array>
#include <vector>

#include "shm/counters.h"
#include "src/mi/command_table.h"

namespace sipwsd::mi {
namespace {

// `all`, `group:` or a name; what nobody knows adds nothing.
std::vector<shm::Counter> chosen(const std::vector<Argument>& arguments) {
  std::vector<shm::Counter> out;
  for (const auto& argument : arguments) {
    const std::string& word = argument.value;
    if (word == "all" || (!word.empty() && word.back() == ':')) {
      for (const auto& row : shm::counter_table)
        if (word == "all" || row.group == std::string_view(word).substr(0, word.size() - 1)) out.push_back(row.counter);
    } else if (const auto counter = shm::find_counter(word)) {
      out.push_back(*counter);
    }
  }
  return out;
}

template <typename Show>
void for_chosen(Call& call, Show show) {
  if (call.arguments().empty()) return call.reply(Reply::error(400, "Too few or too many arguments"));
  const auto counters = chosen(call.arguments());
  if (counters.empty()) return call.reply(Reply::error(404, "Statistics Not Found"));
  Reply reply;
  for (const auto counter : counters) show(reply, shm::row_of(counter));
  call.reply(std::move(reply));
}

std::string label(const shm::CounterRow& row) { return std::string(row.group) + ":" + std::string(row.name) + " = "; }

void get_statistics(Call& call) {
  const auto& shared = call.context().shared;
  for_chosen(call, [&](Reply& reply, const shm::CounterRow& row) { reply.line(label(row) + std::to_string(shared.value(row.counter))); });
}

void reset_statistics(Call& call) {
  auto& shared = call.context().shared;
  for_chosen(call, [&](Reply&, const shm::CounterRow& row) { shared.counters.reset(row.counter); });
}

void clear_statistics(Call& call) {
  auto& shared = call.context().shared;
  for_chosen(call, [&](Reply& reply, const shm::CounterRow& row) {
    const auto before = shared.value(row.counter);
    shared.counters.reset(row.counter);
    const auto after = shared.value(row.counter);
    reply.line(label(row) + std::to_string(after) + (after == before ? "" : " (" + std::to_string(before) + ")"));
  });
}

constexpr std::array table{
    Command{"get_statistics", "all | group: | name ...", "counters as `group:name = value`", Input::parsed, get_statistics, Effect::reads},
    Command{"reset_statistics", "name ...", "sets counters to 0", Input::parsed, reset_statistics},
    Command{"clear_statistics", "all | group: | name ...", "sets counters to 0 and shows what they were", Input::parsed, clear_statistics},
};

}  // namespace

std::span<const Command> statistics_commands() noexcept { return table; }

}  // namespace sipwsd::mi
