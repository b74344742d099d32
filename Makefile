# One non-recursive Makefile. Everything built goes below build/<variant>/ (release, asan, tsan, cov, fuzz).
#
# How it finds things, so that a new file needs no line here:
#   common/**.c                 linked into everything
#   pbs/**.c, idr/**.c          the services; main.c of each is left out of the tests
#   tests/unit/[dir/]test_X.c   one cmocka program each; a test below tests/unit/pbs or tests/unit/idr is
#                               linked with that service, one directly in tests/unit with common only
#   tools/{common,pbs,idr}/X.c  one program each, bin/X with _ turned into -, linked likewise
#   tests/fakes/X.c             stand-alone helpers of the tests, bin/X
#   tests/fuzz/{common,pbs,idr}/fuzz_X.c  LLVMFuzzerTestOneInput; corpus in tests/corpus/X/
VARIANT ?= release
B       := build/$(VARIANT)
PKGS    := libcurl libpsl jansson libmicrohttpd hiredis libpq yaml-0.1 sqlite3 libcrypto libssl zlib libcrypt
CC      ?= cc
PYTHON  ?= /usr/bin/python3
# V=1 shows the commands
Q := $(if $(V),,@)

CFLAGS.release := -O2 -g -fno-plt
# Prices must be the same doubles on every machine: no fused multiply-add where the processor has one.
FP := -ffp-contract=off
CFLAGS.asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS.tsan    := -O1 -g -fsanitize=thread
CFLAGS.cov     := -O0 -g --coverage
CFLAGS.fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# Sanitizers want the C library's allocator; elsewhere jemalloc halves what jansson's small objects cost.
LIBS.release   := -ljemalloc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
ifeq ($(CI),true)
WARN += -Werror
endif
# the router's sums are estimates, and vectors of floats are faster with it
$(B)/idr/core/%.o: FP := -ffp-contract=fast
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(WARN) $(FP) $(CFLAGS.$(VARIANT)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   = $(PKG_LIBS) $(LIBS.$(VARIANT)) -lm -pthread

ifneq ($(filter-out deps help clean format check-format check-deps run demo e2e,$(or $(MAKECMDGOALS),all)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))
endif

src   = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
obj   = $(patsubst %.c,$(B)/%.o,$(1))
COMMON := $(call obj,$(call src,common))
PBS    := $(call obj,$(call src,pbs))
IDR    := $(call obj,$(call src,idr))
# Archives, so that each of many test programs links only what it uses. Order matters to the linker: users first.
COMMON_LIB := $(B)/lib/common.a
PBS_LIB    := $(B)/lib/pbs.a $(COMMON_LIB)
IDR_LIB    := $(B)/lib/idr.a $(COMMON_LIB)

TESTS_COMMON := $(call src,$(wildcard tests/unit/test_*.c))
TESTS_PBS    := $(call src,tests/unit/pbs)
TESTS_IDR    := $(call src,tests/unit/idr)
UNIT_BINS := $(patsubst tests/unit/%.c,$(B)/check/%,$(TESTS_COMMON) $(TESTS_PBS) $(TESTS_IDR))
FUZZ      := $(call src,tests/fuzz/common tests/fuzz/pbs tests/fuzz/idr)
fuzz_bin  = $(B)/replay/$(basename $(notdir $(1)))
FUZZ_BINS := $(foreach t,$(FUZZ),$(call fuzz_bin,$(t)))
tool_bin  = $(B)/bin/$(subst _,-,$(basename $(notdir $(1))))
TOOLS     := $(call src,tools)
FAKES     := $(wildcard tests/fakes/*.c)
TOOL_BINS := $(foreach t,$(TOOLS) $(FAKES),$(call tool_bin,$(t)))
MAINS     := $(foreach s,pbs idr,$(if $(wildcard $(s)/main.c),$(B)/bin/nexus-$(s)))

all: $(MAINS) $(TOOL_BINS) ## build both services and the tools

$(B)/lib/common.a: $(COMMON)
$(B)/lib/pbs.a: $(filter-out $(B)/pbs/main.o,$(PBS))
$(B)/lib/idr.a: $(filter-out $(B)/idr/main.o,$(IDR))
$(B)/bin/nexus-pbs: $(B)/pbs/main.o $(PBS_LIB)
$(B)/bin/nexus-idr: $(B)/idr/main.o $(IDR_LIB)
$(foreach t,$(filter tools/common/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(COMMON_LIB)))
$(foreach t,$(filter tools/pbs/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(PBS_LIB)))
$(foreach t,$(filter tools/idr/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(IDR_LIB)))
$(foreach t,$(FAKES),$(eval $(call tool_bin,$(t)): $(call obj,$(t))))
$(foreach t,$(TESTS_COMMON),$(eval $(B)/check/$(basename $(notdir $(t))): $(call obj,$(t)) $(COMMON_LIB)))
$(foreach t,$(TESTS_PBS),$(eval $(patsubst tests/unit/%.c,$(B)/check/%,$(t)): $(call obj,$(t)) $(PBS_LIB)))
$(foreach t,$(TESTS_IDR),$(eval $(patsubst tests/unit/%.c,$(B)/check/%,$(t)): $(call obj,$(t)) $(IDR_LIB)))

# In every variant but fuzz a target is linked with a main that replays its corpus, as one more unit test.
$(foreach t,$(filter tests/fuzz/common/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(COMMON_LIB)))
$(foreach t,$(filter tests/fuzz/pbs/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(PBS_LIB)))
$(foreach t,$(filter tests/fuzz/idr/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(IDR_LIB)))
$(FUZZ_BINS): $(if $(filter fuzz,$(VARIANT)),,$(B)/tests/fuzz/replay.o)

OBJS_AND_LIBS = $(filter %.o,$^) $(filter %.a,$^)
$(B)/lib/%.a:
	@mkdir -p $(@D); rm -f $@
	@echo "  AR   $@"
	$(Q)$(AR) rcs $@ $^
$(B)/bin/% :
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJS_AND_LIBS) $(ALL_LIBS)
$(B)/check/% :
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(OBJS_AND_LIBS) $(ALL_LIBS) -lcmocka
$(B)/replay/% :
	@mkdir -p $(@D)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $(OBJS_AND_LIBS) $(ALL_LIBS)
$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/.flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# The bidder in C that docs/bidders.md shows, for the test that runs it.
$(B)/gen/docs/acme.c: docs/bidders.md
	@mkdir -p $(@D)
	@awk '/^```$$/ { on = 0 } on { print } /^```c$$/ { on = 1 }' $< > $@
$(B)/tests/unit/pbs/test_docs_bidders.o: $(B)/gen/docs/acme.c

# The dashboard's files, as lists of numbers for the arrays of idr/web/files.c.
$(B)/gen/%.inc: %
	@mkdir -p $(@D)
	@od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g' > $@
$(B)/idr/web/files.o: $(patsubst %,$(B)/gen/%.inc,$(wildcard idr/web/*.html idr/web/*.svg idr/web/*.css idr/web/*.js))

# Loops over bidders: vectorised, sums in any order. Not -ffinite-math-only: input is checked for NaN.
$(B)/idr/core/%.o: ALL_CFLAGS += -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math -freciprocal-math
-include tests/sim/sim.mk

# Debian 12 packages: what is linked, what builds, what the tests need.
DEPS_BUILD := build-essential pkg-config libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libhiredis-dev libpq-dev \
	libyaml-dev libsqlite3-dev libssl-dev zlib1g-dev libcrypt-dev libpsl-dev libjemalloc-dev
DEPS_RUN   := python3 ca-certificates
DEPS_TEST  := libcmocka-dev python3-pytest python3-yaml python3-jsonschema clang clang-format clang-tidy libclang-rt-14-dev \
	valgrind git curl jq wrk redis-server postgresql nginx-light
# Debian's Node.js only where there is none: the page's build wants version 20 or later.
DEPS_NPM   := $(if $(shell command -v npm),,nodejs npm)
DEPS_E2E   := chromium fonts-dejavu-core $(DEPS_NPM)
DEPS_DEPLOY := shellcheck yamllint docker-compose sqlite3 iproute2 iptables openssl prometheus prometheus-alertmanager \
	prometheus-node-exporter prometheus-redis-exporter prometheus-postgres-exporter prometheus-nginx-exporter \
	prometheus-blackbox-exporter pebble certbot mmdebstrap buildah podman runc conmon netavark aardvark-dns catatonit
deps: ## install the Debian packages that building, running and testing need
	@deploy/scripts/install-deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_TEST)

run: ## install, build, run both services with mock bidders and show auctions; ONCE=1 ends by itself
	@deploy/scripts/install-deps $(DEPS_BUILD) $(DEPS_RUN)
	@$(MAKE) --no-print-directory -j2 bins
	@$(PYTHON) deploy/demo/run.py --bin $(B)/bin $(if $(ONCE),--once)
demo: ## serve a page with Prebid.js beside both services and mock bidders
	@deploy/scripts/install-deps $(DEPS_BUILD) $(DEPS_RUN) $(DEPS_NPM)
	@$(MAKE) --no-print-directory -j2 bins
	@deploy/demo/build-page $(abspath build/demo)
	@$(PYTHON) deploy/demo/serve.py --bin $(B)/bin $(DEMO_ARGS)
bins: $(MAINS) $(B)/bin/mockbidder

test: all ## unit tests, adapter vectors, integration tests against the real binaries
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory check-vectors
	@$(MAKE) --no-print-directory integration
chaos: all ## the tests that kill processes under load, in their long form (CHAOS_ROUNDS=100)
	@CHAOS_ROUNDS=$(or $(CHAOS_ROUNDS),100) NEXUS_BIN=$(abspath $(B))/bin $(PYTHON) -m pytest -q -p no:cacheprovider \
		tests/integration/test_idr_learning.py tests/integration/test_idr_postgres.py \
		tests/integration/test_idr_redis.py -k "lost or killed"
integration: all
	@NEXUS_BIN=$(abspath $(B))/bin $(PYTHON) -m pytest -q -p no:cacheprovider tests/integration $(PYTEST_ARGS)

deploy-check: bins ## check images', compose, nginx, Fly, Kubernetes and monitoring files; skips what cannot run here
	@deploy/scripts/install-deps $(DEPS_RUN) $(DEPS_DEPLOY) || true # what is missing is counted as skipped
	@NEXUS_BIN=$(abspath $(B))/bin PYTHON=$(PYTHON) tests/deploy/check

e2e: ## the page in headless Chromium against the real binaries; screenshots in build/e2e
	@deploy/scripts/install-deps $(DEPS_RUN) $(DEPS_E2E) || true # tests/run-e2e says what is missing
	@$(MAKE) --no-print-directory -j2 bins
	@PYTHON=$(PYTHON) tests/run-e2e $(abspath $(B))/bin

prefix ?= /usr/local
install: $(MAINS) ## install the services and their configuration below $(prefix)
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/nexus
	install $(MAINS) $(DESTDIR)$(prefix)/bin
	cp -R pbs/config $(DESTDIR)$(prefix)/share/nexus/pbs
	cp -R idr/config $(DESTDIR)$(prefix)/share/nexus/idr

bench: all ## measure the real binaries; BENCH_ARGS="--runs 5 --only pbs,route"
	@NEXUS_BIN=$(abspath $(B))/bin $(PYTHON) tests/load/bench.py --json $(B)/bench.json $(BENCH_ARGS)
small-machine: all ## both services in 256 MB each: 75 auctions a second, and how many more; SMALL_ARGS
	@NEXUS_BIN=$(abspath $(B))/bin $(PYTHON) -B tests/load/small_machine.py $(SMALL_ARGS)
bench-adapters: $(B)/bin/adapter-bench ## CPU per bidder: request to bytes, reply to bids
	@$<

docs: $(MAINS) ## write docs/configuration.md from the key tables, the list of docs/bidders.md from the files
	@{ echo '# Configuration'; echo; echo 'Written by `make docs` from the key tables; defaults < YAML < environment.'; \
	   for s in pbs idr; do echo; $(B)/bin/nexus-$$s --config-reference; done; } > docs/configuration.md
	@$(PYTHON) tools/bidder_table.py pbs/config/bidder-info docs/bidders.md

cov: ## line coverage of the unit tests
	@$(MAKE) --no-print-directory VARIANT=cov unit
	@tests/run-cov build/cov

unit: $(UNIT_BINS) $(FUZZ_BINS) ## build and run the unit tests of this VARIANT
	@tests/run-unit $(UNIT_BINS) $(FUZZ_BINS)

check-asan: ## unit tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory VARIANT=asan unit
check-tsan: ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan unit

check-vectors: all ## adapters against their test vectors, where those are present
	@tests/run-vectors $(B)/bin/adapter-check ../shared/vectors

VECTORS ?= ../shared/vectors tests/conformance/cases
conformance: all ## the reference's auction cases against the real binaries; VECTORS=DIR, CASES=text
	@NEXUS_BIN=$(abspath $(B))/bin $(PYTHON) -B tests/conformance/run.py $(VECTORS) $(if $(CASES),-k $(CASES))

FUZZ_SECONDS ?= 20
fuzz: ## fuzz every parser for FUZZ_SECONDS (clang); FUZZ_ONLY=name for one
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=clang run-fuzz
run-fuzz: $(if $(FUZZ_ONLY),$(filter %/fuzz_$(FUZZ_ONLY),$(FUZZ_BINS)),$(FUZZ_BINS))
	@tests/run-fuzz $(FUZZ_SECONDS) $^

check-deps: ## common includes neither service; pbs and idr never include each other
	@! grep -rnE '#include "(pbs|idr)/' common
	@! grep -rsnE '#include "idr/' pbs
	@! grep -rsnE '#include "pbs/' idr
	@! grep -rnE '#include "(common/(http_client|http_server|loop|redis|pg)\.h|pbs/(exchange|endpoints)/)' \
		pbs/openrtb pbs/privacy pbs/price pbs/adapters idr/core 2>/dev/null | grep -v exchange/messages.h

format: ## reformat every C file
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format -i
check-format:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
tidy: ## clang-tidy over the services
	@tests/run-tidy $(ALL_CFLAGS)

clean: ## remove build/
	rm -rf build
help: ## list targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

FORCE: ;
.SECONDARY:
.PHONY: all bench small-machine deploy-check bench-adapters docs deps run demo bins test e2e integration chaos conformance install cov fuzz run-fuzz unit check-asan check-tsan check-vectors check-deps format check-format tidy clean help FORCE
