/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that belong to other rows; see lookup.h. */
#include "api/lookup.h"

#include <assert.h>
#include <inttypes.h>

#include "api/internal.h"
#include "api/show.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/row.h"
#include "core/rows.h"
#include "farm/ctl.h"
#include "store/store.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

struct kept {
	const struct row_table *table;
	void *row; /* NULL: there is none */
	char model[LIMIT_NAME];
};

struct lookup {
	const struct task_env *env;
	struct map *rows[5]; /* of each of tables: id → struct kept */
};

static const struct row_table *const tables[] = {
	&job_table, &run_table, &attempt_table, &device_table, &store_pin_table};

struct lookup *lookup_new(const struct task_env *env)
{
	struct lookup *l = mem_zalloc(sizeof(*l));

	l->env = env;
	for (int i = 0; i < COUNT(tables); i++)
		l->rows[i] = map_new();
	return l;
}

const char *lookup_links(const struct lookup *l)
{
	return l->env->links;
}

void lookup_free(struct lookup *l)
{
	for (int i = 0; i < COUNT(tables); i++) {
		for (struct map_item *it = map_first(l->rows[i]); it; it = map_next(it)) {
			struct kept *k = map_value(it);

			row_free(tables[i], k->row);
			mem_free(k);
		}
		map_free(l->rows[i]);
	}
	mem_free(l);
}

static int keep(void *arg, const void *row)
{
	struct kept *k = arg;

	k->row = row_copy(k->table, row);
	return 0;
}

static struct map *map_of(struct lookup *l, const struct row_table *t)
{
	int i = 0;

	while (tables[i] != t)
		assert(++i < COUNT(tables));
	return l->rows[i];
}

static const struct kept *find(
	struct lookup *l, const struct row_table *t, int64_t id, struct err *e)
{
	struct store_page page = {.limit = 1, .n_filters = 1, .filters = {{"id", NULL, id}}};
	struct map *m = map_of(l, t);
	struct kept *k = map_get(m, id);
	int rc;

	if (k)
		return k;
	k = mem_zalloc(sizeof(*k));
	k->table = t;
	rc = store_rows(l->env->reader, t, &page, keep, k, e);
	if (rc) {
		mem_free(k);
		return NULL;
	}
	if (t == &job_table && k->row)
		show_model_name(((const struct job_row *)k->row)->spec, k->model, sizeof(k->model));
	map_put(m, id, k);
	return k;
}

const void *lookup_row(struct lookup *l, const struct row_table *t, int64_t id, struct err *e)
{
	const struct kept *k = find(l, t, id, e);

	return k ? k->row : NULL;
}

static int say_lost(struct store *s, const char *what, char letter, int64_t id, struct err *e)
{
	struct store_restored r;
	char made[25], at[25];

	store_get_restored(s, &r);
	clock_iso8601(made, r.made_ms);
	clock_iso8601(at, r.at_ms);
	return err_set(e, ERR_NOTFOUND,
		"there is no %s %c%" PRId64 ": at %s this farm was restored from a backup of %s, "
		"and what came behind it is lost",
		what, letter, id, at, made);
}

int lookup_need(struct lookup *l, const struct row_table *t, const char *what, char letter,
	int64_t id, const void **ret_row, struct err *e)
{
	const struct kept *k = find(l, t, id, e);

	if (!k)
		return e->code;
	if (!k->row && store_is_lost(ctl_store(l->env->ctl), t, id))
		return say_lost(ctl_store(l->env->ctl), what, letter, id, e);
	if (!k->row)
		return err_set(e, ERR_NOTFOUND, "there is no %s %c%" PRId64, what, letter, id);
	*ret_row = k->row;
	return 0;
}

struct json *lookup_run(struct lookup *l, const struct run_row *run, bool full,
	struct json *attempts, struct err *e)
{
	struct show_run s = {
		.run = run, .full = full, .links = l->env->links, .attempts = attempts};
	const struct kept *job = find(l, &job_table, run->job, e), *device = NULL;
	struct ctl_progress p;

	if (job && run->device)
		device = find(l, &device_table, run->device, e);
	if (!job || (run->device && !device)) {
		json_free(attempts);
		return NULL;
	}
	s.job = job->row;
	s.model = job->model;
	s.device = device ? device->row : NULL;
	if (run->state < RUN_COMPLETED && live_get(l->env->live, run->id, &p))
		s.progress = &p;
	return show_run(&s);
}

int lookup_is_there(const struct task_env *env, const struct row_table *t, const char *what,
	char letter, int64_t id, struct err *e)
{
	struct lookup *l = lookup_new(env);
	const void *row;
	int rc = lookup_need(l, t, what, letter, id, &row, e);

	lookup_free(l);
	return rc;
}
