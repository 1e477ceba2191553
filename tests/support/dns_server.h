#pragma once
// A name server of a test's own on 127.0.0.1, UDP and TCP on one port, in a thread. It answers from what the test says, can
// be made to misbehave, and remembers what it was asked.

#include "sipwsd/endpoint.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace sipwsd::test {

struct DnsMisbehaviour {
  unsigned rcode = 0;                  // other than 0: nothing but this; 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  std::chrono::milliseconds delay{0};
  int drop = 0;                        // so many are not answered; negative: none ever
  bool garbage = false;                // bytes that are no reply instead of one
  bool wrong_id = false;               // a reply to somebody else's question, with a wrong address, before the right one
  bool wrong_question = false;         // the same with the right id, but another name
  bool truncate = false;               // over UDP only that it is too long
  bool no_edns = false;                // FORMERR to what has an OPT record (RFC 6891 7)
};

class DnsServer {
 public:
  // Port 0 takes a free one.
  explicit DnsServer(std::uint16_t port = 0);
  ~DnsServer();
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] Endpoint endpoint() const;

  // --- what it knows; a name without any record, and none below it, is NXDOMAIN
  void a(const std::string& name, const std::string& address, std::uint32_t ttl = 300);
  void aaaa(const std::string& name, const std::string& address, std::uint32_t ttl = 300);
  void cname(const std::string& name, const std::string& target, std::uint32_t ttl = 300);
  void srv(const std::string& name, int priority, int weight, int port, const std::string& target, std::uint32_t ttl = 300);
  void naptr(const std::string& name, int order, int preference, const std::string& flags, const std::string& services,
             const std::string& replacement, std::uint32_t ttl = 300);
  void forget(const std::string& name);  // all of its records
  // The SOA of negative answers (RFC 2308 5); without: none.
  void negative_ttl(std::optional<std::uint32_t> seconds);

  // For questions like "A example.org"; "*" for all others.
  void misbehave(const std::string& question, const DnsMisbehaviour& how);

  // --- what it was asked, retransmissions too: "A example.org", in order
  [[nodiscard]] std::vector<std::string> questions() const;
  [[nodiscard]] std::size_t count(const std::string& question) const;
  [[nodiscard]] std::size_t over_tcp() const;
  void wait_for_questions(std::size_t at_least) const;

 private:
  struct Record {
    unsigned type;
    std::uint32_t ttl;
    std::vector<std::uint8_t> data;  // no compression
  };
  struct Peer;
  struct Later;

  void add(const std::string& name, unsigned type, std::uint32_t ttl, std::vector<std::uint8_t> data);
  void serve();
  void read_datagrams();
  int answer_what_is_due();
  void answer(const Peer& peer, const std::vector<std::uint8_t>& packet) const;
  void take(std::span<const std::uint8_t> query, Peer peer);
  std::vector<std::uint8_t> reply(std::span<const std::uint8_t> query, const std::string& name, unsigned type) const;

  int udp_ = -1, tcp_ = -1, bell_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable asked_;
  std::multimap<std::string, Record> records_;
  std::map<std::string, DnsMisbehaviour> misbehaviours_;
  std::optional<std::uint32_t> negative_ttl_ = 60;
  std::vector<std::string> questions_;
  std::size_t over_tcp_ = 0;
  std::vector<Later> later_;  // of the thread alone
  std::thread thread_;
};

}  // namespace sipwsd::test
