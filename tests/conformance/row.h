#pragma once
// One row of the conformance table: what a client sends and all that may come back. Replies are written as text so that
// a failing row reads like a sentence:
//
//   "text Hello"  "binary ..."  "pong ..."  "close 1002 Protocol error"  "close"     frames; long payloads by size and hash
//   "HTTP/1.1 101 Switching Protocols\r\n..."                                        a whole reply head
//   "deflated text Hello"                                                            a frame with RSV1, unfolded (RFC 7692)
//   "text SIP/2.0 200*"                                                              `*` at the end: and anything behind it

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sipwsd::test::conformance {

// Which daemon a row is put to; daemons.cc has its flags.
enum class Profile {
  echo,     // the echo stage; takes clients without a sub-protocol
  edge,     // the daemon as a SIP proxy
  guarded,  // a list of origins, one path
  open_to_pages,  // Access-Control-Allow-Origin
  deflate,           // the echo stage with permessage-deflate, as it is by default: no window outlives its message
  deflate_takeover,  // with windows that live as long as the connection
  deflate_small,     // with windows of 2^10 at most
};

enum class Then {
  open,   // the connection lives: a Ping behind it all is answered next
  ends,   // nothing more comes but the end, and the server is the first to end
  waits,  // nothing comes, because something is not whole yet; when we end, the server ends without a word
};

enum class From {
  opened,      // the handshake is done before `sent`
  first_byte,  // `sent` is all there is
};

struct Outcome {
  std::vector<std::string> replies;
  Then then = Then::open;
};

struct Row {
  std::string id;  // "6455/5.5.1-03": document, section, number
  std::string sentence;
  std::string sent;
  Outcome outcome;
  Profile profile = Profile::echo;
  From from = From::opened;
  std::string offer{};  // Sec-WebSocket-Extensions of the handshake before `sent`
};

using Rows = std::vector<Row>;

// A part of the table; numbers its rows.
class Section {
 public:
  Section(Rows& rows, std::string name, Profile profile, From from) : rows_(rows), name_(std::move(name)), profile_(profile), from_(from) {}
  void row(std::string sentence, std::string sent, Outcome outcome);
  // With an extension offered before.
  void row_with_offer(std::string offer, std::string sentence, std::string sent, Outcome outcome);

 private:
  Rows& rows_;
  std::string name_;
  Profile profile_;
  From from_;
  int count_ = 0;
};

// --- outcomes
Outcome answers(std::vector<std::string> replies);  // and lives
Outcome nothing();                                  // and lives
Outcome waits();
Outcome fails(int code, std::vector<std::string> before = {});          // with our words for the code
Outcome closes(std::string_view reply, std::vector<std::string> before = {});  // "close 1000", "close"

// A payload as replies show it.
std::string shown(std::string_view payload);

// --- the table, by file
void add_opening_rows(Rows& rows);    // rfc6455_opening.cc: 4.1, 4.2
void add_head_rows(Rows& rows);       // rfc6455_head.cc: the HTTP below it, 4.2.1, 10
void add_framing_rows(Rows& rows);    // rfc6455_framing.cc: 5
void add_closing_rows(Rows& rows);    // rfc6455_closing.cc: 5.5.1, 7
void add_utf8_rows(Rows& rows);       // rfc6455_utf8.cc: 8.1
void add_sip_rows(Rows& rows);        // rfc7118.cc
void add_deflate_rows(Rows& rows);    // rfc7692.cc
const Rows& all_rows();

}  // namespace sipwsd::test::conformance
