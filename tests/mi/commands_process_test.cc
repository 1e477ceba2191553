#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

using namespace std::chrono_literals;

class Process : public MiTest {
 protected:
  shm::OperatorDesk& supervisors() { return *segment->desk; }
  // The supervisor answers the question that is on the desk.
  void answer_with(std::uint16_t code, const std::string& text) {
    supervisors().answer(supervisors().question().number, code, text);
    desk.look(clock.now());
  }
};

TEST_F(Process, AsksTheSupervisorForWhatOnlyItCanDo) {
  const struct {
    const char* command;
    std::vector<std::string> arguments;
    shm::OperatorWish wish;
    std::uint32_t argument;
  } rows[] = {
      {"core.reload", {}, shm::OperatorWish::reload, 0},       {"core.reload", {"ignored"}, shm::OperatorWish::reload, 0},
      {"tls.reload", {}, shm::OperatorWish::reload_tls, 0},    {"core.drain", {}, shm::OperatorWish::drain, 0},
      {"core.drain", {"600"}, shm::OperatorWish::drain, 600},  {"core.undrain", {}, shm::OperatorWish::undrain, 0},
  };
  int asked = 0;
  for (const auto& [command, arguments, wish, argument] : rows) {
    EXPECT_EQ(run(command, arguments), "") << "it waits for the supervisor";
    EXPECT_EQ(rings, ++asked);
    EXPECT_EQ(supervisors().question().wish, wish) << command;
    EXPECT_EQ(supervisors().question().argument, argument) << command;
    EXPECT_EQ(supervisors().question().asker, shm::ProcessSlot{3});

    answer_with(200, "Version:: 7\nwebsocket.keepalive_timeout: 180 -> 60");

    EXPECT_EQ(answer, "200 OK\nVersion:: 7\nwebsocket.keepalive_timeout: 180 -> 60\n\n");
  }
}

TEST_F(Process, HandsOnWhyItWasRefusedFirstLineFirst) {
  run("core.reload");
  answer_with(500, "workers needs a restart: 2 -> 4\nlisten needs a restart: a -> b");
  EXPECT_EQ(answer, "500 workers needs a restart: 2 -> 4\nlisten needs a restart: a -> b\n\n");
}

TEST_F(Process, GivesUpOnASupervisorThatDoesNotAnswer) {
  run("core.reload");
  clock.advance(7s);
  desk.look(clock.now());
  EXPECT_EQ(answer, "");
  clock.advance(2s);
  desk.look(clock.now());
  EXPECT_EQ(answer, "500 the supervisor does not answer\n\n");
}

TEST_F(Process, TakesALateAnswerForNobodys) {
  run("core.reload");
  const auto first = supervisors().question().number;
  clock.advance(10s);
  desk.look(clock.now());
  run("core.undrain");

  supervisors().answer(first, 200, "late");
  desk.look(clock.now());

  EXPECT_EQ(answer, "");
  answer_with(200, "in time");
  EXPECT_EQ(answer, "200 OK\nin time\n\n");
}

TEST_F(Process, AsksOneQuestionAtATime) {
  run("core.reload");
  EXPECT_EQ(run("core.drain"), "500 the supervisor is busy with another question\n\n");
}

TEST_F(Process, RefusesPatienceThatIsNone) {
  for (const char* word : {"0", "-1", "x", "86401", ""})
    EXPECT_EQ(run("core.drain", {word}), "400 Bad parameter: write seconds, 1 to 86400\n\n") << word;
  EXPECT_EQ(run("core.drain", {"1", "2"}), "400 Too many parameters\n\n");
  EXPECT_EQ(rings, 0);
}

TEST_F(Process, ShowsParametersAsTheyAreNow) {
  settings.keepalive_timeout = 77s;
  settings.alias = {"a.example", "b.example"};
  EXPECT_EQ(run("core.params", {"keepalive_timeout"}), "200 OK\nwebsocket.keepalive_timeout:: 77 reload=yes\n\n");
  EXPECT_EQ(run("core.params", {"core.alias"}), "200 OK\ncore.alias:: a.example b.example reload=yes\n\n");
  EXPECT_EQ(run("core.params", {"workers"}), "200 OK\ncore.workers:: 0 reload=no\n\n");
  EXPECT_EQ(run("core.params", {"retry_after"}), "200 OK\ncore.retry_after:: 5 reload=yes\nregistrar.retry_after:: 0 reload=yes\n\n");
  EXPECT_EQ(run("core.params", {"nothing"}), "404 No such parameter\n\n");
  const auto all = run("core.params");
  EXPECT_NE(all.find("\nmi_fifo.reply_indent:: \\t reload=yes\n"), std::string::npos) << all;
  EXPECT_NE(all.find("\ntm.fr_timer:: 30000 reload=yes\n"), std::string::npos);
}

TEST_F(Process, ShowsWhichConfigurationEachProcessRunsWith) {
  segment->switches->set_config_version(5);
  segment->processes.begin(shm::ProcessSlot{0}, "worker 0", clock.now(), 1);
  segment->processes.set_pid(shm::ProcessSlot{0}, 4711);
  segment->processes.mark_ready(shm::ProcessSlot{0});
  segment->processes.set_config_version(shm::ProcessSlot{0}, 4);
  segment->switches->set_drain(shm::DrainLevel::no_new_connections);
  EXPECT_EQ(run("core.status"),
            "200 OK\nState:: draining\nConnections:: 0\nConfiguration:: 5\n"
            "Process:: worker 0 PID=4711 State=ready Configuration=4 Deaths=0\n\n");
}

}  // namespace
}  // namespace sipwsd::mi
