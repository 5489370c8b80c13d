# SPDX-License-Identifier: Apache-2.0
# The simulation: core and turn over a store in memory, so libstore is not linked.
SIM_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard tests/sim/*.c)))
SIM_LIB = $(foreach r,farm gate core agents base,$(call lib,$r))
SIM_LDLIBS = $(call uniq,$(foreach r,gate core agents base,$(LIBS_$r)))

$(B)/tests/sim: $(SIM_OBJ) $(SIM_LIB)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(SIM_LDLIBS)

# make sim [SEEDS=n] [STEPS=n] [COVERAGE=1]: at full size each fault and legal transition must occur.
SEEDS ?= 200
STEPS ?= 50000
COVERAGE ?= $(if $(filter file file,$(origin SEEDS) $(origin STEPS)),1)
sim: $(B)/tests/sim
	$(if $(filter /%,$<),$<,./$<) --seeds $(SEEDS) --steps $(STEPS) $(if $(COVERAGE),--coverage)
sim-stories: $(B)/tests/sim
	$(if $(filter /%,$<),$<,./$<) --story $(sort $(wildcard tests/sim/stories/*.story))
sim-planted: $(B)/tests/sim
	FRAMEFARM_BUILD="$(B)" python3 tests/sim/planted.py

# For planted.py: how a source is compiled, and what else is linked with it.
sim-compiler:
	@echo '$(CC) $(CFLAGS_ALL) -DFRAMEFARM_VERSION=\"$(VERSION)\"'
sim-link:
	@echo '$(LDFLAGS_ALL) -Wl,--start-group $(SIM_OBJ) $(SIM_LIB) -Wl,--end-group $(SIM_LDLIBS)'
.PHONY: sim sim-stories sim-planted sim-compiler sim-link
