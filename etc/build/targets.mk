# SPDX-License-Identifier: Apache-2.0
# What people type: make deps, make demo [ONCE=1], make check; and what is made for packages.

deps:
	@etc/build/deps.sh build

demo:
	@MAKE="$(MAKE)" B="$(B)" ONCE="$(ONCE)" PORT="$(PORT)" etc/build/demo.sh

check:
	@MAKE="$(MAKE)" B="$(B)" tests/run

# Everything that `make check` runs of the plain build; tests/stages.py asks for it.
check-bin: all agents unit-bin models $(B)/tests/sim $(RUNNER_STORIES) $(B)/tests/fakerunner own-runners \
		$(B)/tests/clockowner $(B)/tests/browser-server $(B)/tests/adbd_shim.so $(B)/tests/adbdriver \
		$(B)/tests/adbquirks kill-bin $(B)/bench/bench_core $(B)/tests/bench/fill $(B)/tests/bench/zoom

# The manual page and the shells' completion come from the program's own tables.
docs: $(B)/framefarm.1 $(B)/completion/framefarm.bash $(B)/completion/_framefarm \
		$(B)/framefarm-phone.1 $(B)/completion/framefarm-phone.bash $(B)/completion/_framefarm-phone

$(B)/framefarm.1: $(B)/framefarm
	@"$(if $(filter /%,$<),$<,./$<)" help --man >"$@"
$(B)/completion/framefarm.bash: $(B)/framefarm
	@mkdir -p "$(@D)"
	@"$(if $(filter /%,$<),$<,./$<)" completion bash >"$@"
$(B)/completion/_framefarm: $(B)/framefarm
	@mkdir -p "$(@D)"
	@"$(if $(filter /%,$<),$<,./$<)" completion zsh >"$@"

PHONE = "$(if $(filter /%,$<),$<,./$<)"
$(B)/framefarm-phone.1: $(B)/framefarm-phone
	@$(PHONE) --man >"$@"
$(B)/completion/framefarm-phone.bash: $(B)/framefarm-phone
	@mkdir -p "$(@D)"
	@$(PHONE) --completion bash >"$@"
$(B)/completion/_framefarm-phone: $(B)/framefarm-phone
	@mkdir -p "$(@D)"
	@$(PHONE) --completion zsh >"$@"

.PHONY: deps demo check check-bin docs
