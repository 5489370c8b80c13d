/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runners said. Of one run: the shown attempt's text. Of a job: the texts of all its attempts
 * one behind the other, in the order of the attempts, each under a line that names it. An offset
 * into that stays true while text is added, because an attempt's text is followed by the next one's
 * only when the attempt is over.
 */
#include "api/handlers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agents/msg.h"
#include "api/attempt.h"
#include "api/http.h"
#include "api/internal.h"
#include "api/lookup.h"
#include "api/param.h"
#include "api/rows.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/row.h"
#include "core/rows.h"

#define TITLE_MAX     128
#define ATTEMPTS_PAGE 64

struct args {
	int64_t job; /* or: */
	int64_t run, attempt;
	int64_t offset;
};

struct piece {
	struct store_reader *reader;
	int64_t skip; /* of what comes, still before the offset */
	size_t len;
	char *text;  /* API_LOG_PIECE */
	bool closed; /* full, or the rest is not there yet */
	struct err err;
};

struct text {
	int64_t bytes;
	int64_t removed_ms; /* of what is not there any more; 0: all is there */
};

static int text_bytes(void *arg, const struct store_stream *s)
{
	struct text *t = arg;

	if (s->kind != STREAM_TEXT)
		return 0;
	if (s->rollups_removed_ms)
		t->removed_ms = s->rollups_removed_ms;
	else
		t->bytes += s->n_values;
	return 0;
}

static void put_title(struct piece *p, const char *title)
{
	int64_t n = (int64_t)strlen(title);

	if (p->skip >= n) {
		p->skip -= n;
		return;
	}
	if (p->len + n > API_LOG_PIECE) {
		p->closed = true;
		return;
	}
	memcpy(p->text + p->len, title + p->skip, n - p->skip);
	p->len += n - p->skip;
	p->skip = 0;
}

static int put_text(struct piece *p, int64_t attempt)
{
	struct text t = {0, 0};
	char day[25], note[TITLE_MAX];
	int64_t bytes, got;
	int rc = store_streams(p->reader, attempt, text_bytes, &t, &p->err);

	if (rc)
		return rc;
	bytes = t.bytes;
	if (t.removed_ms) {
		clock_iso8601(day, t.removed_ms);
		snprintf(note, sizeof(note), "(this text was removed on %.10s)\n", day);
		put_title(p, note);
		if (p->closed)
			return 0;
	}
	if (p->skip >= bytes) {
		p->skip -= bytes;
		return 0;
	}
	got = store_text(
		p->reader, attempt, p->skip, p->text + p->len, API_LOG_PIECE - p->len, &p->err);
	if (got < 0)
		return (int)got;
	p->len += got;
	p->closed = p->skip + got < bytes;
	p->skip = 0;
	return 0;
}

static int put_attempt(struct piece *p, const struct attempt_row *a)
{
	char title[TITLE_MAX];
	int rc = 0;

	snprintf(title, sizeof(title), "--- r%" PRId64 " round %" PRId64 " a%" PRId64 " ---\n",
		a->run, a->round, a->id);
	put_title(p, title);
	if (!p->closed)
		rc = put_text(p, a->id);
	if (a->state < ATTEMPT_STORED)
		p->closed = true;
	return rc;
}

/* A page of the job's attempts, from `after` on. *ret_last: its last one; 0 when there are no
 * more. */
static int page_text(struct piece *p, int64_t job, int64_t after, int64_t *ret_last)
{
	struct store_page page = {.after = after,
		.limit = ATTEMPTS_PAGE,
		.n_filters = 1,
		.filters = {{"job", NULL, job}}};
	struct rows rows;
	int rc = rows_read(p->reader, &attempt_table, &page, &rows, &p->err);

	*ret_last = rows.n == ATTEMPTS_PAGE ? row_id(rows.table, rows.all[rows.n - 1]) : 0;
	for (int i = 0; i < rows.n && !p->closed && !rc; i++)
		rc = put_attempt(p, rows.all[i]);
	rows_free(&rows);
	return rc;
}

static int job_text(struct piece *p, int64_t job)
{
	int64_t last = 0;
	int rc;

	do
		rc = page_text(p, job, last, &last);
	while (!rc && last && !p->closed);
	return rc;
}

static int run_text(struct piece *p, const struct args *a)
{
	struct attempts list = {0};
	int rc = attempts_read(p->reader, a->run, a->attempt, &list, &p->err);

	return rc || !list.shown ? rc : put_text(p, list.shown);
}

static struct reply *work(const struct task_env *env, void *args)
{
	struct args *a = args;
	struct piece p = {.reader = env->reader, .skip = a->offset};
	struct reply *reply;
	int rc;

	p.text = mem_alloc(API_LOG_PIECE);
	if (a->job)
		rc = lookup_is_there(env, &job_table, "job", 'j', a->job, &p.err);
	else
		rc = lookup_is_there(env, &run_table, "run", 'r', a->run, &p.err);
	if (!rc)
		rc = a->job ? job_text(&p, a->job) : run_text(&p, a);
	if (!rc && p.skip)
		rc = err_set(&p.err, ERR_RANGE,
			"the text ends before this offset: it was restored from a backup, or it is "
			"another attempt's; begin with 0");
	if (rc) {
		mem_free(p.text);
		return reply_error(&p.err);
	}
	reply = reply_take(200, TYPE_TEXT, p.text, p.len);
	reply_header(reply, "X-Next-Offset", "%" PRId64, a->offset + (int64_t)p.len);
	return reply;
}

static const struct task_kind kind = {work};

void logs_job(struct req *r)
{
	static const char *const known[] = {"offset", NULL};
	struct args *a = mem_zalloc(sizeof(*a));

	if (!param_path_id(r, 'j', "job", &a->job) || !param_only(r, known) ||
		!param_int(r, "offset", 0, INT64_MAX / 2, &a->offset)) {
		mem_free(a);
		return;
	}
	req_read(r, &kind, a);
}

void logs_run(struct req *r)
{
	static const char *const known[] = {"offset", "attempt", NULL};
	struct args *a = mem_zalloc(sizeof(*a));

	if (!param_path_id(r, 'r', "run", &a->run) || !param_only(r, known) ||
		!param_id(r, "attempt", 'a', &a->attempt) ||
		!param_int(r, "offset", 0, INT64_MAX / 2, &a->offset)) {
		mem_free(a);
		return;
	}
	req_read(r, &kind, a);
}
