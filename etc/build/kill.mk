# SPDX-License-Identifier: Apache-2.0
# make kill N=500 [SEED=7]: processes of a farm are killed at random points; tests/kill/README.md.
KILL_BIN = $(B)/tests/faultdisk.so $(B)/tests/framefarm-agent-faults

$(B)/tests/faultdisk.so: tests/kill/faultdisk.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -shared -fPIC -o $@ $< -ldl -pthread

# The agent against glibc, with the disk that fails in front of it: the real one is static.
$(B)/tests/framefarm-agent-faults: $(B)/obj/tests/kill/faultdisk.o $(call closure,agent)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< -Wl,--start-group $(call closure,agent) -Wl,--end-group $(call ldlibs,agent) -ldl

kill-bin: $(KILL_BIN)

N    ?= 500
kill: all $(B)/framefarm-phone models kill-bin
	@FRAMEFARM_BUILD="$(B)" python3 tests/kill/kill.py --kills $(N) $(if $(SEED),--seed $(SEED))

.PHONY: kill kill-bin
