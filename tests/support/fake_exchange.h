#pragma once
// A RequestExchange for stages and gatekeepers: gives what a test says and keeps what was done.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sipwsd/exchange.h"
#include "src/sip/from_to.h"
#include "src/sip/message.h"
#include "src/sip/uri.h"

namespace sipwsd::test {

class ParsedMessage final : public SipMessageView {
 public:
  explicit ParsedMessage(std::string text) : text_(std::move(text)), parsed_(text_) {
    if (!parsed_) throw std::runtime_error("the test's own message does not parse: " + text_);
  }
  const sip::MessageView& view() const noexcept { return *parsed_; }
  bool is_request() const noexcept override { return view().is_request(); }
  std::string_view method() const noexcept override { return view().method_text(); }
  std::string_view request_uri() const noexcept override { return view().request_uri(); }
  int status_code() const noexcept override { return view().status(); }
  std::string_view reason() const noexcept override { return view().reason(); }
  std::string_view header(std::string_view name, std::size_t index) const noexcept override {
    for (const sip::Header& header : view().all(name))
      if (index-- == 0) return header.value;
    return {};
  }
  std::string_view body() const noexcept override { return view().body(); }
  std::string_view bytes() const noexcept override { return view().bytes(); }

 private:
  std::string text_;
  sip::Parsed parsed_;
};

class FakeRequestExchange final : public RequestExchange {
 public:
  struct Reply {
    int status = 0;
    std::string reason;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> all(std::string_view name) const {
      std::vector<std::string> found;
      for (const auto& [n, v] : headers)
        if (n == name) found.push_back(v);
      return found;
    }
  };

  explicit FakeRequestExchange(std::string text) : message_(std::move(text)) {}

  // --- what a test says
  std::set<std::string> own_hosts{"example.org"};
  std::vector<Target> bindings;
  Result<void> in_dialog = Errc::not_found;
  bool from_peer = false, upstream = false, flow_token = false, knows_no_gruu = false;
  std::set<std::string> peer_hosts;
  std::string authenticated;  // by the handshake

  // --- what was done, in order: "401 Unauthorized", "relay", "in-dialog", "save", "drop"
  std::vector<std::string> acts;
  Reply last_reply;
  std::vector<Target> relayed;
  mutable std::vector<std::string> looked_up;

  const Arrival& arrival() const noexcept override { return arrival_; }
  const SipMessageView& message() const noexcept override { return message_; }
  bool is_ours(std::string_view uri) const override {
    const auto parsed = sip::parse_uri(uri);
    return parsed && parsed->is_sip() && own_hosts.contains(std::string(parsed->host));
  }
  bool has_to_tag() const noexcept override { return !sip::to_tag(message_.view()).empty(); }
  std::string_view authenticated_aor() const noexcept override { return authenticated; }
  bool is_from_peer() const noexcept override { return from_peer; }
  bool is_peer(std::string_view uri) const override {
    const auto parsed = sip::parse_uri(uri);
    return parsed && parsed->is_sip() && peer_hosts.contains(std::string(parsed->host));
  }
  bool has_upstream() const noexcept override { return upstream; }
  bool has_flow_token() const noexcept override { return flow_token; }
  void reply(int status, std::string_view reason, std::span<const HeaderLine> headers, std::string_view) override {
    last_reply = {status, std::string(reason), {}};
    for (const auto& h : headers) last_reply.headers.emplace_back(h.name, h.value);
    acts.push_back(std::to_string(status) + " " + std::string(reason));
  }
  Result<std::vector<Target>> lookup(std::string_view aor_uri) const override {
    looked_up.emplace_back(aor_uri);
    if (knows_no_gruu) return Errc::not_found;
    return bindings;
  }
  void relay(std::span<const Target> targets) override {
    relayed.assign(targets.begin(), targets.end());
    acts.emplace_back(targets.empty() ? "relay to nobody" : "relay");
  }
  Result<void> relay_in_dialog() override {
    if (in_dialog) acts.emplace_back("in-dialog");
    return in_dialog;
  }
  void relay_upstream() override { acts.emplace_back("upstream"); }
  void save_registration() override { acts.emplace_back("save"); }
  void drop() override { acts.emplace_back("drop"); }

 private:
  ParsedMessage message_;
  Arrival arrival_;
};

}  // namespace sipwsd::test
