# SPDX-License-Identifier: Apache-2.0
# The example models, and the runner's tests and bench against a real runtime library.

# ---- models: seeded, written once; see tests/models/README.md ----
PYTHON_ONNX ?= /usr/bin/python3
MODELS       = $(B)/models
MODEL_SRC    = $(wildcard tests/models/*.py)

models: $(MODELS)/.done
$(MODELS)/.done: $(MODEL_SRC)
	$(Q)$(PYTHON_ONNX) tests/models/generate.py "$(MODELS)"
	$(Q)$(PYTHON_ONNX) tests/models/generate_bad.py "$(MODELS)/bad"
	@touch "$@"

# ---- tests/system/runner/test_X.c: stories that play the agent ----
RUNNER_STORIES = $(patsubst tests/system/runner/%.c,$(B)/tests/system/%, \
	$(sort $(wildcard tests/system/runner/test_*.c)))

$(RUNNER_STORIES): $(B)/tests/system/%: $(B)/obj/tests/system/runner/%.o \
		$(B)/obj/tests/system/runner/drive.o $(call lib,agents)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS_agents) -lcmocka

$(B)/tests/system/test_bad: | $(B)/tests/system/old_ort.so
$(B)/tests/system/old_ort.so: tests/system/runner/old_ort.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 $(WARN) -shared -fPIC -o $@ $<

# The runtime's library is fetched by the scripts where it is not there yet.
system-runner: $(B)/framefarm-runner-onnxruntime $(RUNNER_STORIES) models
	@tests/system/runner.sh "$(B)"
	@tests/system/onnx_node.sh "$(B)"
	@tests/system/telemetry.sh "$(B)"
	@tests/system/ort_debian13.sh "$(B)"

# ---- the timed loop beside a bare C loop ----
$(B)/tests/bench/bare_ort: $(B)/obj/tests/bench/bare_ort.o
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ -ldl

bench-runner: $(B)/framefarm-runner-onnxruntime $(B)/tests/bench/bare_ort models
	@FRAMEFARM_ORT_NODE="$$(etc/build/fetch-ort-node.sh | tail -n 1)" \
		$(PYTHON_ONNX) tests/bench/runner_overhead.py "$(B)/framefarm-runner-onnxruntime" \
		"$(B)/tests/bench/bare_ort" "$$(etc/build/fetch-ort.sh | tail -n 1)" "$(MODELS)"

.PHONY: models system-runner bench-runner
