#include "src/stage/plugin/plugin_loader.h"

#include <dlfcn.h>

namespace sipwsd::stage {
namespace {

std::string words_of_the_loader() {
  const char* words = dlerror();
  return words != nullptr ? words : "unknown reason";
}

}  // namespace

Result<Plugin> Plugin::load(const std::string& argument) {
  const auto comma = argument.find(',');
  const std::string path = argument.substr(0, comma);
  if (path.empty()) return Error{Errc::malformed, "--stage plugin: needs the path of a shared object: --stage plugin:PATH"};
  void* object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return Error{Errc::not_found, "cannot load " + path + ": " + words_of_the_loader()};
  const auto* descriptor = static_cast<const PluginDescriptor*>(dlsym(object, "sipwsd_plugin"));
  if (descriptor == nullptr) return Error{Errc::malformed, path + " does not export sipwsd_plugin; see sipwsd/plugin.h"};
  if (descriptor->abi_version != plugin_abi_version)
    return Error{Errc::unsupported, path + " was built for plug-in ABI " + std::to_string(descriptor->abi_version) +
                                        ", this daemon has " + std::to_string(plugin_abi_version) + ": build it again"};
  if (descriptor->create == nullptr || descriptor->destroy == nullptr)
    return Error{Errc::malformed, path + ": sipwsd_plugin has no create or destroy function"};
  return Plugin{*descriptor, comma == std::string::npos ? std::string{} : argument.substr(comma + 1)};
}

}  // namespace sipwsd::stage
