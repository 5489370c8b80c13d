# SPDX-License-Identifier: Apache-2.0
# The simulation: core and turn over a store in memory, so libstore is not linked.
SIM_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard tests/sim/*.c)))

$(B)/tests/sim: $(SIM_OBJ) $(foreach r,farm gate core agents base,$(call lib,$r))
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call uniq,$(foreach r,gate core agents base,$(LIBS_$r)))

# make sim SEEDS=200 STEPS=50000 [COVERAGE=1]
SEEDS ?= 120
STEPS ?= 2500
sim: $(B)/tests/sim
	$(if $(filter /%,$<),$<,./$<) --seeds $(SEEDS) --steps $(STEPS) $(if $(COVERAGE),--coverage)
.PHONY: sim
