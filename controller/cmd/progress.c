/* SPDX-License-Identifier: Apache-2.0 */
/* What a waiting user sees; see progress.h. */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd/report.h"

#define LOG_EVERY_MS 10000 /* of one run in one phase, where no terminal is */

/* What is known of one run. */
struct seen {
	char variant[LIMIT_NAME];
	char phase[LIMIT_NAME];
	int64_t shown_ms;
};

struct progress {
	bool quiet, live;
	bool line; /* the changing line stands on the terminal */
	bool outage;
	struct map *runs; /* "r5": struct seen * */
};

struct progress *progress_new(bool quiet)
{
	struct progress *p = mem_zalloc(sizeof(*p));

	p->quiet = quiet;
	p->live = !quiet && isatty(STDERR_FILENO);
	p->runs = map_new();
	return p;
}

static void clear_line(struct progress *p)
{
	if (p->line)
		fputs("\r\033[K", stderr);
	p->line = false;
}

void progress_free(struct progress *p)
{
	if (!p)
		return;
	clear_line(p);
	for (struct map_item *it = map_first(p->runs); it; it = map_next(it))
		mem_free(map_value(it));
	map_free(p->runs);
	mem_free(p);
}

static struct seen *seen_of(struct progress *p, const char *run)
{
	struct seen *s = map_get_str(p->runs, run);

	if (!s && map_count(p->runs) < LIMIT_RUNS_PER_JOB) {
		s = mem_zalloc(sizeof(*s));
		map_put_str(p->runs, run, s);
	}
	return s;
}

void progress_names(struct progress *p, const struct report *r)
{
	for (int i = 0; i < r->n; i++) {
		struct seen *s = seen_of(p, r->runs[i].id);

		if (s)
			str_copy(s->variant, sizeof(s->variant), r->runs[i].variant);
	}
}

static void member(char *dst, size_t size, const struct json *ev, const char *key)
{
	const char *s = json_str(json_get(ev, key));

	str_copy_clean(dst, size, s, strlen(s));
}

void progress_event(struct progress *p, const struct json *ev)
{
	char topic[LIMIT_NAME], subject[LIMIT_NAME], to[LIMIT_NAME], cause[LIMIT_CAUSE];
	const struct seen *s;

	member(topic, sizeof(topic), ev, "topic");
	member(subject, sizeof(subject), ev, "subject");
	member(to, sizeof(to), ev, "to");
	member(cause, sizeof(cause), ev, "cause");
	if (p->quiet || (strcmp(topic, "run") && strcmp(topic, "job")))
		return;
	s = strcmp(topic, "run") ? NULL : seen_of(p, subject);
	clear_line(p);
	fprintf(stderr, "%s%s%s: %s%s%s%s\n", subject, s && s->variant[0] ? " " : "",
		s ? s->variant : "", to, cause[0] ? " (" : "", cause, cause[0] ? ")" : "");
}

/* "r5 fp32: paced 43 %, 812 iterations, 0 over budget, 41.2 C" */
static void describe(struct buf *b, const char *run, const struct seen *s, const struct json *ev)
{
	int64_t permille = -1, iterations = -1, over = -1, mc;

	json_int(json_get(ev, "permille"), &permille);
	json_int(json_get(ev, "iterations"), &iterations);
	json_int(json_get(ev, "over_budget"), &over);
	buf_printf(b, "%s %s: %s", run, s->variant, s->phase);
	if (permille >= 0)
		buf_printf(b, " %" PRId64 " %%", permille / 10);
	if (iterations > 0)
		buf_printf(b, ", %" PRId64 " iterations", iterations);
	if (iterations > 0 && over >= 0)
		buf_printf(b, ", %" PRId64 " over budget", over);
	if (json_int(json_get(ev, "hottest_mc"), &mc))
		buf_printf(b, ", %.1f C", (double)mc / 1000);
}

void progress_update(struct progress *p, const struct json *ev)
{
	char run[LIMIT_NAME], phase[LIMIT_NAME];
	int64_t now = clock_mono_ms();
	struct seen *s;
	struct buf b;
	bool due;

	member(run, sizeof(run), ev, "run");
	member(phase, sizeof(phase), ev, "phase");
	s = p->quiet || !run[0] ? NULL : seen_of(p, run);
	if (!s)
		return;
	due = p->live || strcmp(phase, s->phase) || now - s->shown_ms >= LOG_EVERY_MS;
	str_copy(s->phase, sizeof(s->phase), phase);
	if (!due)
		return;
	s->shown_ms = now;
	buf_init(&b, 1024);
	describe(&b, run, s, ev);
	if (p->live)
		fprintf(stderr, "\r\033[K%s", buf_text(&b));
	else
		fprintf(stderr, "%s\n", buf_text(&b));
	fflush(stderr);
	p->line = p->live;
	buf_fini(&b);
}

void progress_outage(struct progress *p, const char *why)
{
	if (!p->quiet && !p->outage) {
		clear_line(p);
		fprintf(stderr, "%s; the job goes on, waiting for the daemon\n", why);
	}
	p->outage = true;
}

void progress_back(struct progress *p)
{
	if (!p->quiet && p->outage) {
		clear_line(p);
		fputs("the daemon is back\n", stderr);
	}
	p->outage = false;
}
