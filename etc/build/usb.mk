# SPDX-License-Identifier: Apache-2.0
# make umock: the real libusb against phones that umockdev plays, see tests/umock/README.md. Also with
# B= and SAN= of a sanitizer.
UMOCK_CFLAGS = $(shell pkg-config --cflags umockdev-1.0 gio-2.0 2>/dev/null)
UMOCK_LIBS   = $(shell pkg-config --libs umockdev-1.0 gio-2.0 2>/dev/null)
UMOCK_BUS    = bus slot clock device devlink adbd session relay
UMOCK_TESTS  = $(patsubst tests/umock/%.c,$(B)/tests/%,$(sort $(wildcard tests/umock/test_*.c)))
UMOCK_SUPPORT = $(patsubst %,$(B)/obj/tests/unit/drivers/%.o,support_host support_guard support_sink \
                    support_tmp)

$(patsubst %,$(B)/obj/tests/umock/%.o,$(UMOCK_BUS)): CFLAGS_FILE = $(UMOCK_CFLAGS)
$(B)/obj/tests/umock/%.o: CFLAGS_FILE += -Itests/unit/drivers

$(B)/tests/umock-bus: $(patsubst %,$(B)/obj/tests/umock/%.o,$(UMOCK_BUS)) $(call closure,drivers)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,drivers) \
		$(UMOCK_LIBS)

$(UMOCK_TESTS): $(B)/tests/%: $(B)/obj/tests/umock/%.o $(patsubst %,$(B)/obj/tests/umock/%.o,client rig phone usbuser) \
		$(UMOCK_SUPPORT) $(call closure,drivers) | $(B)/tests/umock-bus
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,drivers) \
		-lcmocka -lm

umock-bin: $(UMOCK_TESTS) $(B)/tests/umock-bus

# Under the preload, libasan is not the first library; the thread sanitizer needs its memory where it
# expects it.
umock: umock-bin
	@set -e; for t in $(UMOCK_TESTS); do echo "$$t"; \
		ASAN_OPTIONS=verify_asan_link_order=0:$$ASAN_OPTIONS \
		setarch $$(uname -m) -R umockdev-wrapper "$$(realpath "$$t")"; done

.PHONY: umock umock-bin
