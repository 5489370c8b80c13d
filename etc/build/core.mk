# SPDX-License-Identifier: Apache-2.0
# The core's bench.

$(B)/bench/bench_core: $(B)/obj/tests/bench/bench_core.o $(call closure,core)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,core)

bench-core: $(B)/bench/bench_core
	@python3 tests/bench/bench_c.py core "$(if $(filter /%,$<),$<,./$<)"

.PHONY: bench-core
