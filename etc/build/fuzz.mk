# SPDX-License-Identifier: Apache-2.0
# Fuzzing of what others' bytes reach; tests/fuzz/README.md.
#	make fuzz [T="adb_packet proto"] [FUZZ_S=600]    some targets, or all, each for so long
#	make fuzz-adb_packet                             one of them
#	make fuzz-seeds [T=…]                            what was found since goes into the tree, minimised
# libFuzzer wants clang and its own instrumentation of what it fuzzes, so there are two more sets of
# objects: obj/ with the fuzzer's and the sanitizers', cov/ with those that tell which lines were reached.

FUZZ_S ?= 600
T      ?=

FUZZ_ADB = $(addprefix drivers/adb/,packet.c packet_buf.c banner.c shell2.c syncmsg.c key.c mux.c mux_in.c \
	mux_out.c host.c host_shake.c device.c) $(call src,base)
FUZZ_AGENTS = $(filter-out agents/timesrc%,$(call src,agents))
FUZZ_RUNNER = $(addprefix agents/runner/,tensorpb.c tensor.c half.c fail.c profile.c)

# What each target is made of, beside tests/fuzz/fuzz_TARGET.c; run.py knows how each is run.
FUZZ_SRC_adb_packet  = $(FUZZ_ADB) tests/fuzz/fakehost.c
FUZZ_SRC_adb_banner  = $(FUZZ_ADB)
FUZZ_SRC_adb_sync    = $(FUZZ_ADB)
FUZZ_SRC_adb_shell   = $(FUZZ_ADB) drivers/adb/shell.c
FUZZ_SRC_adb_files   = $(wildcard drivers/adb/sync*.c) $(addprefix drivers/adb/,compress.c \
	packet_buf.c) $(call src,base) tests/fuzz/fakehost.c
FUZZ_SRC_phone_sync  = $(wildcard drivers/virtual/syncer*.c) drivers/virtual/inroot.c \
	drivers/adb/compress.c drivers/adb/syncmsg.c drivers/adb/packet_buf.c $(call src,base)
FUZZ_SRC_phone_shell = drivers/virtual/service_shell.c drivers/adb/shell2.c $(call src,base)
FUZZ_SRC_proto       = $(FUZZ_AGENTS)
FUZZ_SRC_plan        = $(FUZZ_AGENTS)
FUZZ_SRC_chunk       = $(FUZZ_AGENTS)
FUZZ_SRC_job         = $(wildcard controller/core/jobspec*.c) $(call src,base)
FUZZ_SRC_tensorpb    = $(FUZZ_RUNNER)
FUZZ_SRC_profile     = $(FUZZ_RUNNER)
FUZZ_SRC_elf         = controller/farm/elf.c $(call src,base)
# HTTP: the whole API in front of the controller of its unit tests.
FUZZ_SRC_http        = $(foreach r,api store core agents base,$(call src,$r)) $(wildcard tests/unit/api/support_*.c)
FUZZ_OBJ_http        = $(EXTRA_OBJ_api)
# An agent's whole session, with the store's rules but for its threads.
FUZZ_SRC_session     = controller/farm/session.c controller/farm/ingest.c tests/unit/farm/support_env.c \
	$(call src,agents) $(call src,base)
FUZZ_LIB_session     = libstore.a
FUZZ_SRC_spool       = $(filter-out agents/agent/main.c,$(call src,agent)) $(call src,agents)
FUZZ_SRC_config      = $(addprefix controller/cmd/,options.c options_file.c units.c) $(addprefix controller/farm/,\
	runtimes.c archive.c blobs.c elf.c) $(wildcard drivers/virtual/profile*.c) $(call src,drivers) \
	$(call src,agents) $(call src,base)
FUZZ_OBJ_config      = $(B)/obj/gen/profiles.o
FUZZ_SRC_planted     =

FUZZ_LIBS    = $(LIBS_base) $(LIBS_store) $(LIBS_api) $(LIBS_farm) -lusb-1.0 -lbrotlienc -lbrotlidec -llz4 -lzstd
FUZZ_TARGETS = $(patsubst FUZZ_SRC_%,%,$(filter FUZZ_SRC_%,$(.VARIABLES)))
FUZZ_CC      = clang -std=c11 -D_GNU_SOURCE -g -O1 $(WARN) -I. -Icontroller -Iagents \
	-DFRAMEFARM_VERSION='"$(VERSION)"'
FUZZ_SAN     = address,undefined -fno-sanitize-recover=undefined
FUZZ_COV     = -fprofile-instr-generate -fcoverage-mapping

$(B)/fuzz/obj/%.o: %.c
	@mkdir -p "$(@D)"
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer-no-link,$(FUZZ_SAN) -MMD -MP -c $< -o $@

$(B)/fuzz/cov/%.o: %.c
	@mkdir -p "$(@D)"
	$(Q)$(FUZZ_CC) $(FUZZ_COV) -MMD -MP -c $< -o $@

# Of a room of which a target takes the place in part: what it needs of the rest.
$(foreach k,obj cov,$(eval $(B)/fuzz/$k/libstore.a: $(patsubst %.c,$(B)/fuzz/$k/%.o,$(call src,store)) ; \
	$(Q)rm -f $$@ && ar rcs $$@ $$^))

fuzz_obj = $(patsubst %.c,$(B)/fuzz/$2/%.o,tests/fuzz/fuzz_$1.c $(FUZZ_SRC_$1) \
	$(if $(filter $1,http session spool config),tests/fuzz/tmpdir.c))

define fuzz_rule
$(B)/fuzz/fuzz_$1: $(call fuzz_obj,$1,obj) $(FUZZ_OBJ_$1) $(FUZZ_LIB_$1:%=$(B)/fuzz/obj/%)
	$$(Q)clang -fsanitize=fuzzer,$(FUZZ_SAN) -o $$@ $$^ $(FUZZ_LIBS)
$(B)/fuzz/cov_$1: $(call fuzz_obj,$1,cov) $(FUZZ_OBJ_$1) $(FUZZ_LIB_$1:%=$(B)/fuzz/cov/%)
	$$(Q)clang -fsanitize=fuzzer $(FUZZ_COV) -o $$@ $$^ $(FUZZ_LIBS)
fuzz-$1:
	@FRAMEFARM_BUILD="$(B)" MAKE="$(MAKE)" python3 tests/fuzz/run.py --seconds $(FUZZ_S) $1
.PHONY: fuzz-$1
endef
$(foreach t,$(FUZZ_TARGETS),$(eval $(call fuzz_rule,$t)))

fuzz-bin: $(foreach t,$(FUZZ_TARGETS),$(B)/fuzz/fuzz_$t $(B)/fuzz/cov_$t)

fuzz:
	@FRAMEFARM_BUILD="$(B)" MAKE="$(MAKE)" python3 tests/fuzz/run.py --seconds $(FUZZ_S) $(T)
fuzz-seeds:
	@FRAMEFARM_BUILD="$(B)" MAKE="$(MAKE)" python3 tests/fuzz/run.py --seeds $(T)

.PHONY: fuzz fuzz-bin fuzz-seeds

-include $(shell find $(B)/fuzz -name '*.d' 2>/dev/null | sed 's/ /\\ /g')
