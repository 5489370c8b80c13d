/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every value of a stream, as CSV: time from the attempt's origin in ns, value in the stream's
 * unit. It may be long and its reader slow, so it is made in pieces: a pool thread fills one while
 * the socket has none to send, and no reader of the store is held in between (an open read would
 * pin the write-ahead log).
 */
#include "api/handlers.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "api/http.h"
#include "api/internal.h"
#include "api/param.h"
#include "api/series.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#define LINE_MAX 64 /* two 64-bit numbers, a point, separators */
#define STOP     1  /* the piece is full */

/* Where the next piece begins: values at `t` of which `skip` were sent. */
struct place {
	int64_t t;
	int64_t skip;
};

struct piece {
	struct series_of of;
	struct series_found found;
	bool is_found; /* found is filled in: not the first piece */
	struct place at;
	struct buf text;
	bool end;
	int64_t same; /* values at at.t met in this walk */
};

struct csv {
	struct api *api;
	struct req *req;
	struct task *task;
	struct buf text; /* being sent, from `sent` on */
	size_t sent;
	struct piece next; /* the state that goes from task to task; without text */
	bool end, broken;
};

/* ---- on a pool thread ---- */

/* value = v / scale, exactly, for scales that are powers of ten. */
static int put_value(struct buf *b, int64_t v, int64_t scale)
{
	int64_t rest = v % scale;
	int digits = 0;

	if (scale <= 1 || !rest)
		return buf_printf(b, "%" PRId64 "\n", scale > 1 ? v / scale : v);
	for (int64_t s = scale; s > 1; s /= 10)
		digits++;
	return buf_printf(b, "%s%" PRId64 ".%0*" PRId64 "\n", v < 0 && !(v / scale) ? "-" : "",
		v / scale, digits, rest < 0 ? -rest : rest);
}

static bool is_power_of_ten(int64_t scale)
{
	while (scale > 1 && scale % 10 == 0)
		scale /= 10;
	return scale == 1;
}

static int put_line(struct piece *p, int64_t t, int64_t v)
{
	int64_t scale = p->found.stream.scale;

	buf_printf(&p->text, "%" PRId64 ",", t - p->found.origin.t0);
	if (scale > 1 && !is_power_of_ten(scale))
		return buf_printf(&p->text, "%.12g\n", (double)v / scale);
	return put_value(&p->text, v, scale);
}

static int add_values(void *arg, const int64_t *t, const int64_t *v, int n)
{
	struct piece *p = arg;

	for (int i = 0; i < n; i++) {
		if (t[i] == p->at.t && p->same < p->at.skip) {
			p->same++;
			continue;
		}
		if (p->text.len + LINE_MAX > API_CSV_PIECE)
			return STOP;
		put_line(p, t[i], v[i]);
		if (t[i] != p->at.t)
			p->at = (struct place){t[i], 0};
		p->same = ++p->at.skip;
	}
	return 0;
}

static struct reply *work(const struct task_env *env, void *args)
{
	struct piece *p = args;
	struct err e = {0};
	int rc = 0;

	buf_init(&p->text, API_CSV_PIECE + LINE_MAX);
	if (!p->is_found) {
		rc = series_find(env->reader, &p->of, &p->found, &e);
		p->is_found = true;
		p->at = (struct place){INT64_MIN, 0};
		buf_puts(&p->text, "t_ns,value\n");
	}
	p->same = 0;
	if (!rc)
		rc = store_values(env->reader, p->found.attempt, p->found.stream.stream, p->at.t,
			INT64_MAX, add_values, p, &e);
	p->end = rc != STOP;
	return rc && rc != STOP ? reply_error(&e) : NULL;
}

static void piece_free(void *args)
{
	struct piece *p = args;

	buf_fini(&p->text);
	mem_free(p);
}

/* ---- on the loop thread ---- */

static void take_piece(struct csv *c, struct piece *p)
{
	buf_fini(&c->text);
	c->text = p->text;
	c->sent = 0;
	c->end = p->end;
	buf_init(&p->text, 0);
	c->next = *p;
}

static void next_done(void *owner, void *args, struct reply *p)
{
	struct csv *c = owner;

	c->task = NULL;
	if (p)
		c->broken = true;
	else
		take_piece(c, args);
	reply_free(p);
	req_wake(c->req);
}

static void start_next(struct csv *c)
{
	static const struct task_kind kind = {work, next_done, piece_free};
	struct piece *p = mem_alloc(sizeof(*p));
	struct err e;

	*p = c->next;
	req_wait_until(c->req, api_now_ms(c->api) + API_READ_MS);
	c->task = task_start(c->api, &kind, c, p, &e);
	if (!c->task)
		c->broken = true;
}

static ssize_t csv_read(void *arg, char *dst, size_t max)
{
	struct csv *c = arg;
	size_t n = c->text.len - c->sent;

	if (n) {
		n = n < max ? n : max;
		memcpy(dst, c->text.data + c->sent, n);
		c->sent += n;
		return (ssize_t)n;
	}
	if (c->end)
		return SOURCE_END;
	if (!c->task && !c->broken)
		start_next(c);
	return c->broken ? SOURCE_BROKEN : 0;
}

static void csv_expired(void *arg)
{
	struct csv *c = arg;

	c->broken = true;
	req_wake(c->req);
}

static void csv_free(void *arg)
{
	struct csv *c = arg;

	task_abandon(c->task);
	buf_fini(&c->text);
	mem_free(c);
}

/* The first piece decides between an error and a stream. */
static void first_done(void *owner, void *args, struct reply *p)
{
	static const struct source source = {csv_read, csv_expired, csv_free};
	struct req *r = owner;
	struct csv *c;

	if (p) {
		req_reply(r, p);
		return;
	}
	c = mem_zalloc(sizeof(*c));
	c->api = r->api;
	c->req = r;
	take_piece(c, args);
	p = reply_source("text/csv; charset=utf-8", &source, c);
	reply_header(p, "Content-Disposition", "attachment; filename=\"r%" PRId64 ".csv\"",
		c->next.of.run);
	req_reply(r, p);
}

void samples_get(struct req *r)
{
	static const char *const known[] = {"stream", "attempt", NULL};
	static const struct task_kind kind = {work, first_done, piece_free};
	struct piece *p = mem_zalloc(sizeof(*p));

	if (!param_only(r, known) || !series_params(r, &p->of)) {
		mem_free(p);
		return;
	}
	req_read(r, &kind, p);
}
