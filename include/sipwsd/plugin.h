#pragma once
// A routing stage as a shared object, loaded by `--stage plugin:PATH`. The object exports one C symbol,
// `sipwsd_plugin`, of type PluginDescriptor. A wrong ABI version is refused at start-up, before any process is forked.
//
// Its code runs in the worker's sandbox, create() too: it may read files, append to files (O_WRONLY | O_CREAT | O_APPEND)
// and use internet and Unix sockets. Starting programs or threads, or writing otherwise, ends the worker with SIGSYS; a
// plug-in that must needs the parameter sandbox=off.

#include <cstdint>
#include <memory>

#include "sipwsd/routing_stage.h"

namespace sipwsd {

// Raised whenever anything under include/sipwsd changes its layout or meaning.
inline constexpr std::uint32_t plugin_abi_version = 2;

struct PluginDescriptor {
  std::uint32_t abi_version;
  const char* name;
  // Called once in each worker, after fork. `argument` is what follows the path in `plugin:PATH,ARGUMENT`, or "".
  RoutingStage* (*create)(const char* argument);
  void (*destroy)(RoutingStage*);
};

}  // namespace sipwsd

#define SIPWSD_PLUGIN(NAME, CREATE, DESTROY)                                                                    \
  extern "C" const ::sipwsd::PluginDescriptor sipwsd_plugin;                                                    \
  const ::sipwsd::PluginDescriptor sipwsd_plugin{::sipwsd::plugin_abi_version, NAME, CREATE, DESTROY}
