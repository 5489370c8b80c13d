/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that a restored store leaves out; see gap.h. */
#include "store/gap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/db.h"

/* More than a farm gives of anything while the backup grows old, and some for a clock that is wrong. So the
 * same backup that is restored once more leaves out what the farm of the first time gave, too. */
#define GAP_LEAST  100000
#define GAP_PER_MS 1

static const char *const tables[GAP_TABLES] = {
	"devices", "leases", "jobs", "runs", "attempts", "events", "audit"};

static int put(struct db *db, const char *key, int64_t v, struct err *e)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return db_meta_put(db, key, text, e);
}

static int get(struct db *db, const char *key, int64_t *ret_v, struct err *e)
{
	char text[24];
	int rc = db_meta_get(db, key, text, sizeof(text), e);

	*ret_v = rc ? 0 : strtoll(text, NULL, 10);
	return rc;
}

static const char *key_of(char dst[48], const char *table, const char *what)
{
	snprintf(dst, 48, "restored.%s_%s", table, what);
	return dst;
}

static int leave_in(struct db *db, const char *table, int64_t ids, struct err *e)
{
	char sql[64], key[48];
	int64_t newest = 0;
	int rc;

	snprintf(sql, sizeof(sql), "SELECT coalesce(max(id), 0) FROM %s", table);
	rc = db_int(db, sql, 0, &newest, e);
	if (!rc)
		rc = put(db, key_of(key, table, "after"), newest, e);
	if (!rc)
		rc = put(db, key_of(key, table, "from"), newest + ids, e);
	return rc;
}

int gap_leave(struct db *db, int64_t made_ms, int64_t now_ms, struct err *e)
{
	int64_t age_ms = now_ms > made_ms ? now_ms - made_ms : 0, times = 0;
	int rc = db_exec(db, "BEGIN IMMEDIATE", e);

	for (int i = 0; i < GAP_TABLES && !rc; i++)
		rc = leave_in(db, tables[i], GAP_LEAST + age_ms * GAP_PER_MS, e);
	if (!rc)
		rc = get(db, "restored.times", &times, e);
	if (!rc)
		rc = put(db, "restored.times", times + 1, e);
	if (!rc)
		rc = put(db, "restored.made_ms", made_ms, e);
	if (!rc)
		rc = put(db, "restored.at_ms", now_ms, e);
	if (!rc)
		rc = db_exec(db, "COMMIT", e);
	if (rc)
		db_rollback(db);
	return rc;
}

int gap_load(struct db *db, struct gaps *ret_g, struct err *e)
{
	char key[48];
	int rc = get(db, "restored.times", &ret_g->restored.times, e);

	if (!rc)
		rc = get(db, "restored.made_ms", &ret_g->restored.made_ms, e);
	if (!rc)
		rc = get(db, "restored.at_ms", &ret_g->restored.at_ms, e);
	for (int i = 0; i < GAP_TABLES && !rc; i++) {
		rc = get(db, key_of(key, tables[i], "after"), &ret_g->of[i].after, e);
		if (!rc)
			rc = get(db, key_of(key, tables[i], "from"), &ret_g->of[i].to, e);
	}
	return rc;
}

void gap_of(const struct gaps *g, const char *table, int64_t *ret_after, int64_t *ret_to)
{
	*ret_after = *ret_to = 0;
	for (int i = 0; i < GAP_TABLES; i++) {
		if (strcmp(tables[i], table))
			continue;
		*ret_after = g->of[i].after;
		*ret_to = g->of[i].to;
	}
}
