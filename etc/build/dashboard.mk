# SPDX-License-Identifier: Apache-2.0
# The dashboard's files, uPlot and /openapi.json become one object of room api.
UPLOT_FILES  = $(addprefix .cache/uplot/,uPlot.iife.min.js uPlot.min.css uPlot.LICENSE.txt)
ASSET_FILES  = $(sort $(wildcard dashboard/*.html dashboard/*.js dashboard/*.css dashboard/*.svg)) \
               $(UPLOT_FILES) controller/api/openapi.json
EXTRA_OBJ_api = $(B)/obj/gen/assets.o

.cache/uplot/uPlot.iife.min.js: etc/build/fetch-uplot.sh
	$(Q)etc/build/fetch-uplot.sh
	@touch $@
$(filter-out %.js,$(UPLOT_FILES)): .cache/uplot/uPlot.iife.min.js ;

# A file that is added or taken away changes the list, not only the files.
$(B)/gen/assets.list: FORCE
	@mkdir -p "$(@D)"
	@echo "$(ASSET_FILES)" | cmp -s - "$@" || echo "$(ASSET_FILES)" >"$@"

$(B)/gen/assets.c: etc/build/embed.sh $(ASSET_FILES) $(B)/gen/assets.list
	$(Q)etc/build/embed.sh $(ASSET_FILES) >"$@"

$(B)/obj/gen/assets.o: $(B)/gen/assets.c
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(CFLAGS_ALL) -c $< -o $@

.PHONY: FORCE
FORCE:

# ---- the browser tests' server: the real API over the fake controller of its unit tests ----
BROWSER_OBJ = $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/browser/*.c) \
              $(filter-out %_seed.c,$(wildcard tests/unit/api/support_*.c)))
$(B)/obj/tests/browser/%.o: CFLAGS_FILE = -Itests/unit/api

$(B)/tests/browser-server: $(BROWSER_OBJ) $(call closure,api)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,api) -lm

# Looks at the pages in a real browser; skips loudly where there is none.
browser: $(B)/tests/browser-server
	$(Q)tests/browser/run.sh $(if $(filter /%,$<),$<,./$<)

.PHONY: browser
