# SPDX-License-Identifier: Apache-2.0
# The gate's bench, and the fuzzer of the job format.

$(B)/bench/bench_gate: $(B)/obj/tests/bench/bench_gate.o $(call closure,gate)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,gate)

bench-gate: $(B)/bench/bench_gate
	$<

# libFuzzer wants clang and its own instrumentation of what it fuzzes, so it builds those sources
# itself. `make fuzz-job FUZZ_S=3600` fuzzes for an hour.
FUZZ_JOB_SRC = tests/fuzz/fuzz_job.c $(wildcard controller/core/jobspec*.c) $(call src,base)
FUZZ_S ?= 20

$(B)/fuzz/fuzz_job: $(FUZZ_JOB_SRC) $(wildcard controller/core/jobspec*.h controller/base/*.h)
	@mkdir -p "$(@D)"
	$(Q)clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -Icontroller -o $@ $(FUZZ_JOB_SRC) $(LIBS_base)

fuzz-job: $(B)/fuzz/fuzz_job
	@mkdir -p $(B)/fuzz/corpus_job
	$< -max_total_time=$(FUZZ_S) -max_len=16384 -timeout=10 -dict=tests/fuzz/job.dict \
		-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus_job tests/fuzz/seeds_job

.PHONY: bench-gate fuzz-job
