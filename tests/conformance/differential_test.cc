// The same bytes to three servers: the daemon, ws (npm) and libwslay. They claim the same protocol, so they must say the
// same: the messages that come back, the Pongs, and the code of the Close at the end. Where they differ, a row of
// `known_differences` says who does what and which sentence of which RFC allows it; a difference no row explains fails
// the test, and so does a row that explains nothing any more.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

#include "tests/conformance/bytes.h"
#include "tests/conformance/row.h"
#include "tests/conformance/runner.h"
#include "tests/support/test_server.h"

namespace sipwsd::test::conformance {
namespace {

// A program that prints "port N" and lives as long as its standard input.
class OtherServer {
 public:
  explicit OtherServer(std::vector<std::string> command) {
    std::array<int, 2> in{}, out{};
    if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) throw Disappointed("no pipe");
    std::vector<char*> words;
    for (auto& word : command) words.push_back(word.data());
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(in[0], 0);
      dup2(out[1], 1);
      execvp(words[0], words.data());
      _exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    life_ = in[1];
    std::string line;
    for (char c = 0; c != '\n' && ::read(out[0], &c, 1) == 1;) line += c;
    ::close(out[0]);
    if (!line.starts_with("port ")) throw Disappointed("no port from " + command[0] + ": " + line);
    std::from_chars(line.data() + 5, line.data() + line.size(), port_);
  }
  ~OtherServer() {
    ::close(life_);
    waitpid(pid_, nullptr, 0);
  }
  OtherServer(const OtherServer&) = delete;
  OtherServer& operator=(const OtherServer&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int life_ = -1;
  std::uint16_t port_ = 0;
};

// What a server said to a sequence. Pongs are apart: RFC 6455 5.5.3 leaves open how they mix with messages.
struct Heard {
  std::vector<std::string> messages, pongs, others;
  int close = 0;  // 0: none, 1005: one without a code
  friend bool operator==(const Heard&, const Heard&) = default;
};

std::string told(const Heard& heard) {
  std::string out;
  for (const auto* list : {&heard.messages, &heard.pongs, &heard.others})
    for (const auto& one : *list) out += printable(one).substr(0, 60) + "; ";
  return out + "close " + std::to_string(heard.close);
}

// A connection with the sequence under way.
WsClient tell(std::uint16_t port, const std::string& sequence) {
  auto client = WsClient::open(port, {.protocol = ""});
  static_cast<void>(client.try_send_raw(sequence + frame(op::close, close_payload(1000))));
  client.end_sending();
  return client;
}

void listen_to(WsClient& client, Heard& heard) {
  while (const auto frame = client.receive_or_end()) {
    if (heard.close != 0) heard.others.push_back("behind the Close: " + described(*frame));
    else if (frame->is_close()) heard.close = frame->payload.empty() ? 1005 : frame->close_code();
    else if (frame->is_pong()) heard.pongs.push_back(described(*frame));
    else if (frame->is_text() || frame->is_binary()) heard.messages.push_back(described(*frame));
    else heard.others.push_back(described(*frame));
  }
}

// A server that hangs, or ends inside a frame, is a difference like any other.
Heard heard_from(WsClient& client) {
  Heard heard;
  try {
    listen_to(client, heard);
  } catch (const Disappointed& why) {
    heard.others.emplace_back(why.what());
  }
  return heard;
}

enum class Other { ws, wslay };

struct Difference {
  const char* why;
  std::function<bool(Other, const Heard& ours, const Heard& theirs)> explains;
};

bool begins_with(const std::vector<std::string>& all, const std::vector<std::string>& front) {
  return front.size() <= all.size() && std::equal(front.begin(), front.end(), all.begin());
}

bool agree_up_to_the_close(const Heard& ours, const Heard& theirs) {
  return ours.messages == theirs.messages && ours.pongs == theirs.pongs && ours.others == theirs.others;
}

// None lets a message pass that the others both do not send: what one of them explains, the other has to agree with.
const std::vector<Difference> known_differences{
    {"libwslay fails a header it cannot read by a Close without a code; RFC 6455 7.4.1 has 1002 for it",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::wslay && ours.close == 1002 && theirs.close == 1005 && agree_up_to_the_close(ours, theirs);
     }},
    {"the daemon refuses a header at its first wrong byte, and a size before the mask; they wait for the rest, which never comes",
     [](Other, const Heard& ours, const Heard& theirs) {
       return (ours.close == 1002 || ours.close == 1009) && theirs.close == 0 && agree_up_to_the_close(ours, theirs);
     }},
    {"ws takes a length in more bytes than it needs; RFC 6455 5.2: the minimal number of bytes MUST be used",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::ws && ours.close == 1002 && theirs.messages.size() > ours.messages.size() &&
              begins_with(theirs.messages, ours.messages);
     }},
    {"ws calls a length with the top bit too big, 1009; RFC 6455 5.2: it MUST be 0, so 1002",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::ws && ours.close == 1002 && theirs.close == 1009 && agree_up_to_the_close(ours, theirs);
     }},
    {"ws looks at a text when the message is whole, the daemon at each byte (RFC 6455 8.1 leaves it open): what comes in between counts for ws",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::ws && ours.close == 1007 && ours.messages == theirs.messages && begins_with(theirs.pongs, ours.pongs);
     }},
    {"libwslay does not look at the reason in a Close; RFC 6455 8.1 and 5.5.1: it is UTF-8",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::wslay && ours.close == 1007 && theirs.close >= 1000 && theirs.close != 1005 && agree_up_to_the_close(ours, theirs);
     }},
    {"libwslay does not know 1012 to 1014, which IANA has registered since",
     [](Other other, const Heard& ours, const Heard& theirs) {
       return other == Other::wslay && ours.close >= 1012 && ours.close <= 1014 && theirs.close == 1002 && agree_up_to_the_close(ours, theirs);
     }},
};

class Differential : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestServer>(1, std::vector<std::string>{"--stage", "echo", "--ping-rate", "0"});
    ws_ = std::make_unique<OtherServer>(std::vector<std::string>{"node", "tests/clients/echo_server.mjs"});
    wslay_ = std::make_unique<OtherServer>(std::vector<std::string>{built("tests/wslay-server")});
  }
  static void TearDownTestSuite() {
    daemon_.reset();
    ws_.reset();
    wslay_.reset();
  }

  // Empty, or what nobody explains.
  static std::string compare(const std::string& sequence) {
    auto to_us = tell(daemon_->port(), sequence), to_ws = tell(ws_->port(), sequence), to_wslay = tell(wslay_->port(), sequence);
    const auto ours = heard_from(to_us);
    std::string wrong;
    for (const auto& [other, theirs] : {std::pair(Other::ws, heard_from(to_ws)), std::pair(Other::wslay, heard_from(to_wslay))})
      if (!is_explained(other, ours, theirs))
        wrong += fmt::format("\n  {} says {}\n  the daemon says {}", other == Other::ws ? "ws" : "wslay", told(theirs), told(ours));
    return wrong;
  }

 private:
  static bool is_explained(Other other, const Heard& ours, const Heard& theirs) {
    ++compared_;
    if (ours == theirs) return true;
    for (std::size_t i = 0; i < known_differences.size(); ++i)
      if (known_differences[i].explains(other, ours, theirs)) return ++explained_[i] != 0;
    return false;
  }

 protected:
  static inline std::unique_ptr<TestServer> daemon_;
  static inline std::unique_ptr<OtherServer> ws_, wslay_;
  static inline std::size_t compared_ = 0;
  static inline std::map<std::size_t, std::size_t> explained_;  // by row of known_differences
};

std::string in_hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes.substr(0, 80)) out += fmt::format("{:02x} ", static_cast<unsigned char>(c));
  return out + (bytes.size() > 80 ? fmt::format("... {} bytes", bytes.size()) : "");
}

// --- sequences ----------------------------------------------------------------------------------------------------------

constexpr std::size_t fits_into_socket_buffers = 100'000;

class Sequences {
 public:
  explicit Sequences(std::uint64_t seed) : random_(seed) {}

  // A few frames of a good client, then up to three mistakes in their bytes.
  std::string next() {
    auto frames = good_frames();
    for (auto mistakes = below(4); mistakes != 0 && !frames.empty(); --mistakes) mistake(frames);
    std::string all;
    for (const auto& one : frames) all += one;
    return all;
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }
  bool once_in(std::size_t n) { return below(n) == 0; }

  std::string payload() {
    static constexpr std::array<std::size_t, 10> sizes{0, 1, 2, 5, 20, 124, 125, 126, 127, 300};
    static const std::array<std::string, 8> words{"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", std::string(1, '\0'), "\r\n", "\xef\xbb\xbf", "~"};
    const auto size = once_in(40) ? 65'530 + below(10) : sizes[below(sizes.size())];
    std::string out;
    while (out.size() < size) out += words[below(words.size())];
    return out;
  }

  std::vector<std::string> good_frames() {
    std::vector<std::string> frames;
    for (auto n = 1 + below(5); n != 0; --n) {
      const auto first = static_cast<std::uint8_t>(once_in(2) ? op::first_text : op::first_binary);
      const auto pieces = once_in(3) ? 2 + below(4) : 1;
      for (std::size_t i = 0; i < pieces; ++i) {
        if (once_in(6)) frames.push_back(frame(once_in(2) ? op::ping : op::pong, payload().substr(0, 125)));
        const auto fin = static_cast<std::uint8_t>(i + 1 == pieces ? op::last : 0);
        frames.push_back(frame(static_cast<std::uint8_t>(fin | (i == 0 ? first : op::more)), payload()));
      }
    }
    if (once_in(6)) frames.push_back(frame(op::close, once_in(4) ? "" : close_payload(static_cast<int>(below(5200)), once_in(3) ? payload().substr(0, 100) : "")));
    return frames;
  }

  void mistake(std::vector<std::string>& frames) {
    auto& one = frames[below(frames.size())];
    if (one.empty()) return;
    switch (below(9)) {
      case 0: one[0] = static_cast<char>(one[0] ^ 1 << below(8)); break;                           // FIN, RSV or opcode
      case 1: one[one.size() > 1 ? 1 : 0] ^= static_cast<char>(1 << below(8)); break;               // mask bit or length
      case 2: one[below(one.size())] ^= static_cast<char>(1 << below(8)); break;                    // any bit
      case 3: one.erase(below(one.size()), 1); break;                                               // a byte is lost
      case 4: one.insert(below(one.size()), 1, static_cast<char>(below(256))); break;               // one is too much
      case 5: one.resize(below(one.size())); break;                                                 // the end is lost
      case 6: std::swap(one, frames[below(frames.size())]); break;                                  // the order is lost
      case 7: frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(below(frames.size())), std::string(one)); break;  // sent twice
      default: frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(below(frames.size()))); break;                    // not sent
    }
  }

  std::mt19937_64 random_;
};

TEST_F(Differential, AgreesOnEveryRowOfTheTable) {
  for (const auto& row : all_rows()) {
    if (row.profile != Profile::echo || row.from != From::opened || row.sent.size() > fits_into_socket_buffers) continue;
    if (const auto wrong = compare(row.sent); !wrong.empty()) ADD_FAILURE() << row.id << ": " << row.sentence << wrong;
  }
}

TEST_F(Differential, AgreesOnThousandsOfSequencesWithMistakes) {
  Sequences sequences(20261124);
  for (int i = 0; i < 2500; ++i) {
    const auto sequence = sequences.next();
    if (const auto wrong = compare(sequence); !wrong.empty()) ADD_FAILURE() << "sequence " << i << ": " << in_hex(sequence) << wrong;
  }
}

// Runs last: GoogleTest keeps the order of a file.
TEST_F(Differential, HasNoRowThatExplainsNothing) {
  if (compared_ == 0) GTEST_SKIP() << "the other tests were not run";
  std::size_t different = 0;
  for (std::size_t i = 0; i < known_differences.size(); ++i) {
    EXPECT_GT(explained_[i], 0u) << known_differences[i].why;
    different += explained_[i];
    fmt::print("{:5} of {}: {}\n", explained_[i], compared_, known_differences[i].why);
  }
  EXPECT_LT(different * 10, compared_) << "nine of ten comparisons are to need no explanation";
}

}  // namespace
}  // namespace sipwsd::test::conformance
