# SPDX-License-Identifier: Apache-2.0
# make agents NDK=DIR: also the runner of Android's own C library, for runtimes that need it (an .aar's
# libraries, NNAPI); `framefarm runtime add` registers such a runtime, and the controller then pushes this
# runner, which needs no loader of its own. API 24 is Android 7. NDK is a directory of Google's NDK.
# make bionic-check BIONIC=DIR: agent and runner read with bionic's headers, nothing is linked. BIONIC is
# AOSP's platform/bionic, or an NDK's sysroot.
NDK_ABIS = aarch64 x86_64
NDK_API  = 24
NDK_BIN  = $(NDK)/toolchains/llvm/prebuilt/linux-x86_64/bin

define ndk_rule
$(B)/$1/bionic/framefarm-runner-onnxruntime: $(call src,runner) $(call src,agents) \
		$(wildcard agents/*.h agents/runner/*.h)
	@[ -n "$(NDK)" ] || { echo "NDK=DIR names the NDK to build it with" >&2; exit 1; }
	@[ -x "$(NDK_BIN)/$1-linux-android$(NDK_API)-clang" ] || { \
		echo "NDK=$(NDK): no $1-linux-android$(NDK_API)-clang in $(NDK_BIN)" >&2; exit 1; }
	@mkdir -p "$$(@D)"
	$$(Q)"$(NDK_BIN)/$1-linux-android$(NDK_API)-clang" -std=c11 -D_GNU_SOURCE -O2 -fPIE -pie \
		$(WARN) \
		-fno-strict-aliasing -Iagents -DFRAMEFARM_VERSION='"$(VERSION)"' -s -Wl,-z,max-page-size=16384 \
		-o "$$@" $(call src,runner) $(call src,agents) -ldl -lm
endef
$(foreach a,$(NDK_ABIS),$(eval $(call ndk_rule,$a)))

ndk-runners: $(foreach a,$(NDK_ABIS),$(B)/$a/bionic/framefarm-runner-onnxruntime)
ifneq ($(NDK),)
agents: ndk-runners
endif

# Warnings in headers of others are none of ours, so they are system headers. The agent is meant for musl and
# uses what bionic has from API 28 on.
BIONIC_AOSP = libc/include libc/kernel/uapi libc/kernel/uapi/asm-arm64 libc/kernel/android/uapi
BIONIC_NDK  = usr/include usr/include/aarch64-linux-android
bionic-check:
	@[ -n "$(BIONIC)" ] || { echo "BIONIC=DIR names bionic's sources, or an NDK's sysroot" >&2; exit 1; }
	@command -v clang >/dev/null || { echo "this needs clang" >&2; exit 1; }
	@dirs=; IFS=; \
	if [ -e "$(BIONIC)/libc/include/unistd.h" ]; then set -- $(BIONIC_AOSP:%="$(BIONIC)/%"); \
	elif [ -e "$(BIONIC)/usr/include/unistd.h" ]; then set -- $(BIONIC_NDK:%="$(BIONIC)/%"); \
	else echo "BIONIC=$(BIONIC): neither libc/include nor usr/include has unistd.h there" >&2; exit 1; fi; \
	read_with() { api=$$1; shift; clang --target=aarch64-linux-android$$api -std=c11 -D_GNU_SOURCE \
		$(WARN) -fsyntax-only -nostdinc -isystem "$$(clang -print-resource-dir)/include" "$$@" \
		-Iagents -DFRAMEFARM_VERSION='"$(VERSION)"'; }; \
	for d; do set -- "$$@" -isystem "$$d"; shift; done; \
	read_with $(NDK_API) "$$@" $(call src,runner) $(call src,agents) && \
	read_with 30 "$$@" $(call src,agent) $(call src,agents) && \
	echo "bionic-check: agent and runner compile with $(BIONIC)"

.PHONY: ndk-runners bionic-check
