# The router on simulated markets, in process and over HTTP. The simulator lies beside the project and is compiled from
# there; without it these targets say so and do nothing.
SIM_DIR ?= ../shared/sim
SIM_SRC := $(wildcard $(addprefix $(SIM_DIR)/src/,json.c world.c oracle.c metrics.c policies.c rec.c capi.c))
SIM_BIN := $(B)/bin/sim-core
# its own flags: the market must draw the same numbers as in the simulator's own build
SIM_CFLAGS := -O3 -march=native -ffast-math -std=gnu11 -w

$(B)/sim/libmarket.a: $(SIM_SRC)
	@mkdir -p $(@D)
	cd $(@D) && for f in $(abspath $(SIM_SRC)); do $(CC) $(SIM_CFLAGS) -c $$f || exit 1; done
	ar rcs $@ $(@D)/*.o
$(B)/tests/sim/market.o: ALL_CFLAGS += -I$(SIM_DIR)/src -w
$(SIM_BIN): $(B)/tests/sim/sim_core.o $(B)/tests/sim/market.o $(IDR_LIB) $(B)/sim/libmarket.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(ALL_LIBS)

ifeq ($(SIM_SRC),)
sim-core:
	@echo "sim-core: skipped, no simulator at $(SIM_DIR) (set SIM_DIR)"
sim:
	@echo "sim: skipped, no simulator at $(SIM_DIR) (set SIM_DIR)"
else
sim-core: $(SIM_BIN) ## the router in process on the public scenarios (SIM_SHARES="0.25 0.4")
	@tests/sim/run-core $(SIM_BIN) $(SIM_DIR) $(SIM_SHARES)
# The driver wants its library beside it, so both are put into the build folder.
$(B)/sim/drive/libidrsim.so: $(SIM_SRC) $(SIM_DIR)/drive.py
	@mkdir -p $(@D)
	@cp $(SIM_DIR)/drive.py $(@D)
	$(CC) $(SIM_CFLAGS) -fPIC -shared -o $@ $(SIM_SRC) -lm
sim: $(B)/bin/nexus-idr $(B)/sim/drive/libidrsim.so ## the real nexus-idr on the public scenarios (SIM_SHARES="0.25 0.4", SIM_AUCTIONS=N)
	@tests/sim/run-http $(B)/bin/nexus-idr $(B)/sim/drive $(SIM_DIR) $(SIM_SHARES)
endif
.PHONY: sim sim-core
