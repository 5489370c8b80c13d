/* SPDX-License-Identifier: Apache-2.0 */
/* What the store holds of an attempt; see attempt.h. */
#include "api/attempt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agents/msg.h"
#include "agents/plan.h"
#include "api/bounds.h"
#include "api/show.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "core/rows.h"

#define NAMES_MAX 320 /* bytes of names in a message */

/* ---- which one ---- */

struct walk {
	struct attempts *list;
	int64_t want;
	bool found;
};

static int add_attempt(void *arg, const void *row)
{
	const struct attempt_row *a = row;
	struct walk *w = arg;

	w->found |= a->id == w->want;
	if (a->counted)
		w->list->counted = a->id;
	w->list->shown = a->id;
	w->list->n++;
	if (w->list->items)
		json_push(w->list->items, show_attempt(a));
	return 0;
}

int attempts_read(
	struct store_reader *r, int64_t run, int64_t want, struct attempts *list, struct err *e)
{
	struct store_page page = {
		.limit = API_ATTEMPTS_MAX, .n_filters = 1, .filters = {{"run", NULL, run}}};
	struct walk w = {.list = list, .want = want};
	int rc = store_rows(r, &attempt_table, &page, add_attempt, &w, e);

	if (rc)
		return rc;
	if (want && !w.found)
		return err_set(
			e, ERR_NOTFOUND, "a%" PRId64 " is no attempt of run r%" PRId64, want, run);
	if (want)
		list->shown = want;
	else if (list->counted)
		list->shown = list->counted;
	return 0;
}

/* ---- streams ---- */

static const char *kind_name(int kind)
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

	return kind > 0 && kind < (int)(sizeof(names) / sizeof(*names)) ? names[kind] : "unknown";
}

static bool has_times(const struct store_stream *s)
{
	return s->kind != STREAM_FACTS && s->kind != STREAM_TEXT && s->n_values > 0;
}

static void widen(struct origin *o, const struct store_stream *s)
{
	if (!has_times(s))
		return;
	if (!o->any || s->t_first < o->t0)
		o->t0 = s->t_first;
	if (!o->any || s->t_last > o->t1)
		o->t1 = s->t_last;
	o->any = true;
}

struct find {
	const char *name;
	struct store_stream *found;
	bool any;
	struct origin origin;
	char names[NAMES_MAX];
};

static int look_at(void *arg, const struct store_stream *s)
{
	struct find *f = arg;
	size_t n = strlen(f->names);

	widen(&f->origin, s);
	if (!has_times(s))
		return 0;
	if (!f->any && !strcmp(s->name, f->name)) {
		*f->found = *s;
		f->any = true;
	}
	snprintf(f->names + n, sizeof(f->names) - n, "%s%s", n ? ", " : "", s->name);
	return 0;
}

int attempt_stream(struct store_reader *r, int64_t attempt, const char *name,
	struct store_stream *ret_s, struct origin *ret_o, struct err *e)
{
	struct find f = {.name = name, .found = ret_s};
	int rc = store_streams(r, attempt, look_at, &f, e);

	if (rc)
		return rc;
	if (!f.any)
		return err_set(e, ERR_NOTFOUND,
			"there is no stream '%.63s' in a%" PRId64 "; it has: %s", name, attempt,
			*f.names ? f.names : "none yet");
	*ret_o = f.origin;
	return 0;
}

static struct json *show_stream(const struct store_stream *s, int64_t t0)
{
	struct json *o = json_new_object();

	json_add_str(o, "name", s->name);
	json_add_str(o, "kind", kind_name(s->kind));
	json_add_str(o, "unit", s->unit);
	json_add_int(o, "scale", s->scale ? s->scale : 1);
	json_add_str(o, "source", s->source);
	json_add_int(o, "n", s->n_values);
	json_add_int(o, "over", s->n_over);
	json_add_int(o, "budget_ns", s->budget_ns);
	json_add_int(o, "period_ns", s->period_ns);
	json_add_int(o, "from_ns", s->t_first - t0);
	json_add_int(o, "to_ns", s->t_last - t0);
	show_time(o, "raw_removed_at", s->raw_removed_ms);
	show_time(o, "rollups_removed_at", s->rollups_removed_ms);
	return o;
}

/* ---- phases ---- */

struct phases {
	struct json *list, *open; /* open: the phase whose end is the next mark */
	int64_t t0;
	int n;
};

static void close_phase(struct phases *p, int64_t t)
{
	if (p->open)
		json_add_int(p->open, "to_ns", t - p->t0);
	p->open = NULL;
}

static int add_marks(void *arg, const int64_t *t, const int64_t *v, int n)
{
	struct phases *p = arg;

	for (int i = 0; i < n && p->n < API_PHASES_MAX; i++, p->n++) {
		close_phase(p, t[i]);
		p->open = json_new_object();
		json_add_str(p->open, "phase", phase_name((int)(v[i] >> 16)));
		json_add_int(p->open, "block", v[i] & 0xffff);
		json_add_int(p->open, "from_ns", t[i] - p->t0);
		json_push(p->list, p->open);
	}
	return 0;
}

/* ---- facts ---- */

struct facts {
	struct json *list;
	int n;
};

static int add_fact(void *arg, const struct store_fact *f)
{
	struct facts *all = arg;
	struct json *o;

	if (all->n++ == API_FACTS_MAX)
		return 0;
	o = json_new_object();
	json_add_str(o, "key", f->key);
	if (f->kind == FACT_INT)
		json_add_int(o, "value", f->i);
	else if (f->kind == FACT_NUM)
		json_add_num(o, "value", f->f);
	else
		json_add_str(o, "value", f->text);
	json_push(all->list, o);
	return 0;
}

/* ---- all of it ---- */

struct streams {
	struct store_stream *all;
	int n;
};

static int keep_stream(void *arg, const struct store_stream *s)
{
	struct streams *st = arg;

	if (st->n < API_STREAMS_MAX)
		st->all[st->n++] = *s;
	return 0;
}

static int show_streams(
	struct store_reader *r, const struct streams *st, struct json *o, struct err *e)
{
	struct json *list = json_new_array();
	struct phases p = {.list = json_new_array()};
	struct origin origin = {0};
	int64_t text_bytes = 0;
	int rc = 0;

	for (int i = 0; i < st->n; i++)
		widen(&origin, &st->all[i]);
	p.t0 = origin.t0;
	for (int i = 0; i < st->n; i++) {
		const struct store_stream *s = &st->all[i];

		if (has_times(s) && s->kind != STREAM_MARKS)
			json_push(list, show_stream(s, origin.t0));
		if (s->kind == STREAM_TEXT)
			text_bytes += s->n_values;
		if (s->kind == STREAM_MARKS && !rc)
			rc = store_values(
				r, s->attempt, s->stream, INT64_MIN, INT64_MAX, add_marks, &p, e);
	}
	close_phase(&p, origin.t1);
	json_add_int(o, "t0_ns", origin.t0);
	json_add_int(o, "length_ns", origin.t1 - origin.t0);
	json_add_int(o, "text_bytes", text_bytes);
	json_add(o, "streams", list);
	json_add(o, "phases", p.list);
	return rc;
}

int attempt_show(struct store_reader *r, int64_t attempt, struct json *o, struct err *e)
{
	struct streams st = {.all = mem_zalloc(API_STREAMS_MAX * sizeof(*st.all))};
	struct facts facts = {.list = json_new_array()};
	int rc = 0;

	show_id(o, "shown_attempt", 'a', attempt);
	if (attempt)
		rc = store_streams(r, attempt, keep_stream, &st, e);
	if (!rc)
		rc = show_streams(r, &st, o, e);
	if (!rc && attempt)
		rc = store_facts(r, attempt, add_fact, &facts, e);
	json_add(o, "facts", facts.list);
	mem_free(st.all);
	return rc;
}
