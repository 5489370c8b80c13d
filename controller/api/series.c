/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chart's data: a stretch of one stream in at most so many buckets, each with its extremes, so
 * that no slow frame is lost at any zoom. Written as text directly: tens of thousands of JSON nodes
 * would cost more than reading the samples.
 */
#include "api/series.h"

#include <inttypes.h>
#include <string.h>

#include "api/attempt.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/lookup.h"
#include "api/param.h"
#include "api/show.h"
#include "api/handlers.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

#define BUCKETS_DEFAULT 1000
#define TEXT_MAX        (8 * 1024 * 1024) /* several times API_BUCKETS_MAX of the longest numbers */
#define LAST_NS         ((int64_t)1 << 53)

struct args {
	struct series_of of;
	int64_t from, to; /* from the attempt's origin */
	int64_t buckets;
};

struct column {
	const char *name;
	size_t off;
	enum { INTEGER, TIME, NUMBER } what;
};

static const struct column columns[] = {
	{"t", offsetof(struct store_bucket, t0), TIME},
	{"first", offsetof(struct store_bucket, first), INTEGER},
	{"min", offsetof(struct store_bucket, min), INTEGER},
	{"max", offsetof(struct store_bucket, max), INTEGER},
	{"last", offsetof(struct store_bucket, last), INTEGER},
	{"mean", offsetof(struct store_bucket, mean), NUMBER},
	{"n", offsetof(struct store_bucket, n), INTEGER},
	{"over", offsetof(struct store_bucket, over), INTEGER},
};

struct list {
	struct store_bucket *all;
	int n, max;
};

static int add(void *arg, const struct store_bucket *b)
{
	struct list *l = arg;

	if (l->n < l->max)
		l->all[l->n++] = *b;
	return 0;
}

static void write_value(
	struct buf *b, const struct column *c, const struct store_bucket *bucket, int64_t t0)
{
	const char *at = (const char *)bucket + c->off;
	int64_t i;
	double f;

	if (c->what == NUMBER) {
		memcpy(&f, at, sizeof(f));
		buf_printf(b, "%.12g", f);
	} else {
		memcpy(&i, at, sizeof(i));
		buf_printf(b, "%" PRId64, c->what == TIME ? i - t0 : i);
	}
}

static void write_columns(struct buf *b, const struct list *l, int64_t t0)
{
	for (size_t c = 0; c < sizeof(columns) / sizeof(*columns); c++) {
		buf_printf(b, ",\"%s\":[", columns[c].name);
		for (int i = 0; i < l->n; i++) {
			if (i)
				buf_put(b, ",", 1);
			write_value(b, &columns[c], &l->all[i], t0);
		}
		buf_put(b, "]", 1);
	}
}

/* What is not a column, through the JSON writer: names come from devices. */
static char *head(const struct series_found *f, const struct args *a)
{
	struct json *o = json_new_object();
	char id[PARAM_ID], *text;

	param_id_text(id, 'a', f->attempt);
	json_add_str(o, "attempt", id);
	json_add_str(o, "stream", f->stream.name);
	json_add_str(o, "unit", f->stream.unit);
	json_add_int(o, "scale", f->stream.scale ? f->stream.scale : 1);
	json_add_int(o, "budget_ns", f->stream.budget_ns);
	json_add_int(o, "t0_ns", f->origin.t0);
	json_add_int(o, "from_ns", a->from);
	json_add_int(o, "to_ns", a->to);
	show_time(o, "raw_removed_at", f->stream.raw_removed_ms);
	text = json_print(o, false);
	json_free(o);
	return text;
}

static struct reply *write_reply(
	const struct series_found *f, const struct args *a, const struct list *l)
{
	char *start = head(f, a), *text;
	struct reply *p;
	struct buf b;

	buf_init(&b, TEXT_MAX);
	buf_put(&b, start, strlen(start) - 1); /* without its closing brace */
	write_columns(&b, l, f->origin.t0);
	buf_put(&b, "}", 1);
	text = mem_alloc(b.len);
	memcpy(text, b.data, b.len);
	p = reply_take(200, TYPE_JSON, text, b.len);
	buf_fini(&b);
	mem_free(start);
	return p;
}

static struct reply *work(const struct task_env *env, void *args)
{
	struct args *a = args;
	struct series_found f;
	struct err e = {0};
	struct list l = {.max = (int)a->buckets};
	struct reply *p;
	int rc;

	rc = series_find(env->reader, &a->of, &f, &e);
	if (rc)
		return reply_error(&e);
	if (a->to > f.origin.t1 - f.origin.t0 + 1)
		a->to = f.origin.t1 - f.origin.t0 + 1;
	l.all = mem_zalloc(l.max * sizeof(*l.all));
	if (a->from < a->to)
		rc = store_series(env->reader, f.attempt, f.stream.stream, f.origin.t0 + a->from,
			f.origin.t0 + a->to, l.max, add, &l, &e);
	p = rc ? reply_error(&e) : write_reply(&f, a, &l);
	mem_free(l.all);
	return p;
}

int series_find(struct store_reader *r, const struct series_of *of, struct series_found *ret_f,
	struct err *e)
{
	struct attempts list = {0};
	int rc = attempts_read(r, of->run, of->attempt, &list, e);

	if (!rc && !list.shown)
		rc = err_set(e, ERR_NOTFOUND, "there is no run r%" PRId64 ", or it has not begun",
			of->run);
	ret_f->attempt = list.shown;
	return rc ? rc
	          : attempt_stream(r, list.shown, of->stream, &ret_f->stream, &ret_f->origin, e);
}

bool series_params(struct req *r, struct series_of *ret_of)
{
	*ret_of = (struct series_of){0};
	if (!param_path_id(r, 'r', "run", &ret_of->run) ||
		!param_id(r, "attempt", 'a', &ret_of->attempt) ||
		!param_text(r, "stream", ret_of->stream, sizeof(ret_of->stream)))
		return false;
	if (*ret_of->stream)
		return true;
	req_reply(r, reply_problem(400, "invalid-request",
			     "the parameter 'stream' is missing: the name of one of the run's "
			     "streams, for instance paced"));
	return false;
}

void series_get(struct req *r)
{
	static const char *const known[] = {"stream", "attempt", "from", "to", "buckets", NULL};
	static const struct task_kind kind = {work};
	struct args *a = mem_zalloc(sizeof(*a));

	a->buckets = BUCKETS_DEFAULT;
	a->to = LAST_NS;
	if (!param_only(r, known) || !series_params(r, &a->of) ||
		!param_int(r, "from", 0, LAST_NS, &a->from) ||
		!param_int(r, "to", 0, LAST_NS, &a->to) ||
		!param_int(r, "buckets", 1, API_BUCKETS_MAX, &a->buckets)) {
		mem_free(a);
		return;
	}
	req_read(r, &kind, a);
}
