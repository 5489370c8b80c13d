/* SPDX-License-Identifier: Apache-2.0 */
/* Stream rows and their cache; see streams.h. */
#include "store/streams.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "agents/msg.h"
#include "store/db.h"
#include "store/store.h"

/* Streams in memory; some 200 phones with 40 each. Beyond, those used longest ago go. */
#define STREAMS_CACHED 8192

struct streams {
	struct db *db;
	sqlite3_stmt *find, *add, *update;
	struct map *map;                /* by key */
	TAILQ_HEAD(, stream) by_use;    /* last used at the tail */
	TAILQ_HEAD(, stream) by_change; /* to be written */
};

static const char find_sql[] =
	"SELECT id, kind, budget_ns, mark, n_values, n_over, t_first, t_last, ordered FROM"
	" streams"
	" WHERE attempt = ?1 AND stream = ?2 AND boot = ?3";
static const char add_sql[] =
	"INSERT INTO streams (attempt, stream, boot, kind, name, unit, scale, source, budget_ns,"
	" period_ns, mark, n_values, n_over, t_first, t_last, ordered)"
	" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, 0, 0, 0, 0, 1)";
static const char update_sql[] =
	"UPDATE streams SET mark = ?2, n_values = ?3, n_over = ?4, t_first = ?5, t_last = ?6,"
	" ordered = ?7 WHERE id = ?1";

struct streams *streams_new(struct db *db, struct err *e)
{
	struct streams *s = mem_zalloc(sizeof(*s));

	s->db = db;
	s->map = map_new();
	TAILQ_INIT(&s->by_use);
	TAILQ_INIT(&s->by_change);
	if (db_prepare(db, &s->find, find_sql, e) || db_prepare(db, &s->add, add_sql, e) ||
		db_prepare(db, &s->update, update_sql, e)) {
		streams_free(s);
		return NULL;
	}
	return s;
}

static void drop(struct streams *s, struct stream *st)
{
	if (st->changed)
		TAILQ_REMOVE(&s->by_change, st, by_change);
	TAILQ_REMOVE(&s->by_use, st, by_use);
	map_del_str(s->map, st->key);
	mem_free(st);
}

static void drop_all(struct streams *s)
{
	while (!TAILQ_EMPTY(&s->by_use))
		drop(s, TAILQ_FIRST(&s->by_use));
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	drop_all(s);
	map_free(s->map);
	db_finalize(&s->find);
	db_finalize(&s->add);
	db_finalize(&s->update);
	mem_free(s);
}

static void make_key(char key[STREAM_KEY], const struct store_chunk *c)
{
	snprintf(key, STREAM_KEY, "%llx.%llx.%x", (unsigned long long)c->attempt,
		(unsigned long long)c->boot, c->stream);
}

static struct stream *cache(struct streams *s, const char *key)
{
	struct stream *st = mem_zalloc(sizeof(*st));

	str_copy(st->key, sizeof(st->key), key);
	map_put_str(s->map, st->key, st);
	TAILQ_INSERT_TAIL(&s->by_use, st, by_use);
	return st;
}

static void bind_key(sqlite3_stmt *q, const struct store_chunk *c)
{
	sqlite3_bind_int64(q, 1, c->attempt);
	sqlite3_bind_int64(q, 2, c->stream);
	sqlite3_bind_int64(q, 3, c->boot);
}

int streams_find(
	struct streams *s, const struct store_chunk *c, struct stream **ret_st, struct err *e)
{
	char key[STREAM_KEY];
	struct stream *st;
	int rc, code = 0;

	make_key(key, c);
	st = map_get_str(s->map, key);
	if (st) {
		TAILQ_REMOVE(&s->by_use, st, by_use);
		TAILQ_INSERT_TAIL(&s->by_use, st, by_use);
		*ret_st = st;
		return 0;
	}
	bind_key(s->find, c);
	rc = sqlite3_step(s->find);
	if (rc == SQLITE_ROW) {
		st = cache(s, key);
		st->id = sqlite3_column_int64(s->find, 0);
		st->kind = (uint8_t)sqlite3_column_int(s->find, 1);
		st->budget_ns = sqlite3_column_int64(s->find, 2);
		st->mark = (uint64_t)sqlite3_column_int64(s->find, 3);
		st->n_values = sqlite3_column_int64(s->find, 4);
		st->n_over = sqlite3_column_int64(s->find, 5);
		st->t_first = sqlite3_column_int64(s->find, 6);
		st->t_last = sqlite3_column_int64(s->find, 7);
		st->ordered = sqlite3_column_int(s->find, 8) != 0;
	} else if (rc != SQLITE_DONE) {
		code = db_error(s->db, rc, e, "looking for a stream");
	}
	sqlite3_reset(s->find);
	if (!code)
		*ret_st = st;
	return code;
}

/* What an agent calls its streams is shown to people and to browsers. */
static void bind_clean(sqlite3_stmt *q, int i, char *buf, size_t size, const char *text)
{
	str_copy_clean(buf, size, text, strlen(text));
	sqlite3_bind_text(q, i, buf, -1, SQLITE_STATIC);
}

int streams_declare(struct streams *s, const struct store_chunk *c, const struct msg_decl *d,
	struct stream **ret_st, struct err *e)
{
	char key[STREAM_KEY], name[MSG_NAME], unit[MSG_UNIT], source[MSG_SOURCE];
	struct stream *st;
	int rc;

	bind_key(s->add, c);
	sqlite3_bind_int(s->add, 4, d->kind);
	bind_clean(s->add, 5, name, sizeof(name), d->name);
	bind_clean(s->add, 6, unit, sizeof(unit), d->unit);
	sqlite3_bind_int64(s->add, 7, d->scale);
	bind_clean(s->add, 8, source, sizeof(source), d->source);
	sqlite3_bind_int64(s->add, 9, d->budget_ns);
	sqlite3_bind_int64(s->add, 10, d->period_ns);
	rc = db_run(s->db, s->add, e, "storing a stream");
	sqlite3_clear_bindings(s->add);
	if (rc)
		return rc;
	make_key(key, c);
	st = cache(s, key);
	st->id = sqlite3_last_insert_rowid(s->db->h);
	st->kind = d->kind;
	st->budget_ns = d->budget_ns;
	st->mark = 1;
	st->ordered = true;
	*ret_st = st;
	return 0;
}

void streams_changed(struct streams *s, struct stream *st)
{
	if (st->changed)
		return;
	st->changed = true;
	TAILQ_INSERT_TAIL(&s->by_change, st, by_change);
}

int streams_flush(struct streams *s, struct err *e)
{
	struct stream *st;
	int rc;

	while ((st = TAILQ_FIRST(&s->by_change))) {
		sqlite3_bind_int64(s->update, 1, st->id);
		sqlite3_bind_int64(s->update, 2, (int64_t)st->mark);
		sqlite3_bind_int64(s->update, 3, st->n_values);
		sqlite3_bind_int64(s->update, 4, st->n_over);
		sqlite3_bind_int64(s->update, 5, st->t_first);
		sqlite3_bind_int64(s->update, 6, st->t_last);
		sqlite3_bind_int(s->update, 7, st->ordered);
		rc = db_run(s->db, s->update, e, "storing a stream's mark");
		if (rc)
			return rc;
		TAILQ_REMOVE(&s->by_change, st, by_change);
		st->changed = false;
	}
	return 0;
}

void streams_settle(struct streams *s, bool committed)
{
	if (!committed)
		drop_all(s);
	while (map_count(s->map) > STREAMS_CACHED)
		drop(s, TAILQ_FIRST(&s->by_use));
	assert(TAILQ_EMPTY(&s->by_change));
}
