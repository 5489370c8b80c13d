# SPDX-License-Identifier: Apache-2.0
# Framefarm. `make demo` shows it at work, `make check` tests everything, `make` builds into build/.
# Each room of the tree is a static library of its own, so a test links only the rooms that its
# subject may know. B is the build directory, SAN a list of sanitizers, V=1 prints commands.

B      ?= build
SAN    ?=
CC     ?= cc
WARN    = -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wundef \
          -Wwrite-strings -Wno-missing-field-initializers -Werror
OPT    ?= -O2 -g
CFLAGS_ALL = -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -fno-strict-aliasing -fstack-protector-strong \
          -I. -Icontroller -Iagents $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS)
LDFLAGS_ALL = $(if $(SAN),-fsanitize=$(SAN)) -pthread $(LDFLAGS)
Q       = $(if $(V),,@)
VERSION := $(shell cat VERSION)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- rooms ----
ROOMS      = base core gate store loop farm api cmd agents agent runner drivers phone
DIRS_base    = controller/base
DIRS_core    = controller/core
DIRS_gate    = controller/gate
DIRS_store   = controller/store
DIRS_loop    = controller/loop
DIRS_farm    = controller/farm
DIRS_api     = controller/api
DIRS_cmd     = controller/cmd
DIRS_agents  = agents
DIRS_agent   = agents/agent
DIRS_runner  = agents/runner
DIRS_drivers = drivers $(filter-out drivers/virtual/,$(wildcard drivers/*/))
DIRS_phone   = drivers/virtual

# What a room's objects may be linked with (its closure); the same rule that etc/check-includes checks.
DEPS_base    =
DEPS_agents  =
DEPS_core    = base
DEPS_gate    = base
DEPS_store   = core agents base
DEPS_loop    = base
DEPS_drivers = agents base
DEPS_phone   = drivers loop agents base
DEPS_farm    = drivers store gate core agents base
DEPS_api     = farm drivers store gate core agents base
DEPS_cmd     = api farm drivers store gate core loop agents base
DEPS_agent   = agents
DEPS_runner  = agents

LIBS_base    = -lcjson -lcrypto -lm
LIBS_store   = -lsqlite3
LIBS_loop    = -levent_core
LIBS_farm    = -lzip
LIBS_drivers = -lusb-1.0 -lbrotlienc -lbrotlidec -llz4 -lzstd
LIBS_api     = -lmicrohttpd
LIBS_cmd     = -lcurl
LIBS_runner  = -ldl -lm
LIBS_gate    = -lm
LIBS_agents  = -lm
LIBS_agent   = -lm

src    = $(sort $(foreach d,$(DIRS_$1),$(wildcard $(d:%/=%)/*.c)))
obj    = $(patsubst %.c,$(B)/obj/%.o,$(call src,$1)) $(EXTRA_OBJ_$1)
lib    = $(B)/lib/lib$1.a
closure = $(foreach r,$1 $(DEPS_$1),$(call lib,$(r)))
# A room's libraries, then those of what it depends on, without doubles.
uniq   = $(if $1,$(firstword $1) $(call uniq,$(filter-out $(firstword $1),$1)))
ldlibs = $(call uniq,$(foreach r,$1 $(DEPS_$1),$(LIBS_$(r))))

-include etc/build/*.mk

# ---- objects and libraries ----
$(B)/obj/%.o: %.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(CFLAGS_ALL) $(CFLAGS_FILE) -DFRAMEFARM_VERSION='"$(VERSION)"' -MMD -MP -c $< -o $@

define room_rule
$(call lib,$1): $(call obj,$1)
	@mkdir -p "$$(@D)"
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $(call obj,$1)
endef
$(foreach r,$(ROOMS),$(eval $(call room_rule,$(r))))

# What can be built before anything was fetched: all but the files that the pages are made of.
early: models $(B)/framefarm-agent $(B)/framefarm-runner-onnxruntime \
		$(foreach r,$(ROOMS),$(filter-out $(EXTRA_OBJ_$r),$(call obj,$r)))

# ---- programs ----
all: $(B)/framefarm $(B)/framefarm-agent $(B)/framefarm-runner-onnxruntime

$(B)/framefarm: $(call closure,cmd)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,cmd)

$(B)/framefarm-runner-onnxruntime: $(call closure,runner)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,runner)

# The agent is static against musl, so that one file runs on any Linux of its ABI; sanitizers need
# glibc.
AGENT_CC  ?= musl-gcc
AGENT_SRC  = $(call src,agent) $(call src,agents)
ifeq ($(SAN),)
$(B)/framefarm-agent: $(AGENT_SRC) $(wildcard agents/*.h agents/agent/*.h)
	@mkdir -p "$(@D)"
	$(Q)$(AGENT_CC) -std=c11 -D_GNU_SOURCE -Os -g0 $(WARN) -fno-strict-aliasing -ffunction-sections \
		-fdata-sections -flto -flto-partition=one -Wl,--gc-sections -static -s -Iagents -idirafter /usr/include \
		-idirafter /usr/include/$(shell $(CC) -print-multiarch) \
		-DFRAMEFARM_VERSION='"$(VERSION)"' -o $@ $(AGENT_SRC) -lm
else
$(B)/framefarm-agent: $(call closure,agent)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,agent)
endif

# ---- unit tests: tests/unit/ROOM/test_X.c links ROOM and what ROOM may know ----
UNIT_SRC  = $(sort $(wildcard tests/unit/*/test_*.c))
UNIT_BIN  = $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
unit_room = $(word 3,$(subst /, ,$1))

define unit_rule
$(patsubst tests/unit/%.c,$(B)/tests/%,$1): $(patsubst %.c,$(B)/obj/%.o,$1) \
		$(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/unit/$(call unit_room,$1)/support*.c)) \
		$(call closure,$(call unit_room,$1))
	@mkdir -p "$$(@D)"
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ -Wl,--start-group $$^ -Wl,--end-group \
		$(call ldlibs,$(call unit_room,$1)) -lcmocka -lm
endef
$(foreach t,$(UNIT_SRC),$(eval $(call unit_rule,$(t))))

unit-bin: $(UNIT_BIN)
# One room's unit tests: make unit-gate
$(foreach r,$(ROOMS),$(eval unit-$r: $(filter $(B)/tests/$r/%,$(UNIT_BIN)) ; \
	@set -e; for t in $(foreach t,$(filter $(B)/tests/$r/%,$(UNIT_BIN)),$(if $(filter /%,$t),$t,./$t)); do echo "$$$$t"; "$$$$t"; done))

clean:
	rm -rf build

.PHONY: all early clean unit-bin $(foreach r,$(ROOMS),unit-$r)

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null | sed 's/ /\\ /g')
