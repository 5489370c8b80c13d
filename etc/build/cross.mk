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

# The arm64 runner is a glibc program, since the runtime's library is one, and comes with its loader and
# libraries from Debian's cross packages: an Android phone has none of them.
SYSROOT_aarch64 = /usr/aarch64-linux-gnu/lib
SUPPORT_aarch64 = ld-linux-aarch64.so.1 libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 \
                  libstdc++.so.6 libgcc_s.so.1
RUNNER_SRC = $(call src,runner) $(call src,agents)

$(B)/aarch64/framefarm-runner-onnxruntime: $(RUNNER_SRC) $(wildcard agents/*.h agents/runner/*.h)
	@mkdir -p "$(@D)"
	$(Q)$(CROSS_aarch64) -std=c11 -D_GNU_SOURCE -O2 $(WARN) -fno-strict-aliasing -Iagents \
		-DFRAMEFARM_VERSION='"$(VERSION)"' -s -pthread -o "$@" $(RUNNER_SRC) -ldl -lm

$(B)/aarch64/lib/.done: etc/build/cross.mk
	@rm -rf "$(@D)" && mkdir -p "$(@D)"
	$(Q)for l in $(SUPPORT_aarch64); do cp -L "$(SYSROOT_aarch64)/$$l" "$(@D)/$$l" || exit 1; done
	@touch "$@"

$(B)/aarch64/libonnxruntime.so.1: etc/build/fetch-ort.sh
	@mkdir -p "$(@D)"
	$(Q)lib=$$(etc/build/fetch-ort.sh aarch64 | tail -n 1) && [ -n "$$lib" ] && cp "$$lib" "$@"

agents: $(B)/aarch64/framefarm-runner-onnxruntime $(B)/aarch64/lib/.done \
	$(B)/aarch64/libonnxruntime.so.1
agents: $(B)/framefarm-agent $(foreach a,$(AGENT_ABIS),$(B)/$a/framefarm-agent)
.PHONY: agents
