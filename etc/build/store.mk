# SPDX-License-Identifier: Apache-2.0
# schema.c embeds the SQL files, which the compiler's dependency output does not know.
$(B)/obj/controller/store/schema.o: $(wildcard controller/store/schema/*.sql)

# make bench-store: values a second through store_samples() against a bare SQLite loop.
$(B)/tests/bench/bench_store: $(B)/obj/tests/bench/bench_store.o $(B)/obj/tests/bench/series.o \
		$(call closure,store)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,store) -lm

bench-store: $(B)/tests/bench/bench_store
	@python3 tests/bench/bench_c.py store "$(if $(filter /%,$<),$<,./$<)"

# make bench-chunk: bytes of a value, and time to pack and unpack it. The whole agents room and base.
$(B)/tests/bench/bench_chunk: $(B)/obj/tests/bench/bench_chunk.o $(B)/obj/tests/bench/series.o \
		$(call closure,store)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ -Wl,--start-group $^ -Wl,--end-group $(call ldlibs,store) -lm

bench-chunk: $(B)/tests/bench/bench_chunk
	@python3 tests/bench/bench_c.py chunk "$(if $(filter /%,$<),$<,./$<)" $(BENCH_ARGS)

.PHONY: bench-store bench-chunk

# Chunks as rows in the stock sqlite3 shell: .load ./build/framefarm_sql
SQL_EXTENSION_SRC = controller/store/sqlrows.c controller/store/sqlviews.c controller/store/rollup.c \
	controller/core/rows.c $(wildcard agents/*.c)
$(B)/framefarm_sql.so: $(SQL_EXTENSION_SRC) $(wildcard controller/store/*.h agents/*.h controller/core/rows.h)
	@mkdir -p "$(@D)"
	$(Q)$(CC) $(CFLAGS_ALL) -DFRAMEFARM_SQL_EXTENSION -fPIC -shared -Wl,-z,defs \
		-o $@ $(SQL_EXTENSION_SRC) -lm

ifeq ($(SAN),)
all: $(B)/framefarm_sql.so
endif
