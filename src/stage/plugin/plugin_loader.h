#pragma once
// A routing stage from a shared object (include/sipwsd/plugin.h). The object is opened once, before the first fork, so
// that a wrong path or ABI stops the start; each worker then makes its own stage from it. It is never closed: code of
// it may stand in vtables until the process ends.

#include <memory>
#include <string>

#include "sipwsd/plugin.h"
#include "sipwsd/result.h"

namespace sipwsd::stage {

class Plugin {
 public:
  // `argument`: PATH or PATH,ARGUMENT. Errors say what to do about them.
  static Result<Plugin> load(const std::string& argument);

  const PluginDescriptor& descriptor() const noexcept { return *descriptor_; }
  const std::string& argument() const noexcept { return argument_; }

 private:
  Plugin(const PluginDescriptor& descriptor, std::string argument)
      : descriptor_(&descriptor), argument_(std::move(argument)) {}
  const PluginDescriptor* descriptor_;
  std::string argument_;
};

}  // namespace sipwsd::stage
