# SPDX-License-Identifier: Apache-2.0
# What AOSP's adbd is given when it runs on Debian; see tests/system/fflib/aosp.py.
$(B)/tests/adbd_shim.so: tests/system/adbd_shim.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -shared -fPIC -o $@ $<

# Stories of the driver with a daemon that is really there. adbdriver: AOSP's, or the virtual phone;
# adbquirks: virtual phones with quirks, which it starts itself.
ADB_STORY_OBJ = $(B)/obj/tests/system/adbrig.o \
		$(patsubst %,$(B)/obj/tests/unit/drivers/support_%.o,host guard sink tmp)
ADB_QUIRK_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/system/adbquirks/*.c))

$(B)/tests/adbdriver: $(B)/obj/tests/system/adbdriver.o $(ADB_STORY_OBJ) $(call closure,drivers)
$(B)/tests/adbquirks: $(ADB_QUIRK_OBJ) $(ADB_STORY_OBJ) $(call closure,drivers)
$(B)/tests/adbdriver $(B)/tests/adbquirks:
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,drivers) \
		-lcmocka -lm
$(B)/obj/tests/system/adb%.o: CFLAGS_FILE = -Itests/unit/drivers -Itests/system

# The driver's transfers as a program, and the stock client beside it.
$(B)/tests/bench/bench_adb: $(B)/obj/tests/bench/bench_adb.o $(call closure,drivers) \
		$(call closure,loop)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group \
		$(call uniq,$(call ldlibs,drivers) $(call ldlibs,loop))
