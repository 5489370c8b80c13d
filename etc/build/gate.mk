# SPDX-License-Identifier: Apache-2.0
# The gate's bench.

$(B)/bench/bench_gate: $(B)/obj/tests/bench/bench_gate.o $(call closure,gate)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,gate)

bench-gate: $(B)/bench/bench_gate
	@python3 tests/bench/bench_c.py gate "$(if $(filter /%,$<),$<,./$<)"

.PHONY: bench-gate
