# SPDX-License-Identifier: Apache-2.0
# The menu. Each line is one step over meson; `make help` prints this list.

BUILD ?= build
MESON_OPTIONS ?=
PREFIX ?= /usr/local
MESON_TEST = meson test -C $(BUILD) --print-errorlogs

.DEFAULT_GOAL := all
.PHONY: all setup demo check check-fast bench bench-methods asan tsan fuzz browser install deb clean help

all: setup-build ## build the program into build/cli/likeness
	@$(MAKE) --no-print-directory compile

setup: ## install everything that building, the demonstration and the tests need
	@scripts/setup build test demo

demo: setup-demo compile ## audit a small real example and print the verdict
	@scripts/demo $(BUILD)/cli/likeness

check: setup-test compile-tests models ## run all tests
	@$(MESON_TEST)

check-fast: compile-tests ## run the unit and command-line tests
	@$(MESON_TEST) --suite unit --suite cli

bench: setup-bench compile ## measure speed and accuracy (see bench/README.md)
	@bench/run $(BUILD)

bench-methods: compile ## prove the measures on simulations and on real faces with planted leaks
	@bench/run_methods $(BUILD)

asan: setup-test compile models ## all tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory compile BUILD=build-asan MESON_OPTIONS="-Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized"
	@meson test -C build-asan --print-errorlogs --timeout-multiplier 4

# OpenBLAS synchronises its own threads in ways that the sanitizer does not see. Open MPI's memory hooks take locks when a thread ends,
# when the sanitizer has forgotten the thread.
tsan: setup-test compile models ## all tests under the thread sanitizer
	@$(MAKE) --no-print-directory compile BUILD=build-tsan MESON_OPTIONS="-Db_sanitize=thread -Db_lundef=false -Dbuildtype=debugoptimized"
	@OPENBLAS_NUM_THREADS=1 OMPI_MCA_memory=^patcher meson test -C build-tsan --print-errorlogs --timeout-multiplier 8

fuzz: setup-test setup-fuzz ## fuzz every parser, FUZZ_SECONDS=60 each
	@CC=clang $(MAKE) --no-print-directory compile BUILD=build-fuzz MESON_OPTIONS="-Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized"
	@scripts/fuzz build-fuzz $${FUZZ_SECONDS:-60}

browser: setup-test setup-browser compile-tests models ## open a report and a review in headless Chromium and take pictures
	@tests/browser/run $(BUILD)
	@tests/browser/run_review $(BUILD)

install: all ## install under PREFIX (default /usr/local)
	@meson install -C $(BUILD)

deb: setup-deb ## build Debian packages into build/deb (see debian/)
	@scripts/deb build/deb

clean: ## remove what was built (not what was fetched)
	rm -rf build build-asan build-tsan build-fuzz

help: ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

SETUP_PARTS = setup-build setup-test setup-demo setup-bench setup-fuzz setup-deb setup-browser setup-cuda
.PHONY: compile compile-tests models $(SETUP_PARTS)
$(SETUP_PARTS): setup-%:
	@scripts/setup $*

# The default recogniser and detector, and portraits to try them on; nothing to do when they are there.
models: compile
	@$(BUILD)/cli/likeness models fetch --quiet --accept-licence sface blazeface portraits

compile:
	@if [ ! -f $(BUILD)/build.ninja ]; then meson setup $(BUILD) --prefix $(PREFIX) $(MESON_OPTIONS) >$(BUILD).log 2>&1 \
		|| { cat $(BUILD).log; exit 1; }; rm -f $(BUILD).log; fi
	@ninja -C $(BUILD) -n 2>/dev/null | grep -q 'no work to do' || echo "building in $(BUILD)"
	@ninja -C $(BUILD) --quiet >$(BUILD)/ninja.log 2>&1 || { cat $(BUILD)/ninja.log; exit 1; }
	@grep -v 'no work to do' $(BUILD)/ninja.log || true

# A build that was set up before the tests' libraries were there has no tests: set it up again.
compile-tests: compile
	@if [ ! -d $(BUILD)/tests/unit ]; then meson setup --reconfigure $(BUILD) -Dtests=enabled >$(BUILD)/meson.log 2>&1 \
		|| { cat $(BUILD)/meson.log; exit 1; }; $(MAKE) --no-print-directory compile; fi
