#include "tests/conformance/row.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <utility>

namespace sipwsd::test::conformance {
namespace {

// src/ws/close_code.h has its own; these are what goes over the wire, and a change there has to be meant.
std::string words_for(int code) {
  static const std::map<int, std::string> words{{1002, "Protocol error"},    {1007, "Invalid payload"},
                                                {1008, "Policy violation"}, {1009, "Message too big"}};
  return words.at(code);
}

}  // namespace

void Section::row(std::string sentence, std::string sent, Outcome outcome) {
  row_with_offer({}, std::move(sentence), std::move(sent), std::move(outcome));
}

void Section::row_with_offer(std::string offer, std::string sentence, std::string sent, Outcome outcome) {
  rows_.push_back({fmt::format("{}-{:02}", name_, ++count_), std::move(sentence), std::move(sent), std::move(outcome), profile_,
                   from_, std::move(offer)});
}

Outcome answers(std::vector<std::string> replies) { return {std::move(replies), Then::open}; }
Outcome nothing() { return {{}, Then::open}; }
Outcome waits() { return {{}, Then::waits}; }

Outcome fails(int code, std::vector<std::string> before) {
  return closes("close " + std::to_string(code) + " " + words_for(code), std::move(before));
}

Outcome closes(std::string_view reply, std::vector<std::string> before) {
  before.emplace_back(reply);
  return {std::move(before), Then::ends};
}

std::string shown(std::string_view payload) {
  if (payload.size() <= 200) return std::string(payload);
  return fmt::format("{}... {} bytes, hash {:x}", payload.substr(0, 20), payload.size(), std::hash<std::string_view>{}(payload));
}

const Rows& all_rows() {
  static const Rows all = [] {
    Rows rows;
    add_opening_rows(rows);
    add_head_rows(rows);
    add_framing_rows(rows);
    add_closing_rows(rows);
    add_utf8_rows(rows);
    add_sip_rows(rows);
    add_deflate_rows(rows);
    return rows;
  }();
  return all;
}

}  // namespace sipwsd::test::conformance
