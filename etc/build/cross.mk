# SPDX-License-Identifier: Apache-2.0
# make agents: what runs on phones of other ABIs. The agent is static against Debian's musl for that
# ABI (etc/build/fetch-musl.sh), one program for any Linux of it; the compiler's own specs know nothing
# of musl, so what they would say is said here, in words that bear a blank in the tree's path. Segments
# are aligned for kernels with pages of up to 16 KiB, as Android 15 may have.
AGENT_ABIS = aarch64 armv7l
CROSS_aarch64 = aarch64-linux-gnu-gcc
CROSS_armv7l  = arm-linux-gnueabihf-gcc -march=armv7-a -mfpu=vfpv3-d16
MUSL_aarch64  = arm64
MUSL_armv7l   = armhf
MUSL_NAME_aarch64 = aarch64-linux-musl
MUSL_NAME_armv7l  = arm-linux-musleabihf
GNU_NAME_aarch64  = aarch64-linux-gnu
GNU_NAME_armv7l   = arm-linux-gnueabihf

define agent_rule
.cache/musl/$(MUSL_$1)/.complete: etc/build/fetch-musl.sh
	$$(Q)etc/build/fetch-musl.sh $(MUSL_$1) >/dev/null
	@touch "$$@"

$(B)/$1/framefarm-agent: $$(AGENT_SRC) $$(wildcard agents/*.h agents/agent/*.h) \
		.cache/musl/$(MUSL_$1)/.complete
	@mkdir -p "$$(@D)"
	$$(Q)m=.cache/musl/$(MUSL_$1)/usr; l="$$$$m/lib/$(MUSL_NAME_$1)"; cc="$(CROSS_$1)"; \
	g() { $$$$cc -print-file-name="$$$$1"; }; \
	$$$$cc -std=c11 -D_GNU_SOURCE -Os -g0 $(WARN) -fno-strict-aliasing -ffunction-sections \
		-fdata-sections -fno-asynchronous-unwind-tables -fno-stack-protector -Iagents \
		-nostdinc -isystem "$$$$m/include/$(MUSL_NAME_$1)" -isystem "$$$$(g include)" \
		-idirafter "$$$$m/include" -idirafter "$$$$m/include/$(GNU_NAME_$1)" \
		-DFRAMEFARM_VERSION='"$(VERSION)"' -static -s -nostdlib -Wl,--gc-sections \
		-Wl,-z,max-page-size=16384 -o "$$@" \
		"$$$$l/crt1.o" "$$$$l/crti.o" "$$$$(g crtbeginT.o)" $$(AGENT_SRC) "$$$$l/libm.a" \
		-Wl,--start-group "$$$$l/libc.a" -lgcc -lgcc_eh -Wl,--end-group \
		"$$$$(g crtend.o)" "$$$$l/crtn.o"
endef
$(foreach a,$(AGENT_ABIS),$(eval $(call agent_rule,$a)))

agents: $(B)/framefarm-agent $(foreach a,$(AGENT_ABIS),$(B)/$a/framefarm-agent)
.PHONY: agents
