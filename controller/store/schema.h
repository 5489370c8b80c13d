/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schemas of both files and the way from an older one to the present one. A schema is a list of
 * steps; step i (from 1) is the SQL of schema/NAME_i.sql and makes version i out of version i - 1.
 * To change a schema, add a file, a line in schema.c's list, and raise STORE_SCHEMA_… in store.h: a
 * step that has been released is never edited.
 */
#ifndef FRAMEFARM_STORE_SCHEMA_H
#define FRAMEFARM_STORE_SCHEMA_H

#include <stdint.h>

struct db;
struct err;
struct row_table;

struct schema {
	int32_t application_id;   /* in the file's header, tells our two files from anything else */
	int version;              /* of the last step */
	const char *const *steps; /* `version` of them */
};

extern const struct schema schema_control, schema_samples;

/*
 * Looks at the file, says clearly what is wrong with it, and brings it to the schema's version, one
 * transaction a step. *ret_from is the version it had, 0 for a new file. ERR_VERSION: from a newer
 * framefarm. ERR_CORRUPT: damaged, or not ours.
 */
int schema_apply(struct db *db, const struct schema *sc, int *ret_from, struct err *e);

/* Only looks: whether it is such a file, of a version that is known. */
int schema_look(struct db *db, const struct schema *sc, struct err *e);

/* Whether the file has the table, and its columns with the types that the rows need. */
int schema_check_table(struct db *db, const struct row_table *t, struct err *e);

#endif
