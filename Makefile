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

CFLAGS.release := -O2 -g -fno-plt
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
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(B)/gen $(WARN) $(CFLAGS.$(VARIANT)) $(PKG_CFLAGS) $(CFLAGS)
ALL_LIBS   = $(PKG_LIBS) $(LIBS.$(VARIANT)) -lm -pthread

ifeq ($(filter deps help clean format run,$(MAKECMDGOALS)),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS))
endif

src   = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))
obj   = $(patsubst %.c,$(B)/%.o,$(1))
COMMON := $(call obj,$(call src,common))
PBS    := $(call obj,$(call src,pbs))
IDR    := $(call obj,$(call src,idr))
PBS_LIB := $(filter-out $(B)/pbs/main.o,$(PBS))
IDR_LIB := $(filter-out $(B)/idr/main.o,$(IDR))

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

$(B)/bin/nexus-pbs: $(PBS) $(COMMON)
$(B)/bin/nexus-idr: $(IDR) $(COMMON)
$(foreach t,$(filter tools/common/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(COMMON)))
$(foreach t,$(filter tools/pbs/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(PBS_LIB) $(COMMON)))
$(foreach t,$(filter tools/idr/%,$(TOOLS)),$(eval $(call tool_bin,$(t)): $(call obj,$(t)) $(IDR_LIB) $(COMMON)))
$(foreach t,$(FAKES),$(eval $(call tool_bin,$(t)): $(call obj,$(t))))
$(foreach t,$(TESTS_COMMON),$(eval $(B)/check/$(basename $(notdir $(t))): $(call obj,$(t)) $(COMMON)))
$(foreach t,$(TESTS_PBS),$(eval $(patsubst tests/unit/%.c,$(B)/check/%,$(t)): $(call obj,$(t)) $(PBS_LIB) $(COMMON)))
$(foreach t,$(TESTS_IDR),$(eval $(patsubst tests/unit/%.c,$(B)/check/%,$(t)): $(call obj,$(t)) $(IDR_LIB) $(COMMON)))

# In every variant but fuzz a target is linked with a main that replays its corpus, as one more unit test.
$(foreach t,$(filter tests/fuzz/common/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(COMMON)))
$(foreach t,$(filter tests/fuzz/pbs/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(PBS_LIB) $(COMMON)))
$(foreach t,$(filter tests/fuzz/idr/%,$(FUZZ)),$(eval $(call fuzz_bin,$(t)): $(call obj,$(t)) $(IDR_LIB) $(COMMON)))
$(FUZZ_BINS): $(if $(filter fuzz,$(VARIANT)),,$(B)/tests/fuzz/replay.o)

$(B)/bin/% :
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ALL_LIBS)
$(B)/check/% :
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(ALL_LIBS) -lcmocka
$(B)/replay/% :
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(ALL_LIBS)
$(B)/%.o: %.c $(B)/.flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
$(B)/.flags: FORCE
	@mkdir -p $(@D); echo '$(CC) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CFLAGS)' > $@
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# Loops over bidders: vectorised, sums in any order. Not -ffinite-math-only: input is checked for NaN.
$(B)/idr/core/%.o: ALL_CFLAGS += -O3 -fno-math-errno -fno-trapping-math -fno-signed-zeros -fassociative-math -freciprocal-math
-include tests/sim/sim.mk

unit: $(UNIT_BINS) $(FUZZ_BINS) ## build and run the unit tests of this VARIANT
	@tests/run-unit $(UNIT_BINS) $(FUZZ_BINS)

check-asan: ## unit tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory VARIANT=asan unit
check-tsan: ## unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory VARIANT=tsan unit

check-vectors: all ## adapters against their test vectors, where those are present
	@tests/run-vectors $(B)/bin/adapter-check ../shared/vectors

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
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

FORCE: ;
.SECONDARY:
.PHONY: all unit check-asan check-tsan check-vectors check-deps format check-format tidy clean help FORCE
