#include "src/stage/plugin/plugin_loader.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/test_server.h"

namespace sipwsd::stage {
namespace {

// A plug-in that loads, and one of another ABI, are tried with the real daemon in tests/process.
TEST(PluginLoader, SaysWhatIsWrongAndWhatToDo) {
  EXPECT_EQ(Plugin::load("").error().why, "--stage plugin: needs the path of a shared object: --stage plugin:PATH");
  EXPECT_EQ(Plugin::load(",argument").error().code, Errc::malformed);

  const auto missing = Plugin::load("/nowhere/stage.so,argument");
  ASSERT_TRUE(missing.is(Errc::not_found));
  EXPECT_TRUE(missing.error().why.starts_with("cannot load /nowhere/stage.so: ")) << missing.error().why;

  const test::Scratch scratch;
  std::ofstream(scratch / "stage.so") << "not an object";
  const auto no_object = Plugin::load(scratch / "stage.so");
  ASSERT_TRUE(no_object.is(Errc::not_found));
  EXPECT_TRUE(no_object.error().why.starts_with("cannot load " + (scratch / "stage.so"))) << no_object.error().why;
}

TEST(PluginLoader, RefusesALibraryThatIsNoStage) {
  const auto other = Plugin::load("libm.so.6");
  ASSERT_TRUE(other.is(Errc::malformed));
  EXPECT_EQ(other.error().why, "libm.so.6 does not export sipwsd_plugin; see sipwsd/plugin.h");
}

}  // namespace
}  // namespace sipwsd::stage
