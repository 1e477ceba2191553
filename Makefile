# sipwsd: nothing to configure. `make run` and `make test` install what is missing; every other target only builds.
#
#   make              build/sipwsd and build/sipwsctl
#   make run          the demo phone on loopback
#   make test         everything CI runs
#   make check        all tests and checks, no install        make check-<folder>   the unit tests of one folder
#   make check-long   the tests that take minutes             make bench            CPU per operation against Kamailio
#   make asan         ASan+UBSan build and tests              make fuzz             builds the fuzz targets
#   make man format install uninstall clean

MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash
BUILD ?= build
PREFIX ?= /usr
DESTDIR ?=
JOBS ?= $(shell nproc)
VERSION := 0.1.0

# --- flags, in one place -----------------------------------------------------------------------------------------------
# CCACHE=ccache makes a second build tree cheap; nothing needs it.
CCACHE ?=
CXX := g++
OPT ?= -O2 -g1
WARN := -Wall -Wextra -Wpedantic -Werror
HARDEN := -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
SANITIZE ?=
# g++ 12 sees ghosts in std::regex and std::function once they are instrumented.
QUIET_UNDER_SANITIZERS := $(if $(findstring clang,$(CXX)),,-Wno-maybe-uninitialized)
CPPFLAGS := -I. -Iinclude -DSIPWSD_VERSION='"$(VERSION)"' -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DFMT_SHARED
CXXFLAGS := -std=c++20 $(OPT) $(WARN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fPIE $(QUIET_UNDER_SANITIZERS),$(HARDEN))
LDFLAGS := -pie -Wl,-z,relro,-z,now -rdynamic $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS := -lre2 -lspdlog -lfmt -lre2 -lssl -lcrypto -lz -lcares -lsqlite3 -lseccomp -lunistring -ldl -pthread -lrt

# --- what is built -----------------------------------------------------------------------------------------------------
SIPWSCTL := $(wildcard src/main/sipwsctl*.cc)
# One archive a folder, listed from the highest floor to the lowest: that is also the link order.
FOLDERS := process metrics mi stage route auth location transaction net dns tls bus config ws sdp sip http db cfg shm os base
sources = $(if $(filter shm,$(1)),$(wildcard shm/*.cc),$(wildcard src/$(1)/*.cc src/$(1)/*/*.cc))
# The demo phone's page and JsSIP, as one source; made at build time.
DEMO := $(BUILD)/gen/demo_assets.cc
objects = $(patsubst %.cc,$(BUILD)/obj/%.o,$(1))
ARCHIVES := $(foreach f,$(FOLDERS),$(if $(call sources,$(f)),$(BUILD)/lib/$(f).a))

# What a folder's unit tests link: the folder, and what it may include.
uses.base :=
uses.os := base
uses.db := base
uses.shm := base
uses.cfg := base
uses.http := base
uses.sip := base
uses.sdp := base
uses.ws := http base
uses.config := http cfg base
uses.bus := shm os base
uses.tls := config http cfg shm os base
uses.dns := config http cfg shm os base
uses.net := tls bus config ws sip http cfg shm os base
uses.transaction := $(filter-out process metrics mi stage route auth location transaction,$(FOLDERS))
uses.location := $(uses.transaction)
uses.auth := $(uses.transaction)
uses.route := $(filter-out process metrics mi stage route,$(FOLDERS))
uses.stage := $(filter-out process metrics mi stage,$(FOLDERS))
uses.mi := $(filter-out process mi metrics,$(FOLDERS))
uses.metrics := $(uses.mi)
uses.process := $(filter-out process,$(FOLDERS))
UNIT_FOLDERS := $(foreach f,$(FOLDERS),$(if $(wildcard tests/$(f)/*_test.cc),$(f)))
UNIT_TESTS := $(UNIT_FOLDERS:%=$(BUILD)/tests/%)
SUPPORT := $(call objects,$(wildcard tests/support/*.cc))

.DEFAULT_GOAL := all
.PHONY: all run test check check-long check-floors check-headers check-man check-tests asan fuzz fuzz-build \
        fuzz-programs fuzz-smoke man install uninstall clean format bench tidy
.SECONDARY:
.DELETE_ON_ERROR:

all: $(BUILD)/sipwsd $(BUILD)/sipwsctl

$(BUILD)/obj/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX  $<"; $(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@

define archive_rule
$(BUILD)/lib/$(1).a: $(call objects,$(call sources,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call archive_rule,$(f))))

$(DEMO): scripts/embed-demo src/stage/demo/package-lock.json $(wildcard src/stage/demo/demo_page.* src/stage/demo/*.svg)
	@mkdir -p $(@D)
	@echo "  DEMO $@"; scripts/embed-demo $@
$(BUILD)/obj/gen/demo_assets.o: $(DEMO)
	@mkdir -p $(@D)
	@echo "  CXX  $<"; $(CCACHE) $(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c $< -o $@
$(BUILD)/lib/stage.a: $(BUILD)/obj/gen/demo_assets.o

$(BUILD)/sipwsd: $(call objects,$(filter-out $(SIPWSCTL),$(wildcard src/main/*.cc))) $(ARCHIVES)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $(filter %.o,$^) -Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive $(LIBS) -o $@

$(BUILD)/sipwsctl: $(call objects,$(SIPWSCTL)) $(foreach f,auth config db http cfg base,$(BUILD)/lib/$(f).a)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@

# --- tests -------------------------------------------------------------------------------------------------------------
# Code with numbered kill points (tests/shm/death_test.cc) is compiled a second time, with the points live.
KILLABLE := shm bus
$(BUILD)/obj-kill/%.o: %.cc
	@mkdir -p $(@D)
	@echo "  CXX  $< (kill points)"; $(CCACHE) $(CXX) $(CPPFLAGS) -DSIPWSD_KILL_POINTS $(CXXFLAGS) -MMD -MP -c $< -o $@
killable = $(patsubst %.cc,$(BUILD)/obj-kill/%.o,$(call sources,$(1)))
define killable_rule
$(BUILD)/lib-kill/$(1).a: $(call killable,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach f,$(KILLABLE),$(eval $(call killable_rule,$(f))))
test_archive = $(foreach f,$(1),$(if $(call sources,$(f)),$(if $(filter $(f),$(KILLABLE)),$(BUILD)/lib-kill/$(f).a,$(BUILD)/lib/$(f).a)))

define unit_rule
$(BUILD)/tests/$(1): $(call objects,$(wildcard tests/$(1)/*_test.cc)) $(if $(filter $(1),base os shm cfg http sip sdp ws config),,$(SUPPORT)) $(call test_archive,$(1)) $(call test_archive,$(uses.$(1)))
	@mkdir -p $$(@D)
	@echo "  LINK $$@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $$^ -lgtest_main -lgtest $(LIBS) -o $$@
check-$(1): $(BUILD)/tests/$(1)
	$(BUILD)/tests/$(1) --gtest_brief=1
endef
$(foreach f,$(UNIT_FOLDERS),$(eval $(call unit_rule,$(f))))

# The RFCs as a table, put to the daemon.
CONFORMANCE_APART := tests/conformance/differential_test.cc tests/conformance/wslay_server.cc
$(BUILD)/tests/conformance: $(call objects,$(filter-out $(CONFORMANCE_APART),$(wildcard tests/conformance/*.cc)) tests/sip/samples_test.cc) $(SUPPORT) $(BUILD)/lib/sip.a $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -lgtest $(LIBS) -o $@
# The same bytes to ws (npm) and libwslay: what only `make test` installs.
DIFFERENTIAL := $(BUILD)/tests/differential $(BUILD)/tests/wslay-server
$(BUILD)/tests/wslay-server: $(call objects,tests/conformance/wslay_server.cc)
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -lwslay -o $@
$(BUILD)/tests/differential: $(call objects,tests/conformance/differential_test.cc $(filter-out $(CONFORMANCE_APART) tests/conformance/conformance_test.cc tests/conformance/sip_conformance_test.cc,$(wildcard tests/conformance/*.cc)) tests/sip/samples_test.cc) $(SUPPORT) $(BUILD)/lib/sip.a $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $^ -lgtest_main -lgtest $(LIBS) -o $@
check-differential: $(BUILD)/sipwsd $(DIFFERENTIAL)
	SIPWSD_BUILD=$(BUILD) $(BUILD)/tests/differential --gtest_brief=1
check-conformance: $(BUILD)/sipwsd $(BUILD)/tests/conformance
	SIPWSD_BUILD=$(BUILD) $(BUILD)/tests/conformance --gtest_brief=1

# The daemon with live kill points, for the process tests.
$(BUILD)/sipwsd-killable: $(call objects,$(filter-out $(SIPWSCTL),$(wildcard src/main/*.cc))) $(call test_archive,$(FOLDERS))
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $(filter %.o,$^) -Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive $(LIBS) -o $@
# A routing stage of somebody else's: only the contract's headers.
$(BUILD)/tests/example_stage.so: tests/stage/plugin/example_stage.cc $(wildcard include/sipwsd/*.h)
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CXX) -std=c++20 -Iinclude -O1 -fPIC -shared $(WARN) $< -o $@

TEST_PROGRAMS := $(UNIT_TESTS) $(BUILD)/bench/abuse $(BUILD)/tests/conformance $(BUILD)/tests/example_stage.so $(BUILD)/sipwsd-killable
check-tests: all $(TEST_PROGRAMS)
	@SIPWSD_BUILD=$(BUILD) scripts/run-tests --jobs $(JOBS) $(UNIT_ITEMS) $(SCRIPT_ITEMS) $(ABUSE_ITEMS)
ABUSE_ITEMS := "abuse=$(BUILD)/bench/abuse --quick --sipwsd $(BUILD)/sipwsd"
UNIT_ITEMS := $(foreach t,$(UNIT_TESTS),$(t)$(if $(filter process,$(notdir $(t))),:4)) $(BUILD)/tests/conformance:4
SCRIPT_ITEMS := $(foreach t,$(sort $(wildcard tests/scripts/*_test)),"$(notdir $(t))=$(t) $(BUILD)")
CLIENT_ITEMS := $(BUILD)/tests/differential "clients=SIPWSD=$(abspath $(BUILD))/sipwsd node tests/clients/run.mjs"

check-floors:
	@scripts/check-floors
check-headers:
	@scripts/check-headers $(CXX) $(CPPFLAGS) -std=c++20 $(WARN)
check-man: all
	@scripts/gen-man --check $(BUILD)/sipwsd
man: all
	scripts/gen-man $(BUILD)/sipwsd

check: check-floors check-headers check-man check-tests
check-long: all $(BENCH_PROGRAMS) $(BUILD)/bench/abuse
	@scripts/run-tests --jobs 1 --seconds 3600 "calls under kill=$(BUILD)/bench/calls-under-kill --sipwsd $(BUILD)/sipwsd" \
	  "abuse=$(BUILD)/bench/abuse --sipwsd $(BUILD)/sipwsd" \
	  "reconnect storm=$(BUILD)/bench/reconnect-storm --sipwsd $(BUILD)/sipwsd" \
	  "unanswered=tests/bench/run-unanswered --sipwsd $(BUILD)/sipwsd --load $(BUILD)/bench/sip-load" \
	  "soak=$(BUILD)/bench/soak --sipwsd $(BUILD)/sipwsd --minutes $(SOAK_MINUTES)"
SOAK_MINUTES ?= 30

run:
	@scripts/install-deps build
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@exec $(BUILD)/sipwsd --demo -F

test:
	@scripts/install-deps all
	@$(MAKE) --no-print-directory -j$(JOBS) all $(TEST_PROGRAMS) $(DIFFERENTIAL)
	@$(MAKE) --no-print-directory fuzz-build
	@$(MAKE) --no-print-directory -j$(JOBS) check-floors check-headers check-man
	@SIPWSD_BUILD=$(BUILD) scripts/run-tests --jobs $(JOBS) $(UNIT_ITEMS) $(SCRIPT_ITEMS) $(ABUSE_ITEMS) $(CLIENT_ITEMS) "fuzz=$(MAKE) --no-print-directory fuzz-smoke"

asan:
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=build-asan SANITIZE=address,undefined OPT="-O1 -g" check-tests

# --- fuzzing: libFuzzer, so clang; the first line of a target names the archives it links --------------------------------
FUZZ_TARGETS := $(patsubst tests/fuzz/%_fuzz.cc,%,$(wildcard tests/fuzz/*_fuzz.cc))
FUZZ_BUILD := build-fuzz
fuzz-build:
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(FUZZ_BUILD) CXX=clang++ SANITIZE=fuzzer-no-link,address,undefined OPT="-O1 -g" fuzz-programs
fuzz: fuzz-build
fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/fuzz/%)
fuzz_links = $(shell sed -n '1s,^// links: ,,p' tests/fuzz/$(1)_fuzz.cc)
define fuzz_rule
$(BUILD)/fuzz/$(1): $(BUILD)/obj/tests/fuzz/$(1)_fuzz.o $(foreach f,$(call fuzz_links,$(1)),$(BUILD)/lib/$(f).a)
	@mkdir -p $$(@D)
	@echo "  LINK $$@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) -fsanitize=fuzzer,address,undefined $$^ $(LIBS) -o $$@
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$(t))))
FUZZ_SECONDS ?= 3
fuzz-smoke: fuzz-build
	@scripts/fuzz-smoke $(FUZZ_BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# --- benchmarks ----------------------------------------------------------------------------------------------------------
BENCH_MAINS := sip_load calls_under_kill soak reconnect_storm bare_openssl_server
BENCH_PROGRAMS := $(foreach m,$(BENCH_MAINS),$(BUILD)/bench/$(subst _,-,$(m)))
BENCH_COMMON := $(call objects,$(filter-out $(BENCH_MAINS:%=tests/bench/%.cc),$(wildcard tests/bench/*.cc)))
define bench_rule
$(BUILD)/bench/$(subst _,-,$(1)): $(call objects,tests/bench/$(1).cc) $(BENCH_COMMON) $(BUILD)/lib/base.a
	@mkdir -p $$(@D)
	@echo "  LINK $$@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $$^ $(LIBS) -o $$@
endef
$(foreach m,$(BENCH_MAINS),$(eval $(call bench_rule,$(m))))
# What bystanders see while the daemon is attacked: --quick in `make check`, whole in `make check-long`.
$(BUILD)/bench/abuse: $(call objects,$(wildcard tests/abuse/*.cc)) $(BENCH_COMMON) $(BUILD)/lib/base.a
	@mkdir -p $(@D)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $^ $(LIBS) -o $@
bench: all $(BENCH_PROGRAMS)
	tests/bench/run-bench --sipwsd $(BUILD)/sipwsd --load $(BUILD)/bench/sip-load $(BENCH_FLAGS)
	tests/bench/run-tls-bench --sipwsd $(BUILD)/sipwsd --load $(BUILD)/bench/sip-load --bare $(BUILD)/bench/bare-openssl-server $(TLS_BENCH_FLAGS)

# --- the rest ------------------------------------------------------------------------------------------------------------
format:
	clang-format -i $(shell git ls-files '*.h' '*.cc')
tidy:
	@clang-tidy $(or $(FILES),$(wildcard src/*/*.cc src/stage/*/*.cc shm/*.cc)) -- $(CPPFLAGS) -std=c++20

install: all
	install -D -m 755 $(BUILD)/sipwsd $(DESTDIR)$(PREFIX)/sbin/sipwsd
	install -D -m 755 $(BUILD)/sipwsctl $(DESTDIR)$(PREFIX)/bin/sipwsctl
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/include/sipwsd include/sipwsd/*.h
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man5 man/*.5
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man7 man/*.7
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 man/*.8
	install -D -m 755 scripts/init.d/sipwsd $(DESTDIR)/etc/init.d/sipwsd
	install -D -m 644 scripts/sipwsd.service $(DESTDIR)/lib/systemd/system/sipwsd.service
	install -D -m 644 scripts/logrotate $(DESTDIR)/etc/logrotate.d/sipwsd
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/sipwsd/examples etc/edge-example.cfg etc/nginx-example.conf etc/haproxy-example.cfg
	test -e $(DESTDIR)/etc/sipwsd/sipwsd.cfg || install -D -m 644 etc/sipwsd.cfg $(DESTDIR)/etc/sipwsd/sipwsd.cfg
	test -e $(DESTDIR)/etc/default/sipwsd || install -D -m 644 etc/default/sipwsd $(DESTDIR)/etc/default/sipwsd

# Configuration stays: it is the operator's.
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/sipwsd $(DESTDIR)$(PREFIX)/bin/sipwsctl
	rm -rf $(DESTDIR)$(PREFIX)/include/sipwsd
	rm -f $(foreach n,1 5 7 8,$(patsubst man/%,$(DESTDIR)$(PREFIX)/share/man/man$(n)/%,$(wildcard man/*.$(n))))
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/sipwsd
	rm -f $(DESTDIR)/etc/init.d/sipwsd $(DESTDIR)/lib/systemd/system/sipwsd.service $(DESTDIR)/etc/logrotate.d/sipwsd

clean:
	rm -rf $(BUILD) build-asan $(FUZZ_BUILD)

-include $(shell find $(BUILD)/obj $(BUILD)/obj-kill -name '*.d' 2>/dev/null)
