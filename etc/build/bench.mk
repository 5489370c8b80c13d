# SPDX-License-Identifier: Apache-2.0
# make bench: everything that is measured, one table at the end; see tests/README.md.

# Phones and agents that only talk.
$(B)/tests/bench/replay: $(B)/obj/tests/bench/replay.o $(B)/obj/tests/bench/replay_agent.o \
		$(call closure,drivers) $(call closure,loop)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group \
		$(call uniq,$(call ldlibs,drivers) $(call ldlibs,loop))

bench-adb: all $(B)/tests/bench/bench_adb $(B)/tests/bench/replay $(B)/tests/adbd_shim.so
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_adb.py $(BENCH_ARGS)

bench-farm: all models $(B)/tests/bench/replay
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_farm.py $(BENCH_ARGS)

$(B)/tests/bench/bare_submit: $(B)/obj/tests/bench/bare_submit.o
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -lsqlite3

bench-submit: all models $(B)/tests/bench/bare_submit
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_submit.py $(BENCH_ARGS)

# Histories to look into, and what a look costs.
$(B)/tests/bench/fill: $(B)/obj/tests/bench/fill.o $(call closure,store)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,store) -lm

$(B)/tests/bench/zoom: $(B)/obj/tests/bench/zoom.o $(call closure,store)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,store) -lm

bench-zoom: all $(B)/tests/bench/fill $(B)/tests/bench/zoom
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_zoom.py $(BENCH_ARGS)

bench-growth: all models $(B)/tests/bench/fill $(B)/tests/bench/zoom $(B)/bench/bench_core
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_growth.py $(BENCH_ARGS)

# One after another, since they would measure each other; one that fails does not keep the next back. The
# machine's own noise is measured between them.
BENCHES = core submit zoom growth agent counters runner chunk store gate adb farm
bench: export BENCH_TABLE = $(abspath $(B))/bench.table
bench:
	$(Q)mkdir -p "$(B)"; rm -f "$(B)/bench.table" "$(B)/bench.noise"; failed=; missed=; \
		for b in $(BENCHES); do echo "== $$b"; python3 tests/bench/noise.py "$(B)/bench.noise"; \
			$(MAKE) --no-print-directory bench-$$b || failed="$$failed $$b"; done; \
		python3 tests/bench/noise.py "$(B)/bench.noise"; \
		python3 tests/bench/noise.py "$(B)/bench.noise" --row; \
		python3 tests/bench/table.py "$(B)/bench.table" || missed=1; \
		[ -z "$$failed" ] || { echo "failed, or missed its target:$$failed"; exit 1; }; \
		[ -z "$$missed" ]

.PHONY: bench bench-adb bench-farm bench-submit bench-zoom bench-growth
