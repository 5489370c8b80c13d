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

define musl_fetch_rule
.cache/musl/$(MUSL_$1)/.complete: etc/build/fetch-musl.sh
	$$(Q)etc/build/fetch-musl.sh $(MUSL_$1) >/dev/null
	@touch "$$@"
endef
$(foreach a,$(AGENT_ABIS),$(eval $(call musl_fetch_rule,$a)))

# Nobody unwinds a small static C program, and gcc for arm64 makes the tables unless both are off. RELRO
# would be padding up to two pages of 16 KiB for nothing: musl protects it in what it loads itself, never in
# a static program. Together an eighth of the arm64 agent. One unit for the optimizer: 3 % more.
MUSL_LEAN = -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-ident -flto -flto-partition=one

# ABI, program, sources: a static program against musl.
define musl_rule
$2: $3 $$(wildcard agents/*.h agents/agent/*.h) .cache/musl/$(MUSL_$1)/.complete
	@mkdir -p "$$(@D)"
	$$(Q)m=.cache/musl/$(MUSL_$1)/usr; l="$$$$m/lib/$(MUSL_NAME_$1)"; cc="$(CROSS_$1)"; \
	g() { $$$$cc -print-file-name="$$$$1"; }; \
	$$$$cc -std=c11 -D_GNU_SOURCE -Os -g0 $(WARN) -fno-strict-aliasing -ffunction-sections \
		-fdata-sections $(MUSL_LEAN) -fno-stack-protector -Iagents \
		-nostdinc -isystem "$$$$m/include/$(MUSL_NAME_$1)" -isystem "$$$$(g include)" \
		-idirafter "$$$$m/include" -idirafter "$$$$m/include/$(GNU_NAME_$1)" \
		-DFRAMEFARM_VERSION='"$(VERSION)"' -static -s -nostdlib -Wl,--gc-sections \
		-Wl,-z,max-page-size=16384 -Wl,-z,norelro -o "$$@" \
		"$$$$l/crt1.o" "$$$$l/crti.o" "$$$$(g crtbeginT.o)" $3 "$$$$l/libm.a" \
		-Wl,--start-group "$$$$l/libc.a" -lgcc -lgcc_eh -Wl,--end-group \
		"$$$$(g crtend.o)" "$$$$l/crtn.o"
endef
$(foreach a,$(AGENT_ABIS),$(eval $(call musl_rule,$a,$(B)/$a/framefarm-agent,$(call src,agent) $(call src,agents))))

# The arm64 runner is a glibc program, since the runtime's library is one, and comes with its loader and
# libraries from Debian's cross packages: an Android phone has none of them.
SYSROOT_aarch64 = /usr/aarch64-linux-gnu/lib
SUPPORT         = libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libstdc++.so.6 libgcc_s.so.1
SUPPORT_aarch64 = ld-linux-aarch64.so.1 $(SUPPORT)
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

# An Android of this host's ABI (an emulator's, a Chromebook's) has no glibc either: the host's own
# loader and libraries, which are those that its runner was linked with. `all` brings them, since
# virtual phones are told apart from others by nothing.
HOST_ABI := $(shell uname -m)
ifeq ($(HOST_ABI),x86_64)
SUPPORT_x86_64 = ld-linux-x86-64.so.2 $(SUPPORT)
all agents: $(B)/x86_64/lib/.done
$(B)/x86_64/lib/.done: etc/build/cross.mk
	@rm -rf "$(@D)" && mkdir -p "$(@D)"
	$(Q)for l in $(SUPPORT_x86_64); do cp -L "$$($(CC) -print-file-name=$$l)" "$(@D)/$$l" || exit 1; done
	@touch "$@"
endif

agents: $(B)/aarch64/framefarm-runner-onnxruntime $(B)/aarch64/lib/.done \
	$(B)/aarch64/libonnxruntime.so.1
agents: $(B)/framefarm-agent $(foreach a,$(AGENT_ABIS),$(B)/$a/framefarm-agent)
.PHONY: agents

# The tests' runner as a program of a glibc that the device does not have: the loader that it names is nowhere,
# and one of its libraries neither. By machine; tests/system/agent_loader.py.
CROSS_x86_64 = $(CC)
define own_runner_rule
$(B)/tests/own/$1/fakerunner: $(FAKERUNNER_SRC) tests/system/ownlib.c $(wildcard agents/*.h)
	@mkdir -p "$$(@D)"
	$$(Q)$$(CROSS_$1) -shared -fPIC -O1 $(WARN) -Wl,-soname,libffown.so -o "$$(@D)/libffown.so" \
		tests/system/ownlib.c
	$$(Q)$$(CROSS_$1) -std=c11 -D_GNU_SOURCE -O1 -g $(WARN) -Iagents -o "$$@" $(FAKERUNNER_SRC) \
		-Wl,--dynamic-linker=/no/such/ld.so -Wl,--no-as-needed "$$(@D)/libffown.so"
endef
$(foreach a,x86_64 aarch64,$(eval $(call own_runner_rule,$a)))
# And static, for agents of other machines: tests/system/agent_abis.py.
$(foreach a,$(AGENT_ABIS),$(eval $(call musl_rule,$a,$(B)/tests/own/$a/fakerunner-static,$(FAKERUNNER_SRC))))
# Agents that speak no later version of the protocol than 1 or 2, like those of earlier builds.
define old_agent_rule
$(B)/tests/old/$1/framefarm-agent: $(B)/framefarm-agent
	@rm -rf "$$(@D)" && mkdir -p "$$(@D)/agents/agent"
	@cp agents/*.[ch] "$$(@D)/agents" && cp agents/agent/*.[ch] "$$(@D)/agents/agent"
	@grep -q '^#define PROTO_VERSION  *3 ' agents/proto.h
	@sed -i 's/^\(#define PROTO_VERSION  *\)3 /\1$1 /' "$$(@D)/agents/proto.h"
	$$(Q)$$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -I"$$(@D)/agents" -DFRAMEFARM_VERSION='"0.0.$1"' -o "$$@" \
		"$$(@D)"/agents/*.c "$$(@D)"/agents/agent/*.c -lm
endef
OLD_VERSIONS = 1 2
$(foreach v,$(OLD_VERSIONS),$(eval $(call old_agent_rule,$v)))
own-runners: $(foreach v,$(OLD_VERSIONS),$(B)/tests/old/$v/framefarm-agent) $(foreach a,x86_64 aarch64,$(B)/tests/own/$a/fakerunner) \
		$(foreach a,$(AGENT_ABIS),$(B)/tests/own/$a/fakerunner-static)
.PHONY: own-runners
