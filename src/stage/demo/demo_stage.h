#pragma once
// Serves the demo phone (--demo): the page and its parts from demo_assets, and two small JSON answers it asks for. Only
// on loopback, only to a Host that is ours, and never a file of the disk (S06). Everything else is left to the edge.

#include <string>

#include "sipwsd/routing_stage.h"
#include "src/location/store.h"
#include "src/route/served_names.h"

namespace sipwsd::stage {

class DemoStage final : public RoutingStage {
 public:
  // `domain`: what the page registers its names at.
  DemoStage(location::Store& store, const route::ServedNames& names, std::string domain)
      : store_(store), names_(names), domain_(std::move(domain)) {}

  std::string_view name() const noexcept override { return "demo"; }
  Verdict on_http(HttpExchange& exchange) override;

 private:
  std::string about() const;   // {"domain":...,"version":...}
  std::string online() const;  // {"online":[...]}

  location::Store& store_;
  const route::ServedNames& names_;
  std::string domain_;
};

}  // namespace sipwsd::stage
