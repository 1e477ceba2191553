#pragma once
// What stages see: the contract's exchanges over a real connection, transaction and location service. Each lives on the
// stack of Router during one call to the stages.

#include <optional>
#include <string>

#include "sipwsd/exchange.h"
#include "src/http/head_parser.h"
#include "src/location/flow_token.h"
#include "src/net/stream_connection.h"
#include "src/sip/message.h"
#include "src/transaction/core.h"

namespace sipwsd::route {

class Router;

class MessageAdapter final : public SipMessageView {
 public:
  explicit MessageAdapter(const sip::MessageView& message) : message_(message) {}
  bool is_request() const noexcept override { return message_.is_request(); }
  std::string_view method() const noexcept override;
  std::string_view request_uri() const noexcept override { return message_.request_uri(); }
  int status_code() const noexcept override { return message_.status(); }
  std::string_view reason() const noexcept override { return message_.reason(); }
  std::string_view header(std::string_view name, std::size_t index) const noexcept override;
  std::string_view body() const noexcept override { return message_.body(); }
  std::string_view bytes() const noexcept override { return message_.bytes(); }

 private:
  const sip::MessageView& message_;
};

class DataExchangeImpl final : public DataExchange {
 public:
  DataExchangeImpl(net::StreamConnection& connection, ws::Opcode opcode, std::string_view bytes)
      : connection_(connection), arrival_(connection.arrival()), opcode_(opcode), bytes_(bytes) {}
  const Arrival& arrival() const noexcept override { return arrival_; }
  bool is_text() const noexcept override { return opcode_ == ws::Opcode::text; }
  std::string_view bytes() const noexcept override { return bytes_; }
  Result<void> send(std::string_view bytes, bool as_text) override;
  void close(std::uint16_t status, std::string_view reason) override;

 private:
  net::StreamConnection& connection_;
  Arrival arrival_;
  ws::Opcode opcode_;
  std::string_view bytes_;
};

class HttpExchangeImpl final : public HttpExchange {
 public:
  HttpExchangeImpl(Router& router, net::StreamConnection& connection, const http::RequestHead& request)
      : router_(router), connection_(connection), request_(request), arrival_(connection.arrival()) {}
  const Arrival& arrival() const noexcept override { return arrival_; }
  std::string_view method() const noexcept override { return request_.method; }
  std::string_view target() const noexcept override { return request_.target; }
  std::string_view header(std::string_view name) const noexcept override;
  bool is_upgrade() const noexcept override;
  void set_authenticated_aor(std::string_view aor) override { connection_.set_authenticated_aor(aor); }
  bool accept_websocket() override;
  void reply(int status, std::string_view reason, std::span<const HeaderLine> headers, std::string_view body) override;

  bool is_answered() const noexcept { return answered_; }

 private:
  Router& router_;
  net::StreamConnection& connection_;
  const http::RequestHead& request_;
  Arrival arrival_;
  bool answered_ = false;
};

class RequestExchangeImpl final : public RequestExchange {
 public:
  RequestExchangeImpl(Router& router, transaction::RequestContext& context);
  const Arrival& arrival() const noexcept override { return context_.arrival(); }
  const SipMessageView& message() const noexcept override { return adapter_; }
  bool is_ours(std::string_view uri) const override;
  bool has_to_tag() const noexcept override;
  bool is_from_peer() const noexcept override;
  bool is_peer(std::string_view uri) const override;
  bool has_upstream() const noexcept override;
  bool has_flow_token() const noexcept override { return token_.has_value(); }
  std::string_view authenticated_aor() const noexcept override;
  void reply(int status, std::string_view reason, std::span<const HeaderLine> headers, std::string_view body) override;
  Result<std::vector<Target>> lookup(std::string_view aor_uri) const override;
  void relay(std::span<const Target> targets) override;
  Result<void> relay_in_dialog() override;
  void relay_upstream() override;
  void save_registration() override;
  void drop() override { context_.drop(); }

  bool is_done() const noexcept { return context_.is_done(); }

 private:
  Router& router_;
  transaction::RequestContext& context_;
  MessageAdapter adapter_;
  // Whose Proxy-Authorization is for us (RFC 3261 22.3); empty: we ask for none, or there is none.
  std::string own_realm() const;
  bool has_ended(const location::FlowEnd& end) const;
  const location::FlowEnd* other_end(const location::FlowPair& ends) const;

  std::size_t own_routes_ = 0;  // topmost Route values that name us (RFC 3261 16.4)
  std::string foreign_route_;   // the URI behind them
  bool has_strange_route_ = false;  // behind them stands what is no SIP URI
  std::optional<Result<location::FlowPair>> token_;  // in the first of them that has one
};

class ReplyExchangeImpl final : public ReplyExchange {
 public:
  explicit ReplyExchangeImpl(transaction::ReplyContext& context) : context_(context), adapter_(context.message()) {}
  const Arrival& arrival() const noexcept override { return context_.arrival(); }
  const SipMessageView& message() const noexcept override { return adapter_; }
  void drop() override { context_.drop(); }

 private:
  transaction::ReplyContext& context_;
  MessageAdapter adapter_;
};

}  // namespace sipwsd::route
