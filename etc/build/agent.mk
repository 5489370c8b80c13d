# SPDX-License-Identifier: Apache-2.0
# The agent's own flags. Tables for unwinding are a tenth of a small static C program and nobody
# unwinds it.
AGENT_CC ?= musl-gcc -fno-asynchronous-unwind-tables

FAKERUNNER_SRC = tests/system/fakerunner.c $(addprefix agents/,proto.c proto_crc.c proto_parser.c msg.c \
		plan.c field.c)
# The runner without a runtime that the agent's system tests push. Never with sanitizers: it runs
# under the limits and guards of a real one.
$(B)/tests/fakerunner: $(FAKERUNNER_SRC) $(wildcard agents/*.h)
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g $(WARN) -Iagents -o $@ $(FAKERUNNER_SRC)

$(B)/tests/clockowner: tests/system/clockowner.c $(wildcard agents/timesrc*)
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 -g $(WARN) -Iagents -o $@ tests/system/clockowner.c \
		agents/timesrc.c agents/timesrc_page.c agents/timesrc_slot.c agents/timesrc_owner.c

# The agent's system tests: the real program, a controller in Python, the fake runner.
AGENT_TESTS = $(sort $(wildcard tests/system/agent_*.py))
system-agent: $(B)/framefarm-agent own-runners $(B)/tests/fakerunner $(B)/tests/clockowner
	$(Q)set -e; for t in $(AGENT_TESTS); do echo "$$t"; FRAMEFARM_BUILD="$(B)" python3 "$$t"; done
.PHONY: system-agent

$(B)/tests/bareloop: tests/system/bareloop.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARN) -o $@ $<

# What the agent costs: its size, its memory, and its processor time beside a bare loop's.
bench-agent: $(B)/framefarm-agent $(B)/tests/fakerunner $(B)/tests/bareloop
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_agent.py

bench-counters: all models
	$(Q)FRAMEFARM_BUILD="$(B)" python3 tests/bench/bench_counters.py $(BENCH_ARGS)

.PHONY: bench-agent bench-counters
