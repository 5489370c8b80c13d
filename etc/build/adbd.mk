# SPDX-License-Identifier: Apache-2.0
# What AOSP's adbd is given when it runs on Debian; see tests/system/fflib/aosp.py.
$(B)/tests/adbd_shim.so: tests/system/adbd_shim.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -shared -fPIC -o $@ $<

# Stories of the driver with a daemon that is there already: AOSP's or the virtual phone.
$(B)/tests/adbdriver: $(B)/obj/tests/system/adbdriver.o \
		$(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/unit/drivers/support*.c)) \
		$(call closure,drivers)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,drivers) \
		-lcmocka -lm
$(B)/obj/tests/system/adbdriver.o: CFLAGS_FILE = -Itests/unit/drivers

# The driver's transfers as a program, and the stock client beside it.
$(B)/tests/bench/bench_adb: $(B)/obj/tests/bench/bench_adb.o $(call closure,drivers) \
		$(call closure,loop)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group \
		$(call uniq,$(call ldlibs,drivers) $(call ldlibs,loop))
