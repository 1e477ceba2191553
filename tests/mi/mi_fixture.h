#pragma once
// Commands as the mi process runs them, with two workers that answer letters as a test says.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "src/base/overload.h"
#include "src/mi/command_table.h"
#include "tests/support/addresses.h"
#include "tests/support/private_segment.h"

namespace sipwsd::mi {

using test::at;

class MiTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t now = 10'000;  // monotonic seconds
  static constexpr WorkerSlot first_worker{0}, second_worker{1};

  MiTest() {
    clock.advance(std::chrono::seconds{now});
    settings.ping_application_data = "are you there";
  }

  // The text of the reply; empty when the command has not answered (yet): see `answer`.
  std::string run(const std::string& command, const std::vector<std::string>& values = {}) {
    Request request{command, {}};
    for (const auto& value : values) request.arguments.push_back({{}, value});
    answer.clear();
    const Command* row = find_command(command);
    if (row == nullptr) return "no such command";
    if (row->input == Input::ignored) request.arguments.clear();
    Call call(context, request, [this](Reply reply) {
      EXPECT_TRUE(answer.empty()) << "answered twice";
      answer = to_text(reply, "\t");
    });
    row->run(call);
    return answer;
  }

  // What the mailbox of a worker holds; each letter as "Ping 7 payload", "Close 7 1000 reason". Answers with `code`.
  std::vector<std::string> worker_answers(bus::Mailbox& worker, std::uint16_t code) {
    std::vector<std::string> letters;
    worker.drain(100, [&](shm::ProcessSlot from, const bus::Letter& letter) {
      const auto reply = [&](const char* kind, const auto& m, std::string text) {
        letters.push_back(std::string(kind) + " " + std::to_string(number(m.connection)) + " " + text);
        EXPECT_TRUE(worker.post(from, bus::MiAnswer{.ticket = m.ticket, .code = code, .text = {}}));
      };
      std::visit(base::Overload{[&](const bus::Ping& m) { reply("Ping", m, std::string(m.payload)); },
                                [&](const bus::Pong& m) { reply("Pong", m, std::string(m.payload)); },
                                [&](const bus::Close& m) { reply("Close", m, std::to_string(m.code) + " " + std::string(m.reason)); },
                                [&](const auto&) { letters.emplace_back("something else"); }},
                 letter);
    });
    mailbox.drain(100, [&](shm::ProcessSlot from, const bus::Letter& letter) {
      if (const auto* given = std::get_if<bus::MiAnswer>(&letter)) tickets.answer(from, *given);
    });
    return letters;
  }

  shm::ConnectionIndex add(std::uint32_t id, std::int64_t idle, WorkerSlot owner = first_worker,
                           shm::ConnectionState state = shm::ConnectionState::open,
                           SubProtocol sub_protocol = SubProtocol::sip,
                           const Endpoint& remote = at("192.0.2.7", 51234), const Endpoint& local = at("198.51.100.1", 80)) {
    const auto added = segment->connections.insert({.id = ConnectionId{id},
                                                    .local = local,
                                                    .remote = remote,
                                                    .owner = owner,
                                                    .state = state == shm::ConnectionState::closing ? shm::ConnectionState::open : state,
                                                    .sub_protocol = sub_protocol,
                                                    .last_used = now - idle});
    EXPECT_TRUE(added);
    if (state == shm::ConnectionState::closing) {
      EXPECT_TRUE(segment->connections.set_state(ConnectionId{id}, owner, state));
    }
    return *added;
  }

  test::PrivateSegment segment;
  config::Settings settings;
  base::FakeClock clock;
  bus::Mailbox worker0{segment->mailboxes, shm::ProcessSlot{0}}, worker1{segment->mailboxes, shm::ProcessSlot{1}};
  bus::Mailbox mailbox{segment->mailboxes, shm::ProcessSlot{3}};
  bus::Tickets tickets;
  // The supervisor is the test: it finds the question on the segment's desk.
  int rings = 0;
  SupervisorDesk desk{*segment->desk, shm::ProcessSlot{3}, [this] { ++rings; }};
  Context context{.settings = settings,
                  .shared = *segment,
                  .mailbox = mailbox,
                  .counters = segment->counters.row(shm::ProcessSlot{3}),
                  .tickets = tickets,
                  .desk = desk,
                  .clock = clock,
                  .up_since_unix = 1'700'000'000};
  std::string answer;
};

}  // namespace sipwsd::mi
