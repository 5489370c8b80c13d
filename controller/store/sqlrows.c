/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks as rows; see sqlrows.h. A table-valued function is a virtual table with hidden columns for its
 * arguments: a cursor unpacks the blob once and walks over what came out. Bytes that are no chunk give no
 * rows: they come from whoever wrote the SQL.
 */
#include "store/sqlrows.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/chunk.h"
#include "agents/msg.h"
#include "core/rows.h"
#include "store/rollup.h"

#ifdef FRAMEFARM_SQL_EXTENSION
SQLITE_EXTENSION_INIT1
#endif

#define SCHEMA_MAX 64
#define VIEW_MAX   4096

/* ---- the tables ---- */

enum shape { SHAPE_VALUES, SHAPE_SECONDS, SHAPES };

struct shape_def {
	const char *name, *declare;
	int argument; /* the hidden column */
};

static const struct shape_def shapes[SHAPES] = {
	{"framefarm_values", "CREATE TABLE x (i, t, v, data HIDDEN)", 3},
	{"framefarm_seconds",
		"CREATE TABLE x (second, n, over, first, min, max, last, mean, seconds HIDDEN)", 8},
};

struct table {
	sqlite3_vtab base;
	enum shape shape;
};

struct cursor {
	sqlite3_vtab_cursor base;
	int n, at;
	union {
		struct {
			int64_t t[CHUNK_MAX], v[CHUNK_MAX];
		} values;
		struct rollup seconds[ROLLUP_MAX];
	} u;
};

static int connect_table(sqlite3 *h, void *aux, int argc, const char *const *argv,
	sqlite3_vtab **ret_v, char **ret_text)
{
	const struct shape_def *def = aux;
	struct table *t = sqlite3_malloc64(sizeof(*t));
	int rc;

	(void)argc, (void)argv, (void)ret_text;
	if (!t)
		return SQLITE_NOMEM;
	memset(t, 0, sizeof(*t));
	t->shape = def - shapes;
	sqlite3_vtab_config(h, SQLITE_VTAB_INNOCUOUS);
	rc = sqlite3_declare_vtab(h, def->declare);
	if (rc)
		sqlite3_free(t);
	else
		*ret_v = &t->base;
	return rc;
}

static int disconnect(sqlite3_vtab *v)
{
	sqlite3_free(v);
	return SQLITE_OK;
}

/* The argument must be there; without it there is nothing to walk over. */
static int best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
	int argument = shapes[((struct table *)v)->shape].argument;

	info->estimatedCost = 1e9;
	for (int i = 0; i < info->nConstraint; i++) {
		const struct sqlite3_index_constraint *c = &info->aConstraint[i];

		if (c->iColumn != argument || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!c->usable)
			return SQLITE_CONSTRAINT;
		info->aConstraintUsage[i].argvIndex = 1;
		info->aConstraintUsage[i].omit = 1;
		info->idxNum = 1;
		info->estimatedCost = 1000;
		info->estimatedRows = CHUNK_MAX;
		break;
	}
	return SQLITE_OK;
}

static int open_cursor(sqlite3_vtab *v, sqlite3_vtab_cursor **ret_c)
{
	/* Not SQLite's memory: a rollup holds 128-bit sums, which want more alignment than it gives. */
	struct cursor *c = malloc(sizeof(*c));

	(void)v;
	if (!c)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof(c->base));
	c->n = c->at = 0;
	*ret_c = &c->base;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int filter(
	sqlite3_vtab_cursor *base, int idx, const char *text, int argc, sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	enum shape shape = ((struct table *)base->pVtab)->shape;
	const void *blob = idx && argc ? sqlite3_value_blob(argv[0]) : NULL;
	size_t len = blob ? (size_t)sqlite3_value_bytes(argv[0]) : 0;

	(void)text;
	c->at = 0;
	if (!blob)
		c->n = 0;
	else if (shape == SHAPE_VALUES)
		c->n = chunk_unpack(blob, len, c->u.values.t, c->u.values.v);
	else
		c->n = rollup_unpack(c->u.seconds, blob, len);
	return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *c)
{
	((struct cursor *)c)->at++;
	return SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *base)
{
	const struct cursor *c = (const struct cursor *)base;

	return c->at >= c->n;
}

static int64_t second_column(const struct rollup *r, int i)
{
	const int64_t columns[] = {r->second, r->n, r->over, r->first, r->min, r->max, r->last};

	return columns[i];
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i)
{
	const struct cursor *c = (const struct cursor *)base;

	if (((struct table *)base->pVtab)->shape == SHAPE_VALUES) {
		if (i < 3)
			sqlite3_result_int64(ctx, i == 0   ? c->at
						  : i == 1 ? c->u.values.t[c->at]
							   : c->u.values.v[c->at]);
	} else if (i < 7) {
		sqlite3_result_int64(ctx, second_column(&c->u.seconds[c->at], i));
	} else if (i == 7) {
		sqlite3_result_double(ctx, rollup_mean(&c->u.seconds[c->at]));
	}
	return SQLITE_OK;
}

static int rowid_of(sqlite3_vtab_cursor *c, sqlite3_int64 *ret_id)
{
	*ret_id = ((struct cursor *)c)->at;
	return SQLITE_OK;
}

/* Without xCreate it is there by its name, without CREATE VIRTUAL TABLE; without xUpdate, only read. */
static const sqlite3_module module = {
	.xConnect = connect_table,
	.xBestIndex = best_index,
	.xDisconnect = disconnect,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next,
	.xEof = at_end,
	.xColumn = column,
	.xRowid = rowid_of,
};

/* ---- names of numbers ---- */

static const char *stream_kind_name(int64_t k)
{
	static const char *const names[] = {
		[STREAM_FACTS] = "facts",
		[STREAM_TEXT] = "text",
		[STREAM_COUNTER] = "counter",
		[STREAM_ITER] = "iterations",
		[STREAM_PACED] = "paced",
		[STREAM_EXEC] = "exec",
		[STREAM_MARKS] = "marks",
	};

	return k > 0 && k < (int64_t)(sizeof(names) / sizeof(*names)) ? names[k] : "unknown";
}

static const struct {
	const char *kind;
	const char *(*name)(int64_t n);
} kinds[] = {
	{"job", job_state_name},
	{"run", run_state_name},
	{"attempt", attempt_state_name},
	{"device", device_state_name},
	{"link", device_link_name},
	{"lease", lease_state_name},
	{"verdict", verdict_name},
	{"failure", failure_name},
	{"stream", stream_kind_name},
};

static void state(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const char *kind = (const char *)sqlite3_value_text(argv[0]);

	(void)argc;
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].kind, kind)) {
			sqlite3_result_text(ctx, kinds[i].name(sqlite3_value_int64(argv[1])), -1,
				SQLITE_STATIC);
			return;
		}
}

/* ---- the views ---- */

/* The attached database that has the table; false: none. */
static bool find_schema(sqlite3 *h, const char *table, char dst[SCHEMA_MAX])
{
	sqlite3_stmt *list;
	bool found = false;

	if (sqlite3_prepare_v2(h, "SELECT name FROM pragma_database_list", -1, &list, NULL))
		return false;
	while (!found && sqlite3_step(list) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(list, 0);

		snprintf(dst, SCHEMA_MAX, "%s", name ? name : "");
		found = sqlite3_table_column_metadata(
				h, dst, table, NULL, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
	}
	sqlite3_finalize(list);
	return found;
}

/* The view's text with the schemas' names in their places; false when it does not fit. */
static bool expand(char dst[VIEW_MAX], const char *select, const char *control, const char *samples)
{
	size_t n = 0;

	for (const char *p = select; *p; p++) {
		const char *name = !strncmp(p, "{c}", 3)   ? control
		                   : !strncmp(p, "{s}", 3) ? samples
		                                           : NULL;
		size_t len = name ? strlen(name) : 1;

		if (n + len >= VIEW_MAX)
			return false;
		memcpy(dst + n, name ? name : p, len);
		n += len;
		p += name ? 2 : 0;
	}
	dst[n] = '\0';
	return true;
}

static int add_views(sqlite3 *h)
{
	char control[SCHEMA_MAX] = "", samples[SCHEMA_MAX] = "", select[VIEW_MAX];
	bool has_control = find_schema(h, "jobs", control),
	     has_samples = find_schema(h, "aged", samples);
	int rc = SQLITE_OK;

	for (const struct sqlrows_view *v = sqlrows_views; v->name && !rc; v++) {
		char *sql;

		if (!strcmp(v->needs, "jobs") ? !has_control : !has_samples)
			continue;
		if (!expand(select, v->select, control, samples))
			return SQLITE_TOOBIG;
		sql = sqlite3_mprintf(
			"CREATE TEMP VIEW IF NOT EXISTS \"%s\" AS %s", v->name, select);
		rc = sqlite3_exec(h, sql, NULL, NULL, NULL);
		sqlite3_free(sql);
	}
	return rc;
}

int sqlrows_add(sqlite3 *h)
{
	int rc = SQLITE_OK;

	for (int i = 0; i < SHAPES && !rc; i++)
		rc = sqlite3_create_module_v2(h, shapes[i].name, &module, (void *)&shapes[i], NULL);
	if (!rc)
		rc = sqlite3_create_function_v2(h, "framefarm_state", 2,
			SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, state, NULL,
			NULL, NULL);
	return rc ? rc : add_views(h);
}

#ifdef FRAMEFARM_SQL_EXTENSION
/* The name that .load derives from the file's. */
int sqlite3_framefarmsql_init(sqlite3 *h, char **ret_text, const sqlite3_api_routines *api);

int sqlite3_framefarmsql_init(sqlite3 *h, char **ret_text, const sqlite3_api_routines *api)
{
	(void)ret_text;
	SQLITE_EXTENSION_INIT2(api);
	return sqlrows_add(h);
}
#endif
