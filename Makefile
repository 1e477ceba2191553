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
CPPFLAGS := -I. -Iinclude -DSIPWSD_VERSION='"$(VERSION)"' -DSPDLOG_COMPILED_LIB -DSPDLOG_FMT_EXTERNAL -DFMT_SHARED
CXXFLAGS := -std=c++20 $(OPT) $(WARN) $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fPIE,$(HARDEN))
LDFLAGS := -pie -Wl,-z,relro,-z,now -rdynamic $(if $(SANITIZE),-fsanitize=$(SANITIZE))
LIBS := -lspdlog -lfmt -lre2 -lssl -lcrypto -lunistring -ldl -pthread -lrt

# --- what is built -----------------------------------------------------------------------------------------------------
# One archive a folder, listed from the highest floor to the lowest: that is also the link order.
FOLDERS := process metrics mi stage route auth location transaction net bus config ws sdp sip http cfg shm os base
sources = $(if $(filter shm,$(1)),$(wildcard shm/*.cc),$(wildcard src/$(1)/*.cc src/$(1)/*/*.cc))
objects = $(patsubst %.cc,$(BUILD)/obj/%.o,$(1))
ARCHIVES := $(foreach f,$(FOLDERS),$(if $(call sources,$(f)),$(BUILD)/lib/$(f).a))

# What a folder's unit tests link: the folder, and what it may include.
uses.base :=
uses.os := base
uses.shm := base
uses.cfg := base
uses.http := base
uses.sip := base
uses.sdp := base
uses.ws := http base
uses.config := cfg base
uses.bus := shm os base
uses.net := bus config ws sip http cfg shm os base
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
.PHONY: all run test check check-long check-floors check-headers check-man check-tests asan fuzz fuzz-smoke man install \
        uninstall clean format bench tidy
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

$(BUILD)/sipwsd: $(call objects,$(filter-out src/main/sipwsctl.cc,$(wildcard src/main/*.cc))) $(ARCHIVES)
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $(filter %.o,$^) -Wl,--whole-archive $(filter %.a,$^) -Wl,--no-whole-archive $(LIBS) -o $@

$(BUILD)/sipwsctl: $(call objects,src/main/sipwsctl.cc) $(BUILD)/lib/base.a
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
	@echo "  LINK $@"; $(CXX) $(CXXFLAGS) $(LDFLAGS) $$^ -lgtest_main -lgtest $(LIBS) -o $$@
check-$(1): $(BUILD)/tests/$(1)
	$(BUILD)/tests/$(1) --gtest_brief=1
endef
$(foreach f,$(UNIT_FOLDERS),$(eval $(call unit_rule,$(f))))

-include $(shell find $(BUILD)/obj $(BUILD)/obj-kill -name '*.d' 2>/dev/null)
