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
#include "tests/ws/zlib_peer.h"

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

// A connection with the sequence under way, and a Close behind it.
WsClient tell(std::uint16_t port, const std::string& sequence) {
  auto client = WsClient::open(port, {.protocol = ""});
  static_cast<void>(client.try_send_raw(sequence + frame(op::close, close_payload(1000))));
  client.end_sending();  // what is not whole never will be
  return client;
}

// The same with permessage-deflate, for sequences of whole frames: ws unfolds beside its loop and would take our end for
// its own.
WsClient tell_deflated(std::uint16_t port, const std::string& sequence) {
  auto client = WsClient::open(port, {.protocol = "", .headers = {"Sec-WebSocket-Extensions: permessage-deflate"}});
  static_cast<void>(client.try_send_raw(sequence + frame(op::close, close_payload(1000))));
  return client;
}

// Both compress each message by itself, and only where they think that it pays.
void unfold(Frame& frame) {
  if ((frame.first & 0x48) != 0x40) return;
  frame.first &= 0xbf;
  frame.payload = ws::ZlibPeer().inflated(frame.payload);
}

void listen_to(WsClient& client, Heard& heard) {
  while (auto frame = client.receive_or_end()) {
    unfold(*frame);
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

struct Compared {
  Other other;
  const Heard &ours, &theirs;
  const std::string& sequence;
};

struct Difference {
  const char* why;
  std::function<bool(const Compared&)> explains;
};

bool begins_with(const std::vector<std::string>& all, const std::vector<std::string>& front) {
  return front.size() <= all.size() && std::equal(front.begin(), front.end(), all.begin());
}

bool agree_up_to_the_close(const Compared& c) {
  return c.ours.messages == c.theirs.messages && c.ours.pongs == c.theirs.pongs && c.ours.others == c.theirs.others;
}
// They went on where we had ended.
bool they_say_more(const Compared& c) {
  return begins_with(c.theirs.messages, c.ours.messages) && begins_with(c.theirs.pongs, c.ours.pongs);
}

// Of whole frames: is there a compressed message whose blocks are not whole? RFC 7692 7.2.2 puts the four bytes of an empty
// block's end behind it; a final block behind that ends the stream, unless it began in the middle of something.
bool holds_a_cut_stream(std::string_view sequence) {
  std::string message;
  bool compressed = false;
  while (sequence.size() >= 6) {
    const auto first = static_cast<std::uint8_t>(sequence[0]);
    std::size_t length = sequence[1] & 0x7f, at = 2;
    for (const std::size_t end = at + (length < 126 ? 0u : length == 126 ? 2u : 8u); at < end; ++at)
      length = (at == 2 ? 0 : length << 8) | static_cast<std::uint8_t>(sequence[at]);
    if (sequence.size() < at + 4) break;
    const auto key = sequence.substr(at, 4);
    std::string payload(sequence.substr(at + 4, length));
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ key[i % 4]);
    sequence.remove_prefix(std::min(sequence.size(), at + 4 + length));
    if ((first & 0x08) != 0) continue;
    if ((first & 0x0f) != 0) {
      message.clear();
      compressed = (first & 0x40) != 0;
    }
    message += payload;
    if ((first & 0x80) == 0 || !compressed) continue;
    if (ws::ZlibPeer().inflated(message + std::string("\0\0\xff\xff\1", 5)) != "zlib: 1") return true;  // Z_STREAM_END
  }
  return false;
}

// None lets a message of ours pass that another does not send too.
const std::vector<Difference> known_differences{
    {"libwslay fails a header it cannot read by a Close without a code; RFC 6455 7.4.1 has 1002 for it",
     [](const Compared& c) { return c.other == Other::wslay && c.ours.close == 1002 && c.theirs.close == 1005 && agree_up_to_the_close(c); }},
    {"the daemon refuses a header at its first wrong byte, and a size before the mask; they wait for the rest, which never comes",
     [](const Compared& c) { return (c.ours.close == 1002 || c.ours.close == 1009) && c.theirs.close == 0 && agree_up_to_the_close(c); }},
    {"ws takes a length in more bytes than it needs; RFC 6455 5.2: the minimal number of bytes MUST be used",
     [](const Compared& c) {
       return c.other == Other::ws && c.ours.close == 1002 && c.theirs.messages.size() > c.ours.messages.size() && they_say_more(c);
     }},
    {"ws calls a length with the top bit too big, 1009; RFC 6455 5.2: it MUST be 0, so 1002",
     [](const Compared& c) { return c.other == Other::ws && c.ours.close == 1002 && c.theirs.close == 1009 && agree_up_to_the_close(c); }},
    {"ws looks at a text when the message is whole, the daemon at each byte (RFC 6455 8.1 leaves it open): what comes in between counts for ws",
     [](const Compared& c) { return c.other == Other::ws && c.ours.close == 1007 && c.ours.messages == c.theirs.messages && they_say_more(c); }},
    {"libwslay does not look at the reason in a Close; RFC 6455 8.1 and 5.5.1: it is UTF-8",
     [](const Compared& c) {
       return c.other == Other::wslay && c.ours.close == 1007 && c.theirs.close >= 1000 && c.theirs.close != 1005 && agree_up_to_the_close(c);
     }},
    {"libwslay does not know 1012 to 1014, which IANA has registered since",
     [](const Compared& c) {
       return c.other == Other::wslay && c.ours.close >= 1012 && c.ours.close <= 1014 && c.theirs.close == 1002 && agree_up_to_the_close(c);
     }},
    {"they take any number of fragments; the daemon's patience ends (S14, RFC 6455 10.4)",
     [](const Compared& c) { return c.ours.close == 1008 && they_say_more(c); }},
    {"ws unfolds each fragment as it comes, the daemon the whole message (RFC 7692 7.2.2): what comes in between counts for the daemon",
     [](const Compared& c) {
       return c.other == Other::ws && c.theirs.close == 1007 && c.ours.messages == c.theirs.messages && begins_with(c.ours.pongs, c.theirs.pongs);
     }},
    {"ws takes a compressed message whose last block is cut for what it holds so far; RFC 7692 7.2.2, RFC 1951 3.2.3: a block has an end",
     [](const Compared& c) { return c.other == Other::ws && c.ours.close == 1007 && they_say_more(c) && holds_a_cut_stream(c.sequence); }},
};

class Differential : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    daemon_ = std::make_unique<TestServer>(1, std::vector<std::string>{"--stage", "echo", "--ping-rate", "0"});
    deflating_daemon_ = std::make_unique<TestServer>(1, std::vector<std::string>{"--stage", "echo", "--ping-rate", "0", "--deflate"});
    ws_ = std::make_unique<OtherServer>(std::vector<std::string>{"node", "tests/clients/echo_server.mjs"});
    deflating_ws_ = std::make_unique<OtherServer>(std::vector<std::string>{"node", "tests/clients/echo_server.mjs", "--deflate"});
    wslay_ = std::make_unique<OtherServer>(std::vector<std::string>{built("tests/wslay-server")});
  }
  static void TearDownTestSuite() {
    daemon_.reset();
    deflating_daemon_.reset();
    ws_.reset();
    deflating_ws_.reset();
    wslay_.reset();
  }

  // Empty, or what nobody explains.
  static std::string compare(const std::string& sequence) {
    auto to_us = tell(daemon_->port(), sequence), to_ws = tell(ws_->port(), sequence), to_wslay = tell(wslay_->port(), sequence);
    const auto ours = heard_from(to_us);
    return judge({Other::ws, ours, heard_from(to_ws), sequence}) + judge({Other::wslay, ours, heard_from(to_wslay), sequence});
  }

  static std::string compare_deflated(const std::string& sequence) {
    auto to_us = tell_deflated(deflating_daemon_->port(), sequence), to_ws = tell_deflated(deflating_ws_->port(), sequence);
    const auto ours = heard_from(to_us);
    return judge({Other::ws, ours, heard_from(to_ws), sequence});
  }

 private:
  static std::string judge(const Compared& compared) {
    if (is_explained(compared)) return {};
    return fmt::format("\n  {} says {}\n  the daemon says {}", compared.other == Other::ws ? "ws" : "wslay", told(compared.theirs), told(compared.ours));
  }

  static bool is_explained(const Compared& compared) {
    ++compared_;
    if (compared.ours == compared.theirs) return true;
    for (std::size_t i = 0; i < known_differences.size(); ++i)
      if (known_differences[i].explains(compared)) return ++explained_[i] != 0;
    return false;
  }

 protected:
  static inline std::unique_ptr<TestServer> daemon_, deflating_daemon_;
  static inline std::unique_ptr<OtherServer> ws_, deflating_ws_, wslay_;
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
    auto frames = good_frames(Compressed::never);
    for (auto mistakes = below(4); mistakes != 0 && !frames.empty(); --mistakes) mistake(frames);
    return joined(frames);
  }
  // Compressed messages among them, and mistakes that leave every frame a frame.
  std::string next_deflated() {
    auto frames = good_frames(Compressed::often);
    for (auto mistakes = below(3); mistakes != 0 && !frames.empty(); --mistakes) mistake_inside_a_frame(frames);
    return joined(frames);
  }

 private:
  enum class Compressed { never, often };

  static std::string joined(const std::vector<std::string>& frames) {
    std::string all;
    for (const auto& one : frames) all += one;
    return all;
  }
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

  // A message's payloads, one for each of its frames.
  std::vector<std::string> pieces_of_message(bool compressed) {
    std::vector<std::string> pieces;
    for (auto n = once_in(3) ? 2 + below(4) : 1; n != 0; --n) pieces.push_back(payload());
    if (!compressed) return pieces;
    std::string packed = ws::ZlibPeer().deflated(joined(pieces));
    for (auto& piece : pieces) {
      piece = packed.substr(0, &piece == &pieces.back() ? packed.size() : below(packed.size() + 1));
      packed.erase(0, piece.size());
    }
    return pieces;
  }

  std::vector<std::string> good_frames(Compressed compressed) {
    std::vector<std::string> frames;
    for (auto n = 1 + below(5); n != 0; --n) {
      const bool deflated = compressed == Compressed::often && !once_in(3);
      const auto first = static_cast<std::uint8_t>((once_in(2) ? op::first_text : op::first_binary) | (deflated ? 0x40 : 0));
      const auto pieces = pieces_of_message(deflated);
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (once_in(6)) frames.push_back(frame(once_in(2) ? op::ping : op::pong, payload().substr(0, 125)));
        const auto fin = static_cast<std::uint8_t>(i + 1 == pieces.size() ? op::last : 0);
        frames.push_back(frame(static_cast<std::uint8_t>(fin | (i == 0 ? first : op::more)), pieces[i]));
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

  void mistake_inside_a_frame(std::vector<std::string>& frames) {
    auto& one = frames[below(frames.size())];
    const std::size_t length = one[1] & 0x7f, header = 6 + (length < 126 ? 0u : length == 126 ? 2u : 8u);
    switch (below(6)) {
      case 0: one[0] = static_cast<char>(one[0] ^ 1 << below(8)); break;  // FIN, RSV or opcode
      case 1:
      case 2:
        if (one.size() > header) one[header + below(one.size() - header)] ^= static_cast<char>(1 << below(8));
        break;
      case 3: std::swap(one, frames[below(frames.size())]); break;
      case 4: frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(below(frames.size())), std::string(one)); break;
      default: frames.erase(frames.begin() + static_cast<std::ptrdiff_t>(below(frames.size()))); break;
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

TEST_F(Differential, AgreesOnCompressedMessagesWithMistakes) {
  Sequences sequences(7692);
  for (int i = 0; i < 1000; ++i) {
    const auto sequence = sequences.next_deflated();
    if (const auto wrong = compare_deflated(sequence); !wrong.empty()) ADD_FAILURE() << "sequence " << i << ": " << in_hex(sequence) << wrong;
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
