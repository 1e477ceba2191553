#include "src/config/next_hop.h"
#include "tests/mi/mi_fixture.h"

namespace sipwsd::mi {
namespace {

TEST_F(MiTest, UpstreamListShowsWhatTheWorkersThink) {
  EXPECT_EQ(run("upstream.list"), "200 OK\n\n");
  settings.upstream = {*config::parse_upstream("sip:192.0.2.1:5060;transport=tcp"), *config::parse_upstream("sip:b.example")};
  segment->upstreams.write(WorkerSlot{0}, 0, shm::UpstreamState::alive);
  segment->upstreams.write(WorkerSlot{1}, 0, shm::UpstreamState::away);
  segment->upstreams.write(WorkerSlot{1}, 1, shm::UpstreamState::alive);
  EXPECT_EQ(run("upstream.list"),
            "200 OK\n"
            "Upstream:: sip:192.0.2.1:5060;transport=tcp alive=1 away=1 unknown=0\n"
            "Upstream:: sip:b.example alive=1 away=0 unknown=1\n\n");
}

}  // namespace
}  // namespace sipwsd::mi
