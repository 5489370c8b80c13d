# SPDX-License-Identifier: Apache-2.0
# Fuzzers of what comes from a phone, or from who plays one's host; as gate.mk does it:
# make fuzz-adb-packet FUZZ_S=3600. Each begins with its seeds_adb_… and keeps a corpus.

FUZZ_ADB_SRC = $(addprefix drivers/adb/,packet.c packet_buf.c banner.c shell2.c syncmsg.c key.c mux.c mux_in.c \
	mux_out.c host.c device.c) $(call src,base)

define fuzz_adb_rule
$(B)/fuzz/fuzz_adb_$1: tests/fuzz/fuzz_adb_$1.c $(FUZZ_ADB_SRC) \
		$(wildcard drivers/adb/*.h controller/base/*.h)
	@mkdir -p "$$(@D)"
	$$(Q)clang -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined -I. -Icontroller -Iagents -o $$@ \
		tests/fuzz/fuzz_adb_$1.c $(FUZZ_ADB_SRC) $(LIBS_base)
endef
$(foreach f,packet banner sync shell,$(eval $(call fuzz_adb_rule,$f)))

fuzz_adb_run = mkdir -p $(B)/fuzz/corpus_adb_$1 && $(B)/fuzz/fuzz_adb_$1 \
	-max_total_time=$(FUZZ_S) -max_len=$2 -timeout=10 -artifact_prefix=$(B)/fuzz/ \
	$(B)/fuzz/corpus_adb_$1 tests/fuzz/seeds_adb_$1

fuzz-adb-packet: $(B)/fuzz/fuzz_adb_packet
	$(call fuzz_adb_run,packet,4096)
fuzz-adb-banner: $(B)/fuzz/fuzz_adb_banner
	$(call fuzz_adb_run,banner,8192)
fuzz-adb-sync: $(B)/fuzz/fuzz_adb_sync
	$(call fuzz_adb_run,sync,8192)
fuzz-adb-shell: $(B)/fuzz/fuzz_adb_shell
	$(call fuzz_adb_run,shell,4096)

.PHONY: fuzz-adb-packet fuzz-adb-banner fuzz-adb-sync fuzz-adb-shell
