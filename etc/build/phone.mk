# SPDX-License-Identifier: Apache-2.0
# The virtual phone. The profiles of the tree are part of the program.
LIBS_phone     = -lz
EXTRA_OBJ_phone = $(B)/obj/gen/profiles.o
PROFILE_FILES  = $(sort $(wildcard profiles/phones/*.json))

$(B)/gen/profiles.c: etc/build/embed-profiles.sh $(PROFILE_FILES) $(B)/gen/profiles.list
	$(Q)etc/build/embed-profiles.sh $(PROFILE_FILES) >"$@"

# A profile that is added or taken away changes the list, not only the files.
$(B)/gen/profiles.list: FORCE
	@mkdir -p "$(@D)"
	@echo "$(PROFILE_FILES)" | cmp -s - "$@" || echo "$(PROFILE_FILES)" >"$@"

$(B)/obj/gen/profiles.o: $(B)/gen/profiles.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

all: $(B)/framefarm-phone

$(B)/framefarm-phone: $(call closure,phone)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,phone)
